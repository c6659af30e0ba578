"""What `tether install` does, done by AWS's own command line: buckets, change sets, events."""

import json

from harness import Project
from harness.aws_cli import Cli
from harness.surroundings import ROOT

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


def test_it_installs_the_helper_stack_and_an_attach_works_by_it(
    clouds, attach, working_copy, tmp_path
):
    deployed = Project.hello(tmp_path / "deployed")
    cloud = clouds({"app": deployed.template}, "--no-helper-stack")
    aws, bucket = Cli(cloud), ("--bucket", "tether-artifacts")
    aws("s3api", "create-bucket", *bucket)
    closed = "BlockPublicAcls,IgnorePublicAcls,BlockPublicPolicy,RestrictPublicBuckets"
    closed = ",".join(f"{it}=true" for it in closed.split(","))
    aws("s3api", "put-public-access-block", *bucket, "--public-access-block-configuration", closed)
    by_s3 = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
    encrypted = ("--server-side-encryption-configuration", json.dumps(by_s3))
    aws("s3api", "put-bucket-encryption", *bucket, *encrypted)
    packaged = tmp_path / "packaged.yaml"
    artifacts = ("--s3-bucket", "tether-artifacts", "--s3-prefix", "of/tether")
    template = ("--template-file", ROOT / "helper-stack" / "template.yaml")
    files = (*template, "--output-template-file", packaged)
    aws.said("cloudformation", "package", *artifacts, *files)
    stored = aws("s3api", "list-objects-v2", *bucket, "--prefix", "of/")["Contents"]
    assert len(stored) == 5

    stack = ("--stack-name", "tether")
    name = (*stack, "--change-set-name", "first")
    body = ("--template-body", f"file://{packaged}", "--change-set-type", "CREATE")
    may = ("--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND")
    aws("cloudformation", "create-change-set", *name, *body, *may)
    aws("cloudformation", "wait", "change-set-create-complete", *name)
    described = aws("cloudformation", "describe-change-set", *name)
    changes = [it["ResourceChange"] for it in described["Changes"]]
    assert {it["Action"] for it in changes} == {"Add"}
    kinds = [it["ResourceType"] for it in changes]
    assert kinds.count("AWS::Lambda::Function") == 3 and kinds.count("AWS::IAM::Role") == 5
    aws("cloudformation", "execute-change-set", *name)
    aws("cloudformation", "wait", "stack-create-complete", *stack)
    events = aws("cloudformation", "describe-stack-events", *stack)["StackEvents"]
    done = {it["LogicalResourceId"] for it in events if it["ResourceStatus"] == "CREATE_COMPLETE"}
    assert done >= {it["LogicalResourceId"] for it in changes}

    attached = attach(cloud, working_copy)
    answer = cloud.invoke("HelloFunction", {"name": "Ada"})
    assert json.loads(answer.payload)["answered_by"] == "the working copy"
    attached.detach()

    deploy = ("cloudformation", "deploy", *stack, "--template-file", packaged, *may)
    assert "No changes to deploy" in aws.said(*deploy, "--no-fail-on-empty-changeset")
    days = ("--parameter-overrides", "LogRetentionDays=7")
    assert "Successfully" in aws.said(*deploy, *days)
    (now,) = aws("cloudformation", "describe-stacks", *stack)["Stacks"]
    assert now["StackStatus"] == "UPDATE_COMPLETE"
    assert {"ParameterKey": "LogRetentionDays", "ParameterValue": "7"} in now["Parameters"]

    aws("cloudformation", "delete-stack", *stack)
    aws("cloudformation", "wait", "stack-delete-complete", *stack)
    gone = ("cloudformation", "describe-stacks", *stack)
    assert aws.refused(*gone) == ("ValidationError", "DescribeStacks")
    aws.said("s3", "rm", "--recursive", "s3://tether-artifacts")
    aws("s3api", "delete-bucket", *bucket)
    assert aws.refused("s3api", "list-objects-v2", *bucket)[0] == "NoSuchBucket"


def test_a_stack_that_cannot_be_made_is_rolled_back_and_the_first_reason_is_found(
    clouds, tmp_path
):
    aws = Cli(clouds({}, "--no-helper-stack"))
    template = {
        "Resources": {
            "Kept": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}},
            "Broken": {
                "Type": "AWS::Lambda::Function",
                "DependsOn": "Kept",
                "Properties": {
                    "Role": {"Fn::GetAtt": ["Kept", "Arn"]},
                    "Runtime": "python3.13",
                    "Handler": "index.handler",
                    "Code": {"S3Bucket": "nobodys-bucket", "S3Key": "code.zip"},
                },
            },
        }
    }
    stack = ("--stack-name", "broken")
    body = ("--template-body", json.dumps(template), "--capabilities", "CAPABILITY_IAM")
    aws("cloudformation", "create-stack", *stack, *body)
    wait = ("cloudformation", "wait", "stack-create-complete", *stack)
    assert aws.fails(*wait).startswith("Waiter StackCreateComplete failed")
    (made,) = aws("cloudformation", "describe-stacks", *stack)["Stacks"]
    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    events = aws("cloudformation", "describe-stack-events", *stack)["StackEvents"]
    failed = [it for it in events if it["ResourceStatus"] == "CREATE_FAILED"]
    assert failed[-1]["LogicalResourceId"] == "Broken"
    assert failed[-1]["ResourceStatusReason"]
    aws("cloudformation", "delete-stack", *stack)
    aws("cloudformation", "wait", "stack-delete-complete", *stack)
