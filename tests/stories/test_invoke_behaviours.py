"""``tether invoke`` runs each language's function, and reports what it does in Lambda's words."""

import json
import re
import shutil

import pytest
from harness import tether
from harness.behaviours import LANGUAGES, event

# Lambda's ids are UUIDs.
ID = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"



@pytest.fixture(params=LANGUAGES, ids=lambda it: it.name)
def language(request):
    needed = request.param.needs
    if needed and not shutil.which(needed):
        pytest.skip(f"{needed} is not on the PATH")
    return request.param


@pytest.fixture
def subject(language, tmp_path):
    """Its project, with the time that its function has."""

    def make(timeout=30):
        return language.project(tmp_path / "project", timeout)

    return make


def invoke(project, do):
    process = tether("invoke", "--event", "-", cwd=project.folder, stdin=event(do))
    process.leaves_nothing_behind()
    return process


def error(process):
    """The error object, which stands alone on stdout."""
    assert process.code == 1, process.stderr
    (line,) = process.stdout
    found = json.loads(line)
    return found["errorType"], found["errorMessage"]


def skip_unless(language, what):
    if what not in language.does:
        pytest.skip(f"{language.name} functions do not {what}")


def test_an_answer_stands_alone_on_stdout_and_logs_on_stderr(language, subject):
    process = invoke(subject(), "answer")
    assert process.code == 0, process.stderr
    (line,) = process.stdout
    assert json.loads(line) == {"answered": {"do": "answer"}, "by": "Subject"}
    assert any("told to answer" in line for line in process.stderr)


def test_an_exception_is_its_error_object(language, subject):
    skip_unless(language, "raise")
    assert error(invoke(subject(), "raise")) == language.raised


def test_a_timeout_has_lambdas_words(language, subject):
    skip_unless(language, "sleep")
    kind, message = error(invoke(subject(timeout=1), "sleep"))
    assert kind == "Sandbox.Timedout"
    assert re.fullmatch(rf"RequestId: {ID} Error: Task timed out after 1\.00 seconds", message)


@pytest.mark.parametrize(
    ("end", "how"), [("exit", "exit status 3"), ("kill", "signal: killed")], ids=["exit", "signal"]
)
def test_a_crash_says_how_the_process_ended(language, subject, end, how):
    skip_unless(language, end)
    kind, message = error(invoke(subject(), end))
    assert kind == "Runtime.ExitError"
    assert re.fullmatch(rf"RequestId: {ID} Error: Runtime exited with error: {how}", message)


@pytest.mark.parametrize("what", ["handler", "import"])
def test_what_is_missing_is_named_as_lambda_names_it(language, subject, what):
    missing = getattr(language, "without_" + what)
    if missing is None:
        pytest.skip(f"{language.name} functions are not found by {what}")
    remove, kind, word = missing
    project = subject()
    remove(project)
    found, message = error(invoke(project, "answer"))
    assert found == kind
    assert word in message


def test_a_stream_is_printed_and_its_error_is_said_apart(language, subject):
    if not language.streams:
        pytest.skip(f"{language.name} functions do not stream")
    project = subject()
    language.streams(project)
    process = invoke(project, "answer")
    assert (process.code, process.stdout) == (0, ["one two"])
    process = invoke(project, "break")
    assert (process.code, process.stdout) == (1, ["one "])
    kind, message = language.raised
    (line,) = [line for line in process.stderr if "cut short by an error" in line]
    assert kind in line and message in line
