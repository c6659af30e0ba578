"""Stacks of the cloud on the desk change whole, or stay as they are."""

import json
import urllib.error
import urllib.request

import botocore.exceptions
import pytest
from harness import Bucket, Project, Stack
from harness.packages import zip_of

IAM = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]

ANSWERS = """
import os


def handler(event, context):
    return {says!r} + " " + os.environ.get("GREETING", "")
"""

NOTHING = {"Nothing": "def handler(*_):\n    return None\n"}


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    project = Project.of(tmp_path_factory.mktemp("stacks") / "app", NOTHING)
    return clouds({"app": project.template}, "--no-helper-stack")


@pytest.fixture(scope="module")
def bucket(cloud):
    bucket = Bucket(cloud, "code")
    for says in ("one", "two"):
        bucket.put(f"{says}.zip", zip_of(app__py=ANSWERS.format(says=says)))
    for number in (1, 2):
        bucket.put(f"layer-{number}.zip", zip_of(number__txt=str(number)))
    return bucket


TABLE = {
    "Type": "AWS::DynamoDB::Table",
    "Properties": {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "Id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "Id", "KeyType": "HASH"}],
    },
}


TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def role(**properties):
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": TRUST, **properties},
    }


def function(code="one", **properties):
    return {
        "Type": "AWS::Serverless::Function",
        "Properties": {
            "CodeUri": f"s3://code/{code}.zip",
            "Handler": "app.handler",
            "Runtime": "python3.13",
            **properties,
        },
    }


def layer(number):
    return {
        "Type": "AWS::Serverless::LayerVersion",
        "Properties": {"LayerName": "numbers", "ContentUri": f"s3://code/layer-{number}.zip"},
    }


API = {
    "Api": {
        "Type": "AWS::ApiGatewayV2::Api",
        "Properties": {
            "Name": "api",
            "ProtocolType": "WEBSOCKET",
            "RouteSelectionExpression": "$request.body.type",
        },
    },
    "Stage": {
        "Type": "AWS::ApiGatewayV2::Stage",
        "Properties": {"ApiId": {"Ref": "Api"}, "StageName": "live", "AutoDeploy": True},
    },
}


def template(resources, outputs=None):
    whole = {"Transform": "AWS::Serverless-2016-10-31", "Resources": resources}
    if outputs:
        whole["Outputs"] = {name: {"Value": value} for name, value in outputs.items()}
    return {"TemplateBody": json.dumps(whole), "Capabilities": IAM}


def answer_of(cloud, stack):
    return json.loads(cloud.invoke(stack.resources()["Says"]).payload)


def is_served(url):
    """Whether something answers there that is an API."""
    try:
        urllib.request.urlopen(url.replace("ws://", "http://"), timeout=5)
    except urllib.error.HTTPError as refused:
        return refused.code == 426
    except urllib.error.URLError:
        return False
    return False


