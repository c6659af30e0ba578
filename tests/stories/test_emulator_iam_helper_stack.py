"""The helper stack's roles hold what the design promises of them, by IAM's own rules."""

import json

import pytest
from harness import Project
from harness.account import ACCOUNT, Person, refusal, unauthorized, under

# Tells who it is to AWS: stories then call in its name.
KEYS = """
import os


def handler(event, context):
    names = ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")
    return [os.environ["AWS_" + name] for name in names]
"""


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    project = Project.of(tmp_path_factory.mktemp("deployed"), {"Guest": KEYS})
    return clouds({"app": project.template})


@pytest.fixture(scope="module")
def outputs(cloud):
    return cloud.outputs()


@pytest.fixture(scope="module")
def guest(cloud):
    """A deployed function, by its own role."""
    key, secret, token = json.loads(cloud.invoke("Guest").payload)
    return Person(cloud, {"AccessKeyId": key, "SecretAccessKey": secret, "SessionToken": token})


def table(name):
    return f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/{name}"


def test_a_function_cannot_write_a_session_by_its_own_role_nor_by_the_layers(
    cloud, outputs, guest
):
    sessions = outputs["SessionsTable"]
    layer = under(cloud, outputs["LayerRoleArn"], by=guest, ExternalId=outputs["ExternalId"])
    key = {"SessionId": {"S": "of-my-own"}}
    for who in (guest, layer):
        arn = who.client("sts").get_caller_identity()["Arn"]
        aws = who.client("dynamodb")
        for call, action, arguments in [
            (aws.put_item, "dynamodb:PutItem", {"Item": key}),
            (
                aws.update_item,
                "dynamodb:UpdateItem",
                {"Key": key, "UpdateExpression": "REMOVE TokenHash"},
            ),
            (aws.delete_item, "dynamodb:DeleteItem", {"Key": key}),
        ]:
            refused = refusal(call, TableName=sessions, **arguments)
            assert refused.code == "AccessDeniedException"
            assert refused.message == unauthorized(arn, action, table(sessions))
    assert "Item" not in layer.client("dynamodb").get_item(TableName=sessions, Key=key)


def test_a_function_that_does_not_know_the_external_id_cannot_become_the_layer(
    outputs, guest
):
    role = outputs["LayerRoleArn"]
    refused = refusal(
        guest.client("sts").assume_role, RoleArn=role, RoleSessionName="story", ExternalId="guess"
    )
    arn = guest.client("sts").get_caller_identity()["Arn"]
    why = "because no role trust policy allows the sts:AssumeRole action"
    assert refused.message == unauthorized(arn, "sts:AssumeRole", role, why)


def test_a_function_cannot_become_a_developer(outputs, guest):
    role = outputs["DeveloperRoleArn"]
    refused = refusal(guest.client("sts").assume_role, RoleArn=role, RoleSessionName="story")
    arn = guest.client("sts").get_caller_identity()["Arn"]
    assert refused.message == unauthorized(arn, "sts:AssumeRole", role)


def test_a_developer_cannot_change_a_function(cloud, outputs):
    developer = under(cloud, outputs["DeveloperRoleArn"])
    arn = developer.client("sts").get_caller_identity()["Arn"]
    name = cloud.function("Guest")
    function = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}"
    before = cloud.configuration("Guest")
    aws = developer.client("lambda")
    for call, action, arguments in [
        (
            aws.update_function_configuration,
            "lambda:UpdateFunctionConfiguration",
            {"Timeout": 9},
        ),
        (aws.update_function_code, "lambda:UpdateFunctionCode", {"ZipFile": b"no matter"}),
        (aws.delete_function, "lambda:DeleteFunction", {}),
        (aws.publish_version, "lambda:PublishVersion", {}),
        (aws.get_function, "lambda:GetFunction", {}),
        (aws.invoke, "lambda:InvokeFunction", {}),
    ]:
        refused = refusal(call, FunctionName=name, **arguments)
        assert (refused.code, refused.status) == ("AccessDeniedException", 403)
        assert refused.message == unauthorized(arn, action, function)
    assert cloud.configuration("Guest") == before
