"""The cloud on the desk behaves as Lambda does."""

import boto3
import botocore.config
import botocore.exceptions
import pytest
from harness import Project, tether

SLOW = """
import pathlib
import time


def handler(event, context):
    print("waiting")
    while not pathlib.Path(event["for"]).exists():
        time.sleep(0.01)
    print("ended all the same")
"""


def test_an_invocation_goes_on_when_its_caller_hangs_up(clouds, tmp_path):
    project = Project.of(tmp_path / "app", {"Slow": SLOW}, timeout=30)
    cloud = clouds({"app": project.template}, "--no-helper-stack")
    impatient = boto3.client(
        "lambda",
        endpoint_url=cloud.endpoint,
        region_name="us-east-1",
        aws_access_key_id="AKIAEXAMPLE",
        aws_secret_access_key="example",
        config=botocore.config.Config(read_timeout=1, retries={"total_max_attempts": 1}),
    )
    go = tmp_path / "go"
    with pytest.raises(botocore.exceptions.ReadTimeoutError):
        impatient.invoke(FunctionName=cloud.function("Slow"), Payload=f'{{"for": "{go}"}}')
    go.touch()
    cloud.wait_for_log("Slow", "ended all the same")
    cloud.wait_for_log("Slow", "REPORT RequestId")


def test_a_slow_start_does_not_count_against_the_timeout(clouds, tmp_path):
    source = "import time\ntime.sleep(1.5)\n\n\ndef handler(event, context):\n    return 1\n"
    project = Project.of(tmp_path / "app", {"Starts": source}, timeout=1)
    cloud = clouds({"app": project.template}, "--no-helper-stack")
    answer = cloud.invoke("Starts")
    assert (answer.payload, answer.error) == (b"1", None)


@pytest.mark.parametrize(
    ("flag", "refused"),
    [
        ("--reap-after=1e19", "it must not be longer than a year"),
        ("--role-session=inf", "it must not be longer than a year"),
        ("--latency=1e19", "it must not be longer than a year"),
        ("--async-retry-seconds=1,1e19", "it must not be longer than a year"),
        ("--aws-latency=-1", "it must not be less than 0"),
        ("--websocket-idle=0", "it must be more than 0"),
        ("--websocket-lifetime=nan", "write a number"),
    ],
)
def test_a_time_that_cannot_be_is_refused_before_anything_starts(flag, refused):
    process = tether("emulator", flag)
    assert process.code == 64
    (error,) = process.errors
    assert refused in error
