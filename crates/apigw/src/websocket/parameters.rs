//! Data mapping: what an HTTP integration's request has of the message, the handshake and what
//! is known beside them
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-data-mapping.html>).

use super::templates::Scope;
use crate::query;
use crate::rest::integration::NOT_MAPPED;
use crate::vtl::JsonPath;
use http::{HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::Value;
use std::collections::BTreeMap;

/// What cannot stand in a path.
const IN_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}');

/// Mapped parameters by where they go. They do not print: they are a client's.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Mapped {
    headers: Vec<(String, String)>,
    query: Vec<(String, String)>,
    path: Vec<(String, String)>,
}

impl Mapped {
    /// Of `integration.request.header.Id` → `context.connectionId`, and the like. What a source
    /// does not have is not sent.
    #[must_use]
    pub fn new(parameters: &BTreeMap<String, String>, scope: &Scope<'_>) -> Self {
        let mut mapped = Self::default();
        for (target, source) in parameters {
            let Some(target) = target.strip_prefix("integration.request.") else {
                continue;
            };
            let (place, name) = target.split_once('.').unwrap_or((target, ""));
            let place = match place {
                "header" => &mut mapped.headers,
                "querystring" => &mut mapped.query,
                "path" => &mut mapped.path,
                _ => continue,
            };
            let values = values(source, scope).into_iter();
            place.extend(values.map(|value| (name.to_owned(), value)));
        }
        mapped
    }

    /// The integration's URI with stage variables, path and query in it.
    #[must_use]
    pub fn url(&self, uri: &str, scope: &Scope<'_>) -> String {
        let mut url = uri.to_owned();
        let variables = scope.part("stageVariables").as_object();
        for (name, value) in variables.into_iter().flatten() {
            let value = value.as_str().unwrap_or_default();
            url = url.replace(&format!("${{stageVariables.{name}}}"), value);
        }
        for (name, value) in &self.path {
            let value = utf8_percent_encode(value, IN_PATH).to_string();
            url = url.replace(&format!("{{{name}}}"), &value);
        }
        for (name, value) in &self.query {
            query::append(&mut url, name, value);
        }
        url
    }

    /// The headers; a body is JSON if no mapping says otherwise. What cannot stand in a header is
    /// not sent, nor what is the gateway's own.
    #[must_use]
    pub fn headers(self) -> Vec<(String, String)> {
        let mut headers = self.headers;
        headers.retain(|(name, value)| {
            let is_own = NOT_MAPPED.contains(&name.to_ascii_lowercase().as_str());
            let name = HeaderName::from_bytes(name.as_bytes());
            !is_own && name.is_ok() && HeaderValue::from_str(value).is_ok()
        });
        let is_type = |(name, _): &(String, String)| name.eq_ignore_ascii_case("content-type");
        if !headers.iter().any(is_type) {
            let json = ("content-type".to_owned(), "application/json".to_owned());
            headers.insert(0, json);
        }
        headers
    }
}

/// What a source has; several only of `multivalue…`, which a handshake alone has.
fn values(source: &str, scope: &Scope<'_>) -> Vec<String> {
    let quoted = source
        .strip_prefix('\'')
        .and_then(|it| it.strip_suffix('\''));
    if let Some(text) = quoted {
        return vec![text.to_owned()];
    }
    if let Some(path) = source.strip_prefix("route.request.body") {
        let body = serde_json::from_str(scope.body()).ok();
        let found = body.and_then(|body| of_body(path, &body));
        return text(found.as_ref()).into_iter().collect();
    }
    let (place, name) = source.rsplit_once('.').unwrap_or((source, ""));
    let handshake = |part: &str, is_header: bool| find(scope.part(part), name, is_header);
    let found = match place {
        "route.request.header" => handshake("headers", true),
        "route.request.querystring" => handshake("queryStringParameters", false),
        "route.request.multivalueheader" => handshake("multiValueHeaders", true),
        "route.request.multivaluequerystring" => {
            handshake("multiValueQueryStringParameters", false)
        }
        "stageVariables" => scope.part("stageVariables").get(name),
        _ => source.strip_prefix("context.").and_then(|path| {
            let context = scope.part("requestContext");
            path.split('.')
                .try_fold(context, |value, key| value.get(key))
        }),
    };
    match found {
        Some(Value::Array(items)) => items.iter().filter_map(|it| text(Some(it))).collect(),
        found => text(found).into_iter().collect(),
    }
}

