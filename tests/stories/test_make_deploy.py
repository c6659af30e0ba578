"""`make deploy`: new code and new layers in a helper stack that is installed."""

import json
import pathlib
import shutil
import stat
import struct
import subprocess
import sys

import pytest
from harness import Project
from harness.elf import Elf
from harness.surroundings import ROOT, environment

BUILD = ROOT / "helper-stack" / "build"
VARIABLES = {"LAYER_X86_64": "x86_64", "LAYER_ARM64": "arm64"}
MAX_ZIPPED_LAYER = 5_000_000


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    deployed = Project.hello(tmp_path_factory.mktemp("deployed") / "hello")
    return clouds({"app": deployed.template}, "--helper-stack-name", "of-mine")


def make_deploy(cloud, stack="of-mine", **variables):
    """As the developer does it, but for what `make stack layer` would build again."""
    command = ["make", "-o", "stack", "-o", "layer", "deploy", f"STACK={stack}"]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment(cloud.endpoint, **variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def helper(cloud, logical_id):
    name = cloud.function(logical_id, stack="of-mine")
    return cloud.client("lambda").get_function(FunctionName=name)


def handed_on(cloud):
    """Layer versions that the manager hands on, by architecture; none: the stack has none."""
    variables = helper(cloud, "ManagerFunction")["Configuration"]["Environment"]["Variables"]
    return {VARIABLES[it]: arn for it, arn in variables.items() if it in VARIABLES and arn}


def folder(location):
    return pathlib.Path(location.removeprefix("file://"))


def test_each_helper_has_the_new_code_and_functions_get_the_new_layer(cloud, attach, working_copy):
    functions = ("AuthorizerFunction", "ConnectFunction", "ManagerFunction")
    before = {it: helper(cloud, it) for it in functions}
    old_layers = handed_on(cloud)
    ran = make_deploy(cloud)
    assert ran.returncode == 0, ran.stderr
    for it in functions:
        was, now = before[it]["Configuration"], helper(cloud, it)["Configuration"]
        assert was["CodeSha256"] != now["CodeSha256"]
        code = folder(helper(cloud, it)["Code"]["Location"])
        assert code != folder(before[it]["Code"]["Location"])
        (bootstrap,) = code.iterdir()
        built = BUILD / it.removesuffix("Function").lower() / "bootstrap"
        assert bootstrap.name == "bootstrap" and bootstrap.stat().st_mode & 0o777 == 0o755
        assert bootstrap.read_bytes() == built.read_bytes()
        # All else is the template's.
        for changed in ("CodeSha256", "CodeSize", "LastModified", "RevisionId", "Version"):
            was.pop(changed), now.pop(changed)
        if it == "ManagerFunction":
            was, now = (without_layers(configuration) for configuration in (was, now))
        assert was == now

    layers = handed_on(cloud)
    assert layers.keys() == old_layers.keys()
    for architecture, arn in layers.items():
        name, version = arn.split(":")[6:]
        assert (name, int(version)) == (old_layers[architecture].split(":")[6], 2)
    # The new manager works, with the new layer.
    attached = attach(cloud, working_copy, "--helper-stack-name", "of-mine")
    used = [it["Arn"] for it in cloud.configuration("HelloFunction")["Layers"]]
    assert used == [layers["x86_64"]]
    answer = cloud.invoke("HelloFunction", {"name": "Ada"})
    assert json.loads(answer.payload)["answered_by"] == "the working copy"
    attached.detach()


def without_layers(configuration):
    variables = configuration["Environment"]["Variables"]
    kept = {name: value for name, value in variables.items() if name not in VARIABLES}
    return configuration | {"Environment": {"Variables": kept}}


def test_a_published_layer_is_one_program_for_its_architecture_at_its_root(cloud):
    assert make_deploy(cloud).returncode == 0
    layers = handed_on(cloud)
    assert layers
    for architecture, arn in layers.items():
        published = cloud.client("lambda").get_layer_version_by_arn(Arn=arn)
        assert published["CompatibleArchitectures"] == [architecture]
        assert published["Description"] == f"tether bootstrap for {architecture}"
        assert published["Content"]["CodeSize"] <= MAX_ZIPPED_LAYER
        (program,) = folder(published["Content"]["Location"]).rglob("*")
        # Where the manager's wrapper variable says that it is: /opt/tether-bootstrap.
        assert program.name == "tether-bootstrap"
        assert stat.filemode(program.stat().st_mode) == "-rwxr-xr-x"
        assert Elf(program).machine == architecture


def test_whoever_is_attached_meanwhile_stays_attached_and_is_restored(cloud, attach, working_copy):
    before = cloud.configuration("HelloFunction")
    attached = attach(cloud, working_copy, "--helper-stack-name", "of-mine")
    assert make_deploy(cloud).returncode == 0
    answer = cloud.invoke("HelloFunction", {"name": "Ada"})
    assert json.loads(answer.payload)["answered_by"] == "the working copy"
    attached.detach()
    assert cloud.configuration("HelloFunction") == before


def test_it_leaves_nothing_beside_what_was_built(cloud):
    before = sorted(BUILD.rglob("*"))
    assert make_deploy(cloud).returncode == 0
    assert sorted(BUILD.rglob("*")) == before


@pytest.mark.parametrize(
    ("stack", "variables", "why", "fix"),
    [
        ("nobodys", {}, "no stack nobodys in us-east-1", "tether install"),
        ("app", {}, "app has no AuthorizerFunction", "STACK="),
        ("of-mine", {"AWS_REGION": ""}, "no region", "set AWS_REGION"),
    ],
)
def test_what_cannot_be_deployed_is_said_in_a_line_and_changes_nothing(
    cloud, stack, variables, why, fix
):
    before = cloud.client("lambda").list_functions()["Functions"]
    ran = make_deploy(cloud, stack, **variables)
    assert ran.returncode
    (error,) = [line for line in ran.stderr.splitlines() if line.startswith("error: ")]
    assert why in error and fix in error
    assert cloud.client("lambda").list_functions()["Functions"] == before


def test_a_helper_that_is_built_for_another_machine_is_refused_before_anything_changes(
    cloud, tmp_path
):
    folder = tmp_path / "helper-stack"
    shutil.copytree(ROOT / "helper-stack" / "build", folder / "build")
    for name in ("deploy.py", "template.yaml"):
        shutil.copy2(ROOT / "helper-stack" / name, folder)
    # The last one is found out before the first one is deployed.
    binary = folder / "build" / "manager" / "bootstrap"
    other = {"x86_64": (183, "arm64"), "arm64": (62, "x86_64")}
    number, name = other[Elf(binary).machine]
    with binary.open("r+b") as file:
        file.seek(18)
        file.write(struct.pack("<H", number))
    before = cloud.client("lambda").list_functions()["Functions"]
    ran = subprocess.run(
        [sys.executable, folder / "deploy.py", "--stack-name", "of-mine"],
        env=environment(cloud.endpoint),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert ran.returncode and ran.stdout == ""
    assert f"is built for {name}" in ran.stderr and "make stack ARCH=" in ran.stderr
    assert cloud.client("lambda").list_functions()["Functions"] == before
