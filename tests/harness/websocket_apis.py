"""WebSocket APIs of a working copy, out of raw resources, and a client of them."""

import json

import pytest
import websockets.exceptions
import websockets.sync.client

from .project import Project
from .surroundings import PATIENCE

SOURCE = """
import json

def handler(event, context):
    print("event", json.dumps(event))
    return {"statusCode": 200, "body": json.dumps({"route": event["requestContext"]["routeKey"]})}
"""

FUNCTION = {
    "Type": "AWS::Serverless::Function",
    "Properties": {"CodeUri": "talk/", "Handler": "app.handler", "Runtime": "python3.13"},
}


def api(name, *, answers=True, **connect):
    """An API whose routes are all on the function."""
    of = {"ApiId": {"Ref": name}}
    uri = "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Talk.Arn}/invocations"
    target = {"Fn::Sub": f"integrations/${{{name}Lambda}}"}
    parts = {
        "": (
            "Api",
            {
                "Name": name,
                "ProtocolType": "WEBSOCKET",
                "RouteSelectionExpression": "$request.body.action",
            },
        ),
        "Live": ("Stage", {**of, "StageName": "live", "AutoDeploy": True}),
        "Lambda": (
            "Integration",
            {**of, "IntegrationType": "AWS_PROXY", "IntegrationUri": {"Fn::Sub": uri}},
        ),
        "Connect": ("Route", {**of, "RouteKey": "$connect", "Target": target, **connect}),
        "Default": ("Route", {**of, "RouteKey": "$default", "Target": target}),
    }
    if answers:
        route = {"RouteId": {"Ref": f"{name}Default"}, "RouteResponseKey": "$default"}
        parts["Answers"] = ("RouteResponse", {**of, **route})
    return {
        name + suffix: {"Type": f"AWS::ApiGatewayV2::{kind}", "Properties": properties}
        for suffix, (kind, properties) in parts.items()
    }


def project_of(folder, **resources):
    project = Project(folder)
    project.write("talk/app.py", SOURCE)
    transform = "AWS::Serverless-2016-10-31"
    template = {"Transform": transform, "Resources": {"Talk": FUNCTION, **resources}}
    project.write("template.yaml", json.dumps(template, indent=1))
    return project


def connect(local, api=None, query="", **more):
    return websockets.sync.client.connect(
        local.url(api) + query, proxy=None, close_timeout=2, ping_interval=None, **more
    )


def refused(local, api=None, query="", **more):
    """Status and message of a handshake that is refused."""
    with pytest.raises(websockets.exceptions.InvalidStatus) as refusal:
        connect(local, api, query, **more)
    answer = refusal.value.response
    return answer.status_code, json.loads(answer.body)["message"]


def ask(socket, **message):
    socket.send(json.dumps(message))
    return json.loads(socket.recv(timeout=PATIENCE))


def event(local, *words):
    """The first event with these words in it."""

    def look():
        for line in local.log("Talk"):
            if line.startswith("event ") and all(word in line for word in words):
                return json.loads(line.removeprefix("event "))
        return None

    return local.process.wait_until(look, f"an event with {words}")


def integration(api, name, *responses, route=None, **properties):
    """A route of that name on an integration of its own, and its answer."""
    of = {"ApiId": {"Ref": api}}
    target = {"Fn::Sub": f"integrations/${{{api}{name}Own}}"}
    answer = {"RouteId": {"Ref": f"{api}{name}"}, "RouteResponseKey": "$default"}
    about = {"RouteKey": name.lower(), "Target": target, **(route or {})}
    parts = {
        f"{api}{name}Own": ("Integration", {**of, **properties}),
        f"{api}{name}": ("Route", {**of, **about}),
        f"{api}{name}Answer": ("RouteResponse", {**of, **answer}),
    }
    for number, response in enumerate(responses):
        response = {"IntegrationId": {"Ref": f"{api}{name}Own"}, **response}
        parts[f"{api}{name}Response{number}"] = ("IntegrationResponse", {**of, **response})
    return {
        name: {"Type": f"AWS::ApiGatewayV2::{kind}", "Properties": properties}
        for name, (kind, properties) in parts.items()
    }
