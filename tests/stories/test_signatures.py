"""What is not signed, or not well, is refused as AWS refuses it: by name, in each service's shape.

https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html
"""

import datetime

import boto3
import botocore
import botocore.config
import botocore.exceptions
import pytest

CALLS = {
    "lambda": lambda client: client.list_functions(),
    "dynamodb": lambda client: client.list_tables(),
    "sts": lambda client: client.get_caller_identity(),
    "cloudformation": lambda client: client.describe_stacks(),
}


@pytest.fixture
def refusal(hello_cloud):
    """Name and status with which a call is refused whose request a story changes."""

    def call(service, change=None, **config):
        client = boto3.client(
            service,
            endpoint_url=hello_cloud.endpoint,
            region_name="us-east-1",
            aws_access_key_id="AKIAEXAMPLE",
            aws_secret_access_key="example",
            config=botocore.config.Config(retries={"total_max_attempts": 1}, **config),
        )
        if change:
            # After it was signed: this is what goes out.
            client.meta.events.register("before-send", lambda request, **_: change(request))
        with pytest.raises(botocore.exceptions.ClientError) as refused:
            CALLS[service](client)
        error = refused.value.response
        assert error["Error"]["Message"]
        return error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]

    return call


@pytest.mark.parametrize(
    ("service", "refused"),
    [
        ("lambda", ("MissingAuthenticationTokenException", 403)),
        ("dynamodb", ("MissingAuthenticationTokenException", 400)),
        ("sts", ("MissingAuthenticationToken", 403)),
        ("cloudformation", ("MissingAuthenticationToken", 403)),
    ],
)
def test_an_unsigned_call_is_refused(refusal, service, refused):
    assert refusal(service, signature_version=botocore.UNSIGNED) == refused


@pytest.mark.parametrize(
    ("service", "refused"),
    [
        ("lambda", ("IncompleteSignatureException", 403)),
        ("dynamodb", ("IncompleteSignatureException", 400)),
        ("sts", ("IncompleteSignature", 403)),
    ],
)
def test_half_a_signature_is_refused(refusal, service, refused):
    def cut(request):
        whole = request.headers["Authorization"].decode()
        request.headers["Authorization"] = whole.split(", SignedHeaders")[0]

    assert refusal(service, cut) == refused


@pytest.mark.parametrize(
    ("service", "refused"),
    [
        ("lambda", ("InvalidSignatureException", 403)),
        ("dynamodb", ("InvalidSignatureException", 400)),
        ("sts", ("SignatureDoesNotMatch", 403)),
    ],
)
@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_signature_of_another_time_is_refused(refusal, service, refused, minutes):
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)

    def shift(request):
        request.headers["X-Amz-Date"] = when.strftime("%Y%m%dT%H%M%SZ")

    assert refusal(service, shift) == refused
