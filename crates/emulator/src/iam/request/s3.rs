//! S3, path style
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html>).

use super::Request;
use crate::iam::Ask;
use percent_encoding::percent_decode_str;
use std::collections::HashMap;

/// Parts of a bucket: its parameter, and the actions to read, write and remove it.
const OF_BUCKETS: [(&str, [&str; 3]); 10] = [
    ("acl", ["GetBucketAcl", "PutBucketAcl", "PutBucketAcl"]),
    (
        "encryption",
        [
            "GetEncryptionConfiguration",
            "PutEncryptionConfiguration",
            "PutEncryptionConfiguration",
        ],
    ),
    (
        "lifecycle",
        [
            "GetLifecycleConfiguration",
            "PutLifecycleConfiguration",
            "PutLifecycleConfiguration",
        ],
    ),
    (
        "location",
        [
            "GetBucketLocation",
            "GetBucketLocation",
            "GetBucketLocation",
        ],
    ),
    (
        "ownershipControls",
        [
            "GetBucketOwnershipControls",
            "PutBucketOwnershipControls",
            "PutBucketOwnershipControls",
        ],
    ),
    (
        "policy",
        ["GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy"],
    ),
    (
        "policyStatus",
        [
            "GetBucketPolicyStatus",
            "GetBucketPolicyStatus",
            "GetBucketPolicyStatus",
        ],
    ),
    (
        "publicAccessBlock",
        [
            "GetBucketPublicAccessBlock",
            "PutBucketPublicAccessBlock",
            "PutBucketPublicAccessBlock",
        ],
    ),
    (
        "tagging",
        ["GetBucketTagging", "PutBucketTagging", "PutBucketTagging"],
    ),
    (
        "versioning",
        [
            "GetBucketVersioning",
            "PutBucketVersioning",
            "PutBucketVersioning",
        ],
    ),
];

pub(super) fn asks(request: &Request<'_>) -> Vec<Ask> {
    let path = request.parts.uri.path();
    let path = percent_decode_str(path).decode_utf8_lossy();
    let query = request.parts.uri.query().unwrap_or_default();
    let query: HashMap<String, String> = serde_urlencoded::from_str(query).unwrap_or_default();
    let (bucket, key) = match path.trim_start_matches('/').split_once('/') {
        Some((bucket, key)) => (bucket, key),
        None => (path.trim_start_matches('/'), ""),
    };
    if bucket.is_empty() {
        return vec![Ask::new("s3:ListAllMyBuckets", "*")];
    }
    if key.is_empty() {
        of_bucket(request, bucket, &query)
    } else {
        of_object(request, bucket, key, &query)
    }
}

fn arn(request: &Request<'_>, path: &str) -> String {
    format!("arn:{}:s3:::{path}", request.place.partition)
}

fn of_bucket(request: &Request<'_>, bucket: &str, query: &HashMap<String, String>) -> Vec<Ask> {
    let method = request.parts.method.as_str();
    let one = |action: &str| Ask::new(format!("s3:{action}"), arn(request, bucket));
    if method == "POST" && query.contains_key("delete") {
        let keys = keys_of(request.body);
        let delete =
            |key: String| Ask::new("s3:DeleteObject", arn(request, &format!("{bucket}/{key}")));
        return keys.into_iter().map(delete).collect();
    }
    let part = OF_BUCKETS
        .iter()
        .find(|(name, _)| query.contains_key(*name));
    if let Some((_, [read, write, remove])) = part {
        return vec![one(match method {
            "GET" | "HEAD" => read,
            "DELETE" => remove,
            _ => write,
        })];
    }
    let action = match method {
        "PUT" => "CreateBucket",
        "DELETE" => "DeleteBucket",
        _ if query.contains_key("versions") => "ListBucketVersions",
        _ if query.contains_key("uploads") => "ListBucketMultipartUploads",
        _ => "ListBucket",
    };
    let mut ask = one(action);
    for (name, key) in [("prefix", "s3:prefix"), ("delimiter", "s3:delimiter")] {
        if let Some(value) = query.get(name) {
            ask.context.set(key, value.as_str());
        }
    }
    vec![ask]
}

fn of_object(
    request: &Request<'_>,
    bucket: &str,
    key: &str,
    query: &HashMap<String, String>,
) -> Vec<Ask> {
    let versioned = query.contains_key("versionId");
    let action = match request.parts.method.as_str() {
        "GET" if query.contains_key("uploadId") => "ListMultipartUploadParts",
        "GET" if query.contains_key("tagging") => "GetObjectTagging",
        "GET" if query.contains_key("acl") => "GetObjectAcl",
        "GET" | "HEAD" if versioned => "GetObjectVersion",
        "GET" | "HEAD" => "GetObject",
        "DELETE" if query.contains_key("uploadId") => "AbortMultipartUpload",
        "DELETE" if query.contains_key("tagging") => "DeleteObjectTagging",
        "DELETE" if versioned => "DeleteObjectVersion",
        "DELETE" => "DeleteObject",
        _ if query.contains_key("tagging") => "PutObjectTagging",
        _ if query.contains_key("acl") => "PutObjectAcl",
        _ => "PutObject",
    };
    let resource = arn(request, &format!("{bucket}/{key}"));
    let mut asks = vec![Ask::new(format!("s3:{action}"), resource)];
    let source = request.parts.headers.get("x-amz-copy-source");
    if let Some(source) = source.and_then(|it| it.to_str().ok()) {
        let source = percent_decode_str(source).decode_utf8_lossy();
        let source = source.trim_start_matches('/');
        let source = source.split_once("?versionId=").map_or(source, |it| it.0);
        asks.push(Ask::new("s3:GetObject", arn(request, source)));
    }
    asks
}

/// The keys of a `DeleteObjects`.
fn keys_of(body: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(body);
    let parts = text.split("<Key>").skip(1);
    let keys = parts.filter_map(|it| it.split_once("</Key>").map(|(key, _)| key));
    let plain = |key: &str| {
        key.replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&apos;", "'")
            .replace("&amp;", "&")
    };
    keys.map(plain).collect()
}
