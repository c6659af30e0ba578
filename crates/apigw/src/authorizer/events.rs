//! The events of authorizer functions
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-input.html>,
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>).

use regex_lite::Regex;
use serde_json::{Map, Value, json};

use crate::http_api::Exchange;
use crate::http_api::events::{context_v1, context_v2, head_v2, maps, spelled_v1, tail_v2};
use crate::http_api::route_arn;
use crate::query;

/// What a token must look like before a TOKEN authorizer is asked: `IdentityValidationExpression`.
#[derive(Debug, Clone)]
pub struct Validation(Regex);

/// An expression that cannot be read here: those of AWS are Java's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the validation expression {expression:?} cannot be used: {reason}; look-around and back-references are not supported"
)]
pub struct ValidationError {
    expression: String,
    reason: String,
}

impl Validation {
    /// Reads an expression.
    ///
    /// # Errors
    /// If it is none, or needs what is not supported.
    pub fn parse(expression: &str) -> Result<Self, ValidationError> {
        // All of the token must match, as Java's `matches` has it; what is no expression by itself
        // does not become one by being wrapped.
        let alone = Regex::new(expression);
        let whole = alone.and_then(|_| Regex::new(&format!("^(?:{expression})$")));
        whole.map(Self).map_err(|reason| ValidationError {
            expression: expression.to_owned(),
            reason: reason.to_string().replace('\n', " "),
        })
    }

    /// Whether a token looks like one.
    #[must_use]
    pub fn accepts(&self, token: &str) -> bool {
        self.0.is_match(token)
    }
}

/// What a TOKEN authorizer of a REST API gets: these three and nothing else.
#[must_use]
pub fn token_event(method_arn: &str, token: &str) -> Value {
    json!({
        "type": "TOKEN",
        "methodArn": method_arn,
        "authorizationToken": token,
    })
}

/// What a REQUEST authorizer of a REST API gets, made of the event that the method's function would
/// get: without a body, and with empty maps where that has nulls (aws-lambda-go's fixture
/// `apigw-custom-auth-request-type-request.json`).
#[must_use]
pub fn rest_request_event(method_arn: &str, proxy_event: &Value) -> Value {
    let mut event = Map::new();
    event.insert("type".to_owned(), json!("REQUEST"));
    event.insert("methodArn".to_owned(), json!(method_arn));
    for name in ["resource", "path", "httpMethod"] {
        let value = proxy_event.get(name).cloned();
        event.insert(name.to_owned(), value.unwrap_or_default());
    }
    for name in [
        "headers",
        "multiValueHeaders",
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "pathParameters",
        "stageVariables",
    ] {
        let map = proxy_event.get(name).filter(|it| it.is_object());
        let map = map.cloned().unwrap_or_else(|| json!({}));
        event.insert(name.to_owned(), map);
    }
    let mut context = proxy_event.get("requestContext").cloned();
    if let Some(context) = context.as_mut().and_then(Value::as_object_mut) {
        context.remove("authorizer");
    }
    event.insert("requestContext".to_owned(), context.unwrap_or_default());
    Value::Object(event)
}

/// What an authorizer of an HTTP API gets in payload 2.0. Without identity sources there is none
/// `[inf]`.
#[must_use]
pub fn request_event_v2(exchange: &Exchange<'_>, identity: &[String]) -> Value {
    let exchange = &unauthorized(exchange);
    let mut event = Map::new();
    event.insert("version".to_owned(), json!("2.0"));
    event.insert("type".to_owned(), json!("REQUEST"));
    event.insert("routeArn".to_owned(), json!(route_arn(exchange)));
    let identity = (!identity.is_empty()).then_some(identity);
    event.insert("identitySource".to_owned(), json!(identity));
    event.extend(head_v2(exchange));
    event.insert("requestContext".to_owned(), context_v2(exchange));
    tail_v2(exchange, &mut event);
    Value::Object(event)
}

/// What an authorizer of an HTTP API gets in payload 1.0: what identifies the request stands in it
/// twice, joined by commas.
#[must_use]
pub fn request_event_v1(exchange: &Exchange<'_>, identity: &[String]) -> Value {
    let exchange = &unauthorized(exchange);
    let headers = spelled_v1(exchange);
    let (headers, _) = maps(headers.iter().flat_map(|(name, values)| {
        let name = name.as_str();
        values.iter().map(move |value| (name, value.as_str()))
    }));
    let pairs = query::decode(&exchange.request.query);
    let text = |(name, value): &(String, String)| (name.clone(), json!(value));
    let query: Map<String, Value> = pairs.iter().map(text).collect();
    let parameters: Map<String, Value> = exchange.path_parameters.iter().map(text).collect();
    json!({
        "version": "1.0",
        "type": "REQUEST",
        "methodArn": route_arn(exchange),
        "identitySource": identity.join(","),
        "authorizationToken": identity.join(","),
        "resource": exchange.route.path(),
        "path": exchange.path(),
        "httpMethod": exchange.request.method,
        "headers": headers,
        "queryStringParameters": query,
        "pathParameters": parameters,
        "stageVariables": exchange.stage_variables,
        "requestContext": context_v1(exchange),
    })
}

