"""The cloud on the desk asks IAM before it does what a user or a role wants."""

import json

import pytest
import websockets.exceptions
from harness import Project, echo, tether
from harness.account import (
    ACCOUNT,
    Person,
    allow,
    deny,
    document,
    refusal,
    trusting,
    unauthorized,
    under,
    user,
)

# Tells who it is to AWS: stories then call in its name.
KEYS = """
import os


def handler(event, context):
    names = ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")
    return [os.environ["AWS_" + name] for name in names]
"""

LAMBDA = {"Service": "lambda.amazonaws.com"}
ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
TABLE = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/orders"
KEY = {"id": {"S": "1"}}


def role(trust, *statements, **more):
    """A role as a template has it."""
    properties = {
        "AssumeRolePolicyDocument": json.loads(trust),
        "Policies": [
            {"PolicyName": "own", "PolicyDocument": json.loads(document(*statements))}
        ],
        **more,
    }
    return {"Type": "AWS::IAM::Role", "Properties": properties}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    names = ("Worker", "Locked", "Silent", "Scheduled")
    project = Project.of(tmp_path_factory.mktemp("iam"), dict.fromkeys(names, KEYS))
    template = json.loads(project.template.read_text())
    resources = template["Resources"]
    resources["Table"] = {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "TableName": "orders",
            "AttributeDefinitions": [
                {"AttributeName": "id", "AttributeType": "S"},
                {"AttributeName": "owner", "AttributeType": "S"},
            ],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
            "GlobalSecondaryIndexes": [
                {
                    "IndexName": "by-owner",
                    "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
        },
    }
    logs = allow(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"])
    roles = {
        "WorkerRole": role(
            trusting(LAMBDA),
            logs,
            allow(["dynamodb:GetItem", "dynamodb:PutItem"], TABLE, Sid="Orders"),
            allow("dynamodb:Delete*", TABLE),
            ManagedPolicyArns=[{"Ref": "Describing"}],
        ),
        "LockedRole": role(trusting({"Service": "ec2.amazonaws.com"}), logs),
        "SilentRole": role(trusting(LAMBDA), allow("dynamodb:GetItem")),
        "Delegated": role(trusting(ROOT), allow("dynamodb:*")),
        "Guarded": role(
            trusting(
                {"AWS": "*"},
                StringEquals={"aws:PrincipalAccount": ACCOUNT, "sts:ExternalId": "secret"},
            ),
            allow("dynamodb:*"),
        ),
    }
    for name, properties in roles.items():
        resources[name] = properties
    resources["Describing"] = {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {
            "PolicyDocument": json.loads(document(allow("dynamodb:DescribeTable", TABLE)))
        },
    }
    resources["Counting"] = {
        "Type": "AWS::IAM::Policy",
        "Properties": {
            "PolicyName": "counting",
            "PolicyDocument": json.loads(document(allow("dynamodb:DescribeTimeToLive", TABLE))),
            "Roles": [{"Ref": "WorkerRole"}],
        },
    }
    for name in ("Worker", "Locked", "Silent"):
        resources[name]["Properties"]["Role"] = {"Fn::GetAtt": [f"{name}Role", "Arn"]}
    resources["Scheduled"]["Properties"].update(
        Events={"Often": {"Type": "Schedule", "Properties": {"Schedule": "rate(1 hour)"}}},
        Policies=["arn:aws:iam::aws:policy/Imaginary", {"PinpointEndpointAccessPolicy": {}}],
    )
    template["Outputs"] = {
        name: {"Value": {"Fn::GetAtt": [name, "Arn"]}} for name in roles
    }
    project.write("template.yaml", json.dumps(template, indent=2))
    return project


@pytest.fixture(scope="module")
def cloud(clouds, project):
    return clouds({"app": project.template}, "--no-helper-stack")


@pytest.fixture(scope="module")
def roles(cloud):
    return cloud.outputs("app")


def function(cloud, name):
    """Whoever has the keys that a function runs with."""
    key, secret, token = json.loads(cloud.invoke(name).payload)
    keys = {"AccessKeyId": key, "SecretAccessKey": secret, "SessionToken": token}
    return Person(cloud, keys)


def arn_of(name):
    return f"arn:aws:iam::{ACCOUNT}:user/{name}"


# ---- what a refusal looks like


def test_each_service_refuses_in_its_own_shape_and_in_awss_words(cloud, roles):
    nobody = user(cloud, "nobody")
    worker = cloud.function("Worker")
    function_arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{worker}"
    calls = [
        ("dynamodb", "get_item", {"TableName": "orders", "Key": KEY}, "dynamodb:GetItem", TABLE),
        ("lambda", "get_function", {"FunctionName": worker}, "lambda:GetFunction", function_arn),
        (
            "lambda",
            "invoke",
            {"FunctionName": worker, "Qualifier": "live"},
            "lambda:InvokeFunction",
            f"{function_arn}:live",
        ),
        ("lambda", "list_functions", {}, "lambda:ListFunctions", "*"),
        (
            "sts",
            "assume_role",
            {"RoleArn": roles["Delegated"], "RoleSessionName": "story"},
            "sts:AssumeRole",
            roles["Delegated"],
        ),
        (
            "iam",
            "get_role",
            {"RoleName": roles["Guarded"].rsplit("/", 1)[1]},
            "iam:GetRole",
            roles["Guarded"],
        ),
        ("s3", "get_object", {"Bucket": "b", "Key": "a/b"}, "s3:GetObject", "arn:aws:s3:::b/a/b"),
        (
            "sqs",
            "get_queue_attributes",
            {"QueueUrl": f"{cloud.endpoint}/{ACCOUNT}/orders"},
            "sqs:GetQueueAttributes",
            f"arn:aws:sqs:us-east-1:{ACCOUNT}:orders",
        ),
    ]
    named = {"dynamodb": 400, "lambda": 403, "sqs": 403}
    for service, operation, arguments, action, resource in calls:
        refused = refusal(getattr(nobody.client(service), operation), **arguments)
        code = "AccessDeniedException" if service in named else "AccessDenied"
        assert refused.code == code
        assert refused.status == named.get(service, 403)
        assert refused.message == unauthorized(arn_of("nobody"), action, resource)


def test_a_stack_is_asked_about_by_its_id(cloud):
    reader = user(cloud, "stack-reader")
    cloudformation = reader.client("cloudformation")
    stack = cloud.client("cloudformation").describe_stacks(StackName="app")["Stacks"][0]
    refused = refusal(cloudformation.describe_stacks, StackName="app")
    action = "cloudformation:DescribeStacks"
    assert refused.message == unauthorized(arn_of("stack-reader"), action, stack["StackId"])
    reader.may(allow(action, f"arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack/app/*"))
    assert cloudformation.describe_stacks(StackName="app")["Stacks"][0]["StackName"] == "app"


def test_who_somebody_is_may_be_asked_by_everybody(cloud):
    who = user(cloud, "curious").client("sts").get_caller_identity()
    assert (who["Arn"], who["Account"]) == (arn_of("curious"), ACCOUNT)


def test_keys_that_are_not_of_this_cloud_may_do_everything(cloud):
    names = cloud.client("dynamodb").list_tables()["TableNames"]
    assert "orders" in names


# ---- policies


def test_what_is_taken_out_of_a_policy_is_refused_at_once_and_the_rest_is_served(cloud):
    clerk = user(cloud, "clerk", allow(["dynamodb:PutItem", "dynamodb:GetItem"], TABLE))
    table = clerk.client("dynamodb")
    table.put_item(TableName="orders", Item=KEY)
    clerk.may(allow("dynamodb:GetItem", TABLE))
    refused = refusal(table.put_item, TableName="orders", Item=KEY)
    assert refused.message == unauthorized(arn_of("clerk"), "dynamodb:PutItem", TABLE)
    assert table.get_item(TableName="orders", Key=KEY)["Item"] == KEY


def test_an_explicit_deny_is_stronger_than_an_allow_and_is_named(cloud):
    barred = user(cloud, "barred", allow("*"), deny("dynamodb:Delete*"))
    refused = refusal(barred.client("dynamodb").delete_item, TableName="orders", Key=KEY)
    why = "with an explicit deny in an identity-based policy"
    expected = unauthorized(arn_of("barred"), "dynamodb:DeleteItem", TABLE, why)
    assert refused.message == expected
    assert barred.client("dynamodb").list_tables()["TableNames"]


def test_a_query_of_an_index_needs_the_index_and_of_a_table_the_table(cloud):
    index = f"{TABLE}/index/by-owner"
    reader = user(cloud, "index-reader", allow("dynamodb:Query", index))
    query = {
        "TableName": "orders",
        "IndexName": "by-owner",
        "KeyConditionExpression": "#o = :o",
        "ExpressionAttributeNames": {"#o": "owner"},
        "ExpressionAttributeValues": {":o": {"S": "ada"}},
    }
    assert reader.client("dynamodb").query(**query)["Items"] == []
    reader.may(allow("dynamodb:Query", TABLE))
    refused = refusal(reader.client("dynamodb").query, **query)
    assert refused.message == unauthorized(arn_of("index-reader"), "dynamodb:Query", index)


def test_a_batch_and_a_transaction_need_what_they_do_on_each_table(cloud):
    writer = user(cloud, "writer", allow("dynamodb:PutItem", TABLE))
    table = writer.client("dynamodb")
    batch = {"orders": [{"PutRequest": {"Item": KEY}}]}
    refused = refusal(table.batch_write_item, RequestItems=batch)
    assert refused.message == unauthorized(arn_of("writer"), "dynamodb:BatchWriteItem", TABLE)
    put = {"Put": {"TableName": "orders", "Item": KEY}}
    table.transact_write_items(TransactItems=[put])
    remove = {"Delete": {"TableName": "orders", "Key": {"id": {"S": "2"}}}}
    refused = refusal(table.transact_write_items, TransactItems=[put, remove])
    assert refused.message == unauthorized(arn_of("writer"), "dynamodb:DeleteItem", TABLE)


def test_a_policy_may_hang_on_who_asks(cloud):
    own = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/" + "${aws:username}"
    condition = {"StringEquals": {"aws:PrincipalType": "User"}}
    orders = user(cloud, "orders", allow("dynamodb:GetItem", own, Condition=condition))
    other = user(cloud, "other", allow("dynamodb:GetItem", own, Condition=condition))
    orders.client("dynamodb").get_item(TableName="orders", Key=KEY)
    refused = refusal(other.client("dynamodb").get_item, TableName="orders", Key=KEY)
    assert refused.message == unauthorized(arn_of("other"), "dynamodb:GetItem", TABLE)


def test_a_function_that_gets_a_layer_or_a_role_needs_a_caller_who_may_use_it(cloud, roles):
    name = cloud.function("Worker")
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}"
    change = allow("lambda:UpdateFunctionConfiguration", arn)
    operator = user(cloud, "operator", change)
    update = operator.client("lambda").update_function_configuration
    layer = f"arn:aws:lambda:us-east-1:{ACCOUNT}:layer:tools:1"
    refused = refusal(update, FunctionName=name, Layers=[layer])
    assert refused.message == unauthorized(arn_of("operator"), "lambda:GetLayerVersion", layer)
    # A public one of another account needs the same right.
    public = layer.replace(ACCOUNT, "123456789012")
    refused = refusal(update, FunctionName=name, Layers=[public])
    assert refused.message == unauthorized(arn_of("operator"), "lambda:GetLayerVersion", public)
    operator.may(change, allow("lambda:GetLayerVersion", public))
    assert refusal(update, FunctionName=name, Layers=[public]).status != 403
    operator.may(change)
    refused = refusal(update, FunctionName=name, Role=roles["SilentRole"])
    expected = unauthorized(arn_of("operator"), "iam:PassRole", roles["SilentRole"])
    assert refused.message == expected
    service = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    operator.may(change, allow("iam:PassRole", roles["WorkerRole"], Condition=service))
    updated = update(FunctionName=name, Role=roles["WorkerRole"])
    assert updated["Role"] == roles["WorkerRole"]


def test_a_permissions_boundary_takes_away_what_the_policies_of_a_role_allow(cloud, roles):
    name = roles["Delegated"].rsplit("/", 1)[1]
    iam = cloud.client("iam")
    bounded = under(cloud, roles["Delegated"]).client("dynamodb")
    bounded.delete_item(TableName="orders", Key=KEY)
    iam.put_role_permissions_boundary(
        RoleName=name, PermissionsBoundary="arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess"
    )
    try:
        bounded.get_item(TableName="orders", Key=KEY)
        refused = refusal(bounded.delete_item, TableName="orders", Key=KEY)
        arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/story"
        why = "because no permissions boundary allows the dynamodb:DeleteItem action"
        assert refused.message == unauthorized(arn, "dynamodb:DeleteItem", TABLE, why)
    finally:
        iam.delete_role_permissions_boundary(RoleName=name)


# ---- who may become whom


def test_a_role_that_trusts_the_account_is_assumed_by_whom_a_policy_of_theirs_lets(cloud, roles):
    role = roles["Delegated"]
    lucky = user(cloud, "lucky", allow("sts:AssumeRole", role))
    under(cloud, role, by=lucky).client("dynamodb").get_item(TableName="orders", Key=KEY)
    unlucky = user(cloud, "unlucky")
    refused = refusal(unlucky.client("sts").assume_role, RoleArn=role, RoleSessionName="story")
    assert refused.message == unauthorized(arn_of("unlucky"), "sts:AssumeRole", role)


def test_a_role_that_trusts_everybody_under_conditions_asks_for_them_and_for_no_policy(
    cloud, roles
):
    guarded = roles["Guarded"]
    stranger = user(cloud, "stranger")
    under(cloud, guarded, by=stranger, ExternalId="secret")
    for caller, arn in [
        (stranger.client("sts"), arn_of("stranger")),
        (cloud.client("sts"), arn_of("developer")),
    ]:
        for more in ({}, {"ExternalId": "guess"}):
            refused = refusal(
                caller.assume_role, RoleArn=guarded, RoleSessionName="story", **more
            )
            why = "because no role trust policy allows the sts:AssumeRole action"
            assert refused.message == unauthorized(arn, "sts:AssumeRole", guarded, why)
            assert (refused.code, refused.status) == ("AccessDenied", 403)


def test_a_trust_policy_may_deny_whom_another_policy_lets(cloud, roles):
    name = roles["Guarded"].rsplit("/", 1)[1]
    iam = cloud.client("iam")
    before = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    banned = user(cloud, "banned", allow("sts:AssumeRole"))
    trust = [
        *before["Statement"],
        *json.loads(trusting({"AWS": arn_of("banned")}, "Deny"))["Statement"],
    ]
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=document(*trust))
    try:
        refused = refusal(
            banned.client("sts").assume_role,
            RoleArn=roles["Guarded"],
            RoleSessionName="story",
            ExternalId="secret",
        )
        why = "with an explicit deny in the role trust policy"
        expected = unauthorized(arn_of("banned"), "sts:AssumeRole", roles["Guarded"], why)
        assert refused.message == expected
    finally:
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(before))


