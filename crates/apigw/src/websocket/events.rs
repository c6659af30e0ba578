//! The events that functions behind a WebSocket API receive.
//!
//! Keys and their order follow real captures: aws-lambda-go
//! `events/testdata/apigw-websocket-request-{send-message,disconnect}.json`, the
//! CONNECT event in <https://github.com/mousabaker/aws-lambda-typing/pull/65>, and
//! for authorizers
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-lambda-auth.html>.
//! What is not listed is absent, not null: handlers test for presence.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::routes::{CONNECT, DISCONNECT};
use crate::clock;

/// `disconnectStatusCode` when the client's close frame had none (RFC 6455's 1005).
pub const NO_STATUS_CODE: u16 = 1005;
/// `disconnectReason` that goes with it, as captured.
pub const NO_STATUS_REASON: &str = "Client-side close frame status not set";

/// What a client sent to open its connection.
///
/// Its `Debug` shows names only: tokens travel in these values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Handshake {
    /// Headers with their names as sent, in their order, repetitions included.
    pub headers: Vec<(String, String)>,
    /// Query parameters, decoded (see [`query::decode`](crate::query::decode)), in their order.
    pub query: Vec<(String, String)>,
}

impl std::fmt::Debug for Handshake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = |pairs: &[(String, String)]| {
            pairs
                .iter()
                .map(|(name, _)| name.clone())
                .collect::<Vec<_>>()
        };
        f.debug_struct("Handshake")
            .field("headers", &names(&self.headers))
            .field("query", &names(&self.query))
            .finish()
    }
}

/// What API Gateway's front adds to a request before anybody sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forwarded {
    /// Address of the client.
    pub source_ip: String,
    /// Port that the client connected to; 443 on AWS.
    pub port: u16,
    /// `https` on AWS, for `wss` as well.
    pub proto: String,
    /// `Root=1-67659810-101d2f353e7cd9797a9aa4ba`.
    pub trace_id: String,
}

impl Handshake {
    /// Adds `X-Amzn-Trace-Id` and `X-Forwarded-{For,Port,Proto}`, which every
    /// captured CONNECT event carries. What a client claims under these names is
    /// replaced; that AWS appends to a claimed `X-Forwarded-For`, as it does for
    /// REST APIs, is left out `[inf]`.
    pub fn forward(&mut self, by: &Forwarded) {
        let added = [
            ("X-Amzn-Trace-Id", by.trace_id.clone()),
            ("X-Forwarded-For", by.source_ip.clone()),
            ("X-Forwarded-Port", by.port.to_string()),
            ("X-Forwarded-Proto", by.proto.clone()),
        ];
        self.headers
            .retain(|(name, _)| !added.iter().any(|(own, _)| name.eq_ignore_ascii_case(own)));
        self.headers
            .extend(added.map(|(name, value)| (name.to_owned(), value)));
    }

    /// The last value of a header; names are compared as HTTP does.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .rev()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The last value of a query parameter; names are case-sensitive.
    #[must_use]
    pub fn query_parameter(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().rev().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// One open, or opening, connection: what all its events have in common.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Connection {
    /// Id of the API, `dl7ptocha9`.
    pub api_id: String,
    /// Stage, the first segment of the URL's path.
    pub stage: String,
    /// Host that the client connected to; backends build their `@connections` endpoint from it.
    pub domain_name: String,
    /// See [`connection_id`](crate::connection_id).
    pub connection_id: String,
    /// Milliseconds since the epoch; the same in every event of the connection.
    pub connected_at_ms: u64,
    /// Address of the client.
    pub source_ip: String,
    /// The handshake's `User-Agent`, if it had one.
    pub user_agent: Option<String>,
    /// The key that it was opened with, where `$connect` asks for one.
    pub api_key: Option<String>,
    /// That key's id, where it is known.
    pub api_key_id: Option<String>,
    /// Who signed the handshake, where `$connect` asks for a signature: the ARN.
    pub user_arn: Option<String>,
    /// What events carry under `requestContext.authorizer`; see
    /// [`authorizer::event_context`](crate::authorizer::event_context). None without an authorizer.
    pub authorizer: Option<Map<String, Value>>,
    /// Variables of the stage.
    pub stage_variables: BTreeMap<String, String>,
}

impl Connection {
    /// `requestContext.identity`: the address, and the user agent if one was sent.
    /// The many nulls of REST's identity are not there; that a signed handshake adds
    /// `userArn` and no more is `[inf]`.
    pub(crate) fn identity(&self) -> Value {
        let mut identity = Map::new();
        if let Some(agent) = &self.user_agent {
            identity.insert("userAgent".to_owned(), json!(agent));
        }
        if let Some(key) = &self.api_key {
            identity.insert("apiKey".to_owned(), json!(key));
        }
        if let Some(id) = &self.api_key_id {
            identity.insert("apiKeyId".to_owned(), json!(id));
        }
        if let Some(arn) = &self.user_arn {
            identity.insert("userArn".to_owned(), json!(arn));
        }
        identity.insert("sourceIp".to_owned(), json!(self.source_ip));
        Value::Object(identity)
    }
}

/// What makes one event different from the others of its connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// `requestId`, and `extendedRequestId` as well: they are the same in every capture.
    pub request_id: String,
    /// Only messages have one.
    pub message_id: Option<String>,
    /// Now, in milliseconds since the epoch.
    pub now_ms: u64,
}

