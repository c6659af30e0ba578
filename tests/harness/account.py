"""People of an account on the desk: users with few rights, and roles."""

import json
from collections import namedtuple

import boto3
import botocore.config
import botocore.exceptions
import pytest

from .surroundings import REGION

ACCOUNT = "000000000000"

Refusal = namedtuple("Refusal", "code status message")


def allow(actions, resources="*", **more):
    """A statement."""
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def deny(actions, resources="*", **more):
    """The other one."""
    return {**allow(actions, resources, **more), "Effect": "Deny"}


def document(*statements):
    """A policy of these statements, as text."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trusting(principal, effect="Allow", **condition):
    """A trust policy for one principal, as text."""
    statement = {"Effect": effect, "Principal": principal, "Action": "sts:AssumeRole"}
    if condition:
        statement["Condition"] = condition
    return document(statement)


class Person:
    """Whoever has these keys."""

    def __init__(self, cloud, keys, name=None):
        self.cloud = cloud
        self.name = name
        self.keys = {
            "aws_access_key_id": keys["AccessKeyId"],
            "aws_secret_access_key": keys["SecretAccessKey"],
            "aws_session_token": keys.get("SessionToken"),
        }

    def client(self, service, url=None):
        """Their client of a service."""
        return boto3.client(
            service,
            endpoint_url=url or self.cloud.endpoint,
            region_name=REGION,
            config=botocore.config.Config(
                retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}
            ),
            **self.keys,
        )

    def may(self, *statements):
        """What the user may do from now on, and nothing else."""
        self.cloud.client("iam").put_user_policy(
            UserName=self.name, PolicyName="own", PolicyDocument=document(*statements)
        )


def user(cloud, name, *statements):
    """A new user who may do this."""
    iam = cloud.client("iam")
    iam.create_user(UserName=name)
    keys = iam.create_access_key(UserName=name)["AccessKey"]
    person = Person(cloud, keys, name)
    if statements:
        person.may(*statements)
    return person


def under(cloud, role, by=None, **more):
    """Whoever has assumed a role."""
    sts = by.client("sts") if by else cloud.client("sts")
    answer = sts.assume_role(RoleArn=role, RoleSessionName="story", **more)
    return Person(cloud, answer["Credentials"])


def refusal(call, **arguments):
    """Code, status and message with which a call is refused."""
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        call(**arguments)
    answer = refused.value.response
    error = answer["Error"]
    return Refusal(error["Code"], answer["ResponseMetadata"]["HTTPStatusCode"], error["Message"])


def unauthorized(arn, action, resource, why=None):
    """AWS's words.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    why = why or f"because no identity-based policy allows the {action} action"
    return f"User: {arn} is not authorized to perform: {action} on resource: {resource} {why}"
