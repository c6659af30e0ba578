"""Whatever becomes of ``tether attach``, the processes that it started end with it."""

import socket
import time

from harness import Debugger


def waits(what, holds, timeout=10):
    """There is no event to wait for: they are nobody's children any more."""
    deadline = time.monotonic() + timeout
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def has_ended(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rsplit(") ", 1)[1].startswith("Z")
    except FileNotFoundError:
        return True


def is_free(where):
    with socket.socket() as probe:
        # As a debugger binds it: what lingers in TIME_WAIT is not in the way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((where["host"], where["port"]))
        except OSError:
            return False
        return True


def test_a_process_at_a_breakpoint_ends_with_its_killed_receiver_and_frees_its_port(
    hello_cloud, attach, working_copy
):
    attached = attach(hello_cloud, working_copy, "--debug", "--debug-port", "0")
    where = attached.wait_for("debugger", function="HelloFunction")
    code = working_copy.path("hello/app.py")
    lines = code.read_text().splitlines()
    line = next(number for number, text in enumerate(lines, 1) if "return {" in text)
    with Debugger(where["host"], where["port"]) as debugger:
        assert debugger.attach({code: [line]}) == [True]
        hello_cloud.invoke_meanwhile("HelloFunction")
        stopped = debugger.wait_for("stopped")
        frame = debugger.frames(stopped["threadId"])[0]
        pid = int(debugger.evaluate(frame, "__import__('os').getpid()"))
        assert not has_ended(pid) and not is_free(where)

        attached.kill()
        waits(f"the process {pid} lives on", lambda: has_ended(pid))
    waits(f"the port {where['port']} is taken", lambda: is_free(where))


def test_an_idle_process_ends_with_its_killed_receiver(hello_cloud, attach, working_copy):
    says = "import os\nprint('pid', os.getpid())\n\n\ndef handler"
    working_copy.edit("hello/app.py", "def handler", says)
    attached = attach(hello_cloud, working_copy)
    hello_cloud.invoke("HelloFunction")

    def said():
        lines = [it["line"] for it in attached.events_of("log", function="HelloFunction")]
        return next((int(line.split()[1]) for line in lines if line.startswith("pid ")), None)

    pid = attached.wait_until(said, "pid in the log")
    attached.kill()
    waits(f"the process {pid} lives on", lambda: has_ended(pid))
