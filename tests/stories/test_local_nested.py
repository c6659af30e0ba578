"""Nested stacks in CloudFormation's answers: the outer one has a stack as its resource, and that
one is described as AWS describes it."""

import json
import re

import botocore.exceptions
import pytest
from harness import Local, Project

TELLS = """
import json, os

def handler(event, context):
    told = {"stack": os.environ["STACK"], "table": os.environ["TABLE"]}
    return {"statusCode": 200, "body": json.dumps(told)} if "requestContext" in event else told
"""

OUTER = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Own: {Type: AWS::Serverless::SimpleTable}
  Orders:
    Type: AWS::Serverless::Application
    Properties: {Location: orders/template.yaml, Parameters: {Table: !Ref Own, Key: secret}}
Outputs:
  Deep: {Value: !GetAtt Orders.Outputs.Deep}
"""

ORDERS = """
Transform: AWS::Serverless-2016-10-31
Description: What is ordered
Parameters:
  Table: {Type: String}
  Key: {Type: String, NoEcho: true}
Resources:
  Tells:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src
      Handler: app.handler
      Runtime: python3.13
      AutoPublishAlias: live
      Environment: {Variables: {STACK: !Ref AWS::StackId, TABLE: !Ref Table}}
      Events: {Get: {Type: Api, Properties: {Path: /orders, Method: get}}}
  Deep:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: deep.yaml}
Outputs:
  Deep: {Value: !GetAtt Deep.Outputs.Table, Description: The one below}
  Function: {Value: !Ref Tells}
"""

DEEP = """
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      BillingMode: PAY_PER_REQUEST
Outputs:
  Table: {Value: !Ref Table}
