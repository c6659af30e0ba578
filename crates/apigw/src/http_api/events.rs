//! The events of HTTP APIs, in both payloads
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>).
//!
//! Where the guide's examples and captures of live APIs differ, captures are followed: among them
//! <https://github.com/milliHQ/terraform-aws-next-js/pull/31> (one request in both payloads) and
//! <https://github.com/logandk/serverless-wsgi/issues/191> (a named stage).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::caller::Caller;
use crate::http::{Request, Stamp, Whereabouts};
use crate::http_api::RouteKey;
use crate::http_api::routes::decoded;
use crate::{clock, forwarded, payload, query};

/// One request on its way to an integration.
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'a> {
    /// As it came, or as mappings changed it.
    pub request: &'a Request,
    /// Which API.
    pub whereabouts: &'a Whereabouts,
    /// Which request.
    pub stamp: &'a Stamp,
    /// `$default`, `dev`.
    pub stage: &'a str,
    /// Variables of the stage.
    pub stage_variables: &'a BTreeMap<String, String>,
    /// The route that takes it.
    pub route: &'a RouteKey,
    /// Its variables; see [`Match::path_parameters`](super::Match::path_parameters).
    pub path_parameters: &'a [(String, String)],
    /// Who was let in; none where nobody asked.
    pub caller: Option<&'a Caller>,
}

impl Exchange<'_> {
    /// The stage's segment and what follows, decoded: `rawPath`, `requestContext.http.path` and
    /// `path` alike.
    pub(crate) fn path(&self) -> String {
        decoded(&self.request.path)
    }

    /// The same without the stage: what routes are held against.
    pub(crate) fn path_in_stage(&self) -> String {
        let path = self.path();
        let left = path
            .strip_prefix('/')
            .and_then(|it| it.strip_prefix(self.stage));
        match left {
            Some("") => "/".to_owned(),
            Some(left) if left.starts_with('/') => left.to_owned(),
            _ => path,
        }
    }

    pub(crate) fn user_agent(&self) -> &str {
        self.request.header("user-agent").unwrap_or_default()
    }

    /// `a1b2c3d4e5`, or the first label of whatever host it is.
    pub(crate) fn domain_prefix(&self) -> &str {
        let labels = self.whereabouts.domain_name.split('.').next();
        labels.unwrap_or_default()
    }

    /// `content-length` is always there, even for no body (captured).
    fn headers(&self) -> BTreeMap<String, Vec<String>> {
        let mut headers = forwarded::lower_case(self.request, self.stamp);
        let length = self.request.body.len().to_string();
        headers.insert("content-length".to_owned(), vec![length]);
        headers
    }

    fn body(&self) -> Option<(String, bool)> {
        payload::body(self.request.header("content-type"), &self.request.body)
    }
}

/// The ARN that authorizers are asked about:
/// `arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/$default/GET/pets/1`, by the path of the
/// request and not of the route.
#[must_use]
pub fn route_arn(exchange: &Exchange<'_>) -> String {
    let at = exchange.whereabouts;
    format!(
        "arn:{}:execute-api:{}:{}:{}/{}/{}{}",
        at.partition,
        at.region,
        at.account_id,
        at.api_id,
        exchange.stage,
        exchange.request.method,
        exchange.path_in_stage()
    )
}

/// The event of payload 2.0. Members that would be empty are left out.
#[must_use]
pub fn event_v2(exchange: &Exchange<'_>) -> Value {
    let mut event = head_v2(exchange);
    event.insert("requestContext".to_owned(), context_v2(exchange));
    tail_v2(exchange, &mut event);
    let body = exchange.body();
    let base64 = body.as_ref().is_some_and(|(_, base64)| *base64);
    if let Some((body, _)) = body {
        event.insert("body".to_owned(), json!(body));
    }
    event.insert("isBase64Encoded".to_owned(), json!(base64));
    Value::Object(event)
}

/// What stands before `requestContext`, also in an authorizer's event.
pub(crate) fn head_v2(exchange: &Exchange<'_>) -> Map<String, Value> {
    let mut event = Map::new();
    event.insert("version".to_owned(), json!("2.0"));
    event.insert("routeKey".to_owned(), json!(exchange.route.to_string()));
    event.insert("rawPath".to_owned(), json!(exchange.path()));
    event.insert("rawQueryString".to_owned(), json!(exchange.request.query));
    insert_headers_v2(&mut event, exchange.headers());
    insert_query_v2(&mut event, &exchange.request.query);
    event
}

