"""Fixtures that several stories share."""

import pytest
from harness import tether


@pytest.fixture
def status():
    """What ``tether status`` says."""

    def ask(cloud):
        process = tether("status", "--json", endpoint=cloud.endpoint)
        assert process.code == 0, process.errors
        return process.events

    return ask
