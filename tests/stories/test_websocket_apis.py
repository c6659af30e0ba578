"""WebSocket APIs of a SAM template behave as API Gateway does.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-overview.html
"""

import contextlib
import http.server
import json
import socket as sockets
import struct
import threading
import time

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
import websockets.exceptions
import websockets.sync.client
from harness import Cloud, Project
from harness.surroundings import PATIENCE, REGION

# Prints each event whole; answers as the query or the message asks.
SOURCE = """
import json
import time


def handler(event, context):
    print("event", json.dumps(event))
    about = event["requestContext"]
    query = event.get("queryStringParameters") or {}
    if about["eventType"] == "CONNECT":
        if query.get("fail") == "raise":
            raise RuntimeError("no")
        if query.get("fail") == "nothing":
            return None
        time.sleep(float(query.get("sleep", "0")))
        answer = {"statusCode": int(query.get("status", "200")), "body": "from the function"}
        if "protocol" in query:
            answer["headers"] = {"Sec-WebSocket-Protocol": query["protocol"]}
        return answer
    if event.get("body") == "raise":
        raise RuntimeError("no")
    return {"statusCode": 200, "body": json.dumps({"route": about["routeKey"]})}
"""

AUTHORIZER = """
def handler(event, context):
    token = event["queryStringParameters"]["token"]
    if token == "unauthorized":
        raise Exception("Unauthorized")
    if token == "broken":
        raise Exception("something else")
    effect = "Allow" if token.startswith("allow") else "Deny"
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}
    return {
        "principalId": "somebody",
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": {"tenant": "acme", "level": 7},
    }
"""

ARN = {"Fn::GetAtt": ["Hello", "Arn"]}


def sam_api(**more):
    """SAM's own resource, with these routes on the function."""
    properties = {
        "RouteSelectionExpression": "$request.body.action",
        "Routes": {
            key: {"FunctionArn": ARN} for key in ("$connect", "$disconnect", "$default", "say")
        },
        "StageName": "live",
        **more,
    }
    return {"Type": "AWS::Serverless::WebSocketApi", "Properties": properties}


def answering(api, key):
    """Lets a route of SAM's answer: there is no property for it."""
    reference = {"Ref": f"{api}{key}Route"}
    properties = {"ApiId": {"Ref": api}, "RouteId": reference, "RouteResponseKey": "$default"}
    return {"Type": "AWS::ApiGatewayV2::RouteResponse", "Properties": properties}


def raw_api(name, backend):
    """An API of raw resources without a function, its routes on MOCK and on HTTP."""
    api = {"ApiId": {"Ref": name}}
    parts = {
        "": (
            "Api",
            {
                "Name": name,
                "ProtocolType": "WEBSOCKET",
                "RouteSelectionExpression": "${request.body.channel}/${request.body.action}",
            },
        ),
        "Stage": (
            "Stage",
            {**api, "StageName": "raw", "StageVariables": {"color": "blue"}},
        ),
        "Mock": (
            "Integration",
            {
                **api,
                "IntegrationType": "MOCK",
                "TemplateSelectionExpression": "200",
                "RequestTemplates": {"200": '{"statusCode":200}'},
            },
        ),
        "MockAnswer": (
            "IntegrationResponse",
            {
                **api,
                "IntegrationId": {"Ref": f"{name}Mock"},
                "IntegrationResponseKey": "/200/",
                "ResponseTemplates": {
                    "200": '{"id":"$context.connectionId","color":"$stageVariables.color"}'
                },
            },
        ),
        "Http": (
            "Integration",
            {
                **api,
                "IntegrationType": "HTTP_PROXY",
                "IntegrationMethod": "POST",
                "IntegrationUri": backend,
                "RequestParameters": {
                    "integration.request.header.ConnectionId": "context.connectionId"
                },
            },
        ),
    }
    for suffix, key, target in (("Ping", "room/ping", "Mock"), ("Send", "room/send", "Http")):
        target = {"Fn::Sub": f"integrations/${{{name}{target}}}"}
        parts[suffix] = ("Route", {**api, "RouteKey": key, "Target": target})
        reference = {"Ref": f"{name}{suffix}"}
        parts[f"{suffix}Answer"] = (
            "RouteResponse",
            {**api, "RouteId": reference, "RouteResponseKey": "$default"},
        )
    return {
        f"{name}{suffix}": {"Type": f"AWS::ApiGatewayV2::{kind}", "Properties": properties}
        for suffix, (kind, properties) in parts.items()
    }


