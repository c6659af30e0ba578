"""One function behind every kind of front door, for clients that others wrote."""

import json

from .project import Project

APP = """
import base64, json, os

def handler(event, context):
    "Says what it was asked; its own word on CORS stands beside it."
    context = event["requestContext"]
    method = context.get("httpMethod") or context["http"]["method"]
    print(method, event.get("path") or event["rawPath"])
    body = event.get("body") or ""
    size = len(base64.b64decode(body) if event["isBase64Encoded"] else body.encode())
    headers = {name.lower(): value for name, value in event["headers"].items()}
    said = {"method": method, "size": size, "mine": headers.get("x-mine"),
            "cookies": event.get("cookies") or headers.get("cookie")}
    more = {"Content-Type": "application/json", "X-Seen": method}
    # A function URL adds its own to a function's word, and browsers take only one.
    if "domainName" not in context or ".lambda-url." not in context["domainName"]:
        more["Access-Control-Allow-Origin"] = os.environ["ORIGIN"]
    return {"statusCode": 200, "headers": more, "body": json.dumps(said)}

def speak(event, context):
    "Takes the second of the protocols that are offered, refuses `no`, and echoes."
    asked = event["requestContext"]
    if asked["eventType"] == "CONNECT":
        offered = event["headers"].get("Sec-WebSocket-Protocol", "")
        names = [name.strip() for name in offered.split(",") if name.strip()]
        if "no" in names:
            return {"statusCode": 403}
        if len(names) < 2:
            return {"statusCode": 200}
        return {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": names[1]}}
    return {"statusCode": 200, "body": event.get("body") or ""}
"""


def template(origin):
    def function(handler, **more):
        return {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "CodeUri": "app/",
                "Handler": f"app.{handler}",
                "Runtime": "python3.13",
                "Timeout": 20,
                "Environment": {"Variables": {"ORIGIN": origin}},
                **more,
            },
        }

    def any_path(kind, api):
        about = {"Path": "/{proxy+}", "Method": "ANY"}
        name = "RestApiId" if kind == "Api" else "ApiId"
        return {"Type": kind, "Properties": {**about, name: {"Ref": api}}}

    cors = {
        "AllowOrigins": [origin],
        "AllowMethods": ["GET", "PUT"],
        "AllowHeaders": ["x-mine", "content-type"],
        "AllowCredentials": True,
        "MaxAge": 5,
    }
    exposing = {**cors, "ExposeHeaders": ["x-seen"]}
    speak = {"FunctionArn": {"Fn::GetAtt": ["SpeakFunction", "Arn"]}}
    return {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {
            "Rest": {
                "Type": "AWS::Serverless::Api",
                "Properties": {
                    "StageName": "prod",
                    "Cors": {
                        "AllowOrigin": f"'{origin}'",
                        "AllowMethods": "'GET,PUT'",
                        "AllowHeaders": "'X-Mine,Content-Type'",
                        "MaxAge": "'5'",
                    },
                },
            },
            "Http": {
                "Type": "AWS::Serverless::HttpApi",
                "Properties": {"CorsConfiguration": exposing},
            },
            "Closed": {"Type": "AWS::Serverless::HttpApi"},
            "Sockets": {
                "Type": "AWS::Serverless::WebSocketApi",
                "Properties": {
                    "RouteSelectionExpression": "$request.body.action",
                    "StageName": "live",
                    "Routes": {
                        "$connect": speak,
                        "$default": {**speak, "RouteResponseSelectionExpression": "$default"},
                    },
                },
            },
            # SAM makes none of its own.
            "Answer": {
                "Type": "AWS::ApiGatewayV2::RouteResponse",
                "Properties": {
                    "ApiId": {"Ref": "Sockets"},
                    "RouteId": {"Ref": "SocketsDefaultRoute"},
                    "RouteResponseKey": "$default",
                },
            },
            "AskFunction": function(
                "handler",
                Events={
                    "Rest": any_path("Api", "Rest"),
                    "Http": any_path("HttpApi", "Http"),
                },
            ),
            # Its own word on CORS would let anybody in who may read it.
            "ClosedFunction": function("handler", Events={"Closed": any_path("HttpApi", "Closed")}),
            "UrlFunction": function(
                "handler", FunctionUrlConfig={"AuthType": "NONE", "Cors": exposing}
            ),
            "SpeakFunction": function("speak"),
        },
    }


def project(folder, origin="https://somewhere.example"):
    """The project; pages of this origin may ask."""
    made = Project(folder)
    made.write("app/app.py", APP)
    made.write("template.yaml", json.dumps(template(origin), indent=2))
    return made
