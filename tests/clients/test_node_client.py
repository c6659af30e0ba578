"""Our Node client on a corpus of handlers: it does what AWS's own clients did (see node_clients.py).

``tests/foreign/test_node_client.py`` runs AWS's clients themselves. Here stand, beside what was
recorded of them, the places where ours differs, with the reason.
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import threading
import urllib.request

import pytest
import websockets
from fake_runtime_api import FakeRuntimeApi
from node_cases import PAIRS, key
from node_clients import (
    CLIENT,
    CORPUS,
    ENVIRONMENT,
    FROM_24,
    HERE,
    OURS,
    SYNTAX,
    SYSTEM_NODE,
    UNTIL_22,
    Client,
    bodies,
    run,
    run_case,
)
from test_python_client import PATIENCE, invocation, invocations

EXPECTED = json.loads((HERE / "node_expected.json").read_text(encoding="utf-8"))
KINDS = [pytest.param(UNTIL_22, id="until 22"), pytest.param(FROM_24, id="from 24")]


def test_every_case_is_recorded():
    assert {key(*pair) for pair in PAIRS} == set(EXPECTED)


@pytest.mark.parametrize("kind, case", [pytest.param(*pair, id=key(*pair)) for pair in PAIRS])
def test_same(kind, case):
    assert json.loads(json.dumps(run_case(OURS, kind, case))) == EXPECTED[key(kind, case)]


# Different on purpose


def test_the_place_of_a_syntax_error_is_shown():
    """The error that Lambda makes of it up to nodejs22.x names no file."""
    ours = run(OURS, UNTIL_22, "syntax_error.handler", [])
    assert ours.stderr.startswith("%s\n%s:2\n  return 1 +;\n" % (SYNTAX, CORPUS / "syntax_error.js"))
    for kind in (UNTIL_22, FROM_24):
        in_module = run(OURS, kind, "syntax_error_module.handler", [])
        assert in_module.stderr.startswith(SYNTAX)
        assert "syntax_error_module.mjs:2\n  return 1 +;\n" in in_module.stderr


def test_a_handler_that_streams_requests():
    """AWS's older client has a ReferenceError of its own here."""
    ours = run(OURS, UNTIL_22, "streams.malformed", [])
    assert bodies(ours)[0]["errorType"] == "Runtime.MalformedStreamingHandler"
    assert ours.exit_code == 129


def test_the_high_water_mark_of_a_stream():
    """Until the connection is there, AWS's older client shows the mark of Node."""
    ours = run(OURS, UNTIL_22, "streams.marked", invocations(1))
    assert ours.posts[0][2] == b"1000"


def test_tenant_in_json_logs():
    """AWS's newer client knows the tenant and does not log it; the documents say that it does."""
    events = [invocation(1, 1, Lambda_Runtime_Aws_Tenant_Id="tenant"), invocation(2, 2)]
    ours = run(OURS, FROM_24, "logs.handler", events, env={"AWS_LAMBDA_LOG_FORMAT": "JSON"})
    first, second = ours.stdout.split('"requestId":"request-2"', 1)
    assert '"tenantId":"tenant"' in first and '"tenantId"' not in second


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("handler, event", [("echo.handler", 1), ("errors.handler", "string")])
def test_the_invocation_id_is_echoed(kind, handler, event):
    """AWS's clients on npm are older than that header; the managed runtimes echo it."""
    events = [invocation(1, event, Lambda_Runtime_Invocation_Id="one-of-many"), invocation(2, event)]
    ours = run(OURS, kind, handler, events)
    sent = [headers.get("lambda-runtime-invocation-id") for _, headers, _ in ours.posts]
    assert sent == ["one-of-many", None]


@pytest.mark.parametrize("kind", KINDS)
def test_the_invocation_id_is_echoed_by_a_stream(kind):
    events = [invocation(1, "text", Lambda_Runtime_Invocation_Id="one-of-many")]
    ours = run(OURS, kind, "streams.handler", events)
    assert ours.posts[0][1]["lambda-runtime-invocation-id"] == "one-of-many"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [400, 403, 410, 413])
