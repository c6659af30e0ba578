"""A deploy while somebody is attached: repaired within one look, and restored to what it made."""

import pytest
from harness import Project

WORKING = 'def handler(event, context):\n    return "the working copy"\n'
DEPLOYED = 'def handler(event, context):\n    return "the deployed code"\n'

# Instead of 15 s.
OFTEN = ("--check-every", "0.3")


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    deployed = Project.of(tmp_path_factory.mktemp("deployed"), {"Hello": DEPLOYED}, STAGE="prod")
    return clouds({"app": deployed.template})


@pytest.fixture
def project(tmp_path):
    return Project.of(tmp_path / "working-copy", {"Hello": WORKING})


class Deployment:
    """What somebody else does to the function meanwhile, by boto3."""

    def __init__(self, cloud):
        self._client = cloud.client("lambda")
        self._name = cloud.function("Hello")

    def found(self):
        return self._client.get_function_configuration(FunctionName=self._name)

    def change(self, **changes):
        self._client.get_waiter("function_updated_v2").wait(FunctionName=self._name)
        self._client.update_function_configuration(FunctionName=self._name, **changes)
        self._client.get_waiter("function_updated_v2").wait(FunctionName=self._name)

    def layers(self):
        return [it["Arn"] for it in self.found().get("Layers", [])]


@pytest.fixture
def deployment(cloud):
    """Whatever a story deployed, the next one finds the function as it was."""
    it = Deployment(cloud)
    before = it.found()
    yield it
    it.change(
        Timeout=before["Timeout"], Layers=[], Environment={"Variables": {"STAGE": "prod"}}
    )


def is_instrumented_again(attached, times=1):
    def look():
        found = attached.events_of("function", function="Hello", state="instrumented")
        return [it for it in found if "again" in it["detail"]][times - 1 :]

    return attached.wait_until(look, f"instrumented again, {times}")[0]


def test_a_layer_that_is_taken_away_leaves_no_dead_function(cloud, attach, project, deployment):
    before = cloud.configuration("Hello")
    attached = attach(cloud, project, *OFTEN)
    deployment.change(Layers=[])
    told = is_instrumented_again(attached)
    assert "its layer was taken out" in told["detail"]
    assert cloud.invoke("Hello").payload == b'"the working copy"'
    attached.detach()
    assert cloud.configuration("Hello") == before


def test_a_deploy_that_sets_everything_anew_is_attached_to_and_kept(
    cloud, attach, project, deployment
):
    attached = attach(cloud, project, *OFTEN)
    assert cloud.invoke("Hello").payload == b'"the working copy"'
    # As CloudFormation does it: from the template alone.
    deployment.change(
        Timeout=7, Layers=[], Environment={"Variables": {"STAGE": "next", "NEW": "1"}}
    )
    told = is_instrumented_again(attached)
    assert "it was deployed while attached" in told["detail"]
    assert cloud.invoke("Hello").payload == b'"the working copy"'
    attached.detach()
    after = deployment.found()
    assert after["Timeout"] == 7
    assert after["Environment"]["Variables"] == {"STAGE": "next", "NEW": "1"}
    assert deployment.layers() == []
    assert cloud.invoke("Hello").payload == b'"the deployed code"'


def test_layers_replaced_from_outside_stay_when_it_is_restored(cloud, attach, project, deployment):
    published = cloud.client("lambda").publish_layer_version(
        LayerName="theirs", Content={"ZipFile": EMPTY_ZIP}
    )
    theirs = published["LayerVersionArn"]
    attached = attach(cloud, project, *OFTEN)
    deployment.change(Layers=[theirs])
    is_instrumented_again(attached)
    assert deployment.layers()[0] == theirs and len(deployment.layers()) == 2
    assert cloud.invoke("Hello").payload == b'"the working copy"'
    attached.detach()
    assert deployment.layers() == [theirs]
    assert deployment.found()["Environment"]["Variables"] == {"STAGE": "prod"}


def test_after_kill_9_the_sweeper_repairs_a_dead_function_and_restores_it_when_the_lease_is_over(
    cloud, attach, project, deployment
):
    before = cloud.configuration("Hello")
    attached = attach(cloud, project)
    attached.kill()
    deployment.change(Layers=[])
    cloud.sweep()
    # The lease lasts: it is attached to, and alive.
    assert cloud.invoke("Hello").payload == b'"the deployed code"'
    cloud.end_lease(attached.session_id)
    cloud.sweep()
    assert cloud.configuration("Hello") == before


def _zip():
    import io
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("python/theirs.py", "")
    return buffer.getvalue()


EMPTY_ZIP = _zip()
