"""A WAN on the desk: ``--latency`` for the laptop's way, ``--aws-latency`` for calls in the region.

Only lower bounds are held exactly: what takes no time by itself may still take some here.
"""

import contextlib
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness import Project, echo
from harness.echo import ask, connect

# Seconds, one way: much more than anything takes by itself.
WAY = 0.4
IN_REGION = 0.05

# Functions call DynamoDB under their own role.
CALLS = """
import time

import boto3

dynamodb = boto3.client("dynamodb")


def handler(event, context):
    took = []
    for _ in range(3):
        started = time.monotonic()
        dynamodb.list_tables()
        took.append(time.monotonic() - started)
    return took
"""


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wan")
    deployed = echo.project(folder / "echo")
    lists = {"Effect": "Allow", "Action": "dynamodb:ListTables", "Resource": "*"}
    rights = [{"Statement": lists}]
    calls = Project.of(folder / "calls", {"Calls": CALLS}, timeout=20, policies=rights)
    stacks = {"app": deployed.template, "calls": calls.template}
    flags = ("--latency", WAY * 1000, "--aws-latency", IN_REGION * 1000)
    return clouds(stacks, "--no-helper-stack", *flags)


@contextlib.contextmanager
def takes(least, most):
    started = time.monotonic()
    yield
    took = time.monotonic() - started
    assert least <= took < most, f"{took:.3f} s"


def test_a_call_from_outside_travels_both_ways(cloud):
    dynamodb, functions = cloud.client("dynamodb"), cloud.client("lambda")
    with takes(2 * WAY, 3 * WAY):
        dynamodb.list_tables()
    with takes(2 * WAY, 3 * WAY):
        functions.get_function_configuration(FunctionName=cloud.function("Echo"))


def test_calls_at_the_same_time_do_not_wait_for_each_other(cloud):
    dynamodb = cloud.client("dynamodb")
    with ThreadPoolExecutor(16) as pool, takes(2 * WAY, 4 * WAY):
        list(pool.map(lambda _: dynamodb.list_tables(), range(16)))


def test_the_invocation_of_a_function_from_outside_does_not(cloud):
    cloud.invoke("Calls")  # A warm one.
    with takes(3 * IN_REGION, 2 * WAY):
        cloud.invoke("Calls")


def test_a_call_of_a_function_takes_the_time_of_the_region(cloud):
    for took in json.loads(cloud.invoke("Calls").payload):
        assert IN_REGION <= took < 2 * WAY


def test_a_websocket_message_travels_there_and_back(cloud):
    with takes(2 * WAY, 20):
        socket = connect(cloud)
    with socket:
        ask(socket, "a warm one")
        with takes(2 * WAY, 3 * WAY):
            ask(socket, "x")


def test_messages_travel_one_behind_the_other(cloud):
    def ten(socket):
        for _ in range(10):
            socket.send("x")
        assert [socket.recv(timeout=20) for _ in range(10)] == ["1"] * 10

    with connect(cloud) as socket:
        ten(socket)  # As many environments are warm from here on.
        with takes(2 * WAY, 4 * WAY):
            ten(socket)


def test_posted_messages_stay_in_order(cloud):
    with connect(cloud) as socket:
        socket.send("burst 20")
        assert [json.loads(socket.recv(timeout=20)) for _ in range(20)] == list(range(20))
        for took in json.loads(socket.recv(timeout=20)):
            # Whoever posts does not wait until the laptop has it.
            assert IN_REGION <= took < WAY


def test_the_live_road_works_over_a_wan(clouds, attach, tmp_path, working_copy):
    deployed = Project.hello(tmp_path / "deployed")
    cloud = clouds({"app": deployed.template}, "--latency", 100, "--aws-latency", 5)
    attached = attach(cloud, working_copy)
    cloud.invoke("HelloFunction")
    with takes(0.2, 20):
        answer = cloud.invoke("HelloFunction")
    assert json.loads(answer.payload)["answered_by"] == "the working copy"
    attached.detach()
