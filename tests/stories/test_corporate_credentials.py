"""Credentials as companies hand them out: by a process, by a login, for a while."""

import datetime
import hashlib
import json
import sys

import pytest
from harness import Project, tether

# Hands out keys for some seconds: new ones each time, or those of a file.
PROCESS = """
import datetime, json, pathlib, sys

here = pathlib.Path(__file__).parent
with open(here / "asked", "a") as asked:
    asked.write("x")
given = here / "given.json"
if given.exists():
    print(given.read_text())
    sys.exit()
until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=4)
print(json.dumps({
    "Version": 1,
    "AccessKeyId": "ASIAPROCESS",
    "SecretAccessKey": "example",
    "SessionToken": "example",
    "Expiration": until.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
}))
"""

ENVIRONMENT = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


def in_seconds(seconds):
    now = datetime.datetime.now(datetime.timezone.utc)
    return (now + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Home:
    """A home folder with AWS's files in it."""

    def __init__(self, folder):
        self.folder = folder / "home"
        self.aws = self.folder / ".aws"
        self.aws.mkdir(parents=True)
        self.variables = {
            "HOME": str(self.folder),
            "AWS_CONFIG_FILE": None,
            "AWS_SHARED_CREDENTIALS_FILE": None,
            **dict.fromkeys(ENVIRONMENT),
        }

    def config(self, text):
        (self.aws / "config").write_text(text)

    def process(self):
        """A profile whose keys come from a process."""
        script = self.folder / "keys.py"
        script.write_text(PROCESS)
        self.config(f"[profile work]\ncredential_process = {sys.executable} {script}\n")

    def hands_out(self, seconds):
        """The same keys each time, from now on."""
        keys = {
            "Version": 1,
            "AccessKeyId": "ASIAPROCESS",
            "SecretAccessKey": "example",
            "SessionToken": "example",
            "Expiration": in_seconds(seconds),
        }
        beside = self.folder / "given.new"
        beside.write_text(json.dumps(keys))
        beside.replace(self.folder / "given.json")

    def asked(self):
        return len((self.folder / "asked").read_text())

    def sso(self, token_until=None):
        self.config(
            "[profile work]\nsso_session = corp\n"
            "sso_account_id = 000000000000\nsso_role_name = dev\n"
            "[sso-session corp]\nsso_region = us-east-1\n"
            "sso_start_url = https://corp.example/start\n"
            "sso_registration_scopes = sso:account:access\n"
        )
        if token_until is not None:
            cache = self.aws / "sso" / "cache"
            cache.mkdir(parents=True)
            name = hashlib.sha1(b"corp").hexdigest()
            token = {"accessToken": "secret-token", "expiresAt": in_seconds(token_until)}
            (cache / f"{name}.json").write_text(json.dumps(token))


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    """Roles that are assumed are good for seconds; one of the user's stands in the stack."""
    deployed = Project.hello(tmp_path_factory.mktemp("deployed") / "hello")
    text = deployed.template.read_text()
    assert "\nResources:\n" in text
    role = """
Resources:
  WorkRole:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal: {AWS: !Sub "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}
            Action: sts:AssumeRole
      Policies:
        - PolicyName: work
          PolicyDocument:
            Version: "2012-10-17"
            Statement: [{Effect: Allow, Action: "*", Resource: "*"}]
"""
    deployed.write("template.yaml", text.replace("\nResources:\n", role, 1))
    return clouds({"app": deployed.template}, "--role-session", "12")


def status_error(cloud, *flags, **variables):
    process = tether("status", *flags, endpoint=cloud.endpoint, **variables)
    assert process.code == 2
    assert len(process.errors) == 1, process.stderr
    return process.errors[0]


def states(attached):
    return [it["state"] for it in attached.events_of("credentials")]


# ---- renewed, or said


def test_keys_that_can_be_renewed_are_in_silence(cloud, attach, working_copy, home):
    home.process()
    attached = attach(
        cloud, working_copy, "--profile", "work", "--check-every", "1", variables=home.variables
    )
    noted = attached.wait_for("credentials", state="temporary")
    assert "credential_process of profile work are good until" in noted["message"]

    def roles():
        calls = cloud.calls()
        return sum(
            it["count"]
            for it in calls
            if it["action"] == "AssumeRole" and it["principal"] == "outside"
        )

    asked, assumed = home.asked(), roles()
    attached.wait_until(lambda: home.asked() > asked + 3, "new keys")
    attached.wait_until(lambda: roles() > assumed + 1, "the developer role, assumed again", 40)
    answer = cloud.invoke("HelloFunction", {"name": "Ada"})
    assert json.loads(answer.payload)["answered_by"] == "the working copy"
    assert states(attached) == ["temporary"]
    attached.detach()


def test_keys_that_are_not_renewed_are_spoken_of_before_and_after_their_end(
    cloud, attach, working_copy, home
):
    home.process()
    home.hands_out(8)
    attached = attach(cloud, working_copy, "--profile", "work", variables=home.variables)
    warned = attached.wait_for("credentials", state="expiring")
    assert "are not renewed (the same ones were handed out again)" in warned["message"]
    assert "credential_process of profile work" in warned["message"]
    ended = attached.wait_for("credentials", state="expired")
    assert "have expired: have credential_process of profile work" in ended["message"]
    home.hands_out(3600)
    attached.wait_for("credentials", state="renewed")
    assert states(attached) == ["temporary", "expiring", "expired", "renewed"]
    attached.detach()


def test_keys_of_the_environment_cannot_be_renewed(cloud, attach, working_copy):
    variables = {"AWS_SESSION_TOKEN": "example", "AWS_CREDENTIAL_EXPIRATION": in_seconds(6)}
    attached = attach(cloud, working_copy, variables=variables)
    warned = attached.wait_for("credentials", state="expiring")
    assert "set new ones in the environment and start tether again" in warned["message"]
    attached.wait_for("credentials", state="expired")
    attached.detach()


def test_keys_whose_end_nobody_tells_are_spoken_of_at_the_start(cloud, attach, working_copy):
    attached = attach(cloud, working_copy, variables={"AWS_SESSION_TOKEN": "example"})
    noted = attached.events_of("credentials")
    assert len(noted) == 1 and "nobody says until when" in noted[0]["message"]
    assert "until" not in noted[0]


def test_keys_for_good_are_not_spoken_of(cloud, attach, working_copy):
    assert attach(cloud, working_copy).events_of("credentials") == []


def test_keys_that_have_expired_are_told_as_such(cloud):
    effect = {
        "kind": "refuse",
        "status": 403,
        "code": "ExpiredToken",
        "message": "The security token included in the request is expired",
    }
    with cloud.fault("sts", effect, action="AssumeRole"):
        said = status_error(cloud, AWS_SESSION_TOKEN="example")
    assert said == (
        "the AWS credentials of the environment have expired:"
        " set new ones in the environment and start tether again"
    )


# ---- logins, roles, codes


@pytest.mark.parametrize("token_until", [None, -60], ids=["never", "expired"])
def test_a_login_that_is_over_is_told_with_the_command(cloud, home, token_until):
    home.sso(token_until)
    for flags, variables in ((("--profile", "work"), {}), ((), {"AWS_PROFILE": "work"})):
        said = status_error(cloud, *flags, **home.variables, **variables)
        assert said.startswith("the SSO session of profile work has ended, or there was none")
        assert "`aws sso login --profile work`" in said
        assert "secret-token" not in said


def test_a_profile_that_takes_its_keys_from_a_login_says_so_too(cloud, home):
    home.sso(-60)
    config = (home.aws / "config").read_text()
    role = "[profile admin]\nrole_arn = arn:aws:iam::000000000000:role/x\nsource_profile = work\n"
    home.config(config + role)
    said = status_error(cloud, "--profile", "admin", **home.variables)
    assert "`aws sso login --profile admin`" in said


def test_a_role_of_a_profile_is_assumed(cloud, attach, working_copy, home):
    listed = cloud.client("cloudformation").list_stack_resources(StackName="app")
    ids = {
        it["LogicalResourceId"]: it["PhysicalResourceId"] for it in listed["StackResourceSummaries"]
    }
    role = f"arn:aws:iam::000000000000:role/{ids['WorkRole']}"
    home.config(
        f"[profile work]\nrole_arn = {role}\nsource_profile = base\n"
        "[profile base]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = example\n"
    )
    attached = attach(cloud, working_copy, "--profile", "work", variables=home.variables)
    assert "the role of profile work" in attached.events_of("credentials")[0]["message"]
    attached.detach()


def test_a_profile_that_wants_a_code_is_told_what_to_do(cloud, home):
    home.config(
        "[profile work]\nrole_arn = arn:aws:iam::000000000000:role/x\nsource_profile = base\n"
        "mfa_serial = arn:aws:iam::000000000000:mfa/ada\n"
        "[profile base]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = example\n"
    )
    said = status_error(cloud, "--profile", "work", **home.variables)
    assert said.startswith("profile work wants an MFA code")
    assert "aws configure export-credentials --profile work --format env" in said


def test_a_process_that_fails_is_named(cloud, home):
    home.config("[profile work]\ncredential_process = false\n")
    said = status_error(cloud, "--profile", "work", **home.variables)
    assert "no AWS credentials" in said


def test_a_session_whose_role_cannot_be_assumed_again_leaves_it_to_the_deployed_code(
    cloud, attach, working_copy
):
    attached = attach(cloud, working_copy, "--check-every", "1")
    effect = {
        "kind": "refuse",
        "status": 403,
        "code": "ExpiredToken",
        "message": "The security token included in the request is expired",
    }
    with cloud.fault("sts", effect, action="AssumeRole", contains="DeveloperRole") as fault:
        # Not before the session's role is over.
        fault.wait_for_hit(2, timeout=40)
        answer = cloud.invoke("HelloFunction", {"name": "Ada"})
        assert json.loads(answer.payload)["answered_by"] == "the deployed code"

        def told():
            notes = [it["message"] for it in attached.events_of("note")]
            return [it for it in notes if "credentials of the environment have expired" in it]

        assert "set new ones in the environment" in attached.wait_until(told, "a note")[0]
    attached.detach()
