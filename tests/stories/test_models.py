"""What our programs ask AWS for is what AWS's own models allow, all along the live road.

Every cloud of every story is looked at like this when it ends; here the road is gone to its end,
and what looks is looked at itself.
"""

import base64
import json
import pathlib
import random

import boto3
import botocore.exceptions
import pytest
from harness import Cloud, Project, tether
from harness.models import Asked, read
from harness.requests import Requests, violations_of

# Too much for a message, however it is compressed.
LARGE = random.Random(5).randbytes(200_000).hex()

# Who asks for what on the whole road, each at least once.
EXPECTED = {
    # tether attach, status, detach
    "cloudformation:DescribeStacks",
    "cloudformation:ListStackResources",
    "lambda:GetFunctionConfiguration",
    "lambda:Invoke",
    # The layer, `connect`, the manager, and attach.
    "sts:AssumeRole",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    "dynamodb:Scan",
    "execute-api:PostToConnection",
    # The manager
    "lambda:GetFunction",
    "lambda:UpdateFunctionConfiguration",
    "lambda:ListVersionsByFunction",
    "lambda:ListAliases",
    "lambda:GetFunctionCodeSigningConfig",
    "lambda:ListEventSourceMappings",
    "lambda:ListProvisionedConcurrencyConfigs",
}


def test_every_request_from_attach_to_the_sweep_is_allowed_by_its_model(
    attach, working_copy, status, tmp_path
):
    deployed = Project.hello(tmp_path / "deployed")
    cloud = Cloud({"app": deployed.template})
    try:
        attached = attach(cloud, working_copy)
        for event in ({"name": "Ada"}, {"name": "Ada", "large": LARGE}):
            attached.outcome_of(cloud.invoke("HelloFunction", event))
        assert status(cloud)
        attached.detach()
        assert tether("detach", "--stack-name", "app", endpoint=cloud.endpoint).code == 0
        cloud.sweep()
        # The manager looks for callers of frozen versions after all is ready.
        cloud.process.wait_until(
            lambda: EXPECTED <= set(cloud.requests.check()), f"all of {sorted(EXPECTED)}"
        )
        chunks = [it for it in cloud.requests.ours() if it.body and len(it.body) > 128 * 1024]
        assert chunks, "the large event went inline"
        kept = pathlib.Path(cloud.requests.flags[1])
        assert kept.is_file()
    finally:
        cloud.close()
    # Payloads stood in it.
    assert not kept.parent.exists()


# ---- what looks: the other way round, botocore has written the request

WRITTEN = {
    "dynamodb:GetItem": {"TableName": "T-1", "Key": {"SessionId": {"S": "späť"}}},
    "dynamodb:PutItem": {
        "TableName": "T-1",
        "Item": {"A": {"B": b"\0\xff"}, "N": {"N": "1"}, "L": {"L": [{"BOOL": True}]}},
    },
    "lambda:Invoke": {
        "FunctionName": "arn:aws:lambda:us-east-1:123456789012:function:f",
        "InvocationType": "Event",
        "Qualifier": "live",
        "Payload": b"\0 no JSON",
    },
    "lambda:UpdateFunctionConfiguration": {
        "FunctionName": "f",
        "Timeout": 900,
        "Layers": [],
        "Environment": {"Variables": {"AB": ""}},
    },
    "lambda:UntagResource": {
        "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f",
        "TagKeys": ["one", "two"],
    },
    "lambda:GetLayerVersionByArn": {"Arn": "arn:aws:lambda:us-east-1:123456789012:layer:l:1"},
    "lambda:GetAccountSettings": {},
    "sts:AssumeRole": {
        "RoleArn": "arn:aws:iam::123456789012:role/developer",
        "RoleSessionName": "ada@laptop",
        "DurationSeconds": 900,
        "Tags": [{"Key": "a", "Value": "ä"}],
    },
    "sts:GetCallerIdentity": {},
    "cloudformation:CreateChangeSet": {
        "StackName": "tether",
        "ChangeSetName": "c-1",
        "ChangeSetType": "CREATE",
        "TemplateBody": "Resources: {}\n",
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        "Parameters": [{"ParameterKey": "A", "UsePreviousValue": True}],
        "Tags": [],
    },
    "apigatewaymanagementapi:PostToConnection": {"ConnectionId": "c=", "Data": b"\0"},
    "sqs:GetQueueAttributes": {"QueueUrl": "http://q", "AttributeNames": ["VisibilityTimeout"]},
    "s3:CreateBucket": {
        "Bucket": "tether-uploads",
        "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"},
    },
    "s3:PutPublicAccessBlock": {
        "Bucket": "tether-uploads",
        "PublicAccessBlockConfiguration": {"BlockPublicAcls": True, "IgnorePublicAcls": False},
    },
    "s3:PutBucketEncryption": {
        "Bucket": "tether-uploads",
        "ServerSideEncryptionConfiguration": {
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        },
    },
    "s3:PutBucketPolicy": {"Bucket": "tether-uploads", "Policy": '{"Version":"2012-10-17"}'},
    "s3:PutObject": {"Bucket": "tether-uploads", "Key": "a/ä b.zip", "Body": b"\0zip"},
    "s3:DeleteObjects": {
        "Bucket": "tether-uploads",
        "Delete": {"Objects": [{"Key": "a"}, {"Key": "b"}], "Quiet": True},
    },
    "s3:ListObjectsV2": {"Bucket": "tether-uploads", "Prefix": "a/", "MaxKeys": 7},
}


