"""The cloud on the desk, and boto3 as its foreign caller."""

import json
import os
import pathlib
import secrets
import signal
import time
import urllib.request
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

import boto3
import botocore.config

from .faults import Fault
from .processes import Process
from .requests import Requests
from .surroundings import PATIENCE, REGION, binary, environment

# A caller waits for a developer at a breakpoint; the stories do not wait that long.
CALLER_WAITS = 60

Answer = namedtuple("Answer", "payload error request_id")


class Cloud:
    """``tether emulator`` with these stacks: name and template."""

    def __init__(self, stacks, *flags, variables=None):
        deploy = [word for name, path in stacks.items() for word in ("--deploy", f"{name}={path}")]
        self.requests = Requests()
        flags = (*flags, *self.requests.flags)
        command = [binary(), "emulator", *deploy, "--endpoint-port", "0", "--json", *flags]
        self.process = Process("emulator", command, env=environment(**(variables or {})))
        self._clients = {}
        self._callers = ThreadPoolExecutor(8, thread_name_prefix="caller")
        try:
            self.ready = self.process.wait_for("ready")
        except BaseException:
            self.process.close()
            self.requests.close()
            raise
        self.endpoint = self.ready["endpoint"]

    def client(self, service):
        if service not in self._clients:
            config = botocore.config.Config(
                connect_timeout=5,
                read_timeout=CALLER_WAITS,
                retries={"total_max_attempts": 1},
                max_pool_connections=16,
            )
            self._clients[service] = boto3.client(
                service,
                endpoint_url=self.endpoint,
                region_name=REGION,
                aws_access_key_id="AKIAEXAMPLE",
                aws_secret_access_key="example",
                config=config,
            )
        return self._clients[service]

    # ---- functions

    def function(self, logical_id, stack="app"):
        """Its name in Lambda."""
        for it in self.ready["functions"]:
            if (it["stack"], it["logicalId"]) == (stack, logical_id):
                return it["name"]
        raise LookupError(f"{logical_id} of {stack} is not deployed: {self.ready['functions']}")

    def invoke(self, function, event=None):
        """Invokes by logical id, or by name: the answer's bytes, as they are."""
        body = event if isinstance(event, bytes) else json.dumps(event or {}).encode()
        answer = self.client("lambda").invoke(FunctionName=self._name(function), Payload=body)
        return Answer(
            answer["Payload"].read(),
            answer.get("FunctionError"),
            answer["ResponseMetadata"]["RequestId"],
        )

    def invoke_meanwhile(self, function, event=None):
        """The same, as a future."""
        self.client("lambda")
        return self._callers.submit(self.invoke, function, event)

    def configuration(self, function):
        """Everything that GetFunctionConfiguration says, but what changes with every change."""
        answer = self.client("lambda").get_function_configuration(FunctionName=self._name(function))
        for volatile in ("RevisionId", "LastModified", "ResponseMetadata"):
            del answer[volatile]
        return answer

    def _name(self, function):
        names = {it["logicalId"]: it["name"] for it in self.ready["functions"]}
        return names.get(function, function)

    def log(self, function):
        """Lines that a function has logged so far."""
        lines = self.process.events_of("log", function=self._name(function))
        return [it["line"] for it in lines]

    def wait_for_log(self, function, text, timeout=PATIENCE):
        """The first line of a function's log with this text."""

        def look():
            for it in self.process.events:
                if it["event"] == "log" and it["function"] == name and text in it["line"]:
                    return it["line"]
            return None

        name = self._name(function)
        return self.process.wait_until(look, f"{text!r} in the log of {name}", timeout)

    def wait_for_notice(self, text):
        """The first notice with this text."""

        def look():
            notices = (it["message"] for it in self.process.events_of("notice"))
            return next((it for it in notices if text in it), None)

        return self.process.wait_until(look, f"notice with {text!r}")

    # ---- stacks

    def outputs(self, stack="tether"):
        described = self.client("cloudformation").describe_stacks(StackName=stack)
        return {
            it["OutputKey"]: it["OutputValue"] for it in described["Stacks"][0].get("Outputs", [])
        }

    # ---- sessions

    def end_lease(self, session_id):
        """As 90 seconds without a keep-alive end it."""
        self.client("dynamodb").update_item(
            TableName=self.outputs()["SessionsTable"],
            Key={"SessionId": {"S": session_id}},
            UpdateExpression="SET LeaseUntil = :past",
            ExpressionAttributeValues={":past": {"N": str(int(time.time() * 1000) - 1)}},
        )

    def sweep(self):
        """The schedule's own event, a minute early."""
        manager = self.function("ManagerFunction", stack="tether")
        answer = self.invoke(manager, {"action": "sweep"})
        assert answer.error is None, answer.payload

    # ---- invocations

    def wait_until_tidy(self):
        """Until no record of an invocation is left: its environment is free for the next one."""

        def tidy():
            found = self.client("dynamodb").scan(
                TableName=table, Select="COUNT", ConsistentRead=True
            )
            return found["Count"] == 0

        table = self.outputs()["DebuggerTable"]
        self.process.wait_until(tidy, "an empty correlation table")

    # ---- what was called

    def calls(self):
        """AWS calls so far: principal, service, action and count of each."""
        with urllib.request.urlopen(f"{self.endpoint}/_tether/calls") as answer:
            return json.load(answer)

    def permissions(self):
        """What was used of each role's policies, and what was refused."""
        with urllib.request.urlopen(f"{self.endpoint}/_tether/permissions") as answer:
            return json.load(answer)

    def keep_permissions(self, role=None):
        """Adds them to a ledger of all stories, if one is wanted: all, or those of one role."""
        folder = os.environ.get("TETHER_PERMISSIONS")
        if folder and self.process.code is None:
            roles = [it for it in self.permissions()["roles"] if role in (None, it["name"])]
            path = pathlib.Path(folder) / f"{secrets.token_hex(8)}.json"
            path.write_text(json.dumps({"roles": roles}), encoding="utf-8")

    # ---- what goes wrong

    def fault(self, service, effect, **rule):
        """Makes calls fail from now on: see ``Fault``."""
        return Fault(self, service, effect, **rule)

    # ---- ending

    def close(self):
        """Ends it as a service manager does, and makes sure that it ends well.

        What our programs have asked it for is compared with AWS's models then.
        """
        try:
            self.keep_permissions()
            assert self.process.code is None, f"the emulator has ended with {self.process.code}"
            self.process.signal(signal.SIGTERM)
            code = self.process.ends()
            assert code == 0, f"the emulator ended with {code}: {self.process.stderr}"
            self.process.leaves_nothing_behind()
            self.requests.check()
        finally:
            self.process.close()
            self.requests.close()
            self._callers.shutdown()
            for client in self._clients.values():
                client.close()
