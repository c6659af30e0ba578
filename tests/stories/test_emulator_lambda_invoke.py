"""Invoke of the cloud on the desk, in all its forms, as boto3 sees it."""

import base64
import json
import re
import time

import boto3
import botocore.config
import botocore.exceptions
import pytest
from harness import Cloud, Project
from harness.surroundings import REGION

SPEAKS = """
import os
import time


def handler(event, context):
    for line in event.get("print", []):
        print(line)
    if "append" in event:
        with open(event["append"], "a") as file:
            file.write(f"{context.aws_request_id} {time.monotonic()}\\n")
    if event.get("fail"):
        raise ValueError(event["fail"])
    if "exit" in event:
        os._exit(event["exit"])
    if "sleep" in event:
        time.sleep(event["sleep"])
    client = context.client_context
    return {
        "id": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "custom": client and client.custom,
    }
"""

ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    folder = tmp_path_factory.mktemp("invoke")
    functions = {"Speaks": SPEAKS, "Deleted": SPEAKS}
    patient = Project.of(folder / "patient", functions, timeout=30)
    hasty = Project.of(folder / "hasty", {"Late": SPEAKS}, timeout=1)
    stacks = {"app": patient.template, "hasty": hasty.template}
    return clouds(stacks, "--no-helper-stack", "--async-retry-seconds", "0.2,0.4")


@pytest.fixture(scope="module")
def aws(cloud):
    return cloud.client("lambda")


@pytest.fixture(scope="module")
def name(cloud):
    return cloud.function("Speaks")


@pytest.fixture(scope="module")
def unchecked(cloud):
    """A client that sends whatever it is given."""
    client = boto3.client(
        "lambda",
        endpoint_url=cloud.endpoint,
        region_name=REGION,
        aws_access_key_id="AKIAEXAMPLE",
        aws_secret_access_key="example",
        config=botocore.config.Config(
            parameter_validation=False, retries={"total_max_attempts": 1}
        ),
    )
    yield client
    client.close()


@pytest.fixture(scope="module")
def invoke(aws, name):
    """Invokes and reads the answer to its end: a connection is free again then."""

    def run(event=None, **more):
        if event is not None:
            more["Payload"] = event if isinstance(event, bytes) else json.dumps(event)
        invoked = aws.invoke(**{"FunctionName": name, **more})
        invoked["Payload"] = invoked["Payload"].read()
        return invoked

    return run


def answer_of(invoked):
    return json.loads(invoked["Payload"])


def lines_of(path):
    return path.read_text().splitlines() if path.exists() else []


# ---- synchronous


def test_an_answer_says_which_version_ran_under_which_id(invoke):
    invoked = invoke({})
    assert (invoked["StatusCode"], invoked["ExecutedVersion"]) == (200, "$LATEST")
    assert "FunctionError" not in invoked and "LogResult" not in invoked
    assert answer_of(invoked)["id"] == invoked["ResponseMetadata"]["RequestId"]


def test_an_invocation_without_a_payload_gets_an_empty_object(invoke):
    assert answer_of(invoke())["custom"] is None


def test_a_handlers_error_is_an_answer_that_says_so(invoke):
    invoked = invoke({"fail": "no luck"})
    assert (invoked["StatusCode"], invoked["FunctionError"]) == (200, "Unhandled")
    error = answer_of(invoked)
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "no luck")


def test_a_payload_that_is_no_json_is_refused(invoke, aws):
    with pytest.raises(aws.exceptions.InvalidRequestContentException) as refused:
        invoke(b"{")
    assert refused.value.response["Type"] == "User"
    assert "Could not parse request body into json" in refused.value.response["message"]


def test_a_function_that_does_not_exist_is_named_by_its_arn(invoke, aws):
    with pytest.raises(aws.exceptions.ResourceNotFoundException) as refused:
        invoke(FunctionName="nobody:live")
    assert refused.value.response["Message"] == (
        "Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody:live"
    )
    with pytest.raises(aws.exceptions.ResourceNotFoundException) as refused:
        invoke(FunctionName="arn:aws:lambda:eu-west-1:000000000000:function:nobody")
    assert "'eu-west-1' are not reachable" in refused.value.response["Message"]


