"""``--debug`` for every language, through each debugger's real protocol."""

import json
import urllib.request

import pytest
from harness import Debugger, Inspector, Process
from harness.surroundings import binary, environment

PYTHON = """\
LOADED = "loaded"


def handler(event, context):
    name = event["name"]
    return f"Hello, {name}!"
"""

NODE = """\
const loaded = "loaded";

export const handler = async (event) => {
  const name = event.name;
  return `Hello, ${name}!`;
};
"""


@pytest.fixture
def project(tmp_path):
    """A function for each interpreter that every machine of ours has."""
    functions = {
        "Python": ("python3.13", "app.py", PYTHON),
        "Node": ("nodejs20.x", "app.mjs", NODE),
    }
    resources = {}
    for name, (runtime, file, source) in functions.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text(source)
        properties = {"CodeUri": f"{name}/", "Handler": "app.handler", "Runtime": runtime}
        resources[name] = {"Type": "AWS::Serverless::Function", "Properties": properties}
    template = {"Transform": "AWS::Serverless-2016-10-31", "Resources": resources}
    (tmp_path / "template.yaml").write_text(json.dumps(template))
    return tmp_path


@pytest.fixture
def invoke(project):
    """``tether invoke --debug`` of a function; it ends with the story."""
    started = []

    def start(function, *flags, event=None, port=0):
        (project / "event.json").write_text(json.dumps(event or {"name": "Ada"}))
        command = [binary(), "invoke", function, "--event", "event.json", "--json"]
        command += ["--debug", "--debug-port", str(port), *flags]
        process = Process(f"invoke {function}", command, environment(None), project)
        started.append(process)
        return process

    yield start
    for process in started:
        process.close()


def answer_of(process):
    told = process.wait_for("answer")
    assert process.ends() == 0, process.errors
    process.leaves_nothing_behind()
    return told["answer"]["json"]


def where(process, kind):
    told = process.wait_for("debugger", type=kind)
    return told["host"], told["port"]


def test_python_waits_at_its_first_line_until_a_debugger_is_there(project, invoke):
    invoked = invoke("Python", "--wait")
    code = project / "Python" / "app.py"
    with Debugger(*where(invoked, "debugpy")) as debugger:
        assert debugger.attach({code: [1, 6]}) == [True, True]
        # Nothing of the module has run.
        stopped = debugger.wait_for("stopped")
        assert debugger.frames(stopped["threadId"])[0]["line"] == 1
        debugger.ask("continue", threadId=stopped["threadId"])
        stopped = debugger.wait_for("stopped")
        frame = debugger.frames(stopped["threadId"])[0]
        assert (frame["line"], debugger.locals(frame)["name"]) == (6, "'Ada'")
        # The process ends when it has answered, maybe before its debugger has.
        debugger.send("continue", threadId=stopped["threadId"])
        assert answer_of(invoked) == "Hello, Ada!"


def test_node_waits_at_its_first_line_until_a_debugger_is_there(project, invoke):
    invoked = invoke("Node", "--wait")
    host, port = where(invoked, "node")
    code = project / "Node" / "app.mjs"
    with Inspector(host, port) as inspector:
        # It names our port, which stays when the process is another one.
        assert inspector.url.startswith(f"ws://{host}:{port}/")
        inspector.break_at(code, 1)
        inspector.break_at(code, 5)
        inspector.go()
        frame = inspector.stopped()
        assert (frame["url"], frame["line"]) == (f"file://{code}", 1)
        inspector.resume()
        frame = inspector.stopped()
        assert (frame["functionName"], frame["line"]) == ("handler", 5)
        assert frame["hit"]
        assert inspector.evaluate(frame, "name + name") == "AdaAda"
        inspector.send("Debugger.resume")
        assert answer_of(invoked) == "Hello, Ada!"
    said = " ".join(it["line"] for it in invoked.events if it["event"] == "log")
    assert "Debugger" not in said


def test_a_list_of_what_can_be_debugged_does_not_let_node_go(invoke):
    invoked = invoke("Node", "--wait", "--timeout", "2")
    host, port = where(invoked, "node")
    with urllib.request.urlopen(f"http://{host}:{port}/json/version", timeout=20) as answer:
        assert json.load(answer)["Browser"].startswith("node.js/")
    with Inspector(host, port) as inspector:
        inspector.send("Runtime.runIfWaitingForDebugger")
        assert answer_of(invoked) == "Hello, Ada!"


def test_a_port_in_use_is_said_with_whose_it_is(project, invoke):
    first = invoke("Node", "--wait")
    _, port = where(first, "node")
    # The template's first function has the first port.
    second = invoke("Python", port=port)
    assert second.ends() == 2
    assert any(f"port {port} for Python's debugger is in use" in it for it in second.errors)
