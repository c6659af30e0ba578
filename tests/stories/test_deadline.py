"""The deadline comes first: the caller is told what the laptop was doing."""

import json
import re

from harness import Debugger, Project


def line_of(path, text):
    lines = path.read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def message(answer):
    error = json.loads(answer.payload)
    assert (answer.error, error["errorType"]) == ("Unhandled", "Tether.Timeout"), answer
    return error["errorMessage"]


def test_at_a_breakpoint_it_says_where_and_for_how_long_and_the_process_stays_paused(
    hello_cloud, attach, working_copy
):
    attached = attach(hello_cloud, working_copy, "--keep-timeout", "--debug", "--debug-port", "0")
    where = attached.wait_for("debugger", function="HelloFunction")
    code = working_copy.path("hello/app.py")
    line = line_of(code, "return {")
    with Debugger(where["host"], where["port"]) as debugger:
        debugger.attach({code: [line]})
        calling = hello_cloud.invoke_meanwhile("HelloFunction", {"name": "Ada"})
        stopped = debugger.wait_for("stopped")
        # As an editor does it.
        frame = debugger.frames(stopped["threadId"])[0]
        said = message(calling.result(20))
        assert re.search(rf"stopped at a breakpoint for \d s \(app\.py:{line}\)", said), said
        assert "raise the timeout" in said
        # It was told too late, and the developer may go on looking.
        assert debugger.locals(frame)["name"] == "'Ada'"
        told = attached.wait_for("invocation", outcome="dropped")
        assert "deadline has passed" in told["detail"]
        debugger.ask("continue", threadId=stopped["threadId"])
        debugger.ask("setBreakpoints", source={"path": str(code)}, breakpoints=[])
        answer = hello_cloud.invoke("HelloFunction", {"name": "Ada"})
    assert json.loads(answer.payload)["answered_by"] == "the working copy"


def test_behind_another_invocation_it_says_so(hello_cloud, attach, working_copy):
    attached = attach(hello_cloud, working_copy, "--keep-timeout", "--debug", "--debug-port", "0")
    where = attached.wait_for("debugger", function="HelloFunction")
    code = working_copy.path("hello/app.py")
    with Debugger(where["host"], where["port"]) as debugger:
        debugger.attach({code: [line_of(code, "return {")]})
        first = hello_cloud.invoke_meanwhile("HelloFunction")
        stopped = debugger.wait_for("stopped")
        second = hello_cloud.invoke_meanwhile("HelloFunction")
        assert "busy with another invocation" in message(second.result(20))
        assert "stopped at a breakpoint" in message(first.result(20))
        debugger.ask("continue", threadId=stopped["threadId"])


def test_a_handler_that_takes_long_is_said_to_run(clouds, attach, tmp_path):
    source = "import time\n\ndef handler(event, context):\n    time.sleep(event['seconds'])\n"
    deployed = Project.of(tmp_path / "deployed", {"Hello": source}, timeout=3)
    cloud = clouds({"app": deployed.template})
    attached = attach(
        cloud, Project.of(tmp_path / "here", {"Hello": source}, timeout=3), "--keep-timeout"
    )
    assert re.search(r"running for \d s", message(cloud.invoke("Hello", {"seconds": 30})))
    assert cloud.invoke("Hello", {"seconds": 0}).payload == b"null"
    attached.wait_for("invocation", outcome="completed")