/// What distinguishes a request context from its siblings.
enum Kind<'a> {
    Connect,
    Message { route_key: &'a str },
    Disconnect { code: u16, reason: &'a str },
}

/// The event of `$connect`: headers and query, no message id, no body.
///
/// `Connection`, `Upgrade` and `Content-Length` are not in the captures, though
/// every client sends the first two; the authorizer does see them.
#[must_use]
pub fn connect_event(connection: &Connection, handshake: &Handshake, stamp: &Stamp) -> Value {
    let hidden = ["connection", "upgrade", "content-length"];
    let headers = handshake
        .headers
        .iter()
        .filter(|(name, _)| !hidden.iter().any(|own| name.eq_ignore_ascii_case(own)));
    let mut event = Map::new();
    insert_maps(
        &mut event,
        "headers",
        "multiValueHeaders",
        &group(headers, true),
    );
    if !handshake.query.is_empty() {
        insert_query(&mut event, handshake);
    }
    insert_stage_variables(&mut event, connection);
    event.insert(
        "requestContext".to_owned(),
        request_context(connection, &Kind::Connect, stamp),
    );
    event.insert("isBase64Encoded".to_owned(), json!(false));
    Value::Object(event)
}

/// The event of a message: a body and a message id, no headers.
///
/// Without a message id in the stamp, the request id stands in for it.
#[must_use]
pub fn message_event(connection: &Connection, route_key: &str, body: &str, stamp: &Stamp) -> Value {
    let mut event = Map::new();
    insert_stage_variables(&mut event, connection);
    let context = request_context(connection, &Kind::Message { route_key }, stamp);
    event.insert("requestContext".to_owned(), context);
    event.insert("body".to_owned(), json!(body));
    event.insert("isBase64Encoded".to_owned(), json!(false));
    Value::Object(event)
}

/// The event of `$disconnect`: code and reason of the close frame, no body, and
/// four headers that have nothing to do with the client's.
///
/// A close frame without a code is [`NO_STATUS_CODE`] and [`NO_STATUS_REASON`].
#[must_use]
pub fn disconnect_event(connection: &Connection, code: u16, reason: &str, stamp: &Stamp) -> Value {
    let headers = [
        ("Host".to_owned(), connection.domain_name.clone()),
        ("x-api-key".to_owned(), String::new()),
        ("X-Forwarded-For".to_owned(), String::new()),
        ("x-restapi".to_owned(), String::new()),
    ];
    let mut event = Map::new();
    insert_maps(
        &mut event,
        "headers",
        "multiValueHeaders",
        &group(headers.iter(), true),
    );
    insert_stage_variables(&mut event, connection);
    let context = request_context(connection, &Kind::Disconnect { code, reason }, stamp);
    event.insert("requestContext".to_owned(), context);
    event.insert("isBase64Encoded".to_owned(), json!(false));
    Value::Object(event)
}

/// The event of the REQUEST authorizer of `$connect`.
///
/// `stageVariables` is there even when empty (documented), and so, we assume, is
/// the query `[inf]`. There are no path parameters, for there is no path. The
/// front speaks to the authorizer with `Connection: upgrade` and
/// `content-length: 0`, whatever the client wrote
/// (<https://github.com/localstack/localstack/issues/7191>).
#[must_use]
pub fn authorizer_event(
    connection: &Connection,
    handshake: &Handshake,
    method_arn: &str,
    stamp: &Stamp,
) -> Value {
    let own = [
        ("Connection".to_owned(), "upgrade".to_owned()),
        ("content-length".to_owned(), "0".to_owned()),
    ];
    let sent = handshake
        .headers
        .iter()
        .filter(|(name, _)| !own.iter().any(|(key, _)| name.eq_ignore_ascii_case(key)));
    let mut event = Map::new();
    event.insert("type".to_owned(), json!("REQUEST"));
    event.insert("methodArn".to_owned(), json!(method_arn));
    insert_maps(
        &mut event,
        "headers",
        "multiValueHeaders",
        &group(own.iter().chain(sent), true),
    );
    insert_query(&mut event, handshake);
    event.insert(
        "stageVariables".to_owned(),
        json!(connection.stage_variables),
    );
    let unauthorized = Connection {
        authorizer: None,
        ..connection.clone()
    };
    let context = request_context(&unauthorized, &Kind::Connect, stamp);
    event.insert("requestContext".to_owned(), context);
    Value::Object(event)
}

/// `arn:{partition}:execute-api:{region}:{account}:{api}/{stage}/$connect`: a
/// route's ARN has no HTTP method in it.
#[must_use]
pub fn method_arn(
    partition: &str,
    region: &str,
    account_id: &str,
    api_id: &str,
    stage: &str,
    route_key: &str,
) -> String {
    format!("arn:{partition}:execute-api:{region}:{account_id}:{api_id}/{stage}/{route_key}")
}

/// `requestContext` of `$connect`, in which identity sources look things up.
pub(crate) fn connect_context(connection: &Connection, stamp: &Stamp) -> Value {
    request_context(connection, &Kind::Connect, stamp)
}

fn request_context(connection: &Connection, kind: &Kind<'_>, stamp: &Stamp) -> Value {
    let (route_key, event_type) = match kind {
        Kind::Connect => (CONNECT, "CONNECT"),
        Kind::Message { route_key } => (*route_key, "MESSAGE"),
        Kind::Disconnect { .. } => (DISCONNECT, "DISCONNECT"),
    };
    let mut context = Map::new();
    let mut put = |key: &str, value: Value| {
        context.insert(key.to_owned(), value);
    };
    put("routeKey", json!(route_key));
    if let Some(authorizer) = &connection.authorizer {
        put("authorizer", Value::Object(authorizer.clone()));
    }
    match kind {
        Kind::Connect => {}
        Kind::Message { .. } => put(
            "messageId",
            json!(stamp.message_id.as_ref().unwrap_or(&stamp.request_id)),
        ),
        Kind::Disconnect { code, .. } => put("disconnectStatusCode", json!(code)),
    }
    put("eventType", json!(event_type));
    put("extendedRequestId", json!(stamp.request_id));
    put("requestTime", json!(clock::request_time(stamp.now_ms)));
    put("messageDirection", json!("IN"));
    if let Kind::Disconnect { reason, .. } = kind {
        put("disconnectReason", json!(reason));
    }
    put("stage", json!(connection.stage));
    put("connectedAt", json!(connection.connected_at_ms));
    put("requestTimeEpoch", json!(stamp.now_ms));
    put("identity", connection.identity());
    put("requestId", json!(stamp.request_id));
    put("domainName", json!(connection.domain_name));
    put("connectionId", json!(connection.connection_id));
    put("apiId", json!(connection.api_id));
    Value::Object(context)
}

/// Stage variables reach the functions of a stage that has some
/// (<https://github.com/localstack/localstack/issues/10734>); no capture shows an
/// empty map, so without them the key is absent.
fn insert_stage_variables(event: &mut Map<String, Value>, connection: &Connection) {
    if !connection.stage_variables.is_empty() {
        event.insert(
            "stageVariables".to_owned(),
            json!(connection.stage_variables),
        );
    }
}

fn insert_query(event: &mut Map<String, Value>, handshake: &Handshake) {
    let groups = group(handshake.query.iter(), false);
    insert_maps(
        event,
        "queryStringParameters",
        "multiValueQueryStringParameters",
        &groups,
    );
}

type Groups<'a> = Vec<(&'a str, Vec<&'a str>)>;

/// Values by name, in the order in which names first appear. Names that differ
/// only in case are one if `any_case`; the first spelling stays.
fn group<'a>(pairs: impl Iterator<Item = &'a (String, String)>, any_case: bool) -> Groups<'a> {
    let mut groups: Groups<'a> = Vec::new();
    for (name, value) in pairs {
        let same = |key: &str| {
            if any_case {
                key.eq_ignore_ascii_case(name)
            } else {
                key == name
            }
        };
        match groups.iter_mut().find(|(key, _)| same(key)) {
            Some((_, values)) => values.push(value),
            None => groups.push((name, vec![value])),
        }
    }
    groups
}