def test_a_role_that_does_not_exist_is_refused_as_one_that_trusts_nobody(cloud):
    role = f"arn:aws:iam::{ACCOUNT}:role/nowhere"
    refused = refusal(cloud.client("sts").assume_role, RoleArn=role, RoleSessionName="story")
    why = "because no role trust policy allows the sts:AssumeRole action"
    assert refused.message == unauthorized(arn_of("developer"), "sts:AssumeRole", role, why)


# ---- functions


def test_a_function_may_do_what_its_role_may(cloud, roles):
    worker = function(cloud, "Worker")
    table = worker.client("dynamodb")
    table.put_item(TableName="orders", Item=KEY)
    # By a managed policy, and by one that stands beside the role.
    table.describe_table(TableName="orders")
    table.describe_time_to_live(TableName="orders")
    refused = refusal(table.scan, TableName="orders")
    name = roles["WorkerRole"].rsplit("/", 1)[1]
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{cloud.function('Worker')}"
    assert worker.client("sts").get_caller_identity()["Arn"] == arn
    assert refused.message == unauthorized(arn, "dynamodb:Scan", TABLE)


def test_a_function_whose_role_does_not_trust_lambda_is_not_run(cloud):
    invoke = cloud.client("lambda").invoke
    refused = refusal(invoke, FunctionName=cloud.function("Locked"))
    assert (refused.code, refused.status) == ("AccessDeniedException", 403)
    assert refused.message == "The role defined for the function cannot be assumed by Lambda."


