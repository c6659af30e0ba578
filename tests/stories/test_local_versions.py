"""Versions and aliases under ``tether local``: what SAM publishes of a function with
``AutoPublishAlias`` is there, and what invokes the function by an event invokes the alias."""

import json
import os

import pytest
import websockets.sync.client
from harness import Local, Project

TELLS = """
import json, os

def handler(event, context):
    told = {
        "arn": context.invoked_function_arn,
        "version": context.function_version,
        "variable": os.environ["AWS_LAMBDA_FUNCTION_VERSION"],
        "stream": os.environ["AWS_LAMBDA_LOG_STREAM_NAME"],
        "who": os.environ.get("WHO"),
        "pid": os.getpid(),
    }
    return {"statusCode": 200, "body": json.dumps(told)} if "requestContext" in event else told
"""

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage: {Type: String, Default: live}
Globals:
  Function: {Runtime: python3.13, Handler: app.handler}
Resources:
  Tells:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: tells/
      AutoPublishAlias: !Ref Stage
      VersionDescription: the first
      Timeout: 3
      Environment: {Variables: {WHO: one}}
      FunctionUrlConfig: {AuthType: NONE}
      Events:
        Rest: {Type: Api, Properties: {Path: /rest, Method: get}}
        Http: {Type: HttpApi, Properties: {Path: /http, Method: get}}
  Plain:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: tells/
      Events:
        Rest: {Type: Api, Properties: {Path: /plain, Method: get}}
Outputs:
  Alias: {Value: !Ref Tells.Alias}
  Version: {Value: !Ref Tells.Version}
  Number: {Value: !GetAtt Tells.Version.Version}
  Named: {Value: !Sub 'to ${Tells.Alias}'}
"""


@pytest.fixture
def project(tmp_path):
    project = Project(tmp_path / "project")
    project.write("tells/app.py", TELLS)
    project.write("template.yaml", TEMPLATE)
    return project


def told(local, path, api):
    answer = local.get(path, api=api)
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_routes_invoke_the_alias_that_is_published(project):
    with Local(project) as local:
        name = local.function("Tells")
        for path, api in [
            ("/rest", "ServerlessRestApi"),
            ("/http", "ServerlessHttpApi"),
            ("/", "TellsUrl"),
        ]:
            seen = told(local, path, api)
            assert seen["arn"].endswith(f":function:{name}:live"), api
            assert (seen["version"], seen["variable"]) == ("1", "1")
            assert "/[1]" in seen["stream"]
        plain = told(local, "/plain", "ServerlessRestApi")
        assert plain["arn"].endswith(f":function:{local.function('Plain')}")
        assert plain["version"] == "$LATEST"
        routes = [it["routes"] for it in local.ready["apis"] if it["type"] == "REST"][0]
        assert {"route": "GET /rest", "target": "Tells"} in routes
        # The log of Lambda says which version ran.
        assert any("Version: 1" in line for line in local.log("Tells"))


def test_the_lambda_api_knows_versions_and_aliases(project):
    with Local(project) as local:
        name, aws = local.function("Tells"), local.client("lambda")
        alias = aws.get_alias(FunctionName=name, Name="live")
        assert alias["FunctionVersion"] == "1"
        assert alias["AliasArn"].endswith(f":function:{name}:live")
        (listed,) = aws.list_aliases(FunctionName=name)["Aliases"]
        assert listed["Name"] == "live"
        versions = aws.list_versions_by_function(FunctionName=name)["Versions"]
        assert [it["Version"] for it in versions] == ["$LATEST", "1"]
        assert versions[1]["Description"] == "the first"
        for qualifier, version in [("live", "1"), ("1", "1"), ("$LATEST", "$LATEST")]:
            answer = local.invoke("Tells", Qualifier=qualifier)
            seen = json.loads(answer["Payload"])
            assert answer["ExecutedVersion"] == version
            assert seen["version"] == seen["variable"] == version
            assert seen["arn"].endswith(f":function:{name}:{qualifier}")
        assert json.loads(local.invoke("Tells")["Payload"])["arn"].endswith(f":function:{name}")
        with pytest.raises(aws.exceptions.ResourceNotFoundException):
            local.invoke("Tells", Qualifier="2")
        # As on Lambda, versions have environments of their own.
        pids = {
            qualifier: json.loads(local.invoke("Tells", Qualifier=qualifier)["Payload"])["pid"]
            for qualifier in ("1", "$LATEST", "live")
        }
        assert pids["1"] == pids["live"] != pids["$LATEST"]


def test_a_template_names_versions_and_aliases(project):
    with Local(project, "--parameter-overrides", "Stage=prod") as local:
        name, outputs = local.function("Tells"), local.ready["outputs"]
        assert outputs["Alias"].endswith(f":function:{name}:prod")
        assert outputs["Version"].endswith(f":function:{name}:1")
        assert outputs["Number"] == "1"
        assert outputs["Named"] == f"to {outputs['Alias']}"
        resources = local.client("cloudformation").list_stack_resources(StackName="local")
        kinds = {
            it["LogicalResourceId"]: (it["ResourceType"], it["PhysicalResourceId"])
            for it in resources["StackResourceSummaries"]
        }
        assert kinds["TellsAliasprod"] == ("AWS::Lambda::Alias", outputs["Alias"])
        (version,) = [it for it in kinds if it.startswith("TellsVersion")]
        assert kinds[version] == ("AWS::Lambda::Version", outputs["Version"])


def test_container_images_are_left_out_with_all_that_is_published_of_them(project):
    worker = """  Worker:
    Type: AWS::Serverless::Function
    Properties:
      PackageType: Image
      ImageUri: example/worker:1
      AutoPublishAlias: live
      EventInvokeConfig: {MaximumRetryAttempts: 0}
      Events:
        Rest: {Type: Api, Properties: {Path: /worker, Method: get}}
  Allowed:
    Type: AWS::Lambda::Permission
    Properties:
      Action: lambda:InvokeFunction
      FunctionName: !GetAtt Worker.Arn
      Principal: events.amazonaws.com
