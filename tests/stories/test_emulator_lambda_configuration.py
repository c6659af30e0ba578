"""UpdateFunctionConfiguration and UpdateFunctionCode of the cloud on the desk."""

import base64
import hashlib
import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor

import boto3
import botocore.config
import botocore.exceptions
import pytest
from harness import Project
from harness.surroundings import REGION

TELLS = """
import os


def handler(event, context):
    if event.get("whose"):
        return os.environ["AWS_ACCESS_KEY_ID"]
    names = ("SEEN", "AWS_LAMBDA_LOG_FORMAT", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "_HANDLER")
    return {name: os.environ.get(name) for name in names}


def another(event, context):
    return "another handler"
"""

ROLE = "arn:aws:iam::000000000000:role/another"


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    names = ("Tells", "Busy", "Coded", "Checked")
    folder = tmp_path_factory.mktemp("configuration")
    project = Project.of(folder, dict.fromkeys(names, TELLS))
    return clouds({"app": project.template}, "--no-helper-stack")


@pytest.fixture(scope="module")
def aws(cloud):
    return cloud.client("lambda")


@pytest.fixture(scope="module")
def unchecked(cloud):
    """A client that sends whatever it is given."""
    config = botocore.config.Config(parameter_validation=False, retries={"total_max_attempts": 1})
    keys = {"aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": "example"}
    client = boto3.client(
        "lambda", endpoint_url=cloud.endpoint, region_name=REGION, config=config, **keys
    )
    yield client
    client.close()


def wait(aws, name):
    waiter = aws.get_waiter("function_updated_v2")
    waiter.wait(FunctionName=name, WaiterConfig={"Delay": 0.05})


def updated(aws, name, **changes):
    aws.update_function_configuration(FunctionName=name, **changes)
    wait(aws, name)
    return aws.get_function_configuration(FunctionName=name)


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


# ---- what is changed


def test_everything_that_is_set_is_shown(cloud, aws):
    name = cloud.function("Tells")
    changes = {
        "Description": "tells its environment",
        "Timeout": 9,
        "MemorySize": 256,
        "Role": ROLE,
        "Handler": "app.handler",
        "Runtime": "python3.12",
        "Environment": {"Variables": {"SEEN": "yes"}},
        "TracingConfig": {"Mode": "Active"},
        "EphemeralStorage": {"Size": 1024},
        "KMSKeyArn": "arn:aws:kms:us-east-1:000000000000:key/k",
        "DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:000000000000:q"},
        "LoggingConfig": {"LogFormat": "JSON", "LogGroup": "/mine"},
        "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
    }
    shown = updated(aws, name, **changes)
    for member, value in changes.items():
        if isinstance(value, dict):
            assert value.items() <= shown[member].items(), member
        else:
            assert shown[member] == value
    assert shown["LoggingConfig"]["ApplicationLogLevel"] == "INFO"
    answer = json.loads(cloud.invoke("Tells").payload)
    assert answer == {
        "SEEN": "yes",
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "_HANDLER": "app.handler",
    }
    # And what is emptied goes.
    shown = updated(
        aws,
        name,
        Description="",
        Environment={"Variables": {}},
        DeadLetterConfig={"TargetArn": ""},
        VpcConfig={"SubnetIds": [], "SecurityGroupIds": []},
        KMSKeyArn="",
    )
    assert shown["Description"] == ""
    for gone in ("Environment", "DeadLetterConfig", "VpcConfig", "KMSKeyArn"):
        assert gone not in shown


def test_maps_are_replaced_whole_and_what_is_not_named_stays(cloud, aws):
    name = cloud.function("Checked")
    updated(aws, name, Environment={"Variables": {"ONE": "1", "TWO": "2"}}, MemorySize=512)
    shown = updated(aws, name, Environment={"Variables": {"TWO": "3"}})
    assert shown["Environment"] == {"Variables": {"TWO": "3"}}
    assert shown["MemorySize"] == 512


def test_another_handler_is_run(cloud, aws):
    updated(aws, cloud.function("Checked"), Handler="app.another")
    assert cloud.invoke("Checked").payload == b'"another handler"'


