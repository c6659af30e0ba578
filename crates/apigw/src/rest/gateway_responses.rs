//! What the gateway itself answers, and how an API may change that
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-gatewayResponse-definition.html>).

use super::events::{path_parameters, request_context, stage_variables};
use super::exchange::Exchange;
use super::fault::{Fault, FaultKind};
use super::headers::{self, Headers, can_be_sent};
use crate::http::{Answer, Stamp};
use crate::query;
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One gateway response of an API.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GatewayResponse {
    /// Another status than its own.
    pub status: Option<String>,
    /// `gatewayresponse.header.x` → `'value'`, `method.request.header.y`, `context.z`.
    pub parameters: BTreeMap<String, String>,
    /// Bodies by content type, with `$context.error.messageString` and the like in them.
    pub templates: BTreeMap<String, String>,
}

/// The gateway responses that an API changes, by their type: `DEFAULT_4XX`, `UNAUTHORIZED`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GatewayResponses(pub BTreeMap<String, GatewayResponse>);

impl GatewayResponses {
    /// What the client gets for a fault, before [`finish`](super::finish).
    #[must_use]
    pub fn answer(&self, fault: &Fault, exchange: &Exchange<'_>) -> Answer {
        let mut answer = plain(fault);
        let Some(response) = self.for_kind(fault.kind) else {
            return answer;
        };
        let status = response
            .status
            .as_deref()
            .and_then(|text| text.parse().ok());
        answer.status = status.unwrap_or(answer.status);
        let known = known(fault, exchange);
        if let Some((content_type, template)) = template(response, exchange) {
            answer.body = Bytes::from(substitute(template, &known));
            headers::set(&mut answer.headers, "Content-Type", content_type);
        }
        map_headers(&mut answer.headers, response, &known);
        answer
    }

    /// What the client gets before its stage is known, finished: for
    /// [`NoStage`](FaultKind::NoStage), [`HeadersTooLarge`](FaultKind::HeadersTooLarge) and
    /// [`BodyTooLarge`](FaultKind::BodyTooLarge).
    #[must_use]
    pub fn outside(fault: &Fault, stamp: &Stamp) -> Answer {
        let mut answer = plain(fault);
        super::finish(&mut answer, stamp);
        answer
    }

    /// A type's own response, or the default of its class.
    fn for_kind(&self, kind: FaultKind) -> Option<&GatewayResponse> {
        let fallback = kind.fallback()?;
        self.0
            .get(kind.facts().name)
            .or_else(|| self.0.get(fallback))
    }
}

fn plain(fault: &Fault) -> Answer {
    let facts = fault.kind.facts();
    let message = fault.message();
    if facts.error_type.is_empty() {
        return Answer {
            status: fault.status(),
            headers: vec![("Content-Type".to_owned(), "text/plain".to_owned())],
            body: Bytes::from(message.unwrap_or_default().to_owned()),
        };
    }
    // Observed: what a policy refuses is told with a capital letter.
    let key = match fault.kind {
        FaultKind::AccessDenied => "Message",
        _ => "message",
    };
    let mut headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
    headers::set(&mut headers, "x-amzn-ErrorType", facts.error_type);
    Answer {
        status: fault.status(),
        headers,
        body: Bytes::from(json!({ key: message }).to_string()),
    }
}

/// By the first media type that the client accepts, then JSON, then the first `[inf]`.
fn template<'a>(
    response: &'a GatewayResponse,
    exchange: &Exchange<'_>,
) -> Option<(&'a str, &'a str)> {
    let accepted = exchange.request.header("Accept").unwrap_or_default();
    let first = accepted.split([',', ';']).next().unwrap_or_default().trim();
    let templates = &response.templates;
    let found = templates.get_key_value(first);
    let found = found.or_else(|| templates.get_key_value("application/json"));
    let found = found.or_else(|| templates.iter().next());
    found.map(|(content_type, text)| (content_type.as_str(), text.as_str()))
}

fn map_headers(headers: &mut Headers, response: &GatewayResponse, known: &Value) {
    for (target, source) in &response.parameters {
        let Some(name) = target.strip_prefix("gatewayresponse.header.") else {
            continue;
        };
        let fixed = source
            .strip_prefix('\'')
            .and_then(|it| it.strip_suffix('\''));
        let value = fixed.map(str::to_owned).or_else(|| look_up(known, source));
        if let Some(value) = value.filter(|value| can_be_sent(name, value)) {
            headers::set(headers, name, value);
        }
    }
}

/// Everything that a gateway response can name.
fn known(fault: &Fault, exchange: &Exchange<'_>) -> Value {
    let message = fault.message();
    let mut context = request_context(exchange);
    let error = json!({
        "message": message,
        "messageString": json!(message).to_string(),
        "responseType": fault.kind.facts().name,
        "validationErrorString": fault.validation,
    });
    context.insert("error".to_owned(), error);
    let query = query::decode(&exchange.request.query);
    let request = json!({
        "header": super::events::single(&exchange.request.headers),
        "querystring": super::events::last_of_each(&query),
        "path": path_parameters(exchange),
    });
    json!({
        "context": context,
        "stageVariables": stage_variables(exchange),
        "method": { "request": request },
    })
}

/// `context.identity.sourceIp`: names may have dots in them at the end of a path, as headers do not;
/// those are compared as HTTP does.
fn look_up(known: &Value, path: &str) -> Option<String> {
    let mut value = known;
    for name in path.split('.') {
        let object = value.as_object()?;
        value = object.get(name).or_else(|| {
            let mut pairs = object.iter();
            let same = |(key, _): &(&String, _)| key.eq_ignore_ascii_case(name);
            let found = pairs
                .find(same)
                .filter(|_| path.starts_with("method.request.header."));
            found.map(|(_, value)| value)
        })?;
    }
    match value {
        Value::Null | Value::Array(_) | Value::Object(_) => None,
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
    }
}

/// A template is no VTL: `$context.…`, `$stageVariables.…` and `$method.request.…` are replaced, with
/// braces or without, and nothing else happens. What is not there is empty, as the
/// `validationErrorString` of a fault that has none.
fn substitute(template: &str, known: &Value) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        out += before;
        let (path, left) = reference(after);
        let is_ours = ["context.", "stageVariables.", "method.request."];
        if is_ours.iter().any(|prefix| path.starts_with(prefix)) {
            out += &look_up(known, path).unwrap_or_default();
            rest = left;
        } else {
            out.push('$');
            rest = after;
        }
    }
    out + rest
}

/// What is named behind a `$`, and what comes then.
fn reference(after: &str) -> (&str, &str) {
    if let Some((path, left)) = after.strip_prefix('{').and_then(|it| it.split_once('}')) {
        return (path, left);
    }
    let part = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    let end = after.find(|letter| !part(letter)).unwrap_or(after.len());
    // A dot at the end of a sentence is none of ours.
    let path = after[..end].trim_end_matches('.');
    (path, &after[path.len()..])
}

#[cfg(test)]
#[path = "gateway_responses_tests.rs"]
mod tests;
