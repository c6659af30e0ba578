"""A new user's first hour, by the command and boto3 alone."""

import json
import os
import secrets
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import boto3
import botocore.exceptions
from harness import Process
from harness.surroundings import ROOT

# CloudFormation takes minutes; an attach takes one when functions start slowly.
STACK_PATIENCE = 900
PATIENCE = 120

SOURCE = """
import os

def handler(event, context):
    return {"by": "%s", "greeting": os.environ["GREETING"], "number": event.get("number")}
"""

PROPERTIES = {
    "Runtime": "python3.13",
    "Handler": "index.handler",
    "Timeout": 5,
    "Environment": {"Variables": {"GREETING": "Hello"}},
}

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def deployed():
    """A function whose code stands in its template."""
    code = {"ZipFile": SOURCE % "the deployed code"}
    role = {"Fn::GetAtt": ["Role", "Arn"]}
    return {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}},
        "Hello": {
            "Type": "AWS::Lambda::Function",
            "Properties": {**PROPERTIES, "Code": code, "Role": role},
        },
    }


def working_copy(folder):
    """The same function, changed, as a project on this machine."""
    resource = {"Type": "AWS::Serverless::Function", "Properties": {**PROPERTIES, "CodeUri": "."}}
    (folder / "template.yaml").write_text(json.dumps({"Resources": {"Hello": resource}}))
    (folder / "index.py").write_text(SOURCE % "the working copy")