def test_an_update_keeps_tables_and_urls_and_changes_functions_in_place(cloud, bucket):
    stack = Stack(cloud, "update")

    def wanted(number, code, greeting):
        variables = {"Variables": {"GREETING": greeting, "URL": {"Fn::GetAtt": "Api.ApiEndpoint"}}}
        says = function(code, Environment=variables, Layers=[{"Ref": "Numbers"}])
        resources = {"Table": TABLE, "Says": says, "Numbers": layer(number), **API}
        url = "wss://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/live"
        return template(resources, {"Url": {"Fn::Sub": url}, "Numbers": {"Ref": "Numbers"}})

    assert stack.execute("CREATE", **wanted(1, "one", "first")) == "CREATE_COMPLETE"
    assert answer_of(cloud, stack) == "one first"
    before, resources = stack.outputs(), stack.resources()
    assert before["Numbers"].endswith(":layer:numbers:1")
    assert is_served(before["Url"])
    table = {"TableName": resources["Table"]}
    cloud.client("dynamodb").put_item(Item={"Id": {"S": "kept"}}, **table)

    made = stack.change_set("UPDATE", "second", **wanted(2, "two", "second"))
    changes = {it["ResourceChange"]["LogicalResourceId"]: it for it in made["Changes"]}
    assert {name: it["ResourceChange"]["Replacement"] for name, it in changes.items()} == {
        "Says": "False",
        "Numbers": "True",
    }
    assert changes["Says"]["ResourceChange"]["PhysicalResourceId"] == resources["Says"]
    stack.aws.execute_change_set(ChangeSetName=made["ChangeSetId"])
    assert stack.settles() == "UPDATE_COMPLETE"

    assert answer_of(cloud, stack) == "two second"
    after = stack.outputs()
    assert after["Url"] == before["Url"] and is_served(after["Url"])
    assert after["Numbers"].endswith(":layer:numbers:2")
    used = cloud.configuration(resources["Says"])["Layers"]
    assert [it["Arn"] for it in used] == [after["Numbers"]]
    # Who uses the old version goes on.
    for arn in (before["Numbers"], after["Numbers"]):
        assert cloud.client("lambda").get_layer_version_by_arn(Arn=arn)["LayerVersionArn"] == arn
    assert stack.statuses("Numbers")[-1] == "DELETE_SKIPPED"
    assert stack.resources() == dict(resources, Numbers=after["Numbers"])
    kept = cloud.client("dynamodb").get_item(Key={"Id": {"S": "kept"}}, **table)
    assert kept["Item"] == {"Id": {"S": "kept"}}
    assert stack.statuses("Table") == ["CREATE_IN_PROGRESS"] * 2 + ["CREATE_COMPLETE"]

    assert stack.delete() == "DELETE_COMPLETE"
    assert not is_served(after["Url"])
    assert resources["Table"] not in cloud.client("dynamodb").list_tables()["TableNames"]


def test_what_is_added_and_removed_comes_and_goes(cloud, bucket):
    stack = Stack(cloud, "comes-and-goes")
    stack.execute("CREATE", **template({"Says": function(), "Table": TABLE}))
    first = stack.resources()
    made = stack.change_set("UPDATE", "other", **template({"Says": function(), "Other": TABLE}))
    changes = {
        it["ResourceChange"]["LogicalResourceId"]: it["ResourceChange"]["Action"]
        for it in made["Changes"]
    }
    assert changes == {"Table": "Remove", "Other": "Add"}
    stack.aws.execute_change_set(ChangeSetName=made["ChangeSetId"])
    assert stack.settles() == "UPDATE_COMPLETE"
    tables = cloud.client("dynamodb").list_tables()["TableNames"]
    assert first["Table"] not in tables and stack.resources()["Other"] in tables
    assert set(stack.resources()) == {"Says", "SaysRole", "Other"}


def test_a_failed_creation_leaves_nothing_and_says_what_failed_first(cloud, bucket):
    stack = Stack(cloud, "fails")
    broken = function("no-such-object", Environment={"Variables": {"T": {"Ref": "Table"}}})
    asked = template({"Table": TABLE, "Broken": broken, "Late": function(DependsOn=[])})
    late = json.loads(asked["TemplateBody"])
    late["Resources"]["Late"] = dict(function(), DependsOn="Table")
    asked["TemplateBody"] = json.dumps(late)
    assert stack.execute("CREATE", **asked) == "ROLLBACK_COMPLETE"
    failed = [it for it in stack.events() if it["ResourceStatus"] == "CREATE_FAILED"]
    first, *others = [(it["LogicalResourceId"], it["ResourceStatusReason"]) for it in failed]
    assert first[0] == "Broken" and "NoSuchKey" in first[1]
    assert others == [("Late", "Resource creation cancelled")]
    (rollback,) = [
        it["ResourceStatusReason"]
        for it in stack.events()
        if it["ResourceStatus"] == "ROLLBACK_IN_PROGRESS"
    ]
    assert "The following resource(s) failed to create: [Broken, Late]" in rollback
    assert stack.statuses("Table")[-2:] == ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"]
    tables = cloud.client("dynamodb").list_tables()["TableNames"]
    assert not [it for it in tables if it.startswith("fails-")]
    with pytest.raises(botocore.exceptions.ClientError, match="can not be updated"):
        stack.change_set("UPDATE", "again", **template({"Table": TABLE}))
    assert stack.delete() == "DELETE_COMPLETE"


