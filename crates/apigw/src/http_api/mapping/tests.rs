#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use super::*;
use crate::http::fixtures::{request, stamp, whereabouts};
use crate::http_api::RouteKey;
use bytes::Bytes;
use proptest::prelude::*;

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |it: &(&str, &str)| (it.0.to_owned(), it.1.to_owned());
    pairs.iter().map(owned).collect()
}

/// Runs something with an exchange of that request.
fn with<T>(request: &Request, run: impl FnOnce(&Exchange<'_>) -> T) -> T {
    let variables = map(&[("env", "test")]);
    run(&Exchange {
        request,
        whereabouts: &whereabouts(),
        stamp: &stamp(),
        stage: "dev",
        stage_variables: &variables,
        route: &RouteKey::parse("GET /pets/{id}").unwrap(),
        path_parameters: &[("id".to_owned(), "a b".to_owned())],
        caller: None,
    })
}

fn changed(request: &Request, pairs: &[(&str, &str)]) -> Request {
    let mappings = RequestMappings::parse(&map(pairs)).unwrap();
    with(request, |exchange| mappings.apply(exchange))
}

fn headers<'a>(request: &'a Request, name: &str) -> Vec<&'a str> {
    let named = request
        .headers
        .iter()
        .filter(|(own, _)| own.eq_ignore_ascii_case(name));
    named.map(|(_, value)| value.as_str()).collect()
}

#[test]
fn headers_are_appended_overwritten_and_removed() {
    let mut request = request("GET", "/dev/pets/1?q=1&q=2");
    for (name, value) in [("X-A", "1"), ("x-a", "2"), ("X-B", "b")] {
        request.headers.push((name.into(), value.into()));
    }
    let changed = changed(
        &request,
        &[
            ("append:header.x-a", "$request.querystring.q"),
            (
                "overwrite:header.X-B",
                "${request.header.x-a} of ${stageVariables.env}",
            ),
            ("append:header.id", "$request.path.id"),
            ("append:header.rid", "$context.requestId"),
            ("append:header.none", "$request.header.none"),
            ("append:header.fixed", "constant"),
            ("remove:header.user-agent", "''"),
        ],
    );
    assert_eq!(headers(&changed, "x-a"), ["1", "2", "1,2"]);
    assert_eq!(headers(&changed, "x-b"), ["1,2 of test"]);
    assert_eq!(headers(&changed, "id"), ["a b"]);
    assert_eq!(headers(&changed, "rid"), ["NILjoi6FFiAEJ6A="]);
    assert_eq!(headers(&changed, "fixed"), ["constant"]);
    assert!(headers(&changed, "none").is_empty());
    assert!(headers(&changed, "user-agent").is_empty());
}

#[test]
fn a_header_is_renamed_as_the_developer_guide_does_it() {
    let mut request = request("GET", "/dev/pets/1");
    request.headers.push(("header1".into(), "v".into()));
    let mappings = [
        ("append:header.header2", "$request.header.header1"),
        ("remove:header.header1", "''"),
    ];
    let changed = changed(&request, &mappings);
    assert_eq!(headers(&changed, "header2"), ["v"]);
    assert!(headers(&changed, "header1").is_empty());
}

#[test]
fn queries_and_paths_are_changed_and_encoded_again() {
    let mut request = request("POST", "/dev/pets/1?a=1&b=x%20y");
    request.body = Bytes::from_static(br#"{"to":"/new path"}"#);
    let changed = changed(
        &request,
        &[
            ("append:querystring.c", "$request.path"),
            ("remove:querystring.a", ""),
            ("overwrite:path", "$request.body.to"),
        ],
    );
    assert_eq!(changed.query, "b=x%20y&c=%2Fpets%2F1");
    assert_eq!(changed.path, "/dev/new%20path");
}

#[test]
fn an_answer_is_changed_by_its_status() {
    let mappings = ResponseMappings::parse(&map(&[
        ("append:header.header1", "$context.requestId"),
        ("overwrite:statuscode", "403"),
        ("overwrite:header.error", "$response.body.why"),
        ("remove:header.server", "''"),
    ]));
    let mut answer = Answer::message(500, "x");
    answer.body = Bytes::from_static(br#"{"why":"because"}"#);
    answer.headers.push(("Server".into(), "s".into()));
    let request = request("GET", "/dev/pets/1");
    with(&request, |exchange| {
        mappings.unwrap().apply(&mut answer, exchange)
    });
    assert_eq!(answer.status, 403);
    let names: Vec<&str> = answer
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["Content-Type", "header1", "error"]);
    assert_eq!(answer.headers[2].1, "because");
}

#[test]
fn nobody_can_smuggle_a_header_by_a_value() {
    let request = request("GET", "/dev/pets/1?q=a%0d%0ab:c");
    let changed = changed(&request, &[("append:header.x", "$request.querystring.q")]);
    assert!(headers(&changed, "x").is_empty());
}

#[test]
fn what_aws_does_not_accept_is_named() {
    let of = |key: &str, value: &str| RequestMappings::parse(&map(&[(key, value)])).unwrap_err();
    for key in [
        "",
        "header.x",
        "set:header.x",
        "append:path",
        "append:header.",
        "overwrite:statuscode",
    ] {
        assert_eq!(of(key, "x"), MappingError::Key(key.to_owned()));
    }
    for name in [
        "Authorization",
        "X-Amzn-Trace-Id",
        "access-control-allow-origin",
        "X-Forwarded-For",
    ] {
        let key = format!("append:header.{name}");
        assert_eq!(of(&key, "x"), MappingError::Reserved(name.to_owned()));
    }
    for value in [
        "$",
        "$request",
        "$request.header.",
        "$response.header.x",
        "${request.path",
        "$nothing.x",
    ] {
        assert!(
            matches!(of("append:header.x", value), MappingError::Value(_)),
            "{value}"
        );
    }
    let path = of("append:header.x", "$request.body..x");
    assert!(matches!(path, MappingError::Path { .. }));
    let response = ResponseMappings::parse(&map(&[("overwrite:path", "x")]));
    assert!(response.is_err());
}

proptest! {
    #[test]
    fn queries_come_back_as_they_were(pairs in prop::collection::vec(("\\PC{1,8}", "\\PC{0,8}"), 0..5)) {
        prop_assert_eq!(query::decode(&encode_query(&pairs)), pairs);
    }

    #[test]
    fn no_mapping_is_too_strange(key in "(append|overwrite|remove|x)?:?(header\\.|querystring\\.|path)?\\PC{0,6}", value in "\\PC{0,20}") {
        let parsed = RequestMappings::parse(&map(&[(&key, &value)]));
        if let Ok(mappings) = parsed {
            let request = request("GET", "/dev/pets/1");
            let _ = with(&request, |exchange| mappings.apply(exchange));
        }
    }
}
