import syntax_error  # noqa: F401


def handler(event, context):
    return event