def test_another_role_has_other_credentials(cloud, aws):
    def caller():
        key = json.loads(cloud.invoke("Busy", {"whose": True}).payload)
        sts = boto3.client(
            "sts",
            endpoint_url=cloud.endpoint,
            region_name=REGION,
            aws_access_key_id=key,
            aws_secret_access_key="emulated",
        )
        try:
            return sts.get_caller_identity()["Arn"]
        finally:
            sts.close()

    name = cloud.function("Busy")
    before = aws.get_function_configuration(FunctionName=name)["Role"]
    sessions = "arn:aws:sts::000000000000:assumed-role"
    assert caller() == f"{sessions}/{before.rsplit('/', 1)[1]}/{name}"
    updated(aws, name, Role=ROLE)
    assert caller() == f"{sessions}/{ROLE.rsplit('/', 1)[1]}/{name}"


# ---- one change at a time


def test_a_change_is_in_progress_first_and_meanwhile_the_old_one_answers(cloud, aws):
    name = cloud.function("Busy")
    before = aws.get_function_configuration(FunctionName=name)
    assert before["LastUpdateStatus"] == "Successful"
    new = {"Variables": {"SEEN": "the new one"}}
    answer = aws.update_function_configuration(FunctionName=name, Environment=new)
    assert (answer["LastUpdateStatus"], answer["State"]) == ("InProgress", "Active")
    assert answer["LastUpdateStatusReasonCode"] == "Creating"
    assert answer["RevisionId"] != before["RevisionId"]
    with pytest.raises(aws.exceptions.ResourceConflictException) as refused:
        aws.update_function_configuration(FunctionName=name, Timeout=5)
    assert "An update is in progress for resource: arn:" in refused.value.response["message"]
    with pytest.raises(aws.exceptions.ResourceConflictException):
        aws.publish_version(FunctionName=name)
    wait(aws, name)
    assert json.loads(cloud.invoke("Busy").payload)["SEEN"] == "the new one"

    # All of this again, from the other side: what runs until it is in force.
    aws.update_function_configuration(FunctionName=name, Environment={"Variables": {"SEEN": "2"}})
    seen = json.loads(cloud.invoke("Busy").payload)["SEEN"]
    status = aws.get_function_configuration(FunctionName=name)["LastUpdateStatus"]
    assert status == "Successful" or seen == "the new one"
    wait(aws, name)
    assert json.loads(cloud.invoke("Busy").payload)["SEEN"] == "2"


def test_a_change_for_another_revision_is_refused(cloud, aws):
    name = cloud.function("Checked")
    stale = aws.get_function_configuration(FunctionName=name)["RevisionId"]
    current = updated(aws, name, Timeout=7)["RevisionId"]
    with pytest.raises(aws.exceptions.PreconditionFailedException) as refused:
        aws.update_function_configuration(FunctionName=name, Timeout=8, RevisionId=stale)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    assert "does not match the latest Revision Id" in refused.value.response["message"]
    assert updated(aws, name, Timeout=8, RevisionId=current)["Timeout"] == 8


# ---- what is refused


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"AWS_REGION": "x", "_HANDLER": "x"}, "reserved keys"),
        ({"AA": "x" * 4095}, "exceeded the 4KB limit"),
    ],
)
def test_variables_that_lambda_keeps_or_that_are_too_large_are_refused(
    cloud, aws, variables, words
):
    name = cloud.function("Checked")
    with pytest.raises(aws.exceptions.InvalidParameterValueException) as refused:
        aws.update_function_configuration(
            FunctionName=name, Environment={"Variables": variables}
        )
    assert words in refused.value.response["message"]
    assert "xxx" not in refused.value.response["message"]


