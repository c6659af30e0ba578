"""Puts the function and its API into MiniStack, when that is there: PORT, FOLDER.

It is started before MiniStack, so that loading boto3 is no part of what is measured. The path
of the API goes to the file that is named third.
"""

import io
import pathlib
import socket
import sys
import time
import zipfile

import boto3

port, folder, path = int(sys.argv[1]), pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
session = boto3.Session("test", "test", region_name="us-east-1")
endpoint = f"http://127.0.0.1:{port}"
functions = session.client("lambda", endpoint_url=endpoint)
apis = session.client("apigatewayv2", endpoint_url=endpoint)
code = io.BytesIO()
with zipfile.ZipFile(code, "w") as archive:
    archive.write(folder / "app.py", "app.py")
(path.parent / "loaded").touch()

while True:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
        break
    except ConnectionRefusedError:
        time.sleep(0.005)

function = functions.create_function(
    FunctionName="hello",
    Runtime="python3.13",
    Role="arn:aws:iam::000000000000:role/hello",
    Handler="app.handler",
    Code={"ZipFile": code.getvalue()},
)
api = apis.create_api(Name="hello", ProtocolType="HTTP")["ApiId"]
integration = apis.create_integration(
    ApiId=api,
    IntegrationType="AWS_PROXY",
    IntegrationUri=function["FunctionArn"],
    PayloadFormatVersion="2.0",
)
apis.create_route(
    ApiId=api, RouteKey="GET /hello", Target=f"integrations/{integration['IntegrationId']}"
)
apis.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
beside = path.with_suffix(".writing")
beside.write_text(f"/_aws/execute-api/{api}/$default/hello")
beside.rename(path)