def test_a_failed_update_brings_the_old_state_back(cloud, bucket):
    stack = Stack(cloud, "goes-back")
    said = {"Variables": {"GREETING": "before"}}
    stack.execute("CREATE", **template({"Says": function(Environment=said)}))
    resources = stack.resources()
    said = {"Variables": {"GREETING": "after"}}
    says = function("two", Environment=said)
    broken = dict(function("no-such-object"), DependsOn=["Says", "Table"])
    asked = template({"Says": says, "Table": TABLE, "Broken": broken})
    assert stack.execute("UPDATE", "broken", **asked) == "UPDATE_ROLLBACK_COMPLETE"
    assert answer_of(cloud, stack) == "one before"
    assert stack.resources() == resources
    tables = cloud.client("dynamodb").list_tables()["TableNames"]
    assert not [it for it in tables if it.startswith("goes-back-")]
    # It is as good as before, and can be changed.
    del asked["TemplateBody"]
    asked |= template({"Says": says})
    assert stack.execute("UPDATE", "mended", **asked) == "UPDATE_COMPLETE"
    assert answer_of(cloud, stack) == "two after"


def test_nothing_changes_where_nothing_differs(cloud, bucket):
    stack = Stack(cloud, "same")
    same = template({"Says": function()})
    stack.execute("CREATE", **same)
    made = stack.change_set("UPDATE", "again", **same)
    assert (made["Status"], made["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert made["StatusReason"] == (
        "The submitted information didn't contain changes. Submit different information to "
        "create a change set."
    )
    with pytest.raises(stack.aws.exceptions.InvalidChangeSetStatusException):
        stack.aws.execute_change_set(ChangeSetName=made["ChangeSetId"])
    stack.aws.delete_change_set(ChangeSetName=made["ChangeSetId"])
    with pytest.raises(stack.aws.exceptions.ChangeSetNotFoundException):
        stack.aws.describe_change_set(ChangeSetName=made["ChangeSetId"])
    with pytest.raises(botocore.exceptions.ClientError, match="No updates are to be performed"):
        stack.aws.update_stack(StackName="same", **same)
    tagged = dict(same, Tags=[{"Key": "team", "Value": "tether"}])
    assert stack.execute("UPDATE", "tagged", **tagged) == "UPDATE_COMPLETE"
    assert stack.describe()["Tags"] == [{"Key": "team", "Value": "tether"}]


def test_capabilities_that_are_missing_are_named_and_nothing_is_left(cloud, bucket):
    asked = template({"Says": function()})
    for given, call, missing in [
        ([], "create_change_set", "[CAPABILITY_IAM]"),
        ([], "create_stack", "[CAPABILITY_IAM, CAPABILITY_AUTO_EXPAND]"),
        (["CAPABILITY_IAM"], "create_stack", "[CAPABILITY_AUTO_EXPAND]"),
    ]:
        wanted = dict(asked, Capabilities=given, StackName="incapable")
        if call == "create_change_set":
            wanted |= {"ChangeSetName": "change", "ChangeSetType": "CREATE"}
        aws = cloud.client("cloudformation")
        with pytest.raises(aws.exceptions.InsufficientCapabilitiesException) as refused:
            getattr(aws, call)(**wanted)
        message = refused.value.response["Error"]["Message"]
        assert message == f"Requires capabilities : {missing}"
    with pytest.raises(botocore.exceptions.ClientError, match="does not exist"):
        Stack(cloud, "incapable").describe()
    with pytest.raises(aws.exceptions.InsufficientCapabilitiesException, match="NAMED_IAM"):
        aws.create_stack(StackName="incapable", **template({"Role": role(RoleName="mine")}))


def test_a_name_that_is_taken_fails_the_creation(cloud, bucket):
    first = Stack(cloud, "first")
    logs = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/taken"}}
    named = {
        "Role": role(RoleName="taken"),
        "Logs": logs,
        "Says": function(FunctionName="taken", Role={"Fn::GetAtt": "Role.Arn"}),
        "Table": {**TABLE, "Properties": dict(TABLE["Properties"], TableName="taken")},
    }
    capable = {"Capabilities": ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]}
    assert first.execute("CREATE", **dict(template(named), **capable)) == "CREATE_COMPLETE"
    for logical_id, resource in named.items():
        second = Stack(cloud, f"second-{logical_id}")
        if logical_id == "Says":
            resource = function(FunctionName="taken", Role="arn:aws:iam::000000000000:role/taken")
        wanted = dict(template({logical_id: resource}), **capable)
        assert second.execute("CREATE", **wanted) == "ROLLBACK_COMPLETE"
        (reason,) = [
            it["ResourceStatusReason"]
            for it in second.events()
            if it["ResourceStatus"] == "CREATE_FAILED"
        ]
        assert "already exists" in reason and "taken" in reason
    # What failed has taken nothing away.
    assert answer_of(cloud, first) == "one "
    assert first.delete() == "DELETE_COMPLETE"


