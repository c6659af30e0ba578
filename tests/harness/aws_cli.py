"""AWS's own command line, where `make test-all` has installed it."""

import json
import subprocess
import sys
from pathlib import Path

from .surroundings import REGION, environment

AWS = Path(sys.executable).with_name("aws")


class Cli:
    """Runs its commands against one endpoint."""

    def __init__(self, cloud):
        self._environment = environment(
            cloud.endpoint, AWS_DEFAULT_REGION=REGION, AWS_DEFAULT_OUTPUT="json"
        )

    def _run(self, *words):
        return subprocess.run(
            [AWS, *(str(word) for word in words)],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    def __call__(self, *words):
        """What it answers; none, if that is nothing."""
        said = self.said(*words)
        return json.loads(said) if said else None

    def said(self, *words):
        """The same as text."""
        ran = self._run(*words)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.strip()

    def fails(self, *words):
        """What it complains of."""
        ran = self._run(*words)
        assert ran.returncode, ran.stdout
        return ran.stderr.strip()

    def refused(self, *words):
        """A refusal's code and its operation, as it reads them."""
        said = self.fails(*words)
        code = said.partition("(")[2].partition(")")[0]
        operation = said.partition("when calling the ")[2].partition(" ")[0]
        return code, operation
