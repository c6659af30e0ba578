"""The cloud on the desk makes stacks as CloudFormation does."""

from harness import Bucket, Project, Stack
from harness.packages import IAM

WITHOUT_ARM = [{"ParameterKey": "WithArm64Layer", "ParameterValue": "false"}]


def test_the_helper_stack_is_created_from_s3_and_works_and_is_gone_when_it_is_deleted(
    clouds, attach, tmp_path
):
    deployed = Project.hello(tmp_path / "deployed")
    working_copy = Project.hello(tmp_path / "working")
    cloud = clouds({"app": deployed.template}, "--no-helper-stack")
    url = Bucket(cloud, "artifacts").helper_stack()
    stack = Stack(cloud, "tether")
    made = stack.change_set(
        "CREATE", TemplateURL=url, Parameters=WITHOUT_ARM, Capabilities=IAM
    )
    assert (made["Status"], made["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    assert stack.status() == "REVIEW_IN_PROGRESS"
    assert {it["ResourceChange"]["Action"] for it in made["Changes"]} == {"Add"}

    stack.aws.execute_change_set(ChangeSetName=made["ChangeSetId"])
    assert stack.settles() == "CREATE_COMPLETE", stack.events()
    added = {it["ResourceChange"]["LogicalResourceId"] for it in made["Changes"]}
    assert set(stack.resources()) == added
    for logical_id in added:
        statuses = stack.statuses(logical_id)
        assert (statuses[0], statuses[-1]) == ("CREATE_IN_PROGRESS", "CREATE_COMPLETE")

    # What is a name or an address in it is the same again.
    asked = {"Parameters": WITHOUT_ARM, "Capabilities": IAM}
    same = stack.change_set("UPDATE", "same", TemplateURL=url, **asked)
    assert same["Status"] == "FAILED" and "didn't contain changes" in same["StatusReason"]
    before = stack.outputs()
    url = Bucket(cloud, "artifacts").helper_stack("next.yaml", layer_x86_64="layer-next")
    upgrade = stack.change_set("UPDATE", "upgrade", TemplateURL=url, **asked)
    changes = [it["ResourceChange"] for it in upgrade["Changes"]]
    assert {it["LogicalResourceId"]: it["Replacement"] for it in changes} == {
        "LayerX86": "True",
        "ManagerFunction": "False",
    }
    stack.aws.execute_change_set(ChangeSetName=upgrade["ChangeSetId"])
    assert stack.settles() == "UPDATE_COMPLETE", stack.events()
    after = stack.outputs()
    assert {name for name in after if after[name] != before[name]} == {"LayerX86Arn"}

    attached = attach(cloud, working_copy)
    layers = cloud.configuration("HelloFunction")["Layers"]
    assert [it["Arn"] for it in layers] == [after["LayerX86Arn"]]
    answer = cloud.invoke("HelloFunction", {"name": "Ada"})
    assert answer.error is None
    assert attached.outcome_of(answer)["outcome"] == "completed"
    attached.detach()

    assert stack.delete() == "DELETE_COMPLETE"
    left = [it["FunctionName"] for it in cloud.client("lambda").list_functions()["Functions"]]
    assert left == [cloud.function("HelloFunction")]
    assert cloud.client("dynamodb").list_tables()["TableNames"] == []
