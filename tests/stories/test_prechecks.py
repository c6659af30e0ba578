"""Functions that cannot be debugged, or not as a whole: told, and the others not stopped."""

import json

import pytest
from harness import Project

DEPLOYED = 'def handler(event, context):\n    return "the deployed code"\n'
WORKING = 'def handler(event, context):\n    return "the working copy"\n'
BOTH = ("Odd", "Plain")
INVALID = "InvalidParameterValueException"
SIGNING = "arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-0123456789abcdef0"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:jobs"


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    deployed = Project.of(tmp_path_factory.mktemp("deployed"), dict.fromkeys(BOTH, DEPLOYED))
    return clouds({"app": deployed.template})


@pytest.fixture
def project(tmp_path):
    return Project.of(tmp_path / "here", dict.fromkeys(BOTH, WORKING))


def of_odd(cloud, action, effect, **which):
    """What the manager hears when it asks this of the odd one."""
    name = cloud.function("Odd")
    which = {"principal": "Manager", "contains": name, **which}
    return cloud.fault("lambda", effect, action=action, **which)


def patch(**configuration):
    return {"kind": "patch", "body": {"Configuration": configuration}}


def refuse(message, code=INVALID, status=400):
    return {"kind": "refuse", "status": status, "code": code, "message": message}


def answer(body):
    return {"kind": "answer", "body": body}


def layer(name):
    return {"Arn": f"arn:aws:lambda:us-east-1:753240598075:layer:{name}:25"}


def variables(**them):
    return {"Variables": them}


LOCKED = {"ErrorCode": "KMSAccessDeniedException", "Message": "not with this key"}
INSTANCES = {"CapacityProviderArn": "arn:aws:lambda:us-east-1:123456789012:capacity-provider:c"}
MANAGED = {"LambdaManagedInstancesCapacityProviderConfig": INSTANCES}
TOO_LARGE = (
    "Lambda was unable to configure your environment variables because the environment variables"
    " you have provided exceeded the 4KB limit."
)
BLOCKED = (
    "The runtime parameter of nodejs12.x is no longer supported for creating or updating AWS"
    " Lambda functions. We recommend you use a supported runtime."
)
WRAPPED = "AWS_LAMBDA_EXEC_WRAPPER"


def is_skipped(cloud, attach, project, reason):
    """The odd one is skipped with this reason, the other one is attached and restored."""
    before = {name: cloud.configuration(name) for name in BOTH}
    attached = attach(cloud, project)
    told = attached.wait_for("function", function="Odd", state="skipped")
    assert reason in told["detail"]
    assert [it["logicalId"] for it in attached.ready["functions"]] == ["Plain"]
    assert cloud.configuration("Odd") == before["Odd"]
    assert cloud.invoke("Odd").payload == b'"the deployed code"'
    assert cloud.invoke("Plain").payload == b'"the working copy"'
    attached.detach()
    assert {name: cloud.configuration(name) for name in BOTH} == before


@pytest.mark.parametrize(
    ("effect", "reason"),
    [
        (patch(PackageType="Image", Runtime=None), "container image"),
        (patch(CapacityProviderConfig=MANAGED), "Managed Instances"),
        (patch(Runtime="provided.al2023"), "provided.al2023 is OS-only"),
        (patch(Layers=[layer(f"own-{i}") for i in range(5)]), "5 layers already"),
        (patch(Environment=variables(LARGE="x" * 4000)), "and Lambda takes 4096"),
        (patch(Environment={"Error": LOCKED}), "KMSAccessDeniedException: not with this key"),
        (patch(Layers=[layer("LambdaAdapterLayerX86")]), "the Lambda Web Adapter"),
        (patch(Environment=variables(**{WRAPPED: "/opt/bootstrap"})), "the Lambda Web Adapter"),
        (patch(Layers=[layer("Datadog-Extension")]), "Datadog's extension"),
        (patch(Layers=[layer("LDKLayerX86")]), "AWS's remote debugger"),
        (patch(Environment=variables(**{WRAPPED: "/opt/lld-wrapper"})), "Lambda Live Debugger"),
    ],
)
def test_a_function_that_cannot_be_debugged_is_skipped_with_the_reason(
    cloud, attach, project, effect, reason
):
    with of_odd(cloud, "GetFunction", effect):
        is_skipped(cloud, attach, project, reason)


