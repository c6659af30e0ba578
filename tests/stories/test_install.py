"""``tether install``: the helper stack goes into an account, and only when it is wanted."""

import json
import os
import pty
import signal
import subprocess

import pytest
from harness import Project, Stack
from harness.installation import BUCKET, Artifacts, Installation, account
from harness.surroundings import binary, environment

DENIED = (
    "User: arn:aws:iam::000000000000:user/ada is not authorized to perform: {action} on resource: "
    "{resource} because no identity-based policy allows the {action} action"
)


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


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    deployed = Project.hello(tmp_path_factory.mktemp("deployed") / "hello")
    return clouds({"app": deployed.template}, "--no-helper-stack")


@pytest.fixture
def installation(cloud, tmp_path):
    """By programs that nobody runs; whatever a story has installed is removed."""
    before = account(cloud)
    made = Installation(cloud, Artifacts.hollow(tmp_path / "built"), tmp_path / "laptop")
    yield made
    made.uninstall()
    assert account(cloud) == before


def test_a_first_hour_ends_with_nothing_left_behind(cloud, attach, tmp_path):
    before = account(cloud)
    working_copy = Project.hello(tmp_path / "working-copy")
    working_copy.edit("hello/app.py", "the deployed code", "the working copy")
    installation = Installation(cloud, None, working_copy.laptop)

    installed = installation.install("--tag", "team=platform", "--log-retention-days", "7")
    (changes,) = installed.events_of("changes")
    assert {it["action"] for it in changes["resources"]} == {"create"}
    assert changes["isNewBucket"] and changes["bucket"] == BUCKET
    uploaded = [it["name"] for it in installed.events_of("uploaded")]
    assert uploaded[:3] == ["authorizer", "connect", "manager"]
    last = installed.events[-1]
    assert (last["event"], last["isChanged"]) == ("installed", True)
    assert last["outputs"]["WebSocketUrl"].startswith("ws")

    attached = attach(cloud, working_copy)
    answer = cloud.invoke("HelloFunction", {"name": "Ada"})
    assert json.loads(answer.payload)["answered_by"] == "the working copy"
    attached.detach()

    assert installation.uninstall() == {"event": "uninstalled", "isChanged": True, "left": []}
    assert account(cloud) == before
    assert not (working_copy.laptop / "tether").exists()
    again = installation.uninstall()
    assert again == {"event": "uninstalled", "isChanged": False, "left": []}


def test_the_bucket_is_private_and_encrypted_and_everything_is_tagged(cloud, installation):
    installation.install("--tag", "team=platform")
    s3 = cloud.client("s3")
    access = s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]
    assert all(access.values()) and len(access) == 4
    (rule,) = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    policy = json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])
    assert policy["Statement"][0]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    tags = {"team": "platform", "tether:stack": "tether"}
    found = s3.get_bucket_tagging(Bucket=BUCKET)["TagSet"]
    assert {it["Key"]: it["Value"] for it in found} == tags
    found = Stack(cloud, "tether").describe()["Tags"]
    assert {it["Key"]: it["Value"] for it in found} == tags


def test_installing_what_is_installed_does_nothing(installation):
    installation.install("--log-retention-days", "7")
    again = installation.install()
    assert again.events_of("stackEvent") == again.events_of("uploaded") == []
    last = again.events[-1]
    assert (last["event"], last["isChanged"]) == ("installed", False)
    assert last["outputs"]["Release"] == last["release"]


def test_only_what_has_changed_is_uploaded_and_updated(installation):
    installation.install()
    installation.artifacts.change_layer()
    changed = installation.install()
    assert [it["name"] for it in changed.events_of("uploaded")] == ["layer-x86_64"]
    (changes,) = changed.events_of("changes")
    assert changes["before"] == changes["release"]
    actions = {it["logicalId"]: it["action"] for it in changes["resources"]}
    assert "AuthorizerFunction" not in actions and actions["ManagerFunction"] == "update"
    assert len(installation.layer_versions()) == 1


def test_nothing_is_done_where_nobody_can_be_asked(cloud, installation):
    before = account(cloud)
    for command in ("install", "upgrade", "uninstall"):
        process = installation.run(command)
        assert process.code == 64
        (line,) = process.errors
        assert "--yes" in line
    assert account(cloud) == before


