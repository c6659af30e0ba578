"""An answer that is streamed: through ``tether invoke`` as it comes, and whole through attach."""

import json

import pytest
from harness import Attached, Process, Project, tether
from harness.streamer import STREAMER
from harness.surroundings import binary, environment

PRELUDE_TYPE = "application/vnd.awslambda.http-integration-response"
PRELUDE = json.dumps({"statusCode": 404, "headers": {"x-a": "b"}, "cookies": ["c=1"]})
ERROR = {"errorType": "Function.Oh", "errorMessage": "no more"}


@pytest.fixture
def project(tmp_path):
    return Project.of(tmp_path / "project", {"Subject": STREAMER}, timeout=20)


def invoke(project, *arguments, **event):
    return tether("invoke", *arguments, cwd=project.folder, stdin=json.dumps(event))


def test_each_part_is_printed_while_the_next_one_is_not_written_yet(project):
    event = json.dumps({"parts": ["one\n", [str(project.path("go"))], "two\n"]})
    command = [binary(), "invoke"]
    where = {"env": environment(), "cwd": project.folder, "stdin": event}
    with Process("invoke", command, **where) as process:
        process.wait_until(lambda: process.stdout == ["one"], "first part")
        project.write("go", "")
        assert process.ends() == 0
        assert process.stdout == ["one", "two"]
        process.leaves_nothing_behind()


def test_http_metadata_is_shown_apart(project):
    # The delimiter is cut in two.
    parts = [PRELUDE + "\0" * 3, "\0" * 5 + "body"]
    process = invoke(project, type=PRELUDE_TYPE, parts=parts)
    assert (process.code, process.stdout) == (0, ["body"])
    shown = process.stderr.index("HTTP 404")
    assert process.stderr[shown : shown + 3] == ["HTTP 404", "x-a: b", "set-cookie: c=1"]
    process = invoke(project, "--json", type=PRELUDE_TYPE, parts=parts)
    (found,) = process.events_of("answer")
    assert found["http"] == {"statusCode": 404, "headers": {"x-a": "b"}, "cookies": ["c=1"]}
    assert found["answer"] == {"text": "body"} and found["streamed"]


def test_http_metadata_that_is_none_is_all_there_is(project):
    process = invoke(project, type=PRELUDE_TYPE, parts=["no metadata"])
    assert (process.code, process.stdout) == (0, ["no metadata"])
    assert any("ends within its HTTP metadata" in line for line in process.stderr)


def test_an_error_half_way_is_said_apart_from_what_was_streamed(project):
    process = invoke(project, parts=["half", ERROR])
    assert (process.code, process.stdout) == (1, ["half"])
    assert any("cut short by an error" in line and "no more" in line for line in process.stderr)
    process = invoke(project, "--json", parts=["half", ERROR])
    (found,) = process.events_of("answer")
    assert found["failed"] and found["answer"] == {"text": "half"}
    assert found["error"] == {"json": ERROR}


@pytest.mark.parametrize(
    ("part", "timeout", "words"),
    [("die", 20, "Runtime exited with error: exit status 3"), (["never"], 1, "timed out after 1.00")],
    ids=["death", "deadline"],
)
def test_death_and_deadline_cut_a_stream_off(project, part, timeout, words):
    process = invoke(project, "--timeout", str(timeout), parts=["half", part])
    assert (process.code, process.stdout) == (1, ["half"])
    assert any("cut short by an error" in line and words in line for line in process.stderr)
    process.leaves_nothing_behind()


def test_a_mode_that_is_none_fails_the_invocation(project):
    process = invoke(project, mode="Streaming", parts=["x"])
    assert process.code == 1
    assert json.loads(process.stdout[0])["errorType"] == "Runtime.InvalidResponseModeHeader"


def test_attach_answers_with_all_of_a_stream_or_with_its_error(clouds, project):
    cloud = clouds({"app": project.template})
    with Attached(cloud, project):
        answer = cloud.invoke("Subject", {"parts": ["one ", "two"]})
        assert (answer.payload, answer.error) == (b"one two", None)
        failed = cloud.invoke("Subject", {"parts": ["half", ERROR]})
        assert failed.error and json.loads(failed.payload) == ERROR
