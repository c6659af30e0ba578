"""Layer versions of the cloud on the desk."""

import base64
import hashlib
import io
import json
import zipfile

import botocore.exceptions
import pytest
from harness import Project

READS = """
def handler(event, context):
    try:
        import word
    except ImportError:
        return None
    return word.word
"""

PREFIX = "arn:aws:lambda:us-east-1:000000000000:layer"


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    folder = tmp_path_factory.mktemp("layers")
    functions = dict.fromkeys(("Reads", "Keeps", "Templated"), READS)
    project = Project.of(folder, functions)
    project.write("layer/python/word.py", 'word = "of the template"\n')
    template = json.loads(project.template.read_text())
    resources = template["Resources"]
    resources["Words"] = {
        "Type": "AWS::Serverless::LayerVersion",
        "Properties": {"ContentUri": "layer/", "CompatibleRuntimes": ["python3.13"]},
    }
    resources["Templated"]["Properties"]["Layers"] = [{"Ref": "Words"}]
    project.write("template.yaml", json.dumps(template, indent=2))
    return clouds({"app": project.template}, "--no-helper-stack")


@pytest.fixture(scope="module")
def aws(cloud):
    return cloud.client("lambda")


def zipped(word):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("python/word.py", f"word = {word!r}\n")
    return buffer.getvalue()


def publish(aws, name, word, **more):
    return aws.publish_layer_version(LayerName=name, Content={"ZipFile": zipped(word)}, **more)


def use(aws, name, *arns):
    aws.update_function_configuration(FunctionName=name, Layers=list(arns))
    waiter = aws.get_waiter("function_updated_v2")
    waiter.wait(FunctionName=name, WaiterConfig={"Delay": 0.05})
    return aws.get_function_configuration(FunctionName=name).get("Layers", [])


def without_metadata(answer):
    return {it: value for it, value in answer.items() if it != "ResponseMetadata"}


def test_a_published_layer_is_described_by_name_and_by_arn(aws):
    about = {
        "Description": "a word",
        "CompatibleRuntimes": ["python3.13"],
        "CompatibleArchitectures": ["x86_64"],
        "LicenseInfo": "MIT",
    }
    made = publish(aws, "described", "x", **about)
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert made["LayerArn"] == f"{PREFIX}:described"
    assert (made["LayerVersionArn"], made["Version"]) == (f"{PREFIX}:described:1", 1)
    assert about.items() <= made.items()
    digest = hashlib.sha256(zipped("x")).digest()
    assert made["Content"]["CodeSha256"] == base64.b64encode(digest).decode()
    assert made["Content"]["CodeSize"] == len(zipped("x"))
    for name in ("described", made["LayerArn"]):
        found = aws.get_layer_version(LayerName=name, VersionNumber=1)
        assert without_metadata(found) == without_metadata(made)
    found = aws.get_layer_version_by_arn(Arn=made["LayerVersionArn"])
    assert without_metadata(found) == without_metadata(made)
    assert publish(aws, "described", "y")["Version"] == 2


def test_a_functions_layers_lie_over_each_other_the_last_on_top(cloud, aws):
    name = cloud.function("Reads")
    assert cloud.invoke("Reads").payload == b"null"
    below = publish(aws, "below", "below")["LayerVersionArn"]
    above = publish(aws, "above", "above")["LayerVersionArn"]
    shown = use(aws, name, below, above)
    assert [it["Arn"] for it in shown] == [below, above]
    assert all(it["CodeSize"] > 0 for it in shown)
    assert cloud.invoke("Reads").payload == b'"above"'
    use(aws, name, above, below)
    assert cloud.invoke("Reads").payload == b'"below"'
    assert use(aws, name) == []
    assert cloud.invoke("Reads").payload == b"null"


