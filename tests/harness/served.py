"""``tether local`` over a project, and who calls what it serves."""

import json
import signal

import boto3
import botocore.config

from .processes import Process
from .surroundings import PATIENCE, REGION, binary, environment

TO_END = 20


class Served:
    """A template that is served on free ports."""

    def __init__(self, project, *flags, **variables):
        self.project = project
        command = [binary(), "local", "--json", "--port", "0", "--endpoint-port", "0", *flags]
        self.process = Process(
            "tether local", command, env=environment(**variables), cwd=project.folder
        )
        try:
            self.ready = self.process.wait_for("ready", PATIENCE)
        except BaseException:
            self.process.close()
            raise
        self.endpoint = self.ready["endpoint"]

    def url(self, logical_id, path=""):
        """Of an API's first stage, or of a function: SAM calls the URL of ``F`` ``FUrl``."""
        for it in self.ready["apis"]:
            if it["logicalId"] in (logical_id, f"{logical_id}Url"):
                return it["url"].rstrip("/") + path
        raise LookupError(f"{logical_id} is not served: {self.ready['apis']}")

    def function(self, logical_id):
        """Its name in Lambda."""
        names = {it["logicalId"]: it["name"] for it in self.ready["functions"]}
        return names[logical_id]

    def client(self, service):
        """boto3's, as it is with ``AWS_ENDPOINT_URL``."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="AKIAEXAMPLE",
            aws_secret_access_key="example",
            config=botocore.config.Config(retries={"total_max_attempts": 1}),
        )

    def close(self):
        """Ctrl-C."""
        try:
            assert self.process.code is None, f"it has ended with {self.process.code}"
            self.process.signal(signal.SIGINT)
            assert self.process.ends(TO_END) == 0, self.process.stderr
            self.process.leaves_nothing_behind()
        finally:
            self.process.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, *rest):
        # What has failed is told, and not that its server has not ended well.
        if kind:
            self.process.close()
        else:
            self.close()


RECORDING = """
import json, os, pathlib, threading

def record(kind, event):
    folder = pathlib.Path(os.environ["RECORDED"])
    name = f"{os.getpid()}-{threading.get_ident()}-{len(list(folder.iterdir()))}.json"
    (folder / name).write_text(json.dumps({"kind": kind, "event": event}))
"""


def recorded(folder):
    """What functions with ``RECORDING`` have seen: events by kind."""
    found = {}
    for file in sorted(folder.iterdir(), key=lambda it: it.stat().st_mtime_ns):
        seen = json.loads(file.read_text())
        found.setdefault(seen["kind"], []).append(seen["event"])
    return found