@pytest.mark.parametrize("what", ["response", "error"])
def test_an_answer_that_is_not_taken(kind, status, what):
    """AWS's clients go on as well, and do not say so."""
    events = invocations("zero" if what == "response" else "no such result", "string")
    ours = run(OURS, kind, "results.handler", events, statuses=[status])
    assert ours.exit_code is None and bodies(ours)[1] == "plain"
    text = 'tether: the %s of request-1 was not taken: %d {"status":"fake"}\n'
    assert ours.stderr == text % (what, status)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_that_is_not_taken(kind):
    ours = run(OURS, kind, "streams.handler", invocations("text", "text"), statuses=[410])
    assert ours.exit_code is None and len(ours.posts) == 2
    assert ours.stderr == "tether: the response of request-1 was not taken: 410\n"


@pytest.mark.parametrize("kind", KINDS)
def test_an_api_that_fails(kind):
    """A 5xx says that the environment is lost, and that the runtime should exit; AWS's clients do not."""
    ours = run(OURS, kind, "results.handler", invocations("zero", "zero"), statuses=[500])
    assert ours.exit_code == 1 and len(ours.posts) == 1
    assert ours.stderr.startswith("tether: the Runtime API failed on the response of request-1: 500")


def test_no_x_ray_cause():
    """AWS's clients send a second copy of the trace, in a header. Nothing here reads it."""
    ours = run(OURS, FROM_24, "errors.handler", invocations("with message"))
    assert "lambda-runtime-function-xray-error-cause" not in ours.posts[0][1]


# Ours alone


@pytest.mark.parametrize("kind", KINDS)
def test_handler_from_the_environment(kind):
    class WithoutArgument(Client):
        def command(self, kind, handler):
            return super().command(kind, handler)[:-1]

    ours = run(WithoutArgument(CLIENT), kind, "package/module.handler", invocations(5))
    assert bodies(ours) == [["package/module", 5]]


@pytest.mark.parametrize("kind", KINDS)
def test_one_connection_serves_many_invocations(kind):
    ours = run(OURS, kind, "echo.handler", invocations(*range(20)))
    assert bodies(ours) == list(range(20)) and ours.connections == 1


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_the_client_is_seen(kind):
    handlers = ["process.handler"] + (["process.sync"] if kind == UNTIL_22 else [])
    for handler in handlers:
        (seen,) = bodies(run(OURS, kind, handler, invocations(0)))
        assert CLIENT.name not in json.dumps(seen)
        assert seen["argv"] == ["/var/runtime/index.mjs"]
        assert seen.get("parent") in ("/var/runtime/index.mjs", None) and seen["main"] is None
        assert seen["variables"] == []
        assert not [name for name in seen["globals"] if "tether" in name.lower()]


def test_a_rejection_while_loading():
    """Whether the older kind still asks for an event is a matter of chance, with AWS's as well."""
    with FakeRuntimeApi([]) as api:
        process = start(UNTIL_22, "rejects_on_import.handler", api)
        assert process.wait(PATIENCE) == 128
    (path, headers, body) = api.posts[0]
    assert path == "/init/error"
    assert headers["lambda-runtime-function-error-type"] == "Runtime.UnhandledPromiseRejection"
    assert "rejected while loading" in json.loads(body)["errorMessage"]


def test_a_module_that_never_gets_loaded():
    ours = run(OURS, UNTIL_22, "never_loaded.handler", [])
    assert ours.exit_code == 13 and ours.posts == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("handler", ["layered.handler", "layered_module.handler"])
def test_layers_are_found_by_node_path(kind, handler):
    """By import as well, which Node itself does not do."""
    env = {"NODE_PATH": "/no/such/folder:%s" % (CORPUS / "layer" / "nodejs" / "node_modules")}
    (seen,) = bodies(run(OURS, kind, handler, invocations(1), env=env))
    assert seen == ("of the layer" if handler.startswith("layered.") else ["of the layer", "a module of the layer"])


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_in_no_layer_is_missing(kind):
    env = {"NODE_PATH": str(CORPUS / "layer" / "nodejs" / "node_modules")}
    ours = run(OURS, kind, "import_error_module.handler", [], env=env)
    text = "Cannot find package 'no-such-package' imported from %s" % (CORPUS / "import_error_module.mjs")
    assert bodies(ours)[0]["errorMessage"] == text


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_listens(kind):
    with socket.socket() as taken:  # bound, and not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        for handler in ("echo.handler", "echo"):
            ended = run(OURS, kind, handler, [], env={"AWS_LAMBDA_RUNTIME_API": address})
            assert ended.exit_code == 1
            assert ended.stderr.startswith("tether: no Runtime API at %s: " % address)