class Backend(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        answer = {"id": self.headers["ConnectionId"], "got": json.loads(body)}
        answer = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def backend():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/messages"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def project(tmp_path_factory, backend):
    functions = {"Hello": SOURCE, "Decide": AUTHORIZER}
    project = Project.of(tmp_path_factory.mktemp("chat") / "app", functions, timeout=10)
    template = json.loads(project.template.read_text())
    guarded = {
        "AuthType": "CUSTOM",
        "AuthArn": {"Fn::GetAtt": ["Decide", "Arn"]},
        "IdentitySource": ["route.request.querystring.token"],
    }
    slow = {"ThrottlingBurstLimit": 2, "ThrottlingRateLimit": 0.001}
    keyed = {
        "$connect": {
            "FunctionArn": ARN,
            "ApiKeyRequired": True,
            "RequestParameters": {"route.request.querystring.room": {"Required": True}},
        },
        "say": {"FunctionArn": ARN},
    }
    template["Resources"] |= {
        "Open": sam_api(),
        "OpenAnswers": answering("Open", "Say"),
        "Guarded": sam_api(Auth=guarded),
        "Signed": sam_api(Auth={"AuthType": "AWS_IAM"}),
        "Keyed": sam_api(Routes=keyed, RouteSettings={"say": slow}),
        "KeyedAnswers": answering("Keyed", "Say"),
        **raw_api("Raw", backend),
    }
    project.write("template.yaml", json.dumps(template, indent=2))
    return project


@pytest.fixture(scope="module")
def cloud(clouds, project):
    return clouds({"app": project.template}, "--no-helper-stack")


def url(cloud, api):
    return next(it["url"] for it in cloud.ready["apis"] if it["logicalId"] == api)


def connect(cloud, api, query="", **more):
    return websockets.sync.client.connect(
        url(cloud, api) + query, proxy=None, close_timeout=2, ping_interval=None, **more
    )


def ask(socket, **message):
    socket.send(json.dumps(message))
    return json.loads(socket.recv(timeout=PATIENCE))


def refused(cloud, api, query="", **more):
    """Status and body of a handshake that is refused."""
    with pytest.raises(websockets.exceptions.InvalidStatus) as refusal:
        connect(cloud, api, query, **more)
    answer = refusal.value.response
    return answer.status_code, answer.body.decode()


def event(cloud, *words):
    """The first event with these words in it."""

    def look():
        for line in cloud.log("Hello"):
            if line.startswith("event ") and all(word in line for word in words):
                return json.loads(line.removeprefix("event "))
        return None

    return cloud.process.wait_until(look, f"an event with {words}")


# ---- the handshake


def test_a_connection_goes_from_connect_to_disconnect_with_the_events_of_aws(cloud):
    with connect(cloud, "Open", "?mark=events&mark=2", user_agent_header="story") as socket:
        assert ask(socket, action="say", mark="events") == {"route": "say"}
        socket.close(4000, "enough")
    opened = event(cloud, '"CONNECT"', '"mark": ["events", "2"]')
    assert "messageId" not in opened["requestContext"] and "body" not in opened
    assert opened["requestContext"]["identity"] == {"userAgent": "story", "sourceIp": "127.0.0.1"}
    said = event(cloud, '"MESSAGE"', "events")
    assert "headers" not in said and said["body"] == '{"action": "say", "mark": "events"}'
    who = opened["requestContext"]["connectionId"]
    assert who.endswith("=") and said["requestContext"]["connectionId"] == who
    ended = event(cloud, '"DISCONNECT"', who)
    assert list(ended["headers"]) == ["Host", "x-api-key", "X-Forwarded-For", "x-restapi"]
    context = ended["requestContext"]
    assert (context["disconnectStatusCode"], context["disconnectReason"]) == (4000, "enough")
    times = {it["requestContext"]["connectedAt"] for it in (opened, said, ended)}
    assert len(times) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 500])
def test_another_status_of_connect_is_the_handshakes(cloud, status):
    assert refused(cloud, "Open", f"?status={status}") == (status, "from the function")


@pytest.mark.parametrize("how", ["raise", "nothing"])
def test_a_connect_that_fails_is_502(cloud, how):
    status, body = refused(cloud, "Open", f"?fail={how}")
    assert (status, json.loads(body)) == (502, {"message": "Internal server error"})


