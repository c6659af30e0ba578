"""``tether doctor``: each step that fails is named with what to do."""

import socket
import sys

import pytest
from harness import Project, tether
from harness.corporate import secure_outputs
from harness.laptop import compiled
from harness.permissions import without

STEPS = [
    "region",
    "network",
    "credentials",
    "clock",
    "helperStack",
    "developerRole",
    "helperParts",
    "developerRights",
    "helperRights",
    "webSocket",
    "quotas",
    "functions",
    "localCode",
    "debugger",
]
BEHIND_CREDENTIALS = [*STEPS[4:12]]
REMOTE = STEPS[:12]


class Examined:
    """What it found."""

    def __init__(self, process):
        self.code = process.code
        self.findings = process.events_of("finding")
        self.summary = process.events[-1]
        assert self.summary["event"] == "summary"
        assert len(process.events) == len(self.findings) + 1
        assert process.stderr == []

    def steps(self, state):
        """Each once, in the order of the road."""
        return list(dict.fromkeys(it["step"] for it in self.findings if it["state"] == state))

    def only(self, step):
        found = [it for it in self.findings if it["step"] == step]
        assert len(found) == 1, found
        return found[0]

    def failed(self, step):
        """What failed there, and what to do."""
        found = [it for it in self.findings if (it["step"], it["state"]) == (step, "failed")]
        assert len(found) == 1, self.findings
        assert self.code == 2
        return found[0]["what"], found[0]["fix"]

    def warned(self, step):
        found = [it for it in self.findings if (it["step"], it["state"]) == (step, "warning")]
        assert len(found) == 1, self.findings
        return found[0]["what"], found[0]["fix"]


