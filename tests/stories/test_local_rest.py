"""REST APIs of ``tether local``: who may ask from where and how often, and what bodies come as."""

import gzip
import http.server
import json
import re
import ssl
import threading

import pytest
import trustme
from harness import Local, Project, tether
from harness.corporate import authority

ECHO = """
import json

def handler(event, context):
    return {"statusCode": 200, "body": json.dumps(event)}
"""

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: live
      Auth: {ResourcePolicy: {IpRangeWhitelist: [203.0.113.0/24]}}
  Echo:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: echo/
      Handler: app.handler
      Runtime: python3.13
      Events:
        Any: {Type: Api, Properties: {RestApiId: !Ref Api, Path: /echo, Method: any}}
"""
OFFICE = "203.0.113.0/24"


@pytest.fixture
def project(tmp_path):
    project = Project(tmp_path / "project")
    project.write("echo/app.py", ECHO)
    project.write("template.yaml", TEMPLATE)
    return project


def test_a_policy_for_the_office_refuses_a_laptop_and_says_what_to_do(project):
    with Local(project) as local:
        answer = local.get("/echo")
        assert answer.status == 403
        assert answer.headers["x-amzn-ErrorType"] == "AccessDeniedException"
        message = json.loads(answer.body)["Message"]
        assert re.fullmatch(
            r"User: anonymous is not authorized to perform: execute-api:Invoke on resource: "
            r"arn:aws:execute-api:[\w-]+:\*{8}\d{4}:\w+/live/GET/echo with an explicit deny",
            message,
        )
        told = local.wait_for_notice("resource policy")
        for part in ("Api ANY /echo", "aws:SourceIp", "127.0.0.1", "--disable-authorizer"):
            assert part in told
        # A saved policy counts as every saved template does.
        local.reloads(lambda: project.edit("template.yaml", OFFICE, "127.0.0.1/32"))
        assert local.get("/echo").status == 200


def test_disable_authorizer_leaves_policies_out(project):
    with Local(project, "--disable-authorizer") as local:
        assert local.get("/echo").status == 200


def test_what_only_a_vpc_may_do_is_said_by_name(project):
    project.edit("template.yaml", f"IpRangeWhitelist: [{OFFICE}]", "SourceVpcWhitelist: [vpce-1]")
    with Local(project) as local:
        told = local.wait_for_notice("aws:SourceVpce")
        assert "Api.Auth.ResourcePolicy" in told and "no request on this machine" in told
        assert local.get("/echo").status == 403
        assert "comes from a VPC" in local.wait_for_notice("statement 2 of the API's resource policy")
    strict = tether("local", "--port", "0", "--endpoint-port", "0", "--strict", cwd=project.folder)
    assert strict.code == 2
    assert "aws:SourceVpce" in strict.errors[0]


def test_a_policy_that_aws_would_refuse_is_an_error(project):
    statements = "CustomStatements: {Effect: Allow, Action: '*', Resource: '*'}"
    project.edit("template.yaml", f"IpRangeWhitelist: [{OFFICE}]", statements)
    process = tether("local", "--port", "0", "--endpoint-port", "0", cwd=project.folder)
    assert process.code != 0
    errors = "\n".join(process.errors)
    assert "its resource policy: statement 1 of the policy: it has no Principal" in errors


def test_a_compressed_body_is_read_before_the_function_sees_it(project):
    project.edit("template.yaml", OFFICE, "127.0.0.1")
    with Local(project) as local:
        headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
        answer = local.request("POST", "/echo", gzip.compress(b'{"name": "Ada"}'), headers)
        event = json.loads(answer.body)
        assert (event["body"], event["isBase64Encoded"]) == ('{"name": "Ada"}', False)
        assert event["headers"]["Content-Encoding"] == "gzip"
        answer = local.request("POST", "/echo", b"not gzip", headers)
        assert (answer.status, json.loads(answer.body)) == (
            415,
            {"message": "Unsupported Media Type"},
        )
        bomb = gzip.compress(bytes(50_000_000))
        assert len(bomb) < 100_000
        assert local.request("POST", "/echo", bomb, headers).status == 413


PLAN = """
  Plan:
    Type: AWS::ApiGateway::UsagePlan
    Properties:
      ApiStages: [{ApiId: !Ref Api, Stage: live, Throttle: {/echo/ANY: {BurstLimit: 2, RateLimit: 0.0001}}}]
  Key: {Type: AWS::ApiGateway::ApiKey, Properties: {Enabled: true, Value: a-key-of-twenty-letters}}
  Other: {Type: AWS::ApiGateway::ApiKey, Properties: {Enabled: true, Value: b-key-of-twenty-letters}}
  OfPlan: {Type: AWS::ApiGateway::UsagePlanKey, Properties: {KeyId: !Ref Key, KeyType: API_KEY, UsagePlanId: !Ref Plan}}
  OtherOfPlan: {Type: AWS::ApiGateway::UsagePlanKey, Properties: {KeyId: !Ref Other, KeyType: API_KEY, UsagePlanId: !Ref Plan}}