def test_a_subprotocol_is_agreed_on_only_if_connect_returns_it(cloud):
    with connect(cloud, "Open", "?protocol=two", subprotocols=["one", "two"]) as socket:
        assert socket.subprotocol == "two"
    with connect(cloud, "Open", subprotocols=["one", "two"]) as socket:
        assert socket.subprotocol is None


def test_a_connection_is_gone_until_connect_has_returned(cloud):
    """410, also for the function that is just being asked."""
    opened = []
    opening = threading.Thread(
        target=lambda: opened.append(connect(cloud, "Open", "?mark=slow&sleep=1.5"))
    )
    opening.start()
    who = event(cloud, '"CONNECT"', '"slow"')["requestContext"]["connectionId"]
    client = management(cloud, "Open")
    with pytest.raises(client.exceptions.GoneException):
        client.post_to_connection(ConnectionId=who, Data=b"too early")
    opening.join()
    with opened[0] as socket:
        client.post_to_connection(ConnectionId=who, Data=b"now")
        assert socket.recv(timeout=PATIENCE) == "now"


def management(cloud, api):
    return boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=url(cloud, api).replace("ws://", "http://"),
        region_name=REGION,
        aws_access_key_id="AKIAEXAMPLE",
        aws_secret_access_key="example",
    )


# ---- who is let in


def test_an_authorizer_decides_and_its_context_is_in_every_later_event(cloud):
    with connect(cloud, "Guarded", "?token=allow-7") as socket:
        socket.send(json.dumps({"action": "say", "mark": "guarded"}))
        said = event(cloud, '"MESSAGE"', "guarded")
    authorizer = said["requestContext"]["authorizer"]
    assert authorizer.pop("integrationLatency") >= 0
    assert authorizer == {"tenant": "acme", "level": "7", "principalId": "somebody"}


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 401), ("?token=", 401), ("?token=unauthorized", 401), ("?token=no", 403)]
    + [("?token=broken", 500)],
)
def test_who_is_not_authorized_is_refused(cloud, query, status):
    assert refused(cloud, "Guarded", query)[0] == status


def signed(url, service="execute-api"):
    """The headers of a signed handshake."""
    request = botocore.awsrequest.AWSRequest("GET", url.replace("ws://", "http://"))
    credentials = botocore.credentials.Credentials("AKIAEXAMPLE", "example")
    botocore.auth.SigV4Auth(credentials, service, REGION).add_auth(request)
    return dict(request.headers)


def test_a_handshake_is_signed_where_iam_is_asked(cloud):
    headers = signed(url(cloud, "Signed"))
    with connect(cloud, "Signed", additional_headers=headers) as socket:
        socket.send(json.dumps({"action": "say", "mark": "signed"}))
        said = event(cloud, '"MESSAGE"', "signed")
    assert said["requestContext"]["identity"]["userArn"] == "arn:aws:iam::000000000000:root"
    status, body = refused(cloud, "Signed")
    assert (status, json.loads(body)) == (403, {"message": "Missing Authentication Token"})
    other = signed(url(cloud, "Signed"), "s3")
    assert refused(cloud, "Signed", additional_headers=other)[0] == 403


def test_a_key_and_a_parameter_must_be_sent_where_they_are_asked_for(cloud):
    key = {"x-api-key": "some-key"}
    assert refused(cloud, "Keyed", "?room=1")[0] == 403
    # The key is asked for first.
    assert refused(cloud, "Keyed")[0] == 403
    status, body = refused(cloud, "Keyed", additional_headers=key)
    assert (status, "room" in body) == (400, True)
    with connect(cloud, "Keyed", "?room=1&mark=keyed", additional_headers=key):
        opened = event(cloud, '"CONNECT"', "keyed")
    assert opened["requestContext"]["identity"]["apiKey"] == "some-key"


def test_a_route_has_its_throttle_and_its_frame(cloud):
    with connect(cloud, "Keyed", "?room=1", additional_headers={"x-api-key": "k"}) as socket:
        assert [ask(socket, action="say") for _ in range(2)] == [{"route": "say"}] * 2
        frame = ask(socket, action="say")
        assert frame["message"] == "Too Many Requests"
        assert set(frame) == {"message", "connectionId", "requestId"}


def test_so_many_connections_are_let_in_and_no_more(clouds, project):
    cloud = clouds({"app": project.template}, "--no-helper-stack", "--websocket-connects", "1")
    with connect(cloud, "Open"):
        status, body = refused(cloud, "Raw")
        assert (status, json.loads(body)["message"]) == (429, "Too Many Requests")


