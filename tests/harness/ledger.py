"""A ledger of runs: whoever runs an event writes that down before anything else."""

import json
import os
import secrets
import time
from collections import namedtuple

LAPTOP, DEPLOYED = "the working copy", "the deployed code"

# ``until`` names a file for each that shall wait for it. O_APPEND: one line is one write.
SOURCE = """
import json
import os
import time

WHO = {who!r}


def handler(event, context):
    run = {{"id": event.get("id"), "by": WHO, "pid": os.getpid()}}
    run["request"] = context.aws_request_id
    ledger = os.open({path!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(ledger, (json.dumps(run) + "\\n").encode())
    os.close(ledger)
    until = event.get("until", {{}}).get(WHO)
    while until and not os.path.exists(until):
        time.sleep(0.005)
    return WHO
"""

Told = namedtuple("Told", "by error message took answer")


class Ledger:
    """Which event ran where, and how often."""

    def __init__(self, path):
        self.path = path

    def source(self, who):
        """The code of a function that keeps it; its answer is who ran it."""
        return SOURCE.format(who=who, path=str(self.path))

    def runs(self, id):
        """Who has run an event so far, first to last."""
        return [it["by"] for it in self.lines(id)]

    def lines(self, id):
        if not self.path.exists():
            return []
        lines = (json.loads(line) for line in self.path.read_text().splitlines())
        return [it for it in lines if it["id"] == id]


class Call:
    """One invocation, and what became of it."""

    def __init__(self, cloud, ledger, function, **event):
        self.cloud = cloud
        self.ledger = ledger
        self.id = secrets.token_hex(6)
        self._began = time.monotonic()
        self._took = None
        self._future = cloud.invoke_meanwhile(function, {"id": self.id, **event})
        self._future.add_done_callback(self._done)

    def _done(self, _):
        self._took = time.monotonic() - self._began

    @property
    def is_over(self):
        return self._future.done()

    @property
    def runs(self):
        return self.ledger.runs(self.id)

    def told(self, timeout=30):
        """Waits for what the caller is told: by whom, or which error, after how long."""
        answer = self._future.result(timeout)
        said = json.loads(answer.payload)
        if answer.error is None:
            return Told(said, None, None, self._took, answer)
        return Told(None, said["errorType"], said["errorMessage"], self._took, answer)

    def wait_for_run(self, process, by):
        """Waits until it runs there; the run's line in the ledger."""

        def look():
            return next((it for it in self.ledger.lines(self.id) if it["by"] == by), None)

        return process.wait_until(look, f"run of {self.id} by {by}")