"""


def test_a_plan_limits_single_methods_for_each_key(project):
    policy = f"ResourcePolicy: {{IpRangeWhitelist: [{OFFICE}]}}"
    project.edit("template.yaml", policy, "ApiKeyRequired: true")
    project.write("template.yaml", (project.folder / "template.yaml").read_text() + PLAN)
    with Local(project) as local:
        asked = lambda key: local.get("/echo", headers={"x-api-key": key}).status  # noqa: E731
        key, other = "a-key-of-twenty-letters", "b-key-of-twenty-letters"
        assert [asked(key) for _ in range(3)] == [200, 200, 429]
        assert asked(other) == 200
        told = local.wait_for_notice("faster than Plan allows")
        assert "ANY /echo" in told and key not in told


PROXY = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: live
      DefinitionBody:
        swagger: '2.0'
        paths:
          /secure:
            get:
              x-amazon-apigateway-integration: {type: http_proxy, httpMethod: GET, uri: 'URL/secure'}
"""


class Backend:
    """A server with a certificate of an authority that only a file knows."""

    def __init__(self, made):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = f"over TLS: {self.path}".encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                """Whoever does not trust it hangs up: that is what a story is about."""

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.issue_cert("localhost").configure_cert(context)
        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def backend(tmp_path):
    made, path = authority(tmp_path)
    with Backend(made) as backend:
        backend.authority = str(path)
        yield backend


def _proxied(project, backend, file, host="localhost"):
    project.write("template.yaml", PROXY.replace("URL", f"https://{host}:{backend.port}"))
    return Local(project, variables={"SSL_CERT_FILE": file})


def test_a_backend_with_a_certificate_of_ones_own_is_trusted_by_ssl_cert_file(project, backend):
    with _proxied(project, backend, backend.authority) as local:
        answer = local.get("/secure")
        assert (answer.status, answer.body) == (200, b"over TLS: /secure")


def test_a_certificate_that_is_not_trusted_is_told_with_what_to_do(project, backend, tmp_path):
    with _proxied(project, backend, None) as local:
        assert local.get("/secure").status == 500
        told = local.wait_for_notice("signed by nobody who is trusted")
        assert f"localhost:{backend.port}" in told and "start with SSL_CERT_FILE=FILE" in told
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    with _proxied(project, backend, str(other)) as local:
        assert local.get("/secure").status == 500
        assert f"nobody in {other} (SSL_CERT_FILE)" in local.wait_for_notice("public authority")
    with _proxied(project, backend, backend.authority, host="127.0.0.1") as local:
        assert local.get("/secure").status == 500
        assert "is not for that name" in local.wait_for_notice("the certificate of 127.0.0.1")


def test_a_file_of_authorities_that_cannot_be_read_is_told(project, backend, tmp_path):
    for file, why in (("gone.pem", "cannot be read"), ("empty.pem", "there is no certificate")):
        path = tmp_path / file
        if file == "empty.pem":
            path.write_text("")
        with _proxied(project, backend, str(path)) as local:
            assert local.get("/secure").status == 500
            told = local.wait_for_notice(why)
            assert f"SSL_CERT_FILE names {path}" in told and "correct it, or unset it" in told
