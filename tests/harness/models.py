"""Requests read back by AWS's own models: which operation, and with which members.

botocore has the models (``service-2.json``) and goes from members to a request; this is the way
back, for the protocols of the services we call.
"""

import functools
import json
import re
import urllib.parse
from dataclasses import dataclass

import botocore.session

from . import wire

# By the name that signs a request, where botocore has another one.
SIGNED_AS = {"execute-api": "apigatewaymanagementapi"}


class NotInTheModel(Exception):
    """What the model does not know, or cannot be read by it."""


@dataclass
class Asked:
    """A request, as the emulator keeps it."""

    service: str
    principal: str
    method: str
    path: str
    query: str
    headers: dict  # Names in lower case.
    body: bytes | None  # None: it was too large to be kept.

    @property
    def pairs(self):
        """The query: names and values."""
        return urllib.parse.parse_qsl(self.query, keep_blank_values=True)


@functools.cache
def model(service):
    try:
        return _session().get_service_model(SIGNED_AS.get(service, service))
    except botocore.exceptions.UnknownServiceError:
        raise NotInTheModel(f"AWS has no service {service}") from None


@functools.cache
def _session():
    return botocore.session.get_session()


def read(asked):
    """The operation's model, and its members as botocore would be given them.

    Members are none where the body that would say them was too large to be kept.
    """
    protocol = model(asked.service).metadata["protocol"]
    readers = {
        "json": _json,
        "query": _query,
        "rest-json": functools.partial(_rest, body=wire.of_json_text),
        "rest-xml": functools.partial(_rest, body=wire.of_xml_text),
    }
    if protocol not in readers:
        raise NotInTheModel(f"{asked.service} speaks {protocol}, which nothing here reads")
    return readers[protocol](asked)


def _operation(service, name):
    known = model(service)
    if name not in known.operation_names:
        raise NotInTheModel(f"{service} has no operation {name!r}")
    return known.operation_model(name)


def _json(asked):
    prefix, _, name = asked.headers.get("x-amz-target", "").rpartition(".")
    wanted = model(asked.service).metadata["targetPrefix"]
    if prefix != wanted:
        raise NotInTheModel(f"x-amz-target begins with {prefix!r}, and not with {wanted!r}")
    operation = _operation(asked.service, name)
    if asked.body is None:
        return operation, None
    return operation, wire.of_json_text(operation.input_shape, asked.body)


def _query(asked):
    form = urllib.parse.parse_qsl((asked.body or b"").decode(), keep_blank_values=True)
    fields = dict(form)
    if len(fields) != len(form):
        raise NotInTheModel("a field stands twice in the form")
    operation = _operation(asked.service, fields.pop("Action", ""))
    version = fields.pop("Version", None)
    if version != model(asked.service).api_version:
        raise NotInTheModel(f"its Version is {version}")
    return operation, wire.of_form(operation.input_shape, fields)


# ---- REST: the operation is what method, path and query say


@dataclass
class _Route:
    name: str
    method: str
    path: re.Pattern
    query: frozenset  # What always stands in it.
    required: frozenset  # Headers, in lower case, and parameters.


@functools.cache
def _routes(service):
    known = model(service)
    return [_route(known.operation_model(name)) for name in known.operation_names]


def _route(operation):
    path, _, query = operation.http["requestUri"].partition("?")
    label = re.compile(r"\{(\w+)(\+?)\}")
    parts, end = [], 0
    for it in label.finditer(path):
        parts.append(re.escape(path[end : it.start()]))
        parts.append(f"(?P<{it[1]}>{'.+' if it[2] else '[^/]+'})")
        end = it.end()
    parts.append(re.escape(path[end:]))
    fixed = frozenset(urllib.parse.parse_qsl(query, keep_blank_values=True))
    pattern = re.compile("".join(parts))
    required = frozenset(_required(operation.input_shape))
    return _Route(operation.name, operation.http["method"], pattern, fixed, required)


def _required(shape):
    for name in shape.required_members if shape else ():
        about = shape.members[name].serialization
        if about.get("location") in ("header", "querystring"):
            yield about.get("name", name).lower()


def _path(asked):
    """Of the operation."""
    if asked.service == "execute-api":
        # The stage stands before it, in the client's endpoint.
        return re.sub("^/[^/]+", "", asked.path)
    if asked.service == "s3":
        # A bucket is the root of what is in it, and some clients write that.
        return re.sub("^(/[^/]+)/$", r"\1", asked.path)
    return asked.path


def _rest(asked, body):
    path = _path(asked)
    pairs = [pair for pair in asked.pairs if pair[0] != "x-id"]
    hint = dict(asked.pairs).get("x-id")
    found = [
        (route, labels)
        for route in _routes(asked.service)
        if route.method == asked.method
        and route.query <= set(pairs)
        and (labels := route.path.fullmatch(path))
        and hint in (None, route.name)
    ]
    if not found:
        raise NotInTheModel(f"no operation of {asked.service} is {asked.method} {asked.path}")
    # PutObject, UploadPart and CopyObject are told apart by what they must have.
    said = {name.lower() for name, _ in pairs} | set(asked.headers)

    def fits(it):
        route, labels = it
        complete = route.required <= said
        return complete, len(route.query) + complete * len(route.required), -len(labels.groupdict())

    route, labels = max(found, key=fits)
    operation = _operation(asked.service, route.name)
    shape = operation.input_shape
    if shape is None:
        return operation, {}
    members = {}
    labels = {name: urllib.parse.unquote(text) for name, text in labels.groupdict().items()}
    left = [pair for pair in pairs if pair not in route.query]
    for name, member in shape.members.items():
        location = member.serialization.get("location")
        wire_name = member.serialization.get("name", name)
        if location == "uri":
            members[name] = wire.of_text(member, labels[wire_name])
        elif location == "querystring":
            texts = [text for key, text in left if key == wire_name]
            left = [pair for pair in left if pair[0] != wire_name]
            wire.put(members, name, member, texts)
        elif location == "header":
            header = asked.headers.get(wire_name.lower())
            wire.put(members, name, member, [] if header is None else [header])
        elif location == "headers":
            prefix = wire_name.lower()
            found = {k: v for k, v in asked.headers.items() if k.startswith(prefix)}
            members |= {name: found} if found else {}
    if left:
        raise NotInTheModel(f"{route.name} has no query parameter {left[0][0]!r}")
    return operation, _with_body(operation, members, asked.body, body)


def _with_body(operation, members, text, read_text):
    shape = operation.input_shape
    payload = shape.serialization.get("payload")
    if payload and shape.members[payload].type_name in ("blob", "string"):
        # A model does not say what may be in it, so it may be left out here.
        text = b"" if text is None else text
        members[payload] = text if shape.members[payload].type_name == "blob" else text.decode()
        return members
    if text is None:
        return None
    if payload:
        return members | ({payload: read_text(shape.members[payload], text)} if text else {})
    in_body = any("location" not in it.serialization for it in shape.members.values())
    if not in_body:
        if text not in (b"", b"{}"):
            raise NotInTheModel(f"{operation.name} has no body")
        return members
    return members | read_text(shape, text or b"{}")


def line(text):
    """A line of the emulator's file; none at the mark that says that it is full."""
    said = json.loads(text)
    if said.get("full"):
        return None
    body = said.get("body")
    said = {name: said[name] for name in Asked.__dataclass_fields__ if name != "body"}
    return Asked(**said, body=None if body is None else wire.of_base64(body))
