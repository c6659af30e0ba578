"""``tether upgrade``: the helper stack becomes that of this release, and takes nothing away."""

import json

import pytest
from harness import Project, Stack
from harness.installation import Artifacts, Installation


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    deployed = Project.hello(tmp_path_factory.mktemp("deployed") / "hello")
    return clouds({"app": deployed.template}, "--no-helper-stack")


@pytest.fixture
def working_copy(tmp_path):
    project = Project.hello(tmp_path / "working-copy")
    project.edit("hello/app.py", "the deployed code", "the working copy")
    return project


@pytest.fixture
def older(cloud, working_copy, tmp_path):
    """What an older release has installed, with another layer."""
    artifacts = Artifacts.built(tmp_path / "built")
    installation = Installation(cloud, artifacts, working_copy.laptop)
    installation.install("--log-retention-days", "7", "--tag", "team=platform")
    installation.set_release("0.0.1")
    artifacts.change_layer()
    yield installation
    installation.uninstall("--force")


@pytest.mark.parametrize("command", ["upgrade", "install"])
def test_an_older_one_becomes_this_release_and_keeps_what_was_asked_for(cloud, older, command):
    (first,) = older.layer_versions()
    done = getattr(older, command)()
    (changes,) = done.events_of("changes")
    assert (changes["before"], changes["release"]) == ("0.0.1", done.events[-1]["release"])
    described = Stack(cloud, "tether").describe()
    values = {it["ParameterKey"]: it["ParameterValue"] for it in described["Parameters"]}
    assert values["LogRetentionDays"] == "7"
    assert {"Key": "team", "Value": "platform"} in described["Tags"]
    # Nobody uses the older layer.
    assert older.layer_versions() == [first + 1]
    assert older.upgrade().events[-1]["isChanged"] is False


def test_a_session_outlives_an_upgrade_and_its_layer_is_kept(cloud, older, attach, working_copy):
    (first,) = older.layer_versions()
    attached = attach(cloud, working_copy)
    older.upgrade()
    assert older.layer_versions() == [first, first + 1]
    answer = cloud.invoke("HelloFunction", {"name": "Ada"})
    assert json.loads(answer.payload)["answered_by"] == "the working copy"
    attached.detach()

    # The next upgrade finds that nobody has it any more.
    older.set_release("0.0.1")
    older.artifacts.change_layer()
    older.upgrade()
    assert older.layer_versions() == [first + 2]


def test_a_newer_one_is_left_alone_and_says_so(older):
    before = older.layer_versions()
    older.set_release("99.0.0")
    for command in ("install", "upgrade"):
        line = older.fails(command)
        assert "the helper stack tether is of release 99.0.0, and this tether is" in line
    assert older.layer_versions() == before


def test_an_upgrade_that_fails_leaves_what_was_there(cloud, older, attach, working_copy):
    before = older.layer_versions()
    template = older.artifacts.folder / "template.yaml"
    text = template.read_text()
    more = "\n  MoreLogs:\n    Type: AWS::Logs::LogGroup\n    Properties: {LogGroupName: taken}\n"
    template.write_text(text.replace("\nResources:\n", "\nResources:\n" + more))
    logs = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "taken"}}
    other = Stack(cloud, "other")
    other.aws.create_stack(
        StackName="other", TemplateBody=json.dumps({"Resources": {"Logs": logs}})
    )
    assert other.settles() == "CREATE_COMPLETE"
    try:
        line = older.fails("upgrade")
        assert line.startswith("the upgrade of tether has failed, because of MoreLogs"), line
        assert "is what it was before" in line
        assert older.layer_versions() == before
        assert Stack(cloud, "tether").outputs()["Release"] == "0.0.1"
        attach(cloud, working_copy).detach()
    finally:
        other.delete()
    older.upgrade()
    assert len(older.layer_versions()) == 1 and older.layer_versions() > before
