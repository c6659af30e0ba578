"""Bad input gets one line that says what, why and what to do, and nothing is lost."""

import json
import socket
import venv

import pytest
from harness import tether

FAILED, USAGE = 2, 64

# The useful words of "there are no credentials", without any way to get some.
NO_CREDENTIALS = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}


@pytest.fixture
def before(hello_cloud):
    """Whatever goes wrong: the deployed function stays as it is."""
    before = hello_cloud.configuration("HelloFunction")
    yield before
    assert hello_cloud.configuration("HelloFunction") == before


@pytest.fixture
def fails(hello_cloud, before, working_copy):
    """Runs a command that fails, in a working copy: its one line."""

    def run(*arguments, code=FAILED, endpoint=hello_cloud.endpoint, **more):
        more.setdefault("cwd", working_copy.folder)
        process = tether(*arguments, endpoint=endpoint, **more)
        assert process.code == code, f"{process.code}: {process.stdout} {process.stderr}"
        (line,) = process.errors
        # Steps and notes may stand before it; nothing stands behind it.
        assert process.stderr[-1] == f"error: {line}"
        as_json = tether(*arguments, "--json", endpoint=endpoint, **more)
        assert as_json.code == code
        assert as_json.events[-1]["event"] == "error"
        assert as_json.errors == [as_json.events[-1]["message"]]
        return line

    return run


def has(line, *words):
    missing = [word for word in words if word not in line]
    assert not missing, f"{missing} not in: {line}"


# ---- what is not there


@pytest.mark.parametrize("command", ["attach", "detach"])
def test_a_stack_that_does_not_exist_is_named_with_its_region(fails, command):
    has(fails(command, "--stack-name", "nothere"), "no stack nothere", "us-east-1", "--stack-name")


def test_a_remote_stack_that_does_not_exist_is_named(fails):
    line = fails("invoke", "HelloFunction", "--remote", "--stack-name", "nothere", stdin="{}")
    has(line, "no stack nothere", "us-east-1", "--stack-name")


@pytest.mark.parametrize(
    "command", [("attach", "--stack-name", "app"), ("detach", "--stack-name", "app"), ("status",)]
)
def test_no_helper_stack_is_said_with_what_to_do(clouds, fails, before, working_copy, command):
    cloud = clouds({"app": working_copy.template}, "--no-helper-stack")
    line = fails(*command, endpoint=cloud.endpoint)
    has(line, "no helper stack tether", "us-east-1", "`tether install`", "--helper-stack-name")
    line = fails(*command, "--helper-stack-name", "mine", endpoint=cloud.endpoint)
    has(line, "no helper stack mine")


def test_an_unknown_function_is_named_with_those_that_there_are(fails):
    line = fails("attach", "--stack-name", "app", "--function", "Nobody")
    has(line, "app", "no function Nobody", "HelloFunction")
    line = fails("invoke", "Nobody", "--remote", "--stack-name", "app", stdin="{}")
    has(line, "app", "no function Nobody", "HelloFunction")
    line = fails("invoke", "Nobody", stdin="{}")
    has(line, "template.yaml", "no function Nobody", "HelloFunction")
    line = fails("invoke", "Nobody", "--remote", stdin="{}")
    has(line, "no function Nobody", "--stack-name")


def test_no_function_with_local_code_is_said_with_the_template(fails, working_copy):
    working_copy.edit("template.yaml", "HelloFunction:\n", "AnotherFunction:\n")
    working_copy.edit("template.yaml", "!Ref HelloFunction", "!Ref AnotherFunction")
    line = fails("attach", "--stack-name", "app")
    has(line, "no function of app has local code", "template.yaml", "--template")


# ---- the template


def test_a_template_that_is_not_there_is_named(fails, tmp_path):
    line = fails("attach", "--stack-name", "app", "--template", "elsewhere.yaml")
    has(line, "elsewhere.yaml cannot be read", "No such file", "--template")
    line = fails("invoke", "HelloFunction", "--template", "elsewhere.yaml", stdin="{}")
    has(line, "elsewhere.yaml cannot be read", "--template")
    line = fails("launch-json", "--template", "elsewhere.yaml")
    has(line, "elsewhere.yaml cannot be read", "--template")
    elsewhere = tmp_path / "elsewhere.yaml"
    line = fails("emulator", "--deploy", f"app={elsewhere}", "--endpoint-port", "0")
    has(line, f"{elsewhere} cannot be read", "No such file", "app")


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("      Timeout: 3\n", "      Timeout: [3\n", None, []),
        ("    Type: AWS::Serverless::Function\n", "\tType: x\n", None, ["tab"]),
        ("Timeout: 3", "Timeout: soon", "Timeout: soon", ["HelloFunction.Timeout", "number"]),
        ("Hello\n\n", "!Ref Nobody\n\n", "!Ref Nobody", ["Nobody"]),
    ],
    ids=["unclosed list", "tab", "not a number", "dangling reference"],
)
def test_a_template_that_is_wrong_is_said_with_file_line_and_what(
    fails, working_copy, old, new, place, words
):
    working_copy.edit("template.yaml", old, new)
    template = working_copy.template
    lines = template.read_text().splitlines()
    commands = [
        ("emulator", "--deploy", f"app={template}", "--endpoint-port", "0"),
        ("attach", "--stack-name", "app", "--template", str(template)),
    ]
    for command in commands:
        said = fails(*command)
        has(said, str(template), *words)
        line = int(said.removeprefix(f"{template}:").split(":")[0])
        if place:
            assert place in lines[line - 1], said
        else:
            assert 0 < line <= len(lines) + 1, said


