//! Each is what a live API was seen to send, or the developer guide says; ids and addresses are ours.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::caller::Caller;
use crate::http::Request;
use crate::http::fixtures::{request, stamp, whereabouts};

/// The event of a request that meets that route.
fn event(request: &Request, route: &str, stage: &str, make: fn(&Exchange<'_>) -> Value) -> Value {
    let none = BTreeMap::new();
    event_of(request, route, stage, (None, &none), make)
}

/// The same with whom an authorizer let in, and variables of the stage.
fn event_of(
    request: &Request,
    route: &str,
    stage: &str,
    (caller, stage_variables): (Option<&Caller>, &BTreeMap<String, String>),
    make: fn(&Exchange<'_>) -> Value,
) -> Value {
    let stages = Stages::new([stage.to_owned()]);
    let key = RouteKey::parse(route).unwrap();
    let path = stages.find(&request.path).unwrap().path;
    let found = Routes::new([key.clone()]).select(&request.method, &path);
    let found = found.unwrap();
    make(&Exchange {
        request,
        whereabouts: &whereabouts(),
        stamp: &stamp(),
        stage,
        stage_variables,
        route: &key,
        path_parameters: &found.path_parameters,
        caller,
    })
}

fn v2(request: &Request, route: &str) -> Value {
    event(request, route, "$default", event_v2)
}

#[test]
fn payload_2_is_what_was_captured_of_curl() {
    let mut request = request("POST", "/handler/pero");
    request.headers.push(("Accept".into(), "*/*".into()));
    let captured = json!({
        "headers": {
            "accept": "*/*",
            "content-length": "0",
            "host": "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com",
            "user-agent": "curl/8",
            "x-amzn-trace-id": "Root=1-67659810-101d2f353e7cd9797a9aa4ba",
            "x-forwarded-for": "192.0.2.1",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https"
        },
        "isBase64Encoded": false,
        "pathParameters": { "proxy": "pero" },
        "rawPath": "/handler/pero",
        "rawQueryString": "",
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "domainName": "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com",
            "domainPrefix": "a1b2c3d4e5",
            "http": {
                "method": "POST",
                "path": "/handler/pero",
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "curl/8"
            },
            "requestId": "NILjoi6FFiAEJ6A=",
            "routeKey": "ANY /handler/{proxy+}",
            "stage": "$default",
            "time": "06/Feb/2022:16:10:11 +0000",
            "timeEpoch": 1_644_163_811_849_u64
        },
        "routeKey": "ANY /handler/{proxy+}",
        "version": "2.0"
    });
    assert_eq!(v2(&request, "ANY /handler/{proxy+}"), captured);
}

#[test]
fn payload_1_is_what_was_captured_of_curl() {
    let mut request = request("POST", "/handler/");
    request.headers.push(("accept".into(), "*/*".into()));
    let headers = json!({
        "Content-Length": "0",
        "Host": "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com",
        "User-Agent": "curl/8",
        "X-Amzn-Trace-Id": "Root=1-67659810-101d2f353e7cd9797a9aa4ba",
        "X-Forwarded-For": "192.0.2.1",
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
        "accept": "*/*"
    });
    let multi = headers.as_object().unwrap().iter();
    let multi: BTreeMap<_, _> = multi.map(|(name, value)| (name, [value])).collect();
    let captured = json!({
        "body": null,
        "headers": headers,
        "httpMethod": "POST",
        "isBase64Encoded": false,
        "multiValueHeaders": multi,
        "multiValueQueryStringParameters": null,
        "path": "/handler/",
        "pathParameters": { "proxy": "" },
        "queryStringParameters": null,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "domainName": "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com",
            "domainPrefix": "a1b2c3d4e5",
            "extendedRequestId": "NILjoi6FFiAEJ6A=",
            "httpMethod": "POST",
            "identity": {
                "accessKey": null,
                "accountId": null,
                "caller": null,
                "cognitoAmr": null,
                "cognitoAuthenticationProvider": null,
                "cognitoAuthenticationType": null,
                "cognitoIdentityId": null,
                "cognitoIdentityPoolId": null,
                "principalOrgId": null,
                "sourceIp": "192.0.2.1",
                "user": null,
                "userAgent": "curl/8",
                "userArn": null
            },
            "path": "/handler/",
            "protocol": "HTTP/1.1",
            "requestId": "NILjoi6FFiAEJ6A=",
            "requestTime": "06/Feb/2022:16:10:11 +0000",
            "requestTimeEpoch": 1_644_163_811_849_u64,
            "resourceId": "ANY /handler/{proxy+}",
            "resourcePath": "/handler/{proxy+}",
            "stage": "$default"
        },
        "resource": "/handler/{proxy+}",
        "stageVariables": null,
        "version": "1.0"
    });
    let built = event(&request, "ANY /handler/{proxy+}", "$default", event_v1);
    assert_eq!(built, captured);
}