@pytest.mark.parametrize("kind", KINDS)
def test_kept_connection_that_the_api_has_closed(kind):
    ours = run(OURS, kind, "echo.handler", invocations(1, 2, 3), close_after_each=True)
    assert bodies(ours) == [1, 2, 3] and ours.stderr == ""


def test_chunked_events():
    events = invocations({"long": "x" * 100000}, "", b"1")
    ours = run(OURS, FROM_24, "echo.handler", events, chunked=True)
    assert bodies(ours) == [{"long": "x" * 100000}, "", 1]
    assert ours.connections == 1


def test_large_events():
    big = "ü" * 3000000
    assert bodies(run(OURS, UNTIL_22, "echo.handler", invocations(big))) == [big]


def test_head_and_body_leave_in_one_write():
    """Seen from the other end: the first read that finds the head finds the body."""
    reply = b"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: r\r\nContent-Length: 1\r\n\r\n7"
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE)
        process = start(FROM_24, "echo.handler", address="127.0.0.1:%d" % server.getsockname()[1])
        try:
            connection, _ = server.accept()
            with connection:
                connection.settimeout(PATIENCE)
                assert connection.recv(65536).startswith(b"GET /2018-06-01/runtime/invocation/next ")
                connection.sendall(reply)
                request = connection.recv(65536)
        finally:
            end(process)
    assert request.startswith(b"POST /2018-06-01/runtime/invocation/r/response HTTP/1.1\r\n")
    assert request.endswith(b"\r\n\r\n7")


@pytest.mark.skipif(not SYSTEM_NODE, reason="no node on the PATH")
@pytest.mark.parametrize("kind", KINDS)
def test_another_node(kind):
    """What does not depend on Node's own words is the same on the one of this machine."""
    client = Client(CLIENT, node=SYSTEM_NODE)
    assert client.major() >= 18, "the client is for Node 18 and later"
    names = {"events", "errors", "context", "logs", "json logs", "streams", "an ES module", "missing module"}
    for pair in PAIRS:
        if pair[0] == kind and pair[1].name in names:
            seen = json.loads(json.dumps(run_case(client, *pair)))
            expected = EXPECTED[key(*pair)]
            assert seen["exit code"] == expected["exit code"]
            assert [post["path"] for post in seen["posts"]] == [post["path"] for post in expected["posts"]]


# The host's end


def start(kind, handler, api=None, address=None, env=None, **options):
    environment = {
        **ENVIRONMENT,
        "AWS_EXECUTION_ENV": kind,
        "AWS_LAMBDA_RUNTIME_API": address or api.address,
        **(env or {}),
    }
    command = OURS.command(kind, handler)
    return subprocess.Popen(command, cwd=str(CORPUS), env=environment, start_new_session=True, **options)