@pytest.mark.parametrize(
    ("effect", "reason"),
    [
        (refuse(BLOCKED), "its runtime nodejs12.x is deprecated"),
        (refuse(TOO_LARGE), "no room for tether's variables"),
        (refuse("no", "InvalidCodeSignatureException"), "its code signing refuses"),
    ],
)
def test_a_function_that_lambda_does_not_let_change_is_skipped_with_its_words(
    cloud, attach, project, effect, reason
):
    with of_odd(cloud, "UpdateFunctionConfiguration", effect):
        is_skipped(cloud, attach, project, reason)


def signed(cloud, policy):
    """Faults that make the odd one's code signing this strict."""
    config = {"CodeSigningConfigArn": SIGNING, "FunctionName": cloud.function("Odd")}
    policies = {"UntrustedArtifactOnDeployment": policy}
    described = {"CodeSigningConfigArn": SIGNING, "CodeSigningPolicies": policies}
    of_function = "GET /2020-06-30/functions/{}/code-signing-config"
    itself = "GET /2020-04-22/code-signing-configs/{}"
    return (
        of_odd(cloud, of_function, answer(config)),
        of_odd(cloud, itself, answer({"CodeSigningConfig": described}), contains="csc-"),
    )


def test_enforced_code_signing_is_skipped(cloud, attach, project):
    of_function, itself = signed(cloud, "Enforce")
    with of_function, itself:
        is_skipped(cloud, attach, project, "code signing is enforced")


def warnings(cloud, attach, project, said):
    """All of them, when this has been said; both functions are attached and restored."""
    before = {name: cloud.configuration(name) for name in BOTH}
    attached = attach(cloud, project)

    def look():
        told = attached.events_of("warning")
        return told if any(said in it["detail"] for it in told) else None

    attached.wait_until(look, said)
    assert [it["logicalId"] for it in attached.ready["functions"]] == list(BOTH)
    assert cloud.invoke("Odd").payload == b'"the working copy"'
    timeout = cloud.configuration("Odd")["Timeout"]
    attached.detach()
    assert {name: cloud.configuration(name) for name in BOTH} == before
    return [{**it, "timeout": timeout} for it in attached.events_of("warning")]


def test_code_signing_that_only_warns_is_told(cloud, attach, project):
    of_function, itself = signed(cloud, "Warn")
    with of_function, itself:
        told = warnings(cloud, attach, project, "its code signing warns")
    assert {it["function"] for it in told} == {"Odd"}


def test_callers_of_an_alias_are_told_of_with_what_is_known_of_them(cloud, attach, project):
    aws, name = cloud.client("lambda"), cloud.function("Odd")
    version = aws.publish_version(FunctionName=name)["Version"]
    alias = aws.create_alias(FunctionName=name, Name="live", FunctionVersion=version)
    aws.add_permission(
        FunctionName=name,
        Qualifier="live",
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )
    arn = alias["AliasArn"]
    mapping = aws.create_event_source_mapping(FunctionName=arn, EventSourceArn=QUEUE)
    provisioned = {"ProvisionedConcurrencyConfigs": [{"FunctionArn": arn, "Status": "READY"}]}
    action = "GET /2019-09-30/functions/{}/provisioned-concurrency"
    try:
        with of_odd(cloud, action, answer(provisioned)):
            (told,) = warnings(cloud, attach, project, "alias live")
        assert told["function"] == "Odd"
        for part in (
            f"version {version}",
            "provisioned concurrency",
            QUEUE,
            "apigateway.amazonaws.com",
            "do not reach your laptop",
            "invoke $LATEST",
        ):
            assert part in told["detail"]
    finally:
        aws.delete_event_source_mapping(UUID=mapping["UUID"])
        aws.delete_alias(FunctionName=name, Name="live")
        aws.delete_function(FunctionName=name, Qualifier=version)


