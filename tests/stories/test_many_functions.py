"""A stack of many functions, in an account that takes 15 calls a second."""

import pytest
from harness import Project

RATE, FUNCTIONS = 15, 30

CODE = 'def handler(event, context):\n    return "{}"\n'


def functions(who):
    return {f"Function{number:02}": CODE.format(who) for number in range(FUNCTIONS)}


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    deployed = Project.of(tmp_path_factory.mktemp("deployed"), functions("the deployed code"))
    return clouds({"app": deployed.template}, "--control-plane-rate", str(RATE))


def test_all_are_attached_to_with_progress_and_restored_although_calls_are_throttled(
    cloud, attach, tmp_path
):
    names = sorted(functions("nobody"))
    before = {name: found(cloud, name) for name in names}
    attached = attach(cloud, Project.of(tmp_path / "here", functions("the working copy")))
    told = attached.events_of("function")
    assert sorted(it["function"] for it in told) == names
    assert {it["state"] for it in told} == {"instrumented"}
    # Told one by one, and not all at the end.
    ready = attached.events.index(attached.ready)
    assert all(attached.events.index(it) < ready for it in told)
    for name in (names[0], names[-1]):
        assert cloud.invoke(name).payload == b'"the working copy"'
    attached.detach()
    restored = attached.events_of("restored")
    assert sorted(it["function"] for it in restored) == names
    assert {name: found(cloud, name) for name in names} == before


def found(cloud, function):
    """By the call that has a limit of its own: this story's looks are not counted."""
    described = cloud.client("lambda").get_function(FunctionName=cloud.function(function))
    configuration = described["Configuration"]
    for volatile in ("RevisionId", "LastModified"):
        del configuration[volatile]
    return configuration