"""

STACK = "AWS::CloudFormation::Stack"
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


@pytest.fixture
def project(tmp_path):
    project = Project(tmp_path / "project")
    project.write("template.yaml", OUTER)
    project.write("orders/template.yaml", ORDERS)
    project.write("orders/deep.yaml", DEEP)
    project.write("orders/src/app.py", TELLS)
    return project


def stack(aws, name):
    (described,) = aws.describe_stacks(StackName=name)["Stacks"]
    return described


def resources(aws, name):
    """By logical id: type, physical id and status."""
    pages = aws.get_paginator("list_stack_resources").paginate(StackName=name)
    listed = [it for page in pages for it in page["StackResourceSummaries"]]
    return {
        it["LogicalResourceId"]: (
            it["ResourceType"],
            it["PhysicalResourceId"],
            it["ResourceStatus"],
        )
        for it in listed
    }


def outputs(described):
    return {it["OutputKey"]: it["OutputValue"] for it in described.get("Outputs", [])}


def test_a_nested_stack_is_described_as_a_stack_of_its_own(project):
    with Local(project) as local:
        aws = local.client("cloudformation")
        root = stack(aws, "local")
        assert "ParentId" not in root and "RootId" not in root
        own = resources(aws, "local")
        assert set(own) == {"Own", "Orders"}
        kind, orders_id, status = own["Orders"]
        assert (kind, status) == (STACK, "CREATE_COMPLETE")
        assert re.fullmatch(
            f"arn:aws:cloudformation:[^:]+:[0-9]+:stack/local-Orders-[A-Z0-9]+/{UUID}", orders_id
        )

        orders = stack(aws, orders_id)
        assert orders["StackId"] == orders_id
        assert orders["StackName"] == orders_id.split("/")[1]
        assert orders["ParentId"] == orders["RootId"] == root["StackId"]
        assert orders["StackStatus"] == "CREATE_COMPLETE"
        assert orders["Description"] == "What is ordered"
        parameters = {it["ParameterKey"]: it["ParameterValue"] for it in orders["Parameters"]}
        assert parameters == {"Table": own["Own"][1], "Key": "****"}
        inner = resources(aws, orders_id)
        assert {"Tells", "TellsRole", "TellsAliaslive", "ServerlessRestApi", "Deep"} <= set(inner)
        assert all("/" not in it for it in inner)
        assert outputs(orders)["Function"] == inner["Tells"][1] == local.function("Orders/Tells")

        deep = stack(aws, inner["Deep"][1])
        assert (deep["ParentId"], deep["RootId"]) == (orders_id, root["StackId"])
        table = resources(aws, deep["StackName"])["Table"]
        assert table[0] == "AWS::DynamoDB::Table"
        assert outputs(deep)["Table"] == table[1] == outputs(root)["Deep"]

        everything = aws.describe_stacks()["Stacks"]
        assert [it["StackId"] for it in everything] == [root["StackId"], orders_id, deep["StackId"]]
        listed = {it["StackId"]: it for it in aws.list_stacks()["StackSummaries"]}
        assert listed[deep["StackId"]]["ParentId"] == orders_id


def test_what_is_in_a_nested_stack_is_found_and_invoked_by_what_cloudformation_says(project):
    with Local(project) as local:
        aws = local.client("cloudformation")
        orders = resources(aws, "local")["Orders"][1]
        # Each of the three ways to ask for a resource.
        one = aws.describe_stack_resource(StackName=orders, LogicalResourceId="Tells")
        detail = one["StackResourceDetail"]
        assert detail["ResourceType"] == "AWS::Lambda::Function"
        assert detail["StackId"] == orders
        (same,) = aws.describe_stack_resources(StackName=orders, LogicalResourceId="Tells")[
            "StackResources"
        ]
        assert same["PhysicalResourceId"] == detail["PhysicalResourceId"]
        of_that = aws.describe_stack_resources(PhysicalResourceId=detail["PhysicalResourceId"])
        assert {it["StackId"] for it in of_that["StackResources"]} == {orders}
        assert "Deep" in {it["LogicalResourceId"] for it in of_that["StackResources"]}
        with pytest.raises(botocore.exceptions.ClientError, match="Stack for nobody does not exist"):
            aws.describe_stack_resources(PhysicalResourceId="nobody")

        invoked = local.client("lambda").invoke(FunctionName=detail["PhysicalResourceId"])
        seen = json.loads(invoked["Payload"].read())
        assert seen == {"stack": orders, "table": resources(aws, "local")["Own"][1]}
        assert json.loads(local.get("/orders").body) == seen

        assert aws.get_template(StackName=orders)["TemplateBody"] == ORDERS
        events = aws.describe_stack_events(StackName=orders)["StackEvents"]
        name = orders.split("/")[1]
        assert events[0]["LogicalResourceId"] == events[-1]["LogicalResourceId"] == name
        assert events[0]["ResourceStatus"] == "CREATE_COMPLETE"
        assert events[-1]["ResourceStatus"] == "CREATE_IN_PROGRESS"
        assert {it["LogicalResourceId"] for it in events} >= {name, "Tells", "Deep"}
        outer = aws.describe_stack_events(StackName="local")["StackEvents"]
        assert {it["LogicalResourceId"] for it in outer} == {"local", "Own", "Orders"}

        # What changes it is its parent.
        with pytest.raises(botocore.exceptions.ClientError, match="change the one that it is in"):
            aws.delete_stack(StackName=orders)


def test_a_saved_nested_template_updates_the_stacks_that_it_is_in(project):
    with Local(project) as local:
        aws = local.client("cloudformation")
        orders = resources(aws, "local")["Orders"][1]
        deep = resources(aws, orders)["Deep"][1]
        more = DEEP + "  Region: {Value: !Ref AWS::Region}\n"
        more = more.replace("Outputs:", "  Topic: {Type: AWS::SNS::Topic}\nOutputs:")
        local.reloads(lambda: project.write("orders/deep.yaml", more))
        assert stack(aws, deep)["StackStatus"] == "UPDATE_COMPLETE"
        assert "LastUpdatedTime" in stack(aws, deep)
        assert set(outputs(stack(aws, deep))) == {"Table", "Region"}
        assert set(resources(aws, deep)) == {"Table", "Topic"}
        assert resources(aws, "local")["Orders"][2] == "UPDATE_COMPLETE"
        assert resources(aws, "local")["Own"][2] == "CREATE_COMPLETE"

        # What is wrong in it leaves all of them as they were.
        project.write("orders/deep.yaml", more.replace("!Ref Table", "!Ref Tabel"))
        local.process.wait_for("notReloaded")
        assert set(outputs(stack(aws, deep))) == {"Table", "Region"}

        without = OUTER.split("  Orders:")[0]
        local.reloads(lambda: project.write("template.yaml", without))
        assert set(resources(aws, "local")) == {"Own"}
        assert [it["StackName"] for it in aws.describe_stacks()["Stacks"]] == ["local"]
        # By its id it is found when it is gone, too.
        assert stack(aws, deep)["StackStatus"] == "DELETE_COMPLETE"
        with pytest.raises(botocore.exceptions.ClientError, match="does not exist"):
            stack(aws, deep.split("/")[1])
