"""``tether invoke`` for the working copy: what it takes, what the function finds, what comes out."""

import base64
import json
import re
import signal
import subprocess

import pytest
from harness import Process, Project, tether
from harness.surroundings import PATIENCE, binary, environment

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"

WORLD = """
import os, time

def handler(event, context):
    names = event.get("variables", [])
    client = context.client_context
    return {
        "variables": {name: os.environ.get(name) for name in names},
        "id": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb,
        "stream": context.log_stream_name,
        "group": context.log_group_name,
        "left": context.get_remaining_time_in_millis(),
        "client": client and client.custom,
        "identity": context.identity.cognito_identity_id,
    }
"""

AWKWARD = """
import json

def down(depth):
    return down(depth - 1) if depth else 1 / 0

def handler(event, context):
    if "bytes" in event:
        return bytes.fromhex(event["bytes"])
    if "depth" in event:
        return down(event["depth"])
    if "length" in event:
        return "x" * event["length"]
    if "code_point" in event:
        return chr(event["code_point"])
    return len(json.dumps(event))
"""


def raw(project, *arguments, stdin=b"", **variables):
    """The bytes of both streams, and the exit code."""
    done = subprocess.run(
        [binary(), "invoke", *arguments],
        cwd=project.folder,
        env=environment(**variables),
        input=stdin,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.stdout, done.stderr.decode(), done.returncode


def answer(project, *arguments, event=None, **variables):
    process = tether(
        "invoke", *arguments, cwd=project.folder, stdin=json.dumps(event or {}), **variables
    )
    assert process.code == 0, process.stderr
    (line,) = process.stdout
    return json.loads(line), process


def project_of(tmp_path, source, **more):
    return Project.of(tmp_path / "project", {"Subject": source}, **more)


def template(project, resources, parameters=None):
    whole = {"Transform": "AWS::Serverless-2016-10-31", "Resources": resources}
    if parameters:
        whole["Parameters"] = parameters
    project.write("template.yaml", json.dumps(whole))


# ---- which function, and which event


def test_a_templates_only_function_need_not_be_named_and_one_of_two_must(tmp_path):
    project = project_of(tmp_path, AWKWARD)
    assert answer(project, event={"a": 1})[0] == len('{"a": 1}')
    two = Project.of(tmp_path / "two", {"One": AWKWARD, "Two": AWKWARD})
    process = tether("invoke", cwd=two.folder, stdin="{}")
    assert process.code == 64
    assert process.errors == ["which function? template.yaml has One, Two"]
    process = tether("invoke", "one", cwd=two.folder, stdin="{}")
    assert process.code == 2
    (line,) = process.errors
    assert line.endswith("has no function one: it has One, Two. Did you mean One?")


def test_a_function_is_found_by_its_name_on_lambda(tmp_path):
    project = project_of(tmp_path, WORLD)
    project.edit("template.yaml", '"CodeUri"', '"FunctionName": "subject-prod", "CodeUri"')
    found, _ = answer(project, "subject-prod")
    assert found["arn"] == "arn:aws:lambda:us-east-1:000000000000:function:subject-prod"
    assert found["group"] == "/aws/lambda/subject-prod"


def test_without_an_event_it_is_an_empty_object(tmp_path):
    project = project_of(tmp_path, AWKWARD)
    assert raw(project, "--no-event", stdin=b'{"a": 1}')[0] == b"2"
    assert raw(project)[0] == b"2"
    assert raw(project, "-e", "-", stdin=b" \n")[0] == b"2"


def test_ctrl_c_while_an_event_is_typed_ends_it(tmp_path):
    project = project_of(tmp_path, AWKWARD)
    process = subprocess.Popen(
        [binary(), "invoke", "--event", "-"],
        cwd=project.folder,
        env=environment(),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        process.stdin.write(b"{")
        process.stdin.flush()
        # It listens before it reads.
        _until_it_catches(process.pid, signal.SIGINT)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 2
        assert b"ended before there was an answer" in process.stderr.read()
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stderr.close()


def _until_it_catches(pid, number):
    """Its signal handler is there."""
    while True:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            (caught,) = [line.split()[1] for line in status if line.startswith("SigCgt:")]
        if int(caught, 16) >> (number - 1) & 1:
            return


# ---- what the function finds


def test_the_context_has_lambdas_form(tmp_path):
    project = project_of(tmp_path, WORLD, timeout=7)
    context = json.dumps({"custom": {"who": "Ada ü😀"}})
    wanted = ["AWS_EXECUTION_ENV", "TZ", "_X_AMZN_TRACE_ID", "AWS_REGION", "AWS_DEFAULT_REGION"]
    found, _ = answer(project, "--client-context", context, event={"variables": wanted})
    assert re.fullmatch(UUID, found["id"])
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", found["stream"])
    assert found["memory"] == "128"
    assert 5000 < found["left"] <= 7000
    assert found["client"] == {"who": "Ada ü😀"}
    assert found["identity"] is None
    variables = found["variables"]
    assert re.fullmatch(
        r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0",
        variables.pop("_X_AMZN_TRACE_ID"),
    )
    assert variables == {
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "TZ": ":UTC",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    again, _ = answer(project, "--region", "eu-west-1")
    assert again["id"] != found["id"]
    assert again["arn"].startswith("arn:aws:lambda:eu-west-1:")


def test_the_functions_time_begins_when_it_has_started(tmp_path):
    """A second for the import, and a second for the event."""
    project = project_of(tmp_path, WORLD + "time.sleep(1.1)\n", timeout=1)
    found, _ = answer(project)
    assert 0 < found["left"] <= 1000


def test_the_time_can_be_another(tmp_path):
    project = project_of(tmp_path, WORLD, timeout=3)
    found, _ = answer(project, "--timeout", "60")
    assert 50_000 < found["left"] <= 60_000
    process = tether("invoke", "--timeout", "901", cwd=project.folder, stdin="{}")
    assert process.code == 64


def test_env_vars_are_those_of_sam(tmp_path):
    project = project_of(tmp_path, WORLD, TABLE="template", STAGE="template")
    project.write(
        "env.json",
        json.dumps(
            {
                "Parameters": {"TABLE": "everybody's", "STAGE": "everybody's", "NEVER": "declared"},
                "Subject": {"STAGE": "own", "EXTRA": 5},
                "Subjekt": {},
            }
        ),
    )
    event = {"variables": ["TABLE", "STAGE", "EXTRA", "NEVER"]}
    found, process = answer(project, "-n", "env.json", event=event)
    assert found["variables"] == {
        "TABLE": "everybody's",
        "STAGE": "own",
        "EXTRA": "5",
        "NEVER": None,
    }
    notes = [line for line in process.stderr if "env.json" in line]
    assert "Subjekt, which is no function of the template. Did you mean Subject?" in notes[0]
    assert "EXTRA is in env.json and not in the template" in notes[1]


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, "No such file"), ("{", "no JSON"), ('{"Subject": {"A": ["s3cret"]}}', "A of Subject")],
    ids=["missing", "broken", "list"],
)
def test_env_vars_that_are_something_else_are_named_without_values(tmp_path, text, words):
    project = project_of(tmp_path, WORLD)
    if text:
        project.write("env.json", text)
    process = tether("invoke", "--env-vars", "env.json", cwd=project.folder, stdin="{}")
    assert process.code == 2
    (line,) = process.errors
    assert "env.json" in line and words in line and "s3cret" not in line