def test_a_refusal_by_another_service_is_passed_on(cloud, bucket):
    words = "User: arn:aws:iam::0:user/ada is not authorized to perform: iam:CreateRole"
    stack = Stack(cloud, "refused")
    refused = {"kind": "refuse", "status": 403, "code": "AccessDenied", "message": words}
    with cloud.fault("iam", refused, action="CreateRole"):
        status = stack.execute("CREATE", **template({"Says": function()}))
    assert status == "ROLLBACK_COMPLETE"
    (reason,) = [
        it["ResourceStatusReason"]
        for it in stack.events()
        if it["ResourceStatus"] == "CREATE_FAILED"
    ]
    assert f"{words} (Service: Iam, Status Code: 403" in reason


def test_a_creation_that_fails_can_be_left_or_deleted(cloud, bucket):
    broken = {"Table": TABLE, "Broken": dict(function("nothing"), DependsOn="Table")}
    left = Stack(cloud, "left")
    left.aws.create_stack(StackName="left", OnFailure="DO_NOTHING", **template(broken))
    assert left.settles() == "CREATE_FAILED"
    table = left.resources()["Table"]
    assert table in cloud.client("dynamodb").list_tables()["TableNames"]
    assert left.delete() == "DELETE_COMPLETE"
    gone = Stack(cloud, "gone")
    made = gone.aws.create_stack(StackName="gone", OnFailure="DELETE", **template(broken))
    gone.name = made["StackId"]
    assert gone.settles() == "DELETE_COMPLETE"


def test_what_is_wrong_with_a_request_is_said_at_once(cloud, bucket):
    aws = cloud.client("cloudformation")
    good = template({"Says": function()})

    def refused(words, **asked):
        with pytest.raises(botocore.exceptions.ClientError, match=words):
            aws.create_stack(StackName="wrong", **{**good, **asked})

    refused("not a valid S3 Uri", **template({"Says": function(CodeUri="local/")}))
    refused("does not serve RoleARN", RoleARN="arn:aws:iam::000000000000:role/deployer")
    refused("does not serve EnableTerminationProtection", EnableTerminationProtection=True)
    refused("Template format error", TemplateBody="Resources: {It: {Type: }}")
    unknown = [{"ParameterKey": "Unknown", "ParameterValue": "1"}]
    refused("do not exist in the template", Parameters=unknown)
    with pytest.raises(botocore.exceptions.ClientError, match="does not exist"):
        aws.describe_stacks(StackName="wrong")
    with pytest.raises(botocore.exceptions.ClientError, match="does not exist"):
        Stack(cloud, "wrong").change_set("UPDATE", **good)
    stacks = aws.list_stacks(StackStatusFilter=["CREATE_COMPLETE"])["StackSummaries"]
    assert "app" in [it["StackName"] for it in stacks]


