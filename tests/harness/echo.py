"""A WebSocket API with one function behind it, and foreign clients of both its sides."""

import json

import boto3
import botocore.config
import websockets.sync.client

from .project import Project
from .surroundings import PATIENCE, REGION

# Answers a message with its length, ``who`` with the connection's id, and posts
# as many messages as ``burst N`` says before it answers how long each took.
SOURCE = """
import json
import os
import time


def handler(event, context):
    about = event["requestContext"]
    if about["eventType"] == "DISCONNECT":
        code, reason = about["disconnectStatusCode"], about["disconnectReason"]
        print(about["connectionId"], "disconnected with", code, reason or "-")
    body = event.get("body") or ""
    answer = len(body)
    if body == "who":
        answer = about["connectionId"]
    if body.startswith("burst "):
        answer = burst(about["connectionId"], int(body.split()[1]))
    return {"statusCode": 200, "body": json.dumps(answer)}


def burst(connection, count):
    import boto3  # Here, so that most environments start at once.

    url = os.environ["AWS_ENDPOINT_URL"] + "/live"
    api = boto3.client("apigatewaymanagementapi", endpoint_url=url)
    took = []
    for number in range(count):
        started = time.monotonic()
        api.post_to_connection(ConnectionId=connection, Data=json.dumps(number).encode())
        took.append(time.monotonic() - started)
    return took
"""


def project(folder, permitted=True):
    """One function behind all three routes, which the API may invoke if it is permitted to."""
    echo = Project.of(folder, {"Echo": SOURCE}, timeout=10)
    template = json.loads(echo.template.read_text())
    api = {"ApiId": {"Ref": "Api"}}
    arn = "arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/live"
    template["Resources"]["Echo"]["Properties"]["Policies"] = [
        {
            "Statement": {
                "Effect": "Allow",
                "Action": "execute-api:ManageConnections",
                "Resource": {"Fn::Sub": f"{arn}/POST/@connections/*"},
            }
        }
    ]
    if permitted:
        template["Resources"]["Permission"] = {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": {"Ref": "Echo"},
                "Principal": "apigateway.amazonaws.com",
                "SourceArn": {"Fn::Sub": f"{arn}/*"},
            },
        }
    service = "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31"
    path = f"{service}/functions/${{Echo.Arn}}/invocations"
    target = {"Fn::Sub": "integrations/${Integration}"}
    resources = {
        "Api": {
            "Name": "echo",
            "ProtocolType": "WEBSOCKET",
            "RouteSelectionExpression": "$request.body.action",
        },
        "Integration": {
            **api,
            "IntegrationType": "AWS_PROXY",
            "IntegrationUri": {"Fn::Sub": path},
        },
        "ConnectRoute": {**api, "RouteKey": "$connect", "Target": target},
        "DisconnectRoute": {**api, "RouteKey": "$disconnect", "Target": target},
        "DefaultRoute": {**api, "RouteKey": "$default", "Target": target},
        "DefaultRouteResponse": {
            **api,
            "RouteId": {"Ref": "DefaultRoute"},
            "RouteResponseKey": "$default",
        },
        "Stage": {**api, "StageName": "live", "AutoDeploy": True},
    }
    for name, properties in resources.items():
        kind = next(it for it in ("RouteResponse", "Route", name) if name.endswith(it))
        template["Resources"][name] = {
            "Type": f"AWS::ApiGatewayV2::{kind}",
            "Properties": properties,
        }
    echo.write("template.yaml", json.dumps(template, indent=2))
    return echo


def connect(cloud, **more):
    """A foreign client of the WebSocket."""
    (api,) = cloud.ready["apis"]
    return websockets.sync.client.connect(
        api["url"], proxy=None, close_timeout=2, ping_interval=None, **more
    )


def ask(socket, message):
    socket.send(message)
    return json.loads(socket.recv(timeout=PATIENCE))


def management(cloud, at="api", **more):
    """``@connections``: on the API's own port, or on the endpoint of all services."""
    (api,) = cloud.ready["apis"]
    url = api["url"].replace("ws://", "http://") if at == "api" else f"{cloud.endpoint}/live"
    return boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id="AKIAEXAMPLE",
        aws_secret_access_key="example",
        config=botocore.config.Config(retries={"total_max_attempts": 1}, **more),
    )
