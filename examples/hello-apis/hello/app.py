"""Answers over HTTP and over WebSockets."""

import json


def hello(event, context):
    name = event["pathParameters"]["name"]
    print(f"greeting {name}")
    return {"statusCode": 200, "body": json.dumps({"message": f"Hello, {name}!"})}


def shout(event, context):
    # As a client sends it: {"action": "shout", "text": "hello"}
    text = json.loads(event["body"])["text"]
    return {"statusCode": 200, "body": text.upper()}
