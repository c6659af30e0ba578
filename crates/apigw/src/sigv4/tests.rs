//! Signatures by AWS's own test suite and by botocore 1.44, under the key of AWS's documentation.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use super::*;
use crate::http::{Answer, fixtures};
use crate::rest::answered;
use bytes::Bytes;
use proptest::prelude::*;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// 2026-01-01T00:00:00Z
const NEW_YEAR: u64 = 1_767_225_600_000;
const SCOPE: &str = "AKIDEXAMPLE/20260101/eu-west-1/execute-api/aws4_request";

fn signed(method: &str, path: &str, names: &str, signature: &str) -> Request {
    let mut request = fixtures::request(method, path);
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders={names}, Signature={signature}"
    );
    for (name, value) in [
        ("X-Amz-Date", "20260101T000000Z"),
        ("Authorization", &authorization),
    ] {
        request.headers.push((name.to_owned(), value.to_owned()));
    }
    request
}

fn get() -> Request {
    let signature = "103bf6395941eca2c81390d02eccd1abce91c6bea1d8521b67ff5030ca19b9c7";
    signed("GET", "/dev/pets", "host;x-amz-date", signature)
}

fn post() -> Request {
    let signature = "e278abd95c31d8a4ffcfff02c46e6bd481646ecabd1e2bbec4fc19b59f1036b9";
    let path = "/dev/a%20b//c?b=2&a=x%20y&a=1";
    let mut request = signed("POST", path, "content-type;host;x-amz-date", signature);
    request
        .headers
        .push(("Content-Type".into(), "application/json".into()));
    request.body = Bytes::from_static(br#"{"a":1}"#);
    request
}

fn presigned() -> Request {
    let signature = "83aa2a7f412bb9d53eda3bb6105e770472310239a718394bb5d6334f3e7a07af";
    let scope = SCOPE.replace('/', "%2F");
    let query = format!(
        "z=1&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={scope}&X-Amz-Date=20260101T000000Z\
         &X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature={signature}"
    );
    fixtures::request("GET", &format!("/dev/pets?{query}"))
}

fn judge(request: &Request, secret: &str) -> Result<(), Unsigned> {
    read(request)?.verify(request, secret)
}

#[test]
fn what_botocore_signs_is_verified() {
    for request in [get(), post(), presigned()] {
        assert_eq!(judge(&request, SECRET), Ok(()), "{}", request.method);
        assert_eq!(judge(&request, "another"), Err(Unsigned::Mismatch));
        let signature = read(&request).unwrap();
        assert_eq!(signature.access_key, "AKIDEXAMPLE");
        assert_eq!(
            signature.check("execute-api", "eu-west-1", NEW_YEAR),
            Ok(())
        );
    }
}

/// `get-vanilla` of AWS's test suite.
#[test]
fn the_simplest_request_of_aws_is_verified() {
    let mut request = fixtures::request("GET", "/");
    let authorization = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
    request.headers = [
        ("Host", "example.amazonaws.com"),
        ("X-Amz-Date", "20150830T123600Z"),
        ("Authorization", authorization),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    assert_eq!(judge(&request, SECRET), Ok(()));
}

#[test]
fn whatever_is_changed_is_no_longer_what_was_signed() {
    type Change = fn(&mut Request);
    let changes: [Change; 6] = [
        |it| it.body = Bytes::from_static(b"{}"),
        |it| it.path = "/dev/a%20b/d".to_owned(),
        |it| it.query.push_str("&c=3"),
        |it| it.method = "PUT".to_owned(),
        |it| {
            it.headers
                .push(("content-type".into(), "text/plain".into()))
        },
        |it| it.headers.retain(|(name, _)| name != "Host"),
    ];
    for change in changes {
        let mut request = post();
        change(&mut request);
        assert_eq!(judge(&request, SECRET), Err(Unsigned::Mismatch));
    }
    let mut other = post();
    other.headers.push(("X-Not-Signed".into(), "1".into()));
    assert_eq!(judge(&other, SECRET), Ok(()));
}

#[test]
fn a_signature_is_for_one_service_one_region_and_its_time() {
    let signature = read(&get()).unwrap();
    let check = |service, region, at| {
        signature
            .check(service, region, at)
            .map_err(|it| it.to_string())
    };
    let minutes = |count: u64| count * 60_000;
    assert!(
        check("lambda", "eu-west-1", NEW_YEAR)
            .unwrap_err()
            .contains("correct service")
    );
    assert!(
        check("execute-api", "us-east-1", NEW_YEAR)
            .unwrap_err()
            .contains("valid region")
    );
    assert_eq!(
        check("execute-api", "eu-west-1", NEW_YEAR + minutes(5)),
        Ok(())
    );
    let late = check("execute-api", "eu-west-1", NEW_YEAR + minutes(6)).unwrap_err();
    assert_eq!(
        late,
        "Signature expired: 20260101T000000Z is now earlier than 20260101T000100Z"
    );
    let early = check("execute-api", "eu-west-1", NEW_YEAR - minutes(6)).unwrap_err();
    assert!(early.starts_with("Signature not yet current"), "{early}");
    let url = read(&presigned()).unwrap();
    assert_eq!(
        url.check("execute-api", "eu-west-1", NEW_YEAR + 60_000),
        Ok(())
    );
    assert!(
        url.check("execute-api", "eu-west-1", NEW_YEAR + 61_000)
            .is_err()
    );
    let mut other = get();
    other
        .headers
        .push(("x-amz-date".into(), "20260102T000000Z".into()));
    let other = read(&other)
        .unwrap()
        .check("execute-api", "eu-west-1", NEW_YEAR);
    assert!(matches!(other, Err(Unsigned::Elsewhere(_))));
}

#[test]
fn what_is_not_signed_is_refused_by_name() {
    let plain = fixtures::request("GET", "/");
    let missing = read(&plain).unwrap_err();
    assert_eq!(missing, Unsigned::Missing);
    let body = |answer: &Answer| String::from_utf8_lossy(&answer.body).into_owned();
    let answer = answered(&missing.fault());
    assert_eq!(
        (answer.status, body(&answer).as_str()),
        (403, r#"{"message":"Missing Authentication Token"}"#)
    );
    assert!(answer.headers.contains(&(
        "x-amzn-ErrorType".into(),
        "MissingAuthenticationTokenException".into()
    )));
    assert_eq!(body(&missing.http()), r#"{"message":"Forbidden"}"#);
    assert_eq!(missing.http().status, 403);
    for authorization in [
        "nonsense",
        "Bearer token",
        "AWS4-HMAC-SHA256 Credential=a",
        "AWS4-HMAC-SHA256 ",
    ] {
        let mut request = plain.clone();
        request
            .headers
            .push(("Authorization".into(), authorization.into()));
        let refused = read(&request).unwrap_err();
        assert!(
            matches!(refused, Unsigned::Incomplete(_)),
            "{authorization}"
        );
    }
    let mut request = plain.clone();
    request.query = "X-Amz-Credential=a".to_owned();
    assert!(matches!(read(&request), Err(Unsigned::Incomplete(_))));
    assert_eq!(Unsigned::Mismatch.fault().kind, FaultKind::InvalidSignature);
    let unknown = answered(&Unsigned::UnknownKey.fault());
    let wanted = r#"{"message":"The security token included in the request is invalid."}"#;
    assert_eq!((unknown.status, body(&unknown).as_str()), (403, wanted));
}

#[test]
fn signatures_do_not_print() {
    assert_eq!(format!("{:?}", read(&get()).unwrap()), "Signature { .. }");
}

proptest! {
    #[test]
    fn no_request_is_too_strange(
        path in "\\PC{0,20}", query in "\\PC{0,40}", authorization in "(AWS4-HMAC-SHA256 )?\\PC{0,40}",
        signature in "[0-9a-fx]{0,9}", now in any::<u64>(),
    ) {
        let mut request = get();
        request.path = path;
        request.query = query;
        let _ = judge(&request, SECRET);
        let mut odd = signed("GET", "/", "host", &signature);
        let _ = judge(&odd, SECRET);
        if let Ok(read) = read(&odd) {
            let _ = read.check("execute-api", "eu-west-1", now);
        }
        odd.headers.push(("authorization".into(), authorization));
        let _ = judge(&odd, SECRET);
    }
}
