"""Our Python client next to AWS's own, awslambdaric, on a corpus of handlers.

Both run as real processes against a fake Runtime API. What they post, what they
log and how they end must be the same; a case that differs says how and why.

awslambdaric logs as it does in the managed runtimes: each message is a frame on
a descriptor of its own (``_LAMBDA_TELEMETRY_LOG_FD``). Here that descriptor leads
to stdout, and each frame is read back as one message, ended by a newline.
"""

import collections
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import pytest
from fake_runtime_api import FakeRuntimeApi

HERE = pathlib.Path(__file__).resolve().parent
CORPUS = HERE / "corpus"
CLIENT = HERE.parents[1] / "crates" / "host" / "src" / "clients" / "tether_runtime.py"
OURS = [str(CLIENT)]
AWS = ["-m", "awslambdaric"]

# For a process to do all that a case asks for; reaching it is a failure.
PATIENCE = 20

ENVIRONMENT = {
    "AWS_EXECUTION_ENV": "AWS_Lambda_python3.11",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
    "AWS_LAMBDA_FUNCTION_NAME": "corpus",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/corpus",
    "AWS_LAMBDA_LOG_STREAM_NAME": "2024/01/01/[$LATEST]0123456789abcdef",
    "LAMBDA_TASK_ROOT": str(CORPUS),
    "PATH": os.environ["PATH"],
    "PYTHONDONTWRITEBYTECODE": "1",
    # On Lambda the locale, en_US.UTF-8, comes to this. It may be missing here.
    "PYTHONIOENCODING": "utf-8:strict",
}
FROM_3_12 = {"AWS_EXECUTION_ENV": "AWS_Lambda_python3.12"}
JSON_LOGS = {"AWS_LAMBDA_LOG_FORMAT": "JSON"}

Outcome = collections.namedtuple("Outcome", "posts stdout stderr exit_code connections")


# Running a client


def invocation(number, event, **headers):
    """An event as the Runtime API hands it out; bytes go out as they are."""
    deadline = int(time.time() * 1000) + 60000
    given = {
        "Lambda-Runtime-Aws-Request-Id": "request-%d" % number,
        "Lambda-Runtime-Deadline-Ms": str(deadline),
        "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:1:function:corpus",
        "Lambda-Runtime-Trace-Id": "Root=1-%d;Sampled=1" % number,
        "Content-Type": "application/json",
    }
    given.update((name.replace("_", "-"), value) for name, value in headers.items())
    given = {name: value for name, value in given.items() if value is not None}
    return given, event if isinstance(event, bytes) else json.dumps(event).encode()


def invocations(*events):
    return [invocation(number, event) for number, event in enumerate(events, 1)]


def run(client, arguments, events, env=None, cwd=CORPUS, **api_options):
    """Run one client until it has nothing left to do; its exit code is None if it still waits.

    Its output goes to files. Python buffers those in blocks, and the end is a
    SIGKILL, so what is found there was flushed by the client.
    """
    with FakeRuntimeApi(events, **api_options) as api, tempfile.TemporaryFile() as out:
        with tempfile.TemporaryFile() as err:
            environment = {**ENVIRONMENT, "AWS_LAMBDA_RUNTIME_API": api.address, **(env or {})}
            if client is AWS:
                environment["_LAMBDA_TELEMETRY_LOG_FD"] = str(out.fileno())
            process = subprocess.Popen(
                [sys.executable, *client, *arguments],
                cwd=str(cwd),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                pass_fds=[out.fileno()],
            )

            def report_end():
                process.wait()
                api.idle.set()

            watcher = threading.Thread(target=report_end)
            watcher.start()
            try:
                in_time = api.idle.wait(PATIENCE)
                exit_code = process.poll()
            finally:
                process.kill()
                watcher.join()
            out.seek(0)
            err.seek(0)
            output, errors = out.read(), err.read().decode("utf-8", "backslashreplace")
    assert in_time, "still busy after %s s\n%s\n%s" % (PATIENCE, output, errors)
    return Outcome(api.posts, unframe(output), errors, exit_code, api.connections)


def run_both(*arguments, **options):
    """The outcomes of our client and of AWS's, from runs at the same time."""
    outcomes = {}

    def keep(name, client):
        outcomes[name] = run(client, *arguments, **options)

    thread = threading.Thread(target=keep, args=("aws", AWS))
    thread.start()
    try:
        keep("ours", OURS)
    finally:
        thread.join()
    return outcomes["ours"], outcomes["aws"]