class Sent(Exception):
    pass


def written(operation, members):
    """What botocore would send."""
    service, name = operation.split(":")
    client = boto3.client(
        service,
        endpoint_url="http://127.0.0.1:9/live" if "management" in service else "http://127.0.0.1:9",
        region_name="us-east-1",
        aws_access_key_id="AKIAEXAMPLE",
        aws_secret_access_key="example",
    )

    def catch(request, **_):
        raise Sent(request)

    client.meta.events.register(f"before-send.{service}.{name}", catch)
    with pytest.raises(Sent) as sent:
        getattr(client, botocore.xform_name(name))(**members)
    request = sent.value.args[0]
    path, _, query = request.url.removeprefix("http://127.0.0.1:9").partition("?")
    headers = {key.lower(): _text(value) for key, value in request.headers.items()}
    body = request.body or b""
    body = body.encode() if isinstance(body, str) else body
    body = body if isinstance(body, bytes | bytearray) else body.read()
    signed_as = client.meta.service_model.signing_name
    return Asked(signed_as, "test", request.method, path or "/", query, headers, bytes(body))


def _text(value):
    return value.decode() if isinstance(value, bytes) else value


# Members that botocore adds by itself.
ADDED = ("ChecksumAlgorithm", "ContentMD5", "ClientToken", "EncodingType")


@pytest.mark.parametrize("operation", WRITTEN)
def test_a_request_is_read_back_as_what_botocore_wrote_it_from(operation):
    asked = written(operation, WRITTEN[operation])
    model, members = read(asked)
    assert model.name == operation.split(":")[1]
    members = {k: v for k, v in members.items() if k not in ADDED and "Checksum" not in k}
    for streamed in ("Body", "ContentLength", "ContentType"):
        if streamed not in WRITTEN[operation]:
            members.pop(streamed, None)
    if name := members.get("Body"):
        assert WRITTEN[operation]["Body"] in name, "framed in chunks"
        members["Body"] = WRITTEN[operation]["Body"]
    assert members == WRITTEN[operation]
    assert violations_of(asked)[1] == []


def changed(operation, **change):
    asked = written(operation, WRITTEN[operation])
    for name, value in change.items():
        old = getattr(asked, name)
        setattr(asked, name, value(old))
    return asked


def in_json(**members):
    def change(body):
        return json.dumps(json.loads(body) | members).encode()

    return {"body": change}


def instead(old, new):
    def change(text):
        assert old in text
        return text.replace(old, new)

    return change


