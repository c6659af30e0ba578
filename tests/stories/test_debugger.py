"""A breakpoint in the working copy, set as an editor sets it."""

import json
import signal

from harness import Debugger


def line_of(path, text):
    lines = path.read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_a_breakpoint_is_hit_by_an_invocation_of_the_deployed_function(
    hello_cloud, attach, working_copy
):
    attached = attach(hello_cloud, working_copy, "--debug", "--debug-port", "0")
    where = attached.wait_for("debugger", function="HelloFunction", type="debugpy")
    code = working_copy.path("hello/app.py")
    line = line_of(code, "return {")
    with Debugger(where["host"], where["port"]) as debugger:
        assert debugger.attach({code: [line]}) == [True]
        calling = hello_cloud.invoke_meanwhile("HelloFunction", {"name": "Ada"})

        stopped = debugger.wait_for("stopped")
        assert stopped["reason"] == "breakpoint"
        frame = debugger.frames(stopped["threadId"])[0]
        assert (frame["name"], frame["line"]) == ("handler", line)
        assert frame["source"]["path"] == str(code)
        variables = debugger.locals(frame)
        assert variables["name"] == "'Ada'"
        assert variables["greeting"] == "'Hello'"
        assert debugger.evaluate(frame, "event['name'] * 2") == "'AdaAda'"
        assert not calling.done()

        debugger.ask("continue", threadId=stopped["threadId"])
        answer = calling.result(20)
    said = json.loads(answer.payload)
    assert (said["message"], said["answered_by"]) == ("Hello, Ada!", "the working copy")
    told = attached.outcome_of(answer)
    assert told["outcome"] == "completed"


def test_the_debuggers_port_stays_the_same_after_a_save(hello_cloud, attach, working_copy):
    attached = attach(hello_cloud, working_copy, "--debug", "--debug-port", "0")
    where = attached.wait_for("debugger", function="HelloFunction")
    working_copy.edit("hello/app.py", "the working copy", "a save")
    answer = hello_cloud.invoke("HelloFunction")
    assert json.loads(answer.payload)["answered_by"] == "a save"
    with Debugger(where["host"], where["port"]) as debugger:
        code = working_copy.path("hello/app.py")
        assert debugger.attach({code: [line_of(code, "return {")]}) == [True]
        calling = hello_cloud.invoke_meanwhile("HelloFunction")
        stopped = debugger.wait_for("stopped")
        debugger.ask("continue", threadId=stopped["threadId"])
        assert json.loads(calling.result(20).payload)["answered_by"] == "a save"


def test_an_editor_that_connects_while_there_is_no_process_meets_the_next_one(
    hello_cloud, attach, working_copy
):
    attached = attach(hello_cloud, working_copy, "--debug", "--debug-port", "0")
    where = attached.wait_for("debugger", function="HelloFunction")
    said = working_copy.path("hello/app.py").read_text()
    ends = "def handler(event, context):\n    __import__('os')._exit(1)\n"
    working_copy.write("hello/app.py", ends)
    assert "exit status 1" in json.loads(hello_cloud.invoke("HelloFunction").payload)["errorMessage"]

    with Debugger(where["host"], where["port"]) as debugger:
        code = working_copy.write("hello/app.py", said)
        hello_cloud.invoke("HelloFunction")
        line = line_of(code, "return {")
        assert debugger.attach({code: [line]}) == [True]
        calling = hello_cloud.invoke_meanwhile("HelloFunction", {"name": "Ada"})
        stopped = debugger.wait_for("stopped")
        assert debugger.frames(stopped["threadId"])[0]["line"] == line
        debugger.ask("next", threadId=stopped["threadId"])
        assert debugger.wait_for("stopped")["reason"] == "step"
        debugger.ask("continue", threadId=stopped["threadId"])
        assert json.loads(calling.result(20).payload)["message"] == "Hello, Ada!"


CHILD = """
import subprocess
import sys


def handler(event, context):
    child = subprocess.run(
        [sys.executable, "child.py"], capture_output=True, check=True, text=True
    )
    return child.stdout.strip()
"""


def test_a_process_that_the_function_starts_is_debugged_as_well(hello_cloud, attach, working_copy):
    working_copy.write("hello/app.py", CHILD)
    child = working_copy.write("hello/child.py", "said = 'the child'\nprint(said)\n")
    attached = attach(hello_cloud, working_copy, "--debug", "--debug-port", "0")
    where = attached.wait_for("debugger", function="HelloFunction")
    with Debugger(where["host"], where["port"]) as parent:
        parent.attach({child: [2]}, connect={"host": where["host"], "port": where["port"]})
        calling = hello_cloud.invoke_meanwhile("HelloFunction")
        asked = parent.wait_for("debugpyAttach")
        # At the stable port, which the editor has from its own configuration.
        assert asked["connect"]["port"] == where["port"]
        with Debugger(where["host"], asked["connect"]["port"]) as debugger:
            debugger.attach({child: [2]}, subProcessId=asked["subProcessId"])
            stopped = debugger.wait_for("stopped")
            frame = debugger.frames(stopped["threadId"])[0]
            assert debugger.locals(frame)["said"] == "'the child'"
            debugger.ask("continue", threadId=stopped["threadId"])
            assert json.loads(calling.result(20).payload) == "the child"


def test_an_editor_is_told_that_its_process_ends_before_attach_is_gone(
    hello_cloud, attach, working_copy
):
    attached = attach(hello_cloud, working_copy, "--debug", "--debug-port", "0")
    where = attached.wait_for("debugger", function="HelloFunction")
    with Debugger(where["host"], where["port"]) as debugger:
        debugger.attach({})
        attached.signal(signal.SIGINT)
        debugger.wait_for("terminated")
    assert attached.ends() == 0
