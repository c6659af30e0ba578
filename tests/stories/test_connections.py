"""Connections come and go, and no invocation is lost for it."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from harness import Debugger, Project
from harness.sessions import plain
from harness.surroundings import REGION

# More than a bootstrap believes in a connection, less than it takes to be dull.
RENEW_AFTER = 1.5
RENEWALS = 4
LIFETIME = 3
# How long a bootstrap believes that a session has no connection.
BELIEVE_DISCONNECTED = 5

WORKING = """
import time

def handler(event, context):
    time.sleep(0.05)
    return {"by": "the working copy", "number": event["number"]}
"""
DEPLOYED = """
def handler(event, context):
    return {"by": "the deployed code", "number": event["number"]}
"""


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    deployed = Project.of(tmp_path_factory.mktemp("deployed"), {"Hello": DEPLOYED}, timeout=30)
    return clouds({"app": deployed.template})


@pytest.fixture
def project(tmp_path):
    return Project.of(tmp_path / "working-copy", {"Hello": WORKING})


def connection_of(cloud, attached):
    found = cloud.client("dynamodb").get_item(
        TableName=cloud.outputs()["SessionsTable"],
        Key={"SessionId": {"S": attached.session_id}},
        ConsistentRead=True,
    )
    return plain(found["Item"])["ConnectionId"]


def cut(cloud, attached):
    """Ends the session's connection, as API Gateway does."""
    client = boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=cloud.outputs()["ConnectionsUrl"],
        region_name=REGION,
        aws_access_key_id="AKIAEXAMPLE",
        aws_secret_access_key="example",
    )
    client.delete_connection(ConnectionId=connection_of(cloud, attached))
    client.close()


def wait_for_the_laptop(cloud):
    """Bootstraps that met a session without a connection look again after some seconds."""
    deadline = time.monotonic() + 2 * BELIEVE_DISCONNECTED
    while time.monotonic() < deadline:
        said = json.loads(cloud.invoke("Hello", {"number": 1}).payload)
        if said["by"] == "the working copy":
            return
    raise AssertionError(f"long after the reconnect: {said}")


class Load:
    """Callers that invoke one after the other, until the story has seen enough."""

    CALLERS = 4

    def __init__(self, cloud):
        self.cloud = cloud
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor(self.CALLERS)
        cloud.client("lambda")
        self._calls = [self._pool.submit(self._call, it) for it in range(self.CALLERS)]

    def _call(self, caller):
        answers, number = [], caller
        while not self._over.is_set():
            answer = self.cloud.invoke("Hello", {"number": number})
            assert answer.error is None, answer.payload
            answers.append((number, json.loads(answer.payload), answer))
            number += self.CALLERS
        return answers

    def stop(self):
        """Every answer, and none of them an error or another one's."""
        self._over.set()
        answers = [answer for call in self._calls for answer in call.result(30)]
        self._pool.shutdown()
        assert all(said["number"] == number for number, said, _ in answers)
        return answers


@pytest.fixture
def load(cloud):
    started = []

    def start():
        started.append(Load(cloud))
        return started[-1]

    yield start
    for it in started:
        it._over.set()
        it._pool.shutdown()


def test_a_connection_is_renewed_under_load_and_every_answer_is_the_laptops(
    cloud, attach, project, load
):
    attached = attach(cloud, project, "--renew-connection-after", str(RENEW_AFTER))
    first = connection_of(cloud, attached)
    calling = load()
    attached.wait_until(
        lambda: len(attached.events_of("renewed")) >= RENEWALS, f"{RENEWALS} renewals"
    )
    answers = calling.stop()
    assert connection_of(cloud, attached) != first
    assert len(answers) > 50
    assert {said["by"] for _, said, _ in answers} == {"the working copy"}
    outcomes = [attached.outcome_of(answer)["outcome"] for _, _, answer in answers]
    assert set(outcomes) == {"completed"}
    assert attached.events_of("disconnected") == []
    # Each ran once.
    ids = [it["requestId"] for it in attached.events_of("started")]
    assert len(ids) == len(set(ids))


@pytest.fixture(scope="module")
def brief(clouds, tmp_path_factory):
    """A cloud that cuts each connection at an age of LIFETIME, where AWS does at 2 h."""
    deployed = Project.of(tmp_path_factory.mktemp("brief"), {"Hello": DEPLOYED}, timeout=30)
    return clouds({"app": deployed.template}, "--websocket-lifetime", str(LIFETIME))


@pytest.mark.parametrize("renews", [True, False])
def test_the_limit_of_api_gateway_passes_under_load_and_no_invocation_is_lost(
    brief, attach, project, renews
):
    flags = ["--renew-connection-after", str(LIFETIME / 2)] if renews else []
    attached = attach(brief, project, *flags)
    calling = Load(brief)
    news = "renewed" if renews else "reconnected"
    try:
        attached.wait_until(lambda: len(attached.events_of(news)) >= RENEWALS, f"{RENEWALS} {news}")
    finally:
        answers = calling.stop()
    by = {said["by"] for _, said, _ in answers}
    if renews:
        assert by == {"the working copy"}
        assert attached.events_of("disconnected") == []
    else:
        # In a gap the deployed code answers; afterwards the laptop again.
        assert len(attached.events_of("disconnected")) >= RENEWALS
        wait_for_the_laptop(brief)


def test_a_connection_that_is_cut_under_load_fails_no_invocation(cloud, attach, project, load):
    attached = attach(cloud, project)
    calling = load()
    for times in range(1, 4):
        done = len(attached.events_of("invocation"))
        attached.wait_until(
            lambda done=done: len(attached.events_of("invocation")) > done + 10, "invocations"
        )
        cut(cloud, attached)
        attached.wait_until(
            lambda times=times: len(attached.events_of("reconnected")) >= times, "reconnect"
        )
    answers = calling.stop()
    by_laptop = [it for it in answers if it[1]["by"] == "the working copy"]
    assert len(by_laptop) > 30
    # Who was answered by the laptop was answered by a run that is known as such.
    for _, _, answer in by_laptop:
        assert attached.outcome_of(answer)["outcome"] == "completed"
    wait_for_the_laptop(cloud)


def line_of(path, text):
    lines = path.read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_cut_while_an_invocation_is_at_a_breakpoint_its_answer_is_delivered_once(
    cloud, attach, project
):
    attached = attach(cloud, project, "--debug", "--debug-port", "0")
    where = attached.wait_for("debugger", function="Hello")
    code = project.path("Hello/app.py")
    with Debugger(where["host"], where["port"]) as debugger:
        assert debugger.attach({code: [line_of(code, "return {")]}) == [True]
        calling = cloud.invoke_meanwhile("Hello", {"number": 7})
        stopped = debugger.wait_for("stopped")
        before = connection_of(cloud, attached)
        cut(cloud, attached)
        attached.wait_for("disconnected")
        attached.wait_for("reconnected")
        assert connection_of(cloud, attached) != before
        assert not calling.done()
        debugger.ask("continue", threadId=stopped["threadId"])
        answer = calling.result(20)
    assert answer.error is None
    assert json.loads(answer.payload) == {"by": "the working copy", "number": 7}
    assert attached.outcome_of(answer)["outcome"] == "completed"
    assert len(attached.events_of("invocation", requestId=answer.request_id)) == 1
    assert len(attached.events_of("started")) == 1
    attached.detach()


def test_cut_while_idle_the_next_invocation_is_answered_by_the_laptop(cloud, attach, project):
    attached = attach(cloud, project)
    cut(cloud, attached)
    attached.wait_for("reconnected")
    wait_for_the_laptop(cloud)