class FirstHour:
    """Each step says what it does, and how long it took."""

    def __init__(self, environment):
        self.region = environment.get("AWS_REGION") or environment["AWS_DEFAULT_REGION"]
        self._session = boto3.session.Session(region_name=self.region)
        name = secrets.token_hex(3)
        self.helper_stack, self.app_stack = f"tether-test-{name}", f"tether-test-app-{name}"
        self._environment = {**environment, "AWS_REGION": self.region}
        default = ROOT / "target" / "release" / "tether"
        self._tether = Path(environment.get("TETHER_BIN") or default)
        self._left = []

    def client(self, service):
        return self._session.client(service)

    def whoever(self):
        return self.client("sts").get_caller_identity()["Arn"]

    # ---- the hour

    def go(self):
        with tempfile.TemporaryDirectory() as folder:
            here = Path(folder, "working-copy")
            here.mkdir()
            working_copy(here)
            self._environment["XDG_STATE_HOME"] = str(Path(folder, "state"))
            try:
                self._go(here)
            finally:
                self._clean_up()
        print("all of it works, and nothing is left", flush=True)

    def _go(self, here):
        self._step("deploying a function", self._deploy)
        name = self._function()
        before = self._configuration(name)
        install = ("install", "--yes", "--stack-name", self.helper_stack)
        self._step("tether install", lambda: self._run(*install))
        assert self._invoke(name)["by"] == "the deployed code"
        self._step("tether attach, an invocation, and Ctrl-C", lambda: self._debug(here, name))
        assert self._configuration(name) == before, "the function is not what it was"
        assert self._invoke(name)["by"] == "the deployed code"

    def _debug(self, here, name):
        words = ("--stack-name", self.app_stack, "--helper-stack-name", self.helper_stack)
        command = [self._tether, "attach", *words, "--json"]
        with Process("attach", command, self._environment, here) as attached:
            attached.wait_for("ready", PATIENCE)
            for number in range(3):
                answer = self._invoke(name, number)
                expected = {"by": "the working copy", "greeting": "Hello", "number": number}
                assert answer == expected, answer
            attached.signal(signal.SIGINT)
            code = attached.ends(PATIENCE)
            assert code == 0, f"attach ended with {code}: {attached.errors}"

    # ---- steps

    def _step(self, what, do):
        started = time.monotonic()
        do()
        print(f"{time.monotonic() - started:6.1f} s  {what}", flush=True)

    def _run(self, *words):
        command = [self._tether, *words]
        ran = subprocess.run(command, env=self._environment, stdin=subprocess.DEVNULL)
        assert ran.returncode == 0, f"tether {words[0]} ended with {ran.returncode}"

    def _deploy(self):
        """By a change set, as SAM and `tether install` do."""
        formation = self.client("cloudformation")
        names = {"StackName": self.app_stack, "ChangeSetName": "first"}
        formation.create_change_set(
            **names,
            ChangeSetType="CREATE",
            TemplateBody=json.dumps({"Resources": deployed()}),
            Capabilities=["CAPABILITY_IAM"],
        )
        self._wait("change_set_create_complete", **names)
        formation.execute_change_set(**names)
        self._wait("stack_create_complete", StackName=self.app_stack)

    def _wait(self, what, **names):
        # Often, where the cloud is on the desk.
        every = 1 if os.environ.get("AWS_ENDPOINT_URL") else 5
        config = {"Delay": every, "MaxAttempts": STACK_PATIENCE // every}
        self.client("cloudformation").get_waiter(what).wait(WaiterConfig=config, **names)

    def _function(self):
        names = {"StackName": self.app_stack, "LogicalResourceId": "Hello"}
        listed = self.client("cloudformation").list_stack_resources(StackName=names["StackName"])
        return next(
            it["PhysicalResourceId"]
            for it in listed["StackResourceSummaries"]
            if it["LogicalResourceId"] == names["LogicalResourceId"]
        )

    def _configuration(self, name):
        answer = self.client("lambda").get_function_configuration(FunctionName=name)
        for volatile in ("RevisionId", "LastModified", "ResponseMetadata"):
            del answer[volatile]
        return answer

    def _invoke(self, name, number=0):
        event = json.dumps({"number": number}).encode()
        answer = self.client("lambda").invoke(FunctionName=name, Payload=event)
        payload = answer["Payload"].read()
        assert "FunctionError" not in answer, payload
        return json.loads(payload)

    # ---- leaving nothing behind

    def _clean_up(self):
        uninstall = ("uninstall", "--yes", "--stack-name", self.helper_stack)
        self._try("tether uninstall", lambda: self._run(*uninstall))
        self._try("deleting the function's stack", self._delete_app)
        for stack in (self.helper_stack, self.app_stack):
            self._try(f"looking for {stack}", lambda stack=stack: self._is_gone(stack))
        self._try("looking for layers", self._no_layers)
        self._try("looking for the bucket", self._no_bucket)
        assert not self._left, "\n".join(["something may be left:", *self._left])

    def _try(self, what, do):
        """Whatever fails, the rest is cleaned up."""
        try:
            self._step(what, do)
        except (AssertionError, botocore.exceptions.BotoCoreError) as error:
            self._left.append(f"  {what}: {error}")
        except botocore.exceptions.ClientError as error:
            self._left.append(f"  {what}: {error}")

    def _delete_app(self):
        self.client("cloudformation").delete_stack(StackName=self.app_stack)
        self._wait("stack_delete_complete", StackName=self.app_stack)

    def _is_gone(self, stack):
        try:
            described = self.client("cloudformation").describe_stacks(StackName=stack)
        except botocore.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "ValidationError", error
            return
        status = described["Stacks"][0]["StackStatus"]
        assert status == "DELETE_COMPLETE", f"the stack {stack} is {status}"

    def _no_layers(self):
        pages = self.client("lambda").get_paginator("list_layers").paginate()
        names = [it["LayerName"] for page in pages for it in page["Layers"]]
        left = [name for name in names if name.startswith(self.helper_stack)]
        assert not left, f"the layers {', '.join(left)} are left"

    def _no_bucket(self):
        """Its name begins with the stack's, and nobody else's does."""
        buckets = self.client("s3").list_buckets().get("Buckets", [])
        left = [it["Name"] for it in buckets if it["Name"].startswith(f"{self.helper_stack}-")]
        assert not left, f"the bucket {', '.join(left)} is left"
