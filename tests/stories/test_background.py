"""``attach --background``: a receiver without a terminal."""

import json
import os
import signal
import time

import pytest
from harness import Project, tether

WORKING = """
import os

def handler(event, context):
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


def test_people_are_told_where_it_is(run):
    launched = run("attach", "--stack-name", "app", "--background")
    assert launched.code == 0
    assert launched.stdout == []
    said = "\n".join(launched.stderr)
    assert "attached to app" in said and "tether detach --stack-name app" in said
    assert run("detach", "--stack-name", "app").code == 0


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


def test_detach_in_another_terminal_ends_an_attach_in_the_foreground(cloud, attach, run, project):
    before = cloud.configuration("Hello")
    attached = attach(cloud, project)
    assert session_of(run)["pid"] == attached.pid
    detached = run("detach", "--stack-name", "app", "--json")
    assert detached.events[0] == {"event": "ended", "pid": attached.pid}
    assert attached.ends() == 0
    assert attached.events[-1] == {"event": "detached"}
    assert cloud.configuration("Hello") == before
