"""``tether local`` serves a template's working copy."""

import json
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import websockets.sync.client
from harness import Local, Project, tether
from harness.surroundings import ROOT, binary, environment

ECHO = """
import json, os

def handler(event, context):
    print("asked for", event.get("path"))
    return {"statusCode": 200, "body": json.dumps({"who": os.environ["WHO"], "path": event.get("path")})}
"""

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  Who: {Type: String, Default: nobody}
Resources:
  Table: {Type: AWS::Serverless::SimpleTable}
  Echo:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: echo/
      Handler: app.handler
      Runtime: python3.13
      Environment: {Variables: {WHO: !Ref Who, TABLE: !Ref Table}}
      Events:
        Get: {Type: Api, Properties: {Path: /echo, Method: get}}
Outputs:
  Url:
    Value: !Sub https://${ServerlessRestApi}.execute-api.${AWS::Region}.amazonaws.com/Prod/echo
"""


@pytest.fixture
def project(tmp_path):
    project = Project(tmp_path / "project")
    project.write("echo/app.py", ECHO)
    project.write("template.yaml", TEMPLATE)
    return project


def test_an_api_its_function_and_its_table_are_there_without_a_cloud(project):
    with Local(project) as local:
        answer = local.get("/echo")
        assert (answer.status, json.loads(answer.body)) == (200, {"who": "nobody", "path": "/echo"})
        (api,) = local.ready["apis"]
        assert (api["logicalId"], api["type"]) == ("ServerlessRestApi", "REST")
        assert api["routes"] == [{"route": "GET /echo", "target": "Echo"}]
        # The function by its own door.
        invoked = local.invoke("Echo", {"path": "/by/hand"}, LogType="Tail")
        assert json.loads(json.loads(invoked["Payload"])["body"])["path"] == "/by/hand"
        assert "asked for /by/hand" in invoked["LogResult"]
        assert "REPORT RequestId" in invoked["LogResult"]
        (table,) = local.client("dynamodb").list_tables()["TableNames"]
        assert table.startswith("local-Table-")
        # What a test asks CloudFormation for leads here, too.
        stack = local.client("cloudformation").describe_stacks(StackName="local")["Stacks"][0]
        (output,) = stack["Outputs"]
        assert output["OutputValue"] == local.url() + "/echo" == local.ready["outputs"]["Url"]


def test_a_saved_template_is_served_and_nonsense_is_told_while_the_last_good_one_goes_on(project):
    with Local(project) as local:
        url = local.url()
        local.reloads(lambda: project.edit("template.yaml", "Path: /echo", "Path: '/{id}/echo'"))
        assert local.url() == url
        assert local.get("/echo").status == 403
        assert json.loads(local.get("/7/echo").body)["path"] == "/7/echo"
        project.write("template.yaml", TEMPLATE.replace("Handler:", "Handle:"))
        refused = local.process.wait_for("notReloaded")
        assert "template.yaml:11:7: Echo.Handle: " in refused["message"]
        assert "Did you mean Handler?" in refused["message"]
        assert local.get("/7/echo").status == 200
        local.reloads(lambda: project.write("template.yaml", TEMPLATE))
        assert local.get("/echo").status == 200


def test_a_saved_file_that_the_template_includes_counts(project):
    project.write("nested.yaml", "Resources:\n  Table: {Type: AWS::Serverless::SimpleTable}\n")
    project.edit(
        "template.yaml",
        "  Table:",
        "  Nested: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: nested.yaml}}\n  Table:",
    )
    with Local(project) as local:
        assert len(local.client("dynamodb").list_tables()["TableNames"]) == 2
        one = "Resources:\n  One: {Type: AWS::Serverless::SimpleTable}\n"
        more = one + "  Two: {Type: AWS::Serverless::SimpleTable}\n"
        local.reloads(lambda: project.write("nested.yaml", more))
        assert len(local.client("dynamodb").list_tables()["TableNames"]) == 3


def test_what_runs_on_another_runtime_is_said_of_what_a_saved_template_adds_too(project):
    meant = "is meant for python3.99 and runs here on Python 3."
    project.edit("template.yaml", "python3.13", "python3.99")
    with Local(project) as local:
        local.wait_for_notice(f"Echo {meant}")
        more = (
            "  Added:\n    Type: AWS::Serverless::Function\n"
            "    Properties: {CodeUri: echo/, Handler: app.handler, Runtime: python3.99}\n"
        )
        local.reloads(lambda: project.edit("template.yaml", "Outputs:", more + "Outputs:"))
        local.wait_for_notice(f"Added {meant}")
        said = [it["message"] for it in local.process.events_of("notice")]
        # Of what was there before, it was said before.
        assert len([it for it in said if it.startswith(f"Echo {meant}")]) == 1


def test_saved_code_counts_in_the_next_request(project):
    with Local(project) as local:
        assert local.get("/echo").status == 200
        project.edit("echo/app.py", '"statusCode": 200', '"statusCode": 202')
        assert local.get("/echo").status == 202


def test_variables_and_parameters_come_from_where_sam_has_them(project):
    project.write("env.json", json.dumps({"Echo": {"WHO": "of env.json"}}))
    with Local(project, "--parameter-overrides", "Who=typed") as local:
        assert json.loads(local.get("/echo").body)["who"] == "typed"
    with Local(project, "--parameter-overrides", "ParameterKey=Who,ParameterValue=sam") as local:
        assert json.loads(local.get("/echo").body)["who"] == "sam"
    with Local(project, "--env-vars", "env.json") as local:
        assert json.loads(local.get("/echo").body)["who"] == "of env.json"
    project.write("env.json", json.dumps({"Parameters": {"WHO": "everybody"}}))
    project.write(
        "samconfig.toml",
        'version = 0.1\n[dev.local_start_api.parameters]\nenv_vars = "env.json"\nwarm_containers = "EAGER"\n',
    )
    with Local(project, "--config-env", "dev") as local:
        assert json.loads(local.get("/echo").body)["who"] == "everybody"
        assert "processes are kept warm" in local.wait_for_notice("--warm-containers")


def test_the_stack_is_called_what_samconfig_calls_it(project):
    project.write("samconfig.toml", 'version = 0.1\n[default.global.parameters]\nstack_name = "sam-app"\n')
    with Local(project) as local:
        assert local.ready["stack"] == "sam-app"
        (stack,) = local.client("cloudformation").describe_stacks(StackName="sam-app")["Stacks"]
        assert stack["StackStatus"] == "CREATE_COMPLETE"
        assert all(it["name"].startswith("sam-app-") for it in local.ready["functions"])
    with Local(project, "--stack-name", "typed") as local:
        assert local.ready["stack"] == "typed"


def test_flags_of_sams_containers_are_taken_and_explained(project):
    with Local(project, "--skip-pull-image", "--docker-network", "x", "--warm-containers", "LAZY") as local:
        for flag in ("--skip-pull-image", "--docker-network", "--warm-containers"):
            assert "has no effect" in local.wait_for_notice(flag)


def test_sams_words_are_understood(project):
    with Local(project, "start-api") as local:
        assert local.get("/echo").status == 200
    for word, instead in (("invoke", "tether invoke FUNCTION"), ("generate-event", "--generate-event")):
        process = tether("local", word, cwd=project.folder)
        assert process.code == 64
        assert instead in process.errors[0]


def two_free_ports():
    """Beside each other, below those that the system gives away."""
    for first in range(21000, 32000, 2):
        with socket.socket() as one, socket.socket() as other:
            try:
                one.bind(("127.0.0.1", first))
                other.bind(("127.0.0.1", first + 1))
            except OSError:
                continue
            return first
    raise AssertionError("no two ports are free")


def test_apis_have_ports_one_after_the_other_from_the_first(project, tmp_path):
    project.write(
        "template.yaml",
        TEMPLATE.replace(
            "  Echo:\n",
            "  Second: {Type: AWS::Serverless::HttpApi}\n  Echo:\n",
            1,
        ).replace(
            "Outputs:",
            "        Other: {Type: HttpApi, Properties: {ApiId: !Ref Second, Path: /other, Method: get}}\nOutputs:",
        ),
    )
    first = two_free_ports()
    with Local(project, "--port", str(first), "--endpoint-port", "0", ports=False) as local:
        ports = {it["logicalId"]: int(it["url"].split(":")[2].split("/")[0]) for it in local.ready["apis"]}
        assert sorted(ports.values()) == [first, first + 1]
        assert local.get("/other", api="Second").status == 200
    with Local(project, "--one-port") as local:
        urls = {it["url"] for it in local.ready["apis"]}
        assert len(urls) == 1
        (url,) = urls
        assert local.get("/other", api="Second").status == 200
        assert local.get("/echo", api="Second").status == 200
        assert local.ready["outputs"]["Url"] == url + "echo"


def test_a_port_that_is_taken_is_named_with_what_to_do(project):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        process = tether("local", "--port", port, "--endpoint-port", "0", cwd=project.folder)
        assert process.code == 2
        (line,) = process.errors
        assert port in line and "--port" in line
        process = tether("local", "--port", "0", "--endpoint-port", port, cwd=project.folder)
        assert process.code == 2
        (line,) = process.errors
        assert port in line and "--endpoint-port" in line


def test_ctrl_c_ends_it_within_a_second_with_every_process(project):
    with Local(project) as local:
        assert local.get("/echo").status == 200
        began = time.monotonic()
        assert local.interrupt() == 0
        assert time.monotonic() - began < 1
        local.process.leaves_nothing_behind()


def test_ctrl_c_counts_from_the_first_moment_on(project):
    for _ in range(5):
        with Local(project) as local:
            assert local.interrupt() == 0


def test_ctrl_c_does_not_wait_for_a_function_that_is_busy(project):
    project.write(
        "echo/app.py",
        """
