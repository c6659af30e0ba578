"""The layer alone: a proxy in front of the deployed runtime, without any cloud."""

import json
import signal
import socket
import time

import pytest
from harness import Layer


@pytest.fixture
def layer():
    started = []

    def start(**more):
        started.append(Layer(**more))
        return started[-1]

    yield start
    for it in reversed(started):
        it.close()


def test_without_a_session_that_can_be_looked_up_the_original_command_answers(layer):
    bootstrap = layer(arguments=["of", "the interpreter"])
    for number in range(3):
        event = {"do": "answer", "number": number, "text": "späť"}
        bootstrap.send(event, f"r-{number}")
        answer = bootstrap.answer_to(f"r-{number}")
        assert json.loads(answer.body) == event
    runtime = bootstrap.wait_for("runtime")
    assert runtime["arguments"] == ["of", "the interpreter"]
    assert runtime["pid"] != bootstrap.pid
    assert runtime["api"] != bootstrap.api.address
    # Nothing of ours is left in its environment.
    assert (runtime["ours"], runtime["wrapper"]) == ([], None)


def test_a_reason_is_said_in_the_log_once_and_not_at_every_invocation(layer):
    bootstrap = layer()
    for number in range(3):
        bootstrap.send({"do": "answer"}, f"r-{number}")
        bootstrap.answer_to(f"r-{number}")
    assert any("cannot be assumed" in line and "not you" in line for line in bootstrap.stderr)
    assert len(bootstrap.stderr) == len(set(bootstrap.stderr)), "\n".join(bootstrap.stderr)


@pytest.mark.parametrize("listens", [False, True], ids=["refuses", "is silent"])
def test_aws_that_cannot_be_reached_still_leaves_time_for_the_deployed_code(layer, listens):
    with socket.socket() as deaf:
        # Bound and not listening: whoever connects is refused. Listening: nobody answers.
        deaf.bind(("127.0.0.1", 0))
        if listens:
            deaf.listen()
        bootstrap = layer(endpoint=f"http://127.0.0.1:{deaf.getsockname()[1]}")
        for number in range(2):
            deadline = bootstrap.send({"do": "answer"}, f"r-{number}", seconds=3)
            assert bootstrap.answer_to(f"r-{number}").body == b'{"do": "answer"}'
            assert time.time() * 1000 < deadline


def test_the_deployed_code_has_its_own_deadline(layer):
    bootstrap = layer(own_timeout=3)
    raised = bootstrap.send({"do": "answer"}, seconds=900)
    bootstrap.answer_to()
    invocation = bootstrap.wait_for("invocation")
    left = invocation["deadline"] - time.time() * 1000
    assert 0 < left <= 3000 < raised - time.time() * 1000


def test_the_deployed_code_is_ended_at_its_own_deadline_as_lambda_ends_it(layer):
    bootstrap = layer(own_timeout=1)
    bootstrap.send({"do": "hang"}, "r-hangs")
    error = json.loads(bootstrap.answer_to("r-hangs", "error").body)
    assert error["errorType"] == "Sandbox.Timedout"
    assert "r-hangs" in error["errorMessage"] and "timed out after 1.00 s" in error["errorMessage"]
    bootstrap.send({"do": "answer"}, "r-next")
    assert bootstrap.answer_to("r-next").body == b'{"do": "answer"}'
    bootstrap.wait_until(lambda: len(bootstrap.events_of("runtime")) > 1, "a second runtime")
    first, second = bootstrap.events_of("runtime")
    assert first["pid"] != second["pid"]
    assert bootstrap.relatives() == [second["pid"]]


def test_the_start_of_the_deployed_code_does_not_count_against_its_timeout(layer):
    bootstrap = layer(own_timeout=1, INIT_SECONDS="1.5")
    for number in range(2):
        bootstrap.send({"do": "answer", "number": number}, f"r-{number}")
        assert json.loads(bootstrap.answer_to(f"r-{number}").body)["number"] == number
    bootstrap.wait_for("runtime")
    assert len(bootstrap.events_of("runtime")) == 1


# ---- what passes through


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("POST", "/2020-01-01/extension/register", {"Lambda-Extension-Name": "mine"}),
        ("GET", "/2020-01-01/extension/event/next", {"Lambda-Extension-Identifier": "x-1"}),
        ("PUT", "/2022-07-01/telemetry", {"Lambda-Extension-Identifier": "x-1"}),
        ("PUT", "/2020-08-15/logs", {"Content-Type": "application/json"}),
        ("GET", "/2018-06-01/runtime/restore/next", {}),
        ("DELETE", "/of/tomorrow?with=query&and=%20more", {"X-Unknown": "kept"}),
    ],
)
def test_other_paths_pass_through_with_body_headers_and_status(layer, method, path, headers):
    bootstrap = layer()
    body = "" if method == "GET" else json.dumps({"schema": "späť", "long": "x" * 70_000})
    request = {"method": method, "path": path, "headers": headers, "body": body}
    bootstrap.send({"do": "request", "request": request})
    passed = bootstrap.request_to(path)
    assert passed.method == method
    assert passed.body.decode() == body
    for name, value in headers.items():
        assert passed.headers[name.lower()] == value
    came_back = json.loads(bootstrap.answer_to().body)
    if "/runtime/" in path:
        assert came_back["status"] == 202
    else:
        assert (came_back["status"], came_back["body"]) == (207, "of " + body)
        assert came_back["headers"]["x-passed"] == "through"


