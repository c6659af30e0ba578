"""Asynchronous invocations of the cloud on the desk, and what is told about them."""

import json
import re

import botocore.exceptions
import pytest
from harness import Project

# As the functions whose answers were recorded on AWS, as far as they are told here.
SUBJECT = """
def handler(event, context):
    if event.get("mode") == "failure" or "raise_error" in event:
        raise Exception("intentional failure!")
    return {"hello": "world", "event": event}
"""

KEEPS = """
import json
import pathlib


def handler(event, context):
    told = pathlib.Path(event["requestPayload"]["to"])
    with told.open("a") as file:
        file.write(json.dumps({"record": event, "arn": context.invoked_function_arn}) + "\\n")
"""

ROUND = """
def handler(event, context):
    return {}
"""

QUEUE = "arn:aws:sqs:us-east-1:000000000000:some-queue"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def template(folder):
    """Functions with destinations, as SAM and CloudFormation write them."""
    project = Project.of(
        folder,
        {"Subject": SUBJECT, "Keeps": KEEPS, "Aged": SUBJECT, "Raw": SUBJECT, "Queued": SUBJECT},
    )
    text = json.loads(project.template.read_text())
    resources = text["Resources"]
    keeps = {"Type": "Lambda", "Destination": {"Fn::GetAtt": ["Keeps", "Arn"]}}
    resources["Subject"]["Properties"]["EventInvokeConfig"] = {
        "DestinationConfig": {"OnSuccess": keeps, "OnFailure": keeps},
    }
    resources["Aged"]["Properties"]["EventInvokeConfig"] = {
        "MaximumEventAgeInSeconds": 60,
        "DestinationConfig": {"OnFailure": keeps},
    }
    resources["Queued"]["Properties"]["EventInvokeConfig"] = {
        "MaximumRetryAttempts": 0,
        "DestinationConfig": {"OnFailure": {"Type": "SQS", "Destination": QUEUE}},
    }
    resources["Queued"]["Properties"]["DeadLetterQueue"] = {"Type": "SQS", "TargetArn": QUEUE}
    raw = resources["Raw"]["Properties"]
    raw["Policies"] = [{"LambdaInvokePolicy": {"FunctionName": {"Ref": "Keeps"}}}]
    resources["RawVersion"] = {
        "Type": "AWS::Lambda::Version",
        "Properties": {"FunctionName": {"Ref": "Raw"}, "Description": "the first"},
    }
    resources["RawLive"] = {
        "Type": "AWS::Lambda::Alias",
        "Properties": {
            "FunctionName": {"Ref": "Raw"},
            "FunctionVersion": {"Fn::GetAtt": ["RawVersion", "Version"]},
            "Name": "live",
        },
    }
    resources["RawEvents"] = {
        "Type": "AWS::Lambda::EventInvokeConfig",
        "DependsOn": "RawLive",
        "Properties": {
            "FunctionName": {"Ref": "Raw"},
            "Qualifier": "live",
            "MaximumRetryAttempts": 1,
            "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["Keeps", "Arn"]}}},
        },
    }
    text["Outputs"] = {
        "Version": {"Value": {"Ref": "RawVersion"}},
        "Alias": {"Value": {"Ref": "RawLive"}},
    }
    project.write("template.yaml", json.dumps(text))
    return project


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    folder = tmp_path_factory.mktemp("destinations")
    circle = Project.of(folder / "circle", {"One": ROUND, "Other": ROUND})
    stacks = {"app": template(folder / "app").template, "circle": circle.template}
    # The second pause is longer than an event of Aged may be old.
    return clouds(stacks, "--no-helper-stack", "--async-retry-seconds", "0.1,60")


@pytest.fixture(scope="module")
def aws(cloud):
    return cloud.client("lambda")


@pytest.fixture
def told(cloud, tmp_path):
    """Invokes asynchronously: what the destination was told, and the invocation's id."""
    kept = tmp_path / "told"

    def invoke(function, event, qualifier=None, **more):
        name = cloud.function(function)
        if qualifier:
            more["Qualifier"] = qualifier
        payload = {**event, "to": str(kept)}
        accepted = cloud.client("lambda").invoke(
            FunctionName=name, InvocationType="Event", Payload=json.dumps(payload), **more
        )
        accepted["Payload"].read()
        cloud.process.wait_until(lambda: kept.exists() and kept.read_text(), "record")
        (line,) = kept.read_text().splitlines()
        found = json.loads(line)
        assert found["record"]["requestPayload"].pop("to") == str(kept)
        return found["record"], accepted["ResponseMetadata"]["RequestId"]

    return invoke


