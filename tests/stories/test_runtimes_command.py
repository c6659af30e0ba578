"""Any command, and ``tether.toml``: what starts a function, and what is wrong with it."""

import json
import shutil

import pytest
from harness import Project, tether
from harness.surroundings import ROOT
from harness.tools import needs

EXAMPLE = ROOT / "examples" / "hello-command"


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "project"
    shutil.copytree(EXAMPLE, folder)
    return Project(folder)


def invoke(project, *flags, stdin='{"name": "Ada"}', **variables):
    command = ("invoke", "HelloFunction", *flags)
    return tether(*command, cwd=project.folder, stdin=stdin, **variables)


@needs("curl")
@pytest.mark.parametrize("typed", ["./hello", "HelloFunction=exec ./hello"])
def test_a_command_that_is_typed_needs_no_file_and_wins_over_it(project, typed):
    project.write("tether.toml", '[defaults]\ncommand = "exit 9"\n')
    process = invoke(project, "--command", typed)
    assert process.code == 0, process.stderr
    assert json.loads(process.stdout[0])["message"] == "Hello, Ada!"
    process.leaves_nothing_behind()


@needs("curl")
def test_it_finds_what_lambda_says_and_what_the_file_says(project):
    project.write("hello/show", '#!/bin/sh\necho "$_HANDLER $LAMBDA_TASK_ROOT $LEVEL $MINE" >&2\nexec ./hello\n')
    (project.folder / "hello" / "show").chmod(0o755)
    project.write(
        "tether.toml",
        '[functions.HelloFunction]\ncommand = ["./show"]\n'
        'environment = { LEVEL = "debug" }\ninherit = ["MINE"]\n',
    )
    process = invoke(project, MINE="my own", FOREIGN="not asked for")
    assert process.code == 0, process.stderr
    root = (project.folder / "hello").resolve()
    assert any(f"hello {root} debug my own" in line for line in process.stderr)


@needs("curl")
def test_it_finds_the_programs_of_its_layers(project):
    text = (project.folder / "template.yaml").read_text()
    layer = "  Tools:\n    Type: AWS::Serverless::LayerVersion\n    Properties:\n      ContentUri: tools\n"
    text = text.replace("Resources:\n", "Resources:\n" + layer, 1)
    text = text.replace("      Handler:", "      Layers: [!Ref Tools]\n      Handler:", 1)
    project.write("template.yaml", text)
    project.write("tools/bin/of-the-layer", "#!/bin/sh\necho found >&2\n")
    (project.folder / "tools" / "bin" / "of-the-layer").chmod(0o755)
    process = invoke(project, "--command", "of-the-layer; exec ./hello")
    assert process.code == 0, process.stderr
    assert "[HelloFunction] found" in process.stderr


@needs("curl")
def test_its_build_runs_first_and_a_failed_one_answers(project):
    project.write(
        "tether.toml",
        "[functions.HelloFunction]\nbuild = \"echo building; cp ../answer answer\"\n"
        'command = "sh ./hello"\n',
    )
    process = invoke(project)
    assert process.code == 1
    error = json.loads(process.stdout[0])
    assert error["errorType"] == "Tether.BuildFailed"
    assert "../answer" in error["errorMessage"]
    project.write("answer", "")
    process = invoke(project)
    assert process.code == 0, process.stderr
    assert any("building" in line for line in process.stderr)
    assert project.path("hello/answer").exists()


def test_a_command_that_ends_is_lambdas_exit_error(project):
    process = invoke(project, "--command", "exit 9")
    assert process.code == 1
    error = json.loads(process.stdout[0])
    assert error["errorType"] == "Runtime.ExitError"
    assert "exit status 9" in error["errorMessage"]


def test_a_program_that_is_missing_is_said(project):
    project.write("tether.toml", '[functions.HelloFunction]\ncommand = ["hello"]\n')
    process = invoke(project)
    assert process.code == 2
    (said,) = process.errors
    assert said == (
        "HelloFunction is started by hello, which is not on the PATH:"
        " to run the file beside the code, write ./ in front of it"
    )


def test_a_function_without_a_language_is_told_how_to_get_one(project):
    project.path("tether.toml").unlink()
    process = invoke(project)
    assert process.code == 2
    (said,) = process.errors
    assert "executable `bootstrap`" in said
    assert "tether.toml" in said


def test_the_executable_bootstrap_is_what_lambda_would_run(project):
    project.path("tether.toml").unlink()
    project.path("hello/hello").rename(project.path("hello/bootstrap"))
    process = invoke(project)
    assert process.code == 0, process.stderr


@needs("make")
def test_a_makefile_builds_it_as_sam_does(project):
    project.path("tether.toml").unlink()
    project.write("hello/Makefile", "build-HelloFunction:\n\tcp hello $(ARTIFACTS_DIR)/bootstrap\n")
    text = project.template.read_text()
    kind = "    Type: AWS::Serverless::Function\n"
    project.write(
        "template.yaml", text.replace(kind, kind + "    Metadata:\n      BuildMethod: makefile\n")
    )
    process = invoke(project)
    assert process.code == 0, process.stderr


def test_everything_that_is_wrong_with_the_file_is_said_at_once(project):
    project.write("tether.toml", '[functions.HeloFunction]\ncomand = "node"\n[default]\n')
    process = invoke(project)
    assert process.code == 2
    said = "\n".join(process.stderr)
    for line in (
        "tether.toml:1:12: functions.HeloFunction: the template has no such function,"
        " but HelloFunction. Did you mean HelloFunction?",
        "tether.toml:2:1: functions.HeloFunction.comand: there is no such setting,",
        "Did you mean command?",
        "tether.toml:3:2: default: only [defaults], [functions.…] and [websocket] stand here.",
    ):
        assert line in said


def test_a_command_for_nobody_is_said(project):
    process = invoke(project, "--command", " ")
    assert process.code == 2
    assert "--command for HelloFunction is empty" in process.errors[0]
