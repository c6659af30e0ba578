#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use super::*;
use crate::caller::IamCaller;
use crate::http::fixtures;
use proptest::prelude::*;

const HOST: &str = "u1.lambda-url.eu-west-1.on.aws";

fn whereabouts() -> Whereabouts {
    Whereabouts {
        api_id: "u1".to_owned(),
        domain_name: HOST.to_owned(),
        ..fixtures::whereabouts()
    }
}

fn stamp() -> Stamp {
    Stamp {
        request_id: "e1506fd5-9e7b-434f-bd42-4f8fa224b599".to_owned(),
        ..fixtures::stamp()
    }
}

fn post(path: &str, content_type: &str, body: &'static [u8]) -> Request {
    let mut request = fixtures::request("POST", path);
    request.headers = [
        ("Host", HOST),
        ("User-Agent", "test/echo"),
        ("Accept-Encoding", "gzip, deflate"),
        ("Accept", "*/*"),
        ("Connection", "keep-alive"),
        ("Content-Type", content_type),
        ("ExTrA-HeadErs", "With WeiRd CapS"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    request.body = Bytes::from_static(body);
    request
}

fn of(request: &Request, caller: Option<&Caller>) -> Value {
    event(&Visit {
        request,
        whereabouts: &whereabouts(),
        stamp: &stamp(),
        caller,
    })
}

/// `test_lambda_url_echo_http_fixture_default`: names in lower case, `connection` gone, an encoded
/// slash kept, and what is repeated joined.
#[test]
fn an_event_is_what_was_recorded() {
    let path = "/pa2%Fth/1?q=query&multiQuery=foo&multiQuery=%2Fbar";
    let request = post(path, "application/json", br#"{"foo": "bar"}"#);
    let event = of(&request, None);
    let headers = json!({
        "accept": "*/*",
        "accept-encoding": "gzip, deflate",
        "content-length": "14",
        "content-type": "application/json",
        "extra-headers": "With WeiRd CapS",
        "host": HOST,
        "user-agent": "test/echo",
        "x-amzn-tls-cipher-suite": "TLS_AES_128_GCM_SHA256",
        "x-amzn-tls-version": "TLSv1.3",
        "x-amzn-trace-id": "Root=1-67659810-101d2f353e7cd9797a9aa4ba",
        "x-forwarded-for": "192.0.2.1",
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https"
    });
    assert_eq!(event["headers"], headers);
    assert_eq!(event["rawPath"], "/pa2%Fth/1");
    assert_eq!(event["requestContext"]["http"]["path"], "/pa2%Fth/1");
    let query = json!({ "q": "query", "multiQuery": "foo,/bar" });
    assert_eq!(event["queryStringParameters"], query);
    assert_eq!(event["body"], r#"{"foo": "bar"}"#);
    assert_eq!(event["isBase64Encoded"], false);
    assert_eq!(event["requestContext"]["accountId"], "anonymous");
    assert_eq!(event["requestContext"]["domainPrefix"], "u1");
    assert!(event["requestContext"].get("authorizer").is_none());
}

/// `test_lambda_url_form_payload`
#[test]
fn a_form_is_base64() {
    let form = post(
        "/test/value",
        "multipart/form-data; boundary=4efd",
        b"\r\n--4efd--\r\n",
    );
    let event = of(&form, None);
    assert_eq!(event["body"], "DQotLTRlZmQtLQ0K");
    assert_eq!(event["isBase64Encoded"], true);
}

/// `test_lambda_url_echo_invoke`
#[test]
fn without_a_body_there_is_no_body() {
    let event = of(&post("/", "text/plain", b""), None);
    assert_eq!(event.get("body"), None);
    assert_eq!(event["isBase64Encoded"], false);
    assert_eq!(event.get("queryStringParameters"), None);
}

#[test]
fn who_signed_is_told() {
    let caller = Caller::Iam(IamCaller {
        account_id: "123456789012".to_owned(),
        access_key: "AKIA".to_owned(),
        ..IamCaller::default()
    });
    let event = of(&post("/", "text/plain", b""), Some(&caller));
    assert_eq!(event["requestContext"]["accountId"], "123456789012");
    assert_eq!(
        event["requestContext"]["authorizer"]["iam"]["accessKey"],
        "AKIA"
    );
}

/// `test_lambda_url_invocation`, all eight of them, by what Python's runtime sends.
#[test]
fn answers_are_what_was_recorded() {
    for (payload, content) in [
        (r#"{"hello": "world"}"#, r#"{"hello":"world"}"#),
        (r#"{"statusCode": 200, "body": "body123"}"#, "body123"),
        (
            r#"{"statusCode": 200, "body": "{\"hello\": \"world\"}"}"#,
            r#"{"hello": "world"}"#,
        ),
        (r#"["hello", 3, true]"#, r#"["hello",3,true]"#),
        (r#""hello""#, "hello"),
        ("3", "3"),
        ("3.1", "3.1"),
        ("true", "true"),
    ] {
        let answer = answer(payload.as_bytes()).unwrap();
        assert_eq!((answer.status, &answer.body[..]), (200, content.as_bytes()));
        let json = ("Content-Type".to_owned(), "application/json".to_owned());
        assert_eq!(answer.headers, [json]);
    }
}

/// `test_lambda_url_headers_and_status`
#[test]
fn an_answer_has_its_own_status_and_headers() {
    let reply = json!({
        "statusCode": 201,
        "headers": { "Content-Type": "application/json", "My-Custom-Header": "Custom Value" },
        "body": r#"{"message": "hello-world"}"#,
        "isBase64Encoded": false,
    });
    let answer = answer(reply.to_string().as_bytes()).unwrap();
    assert_eq!(answer.status, 201);
    let custom = ("My-Custom-Header".to_owned(), "Custom Value".to_owned());
    assert!(answer.headers.contains(&custom));
    let teapot = json!({ "statusCode": "418", "body": "i'm a teapot", "isBase64Encoded": false });
    let answer = super::answer(teapot.to_string().as_bytes()).unwrap();
    assert_eq!(
        (answer.status, &answer.body[..]),
        (418, &b"i'm a teapot"[..])
    );
    assert!(super::answer(br#"{"statusCode": "x"}"#).is_err());
}

#[test]
fn refusals_are_what_was_recorded() {
    let text = |answer: &Answer| String::from_utf8_lossy(&answer.body).into_owned();
    let failed = bad_gateway();
    assert_eq!(
        (failed.status, text(&failed).as_str()),
        (502, "Internal Server Error")
    );
    let forbidden = forbidden();
    let wanted = r#"{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}"#;
    assert_eq!((forbidden.status, text(&forbidden).as_str()), (403, wanted));
    let error = (
        "x-amzn-ErrorType".to_owned(),
        "AccessDeniedException".to_owned(),
    );
    assert!(forbidden.headers.contains(&error));
    let unknown = unknown();
    assert_eq!(
        (unknown.status, text(&unknown).as_str()),
        (403, r#"{"Message":null}"#)
    );
}

#[test]
fn every_answer_has_the_ids_of_its_request() {
    let mut answer = bad_gateway();
    finish(&mut answer, &stamp());
    finish(&mut answer, &stamp());
    let names: Vec<&str> = answer.headers.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(
        names,
        ["Content-Type", "x-amzn-RequestId", "X-Amzn-Trace-Id"]
    );
}

proptest! {
    #[test]
    fn no_request_and_no_answer_is_too_strange(
        path in "\\PC{0,20}", payload in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut request = fixtures::request("GET", "/");
        request.path = path;
        prop_assert!(of(&request, None)["headers"].is_object());
        let _ = answer(&payload);
    }
}
