"""What a function prints on this machine, and what Lambda says around it."""

import json
import os
import pty
import re
import select
import subprocess

import pytest
from harness import Project, tether
from harness.surroundings import binary, environment

SAYS = """
import sys
print("loaded")

def handler(event, context):
    print("out")
    sys.stderr.write("err\\n")
    sys.stdout.write(event.get("prints", "") * event.get("times", 1))
    if event.get("fails"):
        raise ValueError("no such thing")
    print("id", context.aws_request_id, end="")
    return "ok"
"""

ENDS = """
import os, sys
def handler(event, context):
    print("bye", flush=True)
    os._exit(3)
"""

FOREVER = """
import time
def handler(event, context):
    print("and on", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def project(tmp_path):
    functions = {"Says": SAYS, "Ends": ENDS, "Forever": FOREVER}
    return Project.of(tmp_path / "project", functions, timeout=2)


def invoke(project, function, *flags, event=None):
    return tether("invoke", function, *flags, cwd=project.folder, stdin=json.dumps(event or {}))


def lines_of(process, function):
    mark = f"[{function}] "
    return [it.removeprefix(mark) for it in process.stderr if it.startswith(mark)]


def test_an_invocations_lines_stand_between_start_and_report(project):
    process = invoke(project, "Says")
    assert process.code == 0, process.stderr
    loaded, start, *lines, last, end, report = lines_of(process, "Says")
    request_id = last.removeprefix("id ")
    assert (loaded, sorted(lines)) == ("loaded", ["err", "out"])
    assert start == f"START RequestId: {request_id} Version: $LATEST"
    assert end == f"END RequestId: {request_id}"
    expected = (
        rf"REPORT RequestId: {request_id}\tDuration: (\d+\.\d\d) ms\tBilled Duration: (\d+) ms\t"
        r"Memory Size: 128 MB\tMax Memory Used: (\d+) MB\tInit Duration: (\d+\.\d\d) ms\t"
    )
    told = re.fullmatch(expected, report)
    assert told, report
    duration, billed, used, init = (float(it) for it in told.groups())
    assert billed - 1 <= duration + init + 0.01 and used > 1


def test_a_bad_end_is_told_in_lambdas_words(project):
    lines = lines_of(invoke(project, "Ends"), "Ends")
    assert lines[1] == "bye" and lines[3] == "Runtime.ExitError"
    assert lines[2].endswith("Error: Runtime exited with error: exit status 3")
    assert lines[5].endswith("Status: error\tError Type: Runtime.ExitError\t")

    lines = lines_of(invoke(project, "Forever"), "Forever")
    assert lines[1] == "and on" and "Task timed out after " in lines[2]
    assert lines[4].endswith("Status: timeout\t")

    # An error of the handler's is the function's own affair.
    lines = lines_of(invoke(project, "Says", event={"fails": True}), "Says")
    assert "Status" not in lines[-1]


def test_json_is_lambdas_platform_events_beside_the_functions_lines(project):
    lines = lines_of(invoke(project, "Says", "--log-format", "json"), "Says")
    assert {"out", "err", "loaded"} <= set(lines)
    events = [json.loads(it) for it in lines if it.startswith('{"time"')]
    assert [it["type"] for it in events] == ["platform.start", "platform.report"]
    start, report = (it["record"] for it in events)
    assert start["version"] == "$LATEST" and start["requestId"] == report["requestId"]
    assert report["status"] == "success"
    metrics = {"durationMs", "billedDurationMs", "memorySizeMB", "maxMemoryUsedMB"}
    assert set(report["metrics"]) == metrics | {"initDurationMs"}


def test_programs_know_each_lines_stream_request_and_time(project):
    events = invoke(project, "Says", "--json").events_of("log", function="Says")
    by_line = {it["line"]: it for it in events}
    assert by_line["out"]["stream"] == "stdout" and by_line["err"]["stream"] == "stderr"
    assert "requestId" not in by_line["loaded"]
    start = next(it for it in events if it["line"].startswith("START"))
    assert start["stream"] == "platform"
    assert start["requestId"] == by_line["out"]["requestId"]
    assert all(re.fullmatch(r"[\d-]+T[\d:.]+Z", it["time"]) for it in events)


def test_bytes_that_are_no_text_and_lines_without_end_lose_nothing(project, tmp_path):
    code = """
