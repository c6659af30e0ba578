//! What an integration's answer becomes.

use super::super::answers::{not_invoked, trace};
use super::super::binary::MediaTypes;
use super::super::exchange::Exchange;
use super::super::fault::{Fault, FaultKind};
use super::super::headers::{self, Headers, can_be_sent};
use super::super::pattern;
use super::template;
use super::{Came, ContentHandling, Integration, Kind, Response, ResponseOverride, mapping};
use crate::http::Answer;
use crate::invoke::InvokeResult;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;

/// What the client gets, before [`finish`](super::super::finish).
///
/// # Errors
/// 500 if no response is meant for it, or its template fails; or there was no invocation.
pub fn answer(
    integration: &Integration,
    exchange: &Exchange<'_>,
    overrides: &ResponseOverride,
    came: Came<'_>,
    binary: &MediaTypes,
) -> Result<Answer, Fault> {
    let returned = Returned::new(came)?;
    if integration.kind == Kind::HttpProxy {
        return proxied(&returned, exchange, binary);
    }
    let response = choose(&integration.responses, &returned.selects)?;
    let mut all = mapped_headers(response, &returned, exchange)?;
    let body = converted(&returned, response.content_handling, exchange, binary)?;
    let (body, content_type, overrides) = match chosen(response, exchange) {
        None => (body, None, overrides.clone()),
        Some((content_type, text)) => {
            let input = String::from_utf8_lossy(&body).into_owned();
            let rendered = template::run(text, input, exchange, overrides)?;
            (
                Bytes::from(rendered.body),
                Some(content_type),
                rendered.response,
            )
        }
    };
    all = headers::outgoing(all, true);
    for (name, value) in overrides
        .headers
        .into_iter()
        .filter(|(name, value)| can_be_sent(name, value))
    {
        headers::set(&mut all, &name, value);
    }
    if headers::get(&all, "Content-Type").is_none() {
        let content_type = content_type.filter(|it| it.contains('/'));
        headers::set(
            &mut all,
            "Content-Type",
            content_type.unwrap_or("application/json"),
        );
    }
    if !matches!(came, Came::Mock { .. }) {
        trace(&mut all, exchange.stamp);
    }
    let own = response
        .status
        .parse()
        .ok()
        .filter(|status| (200..=599).contains(status));
    let status = overrides.status.or(own).ok_or_else(|| {
        let reason = format!(
            "the integration response's status {:?} is none",
            response.status
        );
        Fault::new(FaultKind::ApiConfigurationError, reason)
    })?;
    Ok(Answer {
        status,
        headers: all,
        body,
    })
}

/// What came, whoever sent it.
struct Returned {
    /// What patterns are held against.
    selects: String,
    status: u16,
    headers: Headers,
    body: Bytes,
}

impl Returned {
    fn new(came: Came<'_>) -> Result<Self, Fault> {
        let (status, headers, body) = match came {
            Came::Lambda(InvokeResult::Failed) => return Err(not_invoked()),
            Came::Lambda(InvokeResult::Answer(payload) | InvokeResult::FunctionError(payload)) => {
                let json = ("Content-Type".to_owned(), "application/json".to_owned());
                (200, vec![json], Bytes::copy_from_slice(payload))
            }
            Came::Http {
                status,
                headers,
                body,
            } => (status, headers.to_vec(), body.clone()),
            Came::Mock { status } => (status, Headers::new(), Bytes::new()),
        };
        let of_function = matches!(came, Came::Lambda(_))
            .then(|| error_message(&body))
            .flatten();
        Ok(Self {
            selects: of_function.unwrap_or_else(|| status.to_string()),
            status,
            headers,
            body,
        })
    }
}

/// What a function that raised says
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/handle-errors-in-lambda-integration.html>).
fn error_message(payload: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(payload).ok()?;
    Some(value.get("errorMessage")?.as_str()?.to_owned())
}

