"""AWS's own command line against the emulator: with models of its own, and no word of us."""

import json
import os
import zipfile
from pathlib import Path

import pytest
from harness import Project
from harness.aws_cli import Cli


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    deployed = Project.hello(tmp_path_factory.mktemp("deployed") / "hello")
    return clouds({"app": deployed.template})


@pytest.fixture(scope="module")
def aws(cloud):
    return Cli(cloud)


def test_it_knows_who_it_is_and_assumes_the_developer_role(aws, cloud):
    me = aws("sts", "get-caller-identity")
    assert me["Account"] == cloud.ready["account"]
    role = cloud.outputs()["DeveloperRoleArn"]
    assumed = aws("sts", "assume-role", "--role-arn", role, "--role-session-name", "ada")
    assert assumed["AssumedRoleUser"]["Arn"].endswith("/ada")
    assert assumed["Credentials"]["Expiration"]


def test_it_reads_stacks(aws, cloud):
    (stack,) = aws("cloudformation", "describe-stacks", "--stack-name", "tether")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert {it["OutputKey"]: it["OutputValue"] for it in stack["Outputs"]} == cloud.outputs()
    listed = aws("cloudformation", "list-stack-resources", "--stack-name", "tether")
    kinds = {it["ResourceType"] for it in listed["StackResourceSummaries"]}
    assert {"AWS::Lambda::Function", "AWS::DynamoDB::Table", "AWS::IAM::Role"} <= kinds
    missing = ("cloudformation", "describe-stacks", "--stack-name", "nobodys")
    assert aws.refused(*missing) == ("ValidationError", "DescribeStacks")


def test_it_invokes_a_function_and_changes_it(aws, cloud, tmp_path):
    name, answer = cloud.function("HelloFunction"), tmp_path / "answer"
    event = json.dumps({"name": "Ada"})
    invoke = ("lambda", "invoke", "--function-name", name, "--payload", event)
    invoked = aws(*invoke, answer)
    assert invoked["StatusCode"] == 200 and invoked["ExecutedVersion"] == "$LATEST"
    assert json.loads(answer.read_text())["message"] == "Hello, Ada!"

    update = ("lambda", "update-function-configuration", "--function-name", name)
    variables = {"Variables": {"GREETING": "Good morning"}}
    assert aws(*update, "--environment", json.dumps(variables))["Environment"] == variables
    aws("lambda", "wait", "function-updated-v2", "--function-name", name)
    aws(*invoke, answer)
    assert json.loads(answer.read_text())["message"] == "Good morning, Ada!"
    stale = (*update, "--timeout", "9", "--revision-id", "00000000-0000-0000-0000-000000000000")
    assert aws.refused(*stale)[0] == "PreconditionFailedException"
    nobodys = ("lambda", "get-function", "--function-name", "nobodys")
    assert aws.refused(*nobodys) == ("ResourceNotFoundException", "GetFunction")


def test_it_publishes_code_and_layers(aws, cloud, tmp_path):
    name, answer = cloud.function("HelloFunction"), tmp_path / "answer"
    packed = tmp_path / "code.zip"
    configuration = cloud.configuration("HelloFunction")
    module = configuration["Handler"].rpartition(".")[0]
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(f"{module}.py", "def handler(event, context):\n    return 'zipped'\n")
    update = ("lambda", "update-function-code", "--function-name", name)
    aws(*update, "--zip-file", f"fileb://{packed}")
    aws("lambda", "wait", "function-updated-v2", "--function-name", name)
    aws("lambda", "invoke", "--function-name", name, answer)
    assert answer.read_text() == '"zipped"'
    published = aws("lambda", "publish-version", "--function-name", name)
    assert published["Version"] == "1"

    publish = ("lambda", "publish-layer-version", "--layer-name", "theirs")
    layer = aws(*publish, "--zip-file", f"fileb://{packed}", "--compatible-architectures", "arm64")
    assert layer["Version"] == 1
    found = aws("lambda", "get-layer-version-by-arn", "--arn", layer["LayerVersionArn"])
    assert found["Content"]["CodeSize"] == packed.stat().st_size
    listed = aws("lambda", "list-layer-versions", "--layer-name", "theirs")["LayerVersions"]
    assert [it["LayerVersionArn"] for it in listed] == [layer["LayerVersionArn"]]
    gone = ("--layer-name", "theirs", "--version-number", "1")
    assert aws("lambda", "delete-layer-version", *gone) is None
    assert aws.refused("lambda", "get-layer-version", *gone)[0] == "ResourceNotFoundException"


