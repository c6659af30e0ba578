"""``tether local``: a project that is served from where it is worked on."""

import base64
import http.client
import json
import signal
import urllib.parse
from collections import namedtuple

import boto3
import botocore.config

from .processes import Process
from .surroundings import PATIENCE, REGION, binary, environment

Reply = namedtuple("Reply", "status headers body")


class Local:
    """``tether local`` in a project's folder, on free ports."""

    def __init__(self, project, *flags, variables=None, command=(), ports=True):
        if ports:
            flags = ("--port", "0", "--endpoint-port", "0", *flags)
        command = command or [binary(), "local", "--json", *flags]
        env = environment(**(variables or {}))
        self.project = project
        self.process = Process("local", command, env=env, cwd=project.folder)
        try:
            self.ready = self.process.wait_for("ready")
        except BaseException:
            self.process.close()
            raise
        self.endpoint = self.ready["endpoint"]

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    # ---- over HTTP

    def url(self, api=None):
        """Of an API by its logical id, or of the only one; without a slash at its end."""
        apis = [it for it in self.ready["apis"] if api in (None, it["logicalId"])]
        assert len(apis) == 1, f"which of {[it['logicalId'] for it in self.ready['apis']]}?"
        return apis[0]["url"].rstrip("/")

    def request(self, method, path, body=None, headers=None, api=None, timeout=PATIENCE):
        """Over a connection of its own; the path goes as it is behind the API's address."""
        return request(method, self.url(api) + path, body, headers, timeout)

    def get(self, path, **more):
        return self.request("GET", path, **more)

    # ---- by Lambda

    def client(self, service, **more):
        config = botocore.config.Config(
            retries={"total_max_attempts": 1}, read_timeout=PATIENCE, connect_timeout=5
        )
        return boto3.client(
            service,
            endpoint_url=more.pop("endpoint_url", self.endpoint),
            region_name=REGION,
            aws_access_key_id="AKIAEXAMPLE",
            aws_secret_access_key="example",
            config=config,
        )

    def function(self, logical_id):
        """Its name in Lambda."""
        names = {it["logicalId"]: it["name"] for it in self.ready["functions"]}
        return names[logical_id]

    def invoke(self, logical_id, event=None, **more):
        answer = self.client("lambda").invoke(
            FunctionName=self.function(logical_id), Payload=json.dumps(event or {}), **more
        )
        if "LogResult" in answer:
            answer["LogResult"] = base64.b64decode(answer["LogResult"]).decode()
        answer["Payload"] = answer["Payload"].read()
        return answer

    # ---- what it tells

    def wait_for_notice(self, text):
        def look():
            notices = (it["message"] for it in self.process.events_of("notice"))
            return next((it for it in notices if text in it), None)

        return self.process.wait_until(look, f"notice with {text!r}")

    def reloads(self, change):
        """Does what changes the template, and waits until it is served like that."""
        before = len(self.process.events_of("ready"))
        change()

        def look():
            ready = self.process.events_of("ready")
            return ready[-1] if len(ready) > before else None

        self.ready = self.process.wait_until(look, "ready again")
        return self.ready

    def log(self, logical_id):
        return [it["line"] for it in self.process.events_of("log", function=logical_id)]

    # ---- its end

    def interrupt(self):
        """Ctrl-C; its exit code."""
        self.process.signal(signal.SIGINT)
        return self.process.ends()

    def close(self):
        self.process.close()


def request(method, url, body=None, headers=None, timeout=PATIENCE):
    """One request as it is written; nothing is followed, decoded or added but what HTTP needs."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    try:
        target = url.split(parts.netloc, 1)[1] or "/"
        if isinstance(body, str):
            body = body.encode()
        connection.request(method, target, body=body, headers=headers or {})
        answer = connection.getresponse()
        return Reply(answer.status, answer.msg, answer.read())
    finally:
        connection.close()
