"""What our programs ask AWS for, compared with AWS's own models.

The emulator keeps every request in a file. Each of ours is read by botocore's model of its
operation, and must be what that allows: members, types, what is required, lengths, patterns and
values. The file has payloads in it, so it stands in a temporary folder and goes with the story.
"""

import collections
import shutil
import tempfile
import weakref
from pathlib import Path

import botocore.validate
import regex

from . import models

# What stories send themselves comes from the same models, by boto3.
OURS = "aws-sdk-rust"

# A violation is a line; this many say what is wrong.
SHOWN = 20


class Requests:
    """The requests of one cloud."""

    def __init__(self):
        folder = tempfile.mkdtemp(prefix="tether-requests-")
        # However a story ends, and also where a cloud is killed and never closed.
        self.close = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._file = Path(folder) / "requests"
        self.flags = ("--record-requests", str(self._file))

    def ours(self):
        """Those that our programs sent, in the order in which they came."""
        with self._file.open(encoding="utf-8") as lines:
            for text in lines:
                asked = models.line(text)
                if asked is None:
                    return  # It is full. Whatever came later is not looked at.
                if OURS in asked.headers.get("user-agent", ""):
                    yield asked

    def check(self):
        """Fails with every request that a model does not allow; what was asked, by operation."""
        seen, counted, wrong = set(), collections.Counter(), {}
        for asked in self.ours():
            what = (asked.service, asked.method, asked.path, asked.query, asked.body)
            what += (asked.headers.get("x-amz-target"),)
            if what in seen:
                continue  # As polls are: the same again.
            seen.add(what)
            name, violations = violations_of(asked)
            counted[name] += 1
            for violation in violations:
                wrong.setdefault(f"{name} of {asked.principal}: {violation}", None)
        if wrong:
            lines = "\n".join(list(wrong)[:SHOWN])
            what = f"AWS's models do not allow {len(wrong)} of our requests"
            raise AssertionError(f"{what}:\n{lines}")
        return counted


def violations_of(asked):
    """The operation's name, and what its model does not allow."""
    try:
        operation, members = models.read(asked)
    except (models.NotInTheModel, ValueError) as unread:
        return f"{asked.service} {asked.method}", [str(unread)]
    name = f"{asked.service}:{operation.name}"
    if members is None or operation.input_shape is None:
        unknown = members or {}
        return name, [f"unknown member {it!r}" for it in unknown]
    report = botocore.validate.ParamValidator().validate(members, operation.input_shape)
    violations = [report.generate_report()] if report.has_errors() else []
    return name, violations + list(constraints(operation.input_shape, members, ""))


# ---- what botocore leaves to AWS


def constraints(shape, value, path):
    """Values, lengths and patterns that a model does not allow."""
    about = shape.metadata
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        for name, it in value.items():
            if name in shape.members:
                yield from constraints(shape.members[name], it, f"{path}.{name}")
    elif kind == "list" and isinstance(value, list):
        yield from _in_range(about, len(value), path, "items")
        for number, it in enumerate(value):
            yield from constraints(shape.member, it, f"{path}[{number}]")
    elif kind == "map" and isinstance(value, dict):
        yield from _in_range(about, len(value), path, "entries")
        for key, it in value.items():
            yield from constraints(shape.key, key, f"{path} (key)")
            yield from constraints(shape.value, it, f"{path}.{key}")
    elif kind == "string" and isinstance(value, str):
        yield from _text(shape, value, path)
    elif kind == "blob" and isinstance(value, bytes):
        yield from _in_range(about, len(value), path, "bytes")
    elif kind in ("integer", "long", "float", "double") and not isinstance(value, str):
        yield from _in_range(about, value, path, "")


def _in_range(about, size, path, unit):
    least, most = about.get("min"), about.get("max")
    if least is not None and size < float(least):
        yield f"{path}: {size} {unit} are less than {least}"
    if most is not None and size > float(most):
        yield f"{path}: {size} {unit} are more than {most}"


def _text(shape, value, path):
    about = shape.metadata
    yield from _in_range(about, len(value), path, "characters")
    if shape.enum and value not in shape.enum:
        yield f"{path}: {value!r} is none of {', '.join(shape.enum)}"
    pattern = about.get("pattern")
    # AWS means all of the text: https://smithy.io/2.0/spec/constraint-traits.html#pattern-trait
    # leaves that to the pattern, and the services do not.
    if pattern and not regex.fullmatch(pattern, value):
        yield f"{path}: {value!r} is not like {pattern}"