def unframe(output):
    """What was printed and what was logged, in order, as text."""
    text, frames = b"", re.compile(rb"\xa5\x5a\x00[\x02-\x1b]")
    while True:
        frame = frames.search(output)
        if not frame:
            return (text + output).decode("utf-8", "backslashreplace")
        length = int.from_bytes(output[frame.end() : frame.end() + 4], "big")
        start = frame.end() + 12
        message = output[start : start + length]
        text += output[: frame.start()] + message + (b"" if message.endswith(b"\n") else b"\n")
        output = output[start + length :]


# Comparing


def timeless(log):
    log = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", "<time>", log)
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ", "<time> ", log)


def without_advice(log):
    """AWS's client precedes an initialisation error by advice on runtime updates.

    Those happen to managed runtimes only. Ours goes straight to the error.
    """
    if '"LAMBDA_WARNING' in log:
        return "".join(ln for ln in log.splitlines(True) if "LAMBDA_WARNING" not in ln)
    return re.sub(r"\[WARNING\]\t<time>\t\tLAMBDA_WARNING: [^\r]*\r\n", "", log)


def without_depth(text):
    """The frames below the handler count towards the recursion limit."""
    return re.sub(r"\[Previous line repeated \d+ more times\]", "[repeated]", text)


def user_part(errors):
    """A traceback on stderr without the frames of client and interpreter."""
    kept, keep = [], True
    for line in errors.splitlines():
        if line.startswith("  File "):
            keep = str(CORPUS) in line
        elif not line.startswith("    "):
            keep = True
        if keep:
            kept.append(line)
    return kept


def comparable(outcome):
    """What callers and readers of the logs can tell apart."""
    headers = ("content-type", "lambda-runtime-function-error-type", "lambda-runtime-invocation-id")
    return {
        "posts": [
            (path, {name: given.get(name) for name in headers}, without_depth(decoded(body)))
            for path, given, body in outcome.posts
        ],
        "log": without_depth(without_advice(timeless(outcome.stdout))),
        "stderr": user_part(outcome.stderr),
        "exit code": outcome.exit_code,
    }


def decoded(body):
    return body.decode("utf-8", "backslashreplace")


def assert_same(ours, aws):
    ours, aws = comparable(ours), comparable(aws)
    for aspect in aws:
        assert ours[aspect] == aws[aspect], aspect


def bodies(outcome):
    return [json.loads(body) for _, _, body in outcome.posts]


# The same


EVENTS = [None, 0, False, "", {}, [], "text", {"a": [1, 2.5, {"b": "ü 😀"}]}, "\ud800", 1e16, 10**30]
RESULTS = [
    line.split('"')[1]
    for line in (CORPUS / "results.py").read_text(encoding="utf-8").splitlines()
    if re.match(r'    "[^"]+": (lambda|circle)', line)
]
ERRORS = [
    "with_message",
    "without_message",
    "nested_cause",
    "recursion",
    "in_a_library",
    "over_several_lines",
    "key_error",
    "many_arguments",
    "odd",
    "chained_assertion",
    "no_such_function",
]


def test_the_corpus_of_results_is_read():
    assert len(RESULTS) > 30 and {"none", "surrogates", "circular"} <= set(RESULTS)