# ---- records, beside those that AWS has sent


def normalised(record, cloud, function):
    """As the recorded ones: without ids and times."""
    record = json.loads(json.dumps(record).replace(cloud.function(function), "<function-name>"))
    request_id = record["requestContext"]["requestId"]
    assert UUID.fullmatch(request_id) and TIME.fullmatch(record["timestamp"])
    record["timestamp"] = "date"
    record["requestContext"]["requestId"] = "<uuid:1>"
    answer = record["responsePayload"]
    if "requestId" in answer:
        assert answer["requestId"] == request_id
        answer["requestId"] = "<uuid:1>"
        assert answer.pop("stackTrace")
    return record


ARN = "arn:aws:lambda:us-east-1:000000000000:function:<function-name>"


def test_a_success_is_told_as_aws_tells_it(told, cloud):
    record, request_id = told("Subject", {"mode": "success"})
    assert record["requestContext"]["requestId"] == request_id
    assert normalised(record, cloud, "Subject") == {
        "version": "1.0",
        "timestamp": "date",
        "requestContext": {
            "requestId": "<uuid:1>",
            "functionArn": f"{ARN}:$LATEST",
            "condition": "Success",
            "approximateInvokeCount": 1,
        },
        "requestPayload": {"mode": "success"},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
        "responsePayload": {
            "hello": "world",
            "event": {"mode": "success", **record["responsePayload"]["event"]},
        },
    }


FAILURE = {
    "version": "1.0",
    "timestamp": "date",
    "requestPayload": {"mode": "failure"},
    "responseContext": {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": "Unhandled",
    },
    "responsePayload": {
        "errorMessage": "intentional failure!",
        "errorType": "Exception",
        "requestId": "<uuid:1>",
    },
}


def failure(condition, count, arn=f"{ARN}:$LATEST"):
    context = {
        "requestId": "<uuid:1>",
        "functionArn": arn,
        "condition": condition,
        "approximateInvokeCount": count,
    }
    return {**FAILURE, "requestContext": context}


def test_an_event_that_would_be_too_old_by_its_next_attempt_is_given_up(told, cloud):
    record, _ = told("Aged", {"mode": "failure"})
    assert normalised(record, cloud, "Aged") == failure("EventAgeExceeded", 2)


def test_an_alias_has_a_configuration_of_its_own(told, cloud):
    record, _ = told("Raw", {"mode": "failure"}, "live")
    expected = failure("RetriesExhausted", 2, f"{ARN}:live")
    expected["responseContext"] = {**FAILURE["responseContext"], "executedVersion": "1"}
    assert normalised(record, cloud, "Raw") == expected
    outputs = cloud.outputs("app")
    arn = ARN.replace("<function-name>", cloud.function("Raw"))
    assert outputs["Version"] == f"{arn}:1"
    assert outputs["Alias"] == f"{arn}:live"


def test_what_is_no_function_is_named_at_the_start_and_at_each_record(aws, cloud):
    cloud.wait_for_notice(f"only functions are played as destinations: {QUEUE} is told nothing")
    cloud.wait_for_notice("DeadLetterQueue: queues and topics are not played")
    name = cloud.function("Queued")
    event = {"FunctionName": name, "InvocationType": "Event", "Payload": b'{"mode": "failure"}'}
    accepted = aws.invoke(**event)
    accepted["Payload"].read()
    request_id = accepted["ResponseMetadata"]["RequestId"]
    record = cloud.wait_for_notice(f"the record of {name}'s invocation {request_id} is not sent to {QUEUE}")
    event = cloud.wait_for_notice(f"the event of {name}'s invocation {request_id}, which failed")
    for notice in (record, event):
        assert re.search(r"RetriesExhausted after \d attempts?$", notice) and "mode" not in notice
    config = aws.get_function_configuration(FunctionName=name)
    assert config["DeadLetterConfig"] == {"TargetArn": QUEUE}


def test_a_synchronous_call_is_told_to_nobody(aws, cloud, told, tmp_path):
    name = cloud.function("Subject")
    silent = tmp_path / "silent"
    event = {"mode": "failure", "to": str(silent)}
    aws.invoke(FunctionName=name, Payload=json.dumps(event))["Payload"].read()
    # What comes behind it is told.
    told("Subject", {})
    assert not silent.exists()


# ---- the configuration's own calls