def test_a_template_is_given_back_and_says_what_it_needs(cloud, bucket):
    aws = cloud.client("cloudformation")
    text = (
        "Transform: AWS::Serverless-2016-10-31\n"
        "Description: says\n"
        "Parameters: {Stage: {Type: String, Default: live}}\n"
        "Resources:\n"
        f"  Role: {json.dumps(role())}\n"
    )
    summary = aws.get_template_summary(TemplateBody=text)
    assert summary["Capabilities"] == ["CAPABILITY_IAM"]
    assert summary["Parameters"][0]["DefaultValue"] == "live"
    assert aws.validate_template(TemplateBody=text)["Description"] == "says"
    bucket.put("says.yaml", text.encode())
    stack = Stack(cloud, "says")
    stage = [{"ParameterKey": "Stage", "ParameterValue": "test"}]
    asked = {"TemplateURL": bucket.url("says.yaml"), "Capabilities": IAM}
    assert stack.execute("CREATE", Parameters=stage, **asked) == "CREATE_COMPLETE"
    assert aws.get_template(StackName="says")["TemplateBody"] == text
    shown = stack.describe()
    assert shown["Parameters"] == [{"ParameterKey": "Stage", "ParameterValue": "test"}]
    assert (shown["Description"], shown["Capabilities"]) == ("says", IAM)
    kept = [{"ParameterKey": "Stage", "UsePreviousValue": True}]
    tags = [{"Key": "a", "Value": "b"}]
    changed = {"UsePreviousTemplate": True, "Parameters": kept, "Tags": tags, "Capabilities": IAM}
    assert stack.execute("UPDATE", "tags", **changed) == "UPDATE_COMPLETE"
    assert stack.describe()["Parameters"] == shown["Parameters"]


def test_what_goes_on_is_seen_while_it_goes_on_and_one_thing_at_a_time(cloud, bucket):
    stack = Stack(cloud, "slow")
    asked = template({"Says": function()})
    with cloud.fault("iam", {"kind": "hold", "when": "before"}, action="CreateRole") as held:
        stack.name = stack.aws.create_stack(StackName="slow", **asked)["StackId"]
        held.wait_for_hit()
        assert stack.status() == "CREATE_IN_PROGRESS"
        assert stack.statuses("SaysRole") == ["CREATE_IN_PROGRESS"]
        assert stack.statuses("Says") == []
        with pytest.raises(botocore.exceptions.ClientError, match="CREATE_IN_PROGRESS state"):
            stack.aws.update_stack(StackName="slow", **asked)
        stack.aws.delete_stack(StackName="slow")
        assert stack.status() == "DELETE_IN_PROGRESS"
    # It ends as whole as it was wanted first, and then it goes.
    assert stack.cloud.process.wait_until(
        lambda: stack.status() == "DELETE_COMPLETE", "end of the stack"
    )
    assert stack.statuses("Says")[-1] == "DELETE_COMPLETE"
    assert stack.aws.get_waiter("stack_delete_complete").wait(StackName="slow") is None


def test_what_cannot_be_deleted_stays_and_can_be_deleted_later(cloud, bucket):
    stack = Stack(cloud, "stays")
    stack.execute("CREATE", **template({"Says": function(), "Table": TABLE}))
    refused = {"kind": "refuse", "status": 403, "code": "AccessDenied", "message": "no"}
    with cloud.fault("iam", refused, action="DeleteRole"):
        assert stack.delete() == "DELETE_FAILED"
    assert set(stack.resources()) == {"SaysRole"}
    assert "[SaysRole]" in stack.describe()["StackStatusReason"]
    assert stack.delete() == "DELETE_COMPLETE"