@pytest.mark.parametrize(
    "handler, events, env",
    [
        pytest.param("echo.handler", EVENTS, {}, id="events"),
        pytest.param("echo.handler", EVENTS[:-3], FROM_3_12, id="events from 3.12 on"),
        pytest.param("echo.handler", [b"\xef\xbb\xbf{}", b" 1 ", b"1e999"], {}, id="odd json"),
        pytest.param("echo.handler", [b"\xff", b'"\xed\xa0\x80"', b"", b"nul", b'"x'], {}, id="not json"),
        pytest.param("results.handler", RESULTS, {}, id="results"),
        pytest.param("results.handler", RESULTS[:-1], FROM_3_12, id="results from 3.12 on"),
        pytest.param("errors.handler", ERRORS, {}, id="errors"),
        pytest.param("errors.handler", ERRORS, FROM_3_12, id="errors from 3.12 on"),
        pytest.param("errors.handler", ERRORS, JSON_LOGS, id="errors in json logs"),
        pytest.param("exits.handler", [0], {}, id="sys.exit(0)"),
        pytest.param("exits.handler", [3], {}, id="sys.exit(3)"),
        pytest.param("exits.handler", ["text"], {}, id="sys.exit with a text"),
        pytest.param("exits.handler", ["os exit"], {}, id="os._exit"),
        pytest.param("exits.handler", ["base exception"], {}, id="BaseException"),
        pytest.param("exits.handler", ["keyboard interrupt"], {}, id="KeyboardInterrupt"),
        pytest.param("logs.handler", [1, 2], {}, id="logs"),
        pytest.param("logs.handler", [1], {"AWS_LAMBDA_LOG_LEVEL": "DEBUG"}, id="logs at debug"),
        pytest.param("logs.handler", [1], {"AWS_LAMBDA_LOG_LEVEL": "TRACE"}, id="logs at trace"),
        pytest.param("logs.handler", [1], {"AWS_LAMBDA_LOG_LEVEL": "fatal"}, id="logs at fatal"),
        pytest.param("logs.handler", [1], {"AWS_LAMBDA_LOG_LEVEL": "loud"}, id="logs at no level"),
        pytest.param("logs.handler", [1], {**JSON_LOGS, "AWS_LAMBDA_LOG_LEVEL": "INFO"}, id="json logs"),
        pytest.param("logs.handler", [1], {"AWS_LAMBDA_LOG_FORMAT": "json"}, id="json logs, no level"),
        pytest.param("logs.handler", [1], {"AWS_LAMBDA_LOG_FORMAT": "Text"}, id="text logs by name"),
        pytest.param("logs.set_up_by_the_code", [1], {}, id="logs set up by the code"),
        pytest.param("package.module.handler", [1], {}, id="dots"),
        pytest.param("package/module.handler", [1], {}, id="slash"),
        pytest.param("package/inner/deep.handler", [1], {}, id="slashes"),
        pytest.param("package.inner/deep.handler", [1], {}, id="dots and slashes"),
        pytest.param("no_init/module.handler", [1], {}, id="folder without __init__"),
        pytest.param("syntax_error.handler", [], {}, id="syntax error"),
        pytest.param("indentation_error.handler", [], {}, id="indentation error"),
        pytest.param("imports_syntax_error.handler", [], {}, id="syntax error in an import"),
        pytest.param("syntax_error.handler", [], JSON_LOGS, id="syntax error in json logs"),
        pytest.param("import_error.handler", [], {}, id="import error"),
        pytest.param("import_name_error.handler", [], {}, id="import of no such name"),
        pytest.param("raises_on_import.handler", [], {}, id="error while loading"),
        pytest.param("raises_on_import.handler", [], JSON_LOGS, id="error while loading in json logs"),
        pytest.param("exits_on_import.handler", [], {}, id="sys.exit while loading"),
        pytest.param("echo.no_such_handler", [], {}, id="missing handler"),
        pytest.param("no_such_module.handler", [], {}, id="missing module"),
        pytest.param("package/no_such/module.handler", [], {}, id="missing module in a package"),
        pytest.param("echo", [], {}, id="malformed handler"),
        pytest.param("", [], {}, id="empty handler"),
        pytest.param(".handler", [], {}, id="handler without a module"),
        pytest.param("echo.", [], {}, id="handler without a function"),
        pytest.param("./echo.handler", [], {}, id="relative handler"),
        pytest.param("/echo.handler", [], {}, id="absolute handler"),
        pytest.param("sys.exit", [], {}, id="built-in module"),
    ],
)
def test_same(handler, events, env):
    ours, aws = run_both([handler], invocations(*events), env=env)
    assert_same(ours, aws)
    if aws.exit_code is None:
        assert len(ours.posts) == len(events)
        assert ours.connections == 1


def test_a_module_with_the_name_of_one_of_the_standard_library():
    ours, aws = run_both(["email.handler"], invocations(1), cwd=CORPUS / "shadows")
    assert_same(ours, aws)
    assert bodies(ours) == [["email", 1]]


@pytest.mark.parametrize("content_type", ["text/plain", "application/octet-stream"])
def test_events_of_other_content_types_stay_bytes(content_type):
    ours, aws = run_both(["echo.handler"], [invocation(1, b"\x00\xff{}", Content_Type=content_type)])
    assert_same(ours, aws)
    assert ours.posts[0][2] == b"\x00\xff{}"
    assert ours.posts[0][1]["content-type"] == "application/unknown"


