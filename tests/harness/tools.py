"""What a story needs on the machine besides ours, or the reason why it is not told."""

import shutil

import pytest

# Who installs what: Debian's names.
_DEBIAN = {
    "dlv": "delve",
    "go": "golang-go",
    "java": "default-jdk-headless",
    "javac": "default-jdk-headless",
    "jdb": "default-jdk-headless",
}


def needs(*tools):
    """Marks a story as one that needs these programs."""
    missing = [it for it in tools if not shutil.which(it)]
    reasons = [f"{it} is not installed (Debian: {_DEBIAN.get(it, it)})" for it in missing]
    return pytest.mark.skipif(bool(missing), reason=", ".join(reasons) or "all is there")
