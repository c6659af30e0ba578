"""``tether invoke``: one invocation, here or there."""

import json

import pytest
from harness import Project, tether

RAISING = """
def handler(event, context):
    print("about to fail")
    raise ValueError("no such thing")
"""


def test_the_working_copy_runs_here_without_any_cloud(working_copy):
    working_copy.write("event.json", '{"name": "Ada"}')
    command = ("invoke", "HelloFunction", "--event", "event.json")
    process = tether(*command, cwd=working_copy.folder, AWS_ACCESS_KEY_ID=None)
    assert process.code == 0, process.stderr
    (line,) = process.stdout
    answer = json.loads(line)
    assert (answer["message"], answer["answered_by"]) == ("Hello, Ada!", "the working copy")
    assert any("greeting Ada" in line for line in process.stderr)
    process.leaves_nothing_behind()


def test_the_deployed_function_is_found_by_logical_id_or_by_name(hello_cloud):
    name = hello_cloud.function("HelloFunction")
    for how in (["HelloFunction", "--stack-name", "app"], [name, "--stack-name", "app"], [name]):
        process = tether("invoke", *how, "--remote", endpoint=hello_cloud.endpoint, stdin="{}")
        assert process.code == 0, process.stderr
        assert json.loads(process.stdout[0])["message"] == "Hello, world!"


@pytest.mark.parametrize("remote", [False, True], ids=["here", "there"])
def test_a_function_that_fails_is_exit_code_1_with_its_error_on_stdout(clouds, tmp_path, remote):
    project = Project.of(tmp_path / "project", {"Raising": RAISING})
    flags, endpoint = [], None
    if remote:
        flags = ["--remote", "--stack-name", "app"]
        endpoint = clouds({"app": project.template}, "--no-helper-stack").endpoint
    process = tether("invoke", "Raising", *flags, cwd=project.folder, endpoint=endpoint, stdin="{}")
    assert process.code == 1
    (line,) = process.stdout
    error = json.loads(line)
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "no such thing")