@pytest.mark.parametrize(
    "given",
    [
        ["Stage=live", 'Size="two words"'],
        ['Stage=live Size="two words"'],
        ['ParameterKey=Stage,ParameterValue=live ParameterKey=Size,ParameterValue="two words"'],
    ],
    ids=["words", "one word", "keys"],
)
def test_parameters_and_intrinsic_functions_have_values(tmp_path, given):
    project = project_of(tmp_path, WORLD)
    resource = json.loads(project.template.read_text())["Resources"]["Subject"]
    resource["Properties"]["Environment"]["Variables"] = {
        "STAGE": {"Ref": "Stage"},
        "SIZE": {"Fn::Sub": "${Size}!"},
        "TABLE": {"Ref": "Table"},
        "TABLE_ARN": {"Fn::GetAtt": ["Table", "Arn"]},
    }
    parameters = {name: {"Type": "String", "Default": "none"} for name in ("Stage", "Size")}
    table = {"Type": "AWS::Serverless::SimpleTable"}
    template(project, {"Subject": resource, "Table": table}, parameters)
    event = {"variables": ["STAGE", "SIZE", "TABLE", "TABLE_ARN"]}
    found, _ = answer(project, "Subject", "--parameter-overrides", *given, event=event)
    assert found["variables"] == {
        "STAGE": "live",
        "SIZE": "two words!",
        "TABLE": "Table",
        "TABLE_ARN": "Table.Arn",
    }
    process = tether(
        "invoke", "Subject", "--parameter-overrides", "Stage", cwd=project.folder, stdin="{}"
    )
    assert process.code == 2 and "write Name=value" in process.errors[0]


def test_code_that_stands_in_the_template_is_run(tmp_path):
    project = Project(tmp_path)
    code = "import os\ndef handler(event, context):\n    return [event, os.listdir()]\n"
    properties = {"Runtime": "python3.13", "Handler": "index.handler", "InlineCode": code}
    raw_function = {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": "arn:aws:iam::000000000000:role/r",
        "Code": {"ZipFile": code},
    }
    template(
        project,
        {
            "Sam": {"Type": "AWS::Serverless::Function", "Properties": properties},
            "Raw": {"Type": "AWS::Lambda::Function", "Properties": raw_function},
        },
    )
    for name in ("Sam", "Raw"):
        temporary = tmp_path / name
        temporary.mkdir()
        found, _ = answer(project, name, event={"a": 1}, TMPDIR=str(temporary))
        assert found == [{"a": 1}, ["index.py"]]
        assert list(temporary.iterdir()) == []


