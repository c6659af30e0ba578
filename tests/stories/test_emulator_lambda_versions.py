"""Published versions and aliases of the cloud on the desk."""

import json

import pytest
from harness import Project

TELLS = """
import os


def handler(event, context):
    return {
        "arn": context.invoked_function_arn,
        "version": context.function_version,
        "variable": os.environ["AWS_LAMBDA_FUNCTION_VERSION"],
        "stream": os.environ["AWS_LAMBDA_LOG_STREAM_NAME"],
        "seen": os.environ.get("SEEN"),
    }
"""

NAMES = ("Tells", "Named", "Weighed", "Deleted", "Listed", "AlsoListed")


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    folder = tmp_path_factory.mktemp("versions")
    project = Project.of(folder / "app", dict.fromkeys(NAMES, TELLS), SEEN="first")
    published = Project.of(folder / "published", {"Published": TELLS})
    published.edit(
        "template.yaml", '"Timeout": 3', '"Timeout": 3, "AutoPublishAlias": "live"'
    )
    stacks = {"app": project.template, "published": published.template}
    return clouds(stacks, "--no-helper-stack")


@pytest.fixture(scope="module")
def aws(cloud):
    return cloud.client("lambda")


def change(aws, name, seen):
    variables = {"Variables": {"SEEN": seen}}
    aws.update_function_configuration(FunctionName=name, Environment=variables)
    waiter = aws.get_waiter("function_updated_v2")
    waiter.wait(FunctionName=name, WaiterConfig={"Delay": 0.05})


def run(aws, name, qualifier=None):
    more = {"Qualifier": qualifier} if qualifier else {}
    invoked = aws.invoke(FunctionName=name, **more)
    return json.loads(invoked["Payload"].read()), invoked["ExecutedVersion"]


# ---- versions


def test_a_version_runs_what_was_published_and_latest_goes_on(cloud, aws):
    name = cloud.function("Tells")
    first = aws.publish_version(FunctionName=name, Description="the first")
    assert (first["Version"], first["Description"]) == ("1", "the first")
    assert first["FunctionArn"].endswith(f":function:{name}:1")
    change(aws, name, "second")
    second = aws.publish_version(FunctionName=name)
    assert second["Version"] == "2"
    change(aws, name, "third")

    for qualifier, seen in [("1", "first"), ("2", "second"), ("$LATEST", "third")]:
        answer, executed = run(aws, name, qualifier)
        assert (executed, answer["seen"]) == (qualifier, seen)
        assert answer["version"] == answer["variable"] == qualifier
        assert f"[{qualifier}]" in answer["stream"]
        assert answer["arn"].endswith(f":function:{name}:{qualifier}")
        configuration = aws.get_function_configuration(FunctionName=name, Qualifier=qualifier)
        assert configuration["Environment"]["Variables"] == {"SEEN": seen}
        assert configuration["Version"] == qualifier
        assert aws.get_function(FunctionName=name, Qualifier=qualifier)["Configuration"] == {
            it: value for it, value in configuration.items() if it != "ResponseMetadata"
        }
    # In the name, in the ARN, and without: the ARN is as the caller wrote it.
    assert run(aws, f"{name}:1")[0]["seen"] == "first"
    assert run(aws, first["FunctionArn"])[1] == "1"
    assert run(aws, name)[0]["arn"].endswith(f":function:{name}")
    with pytest.raises(aws.exceptions.InvalidParameterValueException) as refused:
        aws.invoke(FunctionName=f"{name}:1", Qualifier="2")
    assert "does not match the specified qualifier" in refused.value.response["message"]
    with pytest.raises(aws.exceptions.ResourceNotFoundException) as refused:
        aws.invoke(FunctionName=name, Qualifier="99")
    assert refused.value.response["Message"].endswith(f":function:{name}:99")
    with pytest.raises(aws.exceptions.InvalidParameterValueException):
        aws.update_function_configuration(FunctionName=f"{name}:1", Timeout=5)

    listed = aws.list_versions_by_function(FunctionName=name)["Versions"]
    assert [it["Version"] for it in listed] == ["$LATEST", "1", "2"]
    assert listed[0]["FunctionArn"].endswith(":$LATEST")