def test_a_deleted_version_is_gone_and_who_uses_it_keeps_it(cloud, aws):
    name = cloud.function("Keeps")
    kept = publish(aws, "kept", "still here")["LayerVersionArn"]
    use(aws, name, kept)
    aws.delete_layer_version(LayerName="kept", VersionNumber=1)
    aws.delete_layer_version(LayerName="kept", VersionNumber=1)
    with pytest.raises(aws.exceptions.ResourceNotFoundException) as refused:
        aws.get_layer_version(LayerName="kept", VersionNumber=1)
    assert refused.value.response["Message"] == "The resource you requested does not exist."
    # It was never started with it before.
    assert cloud.invoke("Keeps").payload == b'"still here"'
    with pytest.raises(aws.exceptions.InvalidParameterValueException) as refused:
        use(aws, cloud.function("Reads"), kept)
    assert refused.value.response["message"] == f"Layer version {kept} does not exist."
    # Nor is its number given again.
    assert publish(aws, "kept", "another")["Version"] == 2


def test_layers_that_cannot_be_together_are_refused(cloud, aws):
    name = cloud.function("Reads")
    several = [publish(aws, f"one-of-{n}", "x")["LayerVersionArn"] for n in range(6)]
    with pytest.raises(aws.exceptions.InvalidParameterValueException) as refused:
        use(aws, name, *several)
    assert refused.value.response["message"] == "Cannot reference more than 5 layers."
    again = publish(aws, "one-of-0", "y")["LayerVersionArn"]
    with pytest.raises(aws.exceptions.InvalidParameterValueException) as refused:
        use(aws, name, several[0], again)
    assert "Two different versions of the same layer" in refused.value.response["message"]
    assert len(use(aws, name, *several[:5])) == 5


def test_layers_are_listed_with_their_latest_fitting_version(aws):
    publish(aws, "listed", "x", CompatibleRuntimes=["python3.12"])
    publish(aws, "listed", "y", CompatibleRuntimes=["python3.13"])
    layers = {it["LayerName"]: it for it in aws.list_layers()["Layers"]}
    assert layers["listed"]["LatestMatchingVersion"]["Version"] == 2
    older = aws.list_layers(CompatibleRuntime="python3.12")["Layers"]
    found = {it["LayerName"]: it["LatestMatchingVersion"]["Version"] for it in older}
    assert found["listed"] == 1 and "described" not in found
    versions = aws.list_layer_versions(LayerName="listed")["LayerVersions"]
    assert [it["Version"] for it in versions] == [2, 1]
    first = aws.list_layer_versions(LayerName="listed", MaxItems=1)
    assert [it["Version"] for it in first["LayerVersions"]] == [2]
    rest = aws.list_layer_versions(LayerName="listed", Marker=first["NextMarker"])
    assert [it["Version"] for it in rest["LayerVersions"]] == [1]
    assert aws.list_layer_versions(LayerName="nobodys")["LayerVersions"] == []


def test_a_templates_layer_is_a_layer_like_any_other(cloud, aws):
    assert cloud.invoke("Templated").payload == b'"of the template"'
    configuration = aws.get_function_configuration(FunctionName=cloud.function("Templated"))
    (layer,) = configuration["Layers"]
    found = aws.get_layer_version_by_arn(Arn=layer["Arn"])
    assert found["CompatibleRuntimes"] == ["python3.13"]
    assert found["Content"]["CodeSize"] == layer["CodeSize"] > 0
    name = found["LayerArn"].rpartition(":")[2]
    assert publish(aws, name, "newer")["Version"] == 2
    assert cloud.invoke("Templated").payload == b'"of the template"'


def test_a_layer_that_is_no_zip_is_refused(aws):
    with pytest.raises(aws.exceptions.InvalidParameterValueException):
        aws.publish_layer_version(LayerName="bad", Content={"ZipFile": b"no zip"})
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        aws.publish_layer_version(LayerName="bad", Content={"S3Bucket": "bbb", "S3Key": "k"})
    assert refused.value.response["Error"]["Code"] == "NotImplemented"
