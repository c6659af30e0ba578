"""WebSocket APIs of a working copy: who is let in, and what changes while they serve."""

import json
import socket as sockets

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.exceptions
import pytest
from harness import Local, Project
from harness.surroundings import PATIENCE, REGION
from harness.websocket_apis import (
    FUNCTION,
    api,
    ask,
    connect,
    event,
    integration,
    project_of,
    refused,
)

# ---- signatures


@pytest.fixture(scope="module")
def signing(tmp_path_factory):
    folder = tmp_path_factory.mktemp("signing")
    project = project_of(folder / "project", **api("Chat", AuthorizationType="AWS_IAM"))
    keys = project.write("keys.json", json.dumps({"AKIAKNOWN": "its-secret"}))
    with Local(project, "--access-keys", str(keys)) as local:
        yield local


def signed(url, key, secret, signer=botocore.auth.SigV4Auth, *more):
    request = botocore.awsrequest.AWSRequest("GET", url.replace("ws://", "http://"))
    credentials = botocore.credentials.Credentials(key, secret)
    signer(credentials, "execute-api", REGION, *more).add_auth(request)
    return request


def test_a_signature_is_verified_by_the_keys_that_are_given(signing):
    url = signing.url()
    headers = dict(signed(url, "AKIAKNOWN", "its-secret").headers)
    with connect(signing, query="", additional_headers=headers) as socket:
        assert ask(socket, mark="header") == {"route": "$default"}
    identity = event(signing, "header")["requestContext"]["identity"]
    assert identity["userArn"] == "arn:aws:iam::000000000000:user/local"
    presigned = signed(
        url + "?mark=presigned", "AKIAKNOWN", "its-secret", botocore.auth.SigV4QueryAuth
    )
    with connect(signing, query=presigned.url.removeprefix(url.replace("ws://", "http://"))):
        opened = event(signing, '"CONNECT"', "presigned")
        assert opened["queryStringParameters"]["mark"] == "presigned"


@pytest.mark.parametrize(
    ("key", "secret", "message"),
    [
        ("AKIAKNOWN", "a-guess", "The request signature we calculated does not match"),
        ("AKIAOTHER", "its-secret", "The security token included in the request is invalid."),
    ],
)
def test_who_does_not_know_the_secret_is_refused(signing, key, secret, message):
    headers = dict(signed(signing.url(), key, secret).headers)
    status, said = refused(signing, additional_headers=headers)
    assert (status, said[: len(message)]) == (403, message)
    query = signed(signing.url(), key, secret, botocore.auth.SigV4QueryAuth).url.split("?")[1]
    assert refused(signing, query="?" + query) == (status, said)


def test_what_is_signed_is_signed_whole(signing):
    headers = dict(signed(signing.url(), "AKIAKNOWN", "its-secret").headers)
    status, said = refused(signing, query="?more=1", additional_headers=headers)
    assert (status, "does not match" in said) == (403, True)
    assert refused(signing) == (403, "Missing Authentication Token")


# ---- the handshake as it was sent


def test_functions_see_header_names_and_values_as_the_client_wrote_them(tmp_path):
    project = project_of(tmp_path / "project", **api("Chat"))
    with Local(project) as local:
        odd = [("X-OddName", "one"), ("x-oddname", "two"), ("X_under", "Grüße")]
        with connect(local, query="?mark=a%20b", additional_headers=odd):
            opened = event(local, '"CONNECT"', "OddName")
        several = opened["multiValueHeaders"]
        assert several["X-OddName"] == ["one", "two"]
        assert several["X_under"] == ["Grüße"] and "x_under" not in several
        assert opened["headers"]["Sec-WebSocket-Version"] == "13"
        assert opened["queryStringParameters"] == {"mark": "a b"}


# ---- API keys


def plan(name, api, key):
    stages = [{"ApiId": {"Ref": api}, "Stage": {"Ref": f"{api}Live"}}]
    link = {"KeyId": {"Ref": key}, "KeyType": "API_KEY", "UsagePlanId": {"Ref": name}}
    return {
        name: {"Type": "AWS::ApiGateway::UsagePlan", "Properties": {"ApiStages": stages}},
        f"{name}Key": {"Type": "AWS::ApiGateway::UsagePlanKey", "Properties": link},
    }


def key(value, enabled=True):
    properties = {"Enabled": enabled, "Value": value}
    return {"Type": "AWS::ApiGateway::ApiKey", "Properties": properties}