/// Nobody has been let in yet.
fn unauthorized<'a>(exchange: &Exchange<'a>) -> Exchange<'a> {
    Exchange {
        caller: None,
        ..*exchange
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use crate::http::fixtures::{request, stamp, whereabouts};
    use crate::http_api::RouteKey;
    use std::collections::BTreeMap;

    const ARN: &str = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/dev/GET/applications";

    fn keys(value: &Value) -> Vec<&str> {
        let names = value.as_object().unwrap().keys();
        names.map(String::as_str).collect()
    }

    fn http(make: fn(&Exchange<'_>, &[String]) -> Value, path: &str, identity: &[&str]) -> Value {
        let mut request = request("GET", path);
        request
            .headers
            .push(("Authorization".into(), "abc.xyz.123".into()));
        let exchange = Exchange {
            request: &request,
            whereabouts: &whereabouts(),
            stamp: &stamp(),
            stage: "dev",
            stage_variables: &BTreeMap::new(),
            route: &RouteKey::parse("GET /applications").unwrap(),
            path_parameters: &[],
            caller: None,
        };
        let identity: Vec<String> = identity.iter().map(|it| (*it).to_owned()).collect();
        make(&exchange, &identity)
    }

    #[test]
    fn a_token_authorizer_gets_three_members() {
        let event = token_event(ARN, "Bearer x");
        assert_eq!(keys(&event), ["type", "methodArn", "authorizationToken"]);
        assert_eq!(event["type"], "TOKEN");
    }

    /// Members and values are those of a captured event (`lambdaAuthorizerRequest` in the tests of
    /// swift-aws-lambda-events).
    #[test]
    fn an_http_apis_authorizer_gets_what_was_captured() {
        let event = http(request_event_v2, "/dev/applications", &["abc.xyz.123"]);
        let members = [
            "version",
            "type",
            "routeArn",
            "identitySource",
            "routeKey",
            "rawPath",
            "rawQueryString",
            "headers",
            "requestContext",
        ];
        assert_eq!(keys(&event), members);
        assert_eq!(event["routeArn"], ARN);
        assert_eq!(event["identitySource"], json!(["abc.xyz.123"]));
        assert_eq!(event["rawPath"], "/dev/applications");
        assert_eq!(event["headers"]["authorization"], "abc.xyz.123");
        assert_eq!(event["headers"]["content-length"], "0");
        assert_eq!(event["requestContext"]["http"]["path"], "/dev/applications");
        let none = http(request_event_v2, "/dev/applications", &[]);
        assert_eq!(none["identitySource"], Value::Null);
    }

    #[test]
    fn payload_1_joins_what_identifies() {
        let event = http(request_event_v1, "/dev/applications?a=1", &["user1", "123"]);
        assert_eq!(event["version"], "1.0");
        assert_eq!(event["identitySource"], "user1,123");
        assert_eq!(event["authorizationToken"], "user1,123");
        assert_eq!(event["methodArn"], ARN);
        assert_eq!(event["resource"], "/applications");
        assert_eq!(event["queryStringParameters"], json!({ "a": "1" }));
        assert_eq!(event["pathParameters"], json!({}));
        assert_eq!(event["requestContext"]["apiId"], "a1b2c3d4e5");
        assert_eq!(event.get("body"), None);
    }

    #[test]
    fn a_rest_apis_authorizer_gets_the_functions_event_without_a_body() {
        let proxy = json!({
            "resource": "/{proxy+}", "path": "/x", "httpMethod": "POST",
            "headers": { "A": "1" }, "multiValueHeaders": { "A": ["1"] },
            "queryStringParameters": null, "multiValueQueryStringParameters": null,
            "pathParameters": { "proxy": "x" }, "stageVariables": null,
            "requestContext": { "apiId": "a", "authorizer": { "old": 1 } },
            "body": "secret", "isBase64Encoded": false,
        });
        let event = rest_request_event(ARN, &proxy);
        let wanted = json!({
            "type": "REQUEST", "methodArn": ARN,
            "resource": "/{proxy+}", "path": "/x", "httpMethod": "POST",
            "headers": { "A": "1" }, "multiValueHeaders": { "A": ["1"] },
            "queryStringParameters": {}, "multiValueQueryStringParameters": {},
            "pathParameters": { "proxy": "x" }, "stageVariables": {},
            "requestContext": { "apiId": "a" },
        });
        assert_eq!(event, wanted);
        assert!(rest_request_event(ARN, &Value::Null)["headers"].is_object());
    }

    #[test]
    fn a_token_must_match_as_a_whole() {
        let validation = Validation::parse("Bearer [a-z]+|x").unwrap();
        assert!(validation.accepts("Bearer abc") && validation.accepts("x"));
        for other in ["Bearer abc1", "a Bearer abc", "xx", ""] {
            assert!(!validation.accepts(other), "{other}");
        }
        let error = Validation::parse("(?=a)").unwrap_err().to_string();
        assert!(error.contains("look-around") && !error.contains('\n'));
        assert!(Validation::parse("a)|(b").is_err());
    }
}