#[test]
fn a_named_stage_stands_in_the_path_and_not_in_the_resource() {
    let request = request("GET", "/dev/agents/1234");
    let built = event(&request, "ANY /agents/{proxy+}", "dev", event_v2);
    assert_eq!(built["rawPath"], "/dev/agents/1234");
    assert_eq!(built["requestContext"]["http"]["path"], "/dev/agents/1234");
    assert_eq!(built["requestContext"]["stage"], "dev");
    assert_eq!(built["pathParameters"], json!({ "proxy": "1234" }));
    let built = event(&request, "ANY /agents/{proxy+}", "dev", event_v1);
    assert_eq!(built["path"], "/dev/agents/1234");
    assert_eq!(built["requestContext"]["path"], "/dev/agents/1234");
    assert_eq!(built["requestContext"]["resourcePath"], "/agents/{proxy+}");
    let arn = event(&request, "ANY /agents/{proxy+}", "dev", |it| {
        json!(route_arn(it))
    });
    let wanted = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/dev/GET/agents/1234";
    assert_eq!(arn, wanted);
}

#[test]
fn headers_are_in_lower_case_and_joined_and_cookies_stand_apart() {
    let mut request = request("GET", "/");
    for (name, value) in [
        ("X-MiXed", "1"),
        ("x-mixed", "2"),
        ("Cookie", "a=1; b=2"),
        ("cookie", "c=3"),
    ] {
        request.headers.push((name.into(), value.into()));
    }
    let event = v2(&request, "$default");
    assert_eq!(event["headers"]["x-mixed"], "1,2");
    assert_eq!(event["cookies"], json!(["a=1", "b=2", "c=3"]));
    assert_eq!(event["headers"].get("cookie"), None);
    assert_eq!(event["routeKey"], "$default");
    assert!(event.get("multiValueHeaders").is_none());
}

#[test]
fn headers_of_payload_1_are_spelt_as_captured_of_postman() {
    let mut request = request("GET", "/");
    for (name, value) in [
        ("Accept", "*/*"),
        ("Cache-Control", "no-cache"),
        ("Postman-Token", "t"),
        ("content-type", "application/json"),
        ("X-A", "1"),
        ("x-a", "2"),
    ] {
        request.headers.push((name.into(), value.into()));
    }
    let event = event(&request, "GET /", "$default", event_v1);
    let names: Vec<&String> = event["headers"].as_object().unwrap().keys().collect();
    let sorted = [
        "Content-Length",
        "Content-Type",
        "Host",
        "Postman-Token",
        "User-Agent",
        "X-A",
        "X-Amzn-Trace-Id",
        "X-Forwarded-For",
        "X-Forwarded-Port",
        "X-Forwarded-Proto",
        "accept",
        "cache-control",
    ];
    assert_eq!(names, sorted);
    assert_eq!(event["headers"]["X-A"], "2");
    assert_eq!(event["multiValueHeaders"]["X-A"], json!(["1", "2"]));
}

