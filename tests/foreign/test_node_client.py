"""AWS's own Node clients on the corpus of tests/clients: they do what is recorded of them.

``tests/clients/test_node_client.py`` holds ours to the same record, always. Here AWS's are run,
under the Node that the record is of; and both are, under the other Node of this machine.
"""

import json
import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "clients"))

from node_cases import PAIRS, key  # noqa: E402
from node_clients import CLIENT, HERE, OURS, SYSTEM_NODE, UNTIL_22, Client, run_case  # noqa: E402
from record_node import SCRIPTS, aws  # noqa: E402

FOLDER = pathlib.Path(os.environ.get("TETHER_AWS_NODE_CLIENTS", ROOT / ".venv" / "aws-lambda-ric"))
EXPECTED = json.loads((HERE / "node_expected.json").read_text(encoding="utf-8"))


def reason_to_skip():
    missing = FOLDER / "missing"
    if missing.exists():
        return missing.read_text().strip()
    if not all((FOLDER / script).exists() for script in SCRIPTS.values()):
        return "aws-lambda-ric is not installed: make .venv/bin/.installed-all"
    return None


pytestmark = pytest.mark.skipif(reason_to_skip() is not None, reason=reason_to_skip() or "installed")


def as_json(value):
    return json.loads(json.dumps(value))


@pytest.mark.parametrize("kind, case", [pytest.param(*pair, id=key(*pair)) for pair in PAIRS])
def test_awss_client_does_what_is_recorded(kind, case):
    assert as_json(run_case(aws(str(FOLDER), kind), kind, case)) == EXPECTED[key(kind, case)]


def on_the_system():
    """Pairs that the other Node can run: the newer client wants Node 22."""
    if SYSTEM_NODE is None or Client(CLIENT, node=SYSTEM_NODE).major() == OURS.major():
        return []
    newer = Client(CLIENT, node=SYSTEM_NODE).major() >= 22
    return [pair for pair in PAIRS if pair[0] == UNTIL_22 or newer]


@pytest.mark.parametrize("kind, case", [pytest.param(*pair, id=key(*pair)) for pair in on_the_system()])
def test_both_are_the_same_on_another_node(kind, case):
    ours = run_case(Client(CLIENT, node=SYSTEM_NODE), kind, case)
    theirs = run_case(aws(str(FOLDER), kind, node=SYSTEM_NODE), kind, case)
    assert as_json(ours) == as_json(theirs)