/// What stands behind it.
pub(crate) fn tail_v2(exchange: &Exchange<'_>, event: &mut Map<String, Value>) {
    let parameters = exchange.path_parameters.iter().cloned();
    insert_filled(event, "pathParameters", parameters);
    let variables = exchange.stage_variables.clone();
    insert_filled(event, "stageVariables", variables);
}

fn insert_filled(
    event: &mut Map<String, Value>,
    name: &str,
    pairs: impl IntoIterator<Item = (String, String)>,
) {
    let pairs: Map<String, Value> = pairs.into_iter().map(|(k, v)| (k, json!(v))).collect();
    if !pairs.is_empty() {
        event.insert(name.to_owned(), Value::Object(pairs));
    }
}

/// `cookies` and `headers`: cookies stand in a list of their own, and not among headers as well
/// `[inf]`.
pub(crate) fn insert_headers_v2(
    event: &mut Map<String, Value>,
    mut headers: BTreeMap<String, Vec<String>>,
) {
    let cookies = headers.remove("cookie").unwrap_or_default();
    let cookies = cookies.iter().flat_map(|it| it.split(';')).map(str::trim);
    let cookies: Vec<&str> = cookies.filter(|it| !it.is_empty()).collect();
    if !cookies.is_empty() {
        event.insert("cookies".to_owned(), json!(cookies));
    }
    let joined = headers.into_iter().map(|(k, v)| (k, json!(v.join(","))));
    event.insert("headers".to_owned(), Value::Object(joined.collect()));
}

/// Decoded, what is repeated joined by commas.
pub(crate) fn insert_query_v2(event: &mut Map<String, Value>, raw: &str) {
    let mut joined: Vec<(String, String)> = Vec::new();
    for (name, value) in query::decode(raw) {
        match joined.iter_mut().find(|(own, _)| *own == name) {
            Some((_, values)) => *values = format!("{values},{value}"),
            None => joined.push((name, value)),
        }
    }
    insert_filled(event, "queryStringParameters", joined);
}

pub(crate) fn context_v2(exchange: &Exchange<'_>) -> Value {
    let at = exchange.whereabouts;
    let request = exchange.request;
    let mut context = Map::new();
    context.insert("accountId".to_owned(), json!(at.account_id));
    context.insert("apiId".to_owned(), json!(at.api_id));
    if let Some(caller) = exchange.caller {
        context.insert("authorizer".to_owned(), caller.v2());
    }
    let rest = json!({
        "domainName": at.domain_name,
        "domainPrefix": exchange.domain_prefix(),
        "http": {
            "method": request.method,
            "path": exchange.path(),
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": exchange.user_agent(),
        },
        "requestId": exchange.stamp.request_id,
        "routeKey": exchange.route.to_string(),
        "stage": exchange.stage,
        "time": clock::request_time(exchange.stamp.now_ms),
        "timeEpoch": exchange.stamp.now_ms,
    });
    context.extend(rest.as_object().cloned().unwrap_or_default());
    Value::Object(context)
}

/// The event of payload 1.0, as HTTP APIs build it: `version` is the difference to REST APIs that
/// everybody sees; that paths are decoded and `resourceId` is the route's key is the rest of it.
#[must_use]
pub fn event_v1(exchange: &Exchange<'_>) -> Value {
    let request = exchange.request;
    let headers = spelled_v1(exchange);
    let (single, multi) = maps(headers.iter().flat_map(|(name, values)| {
        let name = name.as_str();
        values.iter().map(move |value| (name, value.as_str()))
    }));
    let pairs = query::decode(&request.query);
    let (query, queries) = maps(pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())));
    let (parameters, _) = maps(
        exchange
            .path_parameters
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str())),
    );
    let (variables, _) = maps(
        exchange
            .stage_variables
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str())),
    );
    let body = exchange.body();
    let base64 = body.as_ref().is_some_and(|(_, base64)| *base64);
    json!({
        "version": "1.0",
        "resource": exchange.route.path(),
        "path": exchange.path(),
        "httpMethod": request.method,
        "headers": single,
        "multiValueHeaders": multi,
        "queryStringParameters": or_null(query),
        "multiValueQueryStringParameters": or_null(queries),
        "requestContext": context_v1(exchange),
        "pathParameters": or_null(parameters),
        "stageVariables": or_null(variables),
        "body": body.map(|(body, _)| body),
        "isBase64Encoded": base64,
    })
}

