"""What `make stack layer` has built is what Lambda can run.

Where the toolchain has no target for the other architecture, its layer is not built, and not here.
"""

import io
import pathlib
import platform
import sys
import zipfile

import pytest
from harness.elf import Elf
from harness.layer import ARCHITECTURES
from harness.surroundings import ROOT

BUILD = ROOT / "helper-stack" / "build"
HOST = ARCHITECTURES[platform.machine().lower()]
LAYERS = sorted(it.name for it in BUILD.glob("layer-*"))
HELPERS = ("authorizer", "connect", "manager")
BINARIES = [f"{it}/tether-bootstrap" for it in LAYERS] + [f"{it}/bootstrap" for it in HELPERS]

# Amazon Linux 2; Amazon Linux 2023 has 2.34.
OLDEST_GLIBC = (2, 26)

MAX_ZIPPED_LAYER = 5_000_000


def test_there_is_a_layer_for_this_machine():
    assert f"layer-{HOST}" in LAYERS


@pytest.mark.parametrize("name", BINARIES)
def test_a_binary_runs_on_every_amazon_linux_that_lambda_has(name):
    binary = Elf(BUILD / name)
    assert "libc.so.6" in binary.needs()
    assert binary.glibc() <= OLDEST_GLIBC


def test_what_a_binary_needs_is_read_as_it_is():
    """Of Python itself, which looks for the names of versions without knowing what ELF is."""
    python = pathlib.Path(sys.executable).resolve()
    _, version = platform.libc_ver(python)
    assert Elf(python).glibc() == tuple(map(int, version.split(".")[:2]))
    assert Elf(python).machine == HOST


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_one_program_for_its_architecture_at_its_root(name):
    (binary,) = (BUILD / name).rglob("*")
    assert binary.name == "tether-bootstrap"
    assert binary.stat().st_mode & 0o777 == 0o755
    assert Elf(binary).machine == name.removeprefix("layer-")


@pytest.mark.parametrize("name", LAYERS)
def test_a_zipped_layer_is_small(name):
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(BUILD / name / "tether-bootstrap", "tether-bootstrap")
    assert len(zipped.getvalue()) <= MAX_ZIPPED_LAYER


def test_the_helper_lambdas_are_all_for_one_architecture():
    assert len({Elf(BUILD / it / "bootstrap").machine for it in HELPERS}) == 1
