"""The network swallows everything without a word, or the laptop sleeps."""

import json
import signal
import time

import pytest
from harness import Project
from harness.ledger import DEPLOYED, LAPTOP, Call, Ledger
from harness.sessions import plain

# Of a function whose laptop is waited for, and of one that is waited for when it is gone.
TIMEOUT, LONG = 8, 60
CLAIM_WAIT = 2
# Grace of a lost laptop, and how often the bootstrap looks at the session.
GRACE, SESSION_WATCH = 15, 5
# A machine may be busy.
SLACK = 1.5

# Longer than a claim is waited for, so that an event comes before anybody notices.
NOTICES_LATE, NOTICES_SOON = "5", "0.5"


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    return Ledger(tmp_path_factory.mktemp("ledger") / "runs")


def project(folder, ledger, who):
    made = Project.of(folder, dict.fromkeys(["Short", "Long"], ledger.source(who)), timeout=TIMEOUT)
    template = json.loads(made.template.read_text())
    template["Resources"]["Long"]["Properties"]["Timeout"] = LONG
    made.write("template.yaml", json.dumps(template, indent=2))
    return made


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory, ledger):
    return clouds({"app": project(tmp_path_factory.mktemp("deployed"), ledger, DEPLOYED).template})


@pytest.fixture(autouse=True)
def unchanged(cloud):
    """Whatever happens: in the end every function is what it was."""

    def now():
        return {name: cloud.configuration(name) for name in ("Short", "Long")}

    before = now()
    yield before
    # The fixtures that a story has asked for have ended before.
    assert now() == before


@pytest.fixture
def receiver(cloud, unchanged, attach, tmp_path, ledger):
    here = project(tmp_path / "here", ledger, LAPTOP)

    def start(keep_alive):
        return attach(cloud, here, "--keep-timeout", "--keep-alive", keep_alive)

    return start


@pytest.fixture
def call(cloud, ledger):
    def start(function, **event):
        return Call(cloud, ledger, function, **event)

    return start


def is_answered(call, by, within=None):
    told = call.told()
    assert told.by == by, told
    assert call.runs == [by]
    assert within is None or told.took < within
    return told


def is_answered_by(call):
    told = call.told()
    assert told.error is None, told
    assert call.runs == [told.by]
    return told.by


def session(cloud, attached):
    found = cloud.client("dynamodb").get_item(
        TableName=cloud.outputs()["SessionsTable"],
        Key={"SessionId": {"S": attached.session_id}},
        ConsistentRead=True,
    )
    return plain(found["Item"])


def test_a_connection_that_is_half_open_holds_one_event_up_until_the_receiver_notices(
    cloud, receiver, call
):
    attached = receiver(NOTICES_LATE)
    is_answered(call("Short"), LAPTOP)
    first = session(cloud, attached)["ConnectionId"]
    # From now on no packet passes, and no close arrives.
    with cloud.fault("websocket", "silence", action="message", contains=first) as silent:
        lost = call("Short")
        silent.wait_for_hit()
        assert is_answered(lost, DEPLOYED, within=CLAIM_WAIT + SLACK).took >= CLAIM_WAIT
        # The connection is suspect.
        is_answered(call("Short"), DEPLOYED, within=SLACK)
        assert attached.events_of("disconnected") == []

        gone = attached.wait_for("disconnected")
        assert "keep-alive" in gone["reason"]
        attached.wait_for("reconnected")
        assert session(cloud, attached)["ConnectionId"] != first
        is_answered(call("Short"), LAPTOP)
    assert lost.runs == [DEPLOYED]
    attached.detach()


def test_a_reply_into_a_half_open_connection_is_delivered_by_the_next_one(
    cloud, receiver, call, tmp_path
):
    attached = receiver(NOTICES_SOON)
    until = tmp_path / "go on"
    running = call("Long", until={LAPTOP: str(until)})
    running.wait_for_run(attached, LAPTOP)
    first = session(cloud, attached)["ConnectionId"]
    with cloud.fault("websocket", "silence", action="message", contains=first) as silent:
        silent.wait_for_hit()
        until.touch()
        attached.wait_for("reconnected")
        told = is_answered(running, LAPTOP)
    assert attached.outcome_of(told.answer)["outcome"] == "completed"
    attached.detach()


def test_a_laptop_that_sleeps_through_the_wait_for_a_claim_runs_nothing_when_it_wakes_up(
    cloud, receiver, call
):
    attached = receiver(NOTICES_SOON)
    is_answered(call("Short"), LAPTOP)
    attached.signal(signal.SIGSTOP)
    slept = call("Short")
    told = is_answered(slept, DEPLOYED, within=CLAIM_WAIT + SLACK)
    is_answered(call("Short"), DEPLOYED, within=SLACK)
    asleep = session(cloud, attached)["LeaseUntil"]
    attached.signal(signal.SIGCONT)

    dropped = attached.outcome_of(told.answer)
    assert dropped["outcome"] == "dropped"
    assert "taken it meanwhile" in dropped["detail"]
    assert slept.runs == [DEPLOYED]
    # It has been heard of: events are its own again, as soon as the function looks.
    attached.wait_until(lambda: session(cloud, attached)["LeaseUntil"] > asleep, "keep-alive")
    attached.wait_until(lambda: is_answered_by(call("Short")) == LAPTOP, "answer of the laptop")
    attached.detach()


def test_a_laptop_that_sleeps_through_its_lease_hears_that_its_session_has_ended(
    cloud, receiver, call, unchanged, tmp_path
):
    attached = receiver(NOTICES_SOON)
    until = tmp_path / "go on"
    running = call("Long", until={LAPTOP: str(until)})
    running.wait_for_run(attached, LAPTOP)
    is_answered(call("Short"), LAPTOP)
    attached.signal(signal.SIGSTOP)
    cloud.end_lease(attached.session_id)
    cloud.sweep()
    # Restored, though somebody sleeps on it.
    assert {name: cloud.configuration(name) for name in unchanged} == unchanged
    is_answered(call("Short"), DEPLOYED)
    is_answered(call("Long"), DEPLOYED)
    # What it had in hand has an end, which is not the deployed code's.
    over = time.monotonic()
    told = running.told()
    assert told.error == "Tether.LaptopGone", told
    assert GRACE - SESSION_WATCH < time.monotonic() - over < GRACE + 2 * SESSION_WATCH
    assert "attach again" in told.message
    assert running.runs == [LAPTOP]

    until.touch()
    attached.signal(signal.SIGCONT)
    assert attached.ends() == 2
    (line,) = attached.errors
    # By the answer to its keep-alive, or when it opens another connection first.
    assert "session" in line and line.endswith("attach again")
    # The run that nobody waited for is no success.
    assert attached.events_of("invocation", outcome="completed", function="Long") == []
    assert running.runs == [LAPTOP]
