"""Greets whoever the event names."""

import os

ANSWERED_BY = "the deployed code"


def handler(event, context):
    name = event.get("name", "world")
    greeting = os.environ.get("GREETING", "Hi")
    print(f"greeting {name}")
    return {
        "message": f"{greeting}, {name}!",
        "answered_by": ANSWERED_BY,
        "request_id": context.aws_request_id,
    }
