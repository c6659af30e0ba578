"""What does not fit into one message of 128 KB."""

import json

import pytest
from harness import Project

LIMIT = 128 * 1024

SIZES = """
def handler(event, context):
    return {"by": "%s", "got": len(event["data"]), "data": "x" * event.get("want", 0)}
"""


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    source = SIZES % "the deployed code"
    deployed = Project.of(tmp_path_factory.mktemp("deployed"), {"Sizes": source})
    return clouds({"app": deployed.template})


@pytest.fixture
def attached(cloud, attach, tmp_path):
    return attach(cloud, Project.of(tmp_path / "here", {"Sizes": SIZES % "the working copy"}))


def test_an_event_that_is_too_large_is_answered_by_the_deployed_code_and_the_log_says_so(
    cloud, attached
):
    answer = cloud.invoke("Sizes", {"data": "x" * LIMIT})
    assert answer.error is None
    told = json.loads(answer.payload)
    assert (told["by"], told["got"]) == ("the deployed code", LIMIT)
    line = cloud.wait_for_log("Sizes", "the deployed code answers")
    assert f"one message carries {LIMIT}" in line
    # A smaller one goes to the laptop again.
    told = json.loads(cloud.invoke("Sizes", {"data": "x"}).payload)
    assert (told["by"], told["got"]) == ("the working copy", 1)
    assert len(attached.events_of("started")) == 1


def test_an_event_that_just_fits_is_carried(cloud, attached):
    size = LIMIT - 8 * 1024  # The rest is for headers and variables.
    told = json.loads(cloud.invoke("Sizes", {"data": "x" * size}).payload)
    assert (told["by"], told["got"]) == ("the working copy", size)


def test_an_answer_that_is_too_large_is_a_named_error_and_never_cut(cloud, attached):
    answer = cloud.invoke("Sizes", {"data": "", "want": LIMIT})
    assert answer.error == "Unhandled"
    error = json.loads(answer.payload)
    assert error["errorType"] == "Tether.ResponseTooLarge"
    assert str(LIMIT) in error["errorMessage"]
    told = attached.outcome_of(answer)
    assert told["outcome"] == "failed"
    told = json.loads(cloud.invoke("Sizes", {"data": "", "want": 100_000}).payload)
    assert (told["by"], len(told["data"])) == ("the working copy", 100_000)