@pytest.mark.parametrize(
    ("kind", "limit"), [("RequestResponse", 6 * 1024 * 1024), ("Event", 1024 * 1024)]
)
def test_an_event_may_be_as_large_as_its_limit_and_not_a_byte_larger(invoke, aws, kind, limit):
    event = b'{"x":"' + b"x" * (limit - 8) + b'"}'
    assert len(event) == limit
    invoked = invoke(event, InvocationType=kind)
    assert "FunctionError" not in invoked
    with pytest.raises(aws.exceptions.RequestTooLargeException) as refused:
        invoke(event + b" ", InvocationType=kind)
    assert refused.value.response["message"] == (
        f"{limit + 1} byte payload is too large for the {kind} invocation type"
        f" (limit {limit} bytes)"
    )
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_a_dry_run_runs_nothing(aws, invoke, tmp_path):
    ran = tmp_path / "ran"
    answer = invoke({"append": str(ran)}, InvocationType="DryRun")
    assert answer["StatusCode"] == 204
    invoke({"append": str(ran)})
    assert len(lines_of(ran)) == 1
    with pytest.raises(aws.exceptions.ResourceNotFoundException):
        invoke(FunctionName="nobody", InvocationType="DryRun")


def test_an_unknown_type_of_invocation_is_refused_with_those_that_exist(unchecked, name):
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        unchecked.invoke(FunctionName=name, InvocationType="Sometimes")
    error = refused.value.response["Error"]
    assert error["Code"] == "ValidationException"
    assert error["Message"].endswith("[Event, RequestResponse, DryRun]")


# ---- the client's context


def encoded(context):
    return base64.b64encode(json.dumps(context).encode()).decode()


def test_a_client_context_reaches_the_handler(invoke):
    context = encoded({"custom": {"who": "Ada"}})
    assert answer_of(invoke(ClientContext=context))["custom"] == {"who": "Ada"}
    # As it is printed for people.
    lines = base64.b64encode(b'{\r\n  "custom": {\n    "who": "Ada"\n  }\n}\n').decode()
    assert answer_of(invoke(ClientContext=lines))["custom"] == {"who": "Ada"}


def test_a_client_context_that_is_too_long_or_no_json_is_refused(invoke, aws):
    longest = encoded({"custom": {"x": "x" * 2660}})
    assert len(longest) <= 3583
    assert invoke(ClientContext=longest)["StatusCode"] == 200
    with pytest.raises(aws.exceptions.InvalidParameterValueException):
        invoke(ClientContext=encoded({"x": "x" * 2700}))
    for wrong in ("%%%", base64.b64encode(b"{").decode()):
        with pytest.raises(aws.exceptions.InvalidRequestContentException):
            invoke(ClientContext=wrong)


# ---- the log


def tail_of(invoked):
    return base64.b64decode(invoked["LogResult"]).decode()


def test_the_tail_has_what_was_printed_between_start_and_report(invoke):
    invoke({"print": ["of another"]})
    event = {"print": ["one", "two"]}
    invoked = invoke(event, LogType="Tail")
    request_id = invoked["ResponseMetadata"]["RequestId"]
    lines = tail_of(invoked).splitlines()
    assert lines[:-1] == [
        f"START RequestId: {request_id} Version: $LATEST",
        "one",
        "two",
        f"END RequestId: {request_id}",
    ]
    report = dict(it.split(": ", 1) for it in lines[-1].strip().split("\t")[1:])
    assert report["Memory Size"] == "128 MB"
    assert float(report["Duration"].removesuffix(" ms")) > 0
    assert int(report["Max Memory Used"].removesuffix(" MB")) > 1
    assert "Init Duration" not in report


def test_the_tail_is_the_last_4_kb(invoke):
    event = {"print": ["x" * 1000 for _ in range(6)]}
    tail = tail_of(invoke(event, LogType="Tail"))
    assert len(tail) == 4096
    assert tail.startswith("x") and "REPORT RequestId: " in tail.splitlines()[-1]


def test_only_a_synchronous_call_gets_the_tail(invoke):
    answer = invoke(LogType="Tail", InvocationType="Event")
    assert "LogResult" not in answer


# ---- timeouts and ends