/// The single-value map has the last of several values, the other one all.
fn insert_maps(event: &mut Map<String, Value>, single: &str, multi: &str, groups: &Groups<'_>) {
    let last = groups
        .iter()
        .map(|(name, values)| ((*name).to_owned(), json!(values.last())));
    event.insert(single.to_owned(), Value::Object(last.collect()));
    let all = groups
        .iter()
        .map(|(name, values)| ((*name).to_owned(), json!(values)));
    event.insert(multi.to_owned(), Value::Object(all.collect()));
}

/// One connection, used by the tests of the crate.
#[cfg(test)]
pub(crate) mod fixtures {
    use super::*;

    pub(crate) fn connection() -> Connection {
        Connection {
            api_id: "dl7ptocha9".to_owned(),
            stage: "prod".to_owned(),
            domain_name: "dl7ptocha9.execute-api.eu-west-1.amazonaws.com".to_owned(),
            connection_id: "R1kmxc2VNjMCFIA=".to_owned(),
            connected_at_ms: 1_795_240_000_000,
            source_ip: "192.0.2.1".to_owned(),
            user_agent: Some("tests".to_owned()),
            api_key: None,
            api_key_id: None,
            user_arn: None,
            authorizer: None,
            stage_variables: BTreeMap::new(),
        }
    }

    pub(crate) fn stamp() -> Stamp {
        Stamp {
            request_id: "R1knPH17NjMFftw=".to_owned(),
            message_id: None,
            now_ms: 1_795_240_020_123,
        }
    }

    pub(crate) fn handshake(headers: &[(&str, &str)], query: &[(&str, &str)]) -> Handshake {
        let own = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        Handshake {
            headers: own(headers),
            query: own(query),
        }
    }
}

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;