#[test]
fn queries_are_decoded_and_the_raw_one_is_raw() {
    let request = request("GET", "/?a=1&a=x%20y&b=%2B+&flag");
    let event2 = v2(&request, "$default");
    assert_eq!(event2["rawQueryString"], "a=1&a=x%20y&b=%2B+&flag");
    let joined = json!({ "a": "1,x y", "b": "+ ", "flag": "" });
    assert_eq!(event2["queryStringParameters"], joined);
    let event1 = event(&request, "$default", "$default", event_v1);
    let last = json!({ "a": "x y", "b": "+ ", "flag": "" });
    assert_eq!(event1["queryStringParameters"], last);
    let all = json!({ "a": ["1", "x y"], "b": ["+ "], "flag": [""] });
    assert_eq!(event1["multiValueQueryStringParameters"], all);
}

#[test]
fn paths_and_their_parameters_are_decoded() {
    let request = request("GET", "/pets/a%20b%2Bc");
    let event = v2(&request, "GET /pets/{id}");
    assert_eq!(event["rawPath"], "/pets/a b+c");
    assert_eq!(event["pathParameters"], json!({ "id": "a b+c" }));
}

#[test]
fn bodies_are_text_or_base64_by_their_type() {
    let mut request = request("POST", "/");
    request.body = Bytes::from_static(b"a=1");
    request.headers.push((
        "Content-Type".into(),
        "application/x-www-form-urlencoded".into(),
    ));
    let form = v2(&request, "$default");
    assert_eq!(
        (&form["body"], &form["isBase64Encoded"]),
        (&json!("YT0x"), &json!(true))
    );
    request
        .headers
        .push(("content-type".into(), "text/plain".into()));
    let text = v2(&request, "$default");
    assert_eq!(
        (&text["body"], &text["isBase64Encoded"]),
        (&json!("a=1"), &json!(false))
    );
    assert_eq!(text["headers"]["content-length"], "3");
}

#[test]
fn what_is_empty_is_left_out_of_payload_2_and_null_in_payload_1() {
    let request = request("GET", "/");
    let event2 = v2(&request, "$default");
    for name in [
        "body",
        "pathParameters",
        "queryStringParameters",
        "stageVariables",
        "cookies",
    ] {
        assert_eq!(event2.get(name), None, "{name}");
    }
    assert_eq!(event2["requestContext"].get("authorizer"), None);
    let event1 = event(&request, "$default", "$default", event_v1);
    for name in [
        "body",
        "pathParameters",
        "queryStringParameters",
        "stageVariables",
        "multiValueQueryStringParameters",
    ] {
        assert_eq!(event1.get(name), Some(&Value::Null), "{name}");
    }
    assert_eq!(event1["requestContext"].get("authorizer"), None);
    assert_eq!(event1["resource"], "$default");
    assert_eq!(event1["requestContext"]["resourceId"], "$default");
}

#[test]
fn who_was_let_in_and_stage_variables_are_told() {
    let request = request("GET", "/");
    let caller = Caller::Lambda {
        principal_id: None,
        context: json!({ "n": 1, "list": [1] }).as_object().cloned().unwrap(),
        latency_ms: 0,
    };
    let variables = BTreeMap::from([("table".to_owned(), "t".to_owned())]);
    let said = (Some(&caller), &variables);
    let event = event_of(&request, "$default", "$default", said, event_v2);
    let lambda = json!({ "lambda": { "n": 1, "list": [1] } });
    assert_eq!(event["requestContext"]["authorizer"], lambda);
    assert_eq!(event["stageVariables"], json!({ "table": "t" }));
}

proptest! {
    #[test]
    fn no_request_is_too_strange_for_an_event(
        method in "\\PC{0,8}", path in "\\PC{0,30}", query in "\\PC{0,30}",
        name in "\\PC{0,10}", value in "\\PC{0,20}",
        body in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut request = request(&method, "/");
        request.path = path;
        request.query = query;
        request.headers.push((name, value));
        request.body = Bytes::from(body);
        for make in [event_v2, event_v1] {
            let built = event(&request, "$default", "$default", make);
            prop_assert!(built["headers"].is_object());
        }
    }
}
