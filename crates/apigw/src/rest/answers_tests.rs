use super::super::fixtures::{Scene, request, with};
use super::*;
use proptest::prelude::*;
use serde_json::json;

fn answer_to(accept: &str, binary: &[&str], payload: &str) -> Result<Answer, Fault> {
    let scene = Scene::new(with(request("GET", "/dev/"), &[("Accept", accept)], ""));
    let binary = MediaTypes(binary.iter().map(|it| (*it).to_owned()).collect());
    proxy_answer(
        &scene.exchange(),
        &InvokeResult::Answer(payload.as_bytes()),
        &binary,
    )
}

fn answer(payload: &str) -> Answer {
    answer_to("*/*", &[], payload).unwrap()
}

fn reason(payload: &str) -> String {
    let fault = answer_to("*/*", &[], payload).unwrap_err();
    assert_eq!((fault.kind, fault.status()), (FaultKind::BadGateway, 502));
    fault.reason
}

fn named(answer: &Answer, name: &str) -> Vec<String> {
    let mut values = Vec::new();
    for (other, value) in &answer.headers {
        if other == name {
            values.push(value.clone());
        }
    }
    values
}

#[test]
fn a_status_is_200_unless_it_says_another() {
    assert_eq!(answer(r#"{"headers":{"a":"b"}}"#).status, 200);
    assert_eq!(answer(r#"{"statusCode":null,"body":"x"}"#).status, 200);
    assert_eq!(answer(r#"{"statusCode":201}"#).status, 201);
    assert_eq!(answer(r#"{"statusCode":"201"}"#).status, 201);
    assert_eq!(answer(r#"{"statusCode":599}"#).status, 599);
}

#[test]
fn what_is_no_proxy_answer_is_502_with_a_reason() {
    for (payload, said) in [
        ("null", "is null and not an object"),
        ("\"just-string\"", "is a string and not an object"),
        ("oops", "is not JSON and not an object"),
        ("", "is not JSON and not an object"),
        ("[1]", "is a list and not an object"),
        (
            r#"{"statusCode":200,"wrongValue":"value"}"#,
            "the key \"wrongValue\"",
        ),
        (r#"{"statusCode":200,"cookies":[]}"#, "the key \"cookies\""),
        (
            r#"{"statusCode":"test"}"#,
            "statusCode \"test\" is no HTTP status",
        ),
        (r#"{"statusCode":99}"#, "statusCode 99 is no HTTP status"),
        (r#"{"statusCode":600}"#, "statusCode 600"),
        (r#"{"statusCode":true}"#, "statusCode true"),
        (r#"{"headers":[]}"#, "headers is a list and not an object"),
        (r#"{"headers":{"a":{}}}"#, "the header a is an object"),
        (
            r#"{"headers":{"a":"b\r\nc: d"}}"#,
            "the header \"a\" cannot be sent",
        ),
        (
            r#"{"headers":{"a b":"c"}}"#,
            "the header \"a b\" cannot be sent",
        ),
        (
            r#"{"multiValueHeaders":{"a":"b"}}"#,
            "multiValueHeaders.a is a string and not a list",
        ),
        (
            r#"{"multiValueHeaders":{"a":[[]]}}"#,
            "the header a is a list",
        ),
        (r#"{"body":{}}"#, "body is an object and not a string"),
        (r#"{"isBase64Encoded":1}"#, "isBase64Encoded is a number"),
    ] {
        let reason = reason(payload);
        assert!(reason.contains(said), "{payload}: {reason}");
        assert!(!reason.contains('\n'), "{reason}");
    }
}

#[test]
fn a_function_that_failed_is_502_and_one_that_did_not_run_500() {
    let scene = Scene::new(request("GET", "/dev/"));
    let fail = |result| proxy_answer(&scene.exchange(), &result, &MediaTypes::default());
    let raised = br#"{"errorMessage":"boom","errorType":"Oops"}"#;
    let fault = fail(InvokeResult::FunctionError(raised)).unwrap_err();
    assert_eq!((fault.kind, fault.status()), (FaultKind::BadGateway, 502));
    assert!(fault.reason.contains("\"Oops\" \"boom\""), "{fault}");
    let fault = fail(InvokeResult::Failed).unwrap_err();
    assert_eq!(
        (fault.kind, fault.status()),
        (FaultKind::IntegrationFailure, 500)
    );
}

#[test]
fn values_are_text_and_null_is_no_header() {
    let answer = answer(
        r#"{"headers":{"a":true,"b":7,"c":null,"d":"x"},"multiValueHeaders":null,"body":12}"#,
    );
    assert_eq!(named(&answer, "a"), ["true"]);
    assert_eq!(named(&answer, "b"), ["7"]);
    assert!(named(&answer, "c").is_empty());
    assert_eq!(&answer.body[..], b"12");
}

#[test]
fn both_maps_of_headers_are_merged_and_the_spelling_of_the_lists_wins() {
    let answer = answer(
        r#"{"headers":{"test-multi":"solo","B":"1","c":"2"},
            "multiValueHeaders":{"tesT-Multi":["multi"],"b":["1","3"]}}"#,
    );
    assert_eq!(named(&answer, "tesT-Multi"), ["multi", "solo"]);
    assert_eq!(named(&answer, "b"), ["1", "3"]);
    assert!(named(&answer, "B").is_empty());
    assert_eq!(named(&answer, "c"), ["2"]);
}

#[test]
fn an_answer_without_a_content_type_is_json() {
    assert_eq!(
        named(&answer(r#"{"headers":null}"#), "Content-Type"),
        ["application/json"]
    );
    let own = answer(r#"{"headers":{"content-type":"text/html"}}"#);
    assert_eq!(named(&own, "content-type"), ["text/html"]);
    assert!(named(&own, "Content-Type").is_empty());
}

#[test]
fn headers_that_are_the_gateways_are_renamed() {
    let answer = answer(
        r#"{"headers":{"Date":"d","content-length":"3","Connection":"close","Server":"s",
            "WWW-Authenticate":"Basic","x-amzn-RequestId":"r","Transfer-Encoding":"chunked",
            "X-Amzn-Trace-Id":"mine"}}"#,
    );
    let names: Vec<&str> = answer
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "x-amzn-Remapped-Date",
            "x-amzn-Remapped-content-length",
            "x-amzn-Remapped-Connection",
            "x-amzn-Remapped-Server",
            "x-amzn-Remapped-WWW-Authenticate",
            "x-amzn-Remapped-x-amzn-RequestId",
            "Content-Type",
            "X-Amzn-Trace-Id",
        ]
    );
    assert_eq!(
        named(&answer, TRACE_ID),
        ["Root=1-67659810-101d2f353e7cd9797a9aa4ba"]
    );
}

#[test]
fn base64_is_decoded_for_those_who_accept_a_binary_type() {
    let encoded = r#"{"body":"/w==","isBase64Encoded":true}"#;
    let body = |accept, binary: &[&str]| answer_to(accept, binary, encoded).unwrap().body;
    assert_eq!(&body("image/png", &["image/png"])[..], &[0xff]);
    assert_eq!(&body("*/*", &["*/*"])[..], &[0xff]);
    assert_eq!(&body("text/html, image/png", &["image/png"])[..], b"/w==");
    assert_eq!(&body("*/*", &[])[..], b"/w==");
    let plain = answer_to("*/*", &["*/*"], r#"{"body":"/w=="}"#).unwrap();
    assert_eq!(&plain.body[..], b"/w==");
    let broken = answer_to("*/*", &["*/*"], r#"{"body":"%%","isBase64Encoded":true}"#);
    let fault = broken.unwrap_err();
    assert_eq!(
        (fault.kind, fault.status()),
        (FaultKind::ApiConfigurationError, 500)
    );
}

#[test]
fn a_streamed_head_is_treated_like_an_answer() {
    let scene = Scene::new(request("GET", "/dev/"));
    let headers = [("Date", "d"), ("x-mine", "m"), ("bad", "a\nb")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let head = stream_head(
        &scene.exchange(),
        206,
        &headers,
        &["a=1".to_owned(), "b=2".to_owned()],
    );
    assert_eq!(head.status, 206);
    assert_eq!(named(&head, "x-amzn-Remapped-Date"), ["d"]);
    assert_eq!(named(&head, "x-mine"), ["m"]);
    assert_eq!(named(&head, "set-cookie"), ["a=1", "b=2"]);
    assert!(named(&head, "bad").is_empty());
}

#[test]
fn a_body_is_compressed_from_its_size_on_for_those_who_accept_it() {
    let decide = |accept: &str, payload: &str, minimum| {
        let sent = with(request("GET", "/dev/"), &[("Accept-Encoding", accept)], "");
        compression(&Scene::new(sent).exchange(), &answer(payload), minimum)
    };
    let body = r#"{"body":"0123456789"}"#;
    assert_eq!(decide("br, gzip", body, Some(10)), Some(Compression::Gzip));
    assert_eq!(
        decide("deflate, gzip", body, Some(0)),
        Some(Compression::Deflate)
    );
    assert_eq!(
        decide("gzip;q=0, deflate", body, Some(0)),
        Some(Compression::Deflate)
    );
    for accept in ["deflate;q=0.5, gzip;q=1.0", "deflate;q=0.5,*", "gzip;q=0.1"] {
        let decided = decide(accept, body, Some(0));
        assert_eq!(decided, Some(Compression::Gzip), "{accept}");
    }
    for accept in [
        "br, gzip;q=0.8",
        "identity, gzip;q=0.5",
        "gzip;q=0",
        "*;q=0",
        "",
    ] {
        assert_eq!(decide(accept, body, Some(0)), None, "{accept}");
    }
    assert_eq!(decide("gzip", body, Some(11)), None);
    assert_eq!(decide("gzip", body, None), None);
    assert_eq!(decide("br", body, Some(0)), None);
    assert_eq!(decide("gzip", "{\"statusCode\":204}", Some(0)), None);
    let encoded = r#"{"body":"0123456789","headers":{"content-encoding":"br"}}"#;
    assert_eq!(decide("gzip", encoded, Some(0)), None);
}

#[test]
fn every_answer_carries_both_ids() {
    let scene = Scene::new(request("GET", "/dev/"));
    let mut answer = answer(r#"{"statusCode":200}"#);
    finish(&mut answer, &scene.stamp);
    assert_eq!(
        named(&answer, "x-amzn-RequestId"),
        [scene.stamp.request_id.as_str()]
    );
    assert_eq!(named(&answer, "x-amz-apigw-id"), ["JKJaXmPLvHcESHA="]);
}

proptest! {
    #[test]
    fn no_payload_is_too_strange(key in "(statusCode|headers|body|x)", value in "[\\PC]{0,8}") {
        let payload = json!({ key: value }).to_string();
        let _ = answer_to("*/*", &["*/*"], &payload);
        let _ = answer_to("*/*", &["*/*"], &value);
    }
}
