"""Mapping templates of WebSocket APIs: what they make of a message, and of what comes back."""

import http.server
import json
import threading

import pytest
from harness import Local
from harness.surroundings import PATIENCE
from harness.websocket_apis import FUNCTION, api, ask, connect, integration, project_of, refused

OWN = """
def handler(event, context):
    if event.get("fail"):
        raise ValueError("denied: " + event["fail"])
    return {"got": event}
"""

MOCK = {"IntegrationType": "MOCK"}

GREET = """#set($names = $input.path('$.names'))
#if($names.size() > 0)
{"statusCode": 200, "all": "#foreach($name in $names)$name.toUpperCase()#if($foreach.hasNext), #end#end"}
#else
{"statusCode": 422}
#end
"""

GREETED = """{
  "hello": "$input.path('$.all')",
  "color": "$stageVariables.color",
  "route": "$context.routeKey",
  "type": "$context.eventType"
}"""

LET_IN = "#if($input.params('who') == 'ann'){\"statusCode\": 200}#else{\"statusCode\": 403}#end"


class Backend(http.server.BaseHTTPRequestHandler):
    """Tells what it was sent; with the status that the path says."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        answer = {"path": self.path, "room": self.headers["Room"], "got": json.loads(body)}
        answer = json.dumps(answer).encode()
        self.send_response(int(self.path.split("?")[0].strip("/")))
        self.send_header("Content-Length", str(len(answer)))
        self.send_header("Kind", "loud")
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def backend():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def mocks():
    """Routes that nothing but templates answer."""
    return {
        **integration(
            "Chat",
            "Greet",
            {"IntegrationResponseKey": "/2\\d\\d/", "ResponseTemplates": {"$default": GREETED}},
            {
                "IntegrationResponseKey": "$default",
                "ResponseTemplates": {"$default": '{"refused": $context.status}'},
            },
            **MOCK,
            TemplateSelectionExpression="\\$default",
            RequestTemplates={"$default": GREET},
        ),
        **integration(
            "Chat", "Broken", **MOCK, RequestTemplates={"$default": "{\n$util.nothing(1)}"}
        ),
        **integration(
            "Chat",
            "Never",
            **MOCK,
            PassthroughBehavior="NEVER",
            TemplateSelectionExpression="$request.body.kind",
            RequestTemplates={"known": '{"statusCode": 200}'},
        ),
        **integration(
            "Chat",
            "Enter",
            route={"RouteKey": "$connect"},
            **MOCK,
            RequestTemplates={"$default": LET_IN},
        ),
    }


def functions_and_backends(backend):
    uri = "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Own.Arn}/invocations"
    text = {"$default": '{"error": $input.json(\'$.errorMessage\')}'}
    by_header = {"loud": '{"loud": $input.json(\'$.got\'), "at": "$input.path(\'$.path\')"}'}
    return {
        **integration(
            "Chat",
            "Own",
            {"IntegrationResponseKey": "/denied: .*/", "ResponseTemplates": text},
            {"IntegrationResponseKey": "$default"},
            IntegrationType="AWS",
            IntegrationUri={"Fn::Sub": uri},
        ),
        **integration(
            "Chat",
            "Send",
            {
                "IntegrationResponseKey": "/4../",
                "TemplateSelectionExpression": "${integration.response.statuscode}",
                "ResponseTemplates": {"404": '{"missing": true}'},
            },
            {
                "IntegrationResponseKey": "$default",
                "TemplateSelectionExpression": "$integration.response.header.Kind",
                "ResponseTemplates": by_header,
            },
            IntegrationType="HTTP",
            IntegrationMethod="POST",
            IntegrationUri="http://${stageVariables.backend}/{status}",
            RequestParameters={
                "integration.request.path.status": "route.request.body.status",
                "integration.request.querystring.id": "route.request.body.id",
                "integration.request.header.Room": "context.routeKey",
            },
            TemplateSelectionExpression="\\$default",
            RequestTemplates={"$default": '{"said": "$util.escapeJavaScript($input.path(\'$.text\'))"}'},
        ),
        "ChatLive": {
            "Type": "AWS::ApiGatewayV2::Stage",
            "Properties": {
                "ApiId": {"Ref": "Chat"},
                "StageName": "live",
                "StageVariables": {"color": "blue", "backend": backend},
            },
        },
    }


@pytest.fixture(scope="module")
def chat(tmp_path_factory, backend):
    resources = api("Chat") | mocks() | functions_and_backends(backend)
    del resources["ChatConnect"]
    own = json.loads(json.dumps(FUNCTION).replace("talk/", "own/"))
    folder = tmp_path_factory.mktemp("templates") / "project"
    project = project_of(folder, Own=own, **resources)
    project.write("own/app.py", OWN)
    with Local(project) as local:
        yield local


def enter(chat):
    return connect(chat, query="?who=ann")


def test_a_mock_computes_its_answer_from_the_message(chat):
    with enter(chat) as socket:
        answer = ask(socket, action="greet", names=["Ann", "Bo"])
        assert answer == {"hello": "ANN, BO", "color": "blue", "route": "greet", "type": "MESSAGE"}
        assert ask(socket, action="greet", names=[]) == {"refused": 422}


def test_a_mock_decides_who_is_let_in_by_the_handshakes_parameters(chat):
    with pytest.raises(Exception, match="HTTP 403"):
        connect(chat, query="?who=bo")
    with enter(chat) as socket:
        assert ask(socket, action="other") == {"route": "$default"}


def test_a_template_that_fails_is_an_error_frame_and_its_line_is_told(chat):
    with enter(chat) as socket:
        frame = ask(socket, action="broken")
        assert frame["message"] == "Internal server error"
        assert set(frame) == {"message", "connectionId", "requestId"}
        chat.wait_for_notice(
            'Chat broken: ChatBrokenOwn: the request template "$default" fails: '
            "line 2 of the mapping template: $util has no method nothing"
        )


def test_a_message_without_a_template_does_not_pass_where_nothing_may(chat):
    with enter(chat) as socket:
        socket.send(json.dumps({"action": "never", "kind": "known"}))
        assert ask(socket, action="never", kind="secret")["message"] == "Unsupported Media Type"
        said = chat.wait_for_notice('selects none of ["known"], there is no $default')
        assert "secret" not in said


def test_a_functions_error_chooses_what_goes_back(chat):
    with enter(chat) as socket:
        message = {"action": "own", "n": 1}
        assert ask(socket, **message) == {"got": message}
        assert ask(socket, action="own", fail="no Ann") == {"error": "denied: no Ann"}


def test_a_backend_gets_what_is_mapped_and_its_status_chooses_what_goes_back(chat):
    with enter(chat) as socket:
        message = {"action": "send", "status": 201, "id": "a b", "text": 'so "it" is'}
        answer = ask(socket, **message)
        assert answer == {"loud": {"said": 'so "it" is'}, "at": "/201?id=a%20b"}
        assert ask(socket, **{**message, "status": 404}) == {"missing": True}
        # A template that the expression does not select: the answer goes as it came.
        other = ask(socket, **{**message, "status": 409})
        assert other["path"] == "/409?id=a%20b" and other["room"] == "send"


def test_a_message_that_is_no_json_reaches_no_function_that_takes_nothing_else(tmp_path):
    uri = "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Talk.Arn}/invocations"
    aws = {"IntegrationType": "AWS", "IntegrationUri": {"Fn::Sub": uri}}
    resources = api("Chat")
    del resources["ChatDefault"], resources["ChatAnswers"]
    resources |= integration("Chat", "Plain", route={"RouteKey": "$default"}, **aws)
    with Local(project_of(tmp_path / "project", **resources)) as local, connect(local) as socket:
        socket.send("hello")
        frame = json.loads(socket.recv(timeout=PATIENCE))
        assert frame["message"] == "Internal server error"
        local.wait_for_notice("no JSON, and the function takes nothing else")


def test_a_connect_whose_template_gives_no_status_is_500(tmp_path):
    resources = api("Chat")
    del resources["ChatConnect"]
    route = {"RouteKey": "$connect"}
    templates = {"$default": '{"status": 200}'}
    resources |= integration("Chat", "Enter", route=route, **MOCK, RequestTemplates=templates)
    with Local(project_of(tmp_path / "project", **resources)) as local:
        assert refused(local) == (500, "Internal server error")
        local.wait_for_notice("gives no statusCode")
