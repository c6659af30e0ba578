"""The corners of the Python client: odd errors, handlers of every shape, what a handler
leaves behind, and logs in every form, next to AWS's own client again.

See ``test_python_client.py`` for how the two are run and compared.
"""

import json
import re

import pytest
from test_python_client import (
    CORPUS,
    FROM_3_12,
    JSON_LOGS,
    OURS,
    assert_same,
    bodies,
    comparable,
    decoded,
    invocations,
    run,
    run_both,
)


def functions(file):
    """The functions without arguments of a file of the corpus, which its handler calls by name."""
    return re.findall(r"^def (\w+)\(\):", (CORPUS / file).read_text(encoding="utf-8"), re.MULTILINE)


# They end the process, each in its own run; the depth of the last one is told below.
DEADLY = ["text_fails", "text_is_none", "mutual_recursion"]
ERRORS = [name for name in functions("odd_errors.py") if name not in DEADLY]

LEFTOVERS = {
    "a_thread": ["a_thread", "join_it"],
    "another_folder": ["another_folder", "which_folder"],
    "another_environment": ["another_environment", "which_environment"],
}
SECOND = {"join_it", "which_folder", "which_environment"}

# The client's log handler stands in their stack traces; see below.
FAIL_IN_THE_HANDLER = {"too_few_arguments", "a_circle", "surrogates", "a_stack"}


# The same


@pytest.mark.parametrize("env", [{}, FROM_3_12, JSON_LOGS], ids=["", "from 3.12 on", "in json logs"])
def test_odd_errors(env):
    ours, aws = run_both(["odd_errors.handler"], invocations(*ERRORS), env=env)
    assert_same(ours, aws)
    assert len(ours.posts) == len(ERRORS) > 20


@pytest.mark.parametrize("name", ["text_fails", "text_is_none"])
def test_an_error_whose_text_fails_ends_the_process(name):
    ours, aws = run_both(["odd_errors.handler"], invocations(name))
    assert_same(ours, aws)
    assert ours.exit_code == 1 and ours.posts == []


@pytest.mark.parametrize(
    "shape",
    "generator async_generator Class Mapping plain decorated manager partial partial_of_too_much"
    " bound static instance unhappy anonymous built_in __dunder__ Class.method cached".split(),
)
def test_handlers_of_every_shape(shape):
    """A coroutine, for example, is no answer: nothing awaits it."""
    ours, aws = run_both(["shapes." + shape], invocations(1, "two"))
    assert_same(ours, aws)
    assert len(ours.posts) == 2 or ours.exit_code == 1


@pytest.mark.parametrize("name", [name for name in functions("leftovers.py") if name not in SECOND])
def test_what_a_handler_leaves_behind(name):
    """Afterwards, another invocation is served as ever, if the process still runs."""
    events = LEFTOVERS.get(name, [name, "which_folder"])
    ours, aws = run_both(["leftovers.handler"], invocations(*events))
    assert_same(ours, aws)
    assert len(ours.posts) == 2 or ours.exit_code is not None


@pytest.mark.parametrize("env", [{}, JSON_LOGS], ids=["text", "json"])
@pytest.mark.parametrize(
    "name", [name for name in functions("more_logs.py") if name not in FAIL_IN_THE_HANDLER]
)
def test_more_logs(name, env):
    ours, aws = run_both(["more_logs.handler"], invocations(name), env=env)
    assert_same(ours, aws)
    assert len(ours.posts) == 1


@pytest.mark.parametrize("level", ["INFO", "WARN"])
@pytest.mark.parametrize("env", [{}, JSON_LOGS], ids=["text", "json"])
def test_levels(level, env):
    """The function's level, which the code may change."""
    events = invocations("adapted", "basic_config", "levels", "quiet")
    assert_same(*run_both(["more_logs.handler"], events, env={**env, "AWS_LAMBDA_LOG_LEVEL": level}))


# Different on purpose


