"""Our table of Lambda's runtimes, beside what AWS and cfn-lint know of them."""

import datetime
import importlib.resources
import json
import re

import botocore.session
from harness.surroundings import ROOT

TABLE = ROOT / "crates" / "runtime-api" / "src" / "runtimes" / "table.rs"
ROW = re.compile(r'^    (?:both|x86)\("([^"]+)", \w+, \w+, (.*)\),$', re.MULTILINE)
# No runtime of the API's: a marker for managed ones that customers bring.
NOT_RUNTIMES = {"custom"}
# Only as images.
IMAGES = {"dotnet9"}


def rows():
    found = dict(ROW.findall(TABLE.read_text()))
    assert len(found) > 50, "the table is written otherwise than this reads it"
    return found


def test_every_runtime_of_awss_model_has_a_row():
    model = botocore.session.get_session().get_service_model("lambda")
    named = set(model.shape_for("Runtime").enum) - NOT_RUNTIMES
    assert named == set(rows())


def test_the_days_are_those_that_cfn_lint_has_from_awss_page():
    data = importlib.resources.files("cfnlint.data.AdditionalSpecs")
    known = json.loads((data / "LmbdRuntimeLifecycle.json").read_text())
    ours = rows()
    for name in set(known) - IMAGES:
        days = re.findall(r"\((\d+), (\d+), (\d+)\)", ours[name])
        days = [datetime.date(*map(int, it)).isoformat() for it in days]
        theirs = [known[name][it] for it in ("deprecated", "create-block", "update-block")]
        assert days == theirs, name