# ---- routes


def test_an_error_frame_comes_for_a_failure_and_for_a_message_without_a_route(cloud):
    with connect(cloud, "Open") as socket:
        socket.send("raise")
        frame = json.loads(socket.recv(timeout=PATIENCE))
        assert frame["message"] == "Internal server error"
    with connect(cloud, "Raw") as socket:
        for message in ("no JSON", "{}", '{"channel": "room", "action": "other"}'):
            socket.send(message)
            frame = json.loads(socket.recv(timeout=PATIENCE))
            assert frame["message"] == "Forbidden"
            assert set(frame) == {"message", "connectionId", "requestId"}


def test_mock_and_http_integrations_answer(cloud):
    with connect(cloud, "Raw") as socket:
        pong = ask(socket, channel="room", action="ping")
        assert pong == {"id": pong["id"], "color": "blue"}
        message = {"channel": "room", "action": "send", "n": 1}
        assert ask(socket, **message) == {"id": pong["id"], "got": message}


# ---- the end


def disconnected(cloud, mark):
    who = event(cloud, '"CONNECT"', mark)["requestContext"]["connectionId"]
    context = event(cloud, '"DISCONNECT"', who)["requestContext"]
    return context["disconnectStatusCode"], context["disconnectReason"]


def test_a_close_without_a_code_is_told_as_1005(cloud):
    with connect(cloud, "Open", "?mark=no-code") as socket:
        # A masked close frame without a payload.
        socket.socket.sendall(b"\x88\x80\x00\x00\x00\x00")
        with pytest.raises(websockets.exceptions.ConnectionClosed) as end:
            socket.recv(timeout=PATIENCE)
        assert end.value.rcvd.code == 1005
    assert disconnected(cloud, "no-code") == (1005, "Client-side close frame status not set")


def test_a_client_that_is_cut_off_is_told_as_1006(cloud):
    host, port = url(cloud, "Open").split("/")[2].split(":")
    with sockets.create_connection((host, int(port))) as raw:
        lines = ["GET /live?mark=a-reset HTTP/1.1", f"Host: {host}:{port}", "Upgrade: websocket"]
        lines += ["Connection: Upgrade", "Sec-WebSocket-Version: 13"]
        lines += ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", ""]
        raw.sendall("\r\n".join(lines).encode())
        assert raw.recv(4096).startswith(b"HTTP/1.1 101 ")
        # No lingering: a reset.
        raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
    assert disconnected(cloud, "a-reset") == (1006, "Connection closed abnormally")


def test_bytes_that_are_no_frame_end_with_1002(cloud):
    with connect(cloud, "Open", "?mark=nonsense") as socket:
        socket.socket.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with pytest.raises(websockets.exceptions.ConnectionClosed) as end:
            socket.recv(timeout=PATIENCE)
        assert end.value.rcvd.code == 1002
    assert disconnected(cloud, "nonsense")[0] == 1002


def test_a_client_that_never_reads_is_cut_in_the_end(clouds, project):
    cloud = clouds({"app": project.template}, "--no-helper-stack", "--websocket-unread", "0.5")
    with connect(cloud, "Open", "?mark=unread", max_queue=1):
        who = event(cloud, '"CONNECT"', "unread")["requestContext"]["connectionId"]
        client = management(cloud, "Open")
        with pytest.raises(client.exceptions.GoneException):
            deadline = time.monotonic() + PATIENCE
            while time.monotonic() < deadline:
                try:
                    client.post_to_connection(ConnectionId=who, Data=b"x" * 128 * 1024)
                except client.exceptions.LimitExceededException:
                    time.sleep(0.05)
        assert disconnected(cloud, "unread") == (1006, "The client does not read")


def test_whoever_ends_the_emulator_lets_functions_hear_of_it(project):
    with contextlib.ExitStack() as client:
        with contextlib.closing(Cloud({"app": project.template}, "--no-helper-stack")) as cloud:
            socket = client.enter_context(connect(cloud, "Open", "?mark=over"))
            who = event(cloud, '"CONNECT"', "over")["requestContext"]["connectionId"]
        with pytest.raises(websockets.exceptions.ConnectionClosed) as end:
            socket.recv(timeout=PATIENCE)
    assert (end.value.rcvd.code, end.value.rcvd.reason) == (1001, "Going away")
    ended = event(cloud, '"DISCONNECT"', who)["requestContext"]
    assert ended["disconnectStatusCode"] == 1001