def test_a_configuration_is_put_changed_listed_and_deleted(aws, cloud):
    name = cloud.function("One", "circle")
    other = ARN.replace("<function-name>", cloud.function("Other", "circle"))
    with pytest.raises(aws.exceptions.ResourceNotFoundException) as refused:
        aws.get_function_event_invoke_config(FunctionName=name)
    message = refused.value.response["Message"]
    arn = ARN.replace("<function-name>", name) + ":$LATEST"
    assert message == f"The function {arn} doesn't have an EventInvokeConfig"
    put = aws.put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnSuccess": {"Destination": QUEUE}},
    )
    assert put.pop("LastModified").timestamp() > 0
    del put["ResponseMetadata"]
    expected = {
        "DestinationConfig": {"OnFailure": {}, "OnSuccess": {"Destination": QUEUE}},
        "FunctionArn": arn,
        "MaximumRetryAttempts": 0,
    }
    assert put == expected
    changed = aws.update_function_event_invoke_config(
        FunctionName=name,
        MaximumEventAgeInSeconds=61,
        DestinationConfig={"OnFailure": {"Destination": other}},
    )
    destinations = {"OnFailure": {"Destination": other}, "OnSuccess": {}}
    assert changed["DestinationConfig"] == destinations
    assert (changed["MaximumRetryAttempts"], changed["MaximumEventAgeInSeconds"]) == (0, 61)
    (listed,) = aws.list_function_event_invoke_configs(FunctionName=name)[
        "FunctionEventInvokeConfigs"
    ]
    assert listed["FunctionArn"] == arn
    aws.delete_function_event_invoke_config(FunctionName=name)
    with pytest.raises(aws.exceptions.ResourceNotFoundException):
        aws.delete_function_event_invoke_config(FunctionName=name)
    assert not aws.list_function_event_invoke_configs(FunctionName=name)[
        "FunctionEventInvokeConfigs"
    ]


def test_what_cannot_be_is_refused(aws, cloud):
    name = cloud.function("One", "circle")
    own = ARN.replace("<function-name>", name)

    def refusal(**config):
        with pytest.raises(botocore.exceptions.ClientError) as refused:
            aws.put_function_event_invoke_config(FunctionName=name, **config)
        return refused.value.response["Error"]

    nothing = refusal()
    assert nothing["Code"] == "InvalidParameterValueException"
    assert nothing["Message"].startswith("You must specify at least one")
    itself = refusal(DestinationConfig={"OnFailure": {"Destination": own}})
    assert "as a destination for itself" in itself["Message"]
    nobody = refusal(DestinationConfig={"OnFailure": {"Destination": f"{own}-nobody"}})
    assert nobody["Code"] == "InvalidParameterValueException"
    with pytest.raises(aws.exceptions.ResourceNotFoundException):
        aws.update_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=1)
    with pytest.raises(aws.exceptions.ResourceNotFoundException):
        aws.put_function_event_invoke_config(
            FunctionName=name, Qualifier="nobody", MaximumRetryAttempts=1
        )


def test_a_destination_without_permission_is_told_nothing(aws, cloud):
    name, other = cloud.function("One", "circle"), cloud.function("Other", "circle")
    other = ARN.replace("<function-name>", other)
    aws.put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": other}}
    )
    accepted = aws.invoke(FunctionName=name, InvocationType="Event")
    accepted["Payload"].read()
    notice = cloud.wait_for_notice(f"is not sent to {other}: ")
    assert "is not authorized to perform: lambda:InvokeFunction" in notice
    aws.delete_function_event_invoke_config(FunctionName=name)


def test_a_circle_of_destinations_ends(clouds, tmp_path):
    project = Project.of(tmp_path / "circle", {"One": ROUND, "Other": ROUND})
    cloud = clouds({"circle": project.template}, "--no-helper-stack", "--no-iam")
    aws = cloud.client("lambda")
    names = [cloud.function(it, "circle") for it in ("One", "Other")]
    for name, to in (names, reversed(names)):
        arn = ARN.replace("<function-name>", to)
        aws.put_function_event_invoke_config(
            FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": arn}}
        )
    aws.invoke(FunctionName=names[0], InvocationType="Event")["Payload"].read()
    cloud.wait_for_notice("which Lambda takes for a loop and ends")
    starts = [
        it["line"]
        for name in names
        for it in cloud.process.events_of("log", function=name)
        if it["line"].startswith("START")
    ]
    assert len(starts) == 17
