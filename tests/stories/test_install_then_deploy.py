"""The developer's way: a helper stack that `tether install` made, and what `make deploy` changes.

What AWS is given for a layer is looked at on both ways.
"""

import json
import pathlib
import stat

import pytest
from harness import Project, tether
from harness.elf import Elf

from stories.test_make_deploy import make_deploy

MAX_ZIPPED_LAYER = 5_000_000
OUTPUTS = {"LayerX86Arn": "x86_64", "LayerArm64Arn": "arm64"}


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    deployed = Project.hello(tmp_path_factory.mktemp("deployed") / "hello")
    cloud = clouds({"app": deployed.template}, "--no-helper-stack")
    installed = tether("install", "--yes", endpoint=cloud.endpoint)
    assert installed.code == 0, installed.errors
    return cloud


def is_a_layer(cloud, arn, architecture):
    """One program for its architecture, at the root of its zip, executable, and small."""
    published = cloud.client("lambda").get_layer_version_by_arn(Arn=arn)
    assert published["CompatibleArchitectures"] == [architecture]
    # By this `tether uninstall` knows its own.
    assert published["Description"] == f"tether bootstrap for {architecture}"
    assert published["Content"]["CodeSize"] <= MAX_ZIPPED_LAYER
    folder = pathlib.Path(published["Content"]["Location"].removeprefix("file://"))
    (program,) = folder.rglob("*")
    assert program.name == "tether-bootstrap"
    assert stat.filemode(program.stat().st_mode) == "-rwxr-xr-x"
    assert Elf(program).machine == architecture


def test_it_is_deployed_to_attached_to_and_removed_with_all_its_layers(
    cloud, attach, working_copy
):
    outputs = cloud.outputs()
    installed = {OUTPUTS[it]: arn for it, arn in outputs.items() if it in OUTPUTS}
    assert installed
    for architecture, arn in installed.items():
        is_a_layer(cloud, arn, architecture)

    ran = make_deploy(cloud, stack="tether")
    assert ran.returncode == 0, ran.stderr
    manager = outputs["ManagerFunction"]
    found = cloud.client("lambda").get_function_configuration(FunctionName=manager)
    variables = found["Environment"]["Variables"]
    deployed = {"x86_64": variables["LAYER_X86_64"], "arm64": variables["LAYER_ARM64"]}
    for architecture, arn in installed.items():
        name, version = arn.rsplit(":", 1)
        assert deployed[architecture] == f"{name}:{int(version) + 1}"
        is_a_layer(cloud, deployed[architecture], architecture)

    attached = attach(cloud, working_copy)
    used = cloud.configuration("HelloFunction")["Layers"]
    assert [it["Arn"] for it in used] == [deployed[found["Architectures"][0]]]
    answer = cloud.invoke("HelloFunction", {"name": "Ada"})
    assert json.loads(answer.payload)["answered_by"] == "the working copy"
    attached.detach()

    # An update that leaves the manager as it is leaves what it hands on.
    changed = tether("install", "--yes", "--tag", "team=platform", endpoint=cloud.endpoint)
    assert changed.code == 0, changed.errors
    found = cloud.client("lambda").get_function_configuration(FunctionName=manager)
    assert found["Environment"]["Variables"] == variables
    for architecture in installed:
        is_a_layer(cloud, deployed[architecture], architecture)

    removed = tether("uninstall", "--yes", endpoint=cloud.endpoint)
    assert removed.code == 0, removed.errors
    assert cloud.client("lambda").list_layers()["Layers"] == []