def test_that_a_log_would_be_lost_on_aws_is_said_once(cloud):
    name = cloud.function("Silent")
    cloud.invoke("Silent")
    notice = cloud.wait_for_notice(f"the log of {name} would be lost on AWS")
    assert f"may not logs:CreateLogGroup on /aws/lambda/{name}" in notice
    cloud.client("lambda").update_function_configuration(FunctionName=name, MemorySize=256)
    cloud.client("lambda").get_waiter("function_updated_v2").wait(FunctionName=name)
    # A new environment has a new log.
    cloud.invoke("Silent")
    said = [it["message"] for it in cloud.process.events_of("notice")]
    assert said.count(notice) == 1


def test_a_function_may_be_invoked_by_whom_its_own_policy_lets(cloud):
    name = cloud.function("Worker")
    guest = user(cloud, "guest")
    invoke = guest.client("lambda").invoke
    assert refusal(invoke, FunctionName=name).status == 403
    permission = {"FunctionName": name, "StatementId": "guest"}
    cloud.client("lambda").add_permission(
        **permission, Action="lambda:InvokeFunction", Principal=arn_of("guest")
    )
    assert invoke(FunctionName=name)["StatusCode"] == 200
    cloud.client("lambda").remove_permission(**permission)
    assert refusal(invoke, FunctionName=name).status == 403


