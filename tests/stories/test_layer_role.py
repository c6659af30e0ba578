"""The layer role: assumed once for an environment, and again before it expires."""

import collections
import datetime
import json
import time

import pytest
from harness import Layer, Project
from harness.raw_http import Answer, RawServer


class Aws:
    """STS and DynamoDB that say yes; the session is active, and nobody takes its posts."""

    def __init__(self, role_seconds):
        self.role_seconds = role_seconds
        self.calls = collections.Counter()
        self.server = RawServer(self._answer)

    def _answer(self, request):
        operation = request.headers.get("x-amz-target", "AssumeRole").rpartition(".")[2]
        self.calls[operation] += 1
        if operation == "AssumeRole":
            return Answer(200, {"Content-Type": "text/xml"}, self._credentials())
        answer = {"Item": active_session()} if operation == "GetItem" else {}
        return Answer(
            200, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(answer).encode()
        )

    def _credentials(self):
        end = datetime.datetime.now(datetime.timezone.utc)
        end += datetime.timedelta(seconds=self.role_seconds)
        return (
            "<AssumeRoleResponse><AssumeRoleResult><Credentials>"
            "<AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
            f"<SessionToken>t</SessionToken><Expiration>{end:%Y-%m-%dT%H:%M:%SZ}</Expiration>"
            "</Credentials></AssumeRoleResult></AssumeRoleResponse>"
        ).encode()


def active_session():
    now = int(time.time() * 1000)
    return {
        "SessionId": {"S": "s-1"},
        "ConnectionId": {"S": "c="},
        "Status": {"S": "ACTIVE"},
        "TTL": {"N": str(now // 1000 + 600)},
        "StackName": {"S": "app"},
        "TokenHash": {"S": "0"},
        "LeaseUntil": {"N": str(now + 90_000)},
        "CreatedAt": {"N": str(now)},
        "Owner": {"S": "ada@laptop"},
    }


@pytest.mark.parametrize(
    ("role_seconds", "assumed_for_each"),
    [(3600, False), (200, True)],
    ids=["lasts an hour", "is about to expire"],
)
def test_the_layer_role_is_assumed_again_only_when_it_is_about_to_expire(
    role_seconds, assumed_for_each
):
    aws = Aws(role_seconds)
    layer = Layer(endpoint=f"http://{aws.server.address}")
    try:
        invocations = 5
        for number in range(invocations):
            layer.send({"do": "answer", "number": number}, f"r-{number}")
            answer = json.loads(layer.answer_to(f"r-{number}").body)
            assert answer["number"] == number
        # Each event was on its way to the laptop.
        assert sum("@connections" in path for path in layer.denied) == invocations
        if assumed_for_each:
            assert aws.calls["AssumeRole"] >= invocations
        else:
            assert aws.calls["AssumeRole"] == 1
    finally:
        layer.close()
        aws.server.close()


FAST = """
import time

def handler(event, context):
    time.sleep(event["seconds"])
    return [%r, event["number"]]
"""

# Void after this; AWS gives an hour.
ROLE_SESSION = 3


def test_credentials_that_expire_in_the_middle_of_a_run_are_renewed_and_nobody_notices(
    clouds, attach, tmp_path_factory
):
    deployed = Project.of(tmp_path_factory.mktemp("deployed"), {"Fast": FAST % "deployed"})
    cloud = clouds({"app": deployed.template}, "--role-session", str(ROLE_SESSION))
    attach(cloud, Project.of(tmp_path_factory.mktemp("here"), {"Fast": FAST % "here"}))
    number, started = 0, time.monotonic()
    while time.monotonic() - started < 2 * ROLE_SESSION:
        number += 1
        answer = cloud.invoke("Fast", {"number": number, "seconds": 0.2})
        assert (answer.error, json.loads(answer.payload)) == (None, ["here", number])
    # One run that is longer than what it began with.
    answer = cloud.invoke("Fast", {"number": 0, "seconds": 2 * ROLE_SESSION})
    assert (answer.error, json.loads(answer.payload)) == (None, ["here", 0])
    assumed = {
        it["principal"]: it["count"] for it in cloud.calls() if it["action"] == "AssumeRole"
    }
    assert sum(assumed.values()) > 3, assumed
