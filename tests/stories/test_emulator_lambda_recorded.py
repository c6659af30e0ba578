"""Answers of real functions on AWS, recorded by others, beside those of the cloud on the desk.

The recordings are LocalStack's (``tests/aws/services/lambda_/test_lambda_common.snapshot.json``);
without them beside the project, or where ``AWS_RECORDED`` says, these stories are skipped.
"""

import json
import os
import pathlib
import re

import pytest
from harness import Project

ROOT = pathlib.Path(__file__).parents[2]
FOLDER = pathlib.Path(os.environ.get("AWS_RECORDED", ROOT.parent / "shared/data/aws-recorded"))
FILE = FOLDER / "test_lambda_common.snapshot.json"

# What the recorded functions do, in words of our own.
PYTHON = """
import os


def handler(event, context):
    if isinstance(event, dict) and "error_msg" in event:
        raise Exception("Failed: " + event["error_msg"])
    if not isinstance(event, dict) or event.get("simple") != "payload":
        return event
    return {
        "ctx": {
            "aws_request_id": context.aws_request_id,
            "function_name": context.function_name,
            "function_version": context.function_version,
            "invoked_function_arn": context.invoked_function_arn,
            "log_group_name": context.log_group_name,
            "log_stream_name": context.log_stream_name,
            "memory_limit_in_mb": context.memory_limit_in_mb,
            "remaining_time_in_millis": context.get_remaining_time_in_millis(),
        },
        "environment": dict(os.environ),
        "packages": [],
    }
"""

NODE = """
exports.handler = async (event, context) => {
  if (event && event.error_msg) throw new Error("Error: " + event.error_msg);
  if (!event || event.simple !== "payload") return event;
  return {
    ctx: {
      aws_request_id: context.awsRequestId,
      function_name: context.functionName,
      function_version: context.functionVersion,
      invoked_function_arn: context.invokedFunctionArn,
      log_group_name: context.logGroupName,
      log_stream_name: context.logStreamName,
      remaining_time_in_millis: context.getRemainingTimeInMillis(),
    },
    environment: process.env,
    packages: [],
  };
};
"""

WRAPPER = """#!/bin/sh
export WRAPPER_VAR=wrapped
exec "$@"
"""

# Lambda's machine, which no laptop is, and what tether adds.
OF_THE_MACHINE = {
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_XRAY_CONTEXT_MISSING",
    "AWS_XRAY_DAEMON_ADDRESS",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
    "LC_CTYPE",
    "LD_LIBRARY_PATH",
    "NODE_EXTRA_CA_CERTS",
    "NODE_PATH",
    "PATH",
    "PWD",
    "PYTHONPATH",
    "SHLVL",
    "_AWS_XRAY_DAEMON_ADDRESS",
    "_AWS_XRAY_DAEMON_PORT",
    "_X_AMZN_TRACE_ID",
    "AWS_ENDPOINT_URL",
}
SECRETS = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def recorded():
    """What was recorded, by scenario and runtime."""
    if not FILE.exists():
        return {}
    found = {}
    for test, it in json.loads(FILE.read_text()).items():
        scenario, runtime = re.search(r"::(\w+)\[(.+)\]$", test).groups()
        found[scenario, runtime] = it["recorded-content"]
    return found


RECORDED = recorded()
RUNTIMES = sorted({it for _, it in RECORDED if it.startswith(("python", "nodejs"))})
pytestmark = pytest.mark.skipif(not RECORDED, reason=f"{FILE} is not there")


def logical_id(runtime):
    return runtime.replace(".", "").title()


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("recorded") / "app")
    project.write("python/handler.py", PYTHON)
    project.write("node/index.js", NODE)
    resources = {}
    for folder in ("python", "node"):
        project.write(f"{folder}/environment_wrapper", WRAPPER).chmod(0o755)
    for runtime in RUNTIMES:
        is_python = runtime.startswith("python")
        for suffix, variable in (
            ("", {"TEST_KEY": "TEST_VAL"}),
            ("Wrapped", {"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/environment_wrapper"}),
        ):
            resources[logical_id(runtime) + suffix] = {
                "Type": "AWS::Serverless::Function",
                "Properties": {
                    "Runtime": runtime,
                    "CodeUri": "python/" if is_python else "node/",
                    "Handler": "handler.handler" if is_python else "index.handler",
                    "MemorySize": 1024,
                    "Environment": {"Variables": variable},
                },
            }
    template = {"Transform": "AWS::Serverless-2016-10-31", "Resources": resources}
    project.write("template.yaml", json.dumps(template))
    return clouds({"app": project.template}, "--no-helper-stack")


@pytest.fixture(scope="module")
def invoke(cloud):
    def run(name, payload=None, **more):
        if payload is not None:
            more["Payload"] = json.dumps(payload)
        invoked = cloud.client("lambda").invoke(FunctionName=name, **more)
        invoked["Payload"] = json.loads(invoked["Payload"].read())
        return invoked

    return run