/// Headers are looked up as HTTP compares them.
fn find<'a>(all: &'a Value, name: &str, is_header: bool) -> Option<&'a Value> {
    let mut all = all.as_object()?.iter();
    let found = all.find(|(other, _)| match is_header {
        true => other.eq_ignore_ascii_case(name),
        false => *other == name,
    });
    found.map(|(_, value)| value)
}

/// `.data.room` of a message. A path that is not understood finds nothing.
fn of_body(path: &str, body: &Value) -> Option<Value> {
    JsonPath::parse(&format!("${path}")).ok()?.find(body).ok()?
}

/// None of null, and of an empty text: REST APIs do not send that.
fn text(value: Option<&Value>) -> Option<String> {
    let text = match value? {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Some(text).filter(|it| !it.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::websocket::fixtures::{connection, handshake, stamp};
    use crate::websocket::{connect_event, message_event};

    fn mapped(pairs: &[(&str, &str)], event: &Value) -> Mapped {
        let pairs = pairs.iter();
        let own = pairs.map(|(to, from)| {
            let target = format!("integration.request.{to}");
            (target, (*from).to_owned())
        });
        Mapped::new(&own.collect(), &Scope::new(event))
    }

    fn message(body: &str) -> Value {
        let mut connection = connection();
        let color = ("host".to_owned(), "192.0.2.9".to_owned());
        connection.stage_variables.extend([color]);
        message_event(&connection, "send", body, &stamp())
    }

    #[test]
    fn a_message_has_a_body_a_context_and_stage_variables_to_map() {
        let event = message(r#"{"room":"a b","n":[1,2],"none":null}"#);
        let mapped = mapped(
            &[
                ("header.Id", "context.connectionId"),
                ("header.Ip", "context.identity.sourceIp"),
                ("header.Host-Is", "stageVariables.host"),
                ("header.Numbers", "route.request.body.n"),
                ("header.None", "route.request.body.none"),
                ("header.Absent", "route.request.querystring.room"),
                ("header.Bad", "'two\nlines'"),
                ("header.Content-Type", "'text/plain'"),
                ("header.Content-Length", "'1'"),
                ("header.transfer-encoding", "'chunked'"),
                ("path.room", "route.request.body.room"),
                ("path.part", "'%2F'"),
                ("querystring.room", "route.request.body['room']"),
                ("querystring.static", "'x'"),
                ("other.x", "'x'"),
            ],
            &event,
        );
        let url = mapped.url(
            "http://${stageVariables.host}/{room}/{part}?a=1",
            &Scope::new(&event),
        );
        assert_eq!(url, "http://192.0.2.9/a%20b/%252F?a=1&room=a%20b&static=x");
        let expected = [
            ("Content-Type", "text/plain"),
            ("Host-Is", "192.0.2.9"),
            ("Id", "R1kmxc2VNjMCFIA="),
            ("Ip", "192.0.2.1"),
            ("Numbers", "[1,2]"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(mapped.headers(), expected);
    }

    #[test]
    fn a_handshake_has_headers_and_a_query_to_map() {
        let sent = [("Room", "one"), ("room", "two")];
        let event = connect_event(
            &connection(),
            &handshake(&sent, &[("q", "1"), ("q", "2")]),
            &stamp(),
        );
        let mapped = mapped(
            &[
                ("header.Room", "route.request.header.ROOM"),
                ("header.Rooms", "route.request.multivalueheader.room"),
                ("querystring.q", "route.request.querystring.q"),
                ("querystring.all", "route.request.multivaluequerystring.q"),
                ("querystring.none", "route.request.querystring.Q"),
                ("querystring.body", "route.request.body.x"),
            ],
            &event,
        );
        let url = mapped.url("http://h/", &Scope::new(&event));
        assert_eq!(url, "http://h/?all=1&all=2&q=2");
        let values: Vec<String> = mapped.headers().into_iter().map(|it| it.1).collect();
        assert_eq!(values, ["application/json", "two", "one", "two"]);
    }
}
