"""``attach --background``: a receiver without a terminal."""

import fcntl
import json
import os
import signal
import socket
import sys
import time

import pytest
from harness import Process, Project, tether
from harness.surroundings import binary, environment

WORKING = """
import os, pathlib, time

def handler(event, context):
    while "until" in event and not pathlib.Path(event["until"]).exists():
        time.sleep(0.01)
    return {"by": "the working copy", "pid": os.getpid()}
"""
DEPLOYED = 'def handler(event, context):\n    return {"by": "the deployed code"}\n'


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    deployed = Project.of(tmp_path_factory.mktemp("deployed"), {"Hello": DEPLOYED})
    return clouds({"app": deployed.template})


@pytest.fixture
def project(tmp_path):
    return Project.of(tmp_path / "working-copy", {"Hello": WORKING})


@pytest.fixture
def run(cloud, project):
    """Runs a command on the project's laptop; whatever is in the background ends at last."""

    def command(*words):
        return tether(
            *words, endpoint=cloud.endpoint, cwd=project.folder, XDG_STATE_HOME=str(project.laptop)
        )

    yield command
    for state in project.laptop.glob("tether/*.json"):
        kill(json.loads(state.read_text())["pid"])
    assert command("detach", "--stack-name", "app").code == 0


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # It has ended by itself.


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pid):
    """Soon: there is no event to wait for, it is not our child."""
    deadline = time.monotonic() + 5
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_alive(pid)


def session_of(run):
    sessions = [it for it in run("status", "--json").events if it["event"] == "session"]
    return sessions[0] if sessions else None


def by(cloud):
    return json.loads(cloud.invoke("Hello").payload)["by"]


def test_it_serves_without_its_terminal_until_detach_ends_it(cloud, run, project):
    before = cloud.configuration("Hello")
    launched = run("attach", "--stack-name", "app", "--background", "--json")
    assert launched.code == 0, launched.stderr
    ready = launched.events[-1]
    assert ready["event"] == "ready"
    pid, log = ready["pid"], ready["log"]
    # Its terminal closes: what started it has ended, and a hangup is no reason to.
    os.kill(pid, signal.SIGHUP)
    said = json.loads(cloud.invoke("Hello").payload)
    assert said["by"] == "the working copy"
    assert os.getsid(pid) == pid

    session = session_of(run)
    assert (session["sessionId"], session["pid"]) == (ready["sessionId"], pid)
    assert session["log"] == log
    assert str(pid) in "\n".join(run("status").stdout)

    for flags in (["--background"], []):
        second = run("attach", "--stack-name", "app", *flags)
        assert second.code == 2
        (error,) = second.errors
        assert f"process {pid}" in error and "tether detach --stack-name app" in error
        assert log in error
    assert by(cloud) == "the working copy"

    detached = run("detach", "--stack-name", "app", "--json")
    assert detached.code == 0
    assert detached.events == [{"event": "ended", "pid": pid}, {"event": "detached"}]
    assert gone(pid) and gone(said["pid"])
    assert cloud.configuration("Hello") == before
    assert by(cloud) == "the deployed code"
    assert session_of(run) is None
    with open(log, encoding="utf-8") as lines:
        told = lines.read()
    assert "attached to app" in told and "✓ Hello" in told and "restored" in told
    assert list(project.laptop.glob("tether/*.json")) == []


@pytest.fixture
def start(cloud, project):
    """The same, without waiting for its end."""
    started = []

    def command(*words, endpoint=None):
        env = environment(endpoint or cloud.endpoint, XDG_STATE_HOME=str(project.laptop))
        started.append(Process(" ".join(words[:1]), [binary(), *words], env, project.folder))
        return started[-1]

    yield command
    for process in started:
        process.close()


def test_people_are_told_where_it_is(run, project):
    launched = run("attach", "--stack-name", "app", "--background")
    assert launched.code == 0
    assert launched.stdout == []
    said = "\n".join(launched.stderr)
    assert "attached to app" in said and "tether detach --stack-name app" in said
    assert run("detach", "--stack-name", "app").code == 0
    # The next one leaves its log, even if nothing comes of it.
    (log,) = project.laptop.glob("tether/*.log")
    told = log.read_text()
    project.template.unlink()
    assert run("attach", "--stack-name", "app", "--background").code == 2
    assert log.with_name(log.name + ".old").read_text() == told