def test_snap_start_is_told_of(cloud, attach, project):
    snap_start = {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"}
    with of_odd(cloud, "GetFunction", patch(SnapStart=snap_start)):
        (told,) = warnings(cloud, attach, project, "SnapStart")
    assert told["function"] == "Odd"


def test_a_queue_that_shows_a_message_again_during_a_pause_is_told_of(cloud, attach, project):
    aws = cloud.client("lambda")
    name = cloud.function("Odd")
    mapping = aws.create_event_source_mapping(FunctionName=name, EventSourceArn=QUEUE)
    hidden = answer({"Attributes": {"VisibilityTimeout": "30"}})
    try:
        with cloud.fault("sqs", hidden, action="GetQueueAttributes", principal="Manager"):
            (told,) = warnings(cloud, attach, project, "queue jobs")
        assert "after 30 s" in told["detail"] and "--timeout 30" in told["detail"]
    finally:
        aws.delete_event_source_mapping(UUID=mapping["UUID"])


def test_a_timeout_that_the_queue_forbids_becomes_the_longest_that_it_allows(
    cloud, attach, project
):
    said = "Queue visibility timeout: 30 seconds is less than Function timeout: 900 seconds"
    with of_odd(cloud, "UpdateFunctionConfiguration", refuse(said), times=1):
        told = warnings(cloud, attach, project, "30 s only")
    assert {(it["function"], it["timeout"]) for it in told} == {("Odd", 30)}


def test_a_permission_that_is_missing_is_told_once_and_stops_nothing(cloud, attach, project):
    denied = refuse("not authorized", "AccessDeniedException", 403)
    with cloud.fault("lambda", denied, action="ListAliases", principal="Manager"):
        told = warnings(cloud, attach, project, "lambda:ListAliases")
    assert len(told) == 1


def test_a_version_that_was_published_while_attached_is_named_and_runs_its_own_code(
    cloud, attach, project
):
    aws, name = cloud.client("lambda"), cloud.function("Odd")
    attached = attach(cloud, project)
    version = aws.publish_version(FunctionName=name)["Version"]
    try:
        attached.detach()
        told = {it["function"]: it["detail"] for it in attached.events_of("restored")}
        assert told["Plain"] == ""
        assert told["Odd"].startswith(f"version {version} was published while attached")
        answered = aws.invoke(FunctionName=name, Qualifier=version)["Payload"].read()
        assert answered == b'"the deployed code"'
    finally:
        aws.delete_function(FunctionName=name, Qualifier=version)


def ask_manager(cloud, **request):
    """What the manager answers, function by function."""
    manager = cloud.outputs()["ManagerFunction"]
    invoked = cloud.client("lambda").invoke(FunctionName=manager, Payload=json.dumps(request))
    return json.load(invoked["Payload"])["functions"]


def change(cloud, function, **configuration):
    aws, name = cloud.client("lambda"), cloud.function(function)
    aws.update_function_configuration(FunctionName=name, **configuration)
    aws.get_waiter("function_updated_v2").wait(FunctionName=name)


def test_a_function_whose_layer_was_taken_out_is_repaired_at_once(cloud, attach, project):
    before = cloud.configuration("Odd")
    attached = attach(cloud, project)
    change(cloud, "Odd", Layers=[])
    (told,) = ask_manager(cloud, action="check", sessionId=attached.session_id)
    assert told["state"] == "instrumented" and "instrumented again" in told["detail"]
    assert cloud.invoke("Odd").payload == b'"the working copy"'
    assert ask_manager(cloud, action="check", sessionId=attached.session_id) == []
    attached.detach()
    assert cloud.configuration("Odd") == before


def test_a_deploy_in_the_middle_is_instrumented_again_and_stands_at_the_end(
    cloud, attach, project
):
    before = cloud.configuration("Odd")
    attached = attach(cloud, project)
    try:
        new = {"Environment": variables(NEW="value"), "Layers": [], "Timeout": 7}
        change(cloud, "Odd", **new)
        deployed = cloud.configuration("Odd")

        def look():
            return ask_manager(cloud, action="check", sessionId=attached.session_id)

        (told,) = attached.wait_until(look, "a repair")
        assert "deployed while attached" in told["detail"]
        assert cloud.invoke("Odd").payload == b'"the working copy"'
        attached.detach()
        assert cloud.configuration("Odd") == deployed
    finally:
        own = before.get("Environment", variables())
        change(cloud, "Odd", Environment=own, Timeout=before["Timeout"])
