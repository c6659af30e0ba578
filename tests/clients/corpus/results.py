"""Returns the result that the event names."""

import collections
import datetime
import decimal
import enum
import math

Point = collections.namedtuple("Point", "x y")


class Color(str, enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


class LoudInt(int):
    def __repr__(self):
        return "not json"

    __str__ = __repr__


class LoudFloat(float):
    def __repr__(self):
        return "not json"

    __str__ = __repr__


class Text(str):
    def __str__(self):
        return "other text"


def circle():
    ring = {"name": "ring"}
    ring["self"] = [ring]
    return ring


def nested(depth):
    result = []
    for _ in range(depth):
        result = [result]
    return result


RESULTS = {
    "none": lambda: None,
    "zero": lambda: 0,
    "false": lambda: False,
    "true": lambda: True,
    "empty string": lambda: "",
    "empty dict": lambda: {},
    "empty list": lambda: [],
    "empty tuple": lambda: (),
    "string": lambda: "plain",
    "string that looks like json": lambda: '{"a": 1}',
    "non-ascii": lambda: {"grüße": "日本 😀 \u2028\u2029\x7f\x00\t\"\\/"},
    "numbers": lambda: [1, -1.5, 1e300, 1e-7, 1e16, 10**40, 0.1 + 0.2, -0.0],
    "nan": lambda: [math.nan, math.inf, -math.inf],
    "decimal": lambda: decimal.Decimal("1.50"),
    "decimals": lambda: [
        decimal.Decimal(text)
        for text in ("0", "-0.0", "1E+3", "1e-30", "NaN", "-sNaN", "Infinity", "-Infinity")
    ],
    "keys": lambda: {1: 1, 2.5: 2, None: 3, False: 4, b"k": 5, Level.LOW: 6, math.nan: 7, "s": 8},
    "namedtuple": lambda: {"point": Point(1, [Point(2, 3)])},
    "dict subclass": lambda: collections.OrderedDict([("b", 1), ("a", 2)]),
    "enums": lambda: [Color.RED, Level.LOW, {Color.RED: 1}],
    "subclasses": lambda: [LoudInt(5), LoudFloat(1.5), Text("this text")],
    "bytes": lambda: b"\x00\xff raw",
    "bytes inside": lambda: {"b": b"text"},
    "undecodable bytes inside": lambda: {"b": b"\xff"},
    "tuple": lambda: (1, ("a",)),
    "same thing twice": lambda: [[1]] * 2,
    "two hundred deep": lambda: nested(200),
    "circular": circle,
    "object": lambda: object(),
    "set": lambda: {"s": {1}},
    "datetime": lambda: datetime.datetime(2024, 1, 1),
    "generator": lambda: (n for n in ()),
    "class": lambda: Point,
    "bytearray": lambda: bytearray(b"x"),
    "decimal key": lambda: {decimal.Decimal(1): 1},
    "tuple key": lambda: {(1, 2): 1},
    "surrogates": lambda: "a\ud800b",
}


def handler(event, context):
    return RESULTS[event]()


def too_deep(event, context):
    return nested(event)