CLIENT_CONTEXT = {
    "custom": {"k": "v"},
    "env": {"locale": "de"},
    "client": {"installation_id": "i", "app_title": "ü"},
    "w3c": {"traceparent": "00-a-b-01", "tracestate": 5, "baggage": "x=y", "other": "no"},
}


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="plain"),
        pytest.param({"Lambda_Runtime_Client_Context": json.dumps(CLIENT_CONTEXT)}, id="client"),
        pytest.param({"Lambda_Runtime_Client_Context": "{}"}, id="empty client context"),
        pytest.param({"Lambda_Runtime_Client_Context": '{"w3c": []}'}, id="odd trace context"),
        pytest.param({"Lambda_Runtime_Client_Context": "null"}, id="null client context"),
        pytest.param({"Lambda_Runtime_Client_Context": ""}, id="blank client context"),
        pytest.param({"Lambda_Runtime_Client_Context": "{"}, id="broken client context"),
        pytest.param({"Lambda_Runtime_Cognito_Identity": "nonsense"}, id="broken identity"),
        pytest.param(
            {
                "Lambda_Runtime_Cognito_Identity": json.dumps(
                    {"cognitoIdentityId": "id", "cognitoIdentityPoolId": "pool"}
                )
            },
            id="identity",
        ),
        pytest.param({"Lambda_Runtime_Aws_Tenant_Id": "tenant"}, id="tenant"),
        pytest.param({"Lambda_Runtime_Invocation_Id": "one-of-many"}, id="invocation id"),
        pytest.param({"Lambda_Runtime_Deadline_Ms": "1000"}, id="past deadline"),
        pytest.param(
            {
                "Lambda_Runtime_Trace_Id": None,
                "Lambda_Runtime_Deadline_Ms": None,
                "Lambda_Runtime_Invoked_Function_Arn": None,
            },
            id="bare",
        ),
    ],
)
def test_context(headers):
    first = invocation(1, {}, **headers)
    ours, aws = run_both(["context_dump.handler"], [first, invocation(2, {})])
    assert_same(ours, aws)
    assert [path.split("/")[2] for path, _, _ in ours.posts] == ["request-1", "request-2"]
    if "Lambda_Runtime_Invocation_Id" in headers:
        sent = [given.get("lambda-runtime-invocation-id") for _, given, _ in ours.posts]
        assert sent == ["one-of-many", None]


def test_tenant_in_json_logs():
    events = [invocation(1, 1, Lambda_Runtime_Aws_Tenant_Id="tenant"), invocation(2, 2)]
    ours, aws = run_both(["logs.handler"], events, env=JSON_LOGS)
    assert_same(ours, aws)
    assert '"tenantId": "tenant"' in ours.stdout


# Different on purpose


def test_the_client_is_not_in_the_stack_trace():
    """A handler with one argument fails in the call itself.

    AWS's client shows its own frame then, which tells the reader nothing.
    """
    ours, aws = run_both(["errors.one_argument"], invocations(1))
    (mine,), (theirs,) = bodies(ours), bodies(aws)
    assert "bootstrap.py" in theirs.pop("stackTrace")[0]
    assert mine.pop("stackTrace") == []
    assert mine == theirs


@pytest.mark.parametrize(
    "handler, event, message",
    [
        ("errors.handler", "in_a_formatter", "no text for this"),
        ("logs.print_surrogates", 1, "surrogates not allowed"),
    ],
)
def test_the_client_is_not_at_the_end_of_a_stack_trace(handler, event, message):
    """As above, for errors that come from the client's log handler and stdout."""
    ours, aws = run_both([handler], invocations(event))
    (mine,), (theirs,) = bodies(ours), bodies(aws)
    expected = [frame for frame in theirs["stackTrace"] if "bootstrap.py" not in frame]
    assert mine["stackTrace"] == expected != theirs["stackTrace"]
    assert mine["errorMessage"] == theirs["errorMessage"]
    assert mine["errorMessage"].endswith(message)


