"""The endpoint of ``tether local``: its Lambda, its tables and its schedules."""

import contextlib
import datetime
import json
import time

import pytest
from harness import Local, Project
from harness.streamer import STREAMER

LOOKS = """
import os


def handler(event, context):
    return {name: os.environ.get(name) for name in event}
"""

FAILS = """
def handler(event, context):
    raise Exception("intentional failure")
"""

KEEPS = """
import json


def handler(event, context):
    print("got " + json.dumps(event))
"""

TABLE = "AWS_ENDPOINT_URL_DYNAMODB"


def saved(project, change):
    """The project, its template changed."""
    text = json.loads(project.template.read_text())
    change(text["Resources"])
    project.write("template.yaml", json.dumps(text))
    return project


@pytest.fixture
def tables(tmp_path):
    project = Project.of(tmp_path / "tables", {"Looks": LOOKS})

    def change(resources):
        resources["Items"] = {
            "Type": "AWS::Serverless::SimpleTable",
            "Properties": {"TableName": "items"},
        }

    return saved(project, change)


def key_of(project, name):
    def change(resources):
        key = {"Name": name, "Type": "String"}
        resources["Items"]["Properties"]["PrimaryKey"] = key

    saved(project, change)


def test_tables_are_kept_in_a_folder_from_one_run_to_the_next(tables, tmp_path):
    flags = ("--data-dir", str(tmp_path / "data"))
    item = {"id": {"S": "1"}, "said": {"S": "kept"}}
    with Local(tables, *flags) as local:
        local.client("dynamodb").put_item(TableName="items", Item=item)
        assert local.interrupt() == 0
    with Local(tables, *flags) as local:
        found = local.client("dynamodb").get_item(TableName="items", Key={"id": {"S": "1"}})
        assert found["Item"] == item
        assert local.interrupt() == 0
    key_of(tables, "other")
    with Local(tables, *flags) as local:
        local.wait_for_notice("the keys of items, which is kept from an earlier run, are others")
        found = local.client("dynamodb").scan(TableName="items")
        assert found["Items"] == [item]
        assert local.interrupt() == 0
    with Local(tables) as local:
        assert local.client("dynamodb").scan(TableName="items")["Items"] == []


def test_aws_own_tables_are_left_to_aws(tables):
    with Local(tables, "--aws-tables") as local:
        seen = json.loads(local.invoke("Looks", [TABLE, "AWS_ENDPOINT_URL_LAMBDA"])["Payload"])
        assert seen == {TABLE: None, "AWS_ENDPOINT_URL_LAMBDA": local.endpoint}
        assert "items" not in local.client("dynamodb").list_tables()["TableNames"]
    with Local(tables) as local:
        seen = json.loads(local.invoke("Looks", [TABLE])["Payload"])
        assert seen == {TABLE: local.endpoint}
        assert "items" in local.client("dynamodb").list_tables()["TableNames"]


def test_a_working_copy_streams_to_whoever_asks_for_it(tmp_path):
    project = Project.of(tmp_path / "app", {"Streams": STREAMER}, timeout=20)
    go = tmp_path / "go"
    with Local(project) as local:
        invoked = local.client("lambda").invoke_with_response_stream(
            FunctionName=local.function("Streams"),
            Payload=json.dumps({"parts": ["one", [str(go)], "two"]}),
        )
        with contextlib.closing(invoked["EventStream"]) as stream:
            events = iter(stream)
            assert next(events) == {"PayloadChunk": {"Payload": b"one"}}
            go.touch()
            assert next(events) == {"PayloadChunk": {"Payload": b"two"}}
            assert list(events) == [{"InvokeComplete": {}}]


def test_what_a_process_has_streamed_arrives_though_it_ends_at_once(tmp_path):
    project = Project.of(tmp_path / "app", {"Streams": STREAMER}, timeout=20)
    with Local(project) as local:
        client = local.client("lambda")
        for _ in range(5):
            invoked = client.invoke_with_response_stream(
                FunctionName=local.function("Streams"), Payload=json.dumps({"parts": ["half", "die"]})
            )
            with contextlib.closing(invoked["EventStream"]) as stream:
                first, last = list(stream)
            assert first == {"PayloadChunk": {"Payload": b"half"}}
            assert last["InvokeComplete"]["ErrorCode"] == "Runtime.ExitError"


def test_a_working_copy_is_told_of_another_ones_failure(tmp_path):
    project = Project.of(tmp_path / "app", {"Fails": FAILS, "Keeps": KEEPS})

    def change(resources):
        keeps = {"Type": "Lambda", "Destination": {"Fn::GetAtt": ["Keeps", "Arn"]}}
        resources["Fails"]["Properties"]["EventInvokeConfig"] = {
            "MaximumRetryAttempts": 0,
            "DestinationConfig": {"OnFailure": keeps},
        }

    with Local(saved(project, change)) as local:
        accepted = local.client("lambda").invoke(
            FunctionName=local.function("Fails"), InvocationType="Event", Payload=b'{"a": 1}'
        )
        assert accepted["StatusCode"] == 202

        def look():
            return next((it for it in local.log("Keeps") if it.startswith("got ")), None)

        line = local.process.wait_until(look, "record")
        record = json.loads(line.removeprefix("got "))
        assert record["requestPayload"] == {"a": 1}
        assert record["requestContext"]["condition"] == "RetriesExhausted"
        assert record["responsePayload"]["errorMessage"] == "intentional failure"


def test_a_failure_for_a_queue_of_the_template_is_named_without_what_is_in_it(tmp_path):
    project = Project.of(tmp_path / "app", {"Fails": FAILS})

    def change(resources):
        resources["Queue"] = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "failures"}}
        queue = {"Fn::GetAtt": ["Queue", "Arn"]}
        resources["Fails"]["Properties"]["DeadLetterQueue"] = {"Type": "SQS", "TargetArn": queue}
        resources["Fails"]["Properties"]["EventInvokeConfig"] = {
            "MaximumRetryAttempts": 0,
            "DestinationConfig": {"OnFailure": {"Type": "SQS", "Destination": queue}},
        }

    with Local(saved(project, change)) as local:
        name = local.function("Fails")
        accepted = local.client("lambda").invoke(
            FunctionName=name, InvocationType="Event", Payload=b'{"secret": 1}'
        )
        request_id = accepted["ResponseMetadata"]["RequestId"]
        for what in (f"the record of {name}'s", f"the event of {name}'s"):
            notice = local.wait_for_notice(f"{what} invocation {request_id}")
            assert ":failures" in notice and notice.endswith("RetriesExhausted after 1 attempt")
            assert "secret" not in notice and "intentional" not in notice


def test_schedules_run_where_they_are_asked_for(tmp_path):
    project = Project.of(tmp_path / "app", {"Keeps": KEEPS})
    at = datetime.datetime.fromtimestamp(int(time.time()) + 15, datetime.UTC)

    def change(resources):
        properties = {"ScheduleExpression": f"at({at:%Y-%m-%dT%H:%M:%S})", "Input": "[1]"}
        events = {"Once": {"Type": "ScheduleV2", "Properties": properties}}
        resources["Keeps"]["Properties"]["Events"] = events

    saved(project, change)
    with Local(project) as silent, Local(project, "--schedules") as local:
        local.process.wait_until(lambda: "got [1]" in local.log("Keeps"), "scheduled run")
        # It would have been at the same time.
        silent.invoke("Keeps", {"by": "hand"})

        def said():
            return [it for it in silent.log("Keeps") if it.startswith("got ")]

        silent.process.wait_until(said, "run by hand")
        assert said() == ['got {"by": "hand"}']