def test_publishing_without_a_change_gives_the_same_version(cloud, aws):
    name = cloud.function("Named")
    first = aws.publish_version(FunctionName=name)
    again = aws.publish_version(FunctionName=name, Description="ignored")
    assert (again["Version"], again["RevisionId"]) == (first["Version"], first["RevisionId"])


def test_publishing_what_somebody_else_has_changed_is_refused(cloud, aws):
    name = cloud.function("Named")
    latest = aws.get_function_configuration(FunctionName=name)
    with pytest.raises(aws.exceptions.InvalidParameterValueException) as refused:
        aws.publish_version(FunctionName=name, CodeSha256="another")
    assert latest["CodeSha256"] in refused.value.response["message"]
    with pytest.raises(aws.exceptions.PreconditionFailedException):
        aws.publish_version(FunctionName=name, RevisionId="another")
    good = {"CodeSha256": latest["CodeSha256"], "RevisionId": latest["RevisionId"]}
    assert aws.publish_version(FunctionName=name, **good)["Version"] == "1"


# ---- aliases


def test_an_alias_leads_to_a_version_until_it_is_changed(cloud, aws):
    name = cloud.function("Named")
    aws.publish_version(FunctionName=name)
    change(aws, name, "second")
    aws.publish_version(FunctionName=name)
    made = aws.create_alias(
        FunctionName=name, Name="live", FunctionVersion="1", Description="what callers use"
    )
    assert made["AliasArn"].endswith(f":function:{name}:live")
    assert (made["Name"], made["FunctionVersion"]) == ("live", "1")
    answer, executed = run(aws, name, "live")
    assert (executed, answer["seen"], answer["version"]) == ("1", "first", "1")
    assert answer["arn"] == made["AliasArn"]

    moved = aws.update_alias(FunctionName=name, Name="live", FunctionVersion="2")
    assert (moved["FunctionVersion"], moved["Description"]) == ("2", "what callers use")
    assert moved["RevisionId"] != made["RevisionId"]
    assert run(aws, name, "live")[0]["seen"] == "second"
    with pytest.raises(aws.exceptions.PreconditionFailedException):
        aws.update_alias(FunctionName=name, Name="live", RevisionId=made["RevisionId"])

    shown = aws.get_alias(FunctionName=name, Name="live")
    assert {it: shown[it] for it in moved if it != "ResponseMetadata"} == {
        it: value for it, value in moved.items() if it != "ResponseMetadata"
    }
    aws.create_alias(FunctionName=name, Name="next", FunctionVersion="$LATEST")
    listed = aws.list_aliases(FunctionName=name)["Aliases"]
    assert [it["Name"] for it in listed] == ["live", "next"]
    of_two = aws.list_aliases(FunctionName=name, FunctionVersion="2")["Aliases"]
    assert [it["Name"] for it in of_two] == ["live"]
    configuration = aws.get_function_configuration(FunctionName=name, Qualifier="live")
    assert configuration["Version"] == "2"
    assert configuration["FunctionArn"] == made["AliasArn"]

    aws.delete_alias(FunctionName=name, Name="live")
    aws.delete_alias(FunctionName=name, Name="live")
    with pytest.raises(aws.exceptions.ResourceNotFoundException) as refused:
        aws.get_alias(FunctionName=name, Name="live")
    assert refused.value.response["Message"].startswith("Cannot find alias arn: arn:")
    with pytest.raises(aws.exceptions.ResourceNotFoundException):
        aws.invoke(FunctionName=name, Qualifier="live")


