"""Functions of nested stacks are attached: CloudFormation lists them in stacks of their own."""

import json

import pytest
from harness import Project

DEPLOYED = 'def handler(event, context):\n    return "the deployed code"\n'
WORKING = 'def handler(event, context):\n    return "the working copy"\n'

ORDERS = {
    "Type": "AWS::Serverless::Application",
    "Properties": {"Location": "orders/template.yaml"},
}


def nested(folder, code):
    Project.of(folder / "orders", {"Within": code})
    project = Project.of(folder, {"Own": code})
    template = json.loads(project.template.read_text())
    template["Resources"]["Orders"] = ORDERS
    project.write("template.yaml", json.dumps(template))
    return project


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    deployed = nested(tmp_path_factory.mktemp("deployed"), DEPLOYED)
    return clouds({"app": deployed.template})


def test_a_nested_stacks_function_is_attached_and_restored_like_any_other(cloud, attach, tmp_path):
    aws = cloud.client("lambda")
    resources = cloud.client("cloudformation").list_stack_resources
    (orders,) = [
        it["PhysicalResourceId"]
        for it in resources(StackName="app")["StackResourceSummaries"]
        if it["LogicalResourceId"] == "Orders"
    ]
    (within,) = [
        it["PhysicalResourceId"]
        for it in resources(StackName=orders)["StackResourceSummaries"]
        if it["LogicalResourceId"] == "Within"
    ]

    def answers():
        return json.loads(aws.invoke(FunctionName=within)["Payload"].read())

    attached = attach(cloud, nested(tmp_path / "here", WORKING))
    states = {it["function"]: it["state"] for it in attached.events_of("function")}
    assert states == {"Orders/Within": "instrumented", "Own": "instrumented"}
    assert answers() == "the working copy"
    attached.detach()
    assert answers() == "the deployed code"
