"""A breakpoint in the working copy, set as an editor sets it."""

import json

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
