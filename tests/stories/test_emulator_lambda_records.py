"""What the cloud on the desk keeps and shows, and does nothing with."""

import datetime
import json

import botocore.exceptions
import pytest
from harness import Project

HANDLER = "def handler(event, context):\n    return 1\n"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:orders"
STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks"


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    names = ("Polled", "Fed", "Tagged", "Allowed", "Plain")
    project = Project.of(tmp_path_factory.mktemp("records"), dict.fromkeys(names, HANDLER))
    template = json.loads(project.template.read_text())
    resources = template["Resources"]
    resources["Fed"]["Properties"]["Events"] = {
        "Orders": {"Type": "SQS", "Properties": {"Queue": QUEUE, "BatchSize": 5}},
        "Clicks": {
            "Type": "Kinesis",
            "Properties": {"Stream": STREAM, "StartingPosition": "LATEST", "Enabled": False},
        },
        "Rows": {
            "Type": "DynamoDB",
            "Properties": {
                "Stream": {"Fn::GetAtt": ["Table", "StreamArn"]},
                "StartingPosition": "TRIM_HORIZON",
            },
        },
    }
    resources["Table"] = {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
            "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
        },
    }
    resources["Mapping"] = {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {
            "EventSourceArn": STREAM,
            "FunctionName": {"Ref": "Tagged"},
            "StartingPosition": "TRIM_HORIZON",
        },
    }
    resources["Tagged"]["Properties"].update(
        Tags={"team": "blue"}, ReservedConcurrentExecutions=7
    )
    project.write("template.yaml", json.dumps(template, indent=2))
    return clouds({"app": project.template}, "--no-helper-stack")


@pytest.fixture(scope="module")
def aws(cloud):
    return cloud.client("lambda")


def settled(cloud, aws, uuid, state):
    """There is no waiter for it."""

    def look():
        found = aws.get_event_source_mapping(UUID=uuid)
        return found if found["State"] == state else None

    return cloud.process.wait_until(look, f"state {state}")


# ---- event source mappings


def test_a_mapping_lives_as_on_aws_and_nothing_polls(cloud, aws):
    name = cloud.function("Polled")
    made = aws.create_event_source_mapping(
        FunctionName=name, EventSourceArn=QUEUE, MaximumBatchingWindowInSeconds=3
    )
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert (made["State"], made["BatchSize"]) == ("Creating", 10)
    assert made["MaximumBatchingWindowInSeconds"] == 3
    assert made["FunctionArn"].endswith(f":function:{name}")
    assert made["EventSourceMappingArn"].endswith(f":event-source-mapping:{made['UUID']}")
    assert isinstance(made["LastModified"], datetime.datetime)
    said = f"an event source mapping is kept as a record: nothing polls for {name}"
    cloud.process.wait_for("notice", message=said)
    uuid = made["UUID"]
    with pytest.raises(aws.exceptions.ResourceInUseException):
        aws.update_event_source_mapping(UUID=uuid, BatchSize=2)
    settled(cloud, aws, uuid, "Enabled")
    with pytest.raises(aws.exceptions.ResourceConflictException) as refused:
        aws.create_event_source_mapping(FunctionName=name, EventSourceArn=QUEUE)
    assert uuid in refused.value.response["message"]

    changed = aws.update_event_source_mapping(UUID=uuid, BatchSize=2, Enabled=False)
    assert (changed["State"], changed["BatchSize"]) == ("Updating", 2)
    shown = settled(cloud, aws, uuid, "Disabled")
    assert shown["MaximumBatchingWindowInSeconds"] == 3
    listed = aws.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    assert [it["UUID"] for it in listed] == [uuid]

    assert aws.delete_event_source_mapping(UUID=uuid)["State"] == "Deleting"

    def gone():
        try:
            return not aws.get_event_source_mapping(UUID=uuid)
        except aws.exceptions.ResourceNotFoundException:
            return True

    cloud.process.wait_until(gone, "end of the mapping")
    assert aws.list_event_source_mappings(FunctionName=name)["EventSourceMappings"] == []


def test_a_mapping_that_cannot_be_is_refused(cloud, aws):
    name = cloud.function("Polled")
    with pytest.raises(aws.exceptions.InvalidParameterValueException) as refused:
        aws.create_event_source_mapping(FunctionName="nobody", EventSourceArn=QUEUE)
    assert refused.value.response["message"] == "Function does not exist"
    with pytest.raises(aws.exceptions.InvalidParameterValueException):
        aws.create_event_source_mapping(FunctionName=name, EventSourceArn="arn:aws:s3:::bucket")
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        aws.create_event_source_mapping(FunctionName=name, EventSourceArn=STREAM)
    assert "'startingPosition'" in refused.value.response["Error"]["Message"]
    with pytest.raises(aws.exceptions.ResourceNotFoundException):
        aws.get_event_source_mapping(UUID="0" * 36)