import time

def handler(event, context):
    print("busy")
    time.sleep(60)
""",
    )
    project.edit("template.yaml", "      Runtime: python3.13\n", "      Runtime: python3.13\n      Timeout: 60\n")
    with Local(project) as local, ThreadPoolExecutor(1) as callers:
        asked = callers.submit(lambda: local.get("/echo"))
        local.process.wait_for("log", line="busy")
        began = time.monotonic()
        assert local.interrupt() == 0
        assert time.monotonic() - began < 1.5
        local.process.leaves_nothing_behind()
        # Its caller hears of an error, or of nothing.
        assert asked.exception() or asked.result().status >= 500


def test_functions_reach_each_other_and_their_tables(project):
    project.write(
        "caller/app.py",
        """
import boto3, json, os

def handler(event, context):
    boto3.client("dynamodb").put_item(TableName=os.environ["TABLE"], Item={"id": {"S": "1"}})
    answer = boto3.client("lambda").invoke(FunctionName=os.environ["OTHER"], Payload=json.dumps({"path": "inner"}))
    return json.loads(answer["Payload"].read())["body"]
""",
    )
    project.edit(
        "template.yaml",
        "Outputs:",
        """  Caller:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: caller/
      Handler: app.handler
      Runtime: python3.13
      Timeout: 30
      Environment: {Variables: {OTHER: !Ref Echo, TABLE: !Ref Table}}
