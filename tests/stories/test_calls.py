"""Which AWS calls an invocation costs, counted by the cloud itself."""

import collections
import json

import boto3
import botocore.exceptions
import pytest


def calls(cloud):
    """Count by principal, service and action."""
    return collections.Counter(
        {(row["principal"], row["service"], row["action"]): row["count"] for row in cloud.calls()}
    )


def test_calls_are_counted_by_who_makes_them(hello_cloud):
    before = calls(hello_cloud)
    hello_cloud.client("dynamodb").list_tables()
    hello_cloud.configuration("HelloFunction")
    role = hello_cloud.outputs()["DeveloperRoleArn"]
    sts = hello_cloud.client("sts")
    keys = sts.assume_role(RoleArn=role, RoleSessionName="story")["Credentials"]
    developer = boto3.client(
        "lambda",
        endpoint_url=hello_cloud.endpoint,
        region_name="us-east-1",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    developer.get_function_configuration(FunctionName=hello_cloud.function("HelloFunction"))
    # What is refused has been called all the same.
    with pytest.raises(botocore.exceptions.ClientError, match="AccessDeniedException"):
        developer.list_functions()
    name = role.rsplit("/", 1)[1]
    assert calls(hello_cloud) - before == {
        ("outside", "dynamodb", "ListTables"): 1,
        ("outside", "lambda", "GetFunctionConfiguration"): 1,
        ("outside", "cloudformation", "DescribeStacks"): 1,
        ("outside", "sts", "AssumeRole"): 1,
        (name, "lambda", "GetFunctionConfiguration"): 1,
        (name, "lambda", "ListFunctions"): 1,
    }


def test_an_attached_invocation_costs_four_calls_to_dynamodb_besides_its_polls_and_one_post(
    hello_cloud, attach, working_copy
):
    attached = attach(hello_cloud, working_copy)
    for _ in range(2):
        attached.outcome_of(hello_cloud.invoke("HelloFunction"))  # Warm from here on.
        hello_cloud.wait_until_tidy()
    before = calls(hello_cloud)
    answer = hello_cloud.invoke("HelloFunction")
    assert json.loads(answer.payload)["answered_by"] == "the working copy"
    attached.outcome_of(answer)
    made = calls(hello_cloud) - before
    # The story's own looks at the table.
    del made["outside", "dynamodb", "Scan"]
    by_service = collections.Counter()
    for (principal, service, action), count in made.items():
        # The manager looks for callers of frozen versions after all is ready, and sweeps.
        if "Manager" not in principal and (service, action) != ("dynamodb", "GetItem"):
            by_service[service] += count
    assert by_service["dynamodb"] <= 4, made
    assert by_service["execute-api"] == 1, made
    assert by_service["sts"] == 0, made
    # The caller's own.
    assert by_service["lambda"] == 1, made
