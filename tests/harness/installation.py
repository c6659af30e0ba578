"""The helper stack as a user puts it into an account."""

import pathlib
import shutil

from .processes import Process
from .surroundings import ROOT, binary, environment, tether

# Enough for whoever looks what a file was built for; never run.
_EXECUTABLE = b"\x7fELF\x02\x01\x01".ljust(18, b"\0") + b"\x3e\0"

LAYER = "build/layer-x86_64/tether-bootstrap"
BUCKET = "tether-artifacts-000000000000-us-east-1"


class Artifacts:
    """A folder to install from, of a release of one's own."""

    def __init__(self, folder):
        self.folder = folder

    @classmethod
    def built(cls, folder):
        """What `make stack layer` has made."""
        shutil.copytree(ROOT / "helper-stack" / "build", folder / "build")
        shutil.copy(ROOT / "helper-stack" / "template.yaml", folder)
        return cls(folder)

    @classmethod
    def hollow(cls, folder):
        """The template, with programs that nobody runs: quick to install."""
        executables = [f"build/{name}/bootstrap" for name in ("authorizer", "connect", "manager")]
        for name in [*executables, LAYER]:
            path = folder / name
            path.parent.mkdir(parents=True)
            path.write_bytes(_EXECUTABLE)
        shutil.copy(ROOT / "helper-stack" / "template.yaml", folder)
        return cls(folder)

    def change_layer(self, mark=b"\0"):
        """Another layer, that does the same."""
        with (self.folder / LAYER).open("ab") as file:
            file.write(mark)


class Installation:
    """Commands about the helper stack of a cloud, by one user."""

    def __init__(self, cloud, artifacts, laptop):
        self.cloud = cloud
        self.artifacts = artifacts
        self.laptop = pathlib.Path(laptop)

    def start(self, *words):
        """A command that goes on meanwhile."""
        state = {"XDG_STATE_HOME": str(self.laptop)}
        env = environment(self.cloud.endpoint, **state, **self.variables)
        return Process(f"tether {words[0]}", [binary(), *words, "--yes", "--json"], env)

    def run(self, *words):
        """A command to its end, whatever that is."""
        return tether(
            *words,
            endpoint=self.cloud.endpoint,
            XDG_STATE_HOME=str(self.laptop),
            **self.variables,
        )

    @property
    def variables(self):
        folder = self.artifacts.folder if self.artifacts else None
        return {"TETHER_HELPER_STACK": folder and str(folder)}

    def _does(self, command, *flags):
        process = self.run(command, "--yes", "--json", *flags)
        assert process.code == 0, process.errors
        return process

    def install(self, *flags):
        return self._does("install", *flags)

    def upgrade(self, *flags):
        return self._does("upgrade", *flags)

    def uninstall(self, *flags):
        """What it says at its end."""
        process = self._does("uninstall", *flags)
        return process.events[-1]

    def fails(self, *words):
        """The one line that says why."""
        process = self.run(*words, "--yes", "--json")
        assert process.code == 2, (process.code, process.errors)
        (line,) = process.errors
        return line

    def set_release(self, release, stack="tether"):
        """As another release of tether would have installed it."""
        aws = self.cloud.client("cloudformation")
        (described,) = aws.describe_stacks(StackName=stack)["Stacks"]
        kept = [it["ParameterKey"] for it in described["Parameters"]]
        aws.update_stack(
            StackName=stack,
            UsePreviousTemplate=True,
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            Parameters=[
                {"ParameterKey": key, "ParameterValue": release}
                if key == "Release"
                else {"ParameterKey": key, "UsePreviousValue": True}
                for key in kept
            ],
        )

        def look():
            (described,) = aws.describe_stacks(StackName=stack)["Stacks"]
            return described["StackStatus"] == "UPDATE_COMPLETE"

        self.cloud.process.wait_until(look, f"update of {stack}")

    def layer_versions(self, layer="tether-x86-64"):
        aws = self.cloud.client("lambda")
        versions = aws.list_layer_versions(LayerName=layer)["LayerVersions"]
        return sorted(it["Version"] for it in versions)


def account(cloud):
    """All that an account has and a list can show."""
    functions = cloud.client("lambda").list_functions()["Functions"]
    stacks = cloud.client("cloudformation").describe_stacks()["Stacks"]
    return {
        "functions": sorted(it["FunctionName"] for it in functions),
        "tables": cloud.client("dynamodb").list_tables()["TableNames"],
        "layers": [it["LayerName"] for it in cloud.client("lambda").list_layers()["Layers"]],
        "buckets": [it["Name"] for it in cloud.client("s3").list_buckets().get("Buckets", [])],
        "stacks": sorted(it["StackName"] for it in stacks),
    }