def test_a_schedule_may_invoke_its_function_and_nothing_else_may(cloud):
    name = cloud.function("Scheduled")
    policy = cloud.client("lambda").get_policy(FunctionName=name)["Policy"]
    (statement,) = json.loads(policy)["Statement"]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    source = statement["Condition"]["ArnLike"]["AWS:SourceArn"]
    assert source.startswith(f"arn:aws:events:us-east-1:{ACCOUNT}:rule/app-ScheduledOften-")


def test_managed_policies_and_templates_that_are_not_known_are_said(cloud):
    for text in ("aws:policy/Imaginary is not known", "PinpointEndpointAccessPolicy is not known"):
        cloud.wait_for_notice(text)


# ---- API Gateway


def test_an_api_that_may_not_invoke_its_function_answers_500_until_it_may(clouds, tmp_path):
    deployed = echo.project(tmp_path / "app", permitted=False)
    cloud = clouds({"app": deployed.template}, "--no-helper-stack")
    with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
        echo.connect(cloud)
    assert refused.value.response.status_code == 500
    cloud.wait_for_notice("User: apigateway.amazonaws.com is not authorized to perform: lambda:Inv")
    (api,) = cloud.ready["apis"]
    resources = cloud.client("cloudformation").list_stack_resources(StackName="app")
    resources = resources["StackResourceSummaries"]
    id = next(it["PhysicalResourceId"] for it in resources if it["LogicalResourceId"] == "Api")
    cloud.client("lambda").add_permission(
        FunctionName=cloud.function("Echo"),
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{id}/live/*",
    )
    with echo.connect(cloud) as socket:
        connection = echo.ask(socket, "who")
        poster = user(cloud, "poster")
        arn = f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{id}/live/POST/@connections/{connection}"
        for url in (api["url"].replace("ws://", "http://"), f"{cloud.endpoint}/live"):
            post = poster.client("apigatewaymanagementapi", url).post_to_connection
            refused = refusal(post, ConnectionId=connection, Data=b"1")
            action = "execute-api:ManageConnections"
            assert (refused.code, refused.status) == ("AccessDeniedException", 403)
            assert refused.message == unauthorized(arn_of("poster"), action, arn)
        poster.may(allow(action, arn))
        post(ConnectionId=connection, Data=b"1")
        assert socket.recv(timeout=20) == "1"


# ---- the rest


def test_it_is_told_which_permissions_are_used_and_what_was_refused(cloud, roles):
    def statement(sid):
        role = next(it for it in cloud.permissions()["roles"] if it["arn"] == roles["WorkerRole"])
        return next(it for it in role["statements"] if it["sid"] == sid)

    def used(action):
        return next(it["used"] for it in statement("Orders")["actions"] if it["action"] == action)

    worker = function(cloud, "Worker").client("dynamodb")
    before = {action: used(action) for action in ("dynamodb:GetItem", "dynamodb:PutItem")}
    worker.get_item(TableName="orders", Key=KEY)
    refusal(worker.scan, TableName="orders")
    refusal(worker.scan, TableName="orders")
    assert used("dynamodb:GetItem") == before["dynamodb:GetItem"] + 1
    assert used("dynamodb:PutItem") == before["dynamodb:PutItem"]
    assert statement("Orders")["resources"] == [TABLE]
    denials = [it for it in cloud.permissions()["denials"] if it["action"] == "dynamodb:Scan"]
    (denial,) = [it for it in denials if cloud.function("Worker") in it["principal"]]
    assert denial["resource"] == TABLE and denial["count"] >= 2


def test_policies_are_read_back_and_removed(cloud, roles):
    iam = cloud.client("iam")
    name = roles["SilentRole"].rsplit("/", 1)[1]
    text = document(allow("dynamodb:Query"))
    iam.put_role_policy(RoleName=name, PolicyName="extra", PolicyDocument=text)
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == ["extra", "own"]
    read = iam.get_role_policy(RoleName=name, PolicyName="extra")
    assert read["PolicyDocument"] == json.loads(text)
    iam.delete_role_policy(RoleName=name, PolicyName="extra")
    gone = refusal(iam.get_role_policy, RoleName=name, PolicyName="extra")
    assert (gone.code, gone.status) == ("NoSuchEntity", 404)


def test_a_user_who_is_deleted_may_do_nothing_any_more(cloud):
    leaver = user(cloud, "leaver", allow("*"))
    iam = cloud.client("iam")
    leaver.client("dynamodb").list_tables()
    assert refusal(iam.delete_user, UserName="leaver").code == "DeleteConflict"
    iam.delete_user_policy(UserName="leaver", PolicyName="own")
    iam.delete_user(UserName="leaver")
    assert refusal(leaver.client("dynamodb").list_tables).status == 400


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        (allow("s3:Get*", Condition={"StringMatches": {"a": "b"}}), "operator StringMatches"),
        ({"Effect": "Allow", "Action": "s3:*"}, "it has no Resource"),
        (allow("s3:Get*", Principal="*"), "evaluates no Principal"),
    ],
    ids=["operator", "resource", "principal"],
)
def test_a_policy_that_is_none_is_refused_by_statement(cloud, roles, statement, why):
    refused = refusal(
        cloud.client("iam").put_role_policy,
        RoleName=roles["SilentRole"].rsplit("/", 1)[1],
        PolicyName="wrong",
        PolicyDocument=document(allow("s3:ListBucket"), statement),
    )
    assert refused.code == "MalformedPolicyDocument"
    assert "statement 2 of the policy" in refused.message
    assert why in refused.message


def test_a_template_with_a_policy_that_is_none_is_not_deployed(tmp_path):
    wrong = allow("s3:Get*", Condition={"StringMatches": {"a": "b"}})
    template = {"Resources": {"Wrong": role(trusting(LAMBDA), allow("s3:*"), wrong)}}
    path = tmp_path / "template.yaml"
    path.write_text(json.dumps(template, indent=2))
    process = tether(
        "emulator", "--no-helper-stack", f"--deploy=app={path}", "--endpoint-port=0"
    )
    assert process.code == 2
    (error,) = [it for it in process.stderr if it.startswith("error:")]
    assert "Wrong" in error and "Policies" in error
    assert "statement 2 of the policy: there is no condition operator StringMatches" in error


def test_without_iam_everybody_may_do_everything(clouds, project):
    cloud = clouds({"app": project.template}, "--no-helper-stack", "--no-iam")
    nobody = user(cloud, "nobody")
    nobody.client("dynamodb").put_item(TableName="orders", Item=KEY)
    assert cloud.invoke("Locked").error is None
    guarded = cloud.outputs("app")["Guarded"]
    under(cloud, guarded, by=nobody).client("dynamodb").scan(TableName="orders")
    assert cloud.permissions()["enforced"] is False
