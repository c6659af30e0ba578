"""Functions that are not debugged: no local code, no match, somebody else's."""

import json

import pytest
from harness import Project, npm, tether
from harness.tools import needs

DEPLOYED = 'def handler(event, context):\n    return "the deployed code"\n'
WORKING = 'def handler(event, context):\n    return "the working copy"\n'
ALL = ("Here", "Elsewhere", "Unbuilt")


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    deployed = Project.of(tmp_path_factory.mktemp("deployed"), dict.fromkeys(ALL, DEPLOYED))
    return clouds({"app": deployed.template})


@pytest.fixture
def project(tmp_path):
    """One function's code is here; one is not in the template; one's folder is missing."""
    project = Project.of(tmp_path / "here", {"Here": WORKING, "Unbuilt": WORKING})
    project.edit("template.yaml", '"CodeUri": "Unbuilt/"', '"CodeUri": "nowhere/"')
    return project


def test_a_function_without_local_code_is_named_and_left_alone(cloud, attach, project):
    before = {name: cloud.configuration(name) for name in ALL}
    attached = attach(cloud, project)
    states = {it["function"]: it for it in attached.events_of("function")}
    assert {name: it["state"] for name, it in states.items()} == {
        "Here": "instrumented",
        "Elsewhere": "noLocalCode",
        "Unbuilt": "noLocalCode",
    }
    assert "template.yaml has no such function" in states["Elsewhere"]["detail"]
    assert "nowhere/ does not exist" in states["Unbuilt"]["detail"]
    assert [it["logicalId"] for it in attached.ready["functions"]] == ["Here"]
    for name in ("Elsewhere", "Unbuilt"):
        assert cloud.configuration(name) == before[name]
        assert cloud.invoke(name).payload == b'"the deployed code"'
    assert cloud.invoke("Here").payload == b'"the working copy"'
    attached.detach()
    assert {name: cloud.configuration(name) for name in ALL} == before


def test_only_the_functions_that_are_asked_for_are_attached(cloud, attach, tmp_path):
    project = Project.of(tmp_path / "all", dict.fromkeys(ALL, WORKING))
    before = cloud.configuration("Here")
    attach(cloud, project, "--function", "Elsewhere", "--function", "Unbuilt")
    assert cloud.configuration("Here") == before
    answers = {name: json.loads(cloud.invoke(name).payload) for name in ALL}
    assert answers == {
        "Here": "the deployed code",
        "Elsewhere": "the working copy",
        "Unbuilt": "the working copy",
    }


def test_a_colleagues_function_is_skipped_by_name_and_neither_hurts_the_other(
    cloud, attach, tmp_path
):
    before = {name: cloud.configuration(name) for name in ALL}
    first = attach(cloud, Project.of(tmp_path / "first", {"Here": WORKING}))
    colleagues = {"Here": WORKING, "Elsewhere": WORKING}
    second = attach(cloud, Project.of(tmp_path / "second", colleagues))
    skipped = second.wait_for("function", function="Here", state="skipped")
    owner = skipped["detail"].split("@")[0].split()[-1]
    assert owner and "--take-over" in skipped["detail"], skipped
    assert [it["logicalId"] for it in second.ready["functions"]] == ["Elsewhere"]

    answer = cloud.invoke("Here")
    assert first.outcome_of(answer)["outcome"] == "completed"
    second.detach()
    assert cloud.configuration("Elsewhere") == before["Elsewhere"]
    answer = cloud.invoke("Here")
    assert first.outcome_of(answer)["outcome"] == "completed"
    first.detach()
    assert {name: cloud.configuration(name) for name in ALL} == before


def test_taken_over_a_function_answers_to_the_second_and_is_left_alone_by_the_first(
    cloud, attach, tmp_path
):
    before = cloud.configuration("Here")
    first = attach(cloud, Project.of(tmp_path / "first", {"Here": WORKING}))
    another = WORKING.replace("the working copy", "the second")
    second = attach(cloud, Project.of(tmp_path / "second", {"Here": another}), "--take-over")
    assert cloud.invoke("Here").payload == b'"the second"'
    first.detach()
    assert cloud.invoke("Here").payload == b'"the second"'
    second.detach()
    assert cloud.configuration("Here") == before


def test_detach_restores_what_lives_and_says_when_there_is_nothing(cloud, attach, tmp_path):
    before = cloud.configuration("Here")
    attach(cloud, Project.of(tmp_path / "here", {"Here": WORKING}))
    command = ("detach", "--stack-name", "app")
    first = tether(*command, endpoint=cloud.endpoint)
    assert first.code == 0
    assert any("Here restored" in line for line in first.stderr)
    assert cloud.configuration("Here") == before
    second = tether(*command, endpoint=cloud.endpoint)
    assert second.code == 0
    assert second.stderr == ["nothing of app is instrumented"]


BY_HAND = """#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while head=$(curl -sS -o /dev/null -D - "$api/next"); do
    id=$(echo "$head" | tr -d '\\r' | sed -n 's/^lambda-runtime-aws-request-id: //Ip')
    curl -sS -o /dev/null -d '"the working copy"' "$api/$id/response"
done
"""


@needs("curl")
def test_a_function_without_a_debugger_runs_beside_those_that_have_one(cloud, attach, tmp_path):
    project = Project.of(tmp_path / "mixed", {"Here": WORKING, "Elsewhere": WORKING})
    project.write("Elsewhere/run", BY_HAND).chmod(0o755)
    project.write("tether.toml", '[functions.Elsewhere]\ncommand = ["./run"]\n')
    attached = attach(cloud, project, "--debug", "--debug-port", "0")
    notes = [it["message"] for it in attached.events_of("note")]
    (note,) = [it for it in notes if "under a debugger" in it]
    assert note.startswith("Elsewhere cannot") and "`debugger` in tether.toml" in note, note
    assert [it["function"] for it in attached.events_of("debugger")] == ["Here"]
    for name in ("Here", "Elsewhere"):
        assert cloud.invoke(name).payload == b'"the working copy"'


def test_a_function_whose_interpreter_does_not_run_is_left_alone(cloud, attach, tmp_path):
    project = Project.of(tmp_path / "mixed", {"Here": WORKING, "Elsewhere": WORKING})
    broken = npm.impostor(tmp_path / "broken", "python3", says="3.7") / "python3"
    virtualenv = f"home = {broken.parent}\n"
    project.write("Elsewhere/.venv/pyvenv.cfg", virtualenv)
    project.path("Elsewhere/.venv/bin").mkdir()
    project.path("Elsewhere/.venv/bin/python").symlink_to(broken)
    attached = attach(cloud, project, variables={"VIRTUAL_ENV": None})
    states = {it["function"]: it for it in attached.events_of("function")}
    assert states["Elsewhere"]["state"] == "noLocalCode"
    assert "is Python 3.7, and tether needs" in states["Elsewhere"]["detail"]
    assert cloud.invoke("Here").payload == b'"the working copy"'
    assert cloud.invoke("Elsewhere").payload == b'"the deployed code"'