@pytest.fixture
def project(working_copy):
    """With a virtualenv whose Python is the deployed one's."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    text = working_copy.template.read_text()
    line = next(it for it in text.splitlines() if "Runtime:" in it)
    working_copy.write("template.yaml", text.replace(line.strip(), f"Runtime: {version}"))
    return working_copy


@pytest.fixture
def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return str(taken.getsockname()[1])


@pytest.fixture
def doctor(project, free_port):
    def ask(cloud, *flags, port=free_port, **variables):
        return Examined(
            tether(
                "doctor",
                "--json",
                "--debug-port",
                port,
                *flags,
                endpoint=cloud and cloud.endpoint,
                cwd=project.folder,
                **variables,
            )
        )

    return ask


def test_all_is_well(hello_cloud, doctor):
    before = hello_cloud.configuration("HelloFunction")
    found = doctor(hello_cloud, "--stack-name", "app")
    assert (found.code, found.steps("ok")) == (0, STEPS)
    assert found.summary == {
        "event": "summary",
        "ok": len(found.findings),
        "warnings": 0,
        "failed": 0,
        "skipped": 0,
    }
    assert hello_cloud.configuration("HelloFunction") == before
    assert "arn:aws:iam::000000000000:user/developer" in found.only("credentials")["what"]
    # It has asked for writes, and none was made.
    tables = [hello_cloud.outputs()[it] for it in ("SessionsTable", "DebuggerTable")]
    for table in tables:
        assert hello_cloud.client("dynamodb").scan(TableName=table)["Count"] == 0


def test_people_get_a_line_for_each_step_and_the_fix_below(hello_cloud, project, free_port):
    process = tether(
        "doctor",
        "--debug-port",
        free_port,
        endpoint=hello_cloud.endpoint,
        cwd=project.folder,
        VIRTUAL_ENV=None,
        PATH=without_debugpy(project),
    )
    assert process.code == 0 and process.stderr == []
    assert not any("\x1b" in line for line in process.stdout)
    marks = [line[0] for line in process.stdout[:-1]]
    assert set(marks) == {"✓", "–", "!", " "}
    fix = process.stdout[marks.index(" ")]
    assert fix.strip().startswith("→ run `") and "pip install debugpy" in fix
    assert process.stdout[-1] == "it works, with a warning"


def test_no_credentials(hello_cloud, doctor):
    gone = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
    found = doctor(hello_cloud, **gone)
    what, fix = found.failed("credentials")
    assert what.startswith("no AWS credentials") and "--profile" in fix
    assert found.only("network")["state"] == "ok"
    skipped = found.steps("skipped")
    assert skipped == ["clock", *BEHIND_CREDENTIALS]
    assert found.only("helperStack")["what"] == "needs credentials"


def test_no_region(hello_cloud, doctor):
    found = doctor(hello_cloud, AWS_REGION=None)
    what, fix = found.failed("region")
    assert what == "no AWS region" and "AWS_REGION" in fix
    assert found.steps("failed") == ["region"]
    assert found.steps("skipped") == ["credentials", "clock", *BEHIND_CREDENTIALS]
    assert found.only("helperStack")["what"] == "needs a region"


def test_what_is_no_region_is_told(hello_cloud, doctor):
    what, fix = doctor(hello_cloud, AWS_REGION="Ireland").failed("region")
    assert what == "Ireland (of AWS_REGION) is no region" and "eu-west-1" in fix


def test_a_wrong_endpoint(doctor):
    found = doctor(None, "--endpoint-url", "http://127.0.0.1:1")
    what, fix = found.failed("network")
    assert "http://127.0.0.1:1 cannot be reached" in what and "tether emulator" in fix
    assert found.steps("failed") == ["network"]
    there = "there are some, by the environment; whether AWS takes them needs the network"
    assert found.only("credentials")["what"] == there
    gone = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
    found = doctor(None, "--endpoint-url", "http://127.0.0.1:1", **gone)
    assert found.steps("failed") == ["network", "credentials"]


def test_keys_that_aws_does_not_know(hello_cloud, doctor):
    effect = {
        "kind": "refuse",
        "status": 403,
        "code": "InvalidClientTokenId",
        "message": "The security token included in the request is invalid.",
    }
    with hello_cloud.fault("sts", effect, action="GetCallerIdentity"):
        what, fix = doctor(hello_cloud).failed("credentials")
    assert "InvalidClientTokenId" in what and "keys of the environment" in fix


def test_no_helper_stack(hello_cloud, doctor):
    found = doctor(hello_cloud, "--helper-stack-name", "elsewhere")
    what, _ = found.failed("helperStack")
    assert what == "there is no helper stack elsewhere in us-east-1"
    assert found.steps("failed") == ["helperStack"]
    assert found.only("webSocket")["what"] == "needs a helper stack"
    assert found.only("quotas")["state"] == "ok"


def test_a_helper_stack_of_another_version(hello_cloud, doctor):
    with secure_outputs(
        hello_cloud, Version="0", WebSocketUrl=hello_cloud.outputs()["WebSocketUrl"]
    ):
        what, fix = doctor(hello_cloud).failed("helperStack")
    assert what == "tether speaks version 0 of the protocol, and this command 1"
    assert fix == "run `tether upgrade`"


def test_a_helper_stack_without_an_output(hello_cloud, doctor):
    with secure_outputs(hello_cloud, WebSocketUrl=None):
        what, _ = doctor(hello_cloud).failed("helperStack")
    assert "no output WebSocketUrl" in what


def test_a_clock_that_is_off(hello_cloud, doctor, tmp_path):
    library = compiled(tmp_path)
    found = doctor(hello_cloud, LD_PRELOAD=library, LAPTOP_CLOCK_OFFSET="-600")
    what, fix = found.warned("clock")
    assert what.startswith("this machine's clock is 10 minutes behind AWS's")
    assert "set-ntp" in fix


def test_a_role_that_cannot_be_assumed(hello_cloud, doctor):
    role = hello_cloud.outputs()["DeveloperRoleArn"]
    words = (
        "User: arn:aws:iam::000000000000:user/developer is not authorized to perform:"
        f" sts:AssumeRole on resource: {role}"
    )
    effect = {"kind": "refuse", "status": 403, "code": "AccessDenied", "message": words}
    with hello_cloud.fault("sts", effect, action="AssumeRole", contains="DeveloperRole"):
        found = doctor(hello_cloud, "--stack-name", "app")
    what, fix = found.failed("developerRole")
    assert f"no permission for sts:AssumeRole on {role}" in what
    assert f"sts:AssumeRole on {role}" in fix
    skipped = ["helperParts", "developerRights", "helperRights", "functions"]
    assert found.steps("skipped") == skipped
    assert found.only("webSocket")["state"] == "ok"


def test_a_right_that_the_role_has_not(hello_cloud, doctor):
    with without(hello_cloud, "DeveloperRole", "ClaimAndCarry", "dynamodb:UpdateItem"):
        found = doctor(hello_cloud)
    what, fix = found.failed("developerRights")
    assert "dynamodb:UpdateItem" in what and "SCP" in fix
    assert found.only("helperParts")["state"] == "ok"


@pytest.mark.parametrize(
    ("role", "sid", "action"),
    [
        ("AuthorizerRole", "ReadSession", "dynamodb:GetItem"),
        ("ConnectRole", "StoreReply", "dynamodb:UpdateItem"),
        ("ManagerRole", "ChangeFunctions", "lambda:UpdateFunctionConfiguration"),
        # Only for warnings, so attach does not ask for it.
        ("ManagerRole", "FindCallersOfVersions", "lambda:ListAliases"),
    ],
)
def test_a_right_that_the_helper_stack_has_not(hello_cloud, doctor, role, sid, action):
    with without(hello_cloud, role, sid, action):
        what, fix = doctor(hello_cloud).failed("helperRights")
    assert f"no permission for {action} on arn:" in what and role in what
    assert "install tether again" in fix


def test_a_websocket_that_is_blocked(hello_cloud, doctor):
    with hello_cloud.fault("websocket", "drop", action="connect"):
        what, fix = doctor(hello_cloud).failed("webSocket")
    assert "cannot be reached" in what and "execute-api" in fix


def test_what_never_answers_is_not_waited_for(hello_cloud, doctor):
    silence = {"kind": "hold", "when": "before"}
    with (
        hello_cloud.fault("websocket", silence, action="connect"),
        hello_cloud.fault("lambda", silence, contains="account-settings"),
    ):
        found = doctor(hello_cloud)
    assert found.failed("webSocket")[0] == "no answer within 10 s"
    assert found.failed("quotas")[0] == "no answer within 10 s"


def test_an_account_with_few_executions_is_warned(hello_cloud, doctor):
    limit = {"ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 10}
    effect = {"kind": "patch", "body": {"AccountLimit": limit}}
    with hello_cloud.fault("lambda", effect, contains="account-settings"):
        what, fix = doctor(hello_cloud).warned("quotas")
    assert "only 10 of 10" in what and "Service Quotas" in fix


def test_who_may_not_see_the_quotas_is_told_so(hello_cloud, doctor):
    effect = {"kind": "refuse", "status": 403, "code": "AccessDeniedException", "message": "no"}
    with hello_cloud.fault("lambda", effect, contains="account-settings"):
        found = doctor(hello_cloud)
    assert found.code == 0
    assert found.only("quotas")["state"] == "skipped"
    assert "lambda:GetAccountSettings" in found.only("quotas")["what"]


# ---- functions


ODD = {
    "a container image": ({"PackageType": "Image", "Runtime": None}, "container image"),
    "an OS-only runtime": ({"Runtime": "provided.al2023"}, "OS-only"),
    "managed instances": (
        {
            "CapacityProviderConfig": {
                "LambdaManagedInstancesCapacityProviderConfig": {
                    "CapacityProviderArn": "arn:aws:lambda:us-east-1:1:capacity-provider:c"
                }
            }
        },
        "Managed Instances",
    ),
    "five layers": (
        {"Layers": [{"Arn": f"arn:aws:lambda:us-east-1:1:layer:l{it}:1"} for it in range(5)]},
        "5 layers",
    ),
    "a full environment": ({"Environment": {"Variables": {"BIG": "x" * 4000}}}, "4096"),
    "no layer for it": ({"Architectures": ["riscv"]}, "no layer for"),
    "another debugger": (
        {"Environment": {"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/datadog_wrapper"}}},
        "Datadog",
    ),
}


@pytest.mark.parametrize("patch, words", ODD.values(), ids=ODD.keys())
def test_a_function_that_cannot_be_attached_to_is_named_with_the_reason(
    hello_cloud, doctor, patch, words
):
    effect = {"kind": "patch", "body": patch}
    which = {
        "action": "GetFunctionConfiguration",
        "contains": hello_cloud.function("HelloFunction"),
    }
    with hello_cloud.fault("lambda", effect, principal="DeveloperRole", **which):
        found = doctor(hello_cloud, "--stack-name", "app")
    what, fix = found.warned("functions")
    assert what.startswith("HelloFunction cannot be attached to: ") and words in what
    assert fix and found.code == 0


def test_a_function_in_a_vpc_is_told_what_it_needs(hello_cloud, doctor):
    vpc = {"VpcConfig": {"VpcId": "vpc-1", "SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}}
    which = {
        "action": "GetFunctionConfiguration",
        "contains": hello_cloud.function("HelloFunction"),
    }
    with hello_cloud.fault("lambda", {"kind": "patch", "body": vpc}, **which):
        what, fix = doctor(hello_cloud, "--stack-name", "app").warned("functions")
    assert "HelloFunction is in vpc-1" in what and "NAT" in fix


def test_a_function_that_is_instrumented_is_told_as_such(hello_cloud, doctor, attach, working_copy):
    attached = attach(hello_cloud, working_copy)
    found = doctor(hello_cloud, "--stack-name", "app", "--function", "HelloFunction")
    assert attached.session_id in found.only("functions")["what"]


def test_a_stack_and_a_function_that_are_not_there(hello_cloud, doctor):
    what, _ = doctor(hello_cloud, "--stack-name", "nothing").failed("functions")
    assert what == "there is no stack nothing in us-east-1"
    found = doctor(hello_cloud, "--stack-name", "app", "--function", "Nobody")
    what, fix = found.failed("functions")
    assert what == "app has no function Nobody" and "HelloFunction" in fix


# ---- this machine


def without_debugpy(project):
    """A PATH whose Python has nothing but itself."""
    python = project.write("bin/python3", f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    python.chmod(0o755)
    return f"{python.parent}:/usr/bin:/bin"


def test_debugpy_is_missing(hello_cloud, doctor, project):
    found = doctor(hello_cloud, VIRTUAL_ENV=None, PATH=without_debugpy(project))
    what, fix = found.warned("debugger")
    assert "debugpy is missing" in what and "pip install debugpy" in fix
    assert found.code == 0


def test_another_python_than_the_deployed_one(hello_cloud, doctor, project):
    text = project.template.read_text()
    line = next(it for it in text.splitlines() if "Runtime:" in it).strip()
    project.write("template.yaml", text.replace(line, "Runtime: python3.9"))
    what, fix = doctor(hello_cloud).warned("localCode")
    assert "meant for python3.9" in what and "venv" in fix


def test_a_port_that_is_taken(hello_cloud, doctor):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        what, fix = doctor(hello_cloud, port=port).warned("debugger")
    assert port in what and "--debug-port" in fix


def test_without_a_template_the_rest_is_looked_at(hello_cloud, doctor, project):
    project.template.unlink()
    found = doctor(hello_cloud)
    assert found.code == 0
    assert found.only("localCode")["state"] == "skipped"
    what, fix = doctor(hello_cloud, "--stack-name", "app").failed("localCode")
    assert "template.yaml" in what and "--template" in fix


# ---- a helper stack that somebody has taken to pieces


@pytest.mark.parametrize(
    "part", ["SessionsTable", "FunctionsTable", "ManagerFunction", "AuthorizerFunction"]
)
def test_a_helper_stack_that_is_half_deleted(clouds, tmp_path, doctor, part):
    deployed = Project.hello(tmp_path / "deployed")
    cloud = clouds({"app": deployed.template})
    if part.endswith("Table"):
        cloud.client("dynamodb").delete_table(TableName=cloud.outputs()[part])
    else:
        name = cloud.function(part, stack="tether")
        cloud.client("lambda").delete_function(FunctionName=name)
    found = doctor(cloud)
    what, fix = found.failed("helperParts")
    assert what == f"tether is half deleted: {part} is gone"
    assert "install it again" in fix
