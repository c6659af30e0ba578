"""A WebSocket API on the desk keeps the limits of API Gateway.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
"""

import time

import botocore
import botocore.exceptions
import pytest
import websockets.exceptions
from harness import echo, tether
from harness.echo import ask, connect, management

KB = 1024

@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    return echo.project(tmp_path_factory.mktemp("echo") / "app")


@pytest.fixture(scope="module")
def cloud(clouds, deployed):
    return clouds({"app": deployed.template}, "--no-helper-stack")


def closed(socket, timeout=20):
    """Code and reason with which the other side closes."""
    with pytest.raises(websockets.exceptions.ConnectionClosed) as end:
        while True:
            socket.recv(timeout=timeout)
    return end.value.rcvd and (end.value.rcvd.code, end.value.rcvd.reason)


def refusal(call, **arguments):
    """Name and status of an error."""
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        call(**arguments)
    answer = refused.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


# ---- what a client sends


def test_a_message_of_128_kb_in_frames_of_32_kb_arrives(cloud):
    with connect(cloud) as socket:
        assert ask(socket, ["x" * 32 * KB] * 4) == 128 * KB


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(["x" * 32 * KB] * 4 + ["x"], id="message"),
        pytest.param("x" * (32 * KB + 1), id="frame"),
        pytest.param("x" * 4096 * KB, id="frame far too large"),
    ],
)
def test_what_is_larger_closes_the_connection_with_1009(cloud, message):
    with connect(cloud) as socket:
        who = ask(socket, "who")
        try:
            socket.send(message)
        except websockets.exceptions.ConnectionClosed:
            pass  # It is closed before all of it is sent.
        code, _ = closed(socket)
        assert code == 1009
        cloud.wait_for_log("Echo", f"{who} disconnected with 1009")


def test_a_binary_message_closes_the_connection_with_1003(cloud):
    with connect(cloud) as socket:
        socket.send(b"binary")
        code, _ = closed(socket)
        assert code == 1003


def test_a_client_that_closes_is_answered_and_its_reason_is_told(cloud):
    with connect(cloud) as socket:
        who = ask(socket, "who")
        socket.close(4001, "bye")
        answered = socket.protocol.close_rcvd
        assert answered is not None and answered.code == 4001
    cloud.wait_for_log("Echo", f"{who} disconnected with 4001 bye")


# ---- how long


def test_an_idle_connection_is_closed_with_1001(clouds, deployed):
    cloud = clouds({"app": deployed.template}, "--no-helper-stack", "--websocket-idle", "0.6")
    with connect(cloud) as socket:
        who = ask(socket, "who")
        # Each message, in either direction, starts the time again.
        started = time.monotonic()
        while time.monotonic() - started < 1.2:
            assert ask(socket, "still here") == len("still here")
            time.sleep(0.2)
        silent = time.monotonic()
        assert closed(socket) == (1001, "Going away")
        assert time.monotonic() - silent >= 0.3
    cloud.wait_for_log("Echo", f"{who} disconnected with 1001 Going away")


def test_a_connection_is_closed_at_the_end_of_its_lifetime_however_busy(clouds, deployed):
    cloud = clouds({"app": deployed.template}, "--no-helper-stack", "--websocket-lifetime", "1.5")
    with connect(cloud) as socket, connect(cloud) as other:
        started = time.monotonic()
        with pytest.raises(websockets.exceptions.ConnectionClosed) as end:
            while True:
                ask(socket, "busy")
        assert (end.value.rcvd.code, end.value.rcvd.reason) == (1001, "Going away")
        assert 1 < time.monotonic() - started < 10
        assert closed(other)[0] == 1001


@pytest.mark.parametrize("flag", ["--websocket-idle", "--websocket-lifetime"])
@pytest.mark.parametrize("value", ["0", "soon", "-1"])
def test_a_time_that_is_none_is_refused(flag, value):
    process = tether("emulator", f"{flag}={value}")
    assert process.code == 64
    assert any(flag in line for line in process.stderr)


# ---- @connections


@pytest.mark.parametrize("at", ["api", "endpoint"])
def test_a_message_is_posted_to_a_connection_and_a_larger_one_is_not(cloud, at):
    with connect(cloud, max_size=None) as socket:
        who = ask(socket, "who")
        post = management(cloud, at).post_to_connection
        post(ConnectionId=who, Data=b"x" * 128 * KB)
        assert socket.recv(timeout=20) == "x" * 128 * KB
        larger = refusal(post, ConnectionId=who, Data=b"x" * (128 * KB + 1))
        assert larger == ("PayloadTooLargeException", 413)
        largest = refusal(post, ConnectionId=who, Data=b"x" * 1024 * KB)
        assert largest == ("PayloadTooLargeException", 413)
        post(ConnectionId=who, Data=b"and it is still open")
        assert socket.recv(timeout=20) == "and it is still open"


def test_a_connection_is_described_and_deleted_and_then_gone(cloud):
    client = management(cloud)
    with connect(cloud) as socket:
        who = ask(socket, "who")
        about = client.get_connection(ConnectionId=who)
        assert about["Identity"]["SourceIp"] == "127.0.0.1"
        assert about["ConnectedAt"] <= about["LastActiveAt"]
        client.delete_connection(ConnectionId=who)
        assert closed(socket) == (1000, "")
    cloud.wait_for_log("Echo", f"{who} disconnected with 1000")
    for call in (client.post_to_connection, client.get_connection, client.delete_connection):
        more = {"Data": b"x"} if call == client.post_to_connection else {}
        assert refusal(call, ConnectionId=who, **more) == ("GoneException", 410)


def test_a_client_that_does_not_read_fills_its_buffer_and_the_caller_is_told_429(cloud):
    with connect(cloud, max_queue=1) as slow, connect(cloud) as other:
        who, reader = ask(slow, "who"), ask(other, "who")
        post = management(cloud).post_to_connection

        def fill():
            for _ in range(2000):
                post(ConnectionId=who, Data=b"x" * 128 * KB)

        assert refusal(fill) == ("LimitExceededException", 429)
        # Nobody else is kept waiting, and it is not lost either.
        post(ConnectionId=reader, Data=b"for another")
        assert other.recv(timeout=20) == "for another"
        for _ in range(64):
            assert slow.recv(timeout=20) == "x" * 128 * KB
        post(ConnectionId=who, Data=b"it reads again")


def test_a_client_that_does_not_read_is_deleted_all_the_same(cloud):
    client = management(cloud)
    with connect(cloud, max_queue=1) as slow:
        who = ask(slow, "who")
        with pytest.raises(botocore.exceptions.ClientError):
            for _ in range(2000):
                client.post_to_connection(ConnectionId=who, Data=b"x" * 128 * KB)
        client.delete_connection(ConnectionId=who)
        assert refusal(client.get_connection, ConnectionId=who) == ("GoneException", 410)
        cloud.wait_for_log("Echo", f"{who} disconnected with 1000")


@pytest.mark.parametrize("at", ["api", "endpoint"])
def test_an_unsigned_call_is_refused(cloud, at):
    client = management(cloud, at, signature_version=botocore.UNSIGNED)
    with connect(cloud) as socket:
        who = ask(socket, "who")
        refused = refusal(client.post_to_connection, ConnectionId=who, Data=b"x")
        assert refused == ("MissingAuthenticationTokenException", 403)