def test_an_error_before_it_serves_is_the_commands_own(cloud, run, project):
    project.template.unlink()
    launched = run("attach", "--stack-name", "app", "--background")
    assert launched.code == 2
    (error,) = launched.errors
    assert "template.yaml" in error
    assert session_of(run) is None
    assert list(project.laptop.glob("tether/*.json")) == []


def test_killed_it_is_forgotten_and_detach_restores_what_it_left(cloud, run):
    before = cloud.configuration("Hello")
    ready = run("attach", "--stack-name", "app", "--background", "--json").events[-1]
    os.kill(ready["pid"], signal.SIGKILL)
    assert gone(ready["pid"])
    assert "pid" not in session_of(run)
    assert by(cloud) == "the deployed code"
    detached = run("detach", "--stack-name", "app", "--json")
    assert [it["event"] for it in detached.events] == ["restored", "detached"]
    assert cloud.configuration("Hello") == before
    # The next one is not refused for it.
    again = run("attach", "--stack-name", "app", "--background", "--json")
    assert again.code == 0, again.stderr
    assert run("detach", "--stack-name", "app").code == 0


def test_killed_the_next_one_takes_over_what_it_left(cloud, run):
    before = cloud.configuration("Hello")
    ready = run("attach", "--stack-name", "app", "--background", "--json").events[-1]
    os.kill(ready["pid"], signal.SIGKILL)
    assert gone(ready["pid"])
    again = run("attach", "--stack-name", "app", "--background", "--json")
    assert again.code == 0, again.stderr
    assert again.events[-1]["event"] == "ready"
    assert session_of(run)["sessionId"] != ready["sessionId"]
    assert by(cloud) == "the working copy"
    assert run("detach", "--stack-name", "app").code == 0
    assert cloud.configuration("Hello") == before


@pytest.fixture
def silent():
    """An endpoint that lets everybody in and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_end_before_it_serves_it_ends_and_is_no_success(silent, start, number):
    endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
    for flags, code in ((["--background"], 2), ([], 0)):
        attaching = start("attach", "--stack-name", "app", "--json", *flags, endpoint=endpoint)
        accepted, _ = silent.accept()
        with accepted:
            attaching.signal(number)
            # Nothing was waited for that does not come.
            assert attaching.ends(5) == code
        if flags:
            (error,) = attaching.errors
            assert "before it served" in error


def is_waiting(process):
    return [it for it in process.events_of("note") if "waiting for" in it["message"]]


def test_whoever_detaches_twice_does_not_end_what_runs(cloud, attach, project, start, tmp_path):
    attached = attach(cloud, project)
    until = tmp_path / "go on"
    calling = cloud.invoke_meanwhile("Hello", {"until": str(until)})
    attached.wait_for("started", function="Hello")
    first = start("detach", "--stack-name", "app", "--json")
    attached.wait_until(lambda: is_waiting(attached), "note that it waits")
    # Its signal is there before its sign of life.
    second = start("detach", "--stack-name", "app")
    second.wait_until(lambda: any("is attached" in it for it in second.stderr), "what it does")
    assert by(cloud) == "the deployed code"
    assert not calling.done()
    until.touch()
    assert json.loads(calling.result(20).payload)["by"] == "the working copy"
    assert (first.ends(), second.ends(), attached.ends()) == (0, 0, 0)


def test_ctrl_c_in_detach_ends_what_runs_with_an_error(cloud, attach, project, start, tmp_path):
    attached = attach(cloud, project)
    calling = cloud.invoke_meanwhile("Hello", {"until": str(tmp_path / "never")})
    attached.wait_for("started", function="Hello")
    detaching = start("detach", "--stack-name", "app", "--json")
    attached.wait_until(lambda: is_waiting(attached), "note that it waits")
    detaching.signal(signal.SIGINT)
    error = json.loads(calling.result(20).payload)
    assert error["errorType"] == "Tether.Detached"
    assert (detaching.ends(), attached.ends()) == (0, 0)


def test_an_attach_that_was_stopped_goes_on_to_its_end(cloud, attach, project, start):
    before = cloud.configuration("Hello")
    attached = attach(cloud, project)
    # As Ctrl-Z in its terminal does.
    attached.signal(signal.SIGSTOP)
    detaching = start("detach", "--stack-name", "app", "--json")
    assert detaching.ends() == 0
    assert detaching.events[0] == {"event": "ended", "pid": attached.pid}
    assert attached.ends() == 0
    assert cloud.configuration("Hello") == before


# Hears what it is asked, and does not do it.
STUBBORN = """
import signal
asked = {signal.SIGINT, signal.SIGTERM}
signal.pthread_sigmask(signal.SIG_BLOCK, asked)
print("here", flush=True)
while True:
    print("heard", int(signal.sigwait(asked)), flush=True)
