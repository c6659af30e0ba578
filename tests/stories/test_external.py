"""``--external``: a function whose process the developer starts, in an IDE for example."""

import json
import os
import shlex
import stat
import sys

import pytest
from harness import Process, Project, tether
from harness.surroundings import binary, environment

HELLO = """
import os

def handler(event, context):
    if os.path.exists("die"):
        os.remove("die")
        os._exit(7)
    return {"pid": os.getpid(), "greeting": os.environ.get("GREETING"), "name": event["name"]}
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """What ``tether client python`` prints, as a file."""
    printed = tether("client", "python")
    assert printed.code == 0, printed.stderr
    file = tmp_path_factory.mktemp("client") / "lambda.py"
    file.write_text("\n".join(printed.stdout) + "\n")
    return file


@pytest.fixture
def project(tmp_path):
    return Project.of(tmp_path / "project", {"Hello": HELLO}, GREETING='say "hello"')


@pytest.fixture
def started(project, client):
    """Starts the function as an IDE would, with a run configuration's environment."""
    processes = []

    def start(**variables):
        command = [sys.executable, client, "app.handler"]
        env = {"PATH": os.environ["PATH"], **variables}
        process = Process("the IDE's process", command, env, project.folder / "Hello")
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.close()


def invoke(project, *flags):
    project.write("event.json", '{"name": "Ada"}')
    command = [binary(), "invoke", "Hello", "--event", "event.json", "--json"]
    command += ["--external", "--external-port", "0", *flags]
    return Process("invoke", command, environment(None), project.folder)


def variables_of(file):
    pairs = (line.split("=", 1) for line in file.read_text().splitlines())
    return {name: "".join(shlex.split(value)) for name, value in pairs}


def test_a_process_with_the_printed_variables_serves_the_invocation(project, started):
    # One that was there before, for everybody.
    project.write("ide.env", "").chmod(0o644)
    with invoke(project, "--env-file", "ide.env") as process:
        told = process.wait_for("runtimeApi", function="Hello")
        file = project.folder / "ide.env"
        assert told["envFile"] == "ide.env"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        variables = variables_of(file)
        assert variables["AWS_LAMBDA_RUNTIME_API"] == told["address"]
        assert variables["_HANDLER"] == "app.handler"
        assert not {"PATH", "AWS_SECRET_ACCESS_KEY"} & set(variables)
        own = started(**variables)
        answer = process.wait_for("answer")["answer"]["json"]
        assert answer == {"pid": own.pid, "greeting": 'say "hello"', "name": "Ada"}
        assert process.ends() == 0, process.errors
        assert any("REPORT RequestId" in it["line"] for it in process.events_of("log"))
    own.ends()


def test_a_process_that_died_may_come_back_to_the_same_event(project, started):
    (project.folder / "Hello" / "die").touch()
    with invoke(project) as process:
        address = process.wait_for("runtimeApi")["address"]
        first = started(AWS_LAMBDA_RUNTIME_API=address)
        assert first.ends() == 7, first.stderr
        second = started(AWS_LAMBDA_RUNTIME_API=address)
        assert process.wait_for("answer")["answer"]["json"]["pid"] == second.pid
        assert process.ends() == 0, process.errors


def test_attached_the_deployed_code_answers_while_nobody_serves(clouds, attach, project, started):
    cloud = clouds({"app": project.template})
    attached = attach(cloud, project, "--external", "--external-port", "0")
    address = attached.wait_for("runtimeApi", function="Hello")["address"]
    deployed = cloud.invoke("Hello", {"name": "Ada"})
    assert attached.outcome_of(deployed)["outcome"] == "declined"
    assert f"AWS_LAMBDA_RUNTIME_API={address}" in attached.outcome_of(deployed)["detail"]
    for _ in range(2):
        own = started(AWS_LAMBDA_RUNTIME_API=address, GREETING="mine")
        own.wait_until(lambda: is_served(cloud, own), "its process to serve")
        own.kill()
        own.ends()
        answer = json.loads(cloud.invoke("Hello", {"name": "Ada"}).payload)
        assert answer["greeting"] == 'say "hello"' and answer["pid"] != own.pid
    attached.detach()


def is_served(cloud, own):
    answer = json.loads(cloud.invoke("Hello", {"name": "Ada"}).payload)
    return answer["pid"] == own.pid


def test_a_port_that_is_taken_is_said(project):
    with invoke(project) as process:
        port = process.wait_for("runtimeApi")["address"].rsplit(":", 1)[1]
        second = tether(
            "invoke", "Hello", "--external", "--external-port", port, cwd=project.folder, stdin="{}"
        )
        assert second.code == 2
        (line,) = [it for it in second.stderr if it.startswith("error:")]
        assert f"port {port} for Hello's Runtime API cannot be had" in line
        assert "--external-port" in line
