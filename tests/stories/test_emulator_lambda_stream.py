"""InvokeWithResponseStream of the cloud on the desk, as boto3 sees it."""

import base64
import contextlib
import json

import botocore.exceptions
import pytest
from harness import Project
from harness.streamer import STREAMER

ANSWERS = """
def handler(event, context):
    print("it ran")
    if "fail" in event:
        raise ValueError(event["fail"])
    return {"custom": context.client_context and context.client_context.custom, "event": event}
"""

STREAMS = """
export const handler = awslambda.streamifyResponse(async (event, stream, context) => {
  for (const part of event.parts) {
    stream.write(part);
    await new Promise((done) => setTimeout(done, 20));
  }
  if (event.fail) throw new RangeError(event.fail);
  stream.end();
});
"""

ERROR = {"errorType": "Function.Oh", "errorMessage": "no more"}


def node(project):
    """One function more, in JavaScript."""
    project.write("Node/app.mjs", STREAMS)
    template = json.loads(project.template.read_text())
    template["Resources"]["Node"] = {
        "Type": "AWS::Serverless::Function",
        "Properties": {
            "CodeUri": "Node/",
            "Handler": "app.handler",
            "Runtime": "nodejs22.x",
            "Timeout": 20,
        },
    }
    project.write("template.yaml", json.dumps(template))
    return project


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stream")
    functions = {"Python": STREAMER, "Whole": ANSWERS}
    patient = node(Project.of(folder / "patient", functions, timeout=20))
    hasty = Project.of(folder / "hasty", {"Late": STREAMER}, timeout=1)
    stacks = {"app": patient.template, "hasty": hasty.template}
    return clouds(stacks, "--no-helper-stack")


@pytest.fixture(scope="module")
def stream(cloud):
    """Invokes: what is said in front of the stream, and its events."""

    def begin(function, event=None, stack="app", **more):
        if event is not None:
            more["Payload"] = json.dumps(event)
        name = cloud.function(function, stack)
        return cloud.client("lambda").invoke_with_response_stream(FunctionName=name, **more)

    return begin


def told(invoked):
    """All chunks together, and the last event."""
    with contextlib.closing(invoked["EventStream"]) as events:
        *chunks, last = list(events)
    return b"".join(it["PayloadChunk"]["Payload"] for it in chunks), last["InvokeComplete"]


def test_an_answer_comes_while_it_is_written(stream, tmp_path):
    go = tmp_path / "go"
    invoked = stream("Python", {"parts": ["one", [str(go)], "two"]})
    assert (invoked["StatusCode"], invoked["ExecutedVersion"]) == (200, "$LATEST")
    assert invoked["ResponseStreamContentType"] == "application/vnd.amazon.eventstream"
    with contextlib.closing(invoked["EventStream"]) as stream:
        events = iter(stream)
        assert next(events) == {"PayloadChunk": {"Payload": b"one"}}
        # It waits for this: had it been kept back, nothing would have come.
        go.touch()
        assert next(events) == {"PayloadChunk": {"Payload": b"two"}}
        assert list(events) == [{"InvokeComplete": {}}]


def test_javascript_streams(stream):
    assert told(stream("Node", {"parts": ["one ", "two ", "three"]})) == (b"one two three", {})
    answer, last = told(stream("Node", {"parts": ["half"], "fail": "no more"}))
    assert (answer, last["ErrorCode"]) == (b"half", "RangeError")
    assert json.loads(last["ErrorDetails"])["errorMessage"] == "no more"


def test_a_long_answer_is_whole(stream):
    parts = ["x" * 100_000, "y" * 3_000_000]
    answer, last = told(stream("Python", {"parts": parts}))
    assert (answer, last) == ("".join(parts).encode(), {})


def test_a_function_that_does_not_stream_answers_in_one_chunk(stream):
    context = base64.b64encode(json.dumps({"custom": {"who": "Ada"}}).encode()).decode()
    answer, last = told(stream("Whole", {"a": 1}, ClientContext=context))
    assert json.loads(answer) == {"custom": {"who": "Ada"}, "event": {"a": 1}}
    assert last == {}
    answer, _ = told(stream("Whole", Qualifier="$LATEST"))
    assert json.loads(answer)["event"] == {}


def test_an_error_is_told_at_the_end(stream):
    answer, last = told(stream("Whole", {"fail": "no luck"}))
    assert (answer, last["ErrorCode"]) == (b"", "ValueError")
    assert json.loads(last["ErrorDetails"])["errorMessage"] == "no luck"
    answer, last = told(stream("Python", {"parts": ["half", ERROR]}))
    assert (answer, last["ErrorCode"]) == (b"half", "Function.Oh")
    assert json.loads(last["ErrorDetails"]) == ERROR


@pytest.mark.parametrize(
    ("function", "stack", "part", "code"),
    [
        ("Python", "app", "die", "Runtime.ExitError"),
        ("Late", "hasty", ["never"], "Sandbox.Timedout"),
    ],
)
def test_death_and_deadline_end_a_stream(stream, function, stack, part, code, tmp_path):
    go = tmp_path / "go"
    invoked = stream(function, {"parts": ["half", [str(go)], part]}, stack)
    with contextlib.closing(invoked["EventStream"]) as events:
        events = iter(events)
        assert next(events) == {"PayloadChunk": {"Payload": b"half"}}
        go.touch()
        (last,) = list(events)
        assert last["InvokeComplete"]["ErrorCode"] == code


def test_the_tail_of_the_log_comes_with_the_end(stream):
    _, last = told(stream("Whole", {}, LogType="Tail"))
    tail = base64.b64decode(last["LogResult"]).decode()
    assert "it ran\n" in tail and "REPORT RequestId" in tail
    _, last = told(stream("Python", {"parts": ["x"]}, LogType="Tail"))
    assert "told 202" in base64.b64decode(last["LogResult"]).decode()


def test_a_dry_run_runs_nothing(stream, cloud):
    dry = stream("Whole", InvocationType="DryRun")
    dry["EventStream"].close()
    assert dry["StatusCode"] == 204
    before = [it for it in cloud.log("Whole") if it.startswith("START")]
    invoked = stream("Whole")
    told(invoked)
    request_id = invoked["ResponseMetadata"]["RequestId"]
    cloud.wait_for_log("Whole", f"REPORT RequestId: {request_id}")
    started = [it for it in cloud.log("Whole") if it.startswith("START")]
    assert started == [*before, f"START RequestId: {request_id} Version: $LATEST"]


def test_what_cannot_be_run_is_refused_before_the_stream(stream, cloud):
    aws = cloud.client("lambda")
    with pytest.raises(aws.exceptions.ResourceNotFoundException):
        aws.invoke_with_response_stream(FunctionName="nobody")
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        stream("Whole", InvocationType="Event")
    message = refused.value.response["Error"]["Message"]
    assert message.endswith("[RequestResponse, DryRun]")


def test_a_caller_that_hangs_up_leaves_the_function_to_write_on(stream, cloud, tmp_path):
    go = tmp_path / "go"
    invoked = stream("Python", {"parts": ["one", [str(go)], "two", "three"]})
    request_id = invoked["ResponseMetadata"]["RequestId"]
    with contextlib.closing(invoked["EventStream"]) as events:
        assert next(iter(events))
    go.touch()
    cloud.wait_for_log("Python", f"REPORT RequestId: {request_id}")
