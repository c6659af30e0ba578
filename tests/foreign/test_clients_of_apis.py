"""curl, wscat and Python's websockets against what ``tether local`` serves."""

import json
import shutil
import subprocess
import threading

import pytest
from harness import front_doors
from harness.npm import NODE, PACKAGES
from harness.served import Served
from harness.surroundings import PATIENCE
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

WSCAT = PACKAGES / "wscat" / "bin" / "wscat"

needs_curl = pytest.mark.skipif(
    not shutil.which("curl"), reason="there is no curl (Debian: apt-get install curl)"
)
needs_wscat = pytest.mark.skipif(not WSCAT.exists(), reason="there is no wscat: make tools")

APIS = ["Rest", "Http", "UrlFunction"]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with Served(front_doors.project(tmp_path_factory.mktemp("served"))) as served:
        yield served


def curl(*words, stdin=b""):
    command = ["curl", "--silent", "--show-error", "--max-time", str(PATIENCE), *map(str, words)]
    ran = subprocess.run(command, input=stdin, capture_output=True)
    assert ran.returncode == 0, ran.stderr.decode()
    return ran.stdout


@needs_curl
@pytest.mark.parametrize("api", APIS)
def test_curl_sends_and_is_answered(served, api):
    url = served.url(api, "/things")
    said = json.loads(curl(url, "--header", "x-mine: here", "--cookie", "a=1"))
    assert (said["method"], said["mine"]) == ("GET", "here")
    assert "a=1" in str(said["cookies"])
    said = json.loads(curl(url, "--data", "a=1&b=2"))
    assert (said["method"], said["size"]) == ("POST", 7)


@needs_curl
@pytest.mark.parametrize("api", APIS)
def test_curl_waits_for_100_continue_with_a_large_body(served, tmp_path, api):
    large = tmp_path / "large"
    large.write_bytes(b"x" * 2_000_000)
    # It sends this by itself where a body has more than a megabyte.
    how = ("--header", "Expect: 100-continue", "--verbose", "--data-binary", f"@{large}")
    command = ["curl", "--silent", *how, served.url(api, "/things")]
    ran = subprocess.run(command, capture_output=True, timeout=PATIENCE)
    assert json.loads(ran.stdout)["size"] == 2_000_000
    assert b"HTTP/1.1 100" in ran.stderr


@needs_curl
@pytest.mark.parametrize("api", APIS)
def test_curl_sends_what_it_does_not_know_the_length_of(served, api):
    chunked = ("--header", "Transfer-Encoding: chunked", "--data-binary", "@-", "--request", "PUT")
    said = json.loads(curl(*chunked, served.url(api, "/things"), stdin=b"y" * 100_000))
    assert (said["method"], said["size"]) == ("PUT", 100_000)


@needs_curl
@pytest.mark.parametrize("api", APIS)
def test_curl_asks_for_the_head_alone(served, api):
    said = curl("--head", served.url(api, "/things")).decode()
    assert said.startswith("HTTP/1.1 200")
    assert "x-seen: head" in said.lower()


@needs_curl
def test_curl_keeps_its_connection(served):
    url = served.url("Http", "/things")
    counted = curl("--write-out", " %{num_connects}", url, url, "--output", "/dev/null").decode()
    assert counted.split()[-1] == "0"


def wscat(served, *words, say, until):
    """What it prints until this is there, or until it ends."""
    command = [NODE, WSCAT, "--no-color", "--connect", served.url("Sockets"), *words]
    # It ends with its stdin, too.
    process = subprocess.Popen(
        [*command, "--execute", say, "--wait", "-1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    too_long = threading.Timer(PATIENCE, process.kill)
    too_long.start()
    said = ""
    with process:
        while until not in said:
            letter = process.stdout.read(1)
            if not letter:
                break
            said += letter
        process.stdin.close()
    too_long.cancel()
    return said


@needs_wscat
def test_wscat_speaks_and_is_answered(served):
    assert "hello\n" in wscat(served, say="hello", until="hello\n")
    two = ("--subprotocol", "one", "--subprotocol", "two")
    assert "again\n" in wscat(served, *two, say="again", until="again\n")


@needs_wscat
def test_wscat_is_told_that_it_may_not(served):
    two = ("--subprotocol", "no", "--subprotocol", "two")
    refused = "Unexpected server response: 403"
    assert refused in wscat(served, *two, say="hello", until=refused)


def test_websockets_speaks_and_is_answered(served):
    with connect(served.url("Sockets"), subprotocols=["one", "two"]) as socket:
        assert socket.subprotocol == "two"
        socket.send("hello")
        assert socket.recv(timeout=PATIENCE) == "hello"
        # In frames: it is one message.
        socket.send(["a", "b" * 20_000, "c"])
        assert socket.recv(timeout=PATIENCE) == "a" + "b" * 20_000 + "c"


def test_websockets_is_told_what_is_wrong(served):
    with pytest.raises(InvalidStatus) as refused:
        with connect(served.url("Sockets"), subprotocols=["no", "two"]):
            pass
    assert refused.value.response.status_code == 403
    with connect(served.url("Sockets")) as socket:
        socket.send(b"bytes")
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=PATIENCE)
    # <https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html>: no binary frames.
    assert closed.value.rcvd.code == 1003
