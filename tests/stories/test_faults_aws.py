"""AWS refuses, loses or never answers: each fault has the end that was promised.

Where an environment learns something, a row has a function of its own, so that no other story
meets that. All of them are attached at once.
"""

import json
import string
from collections import namedtuple

import pytest
from harness import Project
from harness.ledger import DEPLOYED, LAPTOP, Call, Ledger

# Lambda ends an invocation then; tether answers half a second before.
TIMEOUT = 4
# A laptop is waited for this long: a quarter of it.
CLAIM_WAIT = 1
# A machine may be busy.
SLACK = 1.5


def refused(status, code):
    return {"kind": "refuse", "status": status, "code": code, "message": "no"}


THROTTLED = refused(400, "ProvisionedThroughputExceededException")
BROKEN = refused(500, "InternalServerError")
DENIED = refused(400, "AccessDeniedException")
GONE = refused(410, "GoneException")
TOO_LARGE = refused(413, "PayloadTooLargeException")
TOO_MANY = refused(429, "LimitExceededException")
FORBIDDEN = refused(403, "ForbiddenException")
SLOW = {"kind": "delay", "ms": 300}
HELD = {"kind": "hold", "when": "before"}

# Who meets it, in which call.
CREATE = {"principal": "LayerRole", "action": "PutItem"}
POLL = {"principal": "LayerRole", "action": "GetItem", "table": "DebuggerTable"}
ABANDON = {"principal": "LayerRole", "action": "UpdateItem", "contains": "ABANDONED"}
EXPIRE = {"principal": "LayerRole", "action": "UpdateItem", "contains": "EXPIRED"}
LOOK_UP = {"principal": "LayerRole", "action": "GetItem", "table": "SessionsTable"}
CLAIM = {"principal": "DeveloperRole", "action": "UpdateItem", "contains": "ACCEPTED"}
STORE = {"principal": "ConnectRole", "action": "UpdateItem", "contains": "COMPLETED"}
ASSUME = {"service": "sts", "action": "AssumeRole"}
POST = {"service": "execute-api", "principal": "LayerRole", "action": "PostToConnection"}



Row = namedtuple("Row", "name call effect times end runs within next timeout")


def row(name, call, effect, end, times=None, runs=None, within=None, next=None, timeout=TIMEOUT):
    """``end``: who answers, or which error. ``next``: who answers the next invocation."""
    if runs is None:
        runs = [end] if end in (LAPTOP, DEPLOYED) else []
    return Row(name, call, effect, times, end, runs, within, next, timeout)


UNCONFIRMED, LATE = "Tether.Unconfirmed", "Tether.Timeout"
AT_ONCE = SLACK
AFTER_THE_CLAIM_WAIT = CLAIM_WAIT + SLACK

# The record is created by whoever is first: the laptop, if the bootstrap cannot.
CREATING = [
    row("create throttled once", CREATE, THROTTLED, LAPTOP, times=1, next=LAPTOP),
    row("create throttled", CREATE, THROTTLED, LAPTOP, next=LAPTOP),
    row("create fails once", CREATE, BROKEN, LAPTOP, times=1, next=LAPTOP),
    row("create fails", CREATE, BROKEN, LAPTOP, next=LAPTOP),
    row("create slow", CREATE, SLOW, LAPTOP, next=LAPTOP),
    row("create lost once", CREATE, "lose", LAPTOP, times=1, next=LAPTOP),
    row("create dropped once", CREATE, "drop", LAPTOP, times=1, next=LAPTOP),
    row("create silent", CREATE, "silence", LAPTOP, next=LAPTOP),
]

# Without a look at the record nobody knows whether the laptop runs it, and it does.
POLLING = [
    row("poll throttled once", POLL, THROTTLED, LAPTOP, times=1, next=LAPTOP),
    row("poll throttled", POLL, THROTTLED, UNCONFIRMED, runs=[LAPTOP], next=LAPTOP),
    row("poll fails once", POLL, BROKEN, LAPTOP, times=1, next=LAPTOP),
    row("poll fails", POLL, BROKEN, UNCONFIRMED, runs=[LAPTOP], next=LAPTOP),
    row("poll slow", POLL, SLOW, LAPTOP, next=LAPTOP),
    row("poll lost once", POLL, "lose", LAPTOP, times=1, next=LAPTOP),
    row("poll dropped once", POLL, "drop", LAPTOP, times=1, next=LAPTOP),
    row("poll silent once", POLL, "silence", LAPTOP, times=1, next=LAPTOP),
    row("poll silent", POLL, "silence", UNCONFIRMED, runs=[LAPTOP], next=LAPTOP),
]

