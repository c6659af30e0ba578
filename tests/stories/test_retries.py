"""The same request id comes twice: Lambda retries what failed."""

import json

import pytest
from harness import Project

FAILS_ONCE = """
import json, pathlib

def handler(event, context):
    runs = pathlib.Path(event["runs"])
    with runs.open("a") as file:
        file.write(json.dumps({"by": %r, "id": context.aws_request_id}) + "\\n")
    if len(runs.read_text().splitlines()) == 1:
        raise ValueError("the first run fails")
    return "the second run"
"""


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    deployed = Project.of(tmp_path_factory.mktemp("deployed"), {"Twice": FAILS_ONCE % "deployed"})
    return clouds({"app": deployed.template}, "--async-retry-seconds", "0.1,0.1")


def test_a_retry_is_an_attempt_of_its_own_and_runs_once(cloud, attach, tmp_path):
    here = Project.of(tmp_path / "here", {"Twice": FAILS_ONCE % "here"})
    attached = attach(cloud, here)
    runs = tmp_path / "runs"
    accepted = cloud.client("lambda").invoke(
        FunctionName=cloud.function("Twice"),
        InvocationType="Event",
        Payload=json.dumps({"runs": str(runs)}),
    )
    assert accepted["StatusCode"] == 202
    second = attached.wait_for("invocation", outcome="completed")
    ended = attached.events_of("invocation")
    assert [it["outcome"] for it in ended] == ["failed", "completed"]
    assert {it["requestId"] for it in ended} == {second["requestId"]}
    # Each attempt ran in one place, and only there.
    ran = [json.loads(line) for line in runs.read_text().splitlines()]
    assert ran == [{"by": "here", "id": second["requestId"]}] * 2