/// The first whose pattern matches all of it, or the one without a pattern.
fn choose<'a>(responses: &'a [Response], selects: &str) -> Result<&'a Response, Fault> {
    let failed = |reason: String| Fault::new(FaultKind::ApiConfigurationError, reason);
    let mut default = None;
    for response in responses {
        match response
            .pattern
            .as_deref()
            .filter(|pattern| !pattern.is_empty())
        {
            None => default = default.or(Some(response)),
            Some(expression) => {
                let matches = pattern::is_all_of(expression, selects);
                if matches.map_err(|error| failed(error.to_string()))? {
                    return Ok(response);
                }
            }
        }
    }
    default.ok_or_else(|| {
        failed(format!(
            "no integration response is meant for {selects:?}: add one without a SelectionPattern"
        ))
    })
}

fn mapped_headers(
    response: &Response,
    returned: &Returned,
    exchange: &Exchange<'_>,
) -> Result<Headers, Fault> {
    let mut all = Headers::new();
    for (target, source) in &response.parameters {
        let Some(name) = target.strip_prefix("method.response.header.") else {
            continue;
        };
        let value = mapping::of_answer(source, &returned.headers, &returned.body, exchange)?;
        if let Some(value) = value.filter(|value| can_be_sent(name, value)) {
            headers::set(&mut all, name, value);
        }
    }
    Ok(all)
}

/// By what the client accepts, then JSON, then the first.
fn chosen<'a>(response: &'a Response, exchange: &Exchange<'_>) -> Option<(&'a str, &'a str)> {
    let accepted = exchange.request.header("Accept").unwrap_or_default();
    let templates = &response.templates;
    let found = templates.get_key_value(accepted);
    let found = found.or_else(|| templates.get_key_value("application/json"));
    let found = found.or_else(|| templates.iter().next());
    let (content_type, text) = found?;
    // An empty template passes the body on.
    (!text.is_empty()).then_some((content_type, text))
}

/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings-workflow.html>
fn converted(
    returned: &Returned,
    handling: Option<ContentHandling>,
    exchange: &Exchange<'_>,
    binary: &MediaTypes,
) -> Result<Bytes, Fault> {
    let body = &returned.body;
    let is_binary = binary.content_type(headers::get(&returned.headers, "Content-Type"));
    let wants_binary = binary.accept(exchange.request.header("Accept"));
    let as_text = match handling {
        Some(handling) => handling == ContentHandling::ToText,
        None => !wants_binary,
    };
    Ok(match (is_binary, as_text) {
        (true, true) => Bytes::from(STANDARD.encode(body)),
        (true, false) => body.clone(),
        (false, true) => Bytes::from(String::from_utf8_lossy(body).into_owned()),
        (false, false) => {
            let reason = "the integration's body is no base64, and is to be converted to binary";
            let failed = |_| Fault::new(FaultKind::ApiConfigurationError, reason);
            Bytes::from(STANDARD.decode(body.trim_ascii()).map_err(failed)?)
        }
    })
}

/// As it came, with the gateway's own headers renamed. Bytes of a type that is not among the API's
/// binary ones are lost here as they are on AWS, unless they are encoded.
fn proxied(
    returned: &Returned,
    exchange: &Exchange<'_>,
    binary: &MediaTypes,
) -> Result<Answer, Fault> {
    let mut all = headers::outgoing(returned.headers.clone(), false);
    all.retain(|(name, _)| !name.eq_ignore_ascii_case("Via"));
    if headers::get(&all, "Content-Type").is_none() {
        headers::set(&mut all, "Content-Type", "application/json");
    }
    let is_encoded = headers::get(&all, "Content-Encoding").is_some();
    let is_binary = binary.content_type(headers::get(&all, "Content-Type"));
    let body = match is_encoded || !is_binary {
        true if is_encoded => returned.body.clone(),
        true => Bytes::from(String::from_utf8_lossy(&returned.body).into_owned()),
        false => converted(returned, None, exchange, binary)?,
    };
    if !(200..=599).contains(&returned.status) {
        let reason = format!("the server answered with the status {}", returned.status);
        return Err(Fault::new(FaultKind::IntegrationFailure, reason));
    }
    Ok(Answer {
        status: returned.status,
        headers: all,
        body,
    })
}