class Asked:
    """A command on a terminal, up to its question."""

    def __init__(self, installation, command):
        self._terminal, theirs = pty.openpty()
        env = environment(installation.cloud.endpoint, **installation.variables)
        words = [binary(), command]
        self._process = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, env=env)
        os.close(theirs)
        self.said = b""
        self._until(b"[y/N]")

    def _until(self, words):
        while words not in self.said:
            self.said += os.read(self._terminal, 4096)

    def says_no(self):
        os.write(self._terminal, b"n\n")
        self._until(b"nothing was changed")
        assert self._process.wait(20) == 2
        os.close(self._terminal)


def test_a_no_on_the_terminal_leaves_everything_as_it_was(cloud, installation):
    before = account(cloud)
    asked = Asked(installation, "install")
    assert b"create" in asked.said and b"AWS::Lambda::Function" in asked.said
    asked.says_no()
    # And it can be asked for again.
    assert account(cloud) == before
    after = Stack(cloud, "app")
    assert after.status() == "CREATE_COMPLETE"


def test_a_no_leaves_alone_what_somebody_else_has_installed_meanwhile(cloud, installation):
    asked = Asked(installation, "install")
    installation.install()
    asked.says_no()
    assert Stack(cloud, "tether").status() == "CREATE_COMPLETE"
    assert installation.install().events[-1]["isChanged"] is False


def test_a_no_leaves_alone_what_somebody_else_is_asked_about(cloud, installation):
    first, second = Asked(installation, "install"), Asked(installation, "install")
    first.says_no()
    assert Stack(cloud, "tether").status() == "REVIEW_IN_PROGRESS"
    second.says_no()


def test_a_folder_that_is_not_there_is_named(cloud, tmp_path):
    nowhere = tmp_path / "nowhere"
    line = Installation(cloud, Artifacts(nowhere), tmp_path / "laptop").fails("install")
    assert line.startswith(f"TETHER_HELPER_STACK is {nowhere}, where "), line


def test_an_upgrade_of_nothing_is_refused(installation):
    line = installation.fails("upgrade")
    assert "there is no helper stack tether in us-east-1" in line and "`tether install`" in line


def test_a_stack_of_somebody_else_is_left_alone(cloud, installation):
    for command in ("install", "upgrade", "uninstall"):
        line = installation.fails(command, "--stack-name", "app")
        assert line.startswith("the stack app is not tether's"), line
    assert Stack(cloud, "app").status() == "CREATE_COMPLETE"


def test_an_installation_that_is_under_way_is_waited_for(cloud, installation):
    with cloud.fault("iam", {"kind": "hold", "when": "before"}, action="CreateRole") as held:
        first = installation.start("install")
        held.wait_for_hit()
        second = installation.start("install")
        waits = "the stack tether is CREATE_IN_PROGRESS: waiting until that is over"
        second.wait_for("step", message=waits)
        held.lift()
        with first, second:
            assert (first.ends(), second.ends()) == (0, 0), (first.errors, second.errors)
    assert first.events[-1]["isChanged"] is True
    assert second.events[-1]["isChanged"] is False


def test_what_was_begun_goes_on_after_ctrl_c_and_is_seen_through(cloud, installation):
    with cloud.fault("iam", {"kind": "hold", "when": "before"}, action="CreateRole") as held:
        with installation.start("install") as begun:
            held.wait_for_hit()
            begun.signal(signal.SIGINT)
            assert begun.ends() == 2
            (line,) = begun.errors
            assert "what CloudFormation has begun goes on" in line
            assert "or `tether uninstall`" in line
    assert installation.install().events[-1]["isChanged"] is False


@pytest.mark.parametrize("code", ["Throttling", "InternalFailure"])
def test_what_is_refused_for_a_moment_is_waited_for(cloud, installation, code):
    with cloud.fault("iam", {"kind": "hold", "when": "before"}, action="CreateRole") as held:
        with installation.start("install") as begun:
            held.wait_for_hit()
            status = 400 if code == "Throttling" else 500
            effect = {"kind": "refuse", "status": status, "code": code, "message": "Rate exceeded"}
            with cloud.fault("cloudformation", effect, action="DescribeStackEvents") as refused:
                # More often than the SDK tries by itself.
                refused.wait_for_hit(5)
                held.lift()
            assert begun.ends() == 0, begun.errors
    assert begun.events[-1]["isChanged"] is True


