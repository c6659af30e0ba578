//! What answers a route: a function, nothing at all (`MOCK`), or an HTTP backend.

use super::{Api, CallResult};
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};
use std::time::Duration;
use tether_apigw::websocket::limits::INTEGRATION_TIMEOUT;
use tether_apigw::websocket::templates::{Mock, Scope, TemplateError, mock};
use tether_apigw::websocket::{Connection, Stamp};
use tether_gateway::Outgoing;
use tether_sam::{Integration, Route};
use tokio::time::timeout;

/// What an integration is asked.
pub(super) struct Question<'a> {
    pub(super) connection: &'a Connection,
    pub(super) route: &'a Route,
    pub(super) body: &'a str,
    pub(super) stamp: &'a Stamp,
    /// What a function gets that answers for itself.
    pub(super) event: Value,
}

impl Question<'_> {
    fn scope(&self) -> Scope<'_> {
        Scope::new(
            self.connection,
            &self.route.route_key,
            self.body,
            self.stamp,
        )
    }

    fn part(&self) -> String {
        format!("{}/{}", self.connection.stage, self.route.route_key)
    }
}

/// Asks the route's integration, in the time that it has. All answers have the
/// shape of a function's.
pub(super) async fn ask(
    api: &Api,
    integration: &Integration,
    question: Question<'_>,
) -> CallResult {
    let allowed = integration
        .timeout_ms
        .map(|it| Duration::from_millis(it.into()));
    let allowed = allowed.map_or(INTEGRATION_TIMEOUT, |it| it.min(INTEGRATION_TIMEOUT));
    let asking = async {
        match (integration.kind.as_str(), &integration.function_arn) {
            ("AWS_PROXY", Some(function)) => {
                api.call(&question.part(), function, &question.event).await
            }
            ("AWS", Some(function)) => own_shape(api, integration, function, &question).await,
            ("MOCK", _) => match answer_mock(integration, &question.scope()) {
                Ok(answer) => CallResult::Answer(Bytes::from(answer.to_string())),
                Err(error) => failed(api, integration, &error.to_string()),
            },
            ("HTTP" | "HTTP_PROXY", _) => match call_backend(api, integration, &question).await {
                Ok(answer) => CallResult::Answer(Bytes::from(answer.to_string())),
                Err(error) => failed(api, integration, &error),
            },
            (kind, _) => {
                let what = format!("integrations of type {kind} with this URI are not served");
                failed(api, integration, &what)
            }
        }
    };
    match timeout(allowed, asking).await {
        Ok(result) => result,
        Err(_) => failed(api, integration, &format!("no answer within {allowed:?}")),
    }
}

fn failed(api: &Api, integration: &Integration, why: &str) -> CallResult {
    api.notice(format!("{}: {why}", integration.logical_id));
    CallResult::Failed
}

fn answer_mock(integration: &Integration, scope: &Scope<'_>) -> Result<Value, TemplateError> {
    let responses = integration.responses.iter();
    let given = Mock {
        requests: Some(&integration.request_templates),
        selection: integration.template_selection.as_deref(),
        responses: responses
            .map(|it| (it.key.as_str(), &it.templates))
            .collect(),
    };
    mock(&given, scope)
}

/// A function behind an `AWS` integration sees the message, or what a template
/// makes of it, and its whole answer is the body.
async fn own_shape(
    api: &Api,
    integration: &Integration,
    function: &str,
    question: &Question<'_>,
) -> CallResult {
    let payload = match request_body(integration, question) {
        Ok(text) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        Err(error) => return failed(api, integration, &error.to_string()),
    };
    match api.call(&question.part(), function, &payload).await {
        CallResult::Answer(bytes) => {
            let body = String::from_utf8_lossy(&bytes);
            let answer = json!({ "statusCode": 200, "body": body });
            CallResult::Answer(Bytes::from(answer.to_string()))
        }
        other => other,
    }
}

/// The message as it is, or as the one template makes it.
fn request_body(
    integration: &Integration,
    question: &Question<'_>,
) -> Result<String, TemplateError> {
    let templates = &integration.request_templates;
    let wanted = integration
        .template_selection
        .as_deref()
        .unwrap_or("$default");
    let template = templates.get(wanted.trim_start_matches('\\'));
    match template.or_else(|| templates.get("$default")) {
        Some(template) if integration.kind != "HTTP_PROXY" => question.scope().fill(template),
        _ => Ok(question.body.to_owned()),
    }
}

async fn call_backend(
    api: &Api,
    integration: &Integration,
    question: &Question<'_>,
) -> Result<Value, String> {
    let scope = question.scope();
    let words = |error: TemplateError| error.to_string();
    let uri = scope
        .fill(integration.uri.as_deref().unwrap_or_default())
        .map_err(words)?;
    let body = request_body(integration, question).map_err(words)?;
    let json = ("content-type".to_owned(), "application/json".to_owned());
    let mapped = mapped_headers(integration, &scope).into_iter();
    let outgoing = Outgoing {
        method: integration
            .method
            .clone()
            .unwrap_or_else(|| "POST".to_owned()),
        url: uri,
        headers: std::iter::once(json).chain(mapped).collect(),
        body: Bytes::from(body),
    };
    // Whoever asks keeps the integration's own time.
    let answer = api.upstream.call(outgoing, INTEGRATION_TIMEOUT).await;
    let answer = answer.map_err(|error| error.to_string())?;
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    Ok(json!({ "statusCode": answer.status, "body": body }))
}

/// `integration.request.header.NAME: context.connectionId`, and the other sources
/// that messages have.
fn mapped_headers(integration: &Integration, scope: &Scope<'_>) -> Vec<(String, String)> {
    let mapped = integration
        .request_parameters
        .iter()
        .filter_map(|(to, from)| {
            let name = to.strip_prefix("integration.request.header.")?;
            let value = match from.strip_prefix("route.request.body.") {
                Some(path) => scope.fill(&format!("$input.path('$.{path}')")).ok()?,
                None if from.starts_with('\'') => from.trim_matches('\'').to_owned(),
                None => scope.fill(&format!("${from}")).ok()?,
            };
            HeaderName::from_bytes(name.as_bytes()).ok()?;
            HeaderValue::from_str(&value).ok()?;
            Some((name.to_owned(), value))
        });
    mapped.collect()
}
