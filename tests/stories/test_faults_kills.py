"""kill -9, at every step: of the bootstrap, the receiver, the code, and the helper Lambdas.

A call that is held says which step it is: whoever makes it is killed meanwhile.
"""

import os
import signal

import boto3
import pytest
from harness import Project, tether
from harness.ledger import DEPLOYED, LAPTOP, Call, Ledger
from harness.processes import Process
from harness.sessions import plain
from harness.surroundings import REGION, binary, environment
from harness.victims import kill, kill_bootstrap

# A claim is waited for two seconds: a machine may be busy.
TIMEOUT = 20
# Grace of a lost laptop, and how often the bootstrap looks at the session.
GRACE, SESSION_WATCH = 15, 5
# A reply without an answer is sent again then.
REPEAT_AFTER = 5

BEFORE, AFTER = ({"kind": "hold", "when": it} for it in ("before", "after"))

POST = {"service": "execute-api", "principal": "LayerRole", "action": "PostToConnection"}
POLL = {"service": "dynamodb", "principal": "LayerRole", "action": "GetItem"}
CLAIM = {"service": "dynamodb", "principal": "DeveloperRole", "contains": "ACCEPTED"}
STORE = {"service": "dynamodb", "principal": "ConnectRole", "contains": "COMPLETED"}
# Not what is written when a connection is gone.
ACTIVATE = {"service": "dynamodb", "principal": "ConnectRole", "contains": "#TTL > :now"}
ADMIT = {"service": "dynamodb", "principal": "AuthorizerRole", "action": "GetItem"}
CHANGE = {"service": "lambda", "principal": "ManagerRole", "action": "UpdateFunctionConfiguration"}

# One of each is killed with its environment, and has a function of its own.
SHARED = ["Bootstrap", "Local", "Child", "Connect"]


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    return Ledger(tmp_path_factory.mktemp("ledger") / "runs")


@pytest.fixture(scope="module")
def projects(tmp_path_factory, ledger):
    """Folders of a stack: deployed, and here."""

    def make(names, who, timeout=TIMEOUT):
        folder = tmp_path_factory.mktemp("project")
        return Project.of(folder, dict.fromkeys(names, ledger.source(who)), timeout=timeout)

    return make


@pytest.fixture(scope="module")
def cloud(clouds, projects):
    stacks = {
        "shared": projects(SHARED, DEPLOYED).template,
        # For those who attach themselves; a lost laptop is waited for.
        "own": projects(["Own", "Other"], DEPLOYED, timeout=60).template,
    }
    return clouds(stacks, "--async-retry-seconds", "0.2,0.4")


@pytest.fixture(scope="module")
def before(cloud):
    return {name: cloud.configuration(name) for name in (*SHARED, "Own", "Other")}


@pytest.fixture(scope="module")
def attached(cloud, before, attach_for_module, projects):
    return attach_for_module(cloud, projects(SHARED, LAPTOP), "--keep-timeout", stack="shared")


@pytest.fixture
def own(cloud, before, attach, projects):
    """Attaches to the other stack, as often as a story likes."""
    here = projects(["Own", "Other"], LAPTOP)

    def start():
        return attach(cloud, here, "--keep-timeout", stack="own")

    start.project = here
    return start


@pytest.fixture
def call(cloud, ledger):
    def start(function, **event):
        return Call(cloud, ledger, function, **event)

    return start


def is_answered(call, by):
    told = call.told()
    assert told.by == by, told
    assert call.runs == [by]
    return told


def fails(call, name, within=TIMEOUT):
    told = call.told(within + 10)
    assert told.error == name, told
    assert told.took < within
    return told


def helper(cloud, name):
    return cloud.function(name, stack="tether")


# ---- the bootstrap


