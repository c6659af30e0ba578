"""TypeScript in the working copy, while JavaScript is deployed."""

import json
import pathlib
import shutil
import urllib.request

import pytest
from harness import Project, npm, source_maps
from harness.surroundings import PATIENCE, ROOT
from websockets.sync.client import connect

EXAMPLE = ROOT / "examples" / "hello-typescript"
# What `sam build` would have deployed.
BUILT = """
exports.handler = async (event) => {
  return { message: `Hello, ${event.name}!`, answered_by: "the deployed code" };
};
"""


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    deployed = Project(tmp_path_factory.mktemp("deployed"))
    shutil.copy(EXAMPLE / "template.yaml", deployed.template)
    deployed.write("app.js", BUILT)
    return clouds({"app": deployed.template})


@pytest.fixture
def working(tmp_path):
    folder = tmp_path / "working"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("node_modules"))
    npm.install(folder)
    project = Project(folder)
    project.edit("src/app.ts", "the deployed code", "the working copy")
    return project


def answered_by(cloud):
    return json.loads(cloud.invoke("HelloFunction", {"name": "Ada"}).payload)["answered_by"]


def attached_to(attach, cloud, working, *flags):
    return attach(cloud, working, *flags, variables={"PATH": npm.NODE_FIRST})


def wait_for_log(attached, text):
    """An answer does not wait until its log has been shown."""

    def look():
        return any(text in it["line"] for it in attached.events_of("log"))

    attached.wait_until(look, f"{text!r} in the log")


def test_the_next_invocation_runs_the_source_and_a_save_is_built(cloud, attach, working):
    assert answered_by(cloud) == "the deployed code"
    attached = attached_to(attach, cloud, working)
    assert answered_by(cloud) == "the working copy"
    wait_for_log(attached, "greeting Ada")
    working.edit("src/app.ts", "the working copy", "a save")
    assert answered_by(cloud) == "a save"
    attached.detach()
    assert answered_by(cloud) == "the deployed code"


def test_a_save_that_does_not_build_is_answered_so_and_never_by_the_code_before(
    cloud, attach, working
):
    attached = attached_to(attach, cloud, working)
    assert answered_by(cloud) == "the working copy"
    working.edit("src/app.ts", "interface Event {", "interface {")
    failed = json.loads(cloud.invoke("HelloFunction", {"name": "Ada"}).payload)
    assert failed["errorMessage"].startswith("src/app.ts:3:10: "), failed
    wait_for_log(attached, "interface {")
    working.edit("src/app.ts", "interface {", "interface Event {")
    assert answered_by(cloud) == "the working copy"


def test_a_save_beside_the_code_is_built_as_well(cloud, attach, working):
    working.write("../shared/who.ts", 'export const who: string = "shared code";\n')
    working.edit("src/app.ts", '"the working copy"', "who")
    app = working.folder / "src" / "app.ts"
    app.write_text('import { who } from "../../shared/who";\n' + app.read_text())
    attached_to(attach, cloud, working)
    assert answered_by(cloud) == "shared code"
    working.edit("../shared/who.ts", "shared code", "saved beside it")
    assert answered_by(cloud) == "saved beside it"
    working.edit("../shared/who.ts", "saved beside it", "and again")
    assert answered_by(cloud) == "and again"


class Inspector:
    """https://chromedevtools.github.io/devtools-protocol/v8/Debugger/"""

    def __init__(self, host, port):
        with urllib.request.urlopen(f"http://{host}:{port}/json/list", timeout=PATIENCE) as list:
            (target,) = json.load(list)
        # The port is tether's own, and stays; what Node says of itself is another one.
        self._connecting = connect(f"ws://{host}:{port}/{target['id']}", proxy=None)
        self._number = 0
        self._events = []

    def __enter__(self):
        self._socket = self._connecting.__enter__()
        return self

    def __exit__(self, *exception):
        self._connecting.__exit__(*exception)

    def ask(self, method, **params):
        self._number += 1
        asked = {"id": self._number, "method": method, "params": params}
        self._socket.send(json.dumps(asked))
        while (said := self._next()).get("id") != self._number:
            self._events.append(said)
        assert "error" not in said, said
        return said["result"]

    def wait_for(self, method, fits=lambda params: True):
        while True:
            for event in self._events:
                if event["method"] == method and fits(event["params"]):
                    self._events.remove(event)
                    return event["params"]
            self._events.append(self._next())

    def _next(self):
        return json.loads(self._socket.recv(timeout=PATIENCE))


def test_a_breakpoint_in_the_source_is_hit(cloud, attach, working):
    attached = attached_to(attach, cloud, working, "--debug", "--debug-port", "0")
    where = attached.wait_for("debugger", function="HelloFunction", type="node")
    source = working.path("src/app.ts")
    lines = source.read_text().splitlines()
    line = next(number for number, text in enumerate(lines, 1) if "return {" in text)
    with Inspector(where["host"], where["port"]) as inspector:
        inspector.ask("Debugger.enable")
        script = inspector.wait_for(
            "Debugger.scriptParsed", lambda it: it["sourceMapURL"] == "app.js.map"
        )
        built = pathlib.Path(script["url"].removeprefix("file://"))
        generated = source_maps.generated_line(built, source, line)
        inspector.ask("Debugger.setBreakpointByUrl", url=script["url"], lineNumber=generated)
        calling = cloud.invoke_meanwhile("HelloFunction", {"name": "Ada"})
        paused = inspector.wait_for("Debugger.paused")
        (frame, *_) = paused["callFrames"]
        assert frame["location"]["lineNumber"] == generated
        name = inspector.ask(
            "Debugger.evaluateOnCallFrame", callFrameId=frame["callFrameId"], expression="name"
        )
        assert name["result"]["value"] == "Ada"
        assert not calling.done()
        inspector.ask("Debugger.resume")
        answer = calling.result(PATIENCE)
    assert json.loads(answer.payload)["answered_by"] == "the working copy"