def test_an_alias_that_cannot_be_is_refused(cloud, aws):
    name = cloud.function("Weighed")
    aws.publish_version(FunctionName=name)
    aws.create_alias(FunctionName=name, Name="taken", FunctionVersion="1")
    with pytest.raises(aws.exceptions.ResourceConflictException) as refused:
        aws.create_alias(FunctionName=name, Name="taken", FunctionVersion="1")
    assert refused.value.response["message"].startswith("Alias already exists: arn:")
    with pytest.raises(aws.exceptions.ResourceNotFoundException):
        aws.create_alias(FunctionName=name, Name="nowhere", FunctionVersion="99")
    with pytest.raises(aws.exceptions.ResourceNotFoundException):
        aws.update_alias(FunctionName=name, Name="nobody", FunctionVersion="1")
    weights = {"AdditionalVersionWeights": {"1": 0.5}}
    with pytest.raises(aws.exceptions.InvalidParameterValueException) as refused:
        aws.create_alias(
            FunctionName=name, Name="both", FunctionVersion="$LATEST", RoutingConfig=weights
        )
    assert "$LATEST is not supported" in refused.value.response["message"]


def test_an_alias_with_a_weight_leads_to_both_versions(cloud, aws):
    name = cloud.function("Weighed")
    aws.publish_version(FunctionName=name)
    change(aws, name, "second")
    version = aws.publish_version(FunctionName=name)["Version"]

    def executed(weight):
        weights = {"AdditionalVersionWeights": {version: weight}}
        alias = {"Name": "shared", "FunctionVersion": "1", "RoutingConfig": weights}
        aws.delete_alias(FunctionName=name, Name="shared")
        assert aws.create_alias(FunctionName=name, **alias)["RoutingConfig"] == weights
        return {run(aws, name, "shared")[1] for _ in range(40)}

    # That all of 40 are the same version: once in a million million times.
    assert executed(0.5) == {"1", version}
    assert executed(1.0) == {version}
    assert executed(0.0) == {"1"}


def test_a_template_publishes_a_version_and_its_alias(cloud, aws):
    name = cloud.function("Published", "published")
    aliases = aws.list_aliases(FunctionName=name)["Aliases"]
    assert [(it["Name"], it["FunctionVersion"]) for it in aliases] == [("live", "1")]
    assert run(aws, name, "live")[1] == "1"


# ---- deleting


def test_a_version_is_deleted_when_no_alias_needs_it(cloud, aws):
    name = cloud.function("Deleted")
    aws.publish_version(FunctionName=name)
    aws.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    with pytest.raises(aws.exceptions.ResourceConflictException) as refused:
        aws.delete_function(FunctionName=name, Qualifier="1")
    assert "[live]" in refused.value.response["message"]
    with pytest.raises(aws.exceptions.InvalidParameterValueException):
        aws.delete_function(FunctionName=name, Qualifier="$LATEST")
    aws.delete_alias(FunctionName=name, Name="live")
    aws.delete_function(FunctionName=name, Qualifier="1")
    with pytest.raises(aws.exceptions.ResourceNotFoundException):
        aws.invoke(FunctionName=name, Qualifier="1")
    # Its number is not given again.
    assert aws.publish_version(FunctionName=name)["Version"] == "2"
    aws.delete_function(FunctionName=name)
    with pytest.raises(aws.exceptions.ResourceNotFoundException):
        aws.get_function(FunctionName=name)


# ---- listing


def test_lists_come_in_pages(cloud, aws):
    names = {cloud.function(it) for it in ("Tells", "Named", "Weighed", "Listed", "AlsoListed")}
    pages = aws.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2})
    pages = [[it["FunctionName"] for it in page["Functions"]] for page in pages]
    assert all(len(page) == 2 for page in pages[:-1])
    listed = [name for page in pages for name in page]
    assert names < set(listed) and len(listed) == len(set(listed))

    name = cloud.function("Listed")
    for seen in ("2", "3", "4"):
        aws.publish_version(FunctionName=name)
        change(aws, name, seen)
    first = aws.list_versions_by_function(FunctionName=name, MaxItems=2)
    assert [it["Version"] for it in first["Versions"]] == ["$LATEST", "1"]
    second = aws.list_versions_by_function(FunctionName=name, Marker=first["NextMarker"])
    assert [it["Version"] for it in second["Versions"]] == ["2", "3"]
    assert "NextMarker" not in second
    everything = aws.list_functions(FunctionVersion="ALL")["Functions"]
    of_it = [it["Version"] for it in everything if it["FunctionName"] == name]
    assert of_it == ["$LATEST", "1", "2", "3"]
