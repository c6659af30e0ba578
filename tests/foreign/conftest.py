"""Checks with what others wrote: `make test-all` runs them, and says which of them ran.

What a check needs and does not find here is its reason for not running; a check that cannot be
run is never one that has passed.
"""

import collections

import pytest

_outcomes = collections.defaultdict(collections.Counter)
_reasons = {}


def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.heavy)


def pytest_runtest_logreport(report):
    if "/foreign/" not in report.nodeid:
        return
    name = report.nodeid.partition("::")[0].rpartition("/test_")[2].removesuffix(".py")
    if report.skipped:
        _, _, reason = report.longrepr
        _reasons.setdefault((name, reason.removeprefix("Skipped: ")), report.nodeid)
    elif report.when == "call" or report.failed:
        _outcomes[name][report.outcome] += 1


def pytest_terminal_summary(terminalreporter):
    if not _outcomes and not _reasons:
        return
    terminalreporter.section("checked with what others wrote")
    for name, counts in sorted(_outcomes.items()):
        said = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
        terminalreporter.line(f"ran:      {name} ({said})")
    for name, reason in sorted(_reasons):
        terminalreporter.line(f"not run:  {name}: {reason}")
