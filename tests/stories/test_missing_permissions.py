"""One permission is missing, at each step of the road: it is named, with who needs it, and the
deployed function answers as if tether were not there."""

import json
import uuid

import boto3
import pytest
from harness import tether
from harness.permissions import role_name, without
from harness.surroundings import REGION

DEPLOYED = "the deployed code"

# Asked for before anything is changed: the receiver's own, and those of the helper Lambdas.
BEFORE_AN_ATTACH = [
    ("DeveloperRole", "OpenSession", "dynamodb:PutItem", "SessionsTable"),
    ("DeveloperRole", "ClaimAndCarry", "dynamodb:UpdateItem", "DebuggerTable"),
    ("DeveloperRole", "ClaimAndCarry", "dynamodb:GetItem", "DebuggerTable"),
    ("DeveloperRole", "ClaimAndCarry", "dynamodb:PutItem", "DebuggerTable"),
    ("DeveloperRole", "ClaimAndCarry", "dynamodb:DeleteItem", "DebuggerTable"),
    ("DeveloperRole", "ReadStacks", "cloudformation:ListStackResources", "stack/app/"),
    ("DeveloperRole", "ReadFunctions", "lambda:GetFunctionConfiguration", "HelloFunction"),
    ("DeveloperRole", "AskManager", "lambda:InvokeFunction", "ManagerFunction"),
    ("AuthorizerRole", "ReadSession", "dynamodb:GetItem", "SessionsTable"),
    ("ConnectRole", "KeepSession", "dynamodb:UpdateItem", "SessionsTable"),
    ("ConnectRole", "StoreReply", "dynamodb:UpdateItem", "DebuggerTable"),
    ("ConnectRole", "StartManager", "lambda:InvokeFunction", "ManagerFunction"),
    ("ManagerRole", "KeepSession", "dynamodb:GetItem", "SessionsTable"),
    ("ManagerRole", "KeepSession", "dynamodb:UpdateItem", "SessionsTable"),
    ("ManagerRole", "KeepJournal", "dynamodb:GetItem", "FunctionsTable"),
    ("ManagerRole", "KeepJournal", "dynamodb:PutItem", "FunctionsTable"),
    ("ManagerRole", "KeepJournal", "dynamodb:DeleteItem", "FunctionsTable"),
    ("ManagerRole", "KeepJournal", "dynamodb:Scan", "FunctionsTable"),
    ("ManagerRole", "ChangeFunctions", "lambda:GetFunction", "function:"),
    ("ManagerRole", "ChangeFunctions", "lambda:UpdateFunctionConfiguration", "function:"),
    ("ManagerRole", "UseLayers", "lambda:GetLayerVersion", "layer:"),
    ("ManagerRole", "PostProgress", "execute-api:ManageConnections", "@connections"),
]

# Found by the bootstrap, before an event leaves.
OF_THE_LAYER = [
    ("ReadSession", "dynamodb:GetItem", "SessionsTable"),
    ("KeepCorrelation", "dynamodb:GetItem", "DebuggerTable"),
    ("KeepCorrelation", "dynamodb:PutItem", "DebuggerTable"),
    ("KeepCorrelation", "dynamodb:UpdateItem", "DebuggerTable"),
    ("KeepCorrelation", "dynamodb:DeleteItem", "DebuggerTable"),
    ("PostInvocation", "execute-api:ManageConnections", "@connections"),
]


def ids(cases):
    return [" ".join(case[:-1]) for case in cases]


def names(text, role, action, resource):
    """The line that says what is missing, on what, and who needs it."""
    for line in text if isinstance(text, list) else text.splitlines():
        if f"no permission for {action} on arn:" in line and resource in line:
            assert f"the helper stack's {role} needs it" in line, line
            return True
    return False


def answered_by(cloud):
    answer = cloud.invoke("HelloFunction")
    assert answer.error is None, answer.payload
    return json.loads(answer.payload)["answered_by"]


def attach_once(cloud, project, **variables):
    """``tether attach``, which is expected to end by itself."""
    return tether(
        "attach",
        "--stack-name",
        "app",
        endpoint=cloud.endpoint,
        cwd=project.folder,
        XDG_STATE_HOME=str(project.laptop),
        **variables,
    )


