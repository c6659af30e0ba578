"""``tether uninstall``: everything goes, and every function is what it was."""

import json

import pytest
from harness import Project, Stack
from harness.installation import BUCKET, Artifacts, Installation, account


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    deployed = Project.hello(tmp_path_factory.mktemp("deployed") / "hello")
    return clouds({"app": deployed.template}, "--no-helper-stack")


@pytest.fixture
def working_copy(tmp_path):
    return Project.hello(tmp_path / "working-copy")


@pytest.fixture
def installation(cloud, working_copy):
    """With the helper Lambdas that are built; whatever is left at last is removed."""
    made = Installation(cloud, None, working_copy.laptop)
    made.install()
    yield made
    made.uninstall("--force")


def test_whoever_is_attached_is_detached_first(cloud, installation, attach, working_copy):
    before = cloud.configuration("HelloFunction")
    attached = attach(cloud, working_copy)
    process = installation.run("uninstall", "--yes", "--json")
    assert process.code == 0, process.errors
    (removal,) = process.events_of("removal")
    (instrumented,) = removal["instrumented"]
    assert instrumented["stack"] == "app"
    assert process.events[-1]["left"] == []
    assert attached.ends() == 0
    assert cloud.configuration("HelloFunction") == before
    assert account(cloud)["stacks"] == ["app"]


def test_a_session_of_another_laptop_is_ended_too(cloud, installation, attach, working_copy):
    before = cloud.configuration("HelloFunction")
    attached = attach(cloud, working_copy)
    installation.laptop = working_copy.path("another-laptop")
    assert installation.uninstall()["left"] == []
    assert cloud.configuration("HelloFunction") == before
    assert account(cloud)["tables"] == []
    # It goes on asking for a helper stack that may come back.
    attached.kill()


def test_a_function_that_cannot_be_restored_keeps_the_helper_stack(
    cloud, installation, attach, working_copy
):
    attached = attach(cloud, working_copy)
    attached.kill()
    name = cloud.function("HelloFunction")
    refusal = {"kind": "refuse", "status": 400, "code": "InvalidParameterValueException"}
    refusal["message"] = "not today"
    with cloud.fault("lambda", refusal, action="UpdateFunctionConfiguration", principal="Manager"):
        line = installation.fails("uninstall")
        assert name in line and "--force" in line
        assert Stack(cloud, "tether").status() == "CREATE_COMPLETE"
    # Nothing was lost: it goes on where it was.
    assert installation.uninstall()["left"] == []
    assert "Layers" not in cloud.configuration("HelloFunction")


def test_by_force_what_stays_is_named(cloud, installation, attach, working_copy):
    before = account(cloud)
    attached = attach(cloud, working_copy)
    attached.kill()
    name = cloud.function("HelloFunction")
    refusal = {"kind": "refuse", "status": 400, "code": "InvalidParameterValueException"}
    refusal["message"] = "not today"
    with cloud.fault("lambda", refusal, action="UpdateFunctionConfiguration", principal="Manager"):
        left = installation.uninstall("--force")["left"]
    assert left == [
        f"tether's layer and variables in {name}",
        f"the layer tether-x86-64:{installation.layer_versions()[-1]}, which {name} uses",
    ]
    assert account(cloud)["stacks"] == ["app"] != before["stacks"]
    cloud.client("lambda").update_function_configuration(
        FunctionName=name, Layers=[], Environment={"Variables": {"GREETING": "Hello"}}, Timeout=3
    )
    assert installation.uninstall() == {"event": "uninstalled", "isChanged": True, "left": []}


def test_a_version_that_was_published_while_attached_keeps_its_layer(
    cloud, installation, attach, working_copy
):
    attached = attach(cloud, working_copy)
    name = cloud.function("HelloFunction")
    version = cloud.client("lambda").publish_version(FunctionName=name)["Version"]
    attached.detach()
    (left,) = installation.uninstall()["left"]
    assert f"which {name}:{version} uses" in left
    assert account(cloud)["layers"] == ["tether-x86-64"]
    cloud.client("lambda").delete_function(FunctionName=name, Qualifier=version)
    assert installation.uninstall()["left"] == []
    assert account(cloud)["layers"] == []


