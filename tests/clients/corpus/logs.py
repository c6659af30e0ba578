"""Prints and logs in every way."""

import logging
import sys

logging.warning("while loading")
print("printed while loading")

named = logging.getLogger("named.logger")


def handler(event, context):
    print("printed", "in parts", end=" ")
    print("and ended")
    sys.stdout.write("written\n")
    sys.stdout.writelines(["several ", "written\n"])
    logging.debug("debug")
    logging.info("info")
    logging.warning("warning with %s and ünïcode 😀", "arguments")
    logging.error("error\nof two lines")
    logging.critical("critical")
    named.error("named", extra={"order": 7, "thing": {1, 2} and ValueError("x"), "requestId": "mine"})
    logging.error({"a": "dict", "nan": float("nan")})
    logging.error({"a": "dict %s"}, {"with": "arguments"})
    logging.log(35, "between two levels")
    logging.log(55, "above all levels")
    try:
        {}["missing"]
    except KeyError:
        named.exception("with an exception")
    logging.error("with a stack", stack_info=False)
    context.log("from the context")
    context.log("from the context, with a newline\n")
    context.log({"not": "text"})
    sys.stdout.flush()
    sys.stdout.buffer.write(b"past the text layer\n")
    sys.stdout.buffer.flush()
    print("on stderr", file=sys.stderr)
    return event


def set_up_by_the_code(event, context):
    logging.getLogger().setLevel(logging.DEBUG)
    logging.debug("shown now")
    root = logging.getLogger().handlers[0]
    root.setFormatter(logging.Formatter("%(asctime)s mine %(aws_request_id)s %(message)s"))
    logging.info("in another format")
    return [type(stream).__name__ for stream in (sys.stdout, sys.stderr)] + [
        type(handler).__name__ for handler in logging.getLogger().handlers
    ]


def print_surrogates(event, context):
    print("a\ud800b")