Outputs:""",
    )
    with Local(project) as local:
        answer = local.invoke("Caller")
        assert "FunctionError" not in answer, answer["Payload"]
        assert json.loads(json.loads(answer["Payload"]))["path"] == "inner"
        (table,) = local.client("dynamodb").list_tables()["TableNames"]
        assert local.client("dynamodb").scan(TableName=table)["Count"] == 1


def test_parallel_requests_run_in_parallel(project):
    project.write(
        "echo/app.py",
        """
import os, time

def handler(event, context):
    time.sleep(1)
    return {"statusCode": 200, "body": str(os.getpid())}
""",
    )
    with Local(project) as local:
        with ThreadPoolExecutor(4) as callers:
            began = time.monotonic()
            pids = {it.body for it in callers.map(lambda _: local.get("/echo"), range(4))}
        assert len(pids) == 4
        assert time.monotonic() - began < 4


def test_the_example_has_an_api_of_each_kind(tmp_path):
    project = Project.copy(ROOT / "examples" / "hello-apis", tmp_path / "project")
    with Local(project, "--strict") as local:
        for api in ("ServerlessRestApi", "ServerlessHttpApi"):
            answer = local.get("/hello/Ada", api=api)
            assert json.loads(answer.body) == {"message": "Hello, Ada!"}
        with websockets.sync.client.connect(local.url("Chat")) as client:
            client.send(json.dumps({"action": "shout", "text": "hello"}))
            assert client.recv(timeout=20) == "HELLO"


def test_strict_refuses_what_does_not_work_here(project):
    project.edit("template.yaml", "  Table:", "  Topic: {Type: AWS::SNS::Topic}\n  Table:")
    process = tether("local", "--port", "0", "--endpoint-port", "0", "--strict", cwd=project.folder)
    assert process.code == 2
    assert "template.yaml:6:3: Topic: AWS::SNS::Topic" in process.errors[0]
    with Local(project) as local:
        assert "AWS::SNS::Topic" in local.wait_for_notice("Topic")


def test_the_table_at_the_start_says_what_is_where(project):
    command = [binary(), "local", "--port", "0", "--endpoint-port", "0"]
    served = subprocess.Popen(
        command, cwd=project.folder, env=environment(), stderr=subprocess.PIPE, text=True
    )
    try:
        lines = []
        for line in served.stderr:
            lines.append(line.rstrip())
            if line.startswith("ready"):
                break
    finally:
        served.send_signal(signal.SIGINT)
        served.wait(10)
        served.stderr.close()
    text = "\n".join(lines)
    assert "ServerlessRestApi REST http://127.0.0.1:" in text
    assert "GET /echo  → Echo" in text
    assert "Lambda, DynamoDB and CloudFormation are here: http://127.0.0.1:" in text
    assert "\x1b" not in text