def test_a_templates_event_sources_are_mappings(cloud, aws):
    fed = aws.list_event_source_mappings(FunctionName=cloud.function("Fed"))
    by_source = {it["EventSourceArn"]: it for it in fed["EventSourceMappings"]}
    (table,) = by_source.keys() - {QUEUE, STREAM}
    assert table.startswith("arn:aws:dynamodb:us-east-1:000000000000:table/app-Table-")
    assert by_source[QUEUE]["BatchSize"] == 5
    assert by_source[STREAM]["StartingPosition"] == "LATEST"
    settled(cloud, aws, by_source[STREAM]["UUID"], "Disabled")
    of_stream = aws.list_event_source_mappings(EventSourceArn=STREAM)["EventSourceMappings"]
    functions = {it["FunctionArn"].rpartition(":")[2] for it in of_stream}
    assert functions == {cloud.function("Fed"), cloud.function("Tagged")}


# ---- policies


def test_a_permission_is_kept_and_shown(cloud, aws):
    name = cloud.function("Allowed")
    with pytest.raises(aws.exceptions.ResourceNotFoundException) as refused:
        aws.get_policy(FunctionName=name)
    assert refused.value.response["Message"] == "The resource you requested does not exist."
    added = aws.add_permission(
        FunctionName=name,
        StatementId="events",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn="arn:aws:events:us-east-1:000000000000:rule/r",
    )
    statement = json.loads(added["Statement"])
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Resource"].endswith(f":function:{name}")
    assert statement["Condition"]["ArnLike"]["AWS:SourceArn"].endswith("rule/r")
    shown = aws.get_policy(FunctionName=name)
    assert json.loads(shown["Policy"])["Statement"] == [statement]
    with pytest.raises(aws.exceptions.ResourceConflictException):
        aws.add_permission(FunctionName=name, StatementId="events", Action="*", Principal="*")
    aws.remove_permission(FunctionName=name, StatementId="events")
    with pytest.raises(aws.exceptions.ResourceNotFoundException):
        aws.get_policy(FunctionName=name)
    with pytest.raises(aws.exceptions.ResourceNotFoundException):
        aws.remove_permission(FunctionName=name, StatementId="events")


def test_an_alias_has_a_policy_of_its_own(cloud, aws):
    name = cloud.function("Allowed")
    aws.create_alias(FunctionName=name, Name="live", FunctionVersion="$LATEST")
    allowed = {"StatementId": "one", "Action": "lambda:InvokeFunction", "Principal": "1" * 12}
    aws.add_permission(FunctionName=name, Qualifier="live", **allowed)
    policy = json.loads(aws.get_policy(FunctionName=name, Qualifier="live")["Policy"])
    assert policy["Statement"][0]["Resource"].endswith(f"{name}:live")
    with pytest.raises(aws.exceptions.ResourceNotFoundException):
        aws.get_policy(FunctionName=name)


# ---- tags, limits, and what no function has


def test_tags_are_kept(cloud, aws):
    arn = aws.get_function_configuration(FunctionName=cloud.function("Tagged"))["FunctionArn"]
    assert aws.list_tags(Resource=arn)["Tags"] == {"team": "blue"}
    aws.tag_resource(Resource=arn, Tags={"one": "1", "two": "2"})
    assert aws.get_function(FunctionName=arn)["Tags"] == {"team": "blue", "one": "1", "two": "2"}
    aws.untag_resource(Resource=arn, TagKeys=["one", "two"])
    assert aws.list_tags(Resource=arn)["Tags"] == {"team": "blue"}
    plain = aws.get_function_configuration(FunctionName=cloud.function("Plain"))["FunctionArn"]
    assert aws.list_tags(Resource=plain)["Tags"] == {}


def test_the_account_has_lambdas_limits(cloud, aws):
    settings = aws.get_account_settings()
    assert settings["AccountLimit"]["ConcurrentExecutions"] == 1000
    assert settings["AccountLimit"]["UnreservedConcurrentExecutions"] == 993
    assert settings["AccountUsage"]["FunctionCount"] == 5
    reserved = aws.get_function_concurrency(FunctionName=cloud.function("Tagged"))
    assert reserved["ReservedConcurrentExecutions"] == 7


def test_what_a_function_has_not_is_said_as_aws_says_it(cloud, aws):
    name = cloud.function("Plain")
    signing = aws.get_function_code_signing_config(FunctionName=name)
    assert "CodeSigningConfigArn" not in signing
    provisioned = aws.list_provisioned_concurrency_configs(FunctionName=name)
    assert provisioned["ProvisionedConcurrencyConfigs"] == []
    assert aws.list_function_url_configs(FunctionName=name)["FunctionUrlConfigs"] == []
    configs = aws.list_function_event_invoke_configs(FunctionName=name)
    assert configs["FunctionEventInvokeConfigs"] == []
    with pytest.raises(aws.exceptions.ResourceNotFoundException):
        aws.get_function_event_invoke_config(FunctionName=name)
    assert aws.get_runtime_management_config(FunctionName=name)["UpdateRuntimeOn"] == "Auto"
    for call in (aws.get_policy, aws.list_aliases, aws.get_function_code_signing_config):
        with pytest.raises(aws.exceptions.ResourceNotFoundException):
            call(FunctionName="nobody")
