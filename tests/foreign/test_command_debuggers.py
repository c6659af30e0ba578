"""Debuggers of commands: the runtime in them is told by a variable, wherever it stands."""

import json
import shutil
import subprocess
import time
import urllib.request

import pytest
from harness import Process, Project
from harness.surroundings import PATIENCE, ROOT, binary, environment
from harness.tools import needs

# A JVM that compiles its source on a busy machine.
LONG = 60


@pytest.fixture
def debugged(tmp_path):
    started = []

    def start(example, settings=None, **files):
        folder = tmp_path / example
        shutil.copytree(ROOT / "examples" / example, folder)
        project = Project(folder)
        if settings:
            project.write("tether.toml", settings)
        for name, text in files.items():
            project.write(name, text)
        project.write("event.json", '{"name": "Ada"}')
        command = [binary(), "invoke", "--event", "event.json", "--json"]
        command += ["--debug", "--debug-port", "0", "--wait"]
        process = Process(f"invoke {example}", command, environment(), folder)
        started.append(process)
        return project, process, process.wait_for("debugger")

    yield start
    for process in started:
        process.close()


class Jdb:
    """The JDK's own debugger, by its commands."""

    def __init__(self, host, port, log):
        self._log = log
        with log.open("wb") as written:
            self._process = subprocess.Popen(
                ["jdb", "-attach", f"{host}:{port}"],
                stdin=subprocess.PIPE,
                stdout=written,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._process.kill()
        self._process.communicate()

    def says(self, words):
        deadline = time.monotonic() + LONG
        while words not in (said := self._log.read_text(errors="replace")):
            assert time.monotonic() < deadline and self._process.poll() is None, said
            time.sleep(0.05)

    def do(self, command):
        self._process.stdin.write(f"{command}\n".encode())
        self._process.stdin.flush()


@needs("java", "jdb")
def test_jdb_stops_in_a_java_function(debugged, tmp_path):
    _, process, where = debugged("hello-java")
    assert where["type"] == "jdwp"
    with Jdb(where["host"], where["port"], tmp_path / "jdb.log") as jdb:
        jdb.says("main[1]")
        jdb.do("stop in Hello.greet")
        jdb.says("Deferring breakpoint Hello.greet")
        jdb.do("run")
        jdb.says("Breakpoint hit:")
        jdb.do("print requestId")
        jdb.says('requestId = "')
        jdb.do("cont")
        answer = process.wait_for("answer", timeout=LONG)["answer"]["json"]
    assert answer["message"] == "Hello, Ada!"
    assert process.ends() == 0, process.errors
    # What the JVM says of its debugger is no line of the function.
    lines = [it["line"] for it in process.events_of("log")]
    assert not any("JDK_JAVA_OPTIONS" in it or "Listening for transport" in it for it in lines), lines
    process.leaves_nothing_behind()


SERVER = """
const base = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/`;
for (;;) {
  const next = await fetch(base + "next");
  const { name } = await next.json();
  const id = next.headers.get("lambda-runtime-aws-request-id");
  await fetch(`${base}${id}/response`, { method: "POST", body: JSON.stringify(`Hello, ${name}!`) });
}
"""


@needs("node")
def test_a_command_that_starts_node_has_its_inspector(debugged):
    settings = '[functions.HelloFunction]\ncommand = "exec node server.mjs"\ndebugger = "node"\n'
    _, process, where = debugged("hello-command", settings, **{"hello/server.mjs": SERVER})
    listing = f"http://{where['host']}:{where['port']}/json/list"
    with urllib.request.urlopen(listing, timeout=PATIENCE) as listed:
        (target,) = json.load(listed)
    assert target["webSocketDebuggerUrl"].startswith(f"ws://{where['host']}:{where['port']}/")
    assert "server.mjs" in target["url"] + target["title"], target
    process.kill()
    process.ends()
