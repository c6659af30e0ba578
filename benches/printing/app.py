"""Prints lines of 100 bytes, each with its number, so many at a time."""


def handler(event, context):
    for first in range(0, event["lines"], event["together"]):
        numbers = range(first, min(first + event["together"], event["lines"]))
        print("\n".join("%09d %s" % (number, "x" * 89) for number in numbers))
