"""Returns what came in."""


def handler(event, context):
    return event
