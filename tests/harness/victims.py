"""Whom to kill: the processes of deployed functions, by /proc."""

import os
import signal
from collections import namedtuple

# What the bootstrap finds in its environment, and takes out for the code behind it.
BOOTSTRAPS_OWN = "DEBUGGER_SESSION_ID"

Victim = namedtuple("Victim", "pid state variables")


def descendants(pid):
    """Every process below this one."""
    parents, states = {}, {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as stat:
                    state, parent = stat.read().rsplit(") ", 1)[1].split()[:2]
            except OSError:
                continue
            parents[int(name)], states[int(name)] = int(parent), state
    below, more = {pid}, {pid}
    while more:
        more = {it for it, parent in parents.items() if parent in below} - below
        below |= more
    return [Victim(it, states[it], variables_of(it)) for it in sorted(below - {pid})]


def variables_of(pid):
    """The environment that a process was started with."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            words = file.read().split(b"\0")
    except OSError:
        return {}
    pairs = (word.decode(errors="replace").partition("=") for word in words if word)
    return {name: value for name, _, value in pairs}


def at_work(cloud, function):
    """The processes of a deployed function that are not frozen."""
    wanted = {"AWS_LAMBDA_FUNCTION_NAME": function}
    return [
        it
        for it in descendants(cloud.process.pid)
        if it.state not in "TtZ" and wanted.items() <= it.variables.items()
    ]


def kill(cloud, function, only=lambda it: True):
    """SIGKILL to what is at work for a function; there must be something."""
    victims = [it for it in at_work(cloud, function) if only(it)]
    assert victims, f"nothing is at work for {function}"
    for it in victims:
        os.kill(it.pid, signal.SIGKILL)


def kill_bootstrap(cloud, function):
    """The same to the bootstrap of an instrumented function."""
    kill(cloud, function, lambda it: BOOTSTRAPS_OWN in it.variables)
