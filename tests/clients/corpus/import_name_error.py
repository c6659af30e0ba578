from echo import there_is_no_such_name  # noqa: F401


def handler(event, context):
    return event