@pytest.mark.parametrize(
    ("role", "sid", "action", "resource"), BEFORE_AN_ATTACH, ids=ids(BEFORE_AN_ATTACH)
)
def test_an_attach_that_could_not_be_carried_through_changes_nothing_and_says_why(
    hello_cloud, working_copy, role, sid, action, resource
):
    before = hello_cloud.configuration("HelloFunction")
    with without(hello_cloud, role, sid, action):
        attached = attach_once(hello_cloud, working_copy)
    assert attached.code == 2
    assert names(attached.stderr, role, action, resource), attached.stderr
    assert hello_cloud.configuration("HelloFunction") == before
    assert answered_by(hello_cloud) == DEPLOYED


@pytest.mark.parametrize(("sid", "action", "resource"), OF_THE_LAYER, ids=ids(OF_THE_LAYER))
def test_a_right_that_the_layer_lacks_leaves_events_to_the_deployed_code(
    hello_cloud, attach, working_copy, sid, action, resource
):
    with without(hello_cloud, "LayerRole", sid, action):
        attached = attach(hello_cloud, working_copy)
        assert answered_by(hello_cloud) == DEPLOYED
        assert names(hello_cloud.log("HelloFunction"), "LayerRole", action, resource)
        assert not attached.events_of("invocation")
        attached.detach()


def test_a_layer_role_that_trusts_nobody_here_leaves_events_to_the_deployed_code(
    hello_cloud, attach, working_copy
):
    iam = hello_cloud.client("iam")
    name = role_name(hello_cloud, "LayerRole")
    trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    narrowed = json.loads(json.dumps(trust))
    conditions = narrowed["Statement"][0]["Condition"]["StringEquals"]
    conditions["sts:ExternalId"] = "of another helper stack"
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(narrowed))
    try:
        attached = attach(hello_cloud, working_copy)
        assert answered_by(hello_cloud) == DEPLOYED
        line = hello_cloud.wait_for_log("HelloFunction", "no permission for sts:AssumeRole on arn:")
        assert name in line and "--trusted-principals" in line
        attached.detach()
    finally:
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))


def test_a_claim_that_is_refused_leaves_the_event_to_the_deployed_code(
    hello_cloud, attach, working_copy
):
    attached = attach(hello_cloud, working_copy)
    with without(hello_cloud, "DeveloperRole", "ClaimAndCarry", "dynamodb:UpdateItem"):
        answer = hello_cloud.invoke("HelloFunction")
        assert json.loads(answer.payload)["answered_by"] == DEPLOYED
        told = attached.outcome_of(answer)
    assert names([told["detail"]], "DeveloperRole", "dynamodb:UpdateItem", "DebuggerTable"), told
    attached.detach()


def test_a_reply_that_cannot_be_stored_is_an_error_that_the_developer_can_read(
    hello_cloud, attach, working_copy
):
    # It is sent again until the time is nearly up.
    attached = attach(hello_cloud, working_copy, "--timeout", "5")
    with without(hello_cloud, "ConnectRole", "StoreReply", "dynamodb:UpdateItem"):
        answer = hello_cloud.invoke("HelloFunction")
    error = json.loads(answer.payload)
    assert error["errorType"].startswith("Tether."), error
    said = [it["message"] for it in attached.events_of("note")]
    assert names(said, "ConnectRole", "dynamodb:UpdateItem", "DebuggerTable"), said
    attached.detach()


def test_a_restore_that_is_refused_is_told_and_done_when_it_may_be(
    hello_cloud, attach, working_copy
):
    before = hello_cloud.configuration("HelloFunction")
    attached = attach(hello_cloud, working_copy)
    action = "lambda:UpdateFunctionConfiguration"
    with without(hello_cloud, "ManagerRole", "ChangeFunctions", action):
        ended = tether("detach", "--stack-name", "app", endpoint=hello_cloud.endpoint)
        assert ended.code == 2
        assert names(ended.stderr, "ManagerRole", action, "HelloFunction"), ended.stderr
        # The session is over, and what is in front of the deployed code knows it.
        assert answered_by(hello_cloud) == DEPLOYED
    ended = tether("detach", "--stack-name", "app", endpoint=hello_cloud.endpoint)
    assert ended.code == 0, ended.stderr
    assert hello_cloud.configuration("HelloFunction") == before
    attached.close()


