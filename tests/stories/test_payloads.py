"""Payloads of every size that Lambda carries arrive as they are, both ways."""

import base64
import http.client
import json
import random

import pytest
from botocore.exceptions import ClientError
from harness import Project
from harness.raw_http import Answer, RawServer

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
LARGEST_EVENT = 6 * 1024 * 1024
# Lambda grants an answer 100 bytes more.
LARGEST_ANSWER = LARGEST_EVENT + 100
SIZES = [127 * 1024, 128 * 1024, 400 * 1024, 1024 * 1024, LARGEST_EVENT]

ECHO = """
import hashlib

def handler(event, context):
    if "want" in event:
        return "x" * event["want"]
    if "fail" in event:
        raise ValueError("x" * event["fail"])
    data = event["data"]
    return [%r, hashlib.sha256(data.encode("utf-8", "surrogatepass")).hexdigest(), data]
"""

random.seed(20261121)


def noise(size):
    """Text that hardly compresses."""
    return base64.b64encode(random.randbytes(size * 3 // 4 + 3)).decode()[:size]


def records(size):
    """JSON in JSON: much of it is escaped, and it compresses well."""
    text = json.dumps([{"id": i, "name": f'item "{i}"', "tags": ["a", "b"]} for i in range(size // 40)])
    return text[:size]


def binary(size):
    """Text as programs make it of bytes: every character below 256."""
    return random.randbytes(size // 3).decode("latin-1")


def event(text, size):
    """An event of exactly this many bytes that begins with the text, cut if it must be."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if len(encoded(text[:middle])) <= size:
            low = middle
        else:
            high = middle - 1
    text = text[:low]
    return encoded(text + "x" * (size - len(encoded(text))))


def encoded(text):
    return json.dumps({"data": text}, separators=(",", ":")).encode()


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    deployed = Project.of(tmp_path_factory.mktemp("deployed"), {"Echo": ECHO % "deployed"}, timeout=20)
    return clouds({"app": deployed.template})


@pytest.fixture(scope="module")
def attached(cloud, attach_for_module, tmp_path_factory):
    here = Project.of(tmp_path_factory.mktemp("here"), {"Echo": ECHO % "working copy"}, timeout=20)
    return attach_for_module(cloud, here)


def rows(cloud):
    table = cloud.outputs()["DebuggerTable"]
    found = cloud.client("dynamodb").scan(TableName=table, Select="COUNT", ConsistentRead=True)
    return found["Count"]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("make", [noise, records, binary])
def test_an_event_and_its_answer_arrive_unchanged(cloud, attached, make, size):
    sent = event(make(size), size - 200)
    answer = cloud.invoke("Echo", sent)
    assert answer.error is None, answer.payload[:300]
    by, digest, data = json.loads(answer.payload)
    assert by == "working copy"
    assert data == json.loads(sent)["data"]
    assert attached.outcome_of(answer)["outcome"] == "completed"


def test_the_largest_event_is_carried(cloud, attached):
    sent = event(noise(LARGEST_EVENT), LARGEST_EVENT - 100)
    sent += b" " * (LARGEST_EVENT - len(sent))
    answer = cloud.invoke("Echo", sent)
    assert json.loads(answer.payload)[0] == "working copy"


def test_an_event_of_one_byte_more_is_refused_as_by_lambda(cloud, attached):
    sent = event("x", LARGEST_EVENT + 1)
    with pytest.raises(ClientError) as refused:
        cloud.invoke("Echo", sent)
    error = refused.value.response
    assert error["Error"]["Code"] == "RequestTooLargeException"
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert f"{LARGEST_EVENT + 1} byte payload is too large" in error["Error"]["Message"]


def test_the_largest_answer_is_carried(cloud, attached):
    answer = cloud.invoke("Echo", {"want": LARGEST_ANSWER - 2})
    assert answer.error is None
    assert answer.payload == b'"' + b"x" * (LARGEST_ANSWER - 2) + b'"'


def test_an_answer_of_one_byte_more_fails_as_on_lambda(cloud, attached):
    answer = cloud.invoke("Echo", {"want": LARGEST_ANSWER - 1})
    assert answer.error == "Unhandled"
    assert json.loads(answer.payload) == {
        "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
        "errorType": "Function.ResponseSizeTooLarge",
    }
    assert attached.outcome_of(answer)["outcome"] == "failed"
    # The next one is right.
    assert cloud.invoke("Echo", {"want": 1}).payload == b'"x"'


def test_an_error_that_does_not_fit_into_a_message_arrives_whole(cloud, attached):
    answer = cloud.invoke("Echo", {"fail": 500_000})
    assert answer.error == "Unhandled"
    error = json.loads(answer.payload)
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "x" * 500_000)


def test_nothing_of_it_stays_in_the_table(cloud, attached):
    cloud.invoke("Echo", event(noise(1024 * 1024), 1024 * 1024))
    # The environment asks for its next event only when it has tidied up.
    cloud.invoke("Echo", {"want": 1})
    cloud.process.wait_until(lambda: rows(cloud) == 0, "an empty correlation table")


DENIED = {
    "__type": "com.amazon.coral.service#AccessDeniedException",
    "message": "not authorized to perform: dynamodb:PutItem",
}


class Gate:
    """The way to the cloud of a developer whose role may not put anything into a table."""

    def __init__(self, cloud, closed):
        self.cloud = cloud
        self._host = cloud.endpoint.removeprefix("http://")
        self._closed = closed
        self._server = RawServer(self._answer)
        self.endpoint = f"http://{self._server.address}"

    def _answer(self, request):
        if self._closed(request):
            headers = {"Content-Type": "application/x-amz-json-1.0"}
            return Answer(400, headers, json.dumps(DENIED).encode())
        onward = http.client.HTTPConnection(self._host, timeout=60)
        onward.request(request.method, request.path, request.body, request.headers)
        answer = onward.getresponse()
        body = answer.read()
        kept = {"content-type", "x-amzn-errortype", "x-amz-crc32", "x-amz-function-error"}
        headers = {name: value for name, value in answer.getheaders() if name.lower() in kept}
        onward.close()
        return Answer(answer.status, headers, body)

    def close(self):
        self._server.close()


def is_a_chunk(request):
    target = request.headers.get("x-amz-target", "")
    return target.endswith(".PutItem") and b"#reply#" in request.body


def test_an_answer_that_may_not_be_stored_is_a_named_error_at_once(
    clouds, attach, tmp_path_factory
):
    deployed = Project.of(tmp_path_factory.mktemp("deployed"), {"Echo": ECHO % "deployed"})
    cloud = clouds({"app": deployed.template})
    gate = Gate(cloud, is_a_chunk)
    try:
        here = Project.of(tmp_path_factory.mktemp("here"), {"Echo": ECHO % "here"})
        attached = attach(gate, here)
        attached.cloud = cloud
        answer = cloud.invoke("Echo", {"data": noise(400_000)})
        assert answer.error == "Unhandled"
        error = json.loads(answer.payload)
        assert error["errorType"] == "Tether.AnswerNotStored"
        assert "AccessDeniedException" in error["errorMessage"]
        assert "update the helper stack" in error["errorMessage"]
        assert attached.outcome_of(answer)["outcome"] == "failed"
        # What fits into a message is answered all the same.
        assert json.loads(cloud.invoke("Echo", {"data": "x"}).payload)[0] == "here"
        attached.detach()
    finally:
        gate.close()