def test_what_was_half_deleted_by_hand_is_uninstalled_and_installed_again(
    cloud, installation, attach, working_copy
):
    resources = Stack(cloud, "tether").resources()
    for table in ("SessionsTable", "FunctionsTable"):
        cloud.client("dynamodb").delete_table(TableName=resources[table])
    cloud.client("lambda").delete_function(FunctionName=resources["ManagerFunction"])
    s3 = cloud.client("s3")
    for it in s3.list_objects_v2(Bucket=BUCKET)["Contents"]:
        s3.delete_object(Bucket=BUCKET, Key=it["Key"])
    s3.delete_bucket(Bucket=BUCKET)
    line = installation.fails("install")
    missing = "(ManagerFunction, SessionsTable, FunctionsTable)"
    assert f"parts of tether are missing {missing}: run `tether uninstall`" in line
    assert installation.uninstall()["left"] == []
    assert account(cloud)["stacks"] == ["app"]

    installation.install()
    attached = attach(cloud, working_copy)
    answer = cloud.invoke("HelloFunction", {"name": "Ada"})
    assert attached.outcome_of(answer)["outcome"] == "completed"
    assert json.loads(answer.payload)["message"] == "Hello, Ada!"
    attached.detach()


def test_what_cannot_be_deleted_is_named_and_goes_the_next_time(cloud, installation):
    refusal = {"kind": "refuse", "status": 403, "code": "AccessDenied", "message": "not today"}
    with cloud.fault("iam", refusal, action="DeleteRole"):
        line = installation.fails("uninstall")
    assert line.startswith("deleting the stack tether has failed, because of "), line
    assert "Role (AWS::IAM::Role): " in line and "--force" in line
    assert account(cloud)["buckets"] == [BUCKET]
    assert installation.uninstall()["left"] == []
    assert account(cloud)["buckets"] == []


def test_a_bucket_of_ones_own_is_not_forgotten_with_the_stack(cloud, installation):
    installation.uninstall()
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="mine")
    try:
        installation.install("--bucket", "mine")
        refusal = {"kind": "refuse", "status": 403, "code": "AccessDenied", "message": "no"}
        with cloud.fault("lambda", refusal, action="DeleteLayerVersion"):
            assert "cannot be deleted" in installation.fails("uninstall")
        assert "Contents" not in s3.list_objects_v2(Bucket="mine")
        assert installation.uninstall()["left"] == []

        installation.install("--bucket", "mine")
        with cloud.fault("s3", refusal, action="DeleteObject"):
            line = installation.fails("uninstall")
        assert "`tether uninstall --bucket mine`" in line
        installation.uninstall("--bucket", "mine")
        assert "Contents" not in s3.list_objects_v2(Bucket="mine")
    finally:
        s3.delete_bucket(Bucket="mine")


def test_who_attaches_meanwhile_is_told_of_and_not_a_success(cloud, installation):
    name = cloud.function("HelloFunction")
    layer = cloud.outputs()["LayerX86Arn"]
    aws = cloud.client("lambda")
    with cloud.fault("iam", {"kind": "hold", "when": "before"}, action="DeleteRole") as held:
        with installation.start("uninstall") as removal:
            held.wait_for_hit()
            aws.update_function_configuration(FunctionName=name, Layers=[layer])
            held.lift()
            assert removal.ends() == 2
            (line,) = removal.errors
    assert f"somebody attached to {name}" in line and "deploy them anew" in line
    assert account(cloud)["stacks"] == ["app"] and account(cloud)["buckets"] == []
    aws.get_waiter("function_updated_v2").wait(FunctionName=name)
    aws.update_function_configuration(FunctionName=name, Layers=[])


def test_what_is_left_of_a_deletion_stays_while_a_function_has_its_layer(
    cloud, installation, attach, working_copy
):
    attached = attach(cloud, working_copy)
    attached.kill()
    name = cloud.function("HelloFunction")
    # Deleted by hand, while it was needed.
    refusal = {"kind": "refuse", "status": 403, "code": "AccessDenied", "message": "not today"}
    with cloud.fault("iam", refusal, action="DeleteRole"):
        stack = Stack(cloud, "tether")
        stack.aws.delete_stack(StackName="tether")
        assert stack.settles() == "DELETE_FAILED"
    line = installation.fails("install")
    assert f"because {name} may need it" in line and "`tether uninstall`" in line
    assert "there is no helper stack tether" in installation.fails("upgrade")
    assert stack.status() == "DELETE_FAILED"
    cloud.client("lambda").update_function_configuration(
        FunctionName=name, Layers=[], Environment={"Variables": {"GREETING": "Hello"}}, Timeout=3
    )
    installation.install()


def test_a_bucket_and_layers_without_a_stack_are_found(cloud, installation):
    Stack(cloud, "tether").delete()
    assert account(cloud)["buckets"] == [BUCKET]
    assert installation.uninstall()["isChanged"] is True
    assert account(cloud) == {
        "functions": [cloud.function("HelloFunction")],
        "tables": [],
        "layers": [],
        "buckets": [],
        "stacks": ["app"],
    }
