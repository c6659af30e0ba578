"""Sessions made by hand: a row in the table, and a raw WebSocket."""

import hashlib
import json
import secrets
import time

import websockets.exceptions
import websockets.sync.client

from .surroundings import PATIENCE


class HandMadeSession:
    """A session as the receiver writes it, with whatever a story changes in it."""

    def __init__(self, cloud, **fields):
        self.cloud = cloud
        self.id = secrets.token_hex(8)
        self.token = secrets.token_hex(32)
        self.url = cloud.outputs()["WebSocketUrl"]
        self.table = cloud.outputs()["SessionsTable"]
        now = int(time.time() * 1000)
        row = {
            "SessionId": self.id,
            "Status": "PENDING",
            "TTL": now // 1000 + 120,
            "StackName": "by-hand",
            "TokenHash": hashlib.sha256(self.token.encode()).hexdigest(),
            "LeaseUntil": now + 90_000,
            "CreatedAt": now,
            "Owner": "story@here",
            **fields,
        }
        cloud.client("dynamodb").put_item(TableName=self.table, Item=_item(row))

    def row(self):
        found = self.cloud.client("dynamodb").get_item(
            TableName=self.table, Key={"SessionId": {"S": self.id}}, ConsistentRead=True
        )
        return plain(found["Item"])

    def connect(self, session=None, token=None):
        """Opens the WebSocket as the receiver does; the parts can be others."""
        authorization = f"Bearer {token or self.token}"
        return connect(f"{self.url}?session={session or self.id}", Authorization=authorization)


def connect(url, **headers):
    return websockets.sync.client.connect(
        url, additional_headers=headers, open_timeout=PATIENCE, close_timeout=5, proxy=None
    )


def refusal(attempt):
    """The status with which a WebSocket is refused; none if it opens."""
    try:
        with attempt():
            return None
    except websockets.exceptions.InvalidStatus as refused:
        return refused.response.status_code


def say(socket, message):
    """Sends a message and waits for the next one."""
    socket.send(json.dumps(message))
    return json.loads(socket.recv(timeout=PATIENCE))


def heads(cloud, request_id):
    """The heads of an invocation's correlation records: one for each attempt."""
    found = cloud.client("dynamodb").query(
        TableName=cloud.outputs()["DebuggerTable"],
        KeyConditionExpression="RequestId = :id",
        ExpressionAttributeValues={":id": {"S": request_id}},
        ConsistentRead=True,
    )
    rows = [plain(item) for item in found["Items"]]
    return [row for row in rows if row["Part"].endswith("#head")]


def _item(row):
    return {
        name: {"N": str(value)} if isinstance(value, int) else {"S": value}
        for name, value in row.items()
    }


def plain(item):
    """A row without DynamoDB's types, as far as the stories read it."""
    values = {"S": str, "N": int}
    return {
        name: values[kind](value) if kind in values else value
        for name, typed in item.items()
        for kind, value in typed.items()
    }
