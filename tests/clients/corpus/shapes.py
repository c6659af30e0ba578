"""Handlers of every shape."""

import contextlib
import functools
import operator
import types


def generator(event, context):
    yield event


async def coroutine(event, context):
    return event


async def async_generator(event, context):
    yield event


class Class:
    """Calling it makes an instance."""

    def __init__(self, event, context):
        self.event = event

    def method(self, event, context):
        return ["method", event]

    @staticmethod
    def static(event, context):
        return ["static", event]


class Mapping(dict):
    """Calling it makes a dict."""

    def __init__(self, event, context):
        super().__init__(event=event)


class Callable:
    def __call__(self, event, context):
        return ["called", event]


class Unhappy:
    def __call__(self, event, context):
        raise ValueError("called in vain")


class Hidden:
    """Looking its attributes up fails."""

    def __getattr__(self, name):
        raise AttributeError(name)


def plain(event, context, extra="default", *rest, **named):
    return [event, extra, len(rest), len(named)]


def decorate(function):
    @functools.wraps(function)
    def around(*arguments, **named):
        return ["around", function(*arguments, **named)]

    return around


@decorate
def decorated(event, context):
    return event


@contextlib.contextmanager
def manager(event, context):
    yield event


def keyword_only(*, event, context):
    return event


def no_argument():
    return "never"


def three_arguments(event, context, callback):
    return "never"


partial = functools.partial(plain, extra="partial")
partial_of_too_much = functools.partial(plain, 1, 2, 3, 4)
bound = Class(1, 2).method
static = Class.static
instance = Callable()
unhappy = Unhappy()
anonymous = lambda event, context: ["anonymous", event]  # noqa: E731
cached = functools.lru_cache(lambda event, context: event)
built_in = operator.is_
number = 5
text = "plain"
nothing = None
module = types
hidden = Hidden()
__dunder__ = plain