def test_who_may_not_watch_is_told_that_it_goes_on(cloud, installation):
    with cloud.fault("iam", {"kind": "hold", "when": "before"}, action="CreateRole") as held:
        with installation.start("install") as begun:
            held.wait_for_hit()
            effect = {"kind": "refuse", "status": 403, "code": "AccessDenied", "message": "no"}
            with cloud.fault("cloudformation", effect, action="DescribeStackEvents"):
                assert begun.ends() == 2
            (line,) = begun.errors
            assert "cloudformation:DescribeStackEvents" in line
            assert "CloudFormation goes on with tether: run the same again" in line
            held.lift()
    installation.install()


# ---- what fails


def test_a_creation_that_fails_says_why_and_leaves_nothing(cloud, installation):
    before = account(cloud)
    other = Stack(cloud, "other")
    name = {"LogGroupName": "/aws/lambda/tether-manager"}
    template = {"Resources": {"Logs": {"Type": "AWS::Logs::LogGroup", "Properties": name}}}
    other.aws.create_stack(StackName="other", TemplateBody=json.dumps(template))
    assert other.settles() == "CREATE_COMPLETE"

    line = installation.fails("install")
    assert line.startswith("the creation of tether has failed, because of ManagerLogs"), line
    assert "already exists" in line and "it was rolled back" in line and "\n" not in line
    assert "left behind" not in line
    assert account(cloud) == {**before, "stacks": sorted(["app", "other"])}

    other.delete()
    installation.install()


def half_a_helper_stack(cloud):
    """What is left of a creation that failed."""
    mine = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "mine"}}
    template = {
        "Description": "tether helper stack, half of it",
        "Resources": {"Logs": mine, "Again": {**mine, "DependsOn": "Logs"}},
    }
    failed = Stack(cloud, "tether")
    failed.aws.create_stack(StackName="tether", TemplateBody=json.dumps(template))
    assert failed.settles() == "ROLLBACK_COMPLETE"


def test_what_is_left_of_a_creation_that_failed_is_removed_first(cloud, installation):
    half_a_helper_stack(cloud)
    installed = installation.install()
    statuses = [it["status"] for it in installed.events_of("stackEnded")]
    assert statuses == ["DELETE_COMPLETE", "CREATE_COMPLETE"]


def test_a_rollback_that_stopped_half_way_is_finished_only_when_it_is_wanted(cloud, installation):
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}}
    stack = Stack(cloud, "tether")

    def template(**resources):
        it = {"Description": "tether helper stack, some of it", "Resources": resources}
        words = {"TemplateBody": json.dumps(it), "Capabilities": ["CAPABILITY_IAM"]}
        return {"StackName": "tether", **words}

    mine = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "mine"}}
    stack.aws.create_stack(**template(Role=role, Logs=mine))
    assert stack.settles() == "CREATE_COMPLETE"
    longer = {**role, "Properties": {**role["Properties"], "MaxSessionDuration": 7200}}
    effect = {"kind": "refuse", "status": 403, "code": "AccessDenied", "message": "not today"}
    # There and not back again.
    with cloud.fault("iam", effect, action="UpdateRole", skip=1):
        again = {**mine, "DependsOn": "Role"}
        stack.aws.update_stack(**template(Role=longer, Logs=mine, Again=again))
        assert stack.settles() == "UPDATE_ROLLBACK_FAILED"
    asked = Asked(installation, "install")
    assert b"the rollback of an update stopped half way" in asked.said
    asked.says_no()
    assert stack.status() == "UPDATE_ROLLBACK_FAILED"


def test_ctrl_c_is_heard_while_leftovers_are_removed(cloud, installation):
    half_a_helper_stack(cloud)
    hold = {"kind": "hold", "when": "before"}
    with cloud.fault("cloudformation", hold, action="DeleteStack") as held:
        with installation.start("install") as begun:
            held.wait_for_hit()
            begun.signal(signal.SIGINT)
            assert begun.ends() == 2
            (line,) = begun.errors
            assert "what CloudFormation has begun goes on" in line
    installation.install()


def test_a_permission_that_a_resource_takes_is_named_with_the_resource(cloud, installation):
    before = account(cloud)
    message = DENIED.format(action="iam:CreateRole", resource="arn:aws:iam::1:role/r")
    effect = {"kind": "refuse", "status": 403, "code": "AccessDenied", "message": message}
    with cloud.fault("iam", effect, action="CreateRole"):
        line = installation.fails("install")
    assert line.startswith("the creation of tether has failed, because of "), line
    ada = "arn:aws:iam::000000000000:user/ada"
    assert f"Role (AWS::IAM::Role): {ada} may not iam:CreateRole" in line
    assert account(cloud) == before


