"""The emulator beside moto, another emulator of AWS, in what that has right.

Of moto these are STS, layer versions, S3, and CloudFormation of tables, functions and layers. The
template goes there as AWS takes it: packaged by AWS's command line, transformed by AWS's own SAM.
"""

import io
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import boto3
import botocore.exceptions
import pytest
from harness import Process
from harness.aws_cli import AWS
from harness.elf import Elf
from harness.surroundings import REGION, ROOT, environment
from samtranslator.translator.transform import transform

TEMPLATE = ROOT / "helper-stack" / "template.yaml"
BUCKET = "artifacts"
STACK = "tether"

# AWS answers with 204:
# https://docs.aws.amazon.com/lambda/latest/api/API_DeleteLayerVersion.html
NOT_AS_AWS = {"delete_layer_version": ({}, 200)}


class Moto:
    """Its server, a process of its own."""

    def __init__(self):
        program = Path(sys.executable).with_name("moto_server")
        command = [program, "-H", "127.0.0.1", "-p", "0"]
        self.process = Process("moto", command, environment(AWS_DEFAULT_REGION=REGION))

        def address():
            said = "\n".join(self.process.stderr)
            return re.search(r"Running on (http://127\.0\.0\.1:\d+)", said)

        self.endpoint = self.process.wait_until(address, "address")[1]

    def client(self, service):
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="AKIAEXAMPLE",
            aws_secret_access_key="example",
        )

    def close(self):
        self.process.close()


@pytest.fixture(scope="module")
def moto():
    started = Moto()
    yield started
    started.close()


# ---- the same calls


def zipped():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("bin/tool", "x")
    return packed.getvalue()


def shape(value):
    """Members and types, without the values."""
    if isinstance(value, dict):
        return {key: shape(it) for key, it in value.items() if key != "ResponseMetadata"}
    if isinstance(value, list):
        return [shape(it) for it in value]
    return type(value).__name__


def answer(client, operation, members):
    """Its shape; of a refusal, code and status."""
    try:
        said = getattr(client, operation)(**members)
    except botocore.exceptions.ClientError as error:
        about = error.response["ResponseMetadata"]
        return error.response["Error"]["Code"], about["HTTPStatusCode"]
    status = said["ResponseMetadata"]["HTTPStatusCode"]
    return shape(said), status


LAYER = {"LayerName": "theirs"}
PUBLISHED = LAYER | {
    "Content": {"ZipFile": zipped()},
    "CompatibleArchitectures": ["arm64"],
    "CompatibleRuntimes": ["python3.13"],
    "Description": "a tool",
    "LicenseInfo": "MIT",
}
FIRST = LAYER | {"VersionNumber": 1}
NOBODYS = {"StackName": "nobodys"}


@pytest.mark.parametrize(
    ("service", "calls"),
    [
        ("sts", [("get_caller_identity", {})]),
        (
            "lambda",
            [
                ("list_layers", {}),
                ("list_layer_versions", LAYER),
                ("get_layer_version", FIRST),
                # Once: with a second version moto cannot list layers.
                ("publish_layer_version", PUBLISHED),
                ("get_layer_version", FIRST),
                ("list_layer_versions", LAYER),
                ("list_layers", {}),
                ("delete_layer_version", FIRST),
                ("get_layer_version", FIRST),
                ("list_layer_versions", LAYER),
            ],
        ),
        ("lambda", [("get_function", {"FunctionName": "nobodys"})]),
        ("cloudformation", [("describe_stacks", NOBODYS), ("list_stack_resources", NOBODYS)]),
    ],
    ids=["sts", "layers", "functions", "stacks"],
)
def test_the_same_calls_have_answers_of_the_same_shape(clouds, moto, service, calls):
    ours, theirs = clouds({}, "--no-helper-stack").client(service), moto.client(service)
    for operation, members in calls:
        mine, other = (answer(it, operation, members) for it in (ours, theirs))
        assert mine == other or other == NOT_AS_AWS.get(operation), operation


# ---- the template