# The laptop's claim is held: the deployed code runs only after a confirmed ABANDONED.
ABANDONING = [
    row("abandon throttled once", ABANDON, THROTTLED, DEPLOYED, times=1, timeout=6),
    row("abandon throttled", ABANDON, THROTTLED, UNCONFIRMED, timeout=3),
    row("abandon fails once", ABANDON, BROKEN, DEPLOYED, times=1, timeout=6),
    row("abandon fails", ABANDON, BROKEN, UNCONFIRMED, timeout=3),
    row("abandon slow", ABANDON, SLOW, DEPLOYED),
    row("abandon lost once", ABANDON, "lose", DEPLOYED, times=1, timeout=6),
    row("abandon dropped once", ABANDON, "drop", DEPLOYED, times=1, timeout=6),
    row("abandon silent once", ABANDON, "silence", DEPLOYED, times=1, timeout=6),
    row("abandon silent", ABANDON, "silence", UNCONFIRMED, timeout=3),
]

# The local run does not end in time. The caller is told before the deadline in any case.
EXPIRING = [
    row("expire throttled once", EXPIRE, THROTTLED, LATE, times=1, runs=[LAPTOP], next=LAPTOP),
    row("expire fails", EXPIRE, BROKEN, LATE, runs=[LAPTOP], next=LAPTOP),
    row("expire lost once", EXPIRE, "lose", LATE, times=1, runs=[LAPTOP], next=LAPTOP),
    row("expire silent", EXPIRE, "silence", LATE, runs=[LAPTOP], next=LAPTOP),
]

CLAIMING = [
    row("claim throttled", CLAIM, THROTTLED, DEPLOYED, within=AFTER_THE_CLAIM_WAIT),
    row("claim denied", CLAIM, DENIED, DEPLOYED, within=AFTER_THE_CLAIM_WAIT),
    # The retry finds its own claim.
    row("claim lost once", CLAIM, "lose", LAPTOP, times=1, next=LAPTOP, timeout=6),
    # It stands, and the laptop cannot know: nobody runs it. The laptop tries nine times.
    row("claim lost", CLAIM, "lose", UNCONFIRMED, next=LAPTOP, timeout=20),
]

STORING = [
    row("store lost once", STORE, "lose", LAPTOP, times=1, next=LAPTOP, timeout=15),
    row("store fails once", STORE, BROKEN, LAPTOP, times=1, next=LAPTOP, timeout=15),
    row("store fails", STORE, BROKEN, LATE, runs=[LAPTOP], next=LAPTOP),
]


# Nobody knows of a session: the deployed code answers, and the look-up holds it up for as long
# as a laptop would that does not claim.
LOOKING_UP = [
    row("session denied", LOOK_UP, DENIED, DEPLOYED, within=AT_ONCE),
    row("session fails", LOOK_UP, BROKEN, DEPLOYED, within=AFTER_THE_CLAIM_WAIT),
    row("session throttled", LOOK_UP, THROTTLED, DEPLOYED, within=AFTER_THE_CLAIM_WAIT),
    row("session silent", LOOK_UP, "silence", DEPLOYED, within=AFTER_THE_CLAIM_WAIT),
]
ASSUMING = [
    row("role denied", ASSUME, refused(403, "AccessDenied"), DEPLOYED, within=AT_ONCE),
    row("role fails", ASSUME, BROKEN, DEPLOYED, within=AFTER_THE_CLAIM_WAIT),
    row("role silent", ASSUME, "silence", DEPLOYED, within=AFTER_THE_CLAIM_WAIT),
]

POSTING = [
    # Who is gone is believed to be for a while.
    row("post gone", POST, GONE, DEPLOYED, within=AT_ONCE, next=DEPLOYED),
    row("post too large", POST, TOO_LARGE, DEPLOYED, within=AT_ONCE, next=LAPTOP),
    row("post too many", POST, TOO_MANY, DEPLOYED, within=AT_ONCE, next=LAPTOP),
    row("post forbidden", POST, FORBIDDEN, DEPLOYED, within=AT_ONCE, next=LAPTOP),
    # It may have been delivered, so the record decides.
    row("post fails", POST, BROKEN, DEPLOYED, within=AFTER_THE_CLAIM_WAIT),
    # Sooner than the call gives up by itself, after two seconds.
    row("post silent", POST, "silence", DEPLOYED, within=1.8, timeout=3),
    row("post dropped", POST, "drop", DEPLOYED, within=AFTER_THE_CLAIM_WAIT),
    row("post lost", POST, "lose", LAPTOP, next=LAPTOP),
]

COLD = LOOKING_UP + ASSUMING
ROWS = CREATING + POLLING + ABANDONING + EXPIRING + CLAIMING + STORING + POSTING + COLD

# The laptop gets to its claim when the story lets it.
IDLE = row("claim held", CLAIM, HELD, DEPLOYED, within=AFTER_THE_CLAIM_WAIT)


def logical_id(row):
    """Where the laptop answers again, nothing was learned."""
    name = f"shared {row.timeout}" if row.next == LAPTOP else row.name
    return string.capwords(name).replace(" ", "")


FUNCTIONS = {logical_id(it): it.timeout for it in (*ROWS, IDLE)}


def of(rows):
    return pytest.mark.parametrize("row", rows, ids=lambda it: it.name)


