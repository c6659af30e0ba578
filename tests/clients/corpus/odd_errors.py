"""Raises the odd error that the event names."""

import concurrent.futures


class TextFails(Exception):
    def __str__(self):
        raise LookupError("no text for this")


class TextIsNone(Exception):
    def __str__(self):
        return None


class lower_case(Exception):
    """Not named as errors are."""


class Outer:
    class Inner(Exception):
        """Has a longer qualified name."""


class Große(Exception):
    """Is named in letters that no header takes."""


class Empty(Exception):
    def __str__(self):
        return ""


def notes():
    error = ValueError("with notes")
    add = getattr(error, "add_note", lambda note: None)  # from Python 3.11 on
    add("the first note")
    add("the second\nnote")
    raise error


def cause_of_a_cause():
    try:
        try:
            int("x")
        except ValueError as error:
            raise KeyError("middle") from error
    except KeyError as error:
        raise RuntimeError("outer") from error


def context_only():
    try:
        int("x")
    except ValueError:
        raise RuntimeError("while handling another")


def from_none():
    try:
        int("x")
    except ValueError:
        raise RuntimeError("the other one is hidden") from None


def caught_and_raised_again():
    try:
        int("x")
    except ValueError:
        raise


def without_its_traceback():
    raise ValueError("bare").with_traceback(None)


def text_fails():
    raise TextFails


def text_is_none():
    raise TextIsNone


def named_oddly():
    raise lower_case("odd")


def inner_class():
    raise Outer.Inner("inner")


def not_ascii():
    raise Große("ü 😀 \u2028 \x00 \x7f \x1b[31m")


def empty_text():
    raise Empty("argument")


def blank_text():
    raise ValueError("  \n ")


def carriage_returns():
    raise ValueError("one\r\ntwo\rthree\x0bfour\x85five")


def bytes_argument():
    raise ValueError(b"\xff")


def class_as_argument():
    raise ValueError(ValueError)


def stop_iteration():
    raise StopIteration("the end")


def not_an_error():
    raise "text"


def in_generated_code():
    exec(compile("def inner():\n    raise ValueError('generated')\ninner()", "<generated>", "exec"))


def in_a_lambda():
    return (lambda: [1 / n for n in (1, 0)])()


def in_a_thread():
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(int, "x").result()


def in_a_generator():
    def count():
        yield 1
        raise ValueError("in the middle")

    return list(count())


def with_a_long_line():
    raise ValueError("x" * 10 + "................................................................................................................................................................" + "y")


def huge_message():
    raise ValueError("ü" * 300_000)


def ping(depth):
    return pong(depth - 1)


def pong(depth):
    return ping(depth - 1) if depth > 0 else 1 / 0


def huge_stack():
    return ping(800)


def mutual_recursion():
    return ping(10**9)


def handler(event, context):
    return globals()[event]()
