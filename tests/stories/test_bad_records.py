"""Messages and records that are not what they should be: named, and nothing is lost by them."""

import json
import secrets
import time

import boto3
import pytest
import websockets.exceptions
from harness import HandMadeSession, Project, tether
from harness.ledger import DEPLOYED, LAPTOP, Call, Ledger
from harness.sessions import heads, plain, say
from harness.surroundings import PATIENCE, REGION

KB = 1024
# API Gateway's limits for a message and for a frame of it.
MESSAGE, FRAME = 128 * KB, 32 * KB

# Lambda ends an invocation then; tether answers half a second before.
TIMEOUT = 4
# How long a bootstrap does not repeat a look-up that has failed.
BELIEVES = 5

# One function of each stack; what is attached to the last one, many stories share.
FUNCTIONS = {"app": "Hello", "other": "Other", "shared": "Shared"}

# Stands in what is wrong, and must not stand in what is said of it.
CARD = "4111-1111"


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    return Ledger(tmp_path_factory.mktemp("ledger") / "runs")


@pytest.fixture(scope="module")
def projects(tmp_path_factory, ledger):
    def make(name, who):
        folder = tmp_path_factory.mktemp("project")
        return Project.of(folder, {name: ledger.source(who)}, timeout=TIMEOUT)

    return make


@pytest.fixture(scope="module")
def cloud(clouds, projects):
    stacks = {stack: projects(name, DEPLOYED) for stack, name in FUNCTIONS.items()}
    return clouds({name: project.template for name, project in stacks.items()})


@pytest.fixture(scope="module")
def before(cloud):
    return {name: cloud.configuration(name) for name in FUNCTIONS.values()}


@pytest.fixture
def receiver(cloud, before, attach, projects):
    """Attaches; in the end the function is what it was."""

    def start(stack="app"):
        here = projects(FUNCTIONS[stack], LAPTOP)
        return attach(cloud, here, "--keep-timeout", stack=stack)

    return start


@pytest.fixture
def call(cloud, ledger):
    def start(function="Hello", **event):
        return Call(cloud, ledger, function, **event)

    return start


def is_answered(call, by):
    told = call.told()
    assert told.by == by, told
    assert call.runs == [by]
    return told


# ---- what a laptop says


def reply(**changes):
    """Of an invocation that nobody knows."""
    outcome = {"status": "completed", "payload": {"text": f'"{CARD}"'}}
    key = {"requestId": "nobody's", "nonce": "0"}
    return {"type": "reply", "key": key, "claimId": "c", "outcome": outcome, **changes}


def nested(depth):
    return '{"type":"reply","key":' + "[" * depth + "]" * depth + "}"


def outcome(**payload):
    return {"status": "completed", "payload": payload}


WRONG = {
    "no JSON": (f"my card is {CARD}", "not JSON"),
    "truncated": (json.dumps(reply())[:-9], "not JSON"),
    "no type": (json.dumps({"action": CARD}), "missing field `type`"),
    "a list": (json.dumps([CARD]), "type unknown"),
    "a type of a newer version": (json.dumps({"type": "dance", "to": CARD}), "tether upgrade"),
    "a version that is no number": (json.dumps({"type": "hello", "version": CARD}), "type hello"),
    "a key that is no key": (json.dumps(reply(key=CARD)), "type reply"),
    "a field that is missing": (json.dumps({"type": "reply", "key": CARD}), "type reply"),
    "an outcome of a newer version": (json.dumps(reply(outcome={"status": CARD})), "type reply"),
    "a payload of a newer version": (json.dumps(reply(outcome=outcome(sealed=CARD))), "type reply"),
    "nested too deep": (nested(15_000), "not JSON"),
    "as large as may be": (json.dumps(reply(key=CARD.ljust(MESSAGE - 200))), "type reply"),
}


def frames(text):
    return [text[start : start + FRAME] for start in range(0, len(text), FRAME)]