"""
    # Globals are for packages only.
    own = "      Runtime: python3.13\n      Handler: app.handler\n      CodeUri: tells/\n"
    text = project.template.read_text().replace("      CodeUri: tells/\n", own)
    text = text.replace("Globals:\n  Function: {Runtime: python3.13, Handler: app.handler}\n", "")
    project.write("template.yaml", text.replace("Outputs:", worker + "Outputs:"))
    with Local(project) as local:
        local.wait_for_notice("container images are not emulated")
        assert told(local, "/rest", "ServerlessRestApi")["version"] == "1"
        resources = local.client("cloudformation").list_stack_resources(StackName="local")
        ids = [it["LogicalResourceId"] for it in resources["StackResourceSummaries"]]
        worker = [it for it in ids if it.startswith("Worker") and "Role" not in it]
        assert worker == ["Worker"] and "Allowed" not in ids
        # Nor is it in the way of what is saved.
        local.reloads(lambda: project.edit("template.yaml", "worker:1", "worker:2"))
        assert told(local, "/rest", "ServerlessRestApi")["version"] == "1"


def test_each_version_runs_the_working_copy_whatever_is_saved(project):
    with Local(project) as local:
        # What is saved counts in the next request, by its alias and by its number.
        project.edit("tells/app.py", '"who":', '"saved": True, "who":')
        assert told(local, "/rest", "ServerlessRestApi")["saved"] is True
        assert json.loads(local.invoke("Tells", Qualifier="1")["Payload"])["saved"] is True
        seen = json.loads(local.invoke("Tells")["Payload"])
        assert (seen["saved"], seen["variable"]) == (True, "$LATEST")

        # Another timeout publishes nothing, and all versions have it.
        local.reloads(lambda: project.edit("template.yaml", "Timeout: 3", "Timeout: 7"))
        aws, name = local.client("lambda"), local.function("Tells")
        shown = aws.get_function_configuration(FunctionName=name, Qualifier="live")
        assert (shown["Timeout"], shown["Version"]) == (7, "1")
        assert shown["Description"] == "the first"

        # Other variables do, as SAM has it; the one before runs the working copy, too.
        local.reloads(lambda: project.edit("template.yaml", "WHO: one", "WHO: two"))
        assert aws.get_alias(FunctionName=name, Name="live")["FunctionVersion"] == "2"
        seen = told(local, "/rest", "ServerlessRestApi")
        assert (seen["version"], seen["variable"], seen["who"]) == ("2", "2", "two")
        before = json.loads(local.invoke("Tells", Qualifier="1")["Payload"])
        assert (before["version"], before["who"]) == ("1", "two")

        # Another description is another version, and no reason to stop serving; no
        # process waits for the one before.
        pid = seen["pid"]
        local.reloads(lambda: project.edit("template.yaml", "the first", "the third"))
        local.process.wait_until(lambda: not alive(pid), "the end of the version before")
        assert told(local, "/http", "ServerlessHttpApi")["version"] == "3"


def test_a_websocket_api_invokes_the_alias_that_its_template_names(project):
    routes = """  Chat:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      Routes:
        $default: {FunctionArn: !Ref Tells.Alias, RouteResponseSelectionExpression: $default}
"""
    project.edit("template.yaml", "Outputs:", routes + "Outputs:")
    project.edit("tells/app.py", "return {", "print(json.dumps(told)); return {")
    with Local(project) as local:
        with websockets.sync.client.connect(local.url("Chat")) as connection:
            connection.send("{}")
            seen = local.process.wait_until(
                lambda: [it for it in local.log("Tells") if it.startswith('{"arn"')], "the event"
            )
        assert json.loads(seen[0])["arn"].endswith(":live")
        assert json.loads(seen[0])["version"] == "1"


def test_under_a_debugger_one_process_runs_all_versions(project):
    with Local(project, "--debug", "--debug-port", "0") as local:
        first = told(local, "/rest", "ServerlessRestApi")
        latest = json.loads(local.invoke("Tells")["Payload"])
        assert first["arn"].endswith(":live") and latest["pid"] == first["pid"]


def test_an_alias_that_comes_and_goes_is_invoked_while_it_is_there(project):
    with Local(project) as local:
        there = "      AutoPublishAlias: !Ref Stage\n      VersionDescription: the first\n"
        named = project.template.read_text().split("Outputs:")[0]
        local.reloads(lambda: project.write("template.yaml", named.replace(there, "")))
        assert told(local, "/rest", "ServerlessRestApi")["version"] == "$LATEST"
        aws, name = local.client("lambda"), local.function("Tells")
        assert aws.list_aliases(FunctionName=name)["Aliases"] == []
        local.reloads(lambda: project.write("template.yaml", named))
        # The version before has stayed, as SAM wants it.
        assert told(local, "/rest", "ServerlessRestApi")["version"] == "2"


def test_an_alias_that_is_no_text_is_refused(project):
    with Local(project) as local:
        project.edit("template.yaml", "AutoPublishAlias: !Ref Stage", "AutoPublishAlias: !Ref Plain")
        refused = local.process.wait_for("notReloaded")
        assert "Tells.AutoPublishAlias: it must be text or a Ref to a parameter" in refused["message"]
        assert told(local, "/rest", "ServerlessRestApi")["version"] == "1"
