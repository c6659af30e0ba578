"""``--when-offline fail``: an error while the laptop is away, until its lease is over."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness import Project, tether

# Some event is always on its way.
CALLERS = 4

WORKING = """
import pathlib, time

def handler(event, context):
    if "until" in event:
        while not pathlib.Path(event["until"]).exists():
            time.sleep(0.01)
    return "the working copy"
"""


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    source = 'def handler(event, context):\n    return "the deployed code"\n'
    deployed = Project.of(tmp_path_factory.mktemp("deployed"), {"Hello": source}, timeout=10)
    return clouds({"app": deployed.template})


@pytest.fixture
def project(tmp_path):
    return Project.of(tmp_path / "working-copy", {"Hello": WORKING})


def is_offline(answer):
    error = json.loads(answer.payload)
    assert (answer.error, error["errorType"]) == ("Unhandled", "Tether.Offline"), answer
    assert "--when-offline fail" in error["errorMessage"]
    assert "attach again" in error["errorMessage"]
    return True


def deployed_code_answers(cloud):
    """As soon as what an environment believes of the session is looked at anew."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        answer = cloud.invoke("Hello")
        if answer.payload == b'"the deployed code"':
            return True
        assert is_offline(answer)
    return False


def test_a_laptop_that_is_gone_is_an_error_until_its_lease_is_over(cloud, attach, project):
    before = cloud.configuration("Hello")
    attached = attach(cloud, project, "--when-offline", "fail")
    assert cloud.invoke("Hello").payload == b'"the working copy"'
    attached.kill()
    for _ in range(3):
        assert is_offline(cloud.invoke("Hello"))
    cloud.end_lease(attached.session_id)
    assert deployed_code_answers(cloud)
    detached = tether("detach", "--stack-name", "app", endpoint=cloud.endpoint)
    assert detached.code == 0
    assert cloud.configuration("Hello") == before


def test_an_end_on_purpose_is_no_offline_time(cloud, attach, project):
    attached = attach(cloud, project, "--when-offline", "fail")
    assert cloud.invoke("Hello").payload == b'"the working copy"'
    attached.detach()
    assert cloud.invoke("Hello").payload == b'"the deployed code"'


def test_an_end_on_purpose_fails_no_caller(cloud, attach, project):
    attached = attach(cloud, project, "--when-offline", "fail")
    over = threading.Event()

    def call():
        answers = []
        while not over.is_set():
            answers.append(cloud.invoke("Hello"))
        return answers

    cloud.client("lambda")
    with ThreadPoolExecutor(CALLERS) as callers:
        calls = [callers.submit(call) for _ in range(CALLERS)]
        try:
            attached.wait_until(
                lambda: len(attached.events_of("invocation", outcome="completed")) > 2 * CALLERS,
                "invocations",
            )
            attached.signal(2)
            assert attached.ends() == 0
        finally:
            over.set()
    answers = [answer for it in calls for answer in it.result()]
    assert [it.payload for it in answers if it.error] == []
    assert {it.payload for it in answers} == {b'"the working copy"', b'"the deployed code"'}


def test_a_session_that_was_closed_does_not_hold_the_deployed_code_back(cloud, attach, project):
    attached = attach(cloud, project, "--when-offline", "fail")
    assert cloud.invoke("Hello").payload == b'"the working copy"'
    attached.kill()
    # Closed, as the manager does it first of all, and not restored yet.
    cloud.client("dynamodb").update_item(
        TableName=cloud.outputs()["SessionsTable"],
        Key={"SessionId": {"S": attached.session_id}},
        UpdateExpression="SET #Status = :closed",
        ExpressionAttributeNames={"#Status": "Status"},
        ExpressionAttributeValues={":closed": {"S": "CLOSED"}},
    )
    assert cloud.invoke("Hello").payload == b'"the deployed code"'


def test_what_the_laptop_declines_goes_to_the_deployed_code_all_the_same(
    cloud, attach, project, tmp_path
):
    attached = attach(cloud, project, "--when-offline", "fail")
    until = tmp_path / "go on"
    calling = cloud.invoke_meanwhile("Hello", {"until": str(until)})
    attached.wait_for("started", function="Hello")
    attached.signal(2)
    attached.wait_until(
        lambda: [it for it in attached.events_of("note") if "waiting for" in it["message"]],
        "note that it waits",
    )
    assert cloud.invoke("Hello").payload == b'"the deployed code"'
    until.touch()
    assert calling.result(20).payload == b'"the working copy"'
    assert attached.ends() == 0


def test_asleep_it_is_an_error_and_awake_it_answers_again(cloud, attach, project):
    attached = attach(cloud, project, "--when-offline", "fail")
    assert cloud.invoke("Hello").payload == b'"the working copy"'
    attached.signal(19)  # SIGSTOP
    assert is_offline(cloud.invoke("Hello"))
    # Not waited for any more: a silent laptop is suspect.
    began = time.monotonic()
    assert is_offline(cloud.invoke("Hello"))
    assert time.monotonic() - began < 1.5
    attached.signal(18)  # SIGCONT
    # What it missed is told, and not run.
    attached.wait_for("invocation", outcome="dropped", function="Hello")
