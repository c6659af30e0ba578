"""An odd laptop: its clock is off, or its disk is full."""

import pathlib
import subprocess

SOURCE = pathlib.Path(__file__).with_name("laptop.c")


def compiled(folder):
    """The library that plays it, for ``LD_PRELOAD``."""
    library = folder / "laptop.so"
    command = ["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, SOURCE, "-ldl"]
    subprocess.run(command, check=True)
    return str(library)