STEPS = {
    "before its post": (POST, BEFORE),
    "after its post": (POST, AFTER),
    "before the claim": (CLAIM, BEFORE),
    "after the claim": (CLAIM, AFTER),
    "while its answer is stored": (STORE, BEFORE),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_bootstrap_that_is_killed_is_lambdas_own_error_and_the_next_event_is_answered(
    cloud, attached, call, step
):
    is_answered(call("Bootstrap"), LAPTOP)
    rule, effect = STEPS[step]
    with cloud.fault(effect=effect, times=1, **rule) as held:
        invocation = call("Bootstrap")
        held.wait_for_hit()
        kill_bootstrap(cloud, cloud.function("Bootstrap", stack="shared"))
        told = fails(invocation, "Runtime.ExitError")
        assert "signal: killed" in told.message
        assert invocation.runs in ([], [LAPTOP])
    # What was under way comes to its end, and runs nothing twice.
    attached.outcome_of(told.answer)
    assert invocation.runs in ([], [LAPTOP])
    is_answered(call("Bootstrap"), LAPTOP)


def test_a_bootstrap_that_is_killed_while_the_handler_runs(cloud, attached, call, tmp_path):
    until = tmp_path / "go on"
    invocation = call("Bootstrap", until={LAPTOP: str(until)})
    invocation.wait_for_run(attached, LAPTOP)
    kill_bootstrap(cloud, cloud.function("Bootstrap", stack="shared"))
    told = fails(invocation, "Runtime.ExitError")
    # Another environment, and so another local process: nobody waits for the first.
    is_answered(call("Bootstrap"), LAPTOP)
    until.touch()
    attached.outcome_of(told.answer)
    assert invocation.runs == [LAPTOP]


def test_a_bootstrap_that_is_killed_before_it_has_read_the_answer(
    cloud, attached, call, tmp_path
):
    until = tmp_path / "go on"
    invocation = call("Bootstrap", until={LAPTOP: str(until)})
    invocation.wait_for_run(attached, LAPTOP)
    table = cloud.outputs()["DebuggerTable"]
    with cloud.fault(effect=BEFORE, contains=table, **POLL) as held:
        held.wait_for_hit()
        until.touch()
        stored = attached.wait_for("invocation", outcome="completed", requestId=request(invocation))
        kill_bootstrap(cloud, cloud.function("Bootstrap", stack="shared"))
        told = fails(invocation, "Runtime.ExitError")
    assert stored["requestId"] == told.answer.request_id
    assert invocation.runs == [LAPTOP]
    is_answered(call("Bootstrap"), LAPTOP)


def request(invocation):
    """Lambda's id of an invocation that runs."""
    (line,) = invocation.ledger.lines(invocation.id)
    return line["request"]


# ---- the code


def test_a_local_process_that_is_killed_is_named_and_the_next_event_has_a_new_one(
    attached, call, tmp_path
):
    invocation = call("Local", until={LAPTOP: str(tmp_path / "never")})
    killed = invocation.wait_for_run(attached, LAPTOP)["pid"]
    os.kill(killed, signal.SIGKILL)
    told = fails(invocation, "Runtime.ExitError")
    assert "signal: killed" in told.message
    outcome = attached.outcome_of(told.answer)
    assert outcome["outcome"] == "failed"
    assert outcome["detail"].startswith("Runtime.ExitError: ")
    assert invocation.runs == [LAPTOP]
    following = call("Local")
    is_answered(following, LAPTOP)
    assert following.ledger.lines(following.id)[0]["pid"] != killed


def test_the_deployed_code_that_is_killed_is_lambdas_own_error(cloud, attached, call, tmp_path):
    with cloud.fault(effect=BEFORE, times=1, **CLAIM) as held:
        invocation = call("Child", until={DEPLOYED: str(tmp_path / "never")})
        held.wait_for_hit()
        run = invocation.wait_for_run(attached, DEPLOYED)
        os.kill(run["pid"], signal.SIGKILL)
        told = fails(invocation, "Runtime.ExitError")
        assert "signal: killed" in told.message
    assert attached.outcome_of(told.answer)["outcome"] == "dropped"
    assert invocation.runs == [DEPLOYED]
    is_answered(call("Child"), LAPTOP)


# ---- the receiver


def test_a_receiver_that_is_killed_before_its_claim_leaves_the_event_to_the_deployed_code(
    cloud, own, call
):
    attached = own()
    with cloud.fault(effect=BEFORE, times=1, **CLAIM) as held:
        invocation = call("Own")
        held.wait_for_hit()
        attached.kill()
        is_answered(invocation, DEPLOYED)
    # The claim arrives now: too late for anybody.
    is_answered(call("Own"), DEPLOYED)
    assert invocation.runs == [DEPLOYED]
    own()
    # The environments are new ones.
    is_answered(call("Own"), LAPTOP)


def test_a_receiver_that_is_killed_after_its_claim_is_said_to_be_gone(
    cloud, own, call, tmp_path, before
):
    attached = own()
    until = tmp_path / "go on"
    running = call("Other", until={LAPTOP: str(until)})
    running.wait_for_run(attached, LAPTOP)
    with cloud.fault(effect=AFTER, times=1, **CLAIM) as held:
        claimed = call("Own")
        held.wait_for_hit()
        attached.kill()
    is_answered(call("Own"), DEPLOYED)
    within = GRACE + 2 * SESSION_WATCH
    for invocation, runs in ((claimed, []), (running, [LAPTOP])):
        told = fails(invocation, "Tether.LaptopGone", within=within)
        assert told.took >= GRACE
        assert "attach again" in told.message
        assert invocation.runs == runs
    until.touch()
    is_answered(call("Other"), DEPLOYED)
    assert tether("detach", "--stack-name", "own", endpoint=cloud.endpoint).code == 0
    assert {name: cloud.configuration(name) for name in ("Own", "Other")} == {
        name: before[name] for name in ("Own", "Other")
    }


def test_a_receiver_that_is_killed_after_its_reply_left_has_answered(cloud, own, call):
    attached = own()
    with cloud.fault(effect=BEFORE, times=1, **STORE) as held:
        invocation = call("Own")
        held.wait_for_hit()
        attached.kill()
        assert not invocation.is_over
    is_answered(invocation, LAPTOP)
    is_answered(call("Own"), DEPLOYED)


# ---- connect


@pytest.mark.parametrize("effect", [BEFORE, AFTER], ids=lambda it: it["when"])
def test_a_reply_whose_connect_is_killed_is_sent_again_and_answers_once(
    cloud, attached, call, effect
):
    with cloud.fault(effect=effect, times=1, **STORE) as held:
        invocation = call("Connect")
        held.wait_for_hit()
        kill(cloud, helper(cloud, "ConnectFunction"))
        told = is_answered(invocation, LAPTOP)
        # It is looked at as often as that.
        assert told.took < 2 * REPEAT_AFTER + 2
        # Also where the first one was stored, and the record is gone.
        assert attached.outcome_of(told.answer)["outcome"] == "completed"
    assert invocation.runs == [LAPTOP]
    is_answered(call("Connect"), LAPTOP)


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


# Who lets a connection in, and the call by which.
DOORS = {"ConnectFunction": ACTIVATE, "AuthorizerFunction": ADMIT}


@pytest.mark.parametrize("door", DOORS)
def test_a_reconnect_whose_helper_is_killed_is_tried_again(cloud, own, call, door):
    attached = own()
    # Held before it, the write would come after that of the next try.
    with cloud.fault(effect=AFTER, times=1, **DOORS[door]) as held:
        cut(cloud, attached)
        held.wait_for_hit()
        kill(cloud, helper(cloud, door))
        attached.wait_for("reconnected")
    is_answered(call("Own"), LAPTOP)
    attached.detach()


def attaching(cloud, project):
    """``tether attach``, which may fail."""
    command = [binary(), "attach", "--stack-name", "own", "--keep-timeout", "--json"]
    env = environment(cloud.endpoint, XDG_STATE_HOME=str(project.laptop))
    return Process("attach own", command, env, project.folder)


@pytest.mark.parametrize("door", DOORS)
def test_an_attach_whose_helper_is_killed_says_so_and_changes_nothing(
    cloud, own, before, call, door
):
    with cloud.fault(effect=BEFORE, times=1, **DOORS[door]) as held:
        with attaching(cloud, own.project) as process:
            held.wait_for_hit()
            kill(cloud, helper(cloud, door))
            assert process.ends() == 2
            (line,) = process.errors
            assert "cannot be reached" in line and "check the network" in line
            assert process.events_of("ready") == []
    assert cloud.configuration("Own") == before["Own"]
    is_answered(call("Own"), DEPLOYED)


# ---- the manager


@pytest.mark.parametrize("effect", [BEFORE, AFTER], ids=lambda it: it["when"])
def test_a_manager_that_is_killed_while_it_instruments_is_tried_again_by_lambda(
    cloud, own, before, call, effect
):
    with cloud.fault(effect=effect, times=1, **CHANGE) as held:
        with attaching(cloud, own.project) as process:
            held.wait_for_hit()
            kill(cloud, helper(cloud, "ManagerFunction"))
            ready = process.wait_for("ready")
            assert {it["logicalId"] for it in ready["functions"]} == {"Own", "Other"}
            # A change that comes this late is not of the function's revision.
            held.lift()
            is_answered(call("Own"), LAPTOP)
            process.signal(signal.SIGINT)
            assert process.ends() == 0, process.errors
    assert cloud.configuration("Own") == before["Own"]
    is_answered(call("Own"), DEPLOYED)


@pytest.mark.parametrize("effect", [BEFORE, AFTER], ids=lambda it: it["when"])
def test_a_manager_that_is_killed_while_it_restores_is_said_and_a_detach_restores(
    cloud, own, before, call, effect
):
    with attaching(cloud, own.project) as process:
        process.wait_for("ready")
        with cloud.fault(effect=effect, times=1, **CHANGE) as held:
            process.signal(signal.SIGINT)
            held.wait_for_hit()
            kill(cloud, helper(cloud, "ManagerFunction"))
            assert process.ends() == 2
            (line,) = process.errors
            assert "the manager" in line and "Runtime.ExitError" in line
            notes = [it["message"] for it in process.events_of("note")]
            assert any("tether detach --stack-name own" in it for it in notes), notes
            detached = tether("detach", "--stack-name", "own", "--json", endpoint=cloud.endpoint)
            assert detached.code == 0, detached.errors
    assert cloud.configuration("Own") == before["Own"]
    assert cloud.configuration("Other") == before["Other"]
    is_answered(call("Own"), DEPLOYED)


@pytest.mark.parametrize("effect", [BEFORE, AFTER], ids=lambda it: it["when"])
def test_a_sweep_that_is_killed_is_completed_by_the_next_one(cloud, own, before, call, effect):
    attached = own()
    attached.kill()
    cloud.end_lease(attached.session_id)
    manager = helper(cloud, "ManagerFunction")
    with cloud.fault(effect=effect, times=1, **CHANGE) as held:
        sweeping = cloud.invoke_meanwhile(manager, {"action": "sweep"})
        held.wait_for_hit()
        kill(cloud, manager)
        sweeping.result(20)
        assert cloud.invoke(manager, {"action": "sweep"}).error is None
    assert cloud.configuration("Own") == before["Own"]
    assert cloud.configuration("Other") == before["Other"]
    is_answered(call("Own"), DEPLOYED)


def test_after_all_of_it_every_function_is_what_it_was(cloud, before, attached):
    attached.detach()
    assert {name: cloud.configuration(name) for name in before} == before
