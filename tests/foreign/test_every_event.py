"""Every event that ``tether local`` builds is read by the types that others have for it.

A function that keeps what it sees stands behind every front door. The events are read by AWS's
Powertools (pydantic models, which refuse what AWS would not send) and by the crate
``aws_lambda_events``, whose types also have to know every field.
"""

import json
import shutil
import subprocess
import urllib.error
import urllib.request

import pytest
from harness import Project
from harness.served import RECORDING, Served, recorded
from harness.surroundings import ROOT
from websockets.sync.client import connect

pytest.importorskip(
    "aws_lambda_powertools", reason="aws-lambda-powertools is not installed: make test-all does it"
)
from aws_lambda_powertools.utilities.parser import models  # noqa: E402

APP = (
    RECORDING
    + """
ALLOW = {"principalId": "ada", "context": {"n": 1}, "policyDocument": {
    "Version": "2012-10-17",
    "Statement": [{"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": "*"}],
}}

def rest(event, context):
    record("rest", event)
    return {"statusCode": 200}

def http(event, context):
    record("http", event)
    return {"statusCode": 200}

def http1(event, context):
    record("http1", event)
    return {"statusCode": 200}

def url(event, context):
    record("url", event)
    return {"statusCode": 200}

def token(event, context):
    record("token", event)
    return ALLOW

def request(event, context):
    record("request", event)
    return ALLOW

def simple(event, context):
    record("simple", event)
    return {"isAuthorized": True, "context": {"n": 1}}

def socket(event, context):
    record(event["requestContext"]["eventType"].lower(), event)
    return {"statusCode": 200}
"""
)


def function(handler, folder, **more):
    return {
        "Type": "AWS::Serverless::Function",
        "Properties": {
            "CodeUri": "app/",
            "Handler": f"app.{handler}",
            "Runtime": "python3.13",
            "Timeout": 10,
            "Environment": {"Variables": {"RECORDED": str(folder)}},
            **more,
        },
    }


def event(kind, api, path, method="ANY", **more):
    properties = {f"{'Rest' if kind == 'Api' else ''}ApiId": {"Ref": api}}
    return {"Type": kind, "Properties": {**properties, "Path": path, "Method": method, **more}}


def arn(name):
    return {"Fn::GetAtt": [name, "Arn"]}


def template(folder):
    routes = ("$connect", "$disconnect", "$default")
    sockets = {key: {"FunctionArn": arn("SocketFunction")} for key in routes}
    rest = {
        "Plain": event("Api", "Rest", "/plain/{proxy+}"),
        "Token": event("Api", "Rest", "/token", Auth={"Authorizer": "Token"}),
        "Request": event("Api", "Rest", "/request/{id}", Auth={"Authorizer": "Request"}),
    }
    http = {
        "Plain": event("HttpApi", "Http", "/plain/{proxy+}"),
        "Simple": event("HttpApi", "Http", "/simple/{id}", Auth={"Authorizer": "Simple"}),
    }
    old = {"Old": event("HttpApi", "Http", "/old/{id}", PayloadFormatVersion="1.0")}
    return {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {
            "Rest": {
                "Type": "AWS::Serverless::Api",
                "Properties": {
                    "StageName": "prod",
                    "Variables": {"color": "blue"},
                    "Auth": {
                        "Authorizers": {
                            "Token": {"FunctionArn": arn("TokenFunction")},
                            "Request": {
                                "FunctionArn": arn("RequestFunction"),
                                "FunctionPayloadType": "REQUEST",
                                "Identity": {"Headers": ["Authorization"]},
                            },
                        }
                    },
                },
            },
            "Http": {
                "Type": "AWS::Serverless::HttpApi",
                "Properties": {
                    "Auth": {
                        "Authorizers": {
                            "Simple": {
                                "FunctionArn": arn("SimpleFunction"),
                                "AuthorizerPayloadFormatVersion": "2.0",
                                "EnableSimpleResponses": True,
                                "Identity": {"Headers": ["Authorization"]},
                            }
                        }
                    }
                },
            },
            "Sockets": {
                "Type": "AWS::Serverless::WebSocketApi",
                "Properties": {
                    "RouteSelectionExpression": "$request.body.action",
                    "StageName": "live",
                    "Routes": sockets,
                },
            },
            "RestFunction": function("rest", folder, Events=rest),
            "HttpFunction": function("http", folder, Events=http),
            "OldFunction": function("http1", folder, Events=old),
            "UrlFunction": function("url", folder, FunctionUrlConfig={"AuthType": "NONE"}),
            "TokenFunction": function("token", folder),
            "RequestFunction": function("request", folder),
            "SimpleFunction": function("simple", folder),
            "SocketFunction": function("socket", folder),
        },
    }


