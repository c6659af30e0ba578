//! Lambda proxy integrations: `test_apigateway_lambda.py`.

use crate::scene::{Scene, assert_same, recording, request};
use serde_json::{Map, Value, json};
use tether_apigw::InvokeResult;
use tether_apigw::http::{Answer, Request};
use tether_apigw::rest::{
    Exchange, GatewayResponse, GatewayResponses, MediaTypes, finish, proxy_answer, proxy_event,
};

const FILE: &str = "test_apigateway_lambda.snapshot.json";

fn get(target: &str) -> Request {
    let headers = [
        ("User-Agent", "python-requests/testing"),
        ("tEsT-HEADeR", "aValUE"),
        ("authorization", "random-value"),
    ];
    request("GET", target, &headers, "")
}

#[test]
fn functions_of_a_proxy_resource_see_the_recorded_events() {
    let Some(recorded) = recording(FILE, "::test_lambda_aws_proxy_integration") else {
        return;
    };
    let query = "dateTimeOffset=2023-06-12T18:05:10.123456+00:00&email=test%2Balias@gmail.com\
        &plus=test+alias@gmail.com&url=https://www.google.com/&whitespace=foo%20bar&zhash=abort/";
    let headers = [
        ("Content-Type", "application/json;charset=utf-8"),
        ("aUThorization", "Bearer token123;API key456"),
        ("User-Agent", "python-requests/testing"),
    ];
    let multi = "/stage/proxy-value?category=electronics&category=books&price=10&price=20&price=30";
    let sent = [
        ("without-trailing-slash", get("/stage/proxy-value")),
        ("with-trailing-slash", get("/stage/proxy-value/")),
        ("with-double-slash", get("/stage/proxy-value//double-slash")),
        ("with-prepended-slash-to-stage", get("//stage/proxy-value")),
        ("with-prepended-slash", get("/stage//proxy-value")),
        (
            "without-trailing-slash-and-query-params",
            get("/stage/proxy-value?urlparam=test"),
        ),
        (
            "with-trailing-slash-and-query-params",
            get("/stage/proxy-value/?urlparam=test"),
        ),
        (
            "with-path-encoded-email",
            get("/stage/proxy-value/api/user/test%2Balias@gmail.com/plus/test+alias@gmail.com"),
        ),
        (
            "with-params-encoding",
            get(&format!("/stage/proxy-value/api?{query}")),
        ),
        (
            "with-params-encoding-multi",
            request("POST", multi, &headers, r#"{"message": "hello world"}"#),
        ),
    ];
    let scene = Scene::new("stage", &[("ANY", "/{proxy+}"), ("ANY", "/hardcoded")]);
    for (name, request) in &sent {
        let key = format!("invocation-payload-{name}");
        let event = proxy_event(&scene.exchange(request), &MediaTypes::default());
        assert_same(&recorded[&key], &event, name);
    }
    let hardcoded = get("/stage//hardcoded");
    let event = proxy_event(&scene.exchange(&hardcoded), &MediaTypes::default());
    assert_same(&recorded["invocation-hardcoded"], &event, "hardcoded");
    assert_eq!(recorded.as_object().unwrap().len(), sent.len() + 1);
}

#[test]
fn a_path_parameter_and_a_body_are_in_the_recorded_event() {
    let test = "::test_lambda_aws_proxy_integration_request_data_mapping";
    let Some(recorded) = recording(FILE, test) else {
        return;
    };
    let headers = [
        ("Content-Type", "application/json"),
        ("Accept", "application/json"),
        ("foobar", "mapped-value"),
        ("user-Agent", "test/integration"),
        ("headerVar", "request-value"),
    ];
    let target = "/test/foobar?testQueryString=foo&testVar=bar";
    let request = request("POST", target, &headers, r#"{"message": "hello world"}"#);
    let scene = Scene::new("test", &[("ANY", "/{pathVariable}")]);
    let event = proxy_event(&scene.exchange(&request), &MediaTypes::default());
    let recorded = &recorded["http-proxy-invocation-data-mapping"];
    assert_same(&recorded["content"], &event, "event");
}

fn answered(exchange: &Exchange<'_>, result: &InvokeResult<'_>) -> Answer {
    let binary = MediaTypes::default();
    let mut answer = match proxy_answer(exchange, result, &binary) {
        Ok(answer) => answer,
        Err(fault) => GatewayResponses::default().answer(&fault, exchange),
    };
    finish(&mut answer, exchange.stamp);
    answer
}

/// As the recording client wrote an answer down: JSON if it is some, and repeated headers joined.
fn written(answer: &Answer, with_headers: bool) -> Value {
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    let content = serde_json::from_str(&text).unwrap_or(Value::String(text));
    if !with_headers {
        return json!({ "content": content });
    }
    let mut headers = Map::new();
    for (name, value) in &answer.headers {
        let joined = match headers.get(name).and_then(Value::as_str) {
            Some(before) => format!("{before}, {value}"),
            None => value.clone(),
        };
        headers.insert(name.clone(), Value::String(joined));
    }
    // The front's to add.
    headers.insert(
        "Content-Length".to_owned(),
        answer.body.len().to_string().into(),
    );
    json!({ "content": content, "headers": headers })
}

/// What the recorded function returned, by the recording's names, and the status that it became.
const RETURNED: [(&str, u16, &str); 14] = [
    ("no-body", 200, r#"{"statusCode":200}"#),
    (
        "with-headers",
        200,
        r#"{"statusCode":200,"headers":{"test-header":"value","header-bool":true}}"#,
    ),
    (
        "with-headers-null",
        200,
        r#"{"statusCode":200,"headers":null}"#,
    ),
    (
        "wrong-format",
        502,
        r#"{"statusCode":200,"wrongValue":"value"}"#,
    ),
    (
        "b64-encoded-true",
        200,
        r#"{"statusCode":200,"body":"dGVzdC1kYXRh","isBase64Encoded":true}"#,
    ),
    (
        "b64-encoded-false",
        200,
        r#"{"statusCode":200,"body":"dGVzdC1kYXRh"}"#,
    ),
    (
        "multi-headers-valid",
        200,
        r#"{"statusCode":200,"multiValueHeaders":{"test-multi":["value1","value2"]}}"#,
    ),
    (
        "multi-headers-overwrite",
        200,
        r#"{"statusCode":200,"multiValueHeaders":{"test-multi":["value-multi"]},"headers":{"test-multi":"value-solo"}}"#,
    ),
    (
        "multi-headers-overwrite-casing",
        200,
        r#"{"statusCode":200,"multiValueHeaders":{"tesT-Multi":["value-multi"]},"headers":{"test-multi":"value-solo"}}"#,
    ),
    (
        "multi-headers-invalid",
        502,
        r#"{"statusCode":200,"multiValueHeaders":{"test-multi-invalid":"value1"}}"#,
    ),
    ("invalid-status-code", 502, r#"{"statusCode":"test"}"#),
    ("status-code-str", 201, r#"{"statusCode":"201"}"#),
    ("just-string", 502, r#""justAString""#),
    (
        "only-headers",
        200,
        r#"{"headers":{"test-header":"value"}}"#,
    ),
];

#[test]
fn clients_get_the_recorded_answers() {
    let test = "::test_aws_proxy_response_payload_format_validation";
    let Some(recorded) = recording(FILE, test) else {
        return;
    };
    let request = request("POST", "/test/test", &[("User-Agent", "python/test")], "");
    let scene = Scene::new("test", &[("ANY", "/{proxy+}")]);
    let exchange = scene.exchange(&request);
    for (name, status, payload) in RETURNED {
        let answer = answered(&exchange, &InvokeResult::Answer(payload.as_bytes()));
        let recorded = &recorded[format!("invoke-api-{name}")];
        let with_headers = recorded.get("headers").is_some();
        assert_eq!(answer.status, status, "{name}");
        assert_same(recorded, &written(&answer, with_headers), name);
    }
    let answer = answered(&exchange, &InvokeResult::Answer(b"{}"));
    assert_eq!(answer.status, 502);
    assert_same(
        &recorded["invoke-api-empty-response"],
        &written(&answer, false),
        "empty",
    );
    assert_eq!(recorded.as_object().unwrap().len(), RETURNED.len() + 1);
}

#[test]
fn a_function_that_may_not_be_called_is_the_recorded_500() {
    let test = "::test_lambda_aws_proxy_integration_non_post_method";
    let Some(recorded) = recording(FILE, test) else {
        return;
    };
    let request = get("/test/test-path");
    let scene = Scene::new("test", &[("ANY", "/{proxy+}")]);
    let exchange = scene.exchange(&request);
    // The recorded API declares the gateway response, without anything in it.
    let own = ("INTEGRATION_FAILURE".to_owned(), GatewayResponse::default());
    let responses = GatewayResponses([own].into());
    let failed = proxy_answer(&exchange, &InvokeResult::Failed, &MediaTypes::default());
    let answer = responses.answer(&failed.unwrap_err(), &exchange);
    assert_eq!(answer.status, 500);
    let recorded = &recorded["invocation-payload-with-get-proxy-method"];
    assert_same(recorded, &written(&answer, false)["content"], "answer");
}
