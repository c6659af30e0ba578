"""The project that AWS's ``sam init`` makes, served by ``tether local`` as it was made.

The templates come with SAM CLI (it asks GitHub for newer ones, and takes its own where that cannot
be reached), so that what is served is not ours. The integration test that AWS hands out with the
project finds the API as ours does here: by the name of the stack in ``AWS_SAM_STACK_NAME``, by
DescribeStacks, by the output ``HelloWorldApi``, by a GET of its value.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from harness import Project, tether
from harness.aws_cli import Cli
from harness.served import Served
from harness.surroundings import environment

SAM = Path(sys.prefix) / "sam" / "bin" / "sam"

pytestmark = pytest.mark.skipif(
    not SAM.exists(), reason="aws-sam-cli is not installed: make test-all does it"
)

INTEGRATION = '''
import os
import unittest
import urllib.request

import boto3


class TestApiGateway(unittest.TestCase):
    def setUp(self):
        stack = os.environ["AWS_SAM_STACK_NAME"]
        (found,) = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        outputs = {it["OutputKey"]: it["OutputValue"] for it in found["Outputs"]}
        self.url = outputs["HelloWorldApi"]

    def test_the_api_says_hello(self):
        with urllib.request.urlopen(self.url) as answer:
            self.assertEqual(answer.status, 200)
            self.assertEqual(answer.read(), b\'{"message": "hello world"}\')
'''


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    made = ["--name", "hello", "--output-dir", folder, "--dependency-manager", "pip"]
    made += ["--runtime", "python3.13", "--app-template", "hello-world"]
    variables = environment(HOME=str(folder), SAM_CLI_TELEMETRY="0", GIT_TERMINAL_PROMPT="0")
    ran = subprocess.run(
        [SAM, "init", "--no-interactive", *made],
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    project = Project(folder / "hello")
    project.write("tests/ours/test_api_gateway.py", INTEGRATION)
    return project


@pytest.fixture(scope="module")
def served(project):
    # What the stack is called stands in the samconfig.toml that came with it.
    with Served(project) as served:
        yield served


def test_an_integration_test_passes_with_an_endpoint_and_nothing_else(project, served):
    variables = environment(served.endpoint, AWS_SAM_STACK_NAME="hello")
    variables |= {"AWS_DEFAULT_REGION": served.ready["region"]}
    command = [sys.executable, "-m", "unittest", "discover", "-s", "tests/ours"]
    ran = subprocess.run(
        command, cwd=project.folder, env=variables, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    assert "Ran 1 test" in ran.stderr


def test_awss_command_line_reads_its_outputs_and_invokes_it(served, tmp_path):
    aws, answer = Cli(served), tmp_path / "answer"
    (stack,) = aws("cloudformation", "describe-stacks", "--stack-name", "hello")["Stacks"]
    outputs = {it["OutputKey"]: it["OutputValue"] for it in stack["Outputs"]}
    assert set(outputs) >= {"HelloWorldApi", "HelloWorldFunction"}
    arn = outputs["HelloWorldFunction"]
    for name in (arn, served.function("HelloWorldFunction")):
        invoked = aws("lambda", "invoke", "--function-name", name, answer)
        assert (invoked["StatusCode"], "FunctionError" in invoked) == (200, False)
        assert json.loads(answer.read_text())["statusCode"] == 200
    listed = aws("lambda", "list-functions")["Functions"]
    assert arn in [it["FunctionArn"] for it in listed]


def test_boto3_invokes_it_in_every_way(served):
    name, functions = served.function("HelloWorldFunction"), served.client("lambda")
    answer = functions.invoke(FunctionName=name, LogType="Tail", Payload=b"{}")
    assert json.load(answer["Payload"])["statusCode"] == 200
    assert answer["ExecutedVersion"] == "$LATEST" and answer["LogResult"]
    assert functions.invoke(FunctionName=name, InvocationType="DryRun")["StatusCode"] == 204
    assert functions.invoke(FunctionName=name, InvocationType="Event")["StatusCode"] == 202
    stream = functions.invoke_with_response_stream(FunctionName=name)["EventStream"]
    pieces = [it["PayloadChunk"]["Payload"] for it in stream if "PayloadChunk" in it]
    assert json.loads(b"".join(pieces))["statusCode"] == 200
    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        functions.invoke(FunctionName="nobodys")


def test_its_event_is_an_event(project):
    process = tether("invoke", "--event", "events/event.json", cwd=project.folder)
    assert process.code == 0, process.stderr
    assert json.loads(process.stdout[0])["statusCode"] == 200
