"""Nested stacks of the cloud on the desk, made over CloudFormation's API from templates in S3."""

import json

import botocore.exceptions
import pytest
from harness import Bucket, Project, Stack
from harness.packages import zip_of

IAM = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]

NESTED = "AWS::CloudFormation::Stack"

TABLE = {
    "Type": "AWS::DynamoDB::Table",
    "Properties": {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "Id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "Id", "KeyType": "HASH"}],
    },
}


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    project = Project.of(
        tmp_path_factory.mktemp("nested") / "app", {"Nothing": "def handler(*_): return None\n"}
    )
    return clouds({"app": project.template}, "--no-helper-stack")


@pytest.fixture(scope="module")
def bucket(cloud):
    bucket = Bucket(cloud, "nested")
    bucket.put("code.zip", zip_of(app__py="def handler(event, context): return 'here'\n"))
    return bucket


def function(code="code", **attributes):
    properties = {
        "CodeUri": f"s3://nested/{code}.zip",
        "Handler": "app.handler",
        "Runtime": "python3.13",
    }
    return {"Type": "AWS::Serverless::Function", "Properties": properties, **attributes}


def inner(bucket, key, resources, export=None, **outputs):
    """The address of a template in the bucket; it exports each output by this name."""
    export = {"Export": {"Name": export}} if export else {}
    outputs = {name: {"Value": value, **export} for name, value in outputs.items()}
    template = {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": resources,
        **({"Outputs": outputs} if outputs else {}),
    }
    bucket.put(key, json.dumps(template).encode())
    return {"Type": NESTED, "Properties": {"TemplateURL": bucket.url(key)}}


def template(resources):
    whole = {"Transform": "AWS::Serverless-2016-10-31", "Resources": resources}
    return {"TemplateBody": json.dumps(whole), "Capabilities": IAM}


def reasons(stack, status):
    return {
        it["LogicalResourceId"]: it.get("ResourceStatusReason")
        for it in stack.events()
        if it["ResourceStatus"] == status
    }


def test_a_nested_stack_begins_before_what_is_in_it_and_is_changed_with_that(cloud, bucket):
    stack = Stack(cloud, "whole")
    orders = inner(bucket, "orders.json", {"Says": function(), "Table": TABLE}, Name={"Ref": "Says"})
    assert stack.execute("CREATE", **template({"Orders": orders})) == "CREATE_COMPLETE"
    nested = Stack(cloud, stack.resources()["Orders"])
    assert nested.status() == "CREATE_COMPLETE"
    assert json.loads(cloud.invoke(nested.outputs()["Name"]).payload) == "here"
    assert stack.statuses("Orders") == [
        "CREATE_IN_PROGRESS",
        "CREATE_IN_PROGRESS",
        "CREATE_COMPLETE",
    ]
    name = nested.describe()["StackName"]
    assert nested.statuses(name) == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]
    assert nested.events()[0]["LogicalResourceId"] == name

    # What changes is the nested stack; what in it, its own events say.
    orders = inner(bucket, "other.json", {"Says": function()}, Name={"Ref": "Says"})
    made = stack.change_set("UPDATE", "other", **template({"Orders": orders}))
    (change,) = [it["ResourceChange"] for it in made["Changes"]]
    assert (change["Action"], change["LogicalResourceId"]) == ("Modify", "Orders")
    stack.aws.execute_change_set(ChangeSetName=made["ChangeSetId"])
    assert stack.settles() == "UPDATE_COMPLETE"
    assert nested.status() == "UPDATE_COMPLETE"
    assert nested.statuses("Table")[-1] == "DELETE_COMPLETE"
    assert set(nested.resources()) == {"Says", "SaysRole"}

    assert stack.delete() == "DELETE_COMPLETE"
    assert nested.status() == "DELETE_COMPLETE"


def test_what_fails_in_a_nested_stack_fails_the_stacks_around_it(cloud, bucket):
    stack = Stack(cloud, "fails-within")
    deep = inner(bucket, "deep.json", {"Broken": function("nothing"), "Table": TABLE})
    orders = inner(bucket, "outer.json", {"Deep": deep})
    asked = template({"Orders": orders})
    assert stack.execute("CREATE", **asked) == "ROLLBACK_COMPLETE"
    reason = reasons(stack, "CREATE_FAILED")["Orders"]
    assert "was not successfully created: The following resource(s) failed to create: [Deep]." in reason
    rollback = list(reasons(stack, "ROLLBACK_IN_PROGRESS").values())[0]
    assert "The following resource(s) failed to create: [Orders]" in rollback
    orders_id = reason.split("Embedded stack ")[1].split(" ")[0]
    within = Stack(cloud, orders_id)
    assert within.status() == "DELETE_COMPLETE"
    assert "failed to create: [Broken]." in reasons(within, "CREATE_FAILED")["Deep"]
    deep_id = reasons(within, "CREATE_FAILED")["Deep"].split("Embedded stack ")[1].split(" ")[0]
    assert "NoSuchKey" in reasons(Stack(cloud, deep_id), "CREATE_FAILED")["Broken"]
    tables = cloud.client("dynamodb").list_tables()["TableNames"]
    assert not [it for it in tables if it.startswith("fails-within")]