def test_a_failed_update_can_be_left_as_it_is_and_mended(cloud, bucket):
    stack = Stack(cloud, "half")
    stack.execute("CREATE", **template({"Says": function()}))
    broken = {"Says": function("two"), "Broken": dict(function("nothing"), DependsOn="Says")}
    stack.aws.update_stack(StackName="half", DisableRollback=True, **template(broken))
    assert stack.settles() == "UPDATE_FAILED"
    assert answer_of(cloud, stack) == "two "
    assert stack.execute("UPDATE", "mended", **template({"Says": function()})) == "UPDATE_COMPLETE"
    assert answer_of(cloud, stack) == "one "
    assert set(stack.resources()) == {"Says", "SaysRole"}


def test_a_rule_runs_its_function_and_ends_with_its_stack(cloud, bucket):
    events = {
        "Now": {
            "Type": "Schedule",
            "Properties": {"Schedule": "rate(1 minute)", "Input": '{"by": "the rule"}'},
        }
    }
    stack = Stack(cloud, "scheduled")
    stack.execute("CREATE", **template({"Says": function(Events=events)}))
    rows = stack.aws.describe_stack_resources(StackName="scheduled")["StackResources"]
    kinds = {it["LogicalResourceId"]: it["ResourceType"] for it in rows}
    assert kinds["SaysNow"] == "AWS::Events::Rule"
    assert kinds["SaysNowPermission"] == "AWS::Lambda::Permission"
    policy = cloud.client("lambda").get_policy(FunctionName=stack.resources()["Says"])["Policy"]
    (statement,) = json.loads(policy)["Statement"]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Condition"]["ArnLike"]["AWS:SourceArn"].endswith(
        f":rule/{stack.resources()['SaysNow']}"
    )
    without = template({"Says": function()})
    assert stack.execute("UPDATE", "no-rule", **without) == "UPDATE_COMPLETE"
    with pytest.raises(cloud.client("lambda").exceptions.ResourceNotFoundException):
        cloud.client("lambda").get_policy(FunctionName=stack.resources()["Says"])


def test_an_index_is_added_to_a_table_that_keeps_its_items(cloud):
    stack = Stack(cloud, "indexed")
    stack.execute("CREATE", **template({"Table": TABLE}))
    table = {"TableName": stack.resources()["Table"]}
    dynamodb = cloud.client("dynamodb")
    dynamodb.put_item(Item={"Id": {"S": "1"}, "Of": {"S": "ada"}}, **table)
    properties = dict(
        TABLE["Properties"],
        AttributeDefinitions=[
            {"AttributeName": "Id", "AttributeType": "S"},
            {"AttributeName": "Of", "AttributeType": "S"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "ByOwner",
                "KeySchema": [{"AttributeName": "Of", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        TimeToLiveSpecification={"AttributeName": "TTL", "Enabled": True},
    )
    indexed = template({"Table": {"Type": "AWS::DynamoDB::Table", "Properties": properties}})
    assert stack.execute("UPDATE", "index", **indexed) == "UPDATE_COMPLETE", stack.events()
    found = dynamodb.query(
        IndexName="ByOwner",
        KeyConditionExpression="#of = :of",
        ExpressionAttributeNames={"#of": "Of"},
        ExpressionAttributeValues={":of": {"S": "ada"}},
        **table,
    )
    assert [it["Id"]["S"] for it in found["Items"]] == ["1"]
    ttl = dynamodb.describe_time_to_live(**table)["TimeToLiveDescription"]
    assert ttl["AttributeName"] == "TTL"
    assert stack.execute("UPDATE", "no-index", **template({"Table": TABLE})) == "UPDATE_COMPLETE"
    assert "GlobalSecondaryIndexes" not in dynamodb.describe_table(**table)["Table"]