def without_frames_of_a_client(outcome):
    """The error objects, without the frames that tell the reader nothing."""
    errors = bodies(outcome)
    for error in errors:
        frames = error["stackTrace"]
        error["stackTrace"] = [it for it in frames if "/awslambdaric/" not in it]
    return errors


@pytest.mark.parametrize(
    "shape", "Callable keyword_only no_argument three_arguments number text nothing module hidden".split()
)
def test_handlers_that_cannot_be_called(shape):
    """The call itself fails, in a frame of AWS's client, which ours leaves out."""
    ours, aws = run_both(["shapes." + shape], invocations(1))
    assert bodies(ours) == without_frames_of_a_client(aws)
    assert bodies(ours)[0]["errorType"] == "TypeError"


@pytest.mark.parametrize("name", ["too_few_arguments", "a_circle", "surrogates"])
@pytest.mark.parametrize("env", [{}, JSON_LOGS], ids=["text", "json"])
def test_messages_that_cannot_be_logged_fail_the_invocation(name, env):
    """The handler of the root logger lets its errors through, as AWS's does."""
    ours, aws = run_both(["more_logs.handler"], invocations(name), env=env)
    if (name, env) == ("a_circle", {}):
        assert_same(ours, aws)
        return
    assert bodies(ours) == without_frames_of_a_client(aws)
    assert bodies(ours)[0]["errorType"] in ("TypeError", "ValueError", "UnicodeEncodeError")


def test_a_stack_in_the_logs():
    """It begins in the client, whose frames are its own."""
    ours, aws = run_both(["more_logs.handler"], invocations("a_stack"))
    ours, aws = (comparable(it)["log"].partition('  File "%s' % CORPUS) for it in (ours, aws))
    assert ours[1:] == aws[1:]
    assert ours[1] and ours[0].splitlines()[:2] == aws[0].splitlines()[:2]
    # In JSON, AWS's client leaves it out.
    assert_same(*run_both(["more_logs.handler"], invocations("a_stack"), env=JSON_LOGS))


@pytest.mark.parametrize("kind", ["set", "bytes", "complex", "plain"])
def test_what_code_teaches_the_json_module_counts_for_no_answer(kind):
    assert_same(*run_both(["patched_json.handler"], invocations(kind)))


def test_a_coroutine_is_no_answer():
    """Python's own warning names the line of the client that lets it go."""
    ours, aws = run_both(["shapes.coroutine"], invocations(1))
    text = "Unable to marshal response: Object of type coroutine is not JSON serializable"
    assert bodies(ours) == bodies(aws)
    assert bodies(ours)[0]["errorMessage"] == text
    for outcome in (ours, aws):
        assert "RuntimeWarning: coroutine 'coroutine' was never awaited" in outcome.stderr


def test_two_functions_that_call_each_other_for_ever():
    """Nothing is left out of such a trace; how deep it is depends on the client."""
    ours, aws = run_both(["odd_errors.handler"], invocations("mutual_recursion"))
    (mine,), (theirs,) = bodies(ours), bodies(aws)
    ours, aws = mine.pop("stackTrace"), theirs.pop("stackTrace")
    assert mine == theirs and mine["errorType"] == "RecursionError"
    assert ours[:900] == aws[:900] and 900 < min(len(ours), len(aws))


# Ours alone


def test_a_frame_of_the_client_is_never_in_an_error():
    names = [name for name in functions("odd_errors.py") if name not in DEADLY]
    for _, _, body in run(OURS, ["odd_errors.handler"], invocations(*names)).posts:
        assert "tether_runtime" not in decoded(body)


def test_a_large_answer_after_a_large_event():
    """Six megabytes each way, of which the last byte counts."""
    event = {"text": "x" * (6 * 1024 * 1024 - 50)}
    ours, aws = run_both(["echo.handler"], invocations(event, 1))
    assert_same(ours, aws)
    assert json.loads(ours.posts[0][2]) == event
