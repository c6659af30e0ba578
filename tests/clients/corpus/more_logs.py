"""Logs what the event names."""

import contextlib
import io
import json
import logging


class Adapter(logging.LoggerAdapter):
    def process(self, message, named):
        return "[adapted] %s" % message, {**named, "extra": self.extra}


class Odd:
    def __str__(self):
        return "odd"

    __repr__ = __str__


def deep_error():
    try:
        try:
            int("x")
        except ValueError as error:
            raise RuntimeError("ü outer") from error
    except RuntimeError:
        logging.exception("failed with %s", "arguments")


def no_error():
    logging.error("none", exc_info=False)


def an_error_that_is_given():
    logging.error("given", exc_info=ValueError("never raised"))


def a_stack():
    logging.error("with a stack", stack_info=True)


def added():
    extra = {"number": 1, "nothing": None, "text": "ü", "odd": Odd(), "set": {1}, "bytes": b"x"}
    extra.update({"level": "mine", "timestamp": "mine", "tenantId": "mine", "deep": {"a": [1, Odd()]}})
    logging.error("added", extra=extra)


def dicts():
    logging.error({"odd": Odd(), "ü": [1, None]})
    logging.error({})
    logging.error({1: 2, None: 3})


def other_messages():
    for message in (None, 5, ["a", 1], ("t",), b"bytes", Odd(), ValueError("as a message")):
        logging.error(message)


def too_few_arguments():
    logging.raiseExceptions = False
    logging.error("one %s two %s", 1)
    logging.error("none", 1)


def a_circle():
    logging.raiseExceptions = False
    ring = {}
    ring["ring"] = ring
    logging.error(ring)


def adapted():
    Adapter(logging.getLogger("adapted"), {"order": 7}).error("message %d", 5)


def levels():
    logging.addLevelName(25, "NOTICE")
    root = logging.getLogger()
    root.setLevel(1)
    for level in (1, 5, 10, 15, 20, 25, 30, 40, 49, 50, 60, 1000):
        logging.log(level, "level %d", level)


def quiet():
    logging.disable(logging.ERROR)
    logging.error("not seen")
    logging.critical("seen")
    logging.disable(logging.NOTSET)


def basic_config():
    logging.basicConfig(level=logging.DEBUG, format="mine %(message)s")
    logging.debug("not seen, the root logger has its handler")
    logging.basicConfig(level=logging.DEBUG, format="mine %(message)s", force=True)
    logging.debug("on stderr")


def second_handler():
    records = []

    class Keeps(logging.Handler):
        def emit(self, record):
            records.append([record.levelno, record.levelname, record.name, hasattr(record, "aws_request_id")])

    logging.getLogger().addHandler(Keeps())
    logging.log(35, "seen by both")
    logging.error("seen by both")
    print(json.dumps(records))


def surrogates():
    logging.raiseExceptions = False
    logging.error("a\ud800b")


def several_lines():
    logging.error("one\ntwo\r\nthree\rfour\n")
    logging.error("\n")
    logging.error("")


def long_message():
    logging.error("ü" * 200_000)


def redirected():
    with contextlib.redirect_stdout(io.StringIO()) as kept:
        logging.error("past the redirection")
        print("caught")
    print("kept:", kept.getvalue(), end="")


def fails_while_redirected():
    with contextlib.redirect_stdout(io.StringIO()):
        raise ValueError("seen all the same")


def handler(event, context):
    globals()[event]()
