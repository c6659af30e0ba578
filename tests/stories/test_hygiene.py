"""Nothing outlives tether, however it ends."""

import json
import os
import signal
import time

import pytest
from harness import Cloud, Project
from harness.processes import Process
from harness.surroundings import binary, environment

# Ignores what can be ignored; so do its child, its grandchild, and a daemon
# that has left its group and its session.
STUBBORN = """
import os, signal, subprocess, sys, time
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
ignoring = "trap '' HUP INT TERM; "
child = subprocess.Popen(["sh", "-c", ignoring + "sleep 1000 & sleep 1000"])
daemon = subprocess.Popen(["sh", "-c", ignoring + "sleep 1000"], start_new_session=True)
print("pids", os.getpid(), child.pid, daemon.pid, flush=True)

def handler(event, context):
    if event.get("stays"):
        print("stays", flush=True)
        time.sleep(1000)
    return "ok"
"""


def stubborn(folder):
    return Project.of(folder, {"Stubborn": STUBBORN}, timeout=60)


def alive(pids):
    found = []
    for pid in pids:
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
                if not stat.read().rsplit(") ", 1)[1].startswith("Z"):
                    found.append(pid)
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def descendants(root):
    """All that a process has started and that still runs, whoever did in between."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="ascii") as stat:
                    parent = int(stat.read().rsplit(") ", 1)[1].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            children.setdefault(parent, []).append(int(name))
    found, left = [], [root]
    while left:
        of_one = children.get(left.pop(), [])
        found += of_one
        left += of_one
    return found


def all_end(pids, seconds=20):
    """There is no event to wait for: they are nobody's children any more."""
    deadline = time.monotonic() + seconds
    while left := alive(pids):
        assert time.monotonic() < deadline, f"they live on: {left}"
        time.sleep(0.02)


def said(process, wanted):
    def look():
        lines = [it["line"] for it in process.events_of("log")]
        return next((it for it in lines if it.startswith(wanted)), None)

    return process.wait_until(look, wanted)


def started_by(process):
    """What runs by now: the pids that were told, and everything else."""
    told = [int(it) for it in said(process, "pids ").split()[1:]]
    found = descendants(process.pid)
    assert set(told) <= set(found), (told, found)
    # The process, its child with two of its own, a daemon with one, a guard.
    assert len(found) >= 6, found
    return found


def invoking(project):
    return Process(
        "tether invoke",
        [binary(), "invoke", "Stubborn", "--json"],
        env=environment(),
        cwd=project.folder,
        stdin=json.dumps({"stays": True}),
    )


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_nothing_outlives_tether_invoke(tmp_path, number):
    with invoking(stubborn(tmp_path / "project")) as process:
        said(process, "stays")
        started = started_by(process)
        process.signal(number)
        process.ends()
        all_end(started)


def test_a_guard_that_is_killed_is_replaced(tmp_path):
    with invoking(stubborn(tmp_path / "project")) as process:
        said(process, "stays")
        started = started_by(process)
        (guard,) = guards(process)
        os.kill(guard, signal.SIGKILL)
        deadline = time.monotonic() + 20
        while not set(guards(process)) - {guard}:
            assert time.monotonic() < deadline, "no other guard"
            time.sleep(0.02)
        started += guards(process)
        process.kill()
        all_end(started)


def guards(process):
    found = []
    for pid in alive(descendants(process.pid)):
        try:
            with open(f"/proc/{pid}/cmdline", encoding="utf-8") as words:
                if "tether-guard" in words.read().split("\0"):
                    found.append(pid)
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def test_nothing_outlives_a_killed_attach(hello_cloud, attach, working_copy):
    code = STUBBORN.replace('return "ok"', 'return {"answered_by": "the working copy"}')
    working_copy.write("hello/app.py", code)
    attached = attach(hello_cloud, working_copy)
    hello_cloud.invoke("HelloFunction")
    started = started_by(attached)
    attached.kill()
    all_end(started)


def test_a_terminal_that_is_closed_restores_as_ctrl_c_does(hello_cloud, attach, working_copy):
    before = hello_cloud.configuration("HelloFunction")
    attached = attach(hello_cloud, working_copy)
    assert hello_cloud.configuration("HelloFunction") != before
    attached.signal(signal.SIGHUP)
    attached.signal(signal.SIGHUP)
    assert attached.ends() == 0
    assert attached.events_of("restored") and attached.events_of("detached")
    attached.leaves_nothing_behind()


def test_nothing_outlives_a_killed_emulator_frozen_or_not(tmp_path):
    project = stubborn(tmp_path / "app")
    cloud = Cloud({"app": project.template}, "--no-helper-stack")
    try:
        cloud.invoke("Stubborn")
        started = started_by(cloud.process)
        cloud.process.kill()
        all_end(started)
    finally:
        cloud.process.close()