def test_lone_surrogate_in_a_result_from_3_12_on():
    """Unescaped, it cannot be sent. AWS's client dies of it, ours says what is wrong."""
    ours, aws = run_both(["results.handler"], invocations("surrogates", "zero"), env=FROM_3_12)
    assert aws.exit_code == 1 and aws.posts == [] and "surrogates not allowed" in aws.stderr
    error, zero = bodies(ours)
    assert error["errorType"] == "Runtime.MarshalError"
    assert "surrogates not allowed" in error["errorMessage"]
    assert zero == 0 and ours.exit_code is None


@pytest.mark.parametrize("env", [{}, FROM_3_12], ids=["", "from 3.12 on"])
def test_lone_surrogate_in_an_error(env):
    """AWS's client dies of the attempt to log it, ours escapes it."""
    ours, aws = run_both(["errors.handler"], invocations("surrogates"), env=env)
    assert aws.exit_code == 1 and aws.posts == []
    assert bodies(ours)[0]["errorMessage"] == "a\ud800b"
    assert "[ERROR] ValueError: a\\ud800b\n" in ours.stdout


@pytest.mark.parametrize("event", [b"{", b"[1,]", b"{} x", b'"a\nb"', b"[" * 100000])
def test_words_about_broken_json(event):
    """AWS's client parses with simplejson, which words most errors in another way."""
    ours, aws = run_both(["echo.handler"], invocations(event))
    (mine,), (theirs,) = bodies(ours), bodies(aws)
    for error in (mine, theirs):
        assert error.pop("errorMessage").startswith("Unable to unmarshal input: ")
    assert mine == theirs


def test_results_that_are_too_deep():
    """Python words it in more than one way, and from 3.12 on has a higher limit for C.

    AWS's client encodes in C and gets deeper there than the 900 levels or so of ours.
    """
    ours, aws = run_both(["results.too_deep"], invocations(100000, 0))
    (mine, _), (theirs, _) = bodies(ours), bodies(aws)
    text = "Unable to marshal response: maximum recursion depth exceeded"
    for error in (mine, theirs):
        assert error.pop("errorMessage").startswith(text)
    assert mine == theirs


def test_an_event_without_a_content_type():
    """AWS's client crashes. The Runtime API always gives the type, and it is always JSON."""
    ours, aws = run_both(["echo.handler"], [invocation(1, {"a": 1}, Content_Type=None)])
    assert aws.posts == [] and aws.exit_code == -signal.SIGSEGV
    assert bodies(ours) == [{"a": 1}]


def test_nan_in_an_event():
    """simplejson refuses it, json takes it. Lambda lets no such event through to a function."""
    ours, aws = run_both(["echo.handler"], invocations(b"NaN"))
    assert bodies(aws)[0]["errorType"] == "Runtime.UnmarshalError"
    assert ours.posts[0][2] == b"NaN"


@pytest.mark.parametrize("status", [400, 403, 410, 413])
@pytest.mark.parametrize("kind", ["response", "error"])
def test_an_answer_that_is_not_taken(status, kind):
    """A debugger answers late all the time. AWS's client dies of it, ours goes on."""
    events = invocations("zero" if kind == "response" else "no such result", "string")
    ours, aws = run_both(["results.handler"], events, statuses=[status])
    assert aws.exit_code == 1 and len(aws.posts) == 1
    assert ours.exit_code is None and bodies(ours)[1] == "plain"
    text = 'tether: the %s of request-1 was not taken: %d {"status":"fake"}\n'
    assert ours.stderr == text % (kind, status)


def test_an_api_that_fails():
    """A 5xx says that the environment is lost, for both."""
    ours, aws = run_both(["results.handler"], invocations("zero", "zero"), statuses=[500])
    assert ours.exit_code == aws.exit_code == 1
    assert len(ours.posts) == len(aws.posts) == 1
    assert ours.stderr.startswith("tether: the Runtime API failed on the response of request-1: 500")


def test_no_x_ray_cause():
    """AWS's client sends a second copy of the trace, in a header. Nothing here reads it."""
    ours, aws = run_both(["errors.handler"], invocations("with_message"))
    name = "lambda-runtime-function-xray-error-cause"
    assert name in aws.posts[0][1] and name not in ours.posts[0][1]


def test_handler_from_the_environment():
    """AWS's client wants an argument, which in its images the entry point gives."""
    ours = run(OURS, [], invocations(5), env={"_HANDLER": "package/module.handler"})
    assert bodies(ours) == [["package.module", 5]]
    assert run(AWS, [], [], env={"_HANDLER": "echo.handler"}).exit_code == 1


