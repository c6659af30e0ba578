"""The cloud on the desk keeps objects as S3 does."""

import io
import json
import os

import boto3.s3.transfer
import botocore.config
import botocore.exceptions
import pytest
from harness import Bucket


@pytest.fixture(scope="module")
def cloud(clouds):
    return clouds({}, "--no-helper-stack")


@pytest.fixture(scope="module")
def s3(cloud):
    return cloud.client("s3")


def refusal(call, *arguments, **named):
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        call(*arguments, **named)
    return refused.value.response["Error"]["Code"]


def test_an_object_is_got_as_it_was_put(cloud, s3):
    bucket = Bucket(cloud, "objects")
    content = os.urandom(100_000)
    put = s3.put_object(
        Bucket="objects",
        Key="a folder/an object",
        Body=content,
        ContentType="application/zip",
        Metadata={"by": "tether"},
    )
    assert put["ServerSideEncryption"] == "AES256"
    got = s3.get_object(Bucket="objects", Key="a folder/an object")
    assert got["Body"].read() == content
    assert (got["ContentType"], got["Metadata"]) == ("application/zip", {"by": "tether"})
    assert got["ETag"] == put["ETag"]
    part = s3.get_object(Bucket="objects", Key="a folder/an object", Range="bytes=10-19")
    assert (part["Body"].read(), part["ContentRange"]) == (content[10:20], "bytes 10-19/100000")
    assert s3.head_object(Bucket="objects", Key="a folder/an object")["ContentLength"] == 100_000
    bucket.put("empty", b"")
    assert s3.get_object(Bucket="objects", Key="empty")["Body"].read() == b""
    assert refusal(s3.get_object, Bucket="objects", Key="nothing") == "NoSuchKey"
    assert refusal(s3.head_object, Bucket="objects", Key="nothing") == "404"
    assert refusal(s3.get_object, Bucket="nobodys", Key="nothing") == "NoSuchBucket"


def test_a_large_object_comes_in_parts(cloud, s3):
    Bucket(cloud, "parts")
    content = os.urandom(11 * 1024 * 1024)
    config = boto3.s3.transfer.TransferConfig(max_concurrency=2)
    s3.upload_fileobj(io.BytesIO(content), "parts", "large", Config=config)
    calls = [it["action"] for it in cloud.calls() if it["service"] == "s3"]
    assert {"CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"} <= set(calls)
    taken = io.BytesIO()
    s3.download_fileobj("parts", "large", taken, Config=config)
    assert taken.getvalue() == content

    begun = s3.create_multipart_upload(Bucket="parts", Key="given up")
    named = {"Bucket": "parts", "Key": "given up", "UploadId": begun["UploadId"]}
    s3.upload_part(PartNumber=1, Body=b"x", **named)
    s3.abort_multipart_upload(**named)
    assert refusal(s3.upload_part, PartNumber=2, Body=b"y", **named) == "NoSuchUpload"


def test_objects_are_listed_in_pages_and_by_folder(cloud, s3):
    bucket = Bucket(cloud, "listed")
    for key in ("a/1", "a/2", "b/1", "c"):
        bucket.put(key, b"x")
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket="listed", PaginationConfig={"PageSize": 3}
    )
    keys = [[it["Key"] for it in page["Contents"]] for page in pages]
    assert keys == [["a/1", "a/2", "b/1"], ["c"]]
    folders = s3.list_objects_v2(Bucket="listed", Delimiter="/")
    assert [it["Prefix"] for it in folders["CommonPrefixes"]] == ["a/", "b/"]
    assert [it["Key"] for it in folders["Contents"]] == ["c"]
    inside = s3.list_objects_v2(Bucket="listed", Prefix="a/")
    assert (inside["KeyCount"], inside["IsTruncated"]) == (2, False)


