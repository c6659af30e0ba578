"""`make test-aws`, which is for whoever has an account, asks before it does anything."""

import subprocess
import sys

import pytest
from harness.surroundings import ROOT, binary, environment


def on_aws(*words, **variables):
    return subprocess.run(
        [sys.executable, "-m", "on_aws", *words],
        cwd=ROOT / "tests",
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def asked(cloud):
    """By whoever is no function."""
    return [it["action"] for it in cloud.calls() if it["principal"] == "outside"]


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({}, "set TETHER_AWS_TEST=1"),
        ({"TETHER_AWS_TEST": "yes"}, "set TETHER_AWS_TEST=1"),
        ({"TETHER_AWS_TEST": "1", "AWS_REGION": None}, "set AWS_REGION"),
    ],
)
def test_without_a_word_that_it_is_wanted_it_only_says_what_it_would_do(variables, reason):
    ran = on_aws(**variables)
    assert ran.returncode == 1 and ran.stdout == ""
    for said in ("makes things in the AWS account", "cost", "two stacks", reason):
        assert said in ran.stderr
    assert "never been run on real AWS" in ran.stderr


def test_without_credentials_it_does_nothing(hello_cloud):
    nobody = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "TETHER_AWS_TEST": "1"}
    ran = on_aws(AWS_ENDPOINT_URL=hello_cloud.endpoint, **nobody)
    assert ran.returncode == 1
    assert "credentials" in ran.stderr
    assert asked(hello_cloud) == []


def test_it_says_who_it_would_be_and_where(hello_cloud):
    ran = on_aws("--only-look", AWS_ENDPOINT_URL=hello_cloud.endpoint, TETHER_AWS_TEST="1")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("as arn:aws:iam::") and "us-east-1" in ran.stdout
    assert asked(hello_cloud) == ["GetCallerIdentity"]


def test_the_hour_works_where_the_cloud_is_on_the_desk_and_leaves_nothing(clouds):
    cloud = clouds({}, "--no-helper-stack")
    variables = {"AWS_ENDPOINT_URL": cloud.endpoint, "TETHER_AWS_TEST": "1"}
    ran = on_aws(**variables, TETHER_BIN=str(binary()))
    assert ran.returncode == 0, ran.stderr
    steps = ("tether install", "tether attach", "tether uninstall", "nothing is left")
    for step in steps:
        assert step in ran.stdout
    assert cloud.client("cloudformation").describe_stacks()["Stacks"] == []
    assert cloud.client("lambda").list_functions()["Functions"] == []
    assert cloud.client("lambda").list_layers()["Layers"] == []
    assert cloud.client("s3").list_buckets()["Buckets"] == []
    assert cloud.client("dynamodb").list_tables()["TableNames"] == []
