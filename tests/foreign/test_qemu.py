"""The arm64 bootstrap in front of a deployed function, on a machine that is none: under qemu-user.

Debian: qemu-user, libc6-arm64-cross.
"""

import json
import pathlib
import platform
import shutil

import pytest
from harness import Cloud, Project
from harness.surroundings import ROOT

HELPER_STACK = ROOT / "helper-stack"
BOOTSTRAP = HELPER_STACK / "build" / "layer-arm64" / "tether-bootstrap"
LIBRARIES = pathlib.Path("/usr/aarch64-linux-gnu")


@pytest.fixture(scope="module")
def emulated():
    """The command that runs a program for arm64."""
    if platform.machine().lower() in ("aarch64", "arm64"):
        pytest.skip("this machine is arm64: every story runs the arm64 bootstrap")
    qemu = shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")
    if not qemu:
        pytest.skip("qemu-aarch64 is not installed (Debian: qemu-user)")
    if not LIBRARIES.is_dir():
        pytest.skip(f"{LIBRARIES} is not there (Debian: libc6-arm64-cross)")
    if not BOOTSTRAP.is_file():
        pytest.skip("the arm64 layer is not built: rustup target add aarch64-unknown-linux-gnu")
    return f"{qemu} -L {LIBRARIES} {BOOTSTRAP}"


@pytest.fixture(scope="module")
def cloud(emulated, tmp_path_factory):
    """Its layer for this machine is the other machine's, under qemu."""
    folder = tmp_path_factory.mktemp("helper-stack")
    shutil.copy2(HELPER_STACK / "template.yaml", folder)
    for name in ("authorizer", "connect", "manager"):
        shutil.copytree(HELPER_STACK / "build" / name, folder / "build" / name)
    program = folder / "build" / "layer-x86_64" / "tether-bootstrap"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho under qemu >&2\nexec {emulated} "$@"\n')
    program.chmod(0o755)
    deployed = Project.hello(tmp_path_factory.mktemp("deployed") / "hello")
    cloud = Cloud({"app": deployed.template}, variables={"TETHER_HELPER_STACK": str(folder)})
    yield cloud
    cloud.close()


def answered_by(answer):
    assert answer.error is None, answer.payload
    return json.loads(answer.payload)["answered_by"]


def test_it_carries_invocations_to_the_laptop_and_leaves_others_to_the_deployed_code(
    cloud, attach, working_copy
):
    attached = attach(cloud, working_copy)
    for number in range(3):
        answer = cloud.invoke("HelloFunction", {"name": "Ada", "number": number})
        assert answered_by(answer) == "the working copy"
        assert attached.outcome_of(answer)["outcome"] == "completed"
    cloud.wait_for_log("HelloFunction", "under qemu")
    # The laptop is gone, and the function still instrumented.
    attached.kill()
    cloud.end_lease(attached.session_id)
    for _ in range(3):
        assert answered_by(cloud.invoke("HelloFunction", {"name": "Ada"})) == "the deployed code"
    assert cloud.configuration("HelloFunction")["Layers"]


def test_it_hands_every_event_on_when_nobody_can_be_reached(emulated):
    """In front of a runtime of its own, without a cloud: see test_layer.py."""
    from harness import Layer

    layer = Layer(command=emulated.split())
    try:
        for number in range(3):
            layer.send({"do": "answer", "number": number}, f"r-{number}")
            answer = json.loads(layer.answer_to(f"r-{number}").body)
            assert answer["number"] == number
        assert layer.wait_for("runtime")["pid"] != layer.pid
    finally:
        layer.close()
