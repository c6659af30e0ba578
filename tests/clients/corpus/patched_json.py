"""Code that teaches the json module what it does not know."""

import json

json.JSONEncoder.default = lambda encoder, value: "taught"


def handler(event, context):
    return {"set": {"a": {1}}, "bytes": {"b": b"x"}, "complex": [1j], "plain": [1, "ü", None]}[event]