def test_a_bucket_is_private_and_encrypted_from_the_start_and_as_it_is_set_up(cloud, s3):
    Bucket(cloud, "settings")
    s3.head_bucket(Bucket="settings")
    assert s3.get_bucket_location(Bucket="settings")["LocationConstraint"] is None
    blocked = s3.get_public_access_block(Bucket="settings")["PublicAccessBlockConfiguration"]
    assert set(blocked.values()) == {True}
    rules = s3.get_bucket_encryption(Bucket="settings")["ServerSideEncryptionConfiguration"]
    assert [
        it["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] for it in rules["Rules"]
    ] == ["AES256"]
    assert refusal(s3.get_bucket_policy, Bucket="settings") == "NoSuchBucketPolicy"
    assert refusal(s3.get_bucket_tagging, Bucket="settings") == "NoSuchTagSet"

    s3.put_bucket_encryption(Bucket="settings", ServerSideEncryptionConfiguration=rules)
    s3.put_public_access_block(
        Bucket="settings", PublicAccessBlockConfiguration=dict(blocked, BlockPublicAcls=False)
    )
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    s3.put_bucket_policy(Bucket="settings", Policy=policy)
    s3.put_bucket_tagging(Bucket="settings", Tagging={"TagSet": [{"Key": "of", "Value": "t"}]})
    s3.put_bucket_lifecycle_configuration(
        Bucket="settings",
        LifecycleConfiguration={
            "Rules": [
                {
                    "ID": "old",
                    "Status": "Enabled",
                    "Filter": {"Prefix": ""},
                    "Expiration": {"Days": 30},
                }
            ]
        },
    )
    assert s3.get_bucket_policy(Bucket="settings")["Policy"] == policy
    assert s3.get_bucket_tagging(Bucket="settings")["TagSet"] == [{"Key": "of", "Value": "t"}]
    kept = s3.get_public_access_block(Bucket="settings")["PublicAccessBlockConfiguration"]
    assert kept["BlockPublicAcls"] is False and kept["BlockPublicPolicy"] is True
    lifecycle = s3.get_bucket_lifecycle_configuration(Bucket="settings")
    assert lifecycle["Rules"][0]["Expiration"] == {"Days": 30}


def test_a_bucket_that_keeps_versions_deletes_nothing_for_good_until_it_is_told(cloud, s3):
    bucket = Bucket(cloud, "versions")
    s3.put_bucket_versioning(
        Bucket="versions", VersioningConfiguration={"Status": "Enabled"}
    )
    assert s3.get_bucket_versioning(Bucket="versions")["Status"] == "Enabled"
    bucket.put("it", b"first")
    bucket.put("it", b"second")
    s3.delete_object(Bucket="versions", Key="it")
    assert refusal(s3.get_object, Bucket="versions", Key="it") == "NoSuchKey"
    listed = s3.list_object_versions(Bucket="versions")
    assert [it["IsLatest"] for it in listed["DeleteMarkers"]] == [True]
    first = listed["Versions"][-1]["VersionId"]
    got = s3.get_object(Bucket="versions", Key="it", VersionId=first)
    assert got["Body"].read() == b"first"
    assert refusal(s3.delete_bucket, Bucket="versions") == "BucketNotEmpty"
    everything = listed["Versions"] + listed["DeleteMarkers"]
    objects = [{"Key": it["Key"], "VersionId": it["VersionId"]} for it in everything]
    s3.delete_objects(Bucket="versions", Delete={"Objects": objects})
    s3.delete_bucket(Bucket="versions")
    assert refusal(s3.head_bucket, Bucket="versions") == "404"


def test_a_name_that_somebody_else_has_is_refused_by_a_rule(cloud, s3):
    with cloud.fault(
        "s3",
        {"kind": "refuse", "status": 409, "code": "BucketAlreadyExists", "message": "taken"},
        action="CreateBucket",
    ):
        assert refusal(s3.create_bucket, Bucket="taken") == "BucketAlreadyExists"
    s3.create_bucket(Bucket="taken")
    # One's own can be made again where AWS began.
    s3.create_bucket(Bucket="taken")
    elsewhere = {"LocationConstraint": "eu-west-1"}
    code = refusal(s3.create_bucket, Bucket="far", CreateBucketConfiguration=elsewhere)
    assert code == "IllegalLocationConstraintException"


def test_a_bucket_elsewhere_says_where_and_is_made_once(clouds):
    s3 = clouds({}, "--no-helper-stack", "--region", "eu-west-1").client("s3")
    here = {"CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}
    assert refusal(s3.create_bucket, Bucket="far") == "IllegalLocationConstraintException"
    s3.create_bucket(Bucket="far", **here)
    assert s3.get_bucket_location(Bucket="far")["LocationConstraint"] == "eu-west-1"
    assert refusal(s3.create_bucket, Bucket="far", **here) == "BucketAlreadyOwnedByYou"
    assert [it["Name"] for it in s3.list_buckets()["Buckets"]] == ["far"]


def test_what_is_not_served_is_said_by_name(s3, cloud):
    Bucket(cloud, "plain")
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        s3.put_bucket_website(
            Bucket="plain", WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}}
        )
    error = refused.value.response["Error"]
    assert error["Code"] == "NotImplemented" and "PutBucketWebsite" in error["Message"]