@pytest.mark.parametrize(
    ("operation", "change", "complaint"),
    [
        ("dynamodb:GetItem", in_json(Kay={}), "Kay"),
        ("dynamodb:GetItem", in_json(TableName=7), "TableName"),
        ("dynamodb:GetItem", in_json(TableName=""), "TableName"),
        ("dynamodb:GetItem", {"body": lambda _: b'{"TableName":"T-1"}'}, "Missing required"),
        ("dynamodb:GetItem", {"body": lambda _: b"{"}, "Expecting"),
        ("dynamodb:GetItem", in_json(ReturnConsumedCapacity="SOME"), "SOME"),
        (
            "dynamodb:GetItem",
            {"headers": lambda it: it | {"x-amz-target": "DynamoDB_20120810.GetItems"}},
            "GetItems",
        ),
        (
            "dynamodb:GetItem",
            {"headers": lambda it: it | {"x-amz-target": "DynamoDB_2099.GetItem"}},
            "DynamoDB_2099",
        ),
        ("dynamodb:PutItem", in_json(Item={"A": {"B": "no base64!"}}), "Item.A.B"),
        ("dynamodb:PutItem", in_json(Item={"A": {"X": "1"}}), "X"),
        ("lambda:UpdateFunctionConfiguration", in_json(Timeout=0), "Timeout"),
        ("lambda:UpdateFunctionConfiguration", in_json(Layers=["no arn"]), "Layers[0]"),
        (
            "lambda:UpdateFunctionConfiguration",
            in_json(Environment={"Variables": {"A B": ""}}),
            "A B",
        ),
        (
            "lambda:Invoke",
            {"headers": lambda it: it | {"x-amz-invocation-type": "Sync"}},
            "InvocationType",
        ),
        ("lambda:Invoke", {"query": lambda it: it + "&Version=1"}, "Version"),
        ("lambda:Invoke", {"path": instead("/invocations", "/invoked")}, "no operation"),
        ("lambda:Invoke", {"method": lambda _: "PUT"}, "no operation"),
        ("lambda:Invoke", {"path": instead("function%3Af", "function%3A%20")}, "FunctionName"),
        ("lambda:GetAccountSettings", {"body": lambda _: b'{"A":1}'}, "no body"),
        ("sts:AssumeRole", {"body": instead(b"Seconds=900", b"Seconds=9")}, "900"),
        (
            "sts:AssumeRole",
            {"body": instead(b"RoleSessionName=ada", b"SessionName=ada")},
            "Missing required",
        ),
        ("sts:AssumeRole", {"body": instead(b"ada%40", b"ada%20")}, "RoleSessionName"),
        ("sts:AssumeRole", {"body": instead(b"Version=2011", b"Version=2099")}, "Version"),
        ("sts:AssumeRole", {"body": instead(b".member.1.Key", b".1.Key")}, "Tags"),
        ("sts:AssumeRole", {"body": lambda it: it + b"&Nobody=knows"}, "Nobody"),
        (
            "cloudformation:CreateChangeSet",
            {"body": instead(b"CAPABILITY_AUTO_EXPAND", b"CAPABILITY_ALL")},
            "CAPABILITY_ALL",
        ),
        (
            "cloudformation:CreateChangeSet",
            {"body": instead(b"Capabilities.member.2", b"Capabilities.member.3")},
            "Capabilities",
        ),
        ("s3:CreateBucket", {"body": instead(b"eu-west-1", b"eu-west-99")}, "eu-west-99"),
        ("s3:PutPublicAccessBlock", {"body": instead(b"IgnorePublicAcls", b"Ignore")}, "Ignore"),
        ("s3:PutPublicAccessBlock", {"body": instead(b">true<", b">yes<")}, "BlockPublicAcls"),
    ],
)
def test_a_request_that_a_model_does_not_allow_is_a_violation(operation, change, complaint):
    assert violations_of(changed(operation, **{}))[1] == []
    _, violations = violations_of(changed(operation, **change))
    assert violations, "nothing was found"
    assert complaint in "\n".join(violations)


def test_a_cloud_whose_programs_ask_wrongly_fails(tmp_path):
    """The same file as the emulator's, with one wrong request of ours in it."""
    requests = Requests()
    try:
        with open(requests.flags[1], "w", encoding="utf-8") as file:
            for user, kay in (("Boto3/1", {"Kay": 1}), ("aws-sdk-rust/1", {})):
                file.write(kept(changed("dynamodb:GetItem", **in_json(**kay)), user))
        assert requests.check() == {"dynamodb:GetItem": 1}
        with open(requests.flags[1], "a", encoding="utf-8") as file:
            file.write(kept(changed("dynamodb:GetItem", **in_json(Kay=1)), "aws-sdk-rust/1"))
        with pytest.raises(AssertionError, match="dynamodb:GetItem of test: .*Kay"):
            requests.check()
    finally:
        requests.close()


def kept(asked, user_agent):
    headers = asked.headers | {"user-agent": user_agent}
    line = {**vars(asked), "headers": headers, "body": base64.b64encode(asked.body).decode()}
    return json.dumps(line) + "\n"
