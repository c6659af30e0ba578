"""Who is let in by the WebSocket, and whose replies count."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness import HandMadeSession, Project, tether
from harness.sessions import connect, heads, refusal, say

WAITING = """
import os, pathlib, time

def handler(event, context):
    if "until" not in event:
        return "the deployed code"
    while not pathlib.Path(event["until"]).exists():
        time.sleep(0.01)
    return "its own session"
"""


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    deployed = Project.of(tmp_path_factory.mktemp("deployed"), {"Waiting": WAITING}, timeout=10)
    return clouds({"app": deployed.template})


def told_the_time(message):
    """What time it is in the cloud, for laptops whose clock is off."""
    return abs(message.pop("now") / 1000 - time.time()) < 20


def is_alive(socket):
    answer = say(socket, {"type": "keepAlive"})
    assert told_the_time(answer) and answer == {"type": "alive"}


# ---- who is let in


def test_the_right_token_is_let_in_and_greeted(cloud):
    session = HandMadeSession(cloud)
    with session.connect() as socket:
        welcome = say(socket, {"type": "hello", "version": 1, "instrument": False})
        assert told_the_time(welcome)
        assert welcome == {"type": "welcome", "version": 1, "sessionId": session.id}
        assert session.row()["Status"] == "ACTIVE"
        is_alive(socket)


def test_a_connection_that_comes_late_does_not_replace_its_successor(cloud):
    session = HandMadeSession(cloud)
    held = {"kind": "hold", "when": "before"}
    which = {"service": "dynamodb", "principal": "ConnectRole", "action": "UpdateItem"}
    with ThreadPoolExecutor(1) as pool, cloud.fault(effect=held, times=1, **which) as fault:
        late = pool.submit(refusal, session.connect)
        fault.wait_for_hit()
        with session.connect() as socket:
            current = session.row()["ConnectionId"]
            fault.lift()
            assert late.result(20) == 403
            assert session.row()["ConnectionId"] == current
            is_alive(socket)


def test_an_unknown_session_is_refused(cloud):
    session = HandMadeSession(cloud)
    assert refusal(lambda: session.connect(session="0" * 16)) in (401, 403)


def test_a_wrong_token_is_refused_and_does_not_spoil_the_session(cloud):
    session = HandMadeSession(cloud)
    other = HandMadeSession(cloud)
    assert refusal(lambda: session.connect(token=other.token)) in (401, 403)
    assert session.row()["Status"] == "PENDING"
    assert refusal(session.connect) is None


def test_the_hash_of_the_token_does_not_open_the_session(cloud):
    session = HandMadeSession(cloud)
    assert refusal(lambda: session.connect(token=session.row()["TokenHash"])) in (401, 403)


def test_a_closed_session_is_refused(cloud):
    session = HandMadeSession(cloud, Status="CLOSED")
    assert refusal(session.connect) in (401, 403)
    assert session.row()["Status"] == "CLOSED"


def test_an_expired_session_is_refused_although_its_row_is_still_there(cloud):
    session = HandMadeSession(cloud, TTL=int(time.time()) - 1)
    assert refusal(session.connect) in (401, 403)
    assert session.row()["Status"] == "PENDING"


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("?session={id}", {}),
        ("", {"Authorization": "Bearer {token}"}),
        ("", {}),
        ("?session={id}", {"Authorization": "Basic {token}"}),
        ("?session={id}&token={token}", {}),
    ],
    ids=["no token", "no session", "neither", "another scheme", "token in the query"],
)
def test_half_of_what_is_needed_is_refused(cloud, query, headers):
    session = HandMadeSession(cloud)
    parts = {"id": session.id, "token": session.token}
    headers = {name: value.format(**parts) for name, value in headers.items()}
    url = session.url + query.format(**parts)
    assert refusal(lambda: connect(url, **headers)) in (401, 403)
    assert session.row()["Status"] == "PENDING"


# ---- whose replies count


def test_a_reply_of_another_session_is_refused_and_the_invocation_goes_on(cloud, attach, tmp_path):
    project = Project.of(tmp_path / "working-copy", {"Waiting": WAITING})
    attached = attach(cloud, project)
    until = tmp_path / "go on"
    calling = cloud.invoke_meanwhile("Waiting", {"until": str(until)})
    request_id = attached.wait_for("started", function="Waiting")["requestId"]
    (head,) = heads(cloud, request_id)
    assert (head["Status"], head["SessionId"]) == ("ACCEPTED", attached.session_id)

    reply = {
        "type": "reply",
        "key": {"requestId": request_id, "nonce": head["Part"].removesuffix("#head")},
        "claimId": head["ClaimId"],
        "outcome": {"status": "completed", "payload": {"text": '"somebody else"'}},
    }
    with HandMadeSession(cloud).connect() as socket:
        refused = say(socket, reply)
        assert refused["type"] == "refused"
        assert refused["key"] == reply["key"]
        assert "another session" in refused["reason"]
    assert heads(cloud, request_id) == [head]
    assert not calling.done()

    until.touch()
    answer = calling.result(20)
    assert (answer.payload, answer.error) == (b'"its own session"', None)
    assert attached.outcome_of(answer)["outcome"] == "completed"


def test_a_message_that_cannot_be_read_is_answered_and_the_connection_stays(cloud):
    with HandMadeSession(cloud).connect() as socket:
        for text in ("no JSON", '{"type": "reply"}', "[]"):
            socket.send(text)
            answer = json.loads(socket.recv(timeout=20))
            assert answer["type"] == "problem", answer
            assert answer["reason"]
        is_alive(socket)


def test_the_sessions_of_one_stack_are_shown(hello_cloud, attach, working_copy):
    attached = attach(hello_cloud, working_copy)
    for stack, shown in (("app", [attached.session_id]), ("another", [])):
        told = tether("status", "--stack-name", stack, "--json", endpoint=hello_cloud.endpoint)
        assert told.code == 0, told.stderr
        assert [it["sessionId"] for it in told.events_of("session")] == shown
    attached.detach()
