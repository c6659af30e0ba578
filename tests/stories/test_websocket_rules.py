"""Rules that an application puts on top of API Gateway's, in tether.toml."""

import contextlib
import json
import time

import pytest
import websockets.exceptions
import websockets.sync.client
from harness import Project
from harness.surroundings import PATIENCE

SOURCE = """
import json


def handler(event, context):
    return {"statusCode": 200, "body": json.dumps({"route": event["requestContext"]["routeKey"]})}
"""

# The token is the name of who it is; what they may is in the query.
AUTHORIZER = """
def handler(event, context):
    query = event["queryStringParameters"]
    statement = {"Action": "*", "Effect": "Allow", "Resource": event["methodArn"]}
    return {
        "principalId": query.get("token", "nobody"),
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": {"permissions": query.get("may", ""), "exp": query.get("exp", "9999999999")},
    }
"""

RULES = """
[websocket]
channel = "$request.body.channel"
action = "$request.body.action"

[websocket.token]
connect = "route.request.querystring.token"
message = "$request.body.token"
expires = "exp"
on-refusal = "close"

[websocket.pace]
connection = 5
identity = 7

[[websocket.rules]]
channels = ["lobby"]
access = "public"

[[websocket.rules]]
name = "writers"
actions = ["write"]
permissions = ["room:write"]

[[websocket.rules]]
name = "no admin"
channels = ["admin*"]
access = "closed"
on-refusal = "close"
"""


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    functions = {"Hello": SOURCE, "Decide": AUTHORIZER}
    project = Project.of(tmp_path_factory.mktemp("rules") / "app", functions, timeout=10)
    template = json.loads(project.template.read_text())
    route = {"FunctionArn": {"Fn::GetAtt": ["Hello", "Arn"]}}
    template["Resources"]["Chat"] = {
        "Type": "AWS::Serverless::WebSocketApi",
        "Properties": {
            "RouteSelectionExpression": "$request.body.action",
            "Routes": {"$connect": route, "$default": route},
            "Auth": {"AuthType": "CUSTOM", "AuthArn": {"Fn::GetAtt": ["Decide", "Arn"]}},
        },
    }
    template["Resources"]["Answers"] = {
        "Type": "AWS::ApiGatewayV2::RouteResponse",
        "Properties": {
            "ApiId": {"Ref": "Chat"},
            "RouteId": {"Ref": "ChatDefaultRoute"},
            "RouteResponseKey": "$default",
        },
    }
    project.write("template.yaml", json.dumps(template))
    rules = project.write("tether.toml", RULES)
    flags = ["--no-helper-stack", "--websocket-rules", str(rules)]
    return clouds({"app": project.template}, *flags)


def connect(cloud, query):
    (api,) = cloud.ready["apis"]
    return websockets.sync.client.connect(
        api["url"] + query, proxy=None, close_timeout=2, ping_interval=None
    )


def ask(socket, **message):
    socket.send(json.dumps(message))
    return json.loads(socket.recv(timeout=PATIENCE))


ANSWERED = {"route": "$default"}


def refused(frame):
    assert frame["connectionId"] and frame["requestId"]
    return frame["message"], frame["rule"], frame["reason"]


def is_closed(socket):
    with pytest.raises(websockets.exceptions.ConnectionClosed) as end:
        socket.recv(timeout=PATIENCE)
    assert (end.value.rcvd.code, end.value.rcvd.reason) == (1008, "Policy violation")


@pytest.mark.parametrize("query", ["?may=x", "?token=ada&exp=1"])
def test_a_handshake_without_a_good_token_is_refused(cloud, query):
    with pytest.raises(websockets.exceptions.InvalidStatus) as refusal:
        connect(cloud, query)
    answer = refusal.value.response
    assert answer.status_code == 401
    assert json.loads(answer.body)["rule"] == "token"
    cloud.wait_for_notice("Chat $connect: Unauthorized by the rule token")


def test_public_is_for_everybody_and_the_rest_needs_the_token_again(cloud):
    with connect(cloud, "?token=ada") as socket:
        assert ask(socket, channel="lobby") == ANSWERED
        assert ask(socket, channel="room", token="ada") == ANSWERED
        wrong = ask(socket, channel="room", token="eve")
        reason = "the message's token is not the handshake's"
        assert refused(wrong) == ("Unauthorized", "token", reason)
        is_closed(socket)


def test_an_action_needs_its_permission_and_the_connection_stays(cloud):
    with connect(cloud, "?token=ada&may=room:read,room:write") as socket:
        assert ask(socket, action="write", token="ada") == ANSWERED
    with connect(cloud, "?token=bob&may=room:read") as socket:
        no = ask(socket, action="write", token="bob")
        reason = "the permission room:write is missing"
        assert refused(no) == ("Forbidden", "writers", reason)
        cloud.wait_for_notice(f"Forbidden by the rule writers: {reason}")
        assert ask(socket, action="read", token="bob") == ANSWERED


def test_a_closed_channel_closes_the_connection(cloud):
    with connect(cloud, "?token=ada") as socket:
        no = ask(socket, channel="admin-1", token="ada")
        assert refused(no) == ("Forbidden", "no admin", "nobody may")
        is_closed(socket)


def paced(sockets, token, each):
    """Which rules have refused, of so many messages on each at once."""
    message = json.dumps({"channel": "lobby", "token": token})
    for _ in range(each):
        for socket in sockets:
            socket.send(message)
    answers = [json.loads(it.recv(timeout=PATIENCE)) for it in sockets for _ in range(each)]
    assert ANSWERED in answers
    return {it["rule"] for it in answers if it != ANSWERED}


def test_a_connection_has_its_pace_and_so_has_an_identity(cloud):
    with connect(cloud, "?token=fast") as socket:
        assert paced([socket], "fast", 30) == {"pace.connection"}
        # And it goes on.
        deadline = time.monotonic() + PATIENCE
        while ask(socket, channel="lobby") != ANSWERED:
            assert time.monotonic() < deadline
    with contextlib.ExitStack() as clients:
        sockets = [clients.enter_context(connect(cloud, "?token=two")) for _ in range(6)]
        assert paced(sockets, "two", 4) == {"pace.identity"}