def end(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait(PATIENCE)
    if process.stdin:
        process.stdin.close()


HELD = {"TETHER_LIFELINE": "stdin"}


def test_it_ends_with_the_host():
    with FakeRuntimeApi(invocations(1)) as api:
        process = start(FROM_24, "process.stdin", api, env=HELD, stdin=subprocess.PIPE)
        try:
            assert api.idle.wait(PATIENCE)
            assert process.poll() is None
            process.stdin.close()
            assert process.wait(PATIENCE) == -signal.SIGKILL
        finally:
            end(process)
    # What a handler read from its stdin meanwhile, and did not wait for.
    assert api.posts[0][2] == b'""'


def test_it_ends_with_the_host_in_an_endless_loop():
    with FakeRuntimeApi(invocations(1)) as api:
        process = start(UNTIL_22, "process.forever", api, env=HELD, stdin=subprocess.PIPE)
        try:
            wait_for(lambda: not api.events)
            process.stdin.close()
            assert process.wait(PATIENCE) == -signal.SIGKILL
        finally:
            end(process)


def test_it_ends_when_the_host_is_gone_before_it_begins():
    reader, writer = os.pipe()
    os.close(writer)
    with FakeRuntimeApi([]) as api:
        process = start(FROM_24, "echo.handler", api, env=HELD, stdin=reader)
        os.close(reader)
        try:
            assert process.wait(PATIENCE) == -signal.SIGKILL
        finally:
            end(process)


def test_it_can_exit_while_the_host_is_there():
    with FakeRuntimeApi(invocations("exit 3")) as api:
        process = start(UNTIL_22, "ends.two", api, env=HELD, stdin=subprocess.PIPE)
        try:
            assert process.wait(PATIENCE) == 3
        finally:
            end(process)


@pytest.mark.parametrize("kind", KINDS)
def test_a_debugger_comes_in_where_the_client_says(kind, tmp_path):
    file = tmp_path / "endpoints.json"
    env = {**HELD, "TETHER_INSPECTOR": str(file)}
    with FakeRuntimeApi(invocations(1)) as api:
        process = start(kind, "process.at_a_breakpoint", api, env=env, stdin=subprocess.PIPE)
        try:
            assert api.idle.wait(PATIENCE)  # without a debugger it does not stop
            api_again = asyncio.run(asyncio.wait_for(first_words(file), PATIENCE))
        finally:
            end(process)
    assert api.posts[0][2] == b'"went on"'
    assert api_again["id"] == 1 and "error" not in api_again


async def first_words(file):
    async with websockets.connect(inspector(file)) as debugger:
        await debugger.send(json.dumps({"id": 1, "method": "Debugger.enable"}))
        async for message in debugger:
            if json.loads(message).get("id") == 1:
                return json.loads(message)


def inspector(file):
    """The address of the first target, as Node's own HTTP says it."""
    where = json.loads(file.read_text())["client"]
    assert where["host"] == "127.0.0.1"
    with urllib.request.urlopen("http://127.0.0.1:%d/json/list" % where["port"], timeout=PATIENCE) as answer:
        return json.load(answer)[0]["webSocketDebuggerUrl"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_line_waits_for_a_debugger_and_a_breakpoint_does_not_outlive_the_host(kind, tmp_path):
    file = tmp_path / "endpoints.json"
    env = {**HELD, "TETHER_INSPECTOR": str(file), "TETHER_INSPECTOR_WAIT": "1"}
    with FakeRuntimeApi(invocations(1)) as api:
        process = start(kind, "process.at_a_breakpoint", api, env=env, stdin=subprocess.PIPE)
        try:
            wait_for(file.exists)
            asyncio.run(asyncio.wait_for(stop_at_a_breakpoint(file, api, process), PATIENCE))
            assert process.returncode == -signal.SIGKILL
        finally:
            end(process)
    assert api.posts == []


async def stop_at_a_breakpoint(file, api, process):
    async with websockets.connect(inspector(file)) as debugger:
        for number, method in enumerate(["Runtime.enable", "Debugger.enable"]):
            await debugger.send(json.dumps({"id": number, "method": method}))
        # Nothing has run: the event is still there.
        assert api.events
        await debugger.send(json.dumps({"id": 9, "method": "Runtime.runIfWaitingForDebugger"}))
        async for message in debugger:
            if json.loads(message).get("method") == "Debugger.paused":
                process.stdin.close()
                # Connected all the while: without a debugger, Node would go on.
                await asyncio.to_thread(process.wait, PATIENCE)
                return


def test_it_ends_with_the_host_while_it_waits_for_a_debugger(tmp_path):
    file = tmp_path / "endpoints.json"
    env = {**HELD, "TETHER_INSPECTOR": str(file), "TETHER_INSPECTOR_WAIT": "1"}
    with FakeRuntimeApi([]) as api:
        process = start(FROM_24, "echo.handler", api, env=env, stdin=subprocess.PIPE)
        try:
            wait_for(file.exists)
            process.stdin.close()
            assert process.wait(PATIENCE) == -signal.SIGKILL
        finally:
            end(process)


def wait_for(condition):
    """Asks again and again: nothing tells of a file, or of an event that was taken."""
    tick = threading.Event()
    for _ in range(PATIENCE * 100):
        if condition():
            return
        tick.wait(0.01)
    raise AssertionError("it did not come")