def test_a_key_opens_the_api_whose_usage_plan_it_is_in(tmp_path):
    resources = {
        **api("Chat", ApiKeyRequired=True),
        **api("Other", ApiKeyRequired=True),
        "Good": key("good-enough-for-chat-0"),
        "Off": key("off-since-yesterday-00", enabled=False),
        "Elsewhere": key("good-enough-for-other"),
        **plan("Gold", "Chat", "Good"),
        **plan("Silver", "Chat", "Off"),
        **plan("Bronze", "Other", "Elsewhere"),
    }
    with Local(project_of(tmp_path / "project", **resources)) as local:
        good = {"x-api-key": "good-enough-for-chat-0"}
        with connect(local, "Chat", additional_headers=good) as socket:
            assert ask(socket, mark="keyed") == {"route": "$default"}
        identity = event(local, "keyed")["requestContext"]["identity"]
        assert identity["apiKey"] == "good-enough-for-chat-0" and identity["apiKeyId"]
        assert refused(local, "Other", additional_headers=good) == (403, "Forbidden")
        assert refused(local, "Chat") == (403, "Forbidden")
        for wrong in ("off-since-yesterday-00", "good-enough-for-other", "a-guess", ""):
            status = refused(local, "Chat", additional_headers={"x-api-key": wrong})
            assert status == (403, "Forbidden"), wrong
        # What is not let in is explained where the developer looks, without its value.
        local.wait_for_notice("is not enabled")
        notices = [it["message"] for it in local.process.events_of("notice")]
        assert not any("a-guess" in it or "any key" in it for it in notices)
        with connect(local, "Chat", additional_headers=good) as socket:
            local.reloads(lambda: local.project.edit("template.yaml", "chat-0", "chat-1"))
            assert refused(local, "Chat", additional_headers=good) == (403, "Forbidden")
            assert ask(socket, mark="stays") == {"route": "$default"}


KEYING = """
def handler(event, context):
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": event["methodArn"]}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    key = event["queryStringParameters"]["key"]
    return {"principalId": "me", "policyDocument": policy, "usageIdentifierKey": key}
"""


def test_an_authorizer_may_know_the_key_of_whoever_connects(tmp_path):
    keyed = {"ApiKeyRequired": True}
    project = guarded(
        tmp_path / "project",
        keyed,
        Key=key("the-right-key-of-this-plan"),
        **plan("Plan", "Guarded", "Key"),
    )
    project.write("decide/app.py", KEYING)
    expression = '"ApiKeySelectionExpression": "$context.authorizer.usageIdentifierKey"'
    project.edit("template.yaml", '"Name": "Guarded"', f'"Name": "Guarded", {expression}')
    right = "?token=t&key=the-right-key-of-this-plan"
    with Local(project) as local:
        with connect(local, "Guarded", right):
            identity = event(local, '"CONNECT"')["requestContext"]["identity"]
            assert identity["apiKey"] == "the-right-key-of-this-plan"
        header = {"x-api-key": "the-right-key-of-this-plan"}
        other = refused(local, "Guarded", "?token=t&key=another", additional_headers=header)
        assert other == (403, "Forbidden")
        other = refused(local, "Guarded", "?token=t&key=", additional_headers=header)
        assert other == (403, "Forbidden")
        local.wait_for_notice("Guarded $connect: the authorizer returned no usageIdentifierKey")
    # Nobody knows the key where no authorizer is asked.
    with Local(project, "--disable-authorizer") as local, connect(local, "Guarded", "?x=y"):
        event(local, '"CONNECT"')


def test_without_a_key_in_the_template_any_is_let_in_and_that_is_said_once(tmp_path):
    project = project_of(tmp_path / "project", **api("Chat", ApiKeyRequired=True))
    with Local(project) as local:
        local.wait_for_notice("Chat asks for API keys and the template declares none")
        assert refused(local) == (403, "Forbidden")
        with connect(local, additional_headers={"x-api-key": "any"}) as socket:
            local.reloads(lambda: project.edit("template.yaml", '"talk/"', '"./talk/"'))
            assert ask(socket, mark="any") == {"route": "$default"}
        notices = [it["message"] for it in local.process.events_of("notice")]
        assert len([it for it in notices if "declares none" in it]) == 1


# ---- rules of tether.toml

RULES = """
[websocket]
action = "$request.body.action"

[[websocket.rules]]
name = "no shouting"
actions = ["shout"]
access = "closed"
"""


def test_rules_are_read_again_when_they_are_saved_and_connections_stay(tmp_path):
    project = project_of(tmp_path / "project", **api("Chat"))
    with Local(project) as local, connect(local) as socket:
        assert ask(socket, action="shout") == {"route": "$default"}
        local.reloads(lambda: project.write("tether.toml", RULES))
        assert ask(socket, action="shout")["rule"] == "no shouting"
        assert ask(socket, action="say") == {"route": "$default"}
        # Nonsense changes nothing, and is said.
        project.edit("tether.toml", "closed", "ajar")
        local.process.wait_for("notReloaded")
        assert ask(socket, action="shout")["rule"] == "no shouting"
        local.reloads(lambda: project.edit("tether.toml", "ajar", "public"))
        assert ask(socket, action="shout") == {"route": "$default"}


