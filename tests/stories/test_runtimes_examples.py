"""The example of each language answers under ``tether invoke``, as it stands there."""

import json

import pytest
from harness import tether
from harness.surroundings import ROOT
from harness.tools import needs

# A first build compiles the client's dependencies.
LONG = 600

EXAMPLES = {
    "hello-rust": needs("cargo"),
    "hello-go": needs("go"),
    "hello-java": needs("java"),
    "hello-ruby": needs("ruby"),
    "hello-command": needs("curl"),
}


@pytest.mark.parametrize("name", [pytest.param(it, marks=mark) for it, mark in EXAMPLES.items()])
def test_an_example_answers_and_logs(name):
    folder = ROOT / "examples" / name
    event = '{"name": "Ada"}'
    process = tether("invoke", "HelloFunction", cwd=folder, stdin=event, timeout=LONG)
    assert process.code == 0, process.stderr
    (line,) = process.stdout
    answer = json.loads(line)
    assert (answer["message"], answer["answered_by"]) == ("Hello, Ada!", "the deployed code")
    assert any("greeting Ada" in line for line in process.stderr)
    process.leaves_nothing_behind()