def test_a_streamed_answer_arrives_chunk_by_chunk_with_its_trailers(layer):
    bootstrap = layer()
    trailers = {
        "Lambda-Runtime-Function-Error-Type": "Runtime.Midstream",
        "Lambda-Runtime-Function-Error-Body": "eyJlcnJvck1lc3NhZ2UiOiJvaCJ9",
    }
    prelude = '{"statusCode": 200}' + "\0" * 8
    chunks = [prelude, "first ", "second ", "x" * 20_000]
    bootstrap.send({"do": "stream", "chunks": chunks, "trailers": trailers})
    answer = bootstrap.answer_to()
    assert answer.body == "".join(chunks).encode()
    assert answer.trailers == {name.lower(): value for name, value in trailers.items()}
    assert answer.headers["lambda-runtime-function-response-mode"] == "streaming"
    assert answer.headers["content-type"] == "application/vnd.awslambda.http-integration-response"
    assert answer.headers["transfer-encoding"] == "chunked"
    # The runtime lives on, and so does its connection to us.
    bootstrap.send({"do": "answer"}, "r-2")
    assert bootstrap.answer_to("r-2").body == b'{"do": "answer"}'


# ---- how it ends, and when it gets out of the way


def test_a_published_version_executes_the_original_command_in_its_place(layer):
    bootstrap = layer(arguments=["as", "it is"], AWS_LAMBDA_FUNCTION_VERSION="7")
    runtime = bootstrap.wait_for("runtime")
    assert runtime["pid"] == bootstrap.pid
    assert runtime["api"] == bootstrap.api.address
    assert runtime["arguments"] == ["as", "it is"]
    assert (runtime["ours"], runtime["wrapper"]) == ([], None)
    deadline = bootstrap.send({"do": "answer"})
    bootstrap.answer_to()
    assert bootstrap.wait_for("invocation")["deadline"] == deadline


@pytest.mark.parametrize("version", ["7", "$LATEST"])
def test_the_functions_own_wrapper_is_kept_in_front_of_the_command(layer, tmp_path, version):
    wrapper = tmp_path / "wrapper"
    wrapper.write_text('#!/bin/sh\nexec "$@" "through my own wrapper"\n')
    wrapper.chmod(0o755)
    config = {"r": "r", "x": "x", "s": "S", "d": "D", "u": "http://u", "t": 3, "w": str(wrapper)}
    variables = {"DEBUGGER_CONFIG": json.dumps(config), "AWS_LAMBDA_FUNCTION_VERSION": version}
    bootstrap = layer(**variables)
    bootstrap.send({"do": "answer"})
    bootstrap.answer_to()
    runtime = bootstrap.wait_for("runtime")
    assert runtime["arguments"] == ["through my own wrapper"]
    assert runtime["wrapper"] == str(wrapper)


@pytest.mark.parametrize("odd", [{"DEBUGGER_CONFIG": "{"}, {"AWS_LAMBDA_MAX_CONCURRENCY": "4"}])
def test_whatever_is_odd_gets_it_out_of_the_way(layer, odd):
    bootstrap = layer(**odd)
    assert bootstrap.wait_for("runtime")["pid"] == bootstrap.pid
    assert any("out of the way" in line for line in bootstrap.stderr)


@pytest.mark.parametrize("code", [0, 1, 42])
def test_the_exit_code_of_the_command_is_its_own(layer, code):
    bootstrap = layer()
    bootstrap.send({"do": "exit", "code": code})
    assert bootstrap.ends() == code


def test_a_command_that_is_killed_is_seen_as_killed(layer):
    bootstrap = layer()
    bootstrap.send({"do": "die"})
    assert bootstrap.ends() == -signal.SIGKILL


def test_sigterm_reaches_the_deployed_code_which_ends_as_it_likes(layer):
    bootstrap = layer(arguments=["--ends-at-sigterm-with", "7"])
    bootstrap.send({"do": "answer"})
    bootstrap.answer_to()
    bootstrap.signal(signal.SIGTERM)
    assert bootstrap.ends() == 7
    assert bootstrap.events[-1] == {"event": "terminated"}
    assert bootstrap.relatives() == []


def test_sigterm_before_any_event_ends_it_at_once(layer):
    bootstrap = layer()
    bootstrap.wait_for_next()
    bootstrap.signal(signal.SIGTERM)
    assert bootstrap.ends() in (-signal.SIGTERM, 128 + signal.SIGTERM)