# ---- @connections


def stage(api, name):
    properties = {"ApiId": {"Ref": api}, "StageName": name}
    return {"Type": "AWS::ApiGatewayV2::Stage", "Properties": properties}


def error(call, **arguments):
    """Name and status of an error."""
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        call(**arguments)
    answer = raised.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def test_a_connection_is_there_for_its_own_stage_alone(tmp_path):
    resources = {**api("Chat"), "ChatOther": stage("Chat", "other"), **api("Second")}
    resources["SecondLive"] = stage("Second", "second")
    with Local(project_of(tmp_path / "project", **resources)) as local:

        def describe(at):
            return local.client("apigatewaymanagementapi", endpoint_url=at).get_connection

        with connect(local, "Chat") as socket:
            ask(socket, action="x")
            who = event(local, '"MESSAGE"')["requestContext"]["connectionId"]
            at = local.url("Chat").replace("ws://", "http://")
            assert describe(at)(ConnectionId=who)["Identity"]["SourceIp"] == "127.0.0.1"
            other = describe(at.replace("/live", "/other"))
            assert error(other, ConnectionId=who) == ("GoneException", 410)
            assert error(describe(at), ConnectionId="nobody") == ("BadRequestException", 400)
            # By the endpoint of all APIs as well, whichever API has the stage.
            for name in ("other", "second"):
                other = describe(f"{local.endpoint}/{name}")
                assert error(other, ConnectionId=who) == ("GoneException", 410)
        # An id that none of them has is gone for each stage.
        for name in ("live", "other", "second"):
            gone = describe(f"{local.endpoint}/{name}")
            assert error(gone, ConnectionId="AAAAAAAAAAAAAAA=") == ("GoneException", 410)
        nowhere = describe(f"{local.endpoint}/nowhere")
        assert error(nowhere, ConnectionId="AAAAAAAAAAAAAAA=") == ("ForbiddenException", 403)


# ---- authorizers that are left out

REFUSING = """
def handler(event, context):
    raise Exception("Unauthorized")
"""


def guarded(folder, connect=None, **resources):
    """Two APIs: one that an authorizer lets nobody into, and one that asks for signatures."""
    decide = json.loads(json.dumps(FUNCTION).replace("talk/", "decide/"))
    uri = "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Decide.Arn}/invocations"
    properties = {
        "ApiId": {"Ref": "Guarded"},
        "Name": "decide",
        "AuthorizerType": "REQUEST",
        "AuthorizerUri": {"Fn::Sub": uri},
        "IdentitySource": ["route.request.querystring.token"],
    }
    project = project_of(
        folder,
        Decide=decide,
        Authorizer={"Type": "AWS::ApiGatewayV2::Authorizer", "Properties": properties},
        **api("Guarded", AuthorizationType="CUSTOM", AuthorizerId={"Ref": "Authorizer"}, **(connect or {})),
        **api("Signed", AuthorizationType="AWS_IAM"),
        **resources,
    )
    project.write("decide/app.py", REFUSING)
    return project


def test_without_authorizers_everybody_is_let_in_and_that_is_said(tmp_path):
    project = guarded(tmp_path / "project")
    with Local(project) as local:
        assert refused(local, "Guarded", "?token=t")[0] == 401
        assert refused(local, "Signed")[0] == 403
    with Local(project, "--disable-authorizer") as local:
        said = local.wait_for_notice("--disable-authorizer")
        assert "WebSocket" in said and "function URLs" in said
        for name in ("Guarded", "Signed"):
            with connect(local, name) as socket:
                assert ask(socket, action="x") == {"route": "$default"}
        assert "authorizer" not in event(local, '"MESSAGE"')["requestContext"]
        assert not local.log("Decide")


# ---- breakpoints

SLOW = """
import json, time

def handler(event, context):
    about = event["requestContext"]
    if about["routeKey"] == "slow" or "queryStringParameters" in event:
        time.sleep(1)
    return {"statusCode": 200, "body": json.dumps({"slow": True})}
"""


