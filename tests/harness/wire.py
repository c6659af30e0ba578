"""Values as they stand in a request, and as botocore is given them: JSON, forms, XML, text.

Whatever a model does not know keeps its place and name, so that its validator complains about it.
"""

import base64
import binascii
import json
import xml.etree.ElementTree


def of_base64(text):
    return base64.b64decode(text, validate=True)


def name_of(name, member):
    """A member's name in the request."""
    return member.serialization.get("name", name)


# ---- JSON


def of_json_text(shape, text):
    if shape is None:
        # An operation without members takes an empty object.
        return json.loads(text or b"{}")
    return of_json(shape, json.loads(text))


def of_json(shape, value):
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict) and not shape.is_document_type:
        return _json_structure(shape, value)
    if kind == "list" and isinstance(value, list):
        return [of_json(shape.member, it) for it in value]
    if kind == "map" and isinstance(value, dict):
        return {key: of_json(shape.value, it) for key, it in value.items()}
    if kind == "blob" and isinstance(value, str):
        try:
            return of_base64(value)
        except binascii.Error:
            return None  # No blob: the validator says so.
    if kind in ("integer", "long") and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _json_structure(shape, value):
    names = {name_of(name, member): name for name, member in shape.members.items()}
    read = {}
    for key, it in value.items():
        name = names.get(key)
        read[name or key] = of_json(shape.members[name], it) if name else it
    return read


# ---- text: labels, queries, headers, leaves of forms and XML


def of_text(shape, text):
    kind = shape.type_name
    try:
        if kind in ("integer", "long"):
            return int(text)
        if kind in ("float", "double"):
            return float(text)
        if kind == "boolean":
            return {"true": True, "false": False}[text]
        if kind == "blob":
            return of_base64(text)
        if kind == "list":
            return [of_text(shape.member, it.strip()) for it in text.split(",")]
    except (ValueError, KeyError):
        pass  # The validator says that it is text.
    return text


def put(members, name, shape, texts):
    """A member that may stand in a request more than once, or not at all."""
    if not texts:
        return
    if shape.type_name == "list" and len(texts) > 1:
        members[name] = [of_text(shape.member, it) for it in texts]
    else:
        members[name] = of_text(shape, texts[0])


# ---- forms: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html


def of_form(shape, fields):
    tree = {}
    for path, text in fields.items():
        node, (*branches, leaf) = tree, path.split(".")
        for branch in branches:
            node = node.setdefault(branch, {})
        node[leaf] = text
    return of_tree(shape, tree) if shape else tree


def of_tree(shape, node):
    kind = shape.type_name
    if kind == "structure" and isinstance(node, dict):
        names = {name_of(name, member): name for name, member in shape.members.items()}
        read = {}
        for key, it in node.items():
            name = names.get(key)
            read[name or key] = of_tree(shape.members[name], it) if name else it
        return read
    if kind == "list":
        return _form_list(shape, node)
    if kind == "map" and isinstance(node, dict):
        return _form_map(shape, node)
    return of_text(shape, node) if isinstance(node, str) else node


def _form_list(shape, node):
    if node == "":
        return []
    if not shape.serialization.get("flattened"):
        # Nothing else may stand beside its members.
        inner = shape.member.serialization.get("name", "member")
        if not isinstance(node, dict) or set(node) != {inner}:
            return node
        node = node[inner]
    numbers = [str(number) for number in range(1, len(node) + 1)]
    if not isinstance(node, dict) or set(node) != set(numbers):
        return node
    return [of_tree(shape.member, node[number]) for number in numbers]


def _form_map(shape, node):
    if not shape.serialization.get("flattened"):
        node = node.get("entry", node)
    key = shape.key.serialization.get("name", "key")
    value = shape.value.serialization.get("name", "value")
    pairs = list(node.values())
    if not all(isinstance(it, dict) and set(it) == {key, value} for it in pairs):
        return node
    return {it[key]: of_tree(shape.value, it[value]) for it in pairs}


# ---- XML


def of_xml_text(shape, text):
    if text in (b"", b"{}"):
        return {}
    return of_element(shape, xml.etree.ElementTree.fromstring(text))


def _local(tag):
    return tag.rpartition("}")[2]


def of_element(shape, element):
    kind = shape.type_name
    if kind == "structure":
        return _xml_structure(shape, element)
    if kind == "list":
        return [of_element(shape.member, it) for it in element]
    return of_text(shape, element.text or "")


def _xml_structure(shape, element):
    names = {name_of(name, member): name for name, member in shape.members.items()}
    read = {}
    for child in element:
        tag = _local(child.tag)
        name = names.get(tag)
        if name is None:
            read[tag] = child.text
        elif shape.members[name].serialization.get("flattened"):
            member = shape.members[name].member
            read.setdefault(name, []).append(of_element(member, child))
        else:
            read[name] = of_element(shape.members[name], child)
    return read
