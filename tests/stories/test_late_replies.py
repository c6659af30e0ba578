"""A reply that comes after the caller has an error."""

import json

import pytest
from harness import Project

TIMEOUT = 3

WORKING = """
import pathlib, time

def handler(event, context):
    if "until" in event:
        while not pathlib.Path(event["until"]).exists():
            time.sleep(0.005)
    return {"by": "the working copy", "number": event["number"]}
"""


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    source = 'def handler(event, context):\n    return "the deployed code"\n'
    deployed = Project.of(tmp_path_factory.mktemp("deployed"), {"Hello": source}, timeout=TIMEOUT)
    return clouds({"app": deployed.template})


@pytest.fixture
def attached(cloud, attach, tmp_path):
    project = Project.of(tmp_path / "working-copy", {"Hello": WORKING})
    return attach(cloud, project, "--keep-timeout")


def the_next_one_is_right(cloud, attached):
    answer = cloud.invoke("Hello", {"number": 2})
    assert answer.error is None
    assert json.loads(answer.payload) == {"by": "the working copy", "number": 2}
    assert attached.outcome_of(answer)["outcome"] == "completed"


def test_a_reply_after_the_callers_error_is_dropped_and_told_and_the_next_one_is_right(
    cloud, attached, tmp_path
):
    until = tmp_path / "go on"
    answer = cloud.invoke("Hello", {"number": 1, "until": str(until)})
    # Half a second before the function's own end: the handler may still answer.
    until.touch()
    assert answer.error == "Unhandled"
    assert json.loads(answer.payload)["errorType"] == "Tether.Timeout"
    told = attached.outcome_of(answer)
    assert told["outcome"] == "dropped"
    # On a busy machine the handler's end may come after that of the function.
    assert "too late" in told["detail"] or "deadline has passed" in told["detail"]
    the_next_one_is_right(cloud, attached)


def test_a_run_that_outlives_its_deadline_is_ended_and_told_and_the_next_one_is_right(
    cloud, attached, tmp_path
):
    answer = cloud.invoke("Hello", {"number": 1, "until": str(tmp_path / "never")})
    assert json.loads(answer.payload)["errorType"] == "Tether.Timeout"
    told = attached.outcome_of(answer)
    assert told["outcome"] == "dropped"
    assert "deadline has passed" in told["detail"]
    the_next_one_is_right(cloud, attached)