def test_an_integration_that_takes_too_long_is_timed_out_and_waits_under_a_debugger(tmp_path):
    """It has 300 ms, and the handler takes a second."""
    uri = "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Talk.Arn}/invocations"
    slow = {
        "IntegrationType": "AWS_PROXY",
        "IntegrationUri": {"Fn::Sub": uri},
        "TimeoutInMillis": 300,
    }
    resources = {**api("Chat"), **api("Late")}
    del resources["LateConnect"]
    resources |= integration("Chat", "Slow", **slow)
    resources |= integration("Late", "Enter", route={"RouteKey": "$connect"}, **slow)
    project = project_of(tmp_path / "project", **resources)
    project.write("talk/app.py", SLOW)
    with Local(project) as local, connect(local, "Chat") as socket:
        frame = ask(socket, action="slow")
        assert list(frame) == ["message", "connectionId", "requestId"]
        assert frame["message"] == "Endpoint request timed out"
        local.wait_for_notice("Chat slow: ChatSlowOwn: no answer within 300ms")
        assert refused(local, "Late", "?slow=1") == (504, "Endpoint request timed out")
    with Local(project, "--debug", "--debug-port", "0") as local:
        with connect(local, "Chat") as socket:
            assert ask(socket, action="slow") == {"slow": True}
        with connect(local, "Late", "?slow=1") as socket:
            assert ask(socket, action="slow") == {"slow": True}


# ---- limits

LONG = """
def handler(event, context):
    body = event.get("body") or "0"
    return {"statusCode": 200, "body": "x" * int(body)}
"""


def test_an_answer_is_no_longer_than_a_message_may_be(tmp_path):
    project = project_of(tmp_path / "project", **api("Chat"))
    project.write("talk/app.py", LONG)
    with Local(project) as local, connect(local, max_size=None) as socket:
        socket.send(str(128 * 1024))
        assert len(socket.recv(timeout=PATIENCE)) == 128 * 1024
        socket.send(str(128 * 1024 + 1))
        frame = json.loads(socket.recv(timeout=PATIENCE))
        assert frame["message"] == "Internal server error"
        local.wait_for_notice("Chat $default: the answer is longer than 131072 bytes")


def test_an_open_connection_has_the_variables_that_its_stage_has_now(tmp_path):
    resources = api("Chat")
    resources["ChatLive"]["Properties"]["StageVariables"] = {"color": "blue"}
    project = project_of(tmp_path / "project", **resources)
    with Local(project) as local, connect(local) as socket:
        ask(socket, n=1)
        local.reloads(lambda: project.edit("template.yaml", '"blue"', '"green"'))
        ask(socket, n=2)
        assert event(local, '"MESSAGE"', 'n\\": 1')["stageVariables"] == {"color": "blue"}
        assert event(local, '"MESSAGE"', 'n\\": 2')["stageVariables"] == {"color": "green"}


# ---- other integrations

OWN_SHAPE = """
def handler(event, context):
    return {"got": event}
"""


def test_a_function_behind_an_aws_integration_sees_what_its_template_makes(tmp_path):
    own = json.loads(json.dumps(FUNCTION).replace("talk/", "own/"))
    uri = "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Own.Arn}/invocations"
    aws = {"IntegrationType": "AWS", "IntegrationUri": {"Fn::Sub": uri}}
    template = {
        "TemplateSelectionExpression": "\\$default",
        "RequestTemplates": {"$default": '{"who":"$context.connectionId","text":$input.json(\'$.text\')}'},
    }
    project = project_of(
        tmp_path / "project",
        Own=own,
        **api("Chat"),
        **integration("Chat", "Plain", **aws),
        **integration("Chat", "Mapped", **aws, **template),
    )
    project.write("own/app.py", OWN_SHAPE)
    with Local(project) as local, connect(local) as socket:
        message = {"action": "plain", "text": "hi"}
        assert ask(socket, **message) == {"got": message}
        mapped = ask(socket, action="mapped", text="hi")["got"]
        assert mapped == {"who": mapped["who"], "text": "hi"} and mapped["who"].endswith("=")


def test_a_backend_behind_https_is_called_by_tls(tmp_path):
    with sockets.create_server(("127.0.0.1", 0)) as server:
        uri = f"https://127.0.0.1:{server.getsockname()[1]}/messages"
        http = {"IntegrationType": "HTTP_PROXY", "IntegrationMethod": "POST", "IntegrationUri": uri}
        project = project_of(
            tmp_path / "project", **api("Chat"), **integration("Chat", "Send", **http)
        )
        with Local(project) as local, connect(local) as socket:
            socket.send(json.dumps({"action": "send"}))
            server.settimeout(PATIENCE)
            with server.accept()[0] as client:
                # A handshake record; it gets no answer.
                assert client.recv(5)[:2] == b"\x16\x03"
            assert json.loads(socket.recv(timeout=PATIENCE))["message"] == "Internal server error"
            local.wait_for_notice("did not answer")
