"""Raises the error that the event names."""

import json
import logging


class Silent(Exception):
    """Has no message."""


class Odd(Exception):
    def __str__(self):
        return "two\nlines\twith  ünïcode"


def with_message():
    raise ValueError("a message")


def without_message():
    raise Silent


def nested_cause():
    try:
        {}["missing"]
    except KeyError as error:
        raise RuntimeError("outer") from error


def recursion():
    return recursion()


def in_a_library():
    json.loads("{")


def over_several_lines():
    return max(
        1,
        len(
            None,
        ),
    )


def in_a_formatter():
    # The error starts inside of logging, which the client's handler calls.
    class Thing:
        def __str__(self):
            raise LookupError("no text for this")

    logging.error("thing: %s", Thing())


def key_error():
    raise KeyError("key")


def many_arguments():
    raise OSError(2, "No such file", "name")


def odd():
    raise Odd


def chained_assertion():
    assert [] == [1], "lists differ"


def surrogates():
    raise ValueError("a\ud800b")


def handler(event, context):
    return globals()[event]()


def one_argument(event):
    return event


class NotAFunction:
    pass


instance = NotAFunction()
