"""Runtimes that are slow to tidy up, and ones that never start, in the cloud on the desk."""

import base64
import json
import pathlib

import pytest
from harness import Project

# A runtime of few words, for provided.*.
CLIENT = """#!/usr/bin/env python3
import http.client
import json
import os
import pathlib
import sys
import threading
import time

API = os.environ["AWS_LAMBDA_RUNTIME_API"]
RUNTIME = "/2018-06-01/runtime"


def call(method, path, body=None, **headers):
    api = http.client.HTTPConnection(API)
    api.request(method, path, body, {name.replace("_", "-"): it for name, it in headers.items()})
    got = api.getresponse()
    return got.headers, json.loads(got.read() or "null")


def invocations():
    while True:
        headers, event = call("GET", f"{RUNTIME}/invocation/next")
        answer = f"{RUNTIME}/invocation/{headers['Lambda-Runtime-Aws-Request-Id']}/response"
        yield event, lambda it: call("POST", answer, json.dumps(it))


"""

TIDIES = (
    CLIENT
    + """
for event, answer in invocations():
    answer(os.getpid())
    while not pathlib.Path(event["go"]).exists():
        time.sleep(0.005)
"""
)

# Its extension needs a while for each invocation, beside the runtime.
WATCHED = (
    CLIENT
    + """
finished = 0


def watch(id):
    global finished
    while True:
        call("GET", "/2020-01-01/extension/event/next", Lambda_Extension_Identifier=id)
        time.sleep(0.02)
        finished += 1


body = json.dumps({"events": ["INVOKE"]})
headers, _ = call("POST", "/2020-01-01/extension/register", body, Lambda_Extension_Name="watcher")
id = headers["Lambda-Extension-Identifier"]
threading.Thread(target=watch, args=[id], daemon=True).start()
for count, (event, answer) in enumerate(invocations()):
    answer({"count": count, "finished": finished})
"""
)

STARTS = """
import os
with open(os.environ["STARTED"], "a") as started:
    started.write("once\\n")
print("its last words", flush=True)
"""

SAYS_WHY = (
    CLIENT
    + STARTS
    + """
error = {"errorType": "Config.Missing", "errorMessage": "no such table"}
call("POST", f"{RUNTIME}/init/error", json.dumps(error))
sys.exit(1)
"""
)

EXITS = STARTS + "\nimport sys\nsys.exit(3)\n"


@pytest.fixture
def cloud(clouds, tmp_path):
    """A cloud with one function: of Python, or with a runtime of its own."""

    def deploy(source, timeout=3, **variables):
        project = Project.of(tmp_path / "app", {"Runs": source}, timeout, **variables)
        if source.startswith("#!"):
            project.write("Runs/bootstrap", source).chmod(0o755)
            project.edit("template.yaml", "python3.13", "provided.al2023")
        return clouds({"app": project.template}, "--no-helper-stack")

    return deploy


def test_an_environment_that_tidies_up_for_long_is_not_waited_for(cloud, tmp_path):
    go = tmp_path / "go"
    cloud = cloud(TIDIES)
    first, second = (cloud.invoke("Runs", {"go": str(go)}) for _ in range(2))
    assert (first.error, second.error) == (None, None), second.payload
    assert first.payload != second.payload
    go.touch()


def test_an_extension_is_done_with_one_invocation_when_its_environment_gets_the_next(cloud):
    cloud = cloud(WATCHED)
    for _ in range(10):
        answer = json.loads(cloud.invoke("Runs").payload)
        assert answer["finished"] == answer["count"]


def ends_at_its_start(cloud, started):
    """The error of the second invocation, and the end of its log."""
    for _ in range(2):
        invoked = cloud.client("lambda").invoke(
            FunctionName=cloud.function("Runs"), LogType="Tail", Payload=b"{}"
        )
        payload = json.loads(invoked["Payload"].read())
    assert invoked["FunctionError"] == "Unhandled"
    # Once for each invocation.
    assert pathlib.Path(started).read_text().count("once") == 2
    tail = base64.b64decode(invoked["LogResult"]).decode()
    request_id = invoked["ResponseMetadata"]["RequestId"]
    for line in ("START", "END", "REPORT"):
        assert f"{line} RequestId: {request_id}" in tail
    words = "its last words"
    cloud.process.wait_until(lambda: cloud.log("Runs").count(words) >= 2, f"{words!r} twice")
    assert cloud.log("Runs").count(words) == 2
    return payload, tail


def test_a_process_that_exits_while_it_starts_is_an_error_with_its_code(cloud, tmp_path):
    started = str(tmp_path / "started")
    error, tail = ends_at_its_start(cloud(EXITS, STARTED=started), started)
    assert error["errorType"] == "Runtime.ExitError"
    assert error["errorMessage"].endswith("Runtime exited with error: exit status 3")
    assert "Error: Runtime exited with error: exit status 3" in tail
    assert tail.strip().endswith("Error Type: Runtime.ExitError")


def test_a_runtime_that_said_why_it_cannot_start_and_is_gone_gives_its_reason(cloud, tmp_path):
    started = str(tmp_path / "started")
    error, _ = ends_at_its_start(cloud(SAYS_WHY, STARTED=started), started)
    assert error == {"errorType": "Config.Missing", "errorMessage": "no such table"}