def test_it_reads_and_writes_the_tables_of_the_helper_stack(aws, cloud):
    table = ("--table-name", cloud.outputs()["SessionsTable"])
    key = {"SessionId": {"S": "s-cli"}}
    item = key | {"StackName": {"S": "of-cli"}, "TTL": {"N": "1"}}
    new = ("--condition-expression", "attribute_not_exists(SessionId)")
    aws("dynamodb", "put-item", *table, "--item", json.dumps(item), *new)
    twice = ("dynamodb", "put-item", *table, "--item", json.dumps(item), *new)
    assert aws.refused(*twice) == ("ConditionalCheckFailedException", "PutItem")
    found = aws("dynamodb", "get-item", *table, "--key", json.dumps(key), "--consistent-read")
    assert found["Item"] == item
    names = json.dumps({":stack": {"S": "of-cli"}})
    query = ("--key-condition-expression", "StackName = :stack")
    index = ("--index-name", "StackNameIndex", *query, "--expression-attribute-values", names)
    assert aws("dynamodb", "query", *table, *index)["Items"] == [item]
    aws("dynamodb", "delete-item", *table, "--key", json.dumps(key))
    assert aws("dynamodb", "scan", *table)["Count"] == 0
    described = aws("dynamodb", "describe-table", *table)["Table"]
    assert described["TableStatus"] == "ACTIVE"


def test_it_keeps_files_in_a_bucket(aws, tmp_path):
    aws.said("s3", "mb", "s3://files")
    # Larger than what it sends in one piece.
    large, back = tmp_path / "large", tmp_path / "back"
    large.write_bytes(os.urandom(9 * 1024 * 1024))
    aws.said("s3", "cp", large, "s3://files/a/large", "--no-progress")
    aws.said("s3", "cp", "s3://files/a/large", back, "--no-progress")
    assert back.read_bytes() == large.read_bytes()
    assert "9437184 large" in aws.said("s3", "ls", "s3://files/a/")
    assert aws("s3api", "head-object", "--bucket", "files", "--key", "a/large")["Metadata"] == {}
    assert aws.refused("s3api", "head-bucket", "--bucket", "nobodys")[0] == "404"
    aws.said("s3", "rb", "s3://files", "--force")


def test_it_packages_a_project_deploys_it_and_deletes_it(aws, tmp_path):
    project = Project.hello(tmp_path / "mine")
    packaged = tmp_path / "packaged.yaml"
    aws.said("s3", "mb", "s3://packages")
    package = ["cloudformation", "package", "--template-file", project.template]
    aws.said(*package, "--s3-bucket", "packages", "--output-template-file", packaged)
    deploy = ["cloudformation", "deploy", "--template-file", packaged, "--stack-name", "mine"]
    deploy += ["--capabilities", "CAPABILITY_IAM", "--tags", "team=tether"]
    assert "Successfully created/updated stack" in aws.said(*deploy)
    assert "No changes to deploy" in aws.said(*deploy, "--no-fail-on-empty-changeset")
    named = ["--stack-name", "mine"]
    (stack,) = aws("cloudformation", "describe-stacks", *named)["Stacks"]
    assert (stack["StackStatus"], stack["Tags"]) == (
        "CREATE_COMPLETE",
        [{"Key": "team", "Value": "tether"}],
    )
    outputs = {it["OutputKey"]: it["OutputValue"] for it in stack["Outputs"]}
    answer = tmp_path / "answer"
    invoke = ["lambda", "invoke", "--function-name", outputs["HelloFunctionName"]]
    aws(*invoke, "--payload", '{"name": "Ada"}', answer)
    assert json.loads(answer.read_text())["message"] == "Hello, Ada!"
    aws("cloudformation", "delete-stack", *named)
    aws("cloudformation", "wait", "stack-delete-complete", *named)
    refused = aws.refused("cloudformation", "describe-stacks", *named)
    assert refused[:2] == ("ValidationError", "DescribeStacks")