@pytest.mark.parametrize(
    ("service", "action", "permission"),
    [
        ("cloudformation", "DescribeStacks", "cloudformation:DescribeStacks"),
        ("cloudformation", "CreateChangeSet", "cloudformation:CreateChangeSet"),
        ("cloudformation", "DescribeChangeSet", "cloudformation:DescribeChangeSet"),
        ("cloudformation", "ExecuteChangeSet", "cloudformation:ExecuteChangeSet"),
        ("s3", "CreateBucket", "s3:CreateBucket"),
        ("s3", "PutObject", "s3:PutObject"),
        ("s3", "PutBucketPolicy", "s3:PutBucketPolicy"),
    ],
)
def test_a_missing_permission_is_named(cloud, installation, service, action, permission):
    before = account(cloud)
    message = DENIED.format(action=permission, resource="arn:aws:x:::it")
    effect = {"kind": "refuse", "status": 403, "code": "AccessDenied", "message": message}
    with cloud.fault(service, effect, action=action) as fault:
        line = installation.fails("install")
        assert fault.hits
    assert f"arn:aws:iam::000000000000:user/ada may not {permission} on arn:aws:x:::it" in line
    cloud.process.wait_until(lambda: account(cloud) == before, "an account as before")


def test_what_cannot_be_taken_back_is_named_with_the_first_reason(cloud, installation):
    effect = {"kind": "refuse", "status": 403, "code": "AccessDenied", "message": "no"}
    with (
        cloud.fault("cloudformation", effect, action="DescribeChangeSet"),
        cloud.fault("cloudformation", effect, action="DeleteStack"),
    ):
        line = installation.fails("install")
    assert line.startswith("the change set cannot be read: "), line
    assert "; left behind: the change set tether-" in line
    assert "cloudformation:DeleteStack" in line
    installation.install()


# ---- buckets


def test_a_bucket_that_was_deleted_is_made_and_filled_again(cloud, installation):
    installation.install()
    s3 = cloud.client("s3")
    keys = [it["Key"] for it in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    for key in keys:
        s3.delete_object(Bucket=BUCKET, Key=key)
    s3.delete_bucket(Bucket=BUCKET)
    again = installation.install()
    (changes,) = again.events_of("changes")
    assert changes["resources"] == [] and changes["isNewBucket"]
    assert [it["Key"] for it in s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == keys
    assert again.events[-1]["outputs"]["ArtifactsBucket"] == BUCKET
    assert installation.install().events[-1]["isChanged"] is False


def test_a_bucket_that_is_not_ours_is_not_touched_and_another_one_can_be_named(
    cloud, installation
):
    s3 = cloud.client("s3")
    for name in (BUCKET, "mine"):
        s3.create_bucket(Bucket=name)
        s3.put_object(Bucket=name, Key="precious", Body=b"x")
    try:
        line = installation.fails("install")
        assert f"the bucket {BUCKET} cannot be used" in line and "--bucket" in line
        installed = installation.install("--bucket", "mine")
        (changes,) = installed.events_of("changes")
        assert changes["bucket"] == "mine" and not changes["isNewBucket"]
        installation.uninstall()
        for name in (BUCKET, "mine"):
            (left,) = s3.list_objects_v2(Bucket=name)["Contents"]
            assert left["Key"] == "precious"
    finally:
        for name in (BUCKET, "mine"):
            s3.delete_object(Bucket=name, Key="precious")
            s3.delete_bucket(Bucket=name)


@pytest.mark.parametrize(
    ("action", "code"),
    [
        ("CreateBucket", "OperationAborted"),
        ("PutBucketTagging", "NoSuchBucket"),
        ("PutBucketPolicy", "OperationAborted"),
    ],
)
def test_a_bucket_with_which_s3_has_not_finished_is_waited_for(cloud, installation, action, code):
    status = 404 if code == "NoSuchBucket" else 409
    effect = {"kind": "refuse", "status": status, "code": code, "message": "try again"}
    with cloud.fault("s3", effect, action=action, times=1) as refused:
        installation.install()
        assert refused.hits


def test_a_bucket_of_another_account_is_told(cloud, installation):
    effect = {"kind": "refuse", "status": 403, "code": "AccessDenied", "message": "Access Denied"}
    with cloud.fault("s3", effect, action="HeadBucket"):
        line = installation.fails("install")
    assert "another account's" in line and "--bucket" in line
