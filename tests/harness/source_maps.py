"""Source maps, as far as stories read them: which line of JavaScript a line became.

https://tc39.es/ecma426/
"""

import json
import string

_DIGITS = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"


def _numbers(segment):
    value = shift = 0
    for digit in segment:
        bits = _DIGITS.index(digit)
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            yield -(value >> 1) if value & 1 else value >> 1
            value = shift = 0


def generated_line(file, source, line):
    """The first line (from 0) of a generated file that was made of a source's line (from 1)."""
    map = json.loads(file.with_name(file.name + ".map").read_text())
    sources = [(file.parent / it).resolve() for it in map["sources"]]
    wanted = (sources.index(source.resolve()), line - 1)
    at = [0, 0]
    for generated, segments in enumerate(map["mappings"].split(";")):
        for segment in filter(None, segments.split(",")):
            _, *place = _numbers(segment)
            if place:
                at = [at[0] + place[0], at[1] + place[1]]
            if tuple(at) == wanted:
                return generated
    raise AssertionError(f"nothing was made of {source}:{line}")
