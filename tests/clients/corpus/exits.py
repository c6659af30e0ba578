"""Ends the process in the way that the event names."""

import os
import sys


class Base(BaseException):
    """Not an Exception."""


def handler(event, context):
    print("about to", event)
    if event == "base exception":
        raise Base("outside of Exception")
    if event == "keyboard interrupt":
        raise KeyboardInterrupt
    if event == "os exit":
        sys.stdout.write("no newline")
        os._exit(7)
    if event == "text":
        sys.exit("a reason")
    sys.exit(event)