def ask(url, body=None, method=None, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.status == 200
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{url}: {error.code} {error.read()!r}") from None


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """Events of every kind, after a request of every sort."""
    folder = tmp_path_factory.mktemp("recorded")
    project = Project(tmp_path_factory.mktemp("served"))
    project.write("app/app.py", APP)
    project.write("template.yaml", json.dumps(template(folder)))
    with Served(project) as served:
        for api in ("Rest", "Http", "UrlFunction"):
            url = served.url(api)
            plain = url + "/plain/a%20b/c"
            ask(plain)
            ask(plain + "?q=1&q=2&empty=&plus=a+b%2Bc", Cookie="a=1; b=2")
            ask(plain, b'{"a": 1}', "POST", Content_Type="application/json")
            ask(plain, bytes(range(256)), "PUT", Content_Type="application/octet-stream")
            ask(plain, method="DELETE")
        ask(served.url("Rest", "/token"), Authorization="Bearer t")
        ask(served.url("Rest", "/request/7?q=1"), Authorization="Bearer t")
        ask(served.url("Http", "/simple/7?q=1"), Authorization="Bearer t")
        ask(served.url("Http", "/old/7?q=1&q=2"), b"x", "POST", Content_Type="text/plain")
        with connect(served.url("Sockets", "?token=t"), open_timeout=20) as socket:
            socket.send('{"action": "say"}')
            socket.send("no JSON")

        # They run beside each other: a message may need a process of its own, and come last.
        def all_of_the_socket():
            found = recorded(folder)
            return "disconnect" in found and len(found.get("message", ())) == 2

        served.process.wait_until(all_of_the_socket, "both messages and a $disconnect event")
    return recorded(folder)


MODELS = {
    "rest": (models.APIGatewayProxyEventModel, 7),
    "http": (models.APIGatewayProxyEventV2Model, 6),
    # Payload 1.0 of HTTP APIs is that of REST APIs, nearly.
    "http1": (models.APIGatewayProxyEventModel, 1),
    "url": (models.LambdaFunctionUrlModel, 5),
    "token": (models.ApiGatewayAuthorizerToken, 1),
    "request": (models.ApiGatewayAuthorizerRequest, 1),
    "simple": (models.ApiGatewayAuthorizerRequestV2, 1),
    "connect": (models.APIGatewayWebSocketConnectEventModel, 1),
    "message": (models.APIGatewayWebSocketMessageEventModel, 2),
    "disconnect": (models.APIGatewayWebSocketDisconnectEventModel, 1),
}


def test_every_kind_of_event_was_seen(seen):
    assert {kind: len(events) for kind, events in seen.items()} == {
        kind: count for kind, (_, count) in MODELS.items()
    }


@pytest.mark.parametrize("kind", MODELS)
def test_powertools_takes_it(seen, kind):
    model, _ = MODELS[kind]
    for it in seen[kind]:
        model.model_validate(it)


@pytest.mark.parametrize("kind", MODELS)
def test_the_crate_knows_every_field_of_it(seen, kind):
    if not shutil.which("cargo"):
        pytest.skip("cargo is not there")
    lines = "".join(json.dumps({"kind": kind, "event": it}) + "\n" for it in seen[kind])
    command = ["cargo", "run", "--quiet", "--package", "tether-events", "--example", "read"]
    ran = subprocess.run(command, cwd=ROOT, input=lines, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (0, ""), ran.stdout + ran.stderr