def test_an_environment_of_just_4_kb_is_taken(cloud, aws):
    shown = updated(aws, cloud.function("Busy"), Environment={"Variables": {"AA": "x" * 4094}})
    assert len(shown["Environment"]["Variables"]["AA"]) == 4094


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ({"Environment": {"Variables": {"A": "too short"}}}, "environment.variables"),
        ({"Environment": {"Variables": {"1A": "no letter first"}}}, "environment.variables"),
        ({"Timeout": 901}, "timeout"),
        ({"Timeout": 0}, "timeout"),
        ({"MemorySize": 64}, "memorySize"),
        ({"Role": "somebody"}, "role"),
        ({"Handler": "two words"}, "handler"),
        ({"TracingConfig": {"Mode": "Sometimes"}}, "tracingConfig.mode"),
        ({"EphemeralStorage": {"Size": 100}}, "ephemeralStorage.size"),
    ],
)
def test_what_is_outside_the_model_is_refused_by_its_place(cloud, unchecked, change, at):
    name = cloud.function("Checked")
    before = cloud.configuration("Checked")
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        unchecked.update_function_configuration(FunctionName=name, **change)
    error = refused.value.response["Error"]
    assert error["Code"] == "ValidationException"
    assert f"at '{at}' failed to satisfy constraint" in error["Message"]
    assert cloud.configuration("Checked") == before


@pytest.mark.parametrize(
    "change",
    [
        {"SnapStart": {"ApplyOn": "PublishedVersions"}},
        {"FileSystemConfigs": [{"Arn": "a", "LocalMountPath": "/mnt/x"}]},
        {"ImageConfig": {"Command": ["x"]}},
        {"Runtime": "ruby3.4"},
    ],
)
def test_what_is_not_emulated_is_named_and_not_swallowed(cloud, unchecked, change):
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        unchecked.update_function_configuration(FunctionName=cloud.function("Checked"), **change)
    error = refused.value.response["Error"]
    assert error["Code"] == "NotImplemented"
    (member,) = change
    assert member in error["Message"] or change[member] in error["Message"]


# ---- code


def test_new_code_is_in_force_when_the_change_is(cloud, aws):
    name = cloud.function("Coded")
    handler = "from pkg import word\n\ndef handler(event, context):\n    return word\n"
    archive = zipped({"app.py": handler, "pkg/__init__.py": 'word = "of a zip"\n'})
    answer = aws.update_function_code(FunctionName=name, ZipFile=archive)
    assert answer["CodeSha256"] == base64.b64encode(hashlib.sha256(archive).digest()).decode()
    assert (answer["CodeSize"], answer["LastUpdateStatus"]) == (len(archive), "InProgress")
    wait(aws, name)
    assert cloud.invoke("Coded").payload == b'"of a zip"'


def test_code_for_a_revision_that_is_over_when_it_is_unpacked_is_refused(cloud, aws):
    name = cloud.function("Coded")
    large = zipped({"app.py": TELLS, **{f"zeros-{it}": "0" * 10_000_000 for it in range(20)}})
    revision = aws.get_function_configuration(FunctionName=name)["RevisionId"]

    def uploads():
        return [it["count"] for it in cloud.calls() if it["action"].endswith("functions/{}/code")]

    before = uploads()
    with ThreadPoolExecutor(1) as beside:
        update = {"FunctionName": name, "ZipFile": large, "RevisionId": revision}
        late = beside.submit(aws.update_function_code, **update)
        cloud.process.wait_until(lambda: uploads() != before, "upload")
        # Somebody else is faster, by far.
        aws.update_function_configuration(FunctionName=name, Timeout=7, RevisionId=revision)
        wait(aws, name)
        with pytest.raises(aws.exceptions.PreconditionFailedException):
            late.result()


def test_code_that_is_only_tried_is_not_in_force(cloud, aws):
    name = cloud.function("Tells")
    before = cloud.configuration("Tells")
    tried = zipped({"app.py": "def handler(event, context): return 1"})
    answer = aws.update_function_code(FunctionName=name, ZipFile=tried, DryRun=True)
    assert answer["CodeSize"] == len(tried)
    assert cloud.configuration("Tells") == before


def test_code_that_is_no_zip_or_lies_elsewhere_is_refused(cloud, aws):
    name = cloud.function("Tells")
    with pytest.raises(aws.exceptions.InvalidParameterValueException) as refused:
        aws.update_function_code(FunctionName=name, ZipFile=b"no zip")
    assert "Could not unzip uploaded file" in refused.value.response["message"]
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        aws.update_function_code(FunctionName=name, S3Bucket="bbb", S3Key="k")
    assert refused.value.response["Error"]["Code"] == "NotImplemented"
    with pytest.raises(aws.exceptions.PreconditionFailedException):
        good = zipped({"app.py": ""})
        aws.update_function_code(FunctionName=name, ZipFile=good, RevisionId="stale")
