"""The laptop vanishes: nothing of the deployed function may break."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness import Project, tether

WORKING = """
import pathlib, time

def handler(event, context):
    if "until" in event:
        while not pathlib.Path(event["until"]).exists():
            time.sleep(0.01)
    return "the working copy"
"""

# Grace for an accepted invocation, and how often the bootstrap looks at the session.
GRACE, SESSION_WATCH = 15, 5

# Callers beside a laptop that is far away: some event is always on its way to it.
CALLERS, WAY_MS = 12, 150


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    source = 'def handler(event, context):\n    return "the deployed code"\n'
    deployed = Project.of(tmp_path_factory.mktemp("deployed"), {"Hello": source})
    return clouds({"app": deployed.template})


@pytest.fixture(scope="module")
def far_cloud(clouds, tmp_path_factory):
    source = 'def handler(event, context):\n    return "the deployed code"\n'
    deployed = Project.of(tmp_path_factory.mktemp("far"), {"Hello": source})
    return clouds({"app": deployed.template}, "--latency", str(WAY_MS))


@pytest.fixture
def project(tmp_path):
    return Project.of(tmp_path / "working-copy", {"Hello": WORKING})


def test_killed_while_idle_the_deployed_code_answers_and_detach_restores(
    cloud, attach, project, status
):
    before = cloud.configuration("Hello")
    attached = attach(cloud, project)
    assert cloud.invoke("Hello").payload == b'"the working copy"'
    attached.kill()
    attached.leaves_nothing_behind()
    answer = cloud.invoke("Hello")
    assert (answer.payload, answer.error) == (b'"the deployed code"', None)
    # It is still instrumented, and answers in its own time.
    assert cloud.configuration("Hello") != before
    assert cloud.invoke("Hello").payload == b'"the deployed code"'

    detached = tether("detach", "--stack-name", "app", "--json", endpoint=cloud.endpoint)
    assert detached.code == 0
    assert detached.events == [
        {"event": "restored", "function": "Hello", "detail": ""},
        {"event": "detached"},
    ]
    assert cloud.configuration("Hello") == before
    assert cloud.invoke("Hello").payload == b'"the deployed code"'
    assert status(cloud) == []


def test_killed_before_the_first_invocation_the_deployed_code_answers(cloud, attach, project):
    attached = attach(cloud, project, "--debug", "--debug-port", "0")
    attached.kill()
    attached.leaves_nothing_behind()
    assert cloud.invoke("Hello").payload == b'"the deployed code"'


def test_killed_in_the_middle_of_an_invocation_the_caller_gets_an_error_within_the_grace(
    cloud, attach, project, tmp_path
):
    attached = attach(cloud, project)
    until = tmp_path / "go on"
    calling = cloud.invoke_meanwhile("Hello", {"until": str(until)})
    attached.wait_for("started", function="Hello")
    attached.kill()
    killed = time.monotonic()
    # Another environment: who is gone is gone for every caller.
    assert cloud.invoke("Hello").payload == b'"the deployed code"'

    answer = calling.result(GRACE + 2 * SESSION_WATCH + 5)
    assert time.monotonic() - killed >= GRACE
    assert answer.error == "Unhandled"
    error = json.loads(answer.payload)
    assert error["errorType"] == "Tether.LaptopGone"
    assert "attach again" in error["errorMessage"]
    assert "the deployed code" not in answer.payload.decode()
    assert cloud.invoke("Hello").payload == b'"the deployed code"'
    # The local process outlived its receiver; it may go now.
    until.touch()


def test_a_second_ctrl_c_ends_a_running_invocation_with_an_error_and_restores(
    cloud, attach, project, tmp_path
):
    before = cloud.configuration("Hello")
    attached = attach(cloud, project)
    calling = cloud.invoke_meanwhile("Hello", {"until": str(tmp_path / "never")})
    attached.wait_for("started", function="Hello")
    attached.signal(2)
    attached.wait_until(
        lambda: [it for it in attached.events_of("note") if "waiting for" in it["message"]],
        "note that it waits",
    )
    assert not calling.done()
    attached.detach()
    answer = calling.result(20)
    assert answer.error == "Unhandled"
    assert json.loads(answer.payload)["errorType"] == "Tether.Detached"
    assert cloud.configuration("Hello") == before


def test_the_first_ctrl_c_lets_a_running_invocation_end_and_takes_no_other(
    cloud, attach, project, tmp_path
):
    attached = attach(cloud, project)
    until = tmp_path / "go on"
    calling = cloud.invoke_meanwhile("Hello", {"until": str(until)})
    attached.wait_for("started", function="Hello")
    attached.signal(2)
    attached.wait_for(
        "note",
        message="waiting for 1 invocation(s) to end; Ctrl-C again answers them with an error",
    )
    assert cloud.invoke("Hello").payload == b'"the deployed code"'
    until.touch()
    assert calling.result(20).payload == b'"the working copy"'
    assert attached.ends() == 0
    assert attached.events[-1] == {"event": "detached"}


@pytest.fixture
def traffic():
    """Callers that do not stop for anything, until the story ends."""
    over = threading.Event()

    def call(cloud):
        answers = []
        while not over.is_set():
            answers.append(cloud.invoke("Hello"))
        return answers

    with ThreadPoolExecutor(CALLERS) as pool:
        calls = []

        def start(cloud):
            cloud.client("lambda")
            calls.extend(pool.submit(call, cloud) for _ in range(CALLERS))

        def stop():
            over.set()
            return [answer for it in calls for answer in it.result(20)]

        start.stop = stop
        yield start
        over.set()


def test_the_first_ctrl_c_restores_while_events_go_on_coming(far_cloud, attach, project, traffic):
    before = far_cloud.configuration("Hello")
    attached = attach(far_cloud, project)
    traffic(far_cloud)
    attached.wait_until(
        lambda: len(attached.events_of("invocation", outcome="completed")) > 2 * CALLERS,
        "invocations",
    )
    attached.signal(2)
    assert attached.ends() == 0
    assert attached.events[-1] == {"event": "detached"}
    assert [it.payload for it in traffic.stop() if it.error] == []
    assert far_cloud.configuration("Hello") == before
