//! The events of HTTP APIs, of function URLs and of their authorizers, read by the types that Rust
//! functions have for them (`aws_lambda_events`): with every member that may be there, and with none.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use aws_lambda_events::apigw::{
    ApiGatewayCustomAuthorizerRequest, ApiGatewayProxyRequest,
    ApiGatewayV2CustomAuthorizerV1Request, ApiGatewayV2CustomAuthorizerV2Request,
    ApiGatewayV2httpRequest,
};
use aws_lambda_events::lambda_function_urls::LambdaFunctionUrlRequest;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use tether_apigw::authorizer::{request_event_v1, request_event_v2, token_event};
use tether_apigw::caller::{Caller, IamCaller};
use tether_apigw::http::{Request, Stamp, Whereabouts};
use tether_apigw::http_api::{Exchange, RouteKey, event_v1, event_v2};
use tether_apigw::url::{self, Visit};

fn read<T: DeserializeOwned>(event: &Value) -> T {
    let read = serde_json::from_value(event.clone());
    read.unwrap_or_else(|error| panic!("{error}: {event:#}"))
}

fn map(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

/// Everybody who may be let in, and nobody.
fn callers() -> [Option<Caller>; 4] {
    let jwt = Caller::Jwt {
        claims: map(&json!({ "sub": "alice", "exp": "1800000000" })),
        scopes: Some(vec!["read".to_owned()]),
    };
    let lambda = Caller::Lambda {
        principal_id: Some("me".to_owned()),
        context: map(&json!({ "tenant": "t", "n": 1 })),
        latency_ms: 3,
    };
    let iam = Caller::Iam(IamCaller {
        access_key: "AKIA".to_owned(),
        account_id: "123456789012".to_owned(),
        user_id: "AIDA".to_owned(),
        user_arn: "arn:aws:iam::123456789012:user/alice".to_owned(),
        principal_org_id: None,
    });
    [None, Some(jwt), Some(lambda), Some(iam)]
}

fn request(full: bool) -> Request {
    let mut request = Request {
        method: "POST".to_owned(),
        path: "/dev/pets/1".to_owned(),
        query: String::new(),
        headers: vec![("Host".to_owned(), "localhost:3000".to_owned())],
        body: Bytes::new(),
        source_ip: "192.0.2.1".to_owned(),
        port: 443,
        scheme: "https".to_owned(),
        protocol: "HTTP/1.1".to_owned(),
    };
    if full {
        request.query = "a=1&a=2&b=x%20y".to_owned();
        request.body = Bytes::from_static(&[0xff, 0]);
        for (name, value) in [("Cookie", "c=1; d=2"), ("X-A", "1"), ("x-a", "2")] {
            request.headers.push((name.to_owned(), value.to_owned()));
        }
    }
    request
}

/// Both requests of everybody.
fn each(check: impl Fn(&Exchange<'_>, bool)) {
    let whereabouts = Whereabouts {
        api_id: "a1b2c3d4e5".to_owned(),
        partition: "aws".to_owned(),
        region: "eu-west-1".to_owned(),
        account_id: "123456789012".to_owned(),
        domain_name: "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com".to_owned(),
    };
    let stamp = Stamp {
        request_id: "JKJaXmPLvHcESHA=".to_owned(),
        extended_request_id: "JKJaXmPLvHcESHA=".to_owned(),
        trace_id: "Root=1-67659810-101d2f353e7cd9797a9aa4ba".to_owned(),
        now_ms: 1_700_000_000_000,
    };
    for full in [false, true] {
        let variables = BTreeMap::from([("table".to_owned(), "t".to_owned())]);
        let none = BTreeMap::new();
        for caller in &callers() {
            let exchange = Exchange {
                request: &request(full),
                whereabouts: &whereabouts,
                stamp: &stamp,
                stage: "dev",
                stage_variables: if full { &variables } else { &none },
                route: &RouteKey::parse("POST /pets/{id}").unwrap(),
                path_parameters: &[("id".to_owned(), "1".to_owned())],
                caller: caller.as_ref(),
            };
            check(&exchange, full);
        }
    }
}

#[test]
fn payload_2_is_the_type_of_http_apis() {
    each(|exchange, full| {
        let event: ApiGatewayV2httpRequest = read(&event_v2(exchange));
        assert_eq!(event.route_key.as_deref(), Some("POST /pets/{id}"));
        assert_eq!(event.raw_path.as_deref(), Some("/dev/pets/1"));
        assert_eq!(event.path_parameters["id"], "1");
        assert_eq!(event.is_base64_encoded, full);
        assert_eq!(event.cookies.is_some(), full);
        let authorizer = event.request_context.authorizer;
        assert_eq!(authorizer.is_some(), exchange.caller.is_some());
        match (exchange.caller, authorizer) {
            (Some(Caller::Jwt { .. }), Some(read)) => {
                assert_eq!(read.jwt.unwrap().claims["sub"], "alice");
            }
            (Some(Caller::Lambda { .. }), Some(read)) => assert_eq!(read.fields["tenant"], "t"),
            (Some(Caller::Iam(_)), Some(read)) => {
                assert_eq!(read.iam.unwrap().user_id.as_deref(), Some("AIDA"));
            }
            _ => {}
        }
    });
}

#[test]
fn payload_1_is_the_type_of_rest_apis() {
    each(|exchange, full| {
        let event: ApiGatewayProxyRequest = read(&event_v1(exchange));
        assert_eq!(event.resource.as_deref(), Some("/pets/{id}"));
        assert_eq!(event.path.as_deref(), Some("/dev/pets/1"));
        let values = event.multi_value_headers.get_all("x-a").iter().count();
        assert_eq!(values, if full { 2 } else { 0 });
        let key = event.request_context.identity.access_key;
        let signed = matches!(exchange.caller, Some(Caller::Iam(_)));
        assert_eq!(key.is_some(), signed);
    });
}

#[test]
fn authorizers_get_their_types() {
    each(|exchange, full| {
        let identity = ["token".to_owned(), "two".to_owned()];
        let event = request_event_v2(exchange, &identity);
        let event: ApiGatewayV2CustomAuthorizerV2Request = read(&event);
        assert_eq!(event.identity_source.unwrap(), identity);
        assert_eq!(event.query_string_parameters.is_empty(), !full);
        let event = request_event_v1(exchange, &identity);
        let event: ApiGatewayV2CustomAuthorizerV1Request = read(&event);
        assert_eq!(event.authorization_token.as_deref(), Some("token,two"));
        let _: ApiGatewayV2CustomAuthorizerV2Request = read(&request_event_v2(exchange, &[]));
    });
    let event: ApiGatewayCustomAuthorizerRequest = read(&token_event("arn", "Bearer x"));
    assert_eq!(event.authorization_token.as_deref(), Some("Bearer x"));
    assert_eq!(event.method_arn.as_deref(), Some("arn"));
}

#[test]
fn function_urls_have_a_type_of_their_own() {
    each(|exchange, full| {
        let signed = exchange.caller.filter(|it| it.iam().is_some());
        let event: LambdaFunctionUrlRequest = read(&url::event(&Visit {
            request: exchange.request,
            whereabouts: exchange.whereabouts,
            stamp: exchange.stamp,
            caller: signed,
        }));
        assert_eq!(event.raw_path.as_deref(), Some("/dev/pets/1"));
        assert_eq!(event.body.is_some(), full);
        let iam = event.request_context.authorizer.and_then(|it| it.iam);
        assert_eq!(iam.is_some(), signed.is_some());
    });
}