import os
def handler(event, context):
    os.write(1, b"\\xff\\x00\\xfe\\n" + b"10%\\r20%\\r\\n" + b"x" * 200_000)
"""
    project.write("Says/app.py", code)
    said = tmp_path / "said"
    with open(said, "wb") as file:
        subprocess.run(
            [binary(), "invoke", "Says"],
            cwd=project.folder,
            env=environment(),
            input=b"{}",
            stdout=subprocess.PIPE,
            stderr=file,
            check=True,
            timeout=60,
        )
    lines = [it.removeprefix(b"[Says] ") for it in said.read_bytes().split(b"\n")]
    assert b"\xff\x00\xfe" in lines and b"10%\r20%" in lines
    pieces = [it for it in lines if it.startswith(b"xxx")]
    mark = "…".encode()
    assert [it.endswith(mark) for it in pieces] == [True, True, True, False]
    assert sum(it.count(b"x") for it in pieces) == 200_000


def test_a_lot_of_output_arrives_whole(project):
    line = "x" * 99 + "\n"
    event = {"prints": line * 100, "times": 1000}
    process = invoke(project, "Says", event=event)
    assert process.code == 0, process.stderr[-5:]
    lines = lines_of(process, "Says")
    assert sum(it == line.rstrip() for it in lines) == 100_000
    assert lines[-1].startswith("REPORT")


def on_a_terminal(project, function):
    """Everything that is shown."""
    terminal, inside = pty.openpty()
    process = subprocess.Popen(
        [binary(), "invoke", function],
        cwd=project.folder,
        env=environment(TERM="xterm", NO_COLOR=None),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=inside,
    )
    os.close(inside)
    process.stdin.write(b"{}")
    process.stdin.close()
    shown = b""
    while select.select([terminal], [], [], 60)[0]:
        try:
            part = os.read(terminal, 65536)
        except OSError:
            break  # The last one at its other end has gone.
        if not part:
            break
        shown += part
    os.close(terminal)
    assert process.wait(60) == 0, shown
    return shown.decode()


def test_a_terminal_shows_each_function_in_its_own_colour_and_a_pipe_none(tmp_path):
    names = [f"Function{number}" for number in range(4)]
    project = Project.of(tmp_path / "project", dict.fromkeys(names, SAYS))
    colours = set()
    for name in names:
        shown = on_a_terminal(project, name)
        (colour,) = set(re.findall(rf"(\x1b\[\d+m)\[{name}\]", shown))
        colours.add(colour)
        assert (colour,) == tuple(set(re.findall(rf"(\x1b\[\d+m)\[{name}\]", shown)))
    assert len(colours) > 1
    plain = invoke(project, names[0])
    assert "\x1b" not in "".join(plain.stderr)


def test_attached_functions_are_logged_as_deployed_ones(hello_cloud, attach, working_copy):
    attached = attach(hello_cloud, working_copy)
    answer = hello_cloud.invoke("HelloFunction")
    outcome = attached.outcome_of(answer)
    request_id = outcome["requestId"]

    def report():
        lines = attached.events_of("log", function="HelloFunction", requestId=request_id)
        lines = [it["line"] for it in lines]
        return lines if lines and lines[-1].startswith("REPORT") else None

    lines = attached.wait_until(report, "REPORT")
    assert lines[0] == f"START RequestId: {request_id} Version: $LATEST"
    assert lines[-2] == f"END RequestId: {request_id}"
    assert any("greeting" in it for it in lines[1:-2])
