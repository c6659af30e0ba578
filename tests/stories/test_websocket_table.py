"""Connections of WebSocket APIs stand in a DynamoDB table."""

import socket as sockets
import time

import pytest
from harness import Cloud, Project, echo, tether
from harness.echo import ask, connect
from harness.sessions import plain
from harness.surroundings import PATIENCE

TABLE = "ws_connections"


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    return echo.project(tmp_path_factory.mktemp("echo") / "app")


def rows(dynamodb):
    return {it["connectionId"]: it for it in map(plain, scan(dynamodb))}


def scan(dynamodb):
    return dynamodb.scan(TableName=TABLE, ConsistentRead=True)["Items"]


def until(look, what):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"no {what}")


def test_a_connection_stands_in_the_table_while_it_is_there(clouds, deployed):
    cloud = clouds({"app": deployed.template}, "--no-helper-stack", "--websocket-table", TABLE)
    dynamodb = cloud.client("dynamodb")
    before = time.time() * 1000
    with connect(cloud, user_agent_header="story") as socket:
        who = ask(socket, "who")
        row = until(lambda: rows(dynamodb).get(who), "row")
        assert (row["logicalId"], row["stage"]) == ("Api", "live")
        assert (row["sourceIp"], row["userAgent"]) == ("127.0.0.1", "story")
        assert before - 1000 <= row["connectedAt"] <= row["lastActiveAt"]
        assert 7200 <= row["expiresAt"] - row["connectedAt"] // 1000 <= 7261
        by_api = dynamodb.query(
            TableName=TABLE,
            IndexName="byApi",
            KeyConditionExpression="apiId = :api",
            ExpressionAttributeValues={":api": {"S": row["apiId"]}},
        )
        assert [it["connectionId"]["S"] for it in by_api["Items"]] == [who]
        # Activity is there after some seconds.
        started = time.monotonic()
        until(
            lambda: (
                ask(socket, "busy")
                and rows(dynamodb)[who]["lastActiveAt"] > row["lastActiveAt"] + 1000
            ),
            "activity",
        )
        assert time.monotonic() - started < 10
    until(lambda: not rows(dynamodb), "row less")
    described = dynamodb.describe_time_to_live(TableName=TABLE)["TimeToLiveDescription"]
    assert described["AttributeName"] == "expiresAt"


def test_another_dynamodb_has_them_and_the_next_run_tells_what_was_open(clouds, deployed):
    elsewhere = clouds({}, "--no-helper-stack")
    flags = ["--no-helper-stack", "--websocket-table", TABLE]
    flags += ["--dynamodb-endpoint", elsewhere.endpoint]
    dynamodb = elsewhere.client("dynamodb")
    first = echo_cloud(deployed, flags)
    try:
        with connect(first) as socket:
            who = ask(socket, "who")
            until(lambda: rows(dynamodb).get(who), "row")
            first.process.kill()
    finally:
        first.process.close()
    second = clouds({"app": deployed.template}, *flags)
    second.wait_for_log("Echo", f"{who} disconnected with 1006 The emulator has ended")
    until(lambda: not rows(dynamodb), "row less")


def echo_cloud(deployed, flags):
    """One that does not end well, so no fixture may look after it."""
    return Cloud({"app": deployed.template}, *flags)


def test_a_table_that_cannot_be_reached_is_said_once_and_harms_nobody(clouds, deployed):
    with sockets.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        flags = ["--websocket-table", TABLE, "--dynamodb-endpoint", url]
        cloud = clouds({"app": deployed.template}, "--no-helper-stack", *flags)
        cloud.wait_for_notice(f"the table {TABLE} in {url} cannot be written")
        for _ in range(3):
            with connect(cloud) as socket:
                assert ask(socket, "hello") == 5
        # Longer than it waits before it tries again.
        with connect(cloud) as socket:
            deadline = time.monotonic() + 3
            while time.monotonic() < deadline:
                assert ask(socket, "hello") == 5
        said = [it for it in cloud.process.events_of("notice") if "cannot be written" in str(it)]
        assert len(said) == 1


def test_without_a_websocket_api_there_is_no_table(clouds, tmp_path):
    project = Project.of(tmp_path / "app", {"Hello": "def handler(event, context): return 1"})
    cloud = clouds({"app": project.template}, "--no-helper-stack", "--websocket-table", TABLE)
    cloud.invoke("Hello")
    assert cloud.client("dynamodb").list_tables()["TableNames"] == []


@pytest.mark.parametrize(
    "flags", [["--websocket-table", "no table"], ["--dynamodb-endpoint", "http://127.0.0.1:1"]]
)
def test_what_is_no_table_is_refused(flags):
    process = tether("emulator", *flags, "--no-helper-stack")
    assert process.code != 0
    assert any("--websocket-table" in line for line in process.stderr)