def test_an_update_that_fails_in_a_nested_stack_brings_it_back(cloud, bucket):
    stack = Stack(cloud, "back-within")
    orders = inner(bucket, "good.json", {"Says": function()})
    stack.execute("CREATE", **template({"Orders": orders}))
    nested = Stack(cloud, stack.resources()["Orders"])
    broken = {"Says": function(), "Broken": function("nothing", DependsOn="Says")}
    orders = inner(bucket, "broken.json", broken)
    assert stack.execute("UPDATE", "broken", **template({"Orders": orders})) == "UPDATE_ROLLBACK_COMPLETE"
    assert "failed to update: [Broken]." in reasons(stack, "UPDATE_FAILED")["Orders"]
    assert nested.status() == "UPDATE_COMPLETE"
    assert set(nested.resources()) == {"Says", "SaysRole"}


def test_a_nested_stack_stays_with_what_cannot_be_deleted(cloud, bucket):
    stack = Stack(cloud, "stays-within")
    orders = inner(bucket, "stays.json", {"Says": function(), "Table": TABLE})
    stack.execute("CREATE", **template({"Orders": orders}))
    nested = Stack(cloud, stack.resources()["Orders"])
    refused = {"kind": "refuse", "status": 403, "code": "AccessDenied", "message": "no"}
    with cloud.fault("iam", refused, action="DeleteRole"):
        assert stack.delete() == "DELETE_FAILED"
    assert set(stack.resources()) == {"Orders"}
    assert "[Orders]" in stack.describe()["StackStatusReason"]
    assert nested.status() == "DELETE_FAILED"
    assert set(nested.resources()) == {"SaysRole"}
    assert stack.delete() == "DELETE_COMPLETE"
    assert nested.status() == "DELETE_COMPLETE"


def test_a_nested_stack_that_is_made_again_is_found_by_its_id(cloud, bucket):
    stack = Stack(cloud, "again")
    asked = template({"Orders": inner(bucket, "again.json", {"Table": TABLE})})
    stack.execute("CREATE", **asked)
    first = Stack(cloud, stack.resources()["Orders"])
    assert stack.delete() == "DELETE_COMPLETE"
    assert first.status() == "DELETE_COMPLETE"
    again = Stack(cloud, "again")
    again.execute("CREATE", **asked)
    found = Stack(cloud, again.resources()["Orders"])
    assert found.status() == "CREATE_COMPLETE"
    assert found.describe()["RootId"] == again.describe()["StackId"]


def test_a_nested_stack_that_is_cancelled_keeps_its_id(cloud, bucket):
    stack = Stack(cloud, "cancels-within")
    broken = inner(bucket, "cancels.json", {"Broken": function("nothing")})
    later = {**inner(bucket, "later.json", {"Table": TABLE}), "DependsOn": "Broken"}
    asked = template({"Broken": broken, "Later": later})
    assert stack.execute("CREATE", **asked) == "ROLLBACK_COMPLETE"
    told = [it for it in stack.events() if it["LogicalResourceId"] == "Later"]
    (cancelled,) = [it for it in told if it["ResourceStatus"] == "CREATE_FAILED"]
    assert cancelled["ResourceStatusReason"] == "Resource creation cancelled"
    later = Stack(cloud, cancelled["PhysicalResourceId"])
    assert later.status() == "DELETE_COMPLETE"


def test_what_a_nested_stack_exports_is_there_when_it_is_whole(cloud, bucket):
    name = {"Fn::Sub": ["${Name}-2", {"Name": {"Fn::ImportValue": "ordered"}}]}
    importer = {**TABLE, "Properties": {**TABLE["Properties"], "TableName": name}}
    importer = template({"Copy": importer})
    table = {"Table": TABLE}
    orders = inner(bucket, "exports.json", table, export="ordered", Name={"Ref": "Table"})
    stack = Stack(cloud, "exports-within")
    later = {**function("nothing"), "DependsOn": "Orders"}
    asked = template({"Orders": orders, "Later": later})
    assert stack.execute("CREATE", **asked) == "ROLLBACK_COMPLETE"
    with pytest.raises(botocore.exceptions.ClientError, match="another stack exports as ordered"):
        Stack(cloud, "imports-none").change_set("CREATE", "none", **importer)

    Stack(cloud, "exports-whole").execute("CREATE", **template({"Orders": orders}))
    assert Stack(cloud, "imports-it").execute("CREATE", **importer) == "CREATE_COMPLETE"


def test_other_outputs_of_a_nested_stack_are_a_change(cloud, bucket):
    stack = Stack(cloud, "says-more")
    orders = inner(bucket, "says.json", {"Table": TABLE}, Name={"Ref": "Table"})
    stack.execute("CREATE", **template({"Orders": orders}))
    same = stack.change_set("UPDATE", "same", **template({"Orders": orders}))
    assert same["Status"] == "FAILED"
    inner(bucket, "says.json", {"Table": TABLE}, Name={"Ref": "Table"}, Fixed="value")
    assert stack.execute("UPDATE", "more", **template({"Orders": orders})) == "UPDATE_COMPLETE"
    nested = Stack(cloud, stack.resources()["Orders"])
    assert nested.outputs()["Fixed"] == "value"