def project(folder, ledger, who):
    source = ledger.source(who)
    made = Project.of(folder, dict.fromkeys(FUNCTIONS, source))
    template = json.loads(made.template.read_text())
    for name, timeout in FUNCTIONS.items():
        template["Resources"][name]["Properties"]["Timeout"] = timeout
    made.write("template.yaml", json.dumps(template, indent=2))
    return made


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    return Ledger(tmp_path_factory.mktemp("ledger") / "runs")


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory, ledger):
    return clouds({"app": project(tmp_path_factory.mktemp("deployed"), ledger, DEPLOYED).template})


@pytest.fixture(scope="module")
def before(cloud):
    """Every function's configuration, as it was deployed."""
    return {name: cloud.configuration(name) for name in FUNCTIONS}


@pytest.fixture(scope="module")
def attached(cloud, before, attach_for_module, tmp_path_factory, ledger):
    here = project(tmp_path_factory.mktemp("here"), ledger, LAPTOP)
    return attach_for_module(cloud, here, "--keep-timeout")


class Story:
    """The function of a row, and what is done to it."""

    def __init__(self, cloud, attached, ledger, row):
        self.cloud = cloud
        self.attached = attached
        self.ledger = ledger
        self.row = row

    def call(self, **event):
        return Call(self.cloud, self.ledger, logical_id(self.row), **event)

    def fault(self, row=None):
        row = row or self.row
        rule = {"service": "dynamodb", "times": row.times, **row.call}
        if "table" in rule:
            rule["contains"] = self.cloud.outputs()[rule.pop("table")]
        return self.cloud.fault(effect=row.effect, **rule)

    def warm(self):
        """The environment knows its session and has its role."""
        call = self.call()
        assert call.told().by == LAPTOP
        assert call.runs == [LAPTOP]

    def meets(self, **event):
        """The invocation that meets the fault, to its promised end."""
        with self.fault() as fault:
            call = self.call(**event)
            fault.wait_for_hit()
            told = call.told()
            self.is_the_end(call, told)
        return call, told

    def is_the_end(self, call, told):
        row = self.row
        assert (told.by or told.error) == row.end, told
        assert call.runs == row.runs
        if told.error:
            assert told.message.startswith("tether: ")
        # Later, Lambda itself would have ended it, with an error of another name.
        if row.within:
            assert told.took < row.within

    def goes_on(self):
        """The next invocation is answered normally."""
        call = self.call()
        told = call.told()
        assert told.error is None, told
        assert self.row.next in (None, told.by), told
        assert call.runs == [told.by]


@pytest.fixture
def story(cloud, attached, ledger, row):
    return Story(cloud, attached, ledger, row)


@of(CREATING + POLLING + STORING + POSTING)
def test_a_call_that_fails_has_the_end_that_was_promised(story):
    story.warm()
    story.meets()
    story.goes_on()


@of(COLD)
def test_what_cannot_be_looked_up_leaves_the_event_to_the_deployed_code_in_time(story):
    call, told = story.meets()
    story.goes_on()
    # None of it has left the function.
    assert story.attached.events_of("started", requestId=told.answer.request_id) == []


@of(CLAIMING)
def test_a_claim_that_fails_is_confirmed_or_nothing_runs_here(story):
    story.warm()
    call, told = story.meets()
    outcome = story.attached.outcome_of(told.answer)["outcome"]
    wanted = {LAPTOP: "completed", DEPLOYED: "dropped", UNCONFIRMED: "failed"}
    assert outcome == wanted[story.row.end]
    assert call.runs == story.row.runs
    story.goes_on()


@of([IDLE])
def test_a_claim_that_comes_after_the_deployed_code_has_answered_runs_nothing(story):
    story.warm()
    call, told = story.meets()
    dropped = story.attached.outcome_of(told.answer)
    assert dropped["outcome"] == "dropped"
    assert "taken it meanwhile" in dropped["detail"]
    assert call.runs == [DEPLOYED]
    story.goes_on()


@of(ABANDONING)
def test_an_event_that_nobody_claims_runs_only_where_that_is_confirmed(story):
    story.warm()
    with story.fault(IDLE):
        call, told = story.meets()
    # The claim comes about now, at last.
    outcome = story.attached.outcome_of(told.answer)["outcome"]
    if story.row.end == DEPLOYED:
        assert outcome == "dropped"
        assert call.runs == [DEPLOYED]
    else:
        # It was said that this is not known.
        assert call.runs in ([], [LAPTOP])
    story.goes_on()


@of(EXPIRING)
def test_a_run_that_does_not_end_is_told_before_the_deadline_whatever_the_table_says(
    story, tmp_path
):
    story.warm()
    until = tmp_path / "go on"
    call, told = story.meets(until={LAPTOP: str(until)})
    until.touch()
    story.attached.outcome_of(told.answer)
    story.goes_on()


def test_after_all_of_it_every_function_is_what_it_was(cloud, before, attached):
    attached.detach()
    assert {name: cloud.configuration(name) for name in before} == before