/// Names that payload 1.0 spells like this, however they are sent (captured).
const SPELLED: [&str; 8] = [
    "Content-Length",
    "Content-Type",
    "Host",
    "User-Agent",
    "X-Amzn-Trace-Id",
    "X-Forwarded-For",
    "X-Forwarded-Port",
    "X-Forwarded-Proto",
];

/// Names that it spells in lower case (captured of the first three and `cache-control`; the others
/// are `[inf]`). What stands in neither list is spelt as the client does: `Postman-Token`.
const LOWER: [&str; 9] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "authorization",
    "cache-control",
    "cookie",
    "origin",
    "pragma",
    "referer",
];

pub(crate) fn spelled_v1(exchange: &Exchange<'_>) -> BTreeMap<String, Vec<String>> {
    let spell = |name: String| {
        if LOWER.contains(&name.as_str()) {
            return name;
        }
        let sent = exchange
            .request
            .headers
            .iter()
            .map(|(sent, _)| sent.as_str());
        let mut known = SPELLED.into_iter().chain(sent);
        let own = known.find(|it| it.eq_ignore_ascii_case(&name));
        own.map_or_else(|| name.clone(), str::to_owned)
    };
    let headers = exchange.headers().into_iter();
    headers
        .map(|(name, values)| (spell(name), values))
        .collect()
}

/// Last values, and all of them.
pub(crate) fn maps<'a>(
    pairs: impl Iterator<Item = (&'a str, &'a str)>,
) -> (Map<String, Value>, Map<String, Value>) {
    let (mut single, mut multi) = (Map::new(), Map::new());
    for (name, value) in pairs {
        single.insert(name.to_owned(), json!(value));
        let values = multi.entry(name).or_insert_with(|| json!([]));
        if let Some(values) = values.as_array_mut() {
            values.push(json!(value));
        }
    }
    (single, multi)
}

fn or_null(map: Map<String, Value>) -> Value {
    if map.is_empty() {
        Value::Null
    } else {
        Value::Object(map)
    }
}

pub(crate) fn context_v1(exchange: &Exchange<'_>) -> Value {
    let at = exchange.whereabouts;
    let stamp = exchange.stamp;
    let mut context = Map::new();
    context.insert("accountId".to_owned(), json!(at.account_id));
    context.insert("apiId".to_owned(), json!(at.api_id));
    if let Some(authorizer) = exchange.caller.and_then(Caller::http_v1) {
        context.insert("authorizer".to_owned(), authorizer);
    }
    let rest = json!({
        "domainName": at.domain_name,
        "domainPrefix": exchange.domain_prefix(),
        "extendedRequestId": stamp.extended_request_id,
        "httpMethod": exchange.request.method,
        "identity": identity_v1(exchange),
        "path": exchange.path(),
        "protocol": exchange.request.protocol,
        "requestId": stamp.request_id,
        "requestTime": clock::request_time(stamp.now_ms),
        "requestTimeEpoch": stamp.now_ms,
        "resourceId": exchange.route.to_string(),
        "resourcePath": exchange.route.path(),
        "stage": exchange.stage,
    });
    context.extend(rest.as_object().cloned().unwrap_or_default());
    Value::Object(context)
}

/// Thirteen keys, one more than REST's: `cognitoAmr`.
fn identity_v1(exchange: &Exchange<'_>) -> Value {
    let mut identity = json!({
        "accessKey": null,
        "accountId": null,
        "caller": null,
        "cognitoAmr": null,
        "cognitoAuthenticationProvider": null,
        "cognitoAuthenticationType": null,
        "cognitoIdentityId": null,
        "cognitoIdentityPoolId": null,
        "principalOrgId": null,
        "sourceIp": exchange.request.source_ip,
        "user": null,
        "userAgent": exchange.user_agent(),
        "userArn": null,
    });
    let signed = exchange.caller.and_then(Caller::iam);
    for (name, value) in signed.into_iter().flat_map(|it| it.identity()) {
        if let Some(place) = identity.get_mut(name) {
            *place = value;
        }
    }
    identity
}