def test_the_log_format_is_the_templates(tmp_path):
    project = project_of(
        tmp_path, "import logging\ndef handler(event, context):\n    logging.info('said')\n"
    )
    logging = '"LoggingConfig": {"LogFormat": "JSON", "ApplicationLogLevel": "INFO"}, '
    project.edit("template.yaml", '"CodeUri"', logging + '"CodeUri"')
    _, process = answer(project)
    (line,) = [line for line in process.stderr if "said" in line]
    assert json.loads(line[line.index("{") :])["level"] == "INFO"


# ---- what comes out


def test_bytes_come_out_as_they_are(tmp_path):
    project = project_of(tmp_path, AWKWARD)
    everything = bytes(range(256)) + b"\r\n\x1b[31mred\x1b[0m"
    event = json.dumps({"bytes": everything.hex()}).encode()
    assert raw(project, stdin=event)[0] == everything
    out, _, code = raw(project, "--json", stdin=event)
    (line,) = [it for it in map(json.loads, out.splitlines()) if it["event"] == "answer"]
    assert code == 0 and base64.b64decode(line["answer"]["base64"]) == everything


def test_an_answer_and_an_event_may_have_6_mb_and_no_byte_more(tmp_path):
    project = project_of(tmp_path, AWKWARD)
    most = 6 * 1024 * 1024 + 100
    event = json.dumps({"length": most - 2}).encode()
    out, _, code = raw(project, stdin=event)
    assert (code, len(out)) == (0, most)
    out, _, code = raw(project, stdin=json.dumps({"length": most - 1}).encode())
    assert code == 1
    assert json.loads(out) == {
        "errorMessage": f"Response payload size exceeded maximum allowed payload size ({most} bytes).",
        "errorType": "Function.ResponseSizeTooLarge",
    }
    long = json.dumps({"a": "x" * (most - len('{"a": ""}'))}).encode()
    assert raw(project, stdin=long)[0] == str(most).encode()
    out, errors, code = raw(project, stdin=long + b" ")
    assert (code, out) == (2, b"")
    assert f"has {most + 1} bytes, and Lambda takes no more than {most}" in errors


def test_a_lone_surrogate_is_named_and_a_huge_stack_is_whole(tmp_path):
    project = project_of(tmp_path, AWKWARD)
    out, _, code = raw(project, stdin=b'{"code_point": 55296}')
    assert code == 1 and json.loads(out)["errorType"] == "Runtime.MarshalError"
    out, errors, code = raw(project, stdin=b'{"depth": 900}')
    error = json.loads(out)
    assert (code, error["errorType"]) == (1, "ZeroDivisionError")
    assert len(error["stackTrace"]) > 3 and "division by zero" in errors


def test_programs_get_one_object_for_the_answer(tmp_path):
    project = project_of(tmp_path, AWKWARD)
    process = tether("invoke", "--json", cwd=project.folder, stdin='{"a": 1}')
    assert process.code == 0, process.stderr
    (found,) = process.events_of("answer")
    assert re.fullmatch(UUID, found.pop("requestId"))
    assert found.pop("durationMs") > 0
    assert found == {
        "event": "answer",
        "function": "Subject",
        "failed": False,
        "answer": {"json": 8},
        "contentType": "application/json",
        "streamed": False,
        "memorySizeMb": 128,
    }
    process = tether("invoke", "--json", cwd=project.folder, stdin='{"depth": 0}')
    (found,) = process.events_of("answer")
    assert process.code == 1 and found["failed"] and "answer" not in found
    assert found["error"]["json"]["errorType"] == "ZeroDivisionError"


def test_ctrl_c_ends_it_at_once_and_leaves_nothing_behind(tmp_path):
    source = """
import subprocess, time
def handler(event, context):
    subprocess.Popen(["sleep", "100"])
    print("in the middle")
    time.sleep(100)
"""
    project = project_of(tmp_path, source, timeout=100)
    command = [binary(), "invoke", "--no-event"]
    with Process("invoke", command, env=environment(), cwd=project.folder) as process:
        process.wait_until(
            lambda: any("in the middle" in line for line in process.stderr), "word of the handler"
        )
        process.signal(signal.SIGINT)
        assert process.ends() == 2
        assert process.stdout == []
        process.leaves_nothing_behind()
    assert process.errors == [
        "ended before there was an answer: the function's process is gone, too"
    ]


def test_under_a_debugger_it_listens_before_the_event_and_has_time(tmp_path):
    project = project_of(tmp_path, WORLD, timeout=1)
    flags = ("--json", "--debug", "--debug-port", "0", "--no-event")
    process = tether("invoke", *flags, cwd=project.folder)
    assert process.code == 0, process.stderr
    (listens,) = process.events_of("debugger")
    assert (listens["function"], listens["type"]) == ("Subject", "debugpy") and listens["port"] > 0
    (found,) = process.events_of("answer")
    assert found["answer"]["json"]["left"] > 800_000
    process.leaves_nothing_behind()