# Ours alone


def test_code_folder_is_first_on_the_path(tmp_path):
    ours = run(OURS, ["process.handler"], invocations(0), env={"PYTHONPATH": str(tmp_path)})
    (seen,) = bodies(ours)
    assert seen["path"][:2] == [str(CORPUS), str(tmp_path)]
    assert str(CLIENT.parent) not in seen["path"]
    assert seen["cwd"] == str(CORPUS)


def test_few_modules_are_loaded_before_the_handler():
    (loaded,) = bodies(run(OURS, ["process.modules"], invocations(0)))
    assert not {"email", "http", "ssl", "urllib", "asyncio", "queue", "inspect"} & set(loaded)


def test_under_the_debugger():
    """Same answers, same path, same frames; the listener's port is any."""
    debugger = ["-Xfrozen_modules=off"] if sys.version_info >= (3, 11) else []
    debugger += ["-m", "debugpy", "--listen", "127.0.0.1:0", str(CLIENT)]
    seen = run(debugger, ["process.handler"], invocations(0))
    path = bodies(seen)[0]["path"]
    assert path[0] == str(CORPUS) and str(CLIENT.parent) not in path
    failed = run(debugger, ["process.boom"], invocations(0))
    expected = run(AWS, ["process.boom"], invocations(0))
    assert failed.posts[0][2] == expected.posts[0][2]
    assert timeless(failed.stdout) == timeless(expected.stdout)


def test_nobody_listens():
    with socket.socket() as taken:  # bound, and not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        ended = run(OURS, ["echo.handler"], [], env={"AWS_LAMBDA_RUNTIME_API": address})
    assert ended.exit_code == 1
    assert ended.stderr.startswith("tether: no Runtime API at %s: " % address)
    assert "Traceback" not in ended.stderr


def test_nobody_listens_to_an_initialisation_error():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        ended = run(OURS, ["echo"], [], env={"AWS_LAMBDA_RUNTIME_API": address})
    assert ended.exit_code == 1
    assert "[ERROR] Runtime.MalformedHandlerName: Bad handler 'echo'" in ended.stdout


def test_kept_connection_that_the_api_has_closed():
    ours = run(OURS, ["echo.handler"], invocations(1, 2, 3), close_after_each=True)
    assert bodies(ours) == [1, 2, 3]
    assert ours.connections == 7 and ours.stderr == ""


def test_chunked_events():
    events = invocations({"long": "x" * 100000}, "", b"1")
    ours = run(OURS, ["echo.handler"], events, chunked=True)
    assert bodies(ours) == [{"long": "x" * 100000}, "", 1]
    assert ours.connections == 1


def test_large_events():
    big = "ü" * 3000000
    assert bodies(run(OURS, ["echo.handler"], invocations(big))) == [big]


def test_head_and_body_leave_in_one_write():
    """Seen from the other end: the first read that finds the head finds the body."""
    reply = b"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: r\r\nContent-Length: 1\r\n"
    reply += b"Content-Type: application/json\r\n\r\n7"
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE)
        address = "127.0.0.1:%d" % server.getsockname()[1]
        process = subprocess.Popen(
            [sys.executable, *OURS, "echo.handler"],
            cwd=str(CORPUS),
            env={**ENVIRONMENT, "AWS_LAMBDA_RUNTIME_API": address},
        )
        try:
            connection, _ = server.accept()
            with connection:
                connection.settimeout(PATIENCE)
                assert connection.recv(65536).startswith(b"GET /2018-06-01/runtime/invocation/next ")
                connection.sendall(reply)
                request = connection.recv(65536)
        finally:
            process.kill()
            process.wait(PATIENCE)
    assert request.startswith(b"POST /2018-06-01/runtime/invocation/r/response HTTP/1.1\r\n")
    assert request.endswith(b"\r\n\r\n7")


def test_interrupted_while_it_waits():
    with FakeRuntimeApi([]) as api:
        process = subprocess.Popen(
            [sys.executable, *OURS, "echo.handler"],
            cwd=str(CORPUS),
            env={**ENVIRONMENT, "AWS_LAMBDA_RUNTIME_API": api.address},
            stderr=subprocess.PIPE,
        )
        try:
            assert api.idle.wait(PATIENCE)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
            process.wait(PATIENCE)
    assert process.returncode == 130 and errors == b""
