//! What answers a route: a function, nothing at all (`MOCK`), or an HTTP backend.

use super::{Api, CallResult, Refusal};
use bytes::Bytes;
use serde_json::Value;
use std::fmt::Display;
use std::time::Duration;
use tether_apigw::websocket::limits::INTEGRATION_TIMEOUT;
use tether_apigw::websocket::templates::{Came, Response, Scope, TemplateError, Templates};
use tether_apigw::websocket::{Connection, Mapped};
use tether_gateway::Outgoing;
use tether_sam::{Integration, Route};
use tokio::time::timeout;

/// What an integration is asked.
pub(super) struct Question<'a> {
    pub(super) connection: &'a Connection,
    pub(super) route: &'a Route,
    /// What a function gets that answers for itself, and what templates speak of.
    pub(super) event: Value,
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
    // A client waits for a developer at a breakpoint.
    let allowed = allowed.max(api.patience);
    let asking = Asking {
        api,
        integration,
        question: &question,
        allowed,
    };
    match timeout(allowed, asking.ask()).await {
        Ok(result) => result,
        Err(_) => {
            asking.tell(&format_args!("no answer within {allowed:?}"));
            CallResult::Refused(Refusal::TIMED_OUT)
        }
    }
}

struct Asking<'a> {
    api: &'a Api,
    integration: &'a Integration,
    question: &'a Question<'a>,
    allowed: Duration,
}

impl Asking<'_> {
    async fn ask(&self) -> CallResult {
        let kind = self.integration.kind.as_str();
        match (kind, &self.integration.function_arn) {
            ("AWS_PROXY", Some(function)) => self.call(function, &self.question.event).await,
            ("AWS", Some(function)) => self.own_shape(function).await,
            ("MOCK", _) => self.made(self.templates().mock(&self.scope())),
            ("HTTP" | "HTTP_PROXY", _) => self.backend().await,
            (kind, _) => self.failed(&format_args!(
                "integrations of type {kind} with this URI are not served"
            )),
        }
    }

    fn scope(&self) -> Scope<'_> {
        Scope::new(&self.question.event)
    }

    fn templates(&self) -> Templates<'_> {
        let responses = self.integration.responses.iter();
        let responses = responses.map(|it| Response {
            key: &it.key,
            templates: &it.templates,
            selection: it.template_selection.as_deref(),
        });
        Templates {
            requests: &self.integration.request_templates,
            selection: self.integration.template_selection.as_deref(),
            passthrough: self.integration.passthrough.as_deref(),
            responses: responses.collect(),
        }
    }

    async fn call(&self, function: &str, event: &Value) -> CallResult {
        let (stage, key) = (
            &self.question.connection.stage,
            &self.question.route.route_key,
        );
        let part = format!("{stage}/{key}");
        self.api.call(&part, function, event).await
    }

    /// A function behind an `AWS` integration sees the message, or what a template
    /// makes of it, and its whole answer is the body, or what a template makes of that.
    /// One that fails lets nobody in.
    async fn own_shape(&self, function: &str) -> CallResult {
        let event = match self.templates().event(&self.scope()) {
            Ok(event) => event,
            Err(error) => return self.refused(&error),
        };
        let (status, payload) = match self.call(function, &event).await {
            CallResult::Answer(payload) => (200, payload),
            CallResult::FunctionError(payload) if !self.integration.responses.is_empty() => {
                (502, payload)
            }
            other => return other,
        };
        let came = Came {
            status,
            headers: &[],
            body: &String::from_utf8_lossy(&payload),
            of_function: true,
        };
        self.made(self.templates().answer(&self.scope(), &came))
    }

    /// Another server, by templates or (`HTTP_PROXY`) by its own answer.
    async fn backend(&self) -> CallResult {
        let is_proxy = self.integration.kind == "HTTP_PROXY";
        let body = match is_proxy {
            true => Ok(self.scope().body().to_owned()),
            false => self.templates().request(&self.scope()),
        };
        let outgoing = match body {
            Ok(body) => self.outgoing(body),
            Err(error) => return self.refused(&error),
        };
        // `ask` is the one that loses patience.
        let longer = self.allowed + Duration::from_secs(1);
        let answer = match self.api.upstream.call(outgoing, longer).await {
            Ok(answer) => answer,
            Err(error) => return self.failed(&error),
        };
        let came = Came {
            status: answer.status,
            headers: &answer.headers,
            body: &String::from_utf8_lossy(&answer.body),
            of_function: false,
        };
        let mut templates = self.templates();
        if is_proxy {
            templates.responses.clear();
        }
        self.made(templates.answer(&self.scope(), &came))
    }

    fn outgoing(&self, body: String) -> Outgoing {
        let scope = self.scope();
        let mapped = Mapped::new(&self.integration.request_parameters, &scope);
        let method = self.integration.method.as_deref();
        let uri = self.integration.uri.as_deref().unwrap_or_default();
        Outgoing {
            method: method.unwrap_or("POST").to_owned(),
            url: mapped.url(uri, &scope),
            headers: mapped.headers(),
            body: Bytes::from(body),
        }
    }

    fn made(&self, answer: Result<Value, TemplateError>) -> CallResult {
        match answer {
            Ok(answer) => CallResult::Answer(Bytes::from(answer.to_string())),
            Err(error) => self.refused(&error),
        }
    }

    fn refused(&self, error: &TemplateError) -> CallResult {
        self.tell(error);
        CallResult::Refused(Refusal::of(error))
    }

    fn failed(&self, why: &dyn Display) -> CallResult {
        self.tell(why);
        CallResult::Failed
    }

    fn tell(&self, why: &dyn Display) {
        let (api, route) = (&self.api.logical_id, &self.question.route.route_key);
        let integration = &self.integration.logical_id;
        self.api
            .notice(format!("{api} {route}: {integration}: {why}"));
    }
}