class InFlight:
    """An invocation that a session has claimed, by hand."""

    def __init__(self, cloud, session):
        self.cloud = cloud
        self.request_id = secrets.token_hex(8)
        self.key = {"requestId": self.request_id, "nonce": "1"}
        now = int(time.time() * 1000)
        row = {
            "RequestId": {"S": self.request_id},
            "Part": {"S": "1#head"},
            "SessionId": {"S": session.id},
            "Status": {"S": "ACCEPTED"},
            "ClaimId": {"S": "c-1"},
            "Deadline": {"N": str(now + 60_000)},
            "TTL": {"N": str(now // 1000 + 3600)},
        }
        table = cloud.outputs()["DebuggerTable"]
        cloud.client("dynamodb").put_item(TableName=table, Item=row)

    @property
    def status(self):
        (head,) = heads(self.cloud, self.request_id)
        return head["Status"]

    def is_still_answered(self, socket):
        """Its reply is taken, and only now."""
        assert self.status == "ACCEPTED"
        stored = say(socket, reply(key=self.key, claimId="c-1"))
        assert stored == {"type": "stored", **self.key}
        assert self.status == "COMPLETED"


@pytest.fixture(scope="module")
def by_hand(cloud):
    """A session and its connection, for everything that is said wrong on it."""
    session = HandMadeSession(cloud)
    with session.connect() as socket:
        yield session, socket


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_said_wrong_is_named_and_the_session_lives_on(cloud, by_hand, wrong):
    session, socket = by_hand
    in_flight = InFlight(cloud, session)
    text, words = WRONG[wrong]
    socket.send(frames(text))
    answer = json.loads(socket.recv(timeout=PATIENCE))
    assert answer["type"] == "problem", answer
    assert words in answer["reason"]
    assert CARD not in answer["reason"]
    assert say(socket, {"type": "keepAlive"})["type"] == "alive"
    assert session.row()["Status"] == "ACTIVE"
    in_flight.is_still_answered(socket)
    connect = cloud.function("ConnectFunction", stack="tether")
    assert not any(CARD in line for line in cloud.log(connect))


def test_what_is_too_large_ends_the_connection_and_not_the_session(cloud):
    session = HandMadeSession(cloud)
    in_flight = InFlight(cloud, session)
    with session.connect() as socket:
        first = session.row()["ConnectionId"]
        with pytest.raises(websockets.exceptions.ConnectionClosed) as end:
            socket.send(frames(CARD.ljust(MESSAGE + 1)))
            socket.recv(timeout=PATIENCE)
        assert end.value.rcvd.code == 1009
    with session.connect() as socket:
        assert say(socket, {"type": "keepAlive"})["type"] == "alive"
        assert session.row()["ConnectionId"] != first
        in_flight.is_still_answered(socket)


def test_a_hello_of_a_newer_version_is_greeted_in_ours(cloud):
    session = HandMadeSession(cloud)
    hello = {"type": "hello", "version": 99, "instrument": False, "tempo": 120}
    with session.connect() as socket:
        welcome = say(socket, hello)
        assert (welcome["type"], welcome["version"]) == ("welcome", 1)


# ---- what a laptop is told


def session_row(cloud, attached):
    found = cloud.client("dynamodb").get_item(
        TableName=cloud.outputs()["SessionsTable"],
        Key={"SessionId": {"S": attached.session_id}},
        ConsistentRead=True,
    )
    return plain(found["Item"])


def post(cloud, attached, text):
    """To the session's connection, as whoever may post."""
    client = boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=cloud.outputs()["ConnectionsUrl"],
        region_name=REGION,
        aws_access_key_id="AKIAEXAMPLE",
        aws_secret_access_key="example",
    )
    connection = session_row(cloud, attached)["ConnectionId"]
    client.post_to_connection(ConnectionId=connection, Data=text.encode())
    client.close()


def invoke(cloud, function="Hello", seconds=30, **changes):
    """An event, as the bootstrap posts it."""
    now = int(time.time() * 1000)
    arn = cloud.configuration(function)["FunctionArn"]
    deadline = now + seconds * 1000
    message = {
        "type": "invoke",
        "key": {"requestId": secrets.token_hex(8), "nonce": secrets.token_hex(8)},
        "functionArn": arn,
        "environmentId": "by hand",
        "headers": [
            ["lambda-runtime-aws-request-id", "r"],
            ["lambda-runtime-deadline-ms", str(deadline)],
            ["lambda-runtime-invoked-function-arn", arn],
        ],
        "deadline": deadline,
        "payload": {"text": json.dumps({"id": CARD})},
        "environment": {},
        "receivedAt": now,
        "postedAt": now,
    }
    return {**message, **changes}


UNKNOWN = "does not know"
ODD = {
    "no JSON": (lambda _: CARD, UNKNOWN),
    "no type": (lambda _: json.dumps({"card": CARD}), UNKNOWN),
    "of a newer version": (lambda _: json.dumps({"type": "dance", "to": CARD}), UNKNOWN),
    "truncated": (lambda cloud: json.dumps(invoke(cloud))[:-9], UNKNOWN),
    "nested too deep": (lambda _: nested(15_000), UNKNOWN),
    "a deadline that is none": (lambda cloud: json.dumps(invoke(cloud, deadline=CARD)), UNKNOWN),
    "for a function of another session": (
        lambda cloud: json.dumps(invoke(cloud, "Other")),
        "which is not attached",
    ),
    "of API Gateway": (
        lambda _: json.dumps({"message": "Too Many", "connectionId": "c", "requestId": "r-1"}),
        "API Gateway says: Too Many",
    ),
}


def notes(attached, words):
    return [it["message"] for it in attached.events_of("note") if words in it["message"]]


def test_what_a_receiver_cannot_read_is_said_and_it_goes_on(
    cloud, receiver, call, ledger, tmp_path
):
    attached = receiver()
    until = tmp_path / "go on"
    running = call(until={LAPTOP: str(until)})
    running.wait_for_run(attached, LAPTOP)
    for name, (message, words) in ODD.items():
        said = len(notes(attached, words))
        post(cloud, attached, message(cloud))
        attached.wait_until(lambda: len(notes(attached, words)) > said, f"note of {name}")
    # What it never asked for is nothing to it.
    for kind in ("stored", "refused"):
        key = {"requestId": "nobody's", "nonce": "0"}
        more = {"key": key, "reason": "why"} if kind == "refused" else key
        post(cloud, attached, json.dumps({"type": kind, **more}))
    until.touch()
    is_answered(running, LAPTOP)
    is_answered(call(), LAPTOP)
    assert not any(CARD in line for line in attached.stdout + attached.stderr)
    assert ledger.runs(CARD) == []
    attached.detach()


BROKEN = {
    "no base64": {"payload": {"base64": f"%{CARD}"}},
    "not compressed": {"payload": {"zstd": "AAAA"}},
    "without headers": {"headers": []},
}


def test_an_event_that_cannot_be_opened_is_an_error_of_its_name_and_runs_nothing(
    cloud, receiver, call, ledger
):
    attached = receiver()
    for name, changes in BROKEN.items():
        message = invoke(cloud, **changes)
        request_id = message["key"]["requestId"]
        post(cloud, attached, json.dumps(message))
        ended = attached.wait_for("invocation", requestId=request_id)
        assert ended["outcome"] == "failed", name
        assert ended["detail"].startswith("Tether.Protocol: "), ended
        assert CARD not in ended["detail"]
        (head,) = heads(cloud, request_id)
        assert (head["Status"], head["Error"]) == ("FAILED", "Tether.Protocol")
    assert ledger.runs(CARD) == []
    is_answered(call(), LAPTOP)
    attached.detach()


def test_an_event_that_comes_after_its_deadline_runs_nothing(cloud, receiver, call, ledger):
    attached = receiver()
    late = invoke(cloud, seconds=-1)
    post(cloud, attached, json.dumps(late))
    ended = attached.wait_for("invocation", requestId=late["key"]["requestId"])
    assert ended["outcome"] == "dropped"
    assert "after its deadline" in ended["detail"]
    assert ledger.runs(CARD) == []
    is_answered(call(), LAPTOP)
    attached.detach()


# ---- records that were edited by hand


def edit(cloud, table, key, **attributes):
    """Writes attributes over; none: they go."""
    sets = [f"#{name} = :{name}" for name, value in attributes.items() if value is not None]
    removes = [f"#{name}" for name, value in attributes.items() if value is None]
    expression = ("SET " + ", ".join(sets)) if sets else ""
    expression += (" REMOVE " + ", ".join(removes)) if removes else ""
    values = {f":{name}": value for name, value in attributes.items() if value is not None}
    cloud.client("dynamodb").update_item(
        TableName=cloud.outputs()[table],
        Key=key,
        UpdateExpression=expression,
        ExpressionAttributeNames={f"#{name}": name for name in attributes},
        **({"ExpressionAttributeValues": values} if values else {}),
    )


def edit_head(cloud, request_id, **attributes):
    (head,) = heads(cloud, request_id)
    key = {"RequestId": {"S": request_id}, "Part": {"S": head["Part"]}}
    edit(cloud, "DebuggerTable", key, **attributes)


EDITED = {
    "an unknown status": ({"Status": {"S": "DANCING"}}, "dropped"),
    "another session": ({"SessionId": {"S": "somebody's"}}, "dropped"),
    "another claim": ({"ClaimId": {"S": "somebody's"}}, "dropped"),
    # The laptop's word is taken, and the function cannot read the record.
    "no deadline": ({"Deadline": None}, "completed"),
}


@pytest.fixture(scope="module")
def shared(cloud, before, attach_for_module, projects):
    """For stories that harm no session."""
    here = projects("Shared", LAPTOP)
    return attach_for_module(cloud, here, "--keep-timeout", stack="shared")


@pytest.mark.parametrize("edited", EDITED)
def test_a_record_that_is_edited_while_it_runs_is_an_error_before_the_deadline(
    cloud, shared, call, tmp_path, edited
):
    attributes, outcome = EDITED[edited]
    until = tmp_path / "go on"
    running = call("Shared", until={LAPTOP: str(until)})
    request_id = running.wait_for_run(shared, LAPTOP)["request"]
    edit_head(cloud, request_id, **attributes)
    until.touch()
    ended = shared.wait_for("invocation", requestId=request_id)
    assert ended["outcome"] == outcome
    assert ended["detail"] or outcome == "completed"
    told = running.told()
    assert told.error == "Tether.Timeout", told
    assert told.took < TIMEOUT
    assert running.runs == [LAPTOP]
    is_answered(call("Shared"), LAPTOP)


def test_a_record_that_is_edited_before_it_is_claimed_runs_nowhere(cloud, shared, call):
    is_answered(call("Shared"), LAPTOP)
    hold = {"kind": "hold", "when": "before"}
    which = {"principal": "DeveloperRole", "contains": "ACCEPTED", "times": 1}
    with cloud.fault("dynamodb", hold, **which) as held:
        pending = call("Shared")
        held.wait_for_hit()
        request_id = wait_for_request(cloud, shared)
        edit_head(cloud, request_id, Status={"S": "DANCING"})
    told = pending.told()
    assert told.error == "Tether.Unconfirmed", told
    assert told.took < TIMEOUT
    assert shared.outcome_of(told.answer)["outcome"] == "dropped"
    assert pending.runs == []
    is_answered(call("Shared"), LAPTOP)


def wait_for_request(cloud, attached):
    """The id of the only event that is pending."""

    def look():
        rows = cloud.client("dynamodb").scan(
            TableName=cloud.outputs()["DebuggerTable"], ConsistentRead=True
        )["Items"]
        rows = [plain(it) for it in rows]
        return next((it["RequestId"] for it in rows if it.get("Status") == "PENDING"), None)

    return attached.wait_until(look, "record that is pending")


RUBBISH = {
    "an unknown status": {"Status": {"S": "DANCING"}},
    "a lease that is no time": {"LeaseUntil": {"S": "tomorrow"}},
    "no owner": {"Owner": None},
}


def session_key(attached):
    return {"SessionId": {"S": attached.session_id}}


@pytest.mark.parametrize("rubbish", RUBBISH)
def test_a_session_that_cannot_be_read_leaves_events_to_the_deployed_code_and_is_detached(
    cloud, receiver, call, tmp_path, before, rubbish, status
):
    attached = receiver()
    until = tmp_path / "go on"
    running = call(until={LAPTOP: str(until)})
    running.wait_for_run(attached, LAPTOP)
    edit(cloud, "SessionsTable", session_key(attached), **RUBBISH[rubbish])
    is_answered(call(), DEPLOYED)
    cloud.wait_for_log("Hello", "holds a row that tether cannot read")
    # What runs is answered all the same.
    until.touch()
    is_answered(running, LAPTOP)
    attached.detach()
    assert cloud.configuration("Hello") == before["Hello"]
    assert attached.session_id not in {it["sessionId"] for it in status(cloud)}


def test_a_session_that_cannot_be_read_hides_no_other_from_status(cloud, receiver):
    attached, other = receiver(), receiver("other")
    edit(cloud, "SessionsTable", session_key(attached), Status={"S": "DANCING"})
    said = tether("status", "--json", endpoint=cloud.endpoint)
    assert said.code == 0, said.errors
    listed = {it["sessionId"] for it in said.events_of("session")}
    assert other.session_id in listed and attached.session_id not in listed
    assert {"app", "other"} <= {it["stack"] for it in said.events_of("function")}
    (notice,) = said.events_of("notice")
    assert "SessionsTable" in notice["message"] and "cannot read" in notice["message"]


def test_a_session_that_cannot_be_read_keeps_no_other_from_being_swept(cloud, receiver, before):
    attached, other = receiver(), receiver("other")
    edit(cloud, "SessionsTable", session_key(attached), Status={"S": "DANCING"})
    cloud.end_lease(other.session_id)
    cloud.sweep()
    assert cloud.configuration("Other") == before["Other"]


def journal_key(cloud, function):
    return {"FunctionArn": {"S": cloud.configuration(function)["FunctionArn"]}}


def test_a_journal_of_another_version_restores_all_the_same(cloud, receiver, before):
    attached = receiver()
    # A newer one has more, and knows of no timeout: this one was kept.
    edit(cloud, "FunctionsTable", journal_key(cloud, "Hello"), Tempo={"N": "120"})
    attached.detach()
    assert cloud.configuration("Hello") == before["Hello"]


UNREADABLE = {"Variables": {"S": "rubbish"}}


def test_a_journal_entry_that_cannot_be_read_is_shown_and_the_others_are_restored(
    cloud, receiver, before
):
    attached, other = receiver(), receiver("other")
    key = journal_key(cloud, "Other")
    table = cloud.outputs()["FunctionsTable"]
    row = cloud.client("dynamodb").get_item(TableName=table, Key=key)["Item"]
    edit(cloud, "FunctionsTable", key, **UNREADABLE)
    attached.detach()
    assert cloud.configuration("Hello") == before["Hello"]

    said = tether("status", "--json", endpoint=cloud.endpoint)
    assert said.code == 0, said.errors
    (notice,) = said.events_of("notice")
    assert "cannot read" in notice["message"]
    # Mended by hand, it restores.
    cloud.client("dynamodb").put_item(TableName=table, Item=row)
    other.detach()
    assert cloud.configuration("Other") == before["Other"]


def test_a_detach_that_cannot_read_its_journal_says_so(cloud, receiver, before):
    attached = receiver("other")
    attached.kill()
    key = journal_key(cloud, "Other")
    table = cloud.outputs()["FunctionsTable"]
    row = cloud.client("dynamodb").get_item(TableName=table, Key=key)["Item"]
    edit(cloud, "FunctionsTable", key, **UNREADABLE)
    detached = tether("detach", "--stack-name", "other", endpoint=cloud.endpoint)
    cloud.client("dynamodb").put_item(TableName=table, Item=row)
    assert detached.code == 2
    assert any("journal entry cannot be read" in line for line in detached.stderr)
    (line,) = detached.errors
    assert "1 function(s) could not be restored" in line
