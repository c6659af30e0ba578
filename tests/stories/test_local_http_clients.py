"""``tether local`` and those who ask it over HTTP: the polite, the slow and the broken."""

import base64
import http.server
import json
import socket
import subprocess
import threading
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from harness import Local, Project
from harness.surroundings import PATIENCE

ECHO = """
import json, pathlib, time

def handler(event, context):
    query = event.get("queryStringParameters") or {}
    if "wait" in query:
        while not pathlib.Path(query["wait"]).exists():
            time.sleep(0.005)
    if query.get("answer") == "malformed":
        return {"statusCode": "none"}
    if query.get("answer") == "length":
        return {"statusCode": 200, "body": str(len(event["body"]))}
    return {"statusCode": 200, "headers": {"X-OwN": "1"}, "body": json.dumps(event)}
"""

STREAM = """
import { existsSync } from "node:fs";
export const handler = awslambda.streamifyResponse(async (event, stream) => {
  const head = { statusCode: 202, headers: { "X-Streamed": "yes" }, cookies: ["a=b"] };
  stream = awslambda.HttpResponseStream.from(stream, head);
  stream.write("first ");
  while (!existsSync(event.queryStringParameters.wait)) {
    await new Promise((done) => setTimeout(done, 5));
  }
  stream.write("second");
  stream.end();
});
"""

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Web:
    Type: AWS::Serverless::HttpApi
    Properties:
      CorsConfiguration: {{AllowOrigins: ['https://example.com'], AllowMethods: [GET], AllowHeaders: [x-a]}}
      Auth:
        Authorizers:
          Tokens:
            IdentitySource: $request.header.Authorization
            JwtConfiguration: {{issuer: '{issuer}', audience: [app]}}
  Echo:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: echo/
      Handler: app.handler
      Runtime: python3.13
      Timeout: 30
      Events:
        Rest: {{Type: Api, Properties: {{Path: '/{{proxy+}}', Method: any}}}}
        Web: {{Type: HttpApi, Properties: {{ApiId: !Ref Web, Path: /echo, Method: any}}}}
        Slow: {{Type: HttpApi, Properties: {{ApiId: !Ref Web, Path: /slow, Method: get, TimeoutInMillis: 300}}}}
        Mine: {{Type: HttpApi, Properties: {{ApiId: !Ref Web, Path: /mine, Method: get, Auth: {{Authorizer: Tokens}}}}}}
  Stream:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: stream/
      Handler: app.handler
      Runtime: nodejs22.x
      FunctionUrlConfig: {{AuthType: NONE, InvokeMode: RESPONSE_STREAM}}
"""

REST, WEB, URL = "ServerlessRestApi", "Web", "StreamUrl"


class Issuer:
    """An issuer of tokens, as OpenID Connect has it."""

    def __init__(self):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = json.dumps(issuer.says(self.path)).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def says(self, path):
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.url, "jwks_uri": self.url + "/keys"}
        numbers = self.key.public_key().public_numbers()
        n, e = (encoded(it.to_bytes((it.bit_length() + 7) // 8)) for it in (numbers.n, numbers.e))
        return {"keys": [{"kty": "RSA", "kid": "one", "use": "sig", "n": n, "e": e}]}

    def token(self, **claims):
        claims = {"iss": self.url, "aud": "app", "exp": int(time.time()) + 600, **claims}
        parts = ({"alg": "RS256", "kid": "one"}, claims)
        signed = ".".join(encoded(json.dumps(it).encode()) for it in parts)
        signature = self.key.sign(signed.encode(), padding.PKCS1v15(), SHA256())
        return f"{signed}.{encoded(signature)}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def issuer():
    issuer = Issuer()
    yield issuer
    issuer.close()


@pytest.fixture(scope="module")
def local(tmp_path_factory, issuer):
    project = Project(tmp_path_factory.mktemp("clients") / "project")
    project.write("echo/app.py", ECHO)
    project.write("stream/app.mjs", STREAM)
    project.write("template.yaml", TEMPLATE.format(issuer=issuer.url))
    with Local(project) as local:
        yield local


def curl(*arguments, data=b""):
    command = ["curl", "--silent", "--show-error", "--max-time", str(PATIENCE), *arguments]
    return subprocess.run(command, input=data, capture_output=True, check=True, timeout=PATIENCE + 5).stdout


def connected(local, api):
    host, port = local.url(api).split("/")[2].split(":")
    connection = socket.create_connection((host, int(port)), timeout=PATIENCE)
    return connection


def said(connection):
    """All that comes until the server closes."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def test_curl_gets_what_the_function_sees_and_says(local):
    url = local.url(REST) + "/a%2Fb//c?q=%20&q=2"
    event = json.loads(curl(url, "-H", "tEsT-HEADeR: x", "-H", "x_und: y"))
    assert event["path"] == "/a%2Fb//c"
    assert event["headers"]["tEsT-HEADeR"] == "x" and event["headers"]["x_und"] == "y"
    assert event["multiValueQueryStringParameters"] == {"q": [" ", "2"]}
    head = curl("--head", url).decode()
    assert head.startswith("HTTP/1.1 200 OK\r\n") and "X-OwN: 1\r\n" in head and "x-amzn-RequestId: " in head
    old = curl("--http1.0", "--include", url).decode()
    assert "Connection: close\r\n" in old
    event = json.loads(curl("--json", '{"a": 1}', local.url(WEB) + "/echo"))
    assert (event["body"], event["isBase64Encoded"]) == ('{"a": 1}', False)


