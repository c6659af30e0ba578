//! What a request wants of S3, told by method, path and query.

use http::{HeaderMap, Method};

/// Subresources of a bucket, and what they are called.
const OF_BUCKET: [(&str, &str); 10] = [
    ("location", "BucketLocation"),
    ("encryption", "BucketEncryption"),
    ("publicAccessBlock", "PublicAccessBlock"),
    ("policy", "BucketPolicy"),
    ("tagging", "BucketTagging"),
    ("versioning", "BucketVersioning"),
    ("lifecycle", "BucketLifecycleConfiguration"),
    ("acl", "BucketAcl"),
    ("ownershipControls", "BucketOwnershipControls"),
    ("policyStatus", "BucketPolicyStatus"),
];

/// The name of an operation
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html>).
pub(crate) fn action(method: &Method, path: &str, query: &str, headers: &HeaderMap) -> String {
    let names: Vec<&str> = query
        .split('&')
        .map(|it| it.split('=').next().unwrap_or_default())
        .collect();
    let path = path.trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let verb = match *method {
        Method::GET => "Get",
        Method::HEAD => "Head",
        Method::PUT => "Put",
        Method::POST => "Post",
        Method::DELETE => "Delete",
        _ => return method.to_string(),
    };
    if bucket.is_empty() {
        return "ListBuckets".to_owned();
    }
    match key.is_empty() {
        true => of_bucket(verb, &names, query),
        false => of_object(verb, &names, headers),
    }
}

fn of_bucket(verb: &str, names: &[&str], query: &str) -> String {
    if let Some((_, what)) = OF_BUCKET.iter().find(|(name, _)| names.contains(name)) {
        return format!("{verb}{what}");
    }
    let name = match verb {
        "Get" if names.contains(&"versions") => "ListObjectVersions",
        "Get" if names.contains(&"uploads") => "ListMultipartUploads",
        "Get" if query.contains("list-type=2") => "ListObjectsV2",
        "Get" => "ListObjects",
        "Put" => "CreateBucket",
        "Post" => "DeleteObjects",
        verb => return format!("{verb}Bucket"),
    };
    name.to_owned()
}

fn of_object(verb: &str, names: &[&str], headers: &HeaderMap) -> String {
    let upload = names.contains(&"uploadId");
    let name = match verb {
        "Post" if names.contains(&"uploads") => "CreateMultipartUpload",
        "Post" if upload => "CompleteMultipartUpload",
        "Put" if upload => "UploadPart",
        "Get" if upload => "ListParts",
        "Delete" if upload => "AbortMultipartUpload",
        "Put" if headers.contains_key("x-amz-copy-source") => "CopyObject",
        verb => return format!("{verb}Object"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_of_s3_have_their_names() {
        let of = |method, path, query| action(&method, path, query, &HeaderMap::new());
        assert_eq!(of(Method::GET, "/", ""), "ListBuckets");
        assert_eq!(of(Method::PUT, "/up", ""), "CreateBucket");
        assert_eq!(of(Method::HEAD, "/up/", ""), "HeadBucket");
        assert_eq!(of(Method::PUT, "/up", "encryption"), "PutBucketEncryption");
        assert_eq!(
            of(Method::GET, "/up", "list-type=2&prefix=a"),
            "ListObjectsV2"
        );
        assert_eq!(of(Method::POST, "/up", "delete"), "DeleteObjects");
        assert_eq!(of(Method::PUT, "/up/a/b", "x-id=PutObject"), "PutObject");
        let part = "partNumber=1&uploadId=2";
        assert_eq!(of(Method::PUT, "/up/a", part), "UploadPart");
    }
}