@pytest.fixture(scope="module")
def packaged(moto, tmp_path_factory):
    """The template with its artifacts in a bucket, as AWS's command line leaves it."""
    moto.client("s3").create_bucket(Bucket=BUCKET)
    out = tmp_path_factory.mktemp("packaged") / "template.json"
    command = [AWS, "cloudformation", "package", "--use-json", "--s3-bucket", BUCKET]
    command += ["--template-file", TEMPLATE, "--output-template-file", out]
    variables = environment(moto.endpoint, AWS_DEFAULT_REGION=REGION)
    ran = subprocess.run(command, env=variables, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return json.loads(out.read_text())


def artifacts(template):
    """Resource and object of each."""
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        for uri in (properties.get("CodeUri"), properties.get("ContentUri")):
            if uri:
                yield name, uri.removeprefix(f"s3://{BUCKET}/")


def test_what_aws_packages_has_its_program_at_its_root_and_executable(moto, packaged, tmp_path):
    layers = {"LayerX86": "x86_64", "LayerArm64": "arm64"}
    found = dict(artifacts(packaged))
    assert len(found) == 5
    for name, key in found.items():
        stored = moto.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
        archive = zipfile.ZipFile(io.BytesIO(stored))
        (entry,) = archive.infolist()
        assert entry.filename == ("tether-bootstrap" if name in layers else "bootstrap")
        assert entry.external_attr >> 16 & 0o777 == 0o755
        if name in layers:
            program = Path(archive.extract(entry, tmp_path / name))
            assert Elf(program).machine == layers[name]
            assert len(stored) <= 5_000_000


class NoManagedPolicies:
    """The template names none."""

    def load(self):
        return {}


@pytest.fixture(scope="module")
def stack(moto, packaged):
    """The stack, in moto."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        transformed = transform(packaged, {}, NoManagedPolicies())
    formation = moto.client("cloudformation")
    capabilities = ["CAPABILITY_IAM"]
    formation.create_stack(
        StackName=STACK, TemplateBody=json.dumps(transformed), Capabilities=capabilities
    )
    (created,) = formation.describe_stacks(StackName=STACK)["Stacks"]
    assert created["StackStatus"] == "CREATE_COMPLETE"
    return created


def resources(client):
    """Kind and physical id by logical id, without the hash that SAM adds to a layer's."""
    listed = client.list_stack_resources(StackName=STACK)["StackResourceSummaries"]
    return {
        re.sub(r"^(Layer\w+?)[0-9a-f]{10}$", r"\1", it["LogicalResourceId"]): (
            it["ResourceType"],
            it["PhysicalResourceId"],
        )
        for it in listed
        if it["ResourceType"]
    }


@pytest.fixture(scope="module")
def ours(clouds):
    return clouds({}, "--helper-stack-name", STACK)


def test_the_transformed_template_has_the_outputs_that_the_emulator_has(ours, stack):
    (same,) = ours.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]

    def named(outputs):
        return {it["OutputKey"]: it.get("Description") for it in outputs}

    # moto makes no WebSocket API, and no output that is its id alone.
    assert named(stack["Outputs"]) | {"ApiId": "Id of the WebSocket API"} == named(same["Outputs"])


KINDS = ("AWS::DynamoDB::Table", "AWS::IAM::Role", "AWS::Lambda::Function")
KINDS += ("AWS::Lambda::LayerVersion",)


def test_tables_roles_functions_and_layers_are_the_same(ours, moto, stack):
    mine, theirs = (
        {
            name: kind
            for name, (kind, _) in resources(it.client("cloudformation")).items()
            if kind in KINDS
        }
        for it in (ours, moto)
    )
    assert mine == theirs
    assert len(mine) == 3 + 5 + 3 + 2


def test_tables_have_the_same_keys_and_indexes(ours, moto, stack):
    for name in ("SessionsTable", "DebuggerTable", "FunctionsTable"):
        described = []
        for it in (ours, moto):
            _, table = resources(it.client("cloudformation"))[name]
            about = it.client("dynamodb").describe_table(TableName=table)["Table"]
            keys = [about["KeySchema"], about.get("GlobalSecondaryIndexes", [])]
            attributes = sorted(it["AttributeName"] for it in about["AttributeDefinitions"])
            indexes = sorted((i["IndexName"], str(i["KeySchema"])) for i in keys[1])
            described.append((keys[0], attributes, indexes, about["TableStatus"]))
        assert described[0] == described[1], name


def test_functions_have_the_same_configuration(ours, moto, stack):
    same = ("Runtime", "Handler", "Timeout", "MemorySize", "Architectures", "Description")
    # moto cannot show the manager: a variable of its refers to a layer.
    for name in ("AuthorizerFunction", "ConnectFunction"):
        described = []
        for it in (ours, moto):
            _, function = resources(it.client("cloudformation"))[name]
            about = it.client("lambda").get_function_configuration(FunctionName=function)
            variables = sorted(about["Environment"]["Variables"])
            described.append(({key: about.get(key) for key in same}, variables))
        assert described[0] == described[1], name