def test_curl_uploads_what_fits_and_is_told_what_does_not(local):
    url = local.url(REST) + "/upload?answer=length"
    # curl asks first whether it may send so much.
    four = b"x" * (4 << 20)
    assert curl("--data-binary", "@-", url, data=four) == str(len(four)).encode()
    chunked = ("--header", "Transfer-Encoding: chunked")
    assert curl(*chunked, "--data-binary", "@-", url, data=four) == str(len(four)).encode()
    for api, path in ((REST, "/upload"), (WEB, "/echo")):
        for expects in ((), ("--header", "Expect:"), chunked):
            data = b"x" * ((10 << 20) + 1)
            told = curl(
                *expects, "--data-binary", "@-", "--output", "/dev/null", "--write-out", "%{http_code}",
                local.url(api) + path, data=data,
            )
            assert told == b"413"
    assert "send it in parts" in local.wait_for_notice("10485760 bytes")


def test_a_request_that_comes_a_byte_at_a_time_is_answered(local):
    with connected(local, WEB) as connection:
        head = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n"
        for byte in head + b"Connection: close\r\n\r\nhi":
            connection.sendall(bytes([byte]))
            time.sleep(0.001)
        assert b'"body": "hi"' in said(connection)


def test_who_closes_its_half_still_gets_the_answer(local):
    with connected(local, WEB) as connection:
        connection.sendall(b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        assert said(connection).startswith(b"HTTP/1.1 200 OK\r\n")


def test_what_is_no_request_gets_an_answer_and_the_terminal_the_reason(local):
    headers = b"".join(b"x-%d: y\r\n" % it for it in range(10_001))
    for sent, status in (
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nno header\r\n\r\n", b"400"),
        (b"GET /echo HTTP/1.1\r\n\r\n", b"400"),
        (b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
        (b"GET /echo HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n", b"431"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"400"),
    ):
        with connected(local, WEB) as connection:
            connection.sendall(sent)
            answer = said(connection)
            assert answer.split(b" ")[1] == status, answer
            assert b"\r\nConnection: close\r\n" in answer
    for reason in ("is no HTTP/1.1", "too many or too long", "use http://, not https://"):
        local.wait_for_notice(reason)


def test_what_takes_too_long_is_given_up_and_told(local, tmp_path):
    wait = tmp_path / "go"
    answer = local.get(f"/slow?wait={wait}", api=WEB)
    wait.touch()
    assert answer.status == 504
    assert "0.3 s" in local.wait_for_notice("did not answer within")


def test_a_malformed_answer_is_named(local):
    answer = local.get("/x?answer=malformed", api=REST)
    assert (answer.status, json.loads(answer.body)) == (502, {"message": "Internal server error"})
    assert "statusCode" in local.wait_for_notice("ServerlessRestApi ANY /{proxy+}")


def test_browsers_are_told_by_the_gateway_itself(local):
    asks = {"Origin": "https://example.com", "Access-Control-Request-Method": "GET"}
    answer = local.request("OPTIONS", "/slow", headers=asks, api=WEB)
    assert answer.status == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "https://example.com"
    assert answer.headers["Access-Control-Allow-Headers"] == "x-a"
    answer = local.get("/echo", headers={"Origin": "https://example.com"}, api=WEB)
    assert answer.headers["Access-Control-Allow-Origin"] == "https://example.com"
    answer = local.get("/echo", headers={"Origin": "https://evil.example"}, api=WEB)
    assert answer.headers["Access-Control-Allow-Origin"] is None


def test_a_token_of_the_issuer_lets_in_and_no_other(local, issuer):
    def asked(token):
        return local.get("/mine", headers={"Authorization": f"Bearer {token}"}, api=WEB)

    answer = asked(issuer.token(sub="alice"))
    assert answer.status == 200
    claims = json.loads(answer.body)["requestContext"]["authorizer"]["jwt"]["claims"]
    assert claims["sub"] == "alice"
    for wrong, why in (
        (issuer.token(aud="other"), "audience"),
        (issuer.token(exp=1), "expired"),
        (issuer.token()[:-8] + "AAAAAAAA", "signature"),
    ):
        answer = asked(wrong)
        assert (answer.status, json.loads(answer.body)) == (401, {"message": "Unauthorized"})
        assert why in answer.headers["www-authenticate"]
    assert local.get("/mine", api=WEB).status == 401


def test_a_stream_arrives_while_it_is_written(local, tmp_path):
    wait = tmp_path / "go"
    with connected(local, URL) as connection:
        connection.sendall(f"GET /?wait={wait} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        begun = b""
        while b"first " not in begun:
            begun += connection.recv(65536)
        assert begun.startswith(b"HTTP/1.1 202 Accepted\r\n")
        lower = begun.lower()
        assert b"x-streamed: yes\r\n" in lower and b"set-cookie: a=b\r\n" in lower
        assert b"second" not in begun
        wait.touch()
        rest = said(connection)
        assert b"second" in rest and rest.endswith(b"0\r\n\r\n")


def test_ctrl_c_waits_for_no_client(tmp_path, issuer):
    project = Project(tmp_path / "project")
    project.write("echo/app.py", ECHO)
    project.write("stream/app.mjs", STREAM)
    project.write("template.yaml", TEMPLATE.format(issuer=issuer.url))
    with Local(project) as local:
        with connected(local, WEB) as idle, connected(local, WEB) as halfway, connected(local, REST) as silent:
            idle.sendall(b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n")
            assert idle.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
            halfway.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf")
            begun = time.monotonic()
            assert local.interrupt() == 0
            # A second for what is on its way, and the ends of processes.
            assert time.monotonic() - begun < 3
            assert said(silent) == b""