ECHOED = [
    {"hello": "world"},
    {"hello": "'\" some other ''\"\" quotes, an emoji 🥳 and some brackets {[}}[([]))"},
    {"hello": "obi wan!" * 128 * 1024 * 5},
    True,
    False,
    None,
    [1, 2],
    1,
]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_what_is_sent_comes_back(invoke, cloud, runtime):
    assert RECORDED["test_echo_invoke", runtime] == {}
    name = cloud.function(logical_id(runtime))
    for payload in ECHOED:
        body = json.dumps(payload)
        invoked = invoke(name, Payload=body)
        assert (invoked["StatusCode"], invoked["Payload"]) == (200, payload)
        assert "FunctionError" not in invoked
    assert invoke(name)["Payload"] == {}


def normalised(answer, name):
    """As it was recorded: ids, times and names replaced."""
    ctx, variables = answer["ctx"], answer["environment"]
    assert UUID.fullmatch(ctx["aws_request_id"])
    assert 0 < ctx["remaining_time_in_millis"] <= 3000
    assert variables["AWS_LAMBDA_LOG_STREAM_NAME"] == ctx["log_stream_name"]
    text = json.dumps(answer)
    for value, said in (
        (ctx["log_stream_name"], "<log-stream-name:1>"),
        (name, "<function-name:1>"),
        ("us-east-1", "<region>"),
        ("arn:aws:", "arn:<partition>:"),
        ("000000000000", "111111111111"),
    ):
        text = text.replace(value, said)
    answer = json.loads(text)
    answer["ctx"].pop("aws_request_id")
    answer["ctx"]["remaining_time_in_millis"] = "<remaining-time-in-millis>"
    return answer


def expected(answer):
    answer = json.loads(json.dumps(answer))
    assert answer["ctx"].pop("aws_request_id").startswith("<uuid:")
    return answer


def without_machine(variables):
    kept = {key: it for key, it in variables.items() if key not in OF_THE_MACHINE}
    return {key: "secret" if key in SECRETS else it for key, it in kept.items()}


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_function_sees_the_context_and_the_variables_that_it_sees_on_aws(invoke, cloud, runtime):
    seen = RECORDED["test_introspection_invoke", runtime]
    name = cloud.function(logical_id(runtime))
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}:$LATEST"
    for called, record in (
        (name, "invocation_result_payload"),
        (arn, "invocation_result_payload_qualified"),
    ):
        ours = normalised(invoke(called, {"simple": "payload"})["Payload"], name)
        theirs = expected(seen[record])
        assert ours["ctx"] == theirs["ctx"]
        assert without_machine(ours["environment"]) == without_machine(theirs["environment"])
        assert ours["packages"] == theirs["packages"]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_an_error_that_nobody_catches_is_what_it_is_on_aws(invoke, cloud, runtime):
    theirs = RECORDED["test_uncaught_exception_invoke", runtime]["error_result"]
    ours = invoke(cloud.function(logical_id(runtime)), {"error_msg": "some_error_msg"})
    request_id = ours["ResponseMetadata"]["RequestId"]
    del ours["ResponseMetadata"]
    payload = ours["Payload"]
    for trace in ("stackTrace", "trace"):
        if trace in payload:
            assert payload[trace]
            payload[trace] = "<stack-trace>"
    if "requestId" in payload:
        assert payload["requestId"] == request_id
        # The client of python3.8 is older than this member.
        if runtime == "python3.8":
            del payload["requestId"]
        else:
            payload["requestId"] = theirs["Payload"]["requestId"]
    theirs = {key: it for key, it in theirs.items() if key != "ResponseMetadata"}
    assert ours == theirs


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_wrapper_stands_in_front_of_the_runtime(invoke, cloud, runtime):
    assert ("test_runtime_wrapper_invoke", runtime) in RECORDED
    invoked = invoke(cloud.function(logical_id(runtime) + "Wrapped"), {"simple": "payload"})
    assert invoked["Payload"]["environment"]["WRAPPER_VAR"] == "wrapped"


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_configuration_says_what_it_says_on_aws(cloud, runtime):
    theirs = RECORDED["test_introspection_invoke", runtime]["create_function_result"]
    name = cloud.function(logical_id(runtime))
    ours = cloud.client("lambda").get_function_configuration(FunctionName=name)
    text = json.dumps(ours, default=str).replace(name, "<function-name:1>")
    ours = json.loads(text.replace("us-east-1", "<region>").replace("arn:aws:", "arn:<partition>:"))
    ours["FunctionArn"] = ours["FunctionArn"].replace("000000000000", "111111111111")
    # It is created while it is recorded; the rest is normalised there.
    passing = {"State", "StateReason", "StateReasonCode", "LastModified", "RevisionId", "Role"}
    passing |= {"CodeSha256", "CodeSize", "RuntimeVersionConfig", "ResponseMetadata"}
    for member in theirs.keys() - passing:
        assert ours[member] == theirs[member], member
    assert passing - {"StateReason", "StateReasonCode", "RuntimeVersionConfig"} <= ours.keys()
