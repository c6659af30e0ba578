"""What the caller gets: the same as from the deployed code, byte for byte."""

import json

import pytest
from harness import Project

HANDLER = """
RESULTS = {
    "none": None, "zero": 0, "false": False, "empty string": "", "empty object": {},
    "string": "plain", "non-ASCII": "Grüße, 世界 🌍", "list": [1, 2.5, "x", None],
    "nested": {"a": [{"b": {"c": [True, "é"]}}], "": {}}, "quotes": 'a "b" \\\\ \\n <&>',
}


def handler(event, context):
    return RESULTS[event["which"]] if isinstance(event, dict) and "which" in event else event
"""

BYTES = {
    "none": "null",
    "zero": "0",
    "false": "false",
    "empty string": '""',
    "empty object": "{}",
    "string": '"plain"',
    "non-ASCII": '"Grüße, 世界 🌍"',
    "list": '[1, 2.5, "x", null]',
    "nested": '{"a": [{"b": {"c": [true, "é"]}}], "": {}}',
    "quotes": r'"a \"b\" \\ \n <&>"',
}

EVENTS = ["null", "0", "false", '""', "{}", '"plain"', '"Grüße, 世界 🌍"', "[1, [2, {}]]"]

RAISING = """
class OutOfStock(Exception):
    pass


def look_up(item):
    raise OutOfStock(f"no {item} left: späť 世界")


def handler(event, context):
    return look_up(event["item"])
"""


@pytest.fixture(scope="module")
def stories(clouds, tmp_path_factory):
    """Deployed answers without anybody attached, then a cloud and a working copy to attach."""
    functions = {"Results": HANDLER, "Raising": RAISING}
    deployed = Project.of(tmp_path_factory.mktemp("deployed"), functions)
    cloud = clouds({"app": deployed.template})
    which = {name: cloud.invoke("Results", {"which": name}) for name in BYTES}
    events = {text: cloud.invoke("Results", text.encode()) for text in EVENTS}
    raised = cloud.invoke("Raising", {"item": "tea"})
    return cloud, {**which, **events}, raised


@pytest.fixture(scope="module")
def attached(stories, attach_for_module, tmp_path_factory):
    functions = {"Results": HANDLER, "Raising": RAISING}
    project = Project.of(tmp_path_factory.mktemp("working-copy"), functions)
    return attach_for_module(stories[0], project), project


@pytest.mark.parametrize("name", BYTES)
def test_a_result_comes_back_byte_for_byte_as_from_the_deployed_code(stories, attached, name):
    cloud, deployed, _ = stories
    answer = cloud.invoke("Results", {"which": name})
    assert attached[0].outcome_of(answer)["outcome"] == "completed"
    assert answer.error is None
    assert answer.payload == deployed[name].payload == BYTES[name].encode()


@pytest.mark.parametrize("event", EVENTS)
def test_any_json_is_an_event(stories, attached, event):
    cloud, deployed, _ = stories
    answer = cloud.invoke("Results", event.encode())
    assert attached[0].outcome_of(answer)["outcome"] == "completed"
    assert answer.payload == deployed[event].payload == event.encode()


def test_an_exception_reaches_the_caller_with_its_type_message_and_local_stack(stories, attached):
    cloud, _, deployed = stories
    receiver, project = attached
    answer = cloud.invoke("Raising", {"item": "tea"})
    assert receiver.outcome_of(answer)["outcome"] == "failed"
    assert answer.error == deployed.error == "Unhandled"
    error, original = json.loads(answer.payload), json.loads(deployed.payload)
    assert error["errorType"] == original["errorType"] == "OutOfStock"
    assert error["errorMessage"] == original["errorMessage"] == "no tea left: späť 世界"
    assert error["requestId"] == answer.request_id
    assert error.keys() == original.keys()

    file = project.path("Raising/app.py")
    lines = [line.strip().splitlines() for line in error["stackTrace"]]
    assert lines == [
        [f'File "{file}", line 11, in handler', '    return look_up(event["item"])'],
        [
            f'File "{file}", line 7, in look_up',
            '    raise OutOfStock(f"no {item} left: späť 世界")',
        ],
    ]
    # The deployed code's own stack names the deployed files.
    assert str(file) not in deployed.payload.decode()


def test_after_an_exception_the_next_invocation_is_answered(stories, attached):
    cloud, _, _ = stories
    assert cloud.invoke("Raising", {"item": "tea"}).error == "Unhandled"
    assert cloud.invoke("Results", {"which": "string"}).payload == b'"plain"'
    assert json.loads(cloud.invoke("Raising", {}).payload)["errorType"] == "KeyError"