"""


@pytest.fixture
def stubborn(run, project):
    """A process that is taken for an attach, and does not end; and the lock that it holds."""
    ready = run("attach", "--stack-name", "app", "--background", "--json").events[-1]
    (record,) = project.laptop.glob("tether/*.json")
    said = json.loads(record.read_text())
    assert run("detach", "--stack-name", "app").code == 0
    assert gone(ready["pid"])
    with (
        Process("stubborn", [sys.executable, "-c", STUBBORN], environment()) as process,
        open(record.with_suffix(".lock"), "w", encoding="utf-8") as lock,
    ):
        process.wait_until(lambda: process.stdout, "sign of life")
        fcntl.flock(lock, fcntl.LOCK_EX)
        with open(f"/proc/{process.pid}/stat", encoding="utf-8") as stat:
            started = stat.read().rpartition(")")[2].split()[19]
        record.write_text(json.dumps({**said, "pid": process.pid, "processStarted": started}))
        yield process
        process.kill()


def heard(process, *numbers):
    process.wait_until(
        lambda: process.stdout[1:] == [f"heard {int(it)}" for it in numbers], f"signals {numbers}"
    )


def test_detach_does_not_wait_for_ever(stubborn, start):
    detaching = start("detach", "--stack-name", "app")
    heard(stubborn, signal.SIGTERM)
    detaching.signal(signal.SIGINT)
    heard(stubborn, signal.SIGTERM, signal.SIGINT)
    detaching.signal(signal.SIGINT)
    heard(stubborn, signal.SIGTERM, signal.SIGINT, signal.SIGINT)
    detaching.signal(signal.SIGINT)
    assert detaching.ends() == 0
    assert any("not waited for any longer" in it for it in detaching.stderr)


def test_detach_ends_by_sigterm(stubborn, start):
    detaching = start("detach", "--stack-name", "app")
    heard(stubborn, signal.SIGTERM)
    detaching.signal(signal.SIGTERM)
    assert detaching.ends() == 2
    (error,) = detaching.errors
    assert str(stubborn.pid) in error


def test_detach_waits_for_the_process_that_it_found_and_for_no_other(stubborn, start):
    # Whoever attaches next has the lock at once: here the story has it.
    detaching = start("detach", "--stack-name", "app", "--json")
    heard(stubborn, signal.SIGTERM)
    stubborn.kill()
    assert detaching.ends() == 0
    assert detaching.events[0] == {"event": "ended", "pid": stubborn.pid}


def test_detach_in_another_terminal_ends_an_attach_in_the_foreground(cloud, attach, run, project):
    before = cloud.configuration("Hello")
    attached = attach(cloud, project)
    assert session_of(run)["pid"] == attached.pid
    detached = run("detach", "--stack-name", "app", "--json")
    assert detached.events[0] == {"event": "ended", "pid": attached.pid}
    assert attached.ends() == 0
    assert attached.events[-1] == {"event": "detached"}
    assert cloud.configuration("Hello") == before