def test_a_timeout_has_lambdas_words_and_the_next_invocation_a_new_environment(invoke, cloud):
    late = {"FunctionName": cloud.function("Late", "hasty"), "LogType": "Tail"}
    event = {"sleep": 10}
    invoked = invoke(event, **late)
    assert invoked["FunctionError"] == "Unhandled"
    request_id = invoked["ResponseMetadata"]["RequestId"]
    assert answer_of(invoked) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {request_id} Error: Task timed out after 1.00 seconds",
    }
    tail = tail_of(invoked)
    assert f"{request_id} Task timed out after 1.00 seconds" in tail
    assert tail.strip().endswith("Status: timeout")
    again = tail_of(invoke(**late))
    assert "Init Duration" in again


def test_a_runtime_that_exits_is_an_error_with_its_code(invoke):
    invoked = invoke({"exit": 3}, LogType="Tail")
    assert answer_of(invoked)["errorType"] == "Runtime.ExitError"
    tail = tail_of(invoked)
    assert "Error: Runtime exited with error: exit status 3" in tail
    assert tail.strip().endswith("Error Type: Runtime.ExitError")


# ---- asynchronous


def test_an_event_is_accepted_and_run_once_when_all_is_well(invoke, cloud, tmp_path):
    ran = tmp_path / "ran"
    context = encoded({"custom": {}})
    accepted = invoke({"append": str(ran)}, InvocationType="Event", ClientContext=context)
    assert (accepted["StatusCode"], accepted["Payload"]) == (202, b"")
    request_id = accepted["ResponseMetadata"]["RequestId"]
    assert ID.fullmatch(request_id)
    cloud.wait_for_log("Speaks", f"REPORT RequestId: {request_id}")
    assert [it.split()[0] for it in lines_of(ran)] == [request_id]


def test_an_event_that_fails_is_tried_twice_again_under_the_same_id(invoke, cloud, tmp_path):
    tried = tmp_path / "tried"
    accepted = invoke({"append": str(tried), "fail": "again"}, InvocationType="Event")
    request_id = accepted["ResponseMetadata"]["RequestId"]
    cloud.process.wait_until(lambda: len(lines_of(tried)) == 3, "third attempt")
    attempts = [line.split() for line in lines_of(tried)]
    assert [it[0] for it in attempts] == [request_id] * 3
    first, second, third = (float(it[1]) for it in attempts)
    assert second - first >= 0.2 and third - second >= 0.4
    # And not a fourth time: what comes after it is another invocation.
    invoke()
    reports = [it for it in cloud.log("Speaks") if it.startswith(f"START RequestId: {request_id}")]
    assert len(reports) == 3


def test_an_event_is_not_tried_again_when_its_function_is_gone(aws, invoke, cloud, tmp_path):
    gone, there = tmp_path / "gone", tmp_path / "there"
    name = cloud.function("Deleted")
    event = {"append": str(gone), "fail": "x"}
    accepted = invoke(event, FunctionName=name, InvocationType="Event")
    request_id = accepted["ResponseMetadata"]["RequestId"]
    cloud.process.wait_until(lambda: lines_of(gone), "first attempt")
    aws.delete_function(FunctionName=name)
    # One that fails later is given up later.
    invoke({"append": str(there), "fail": "x"}, InvocationType="Event")
    cloud.process.wait_until(lambda: len(lines_of(there)) == 3, "third attempt")
    assert [it.split()[0] for it in lines_of(gone)] == [request_id]


def test_retries_end_with_the_emulator(tmp_path):
    project = Project.of(tmp_path / "app", {"Fails": SPEAKS})
    cloud = Cloud({"app": project.template}, "--no-helper-stack")
    try:
        name = cloud.function("Fails")
        event = {"FunctionName": name, "InvocationType": "Event", "Payload": b'{"fail": "x"}'}
        cloud.client("lambda").invoke(**event)["Payload"].read()
        cloud.wait_for_log("Fails", "REPORT")
        # It waits a minute for the next attempt, and nobody waits for that.
        ended = time.monotonic()
        cloud.close()
        assert time.monotonic() - ended < 10
    finally:
        cloud.process.close()


# ---- what is not served


def test_what_is_not_served_says_its_name(invoke, aws):
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        invoke(TenantId="t")
    assert refused.value.response["Error"]["Code"] == "NotImplemented"
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        aws.list_capacity_providers()
    error = refused.value.response["Error"]
    assert error["Code"] == "NotImplemented" and "capacity-providers" in error["Message"]
