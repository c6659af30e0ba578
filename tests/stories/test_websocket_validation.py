"""Messages of WebSocket APIs that are held against the models of their routes."""

import pytest
from harness import Local, tether
from harness.websocket_apis import api, ask, connect, event, integration, project_of


def model(name, **schema):
    properties = {
        "ApiId": {"Ref": "Chat"},
        "Name": name,
        "ContentType": "application/json",
        "Schema": {"type": "object", **schema},
    }
    return {f"Chat{name}": {"Type": "AWS::ApiGatewayV2::Model", "Properties": properties}}


def test_a_message_that_is_not_as_its_model_says_reaches_no_function(tmp_path):
    resources = api("Chat")
    resources["ChatDefault"]["Properties"] |= {
        "ModelSelectionExpression": "$request.body.kind",
        "RequestModels": {"text": "Text", "number": "Number"},
    }
    resources |= model("Text", required=["value"], properties={"value": {"type": "string"}})
    resources |= model("Number", properties={"value": {"type": "number", "maximum": 9}})
    with Local(project_of(tmp_path / "project", **resources)) as local, connect(local) as socket:
        good = {"route": "$default"}
        assert ask(socket, kind="text", value="x") == good
        assert ask(socket, kind="number", value=9) == good
        bad = ask(socket, kind="text")
        assert bad["message"] == "Bad request body"
        assert set(bad) == {"message", "connectionId", "messageId"}
        assert ask(socket, kind="number", value=10)["message"] == "Bad request body"
        local.wait_for_notice("Chat $default: the message does not hold against the model Number")
        # Nothing is meant for it, and there is no $default.
        assert ask(socket, kind="secret")["message"] == "Bad request body"
        said = local.wait_for_notice(
            'expression $request.body.kind selects none of ["number", "text"]'
        )
        assert "secret" not in said
        # It stays open, and the function has seen what held.
        assert ask(socket, kind="text", value="y") == good
        event(local, '\\"y\\"')
        seen = [line for line in local.log("Talk") if '"MESSAGE"' in line]
        assert len(seen) == 3


MOCK = {"IntegrationType": "MOCK", "RequestTemplates": {"$default": '{"statusCode":200}'}}


@pytest.mark.parametrize(
    ("resources", "said"),
    [
        (
            integration("Chat", "Odd", route={"ModelSelectionExpression": "$default"}, **MOCK),
            "ChatOdd: ModelSelectionExpression: $default is no variable",
        ),
        (
            integration("Chat", "Odd", TemplateSelectionExpression="${request.body.x", **MOCK),
            "ChatOddOwn: TemplateSelectionExpression: ${request.body.x is not closed",
        ),
        (
            integration(
                "Chat",
                "Odd",
                {
                    "IntegrationResponseKey": "$default",
                    "TemplateSelectionExpression": "$integration.response.body",
                },
                **MOCK,
            ),
            "ChatOddResponse0: TemplateSelectionExpression: $integration.response.body is no",
        ),
    ],
    ids=["model", "template", "response"],
)
def test_an_expression_that_no_message_can_fill_is_said_at_the_start(tmp_path, resources, said):
    project = project_of(tmp_path / "project", **api("Chat"), **resources)
    process = tether("local", "--port", "0", "--endpoint-port", "0", cwd=project.folder)
    assert process.code != 0
    assert said in "\n".join(process.errors)
