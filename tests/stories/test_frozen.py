"""An environment is frozen between invocations, and its sockets may die meanwhile."""

import json
import pathlib
import time

import pytest
from harness import Cloud, Project
from harness.proxy import Proxy

WHO = """
def handler(event, context):
    return {"by": "%s", "number": event["number"]}
"""


@pytest.fixture
def way():
    """From the function to DynamoDB and STS."""
    with Proxy() as proxy:
        yield proxy


@pytest.fixture
def cloud(clouds, tmp_path, way):
    deployed = {"Hello": WHO % "the deployed code"}
    project = Project.of(tmp_path / "deployed", deployed, timeout=30, AWS_ENDPOINT_URL=way.url)
    cloud = clouds({"app": project.template})
    way.leads_to(cloud.endpoint)
    return cloud


def state(pid):
    """Third field of /proc/PID/stat: T is stopped; none: there is no such process."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0]
    except (FileNotFoundError, ProcessLookupError):
        return None


def until(what, holds, seconds=10):
    """Somebody else's processes give no events."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.01)


def is_frozen(cloud):
    """Whether the layer's process, of which there is one, is stopped."""
    states = []
    for pid in cloud.process.relatives():
        try:
            name = pathlib.Path(f"/proc/{pid}/comm").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if name.startswith("tether-bootst"):
            states.append(state(pid))
    return states == ["T"]


@pytest.mark.parametrize("how", [Proxy.reset, Proxy.silence])
def test_a_frozen_environment_whose_sockets_died_answers_its_next_event_by_the_laptop(
    cloud, way, attach, tmp_path, how
):
    copy = Project.of(tmp_path / "copy", {"Hello": WHO % "the working copy"})
    attached = attach(cloud, copy)
    for number in range(3):
        answer = cloud.invoke("Hello", {"number": number})
        assert json.loads(answer.payload) == {"by": "the working copy", "number": number}
        attached.outcome_of(answer)
        until("frozen", lambda: is_frozen(cloud))
        assert how(way) > 0, "nothing was connected"
        assert is_frozen(cloud)


def test_a_killed_cloud_leaves_no_frozen_process_behind(tmp_path):
    project = Project.of(tmp_path / "app", {"Hello": WHO % "anybody"})
    cloud = Cloud({"app": project.template}, "--no-helper-stack")
    try:
        cloud.invoke("Hello", {"number": 1})
        # Its guard is awake.
        until("frozen", lambda: "T" in [state(pid) for pid in cloud.process.relatives()])
        cloud.process.kill()
        cloud.process.leaves_nothing_behind()
    finally:
        cloud.process.close()
