//! The event of a Lambda proxy integration
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-input-format>),
//! key by key as LocalStack's `test_lambda_aws_proxy_integration` recorded it.

use super::binary::MediaTypes;
use super::exchange::Exchange;
use super::headers::{self, Headers, grouped};
use crate::clock::request_time;
use crate::query;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// The event that a function of a Lambda proxy integration gets.
#[must_use]
pub fn proxy_event(exchange: &Exchange<'_>, binary: &MediaTypes) -> Value {
    let request = exchange.request;
    let headers = integration_headers(exchange);
    let query = query::decode(&request.query);
    let (body, is_base64) = body(exchange, binary);
    let resource = exchange.matched.as_ref().map(|it| it.method.path.as_str());
    json!({
        "resource": resource,
        "path": exchange.path.inner,
        "httpMethod": request.method,
        "headers": single(&headers),
        "multiValueHeaders": multi(&headers),
        "queryStringParameters": or_null(last_of_each(&query)),
        "multiValueQueryStringParameters": or_null(all_of_each(&query)),
        "pathParameters": or_null(path_parameters(exchange)),
        "stageVariables": or_null(stage_variables(exchange)),
        "requestContext": request_context(exchange),
        "body": body,
        "isBase64Encoded": is_base64,
    })
}

/// `requestContext` of that event, and of a REQUEST authorizer's.
#[must_use]
pub fn request_context(exchange: &Exchange<'_>) -> Map<String, Value> {
    let (request, at, stamp) = (exchange.request, exchange.at, exchange.stamp);
    let method = exchange.matched.as_ref().map(|found| found.method);
    let prefix = at.domain_name.split('.').next();
    let mut context = Map::new();
    let mut put = |key: &str, value: Value| context.insert(key.to_owned(), value);
    put("resourceId", json!(method.map(|it| &it.resource_id)));
    if let Some(authorizer) = &exchange.authorizer {
        put("authorizer", json!(authorizer));
    }
    if let Some(name) = method.and_then(|it| it.operation_name.as_ref()) {
        put("operationName", json!(name));
    }
    put("resourcePath", json!(method.map(|it| &it.path)));
    put("httpMethod", json!(request.method));
    put("extendedRequestId", json!(stamp.extended_request_id));
    put("requestTime", json!(request_time(stamp.now_ms)));
    put("path", json!(exchange.path.whole));
    put("accountId", json!(at.account_id));
    put("protocol", json!(request.protocol));
    put("stage", json!(exchange.stage.name));
    put("domainPrefix", json!(prefix));
    put("requestTimeEpoch", json!(stamp.now_ms));
    put("requestId", json!(stamp.request_id));
    put("identity", identity(exchange));
    put("domainName", json!(at.domain_name));
    put("deploymentId", json!(exchange.stage.deployment_id));
    put("apiId", json!(at.api_id));
    context
}

/// Twelve keys, and two more for whoever used an API key.
fn identity(exchange: &Exchange<'_>) -> Value {
    let who = &exchange.identity;
    let mut identity = json!({
        "cognitoIdentityPoolId": null,
        "accountId": who.account_id,
        "cognitoIdentityId": null,
        "caller": who.caller,
        "sourceIp": exchange.request.source_ip,
        "principalOrgId": null,
        "accessKey": who.access_key,
        "cognitoAuthenticationType": null,
        "cognitoAuthenticationProvider": null,
        "userArn": who.user_arn,
        "userAgent": exchange.request.header("User-Agent"),
        "user": who.user,
    });
    if let (Some(key), Some(identity)) = (&exchange.key, identity.as_object_mut()) {
        identity.insert("apiKey".to_owned(), json!(key.value));
        identity.insert("apiKeyId".to_owned(), json!(key.id));
    }
    identity
}

/// A request's headers with those that the gateway adds; of the forwarded ones the client's own
/// address list is kept, and ours comes last.
pub(super) fn integration_headers(exchange: &Exchange<'_>) -> Headers {
    let request = exchange.request;
    let mut all = headers::incoming(&request.headers);
    let from = match headers::get(&all, "X-Forwarded-For") {
        Some(before) => format!("{before}, {}", request.source_ip),
        None => request.source_ip.clone(),
    };
    headers::set(
        &mut all,
        "X-Amzn-Trace-Id",
        exchange.stamp.trace_id.as_str(),
    );
    headers::set(&mut all, "X-Forwarded-For", from);
    headers::set(&mut all, "X-Forwarded-Port", request.port.to_string());
    headers::set(&mut all, "X-Forwarded-Proto", request.scheme.as_str());
    all
}

/// Of a repeated name the last value.
pub(super) fn single(headers: &Headers) -> Map<String, Value> {
    let last = |(name, values): (&str, Vec<&str>)| (name.to_owned(), json!(values.last()));
    grouped(headers).into_iter().map(last).collect()
}

fn multi(headers: &Headers) -> Map<String, Value> {
    let all = |(name, values): (&str, Vec<&str>)| (name.to_owned(), json!(values));
    grouped(headers).into_iter().map(all).collect()
}

pub(super) fn last_of_each(query: &[(String, String)]) -> Map<String, Value> {
    let pairs = query.iter();
    pairs
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect()
}

fn all_of_each(query: &[(String, String)]) -> Map<String, Value> {
    let mut all = Map::new();
    for (name, value) in query {
        let values = all.entry(name.clone()).or_insert_with(|| json!([]));
        if let Value::Array(values) = values {
            values.push(json!(value));
        }
    }
    all
}

pub(super) fn path_parameters(exchange: &Exchange<'_>) -> Map<String, Value> {
    let found = exchange.matched.iter().flat_map(|it| &it.path_parameters);
    found
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect()
}

pub(super) fn stage_variables(exchange: &Exchange<'_>) -> Map<String, Value> {
    let variables = exchange.stage.variables.iter();
    variables
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect()
}

fn or_null(map: Map<String, Value>) -> Value {
    match map.is_empty() {
        true => Value::Null,
        false => Value::Object(map),
    }
}

/// A body as text, or as base64 where its type is a binary one. Bytes that are no UTF-8 become
/// U+FFFD without that, which is how uploads break on AWS as well.
fn body(exchange: &Exchange<'_>, binary: &MediaTypes) -> (Option<String>, bool) {
    let body = &exchange.request.body;
    if body.is_empty() {
        return (None, false);
    }
    if binary.content_type(exchange.request.header("Content-Type")) {
        return (Some(STANDARD.encode(body)), true);
    }
    (Some(String::from_utf8_lossy(body).into_owned()), false)
}

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;