def test_a_sweep_that_may_not_read_the_journal_says_so_in_its_log(hello_cloud):
    manager = hello_cloud.function("ManagerFunction", stack="tether")
    with without(hello_cloud, "ManagerRole", "KeepJournal", "dynamodb:Scan"):
        answer = hello_cloud.invoke(manager, {"action": "sweep"})
    assert answer.error is not None
    said = json.loads(answer.payload)["errorMessage"]
    assert names(said, "ManagerRole", "dynamodb:Scan", "FunctionsTable"), said


# ---- the caller's own


@pytest.fixture
def person(hello_cloud):
    """Somebody with a policy of their own: their keys, as variables."""
    iam = hello_cloud.client("iam")
    name = f"ada-{uuid.uuid4().hex}"
    iam.create_user(UserName=name)
    keys = iam.create_access_key(UserName=name)["AccessKey"]

    def allow(*actions):
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        policy = {"UserName": name, "PolicyName": "tether"}
        iam.put_user_policy(**policy, PolicyDocument=json.dumps(document))
        return {
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        }

    return allow


@pytest.mark.parametrize(
    ("allowed", "missing"),
    [
        ("sts:AssumeRole", "cloudformation:DescribeStacks"),
        ("cloudformation:DescribeStacks", "sts:AssumeRole"),
    ],
)
def test_a_caller_who_lacks_a_right_is_told_which_one(
    hello_cloud, working_copy, person, allowed, missing
):
    attached = attach_once(hello_cloud, working_copy, **person(allowed))
    assert attached.code == 2
    line = next(it for it in attached.errors if f"no permission for {missing} on arn:" in it)
    assert ":user/ada-" in line and line.endswith(" needs it; ask whoever manages its policies")
    assert answered_by(hello_cloud) == DEPLOYED


def test_two_rights_are_all_that_a_caller_needs(hello_cloud, attach, working_copy, person):
    keys = person("sts:AssumeRole", "cloudformation:DescribeStacks")
    attached = attach(hello_cloud, working_copy, variables=keys)
    assert answered_by(hello_cloud) == "the working copy"
    attached.detach()


# ---- what nobody may do


def assumed(cloud, role, **more):
    """boto3 as a role of the helper stack, or of the application."""
    arn = cloud.outputs()[f"{role}Arn"]
    got = cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="story", **more)
    keys = got["Credentials"]
    return boto3.Session(
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        region_name=REGION,
    )


def test_a_function_cannot_make_itself_a_session(hello_cloud):
    outputs = hello_cloud.outputs()
    layer = assumed(hello_cloud, "LayerRole", ExternalId=outputs["ExternalId"])
    table = layer.client("dynamodb", endpoint_url=hello_cloud.endpoint)
    row = {"SessionId": {"S": "mine"}, "Status": {"S": "ACTIVE"}}
    for write in (
        lambda: table.put_item(TableName=outputs["SessionsTable"], Item=row),
        lambda: table.update_item(
            TableName=outputs["SessionsTable"],
            Key={"SessionId": {"S": "mine"}},
            UpdateExpression="SET LeaseUntil = :l",
            ExpressionAttributeValues={":l": {"N": "1"}},
        ),
        lambda: table.delete_item(
            TableName=outputs["SessionsTable"], Key={"SessionId": {"S": "mine"}}
        ),
    ):
        with pytest.raises(table.exceptions.ClientError) as refused:
            write()
        assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
        assert "LayerRole" in str(refused.value)


def test_a_developer_cannot_change_a_function(hello_cloud):
    developer = assumed(hello_cloud, "DeveloperRole")
    client = developer.client("lambda", endpoint_url=hello_cloud.endpoint)
    name = hello_cloud.function("HelloFunction")
    for change in (
        lambda: client.update_function_configuration(FunctionName=name, Timeout=9),
        lambda: client.update_function_code(FunctionName=name, ZipFile=b"x"),
        lambda: client.publish_version(FunctionName=name),
        lambda: client.delete_function(FunctionName=name),
        lambda: client.invoke(FunctionName=name),
    ):
        with pytest.raises(client.exceptions.ClientError) as refused:
            change()
        assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
        assert "DeveloperRole" in str(refused.value)
