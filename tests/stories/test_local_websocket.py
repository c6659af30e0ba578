"""WebSocket APIs of a working copy."""

import json

import pytest
import websockets.sync.client
from harness import Local, Project

CHAT = """
import boto3, json

def handler(event, context):
    about = event["requestContext"]
    if about["eventType"] != "MESSAGE":
        return {"statusCode": 200}
    # What every tutorial writes.
    endpoint = "https://" + about["domainName"] + "/" + about["stage"]
    client = boto3.client("apigatewaymanagementapi", endpoint_url=endpoint)
    said = json.loads(event["body"])["say"]
    client.post_to_connection(ConnectionId=about["connectionId"], Data=said.upper().encode())
    return {"statusCode": 200}
"""

NODE = """
const https = require("node:https");

exports.handler = async (event) => {
  const about = event.requestContext;
  if (about.eventType !== "MESSAGE") return { statusCode: 200 };
  const url = `https://${about.domainName}/${about.stage}/@connections/${encodeURIComponent(about.connectionId)}`;
  const now = new Date().toISOString().replace(/[-:]|\\.\\d{3}/g, "");
  const scope = `AKIAX/${now.slice(0, 8)}/us-east-1/execute-api/aws4_request`;
  const signature = `SignedHeaders=host;x-amz-date, Signature=${"0".repeat(64)}`;
  const headers = { authorization: `AWS4-HMAC-SHA256 Credential=${scope}, ${signature}`, "x-amz-date": now };
  await new Promise((resolve, reject) => {
    const call = https.request(url, { method: "POST", headers }, (answer) => { answer.resume(); answer.on("end", resolve); });
    call.on("error", reject);
    call.end(JSON.parse(event.body).say.toUpperCase());
  });
  return { statusCode: 200 };
};
"""

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Chat: {Type: AWS::ApiGatewayV2::Api, Properties: {Name: chat, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action}}
  Live: {Type: AWS::ApiGatewayV2::Stage, Properties: {ApiId: !Ref Chat, StageName: live, AutoDeploy: true}}
  Default: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref Chat, RouteKey: $default, Target: !Sub "integrations/${Lambda}"}}
  Lambda:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Chat
      IntegrationType: AWS_PROXY
      IntegrationUri: !Sub arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Talk.Arn}/invocations
  Talk: {Type: AWS::Serverless::Function, Properties: {CodeUri: talk/, Handler: app.handler, Runtime: RUNTIME, Timeout: 20}}
"""


@pytest.mark.parametrize(
    ("runtime", "file", "source"),
    [("python3.13", "app.py", CHAT), pytest.param("nodejs22.x", "app.js", NODE)],
)
def test_a_function_posts_to_its_client_by_the_domain_name_of_its_event(tmp_path, runtime, file, source):
    project = Project(tmp_path / "project")
    project.write(f"talk/{file}", source)
    project.write("template.yaml", TEMPLATE.replace("RUNTIME", runtime))
    with Local(project) as local:
        (api,) = local.ready["apis"]
        assert (api["type"], api["routes"]) == ("WEBSOCKET", [{"route": "$default", "target": "Talk"}])
        with websockets.sync.client.connect(api["url"]) as client:
            client.send(json.dumps({"say": "hello"}))
            assert client.recv(timeout=20) == "HELLO"


def test_connections_stay_while_template_and_code_change(tmp_path):
    project = Project(tmp_path / "project")
    project.write("talk/app.py", CHAT)
    project.write("template.yaml", TEMPLATE.replace("RUNTIME", "python3.13"))
    with Local(project) as local:
        (api,) = local.ready["apis"]
        with websockets.sync.client.connect(api["url"]) as client:
            project.edit("talk/app.py", "said.upper()", "said[::-1]")
            client.send(json.dumps({"say": "hello"}))
            assert client.recv(timeout=20) == "olleh"
            local.reloads(lambda: project.edit("template.yaml", "Timeout: 20", "Timeout: 21"))
            client.send(json.dumps({"say": "again"}))
            assert client.recv(timeout=20) == "niaga"