def test_a_template_of_a_runtime_that_is_not_emulated_is_said_with_its_line(fails, working_copy):
    working_copy.edit("template.yaml", "python3.13", "cobol85")
    line = fails("emulator", "--deploy", f"app={working_copy.template}", "--endpoint-port", "0")
    number = working_copy.template.read_text().splitlines().index("      Runtime: cobol85") + 1
    has(line, f"{working_copy.template}:{number}", "HelloFunction", "cobol85")


# ---- the surroundings


@pytest.mark.parametrize(
    "command", [("attach", "--stack-name", "app"), ("detach", "--stack-name", "app"), ("status",)]
)
def test_no_credentials_are_said_with_how_to_get_some(fails, command):
    has(fails(*command, **NO_CREDENTIALS), "no AWS credentials", "AWS_PROFILE", "aws sso login")


def test_no_region_is_said_with_how_to_give_one(fails):
    has(fails("status", AWS_REGION=None), "no AWS region", "--region", "AWS_REGION")


def test_an_endpoint_that_nobody_serves_is_said(fails):
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        line = fails("status", endpoint=url)
        has(line, "nothing answers at", url, "tether emulator", "--endpoint-url")


def test_an_endpoint_port_in_use_is_named_with_what_to_do(fails):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = fails("emulator", "--no-helper-stack", "--endpoint-port", str(port))
        has(line, f"port {port}", "in use", "--endpoint-port")


def test_a_debugger_port_in_use_is_named_with_whose_and_what_to_do(fails, status, hello_cloud):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = fails("attach", "--stack-name", "app", "--debug", "--debug-port", str(port))
        has(line, f"port {port}", "HelloFunction", "in use", "--debug-port")
    assert status(hello_cloud) == []


def test_a_missing_debugpy_is_said_with_the_command_that_installs_it(fails, tmp_path):
    venv.create(tmp_path / "bare", symlinks=True)
    line = fails(
        "attach",
        "--stack-name",
        "app",
        "--debug",
        "--debug-port",
        "0",
        VIRTUAL_ENV=str(tmp_path / "bare"),
    )
    python = tmp_path / "bare" / "bin" / "python"
    has(line, f"debugpy is missing in {python}", f"{python} -m pip install debugpy")


# ---- the event


def test_an_event_that_is_not_there_is_named(fails):
    line = fails("invoke", "HelloFunction", "--event", "nothere.json")
    has(line, "nothere.json cannot be read", "No such file", "--event")


@pytest.mark.parametrize(
    "where", [(), ("--remote", "--stack-name", "app")], ids=["local", "remote"]
)
def test_an_event_that_is_not_json_is_said_with_its_place(fails, working_copy, where):
    working_copy.write("event.json", '{\n  "name": Ada\n}\n')
    line = fails("invoke", "HelloFunction", "--event", "event.json", *where)
    has(line, "event.json:2:", "not JSON")
    line = fails("invoke", "HelloFunction", "--event", "-", *where, stdin="{")
    has(line, "stdin:1:", "not JSON")


# ---- usage


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["attach", "--stack-name", "app", "--frobnicate"], ["--frobnicate", "Usage"]),
        (["attach"], ["--stack-name", "Usage"]),
        (["frobnicate"], ["frobnicate", "Usage"]),
        ([], ["Usage"]),
        (["attach", "--stack-name", "app", "--timeout", "901"], ["901", "1..=900"]),
        (["attach", "--stack-name", "app", "--timeout", "9", "--keep-timeout"], ["--keep-timeout"]),
        (["emulator", "--deploy", "template.yaml"], ["STACK=TEMPLATE"]),
        (["completions", "tcsh"], ["tcsh", "bash"]),
    ],
    ids=lambda value: " ".join(value) or "nothing" if isinstance(value, list) else None,
)
def test_wrong_usage_exits_with_64_and_says_what_is_wrong(arguments, words):
    process = tether(*arguments)
    assert process.code == USAGE
    assert process.stdout == []
    has("\n".join(process.stderr), *words)


def test_help_version_and_completions_are_no_errors():
    for arguments in (["--help"], ["attach", "--help"], ["--version"], ["completions", "bash"]):
        process = tether(*arguments)
        assert (process.code, process.stderr) == (0, [])
        assert any("tether" in line for line in process.stdout)


def test_a_result_is_not_mixed_with_words_for_people(hello_cloud, working_copy):
    process = tether(
        "invoke",
        "HelloFunction",
        "--remote",
        "--stack-name",
        "app",
        endpoint=hello_cloud.endpoint,
        stdin='{"name": "Ada"}',
    )
    assert process.code == 0
    (line,) = process.stdout
    assert json.loads(line)["answered_by"] == "the deployed code"
