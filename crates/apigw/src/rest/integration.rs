//! Integrations that are no Lambda proxies: what they are sent, and what their answer becomes
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-integration-settings.html>).
//!
//! [`prepare`] maps the request's parameters and runs its template, the front calls what comes of
//! that, and [`answer`] chooses a response, maps its headers and runs its template.

mod mapping;
mod request;
mod response;
mod template;

pub use request::prepare;
pub(crate) use request::{NOT_MAPPED, mock_status};
pub use response::answer;

use crate::invoke::InvokeResult;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::fmt;

/// An integration, as an API declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integration {
    /// What is called.
    pub kind: Kind,
    /// Where, with `{path}` and `${stageVariables.x}` in it.
    pub uri: Option<String>,
    /// The method by which it is called; none or `ANY`: the request's.
    pub http_method: Option<String>,
    /// `integration.request.header.x` → `method.request.querystring.y`, and the like.
    pub request_parameters: BTreeMap<String, String>,
    /// Mapping templates by content type.
    pub request_templates: BTreeMap<String, String>,
    /// What happens to a body without a template.
    pub passthrough: Passthrough,
    /// How its request's body is converted.
    pub content_handling: Option<ContentHandling>,
    /// Its answers, in their order.
    pub responses: Vec<Response>,
}

/// What an integration calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A function, by mapping templates.
    Lambda,
    /// Another server, by its own answer: neither templates nor responses count.
    HttpProxy,
    /// Another server, by mapping templates.
    Http,
    /// Nothing.
    Mock,
}

/// What happens to a body for whose content type there is no template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Passthrough {
    /// It goes on as it is.
    #[default]
    WhenNoMatch,
    /// It goes on as it is, if there are no templates at all; otherwise 415.
    WhenNoTemplates,
    /// 415.
    Never,
}

/// How a body is converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentHandling {
    /// `CONVERT_TO_BINARY`
    ToBinary,
    /// `CONVERT_TO_TEXT`
    ToText,
}

/// One of an integration's responses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// Which errors or statuses it answers; none or empty: all that no other does.
    pub pattern: Option<String>,
    /// `200`
    pub status: String,
    /// `method.response.header.x` → `'value'` or `integration.response.header.y`.
    pub parameters: BTreeMap<String, String>,
    /// Mapping templates by content type.
    pub templates: BTreeMap<String, String>,
    /// How its body is converted.
    pub content_handling: Option<ContentHandling>,
}

/// What is to be called, and what a template said about the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// The call.
    pub call: Call,
    /// `$context.responseOverride` of the request's template.
    pub overrides: ResponseOverride,
}

/// What a template says about the answer in place of the integration response.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResponseOverride {
    /// `$context.responseOverride.status`
    pub status: Option<u16>,
    /// `$context.responseOverride.header.x`
    pub headers: Vec<(String, String)>,
}

/// A call of an integration. It does not print: payloads are in it.
#[derive(Clone, PartialEq, Eq)]
pub enum Call {
    /// A function with this event; by `X-Amz-Invocation-Type: Event` without waiting for it.
    Lambda {
        /// The event.
        payload: Bytes,
        /// Whether nobody waits for its answer.
        asynchronous: bool,
    },
    /// Another server.
    Http {
        /// `POST`
        method: String,
        /// Where, its query included.
        url: String,
        /// In their order; `Host` and `Content-Length` are the client's to add.
        headers: Vec<(String, String)>,
        /// The body.
        body: Bytes,
    },
    /// Nobody: the mapping template chose this status.
    Mock {
        /// By which a response is selected.
        status: u16,
    },
}

impl fmt::Debug for Call {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lambda { asynchronous, .. } => out
                .debug_struct("Lambda")
                .field("asynchronous", asynchronous)
                .finish_non_exhaustive(),
            Self::Http { method, .. } => out
                .debug_struct("Http")
                .field("method", method)
                .finish_non_exhaustive(),
            Self::Mock { status } => out.debug_struct("Mock").field("status", status).finish(),
        }
    }
}

/// What came back.
#[derive(Clone, Copy)]
pub enum Came<'a> {
    /// From a function.
    Lambda(InvokeResult<'a>),
    /// From another server.
    Http {
        /// Its status.
        status: u16,
        /// Its headers, in their order.
        headers: &'a [(String, String)],
        /// Its body.
        body: &'a Bytes,
    },
    /// From nobody: [`Call::Mock`]'s status.
    Mock {
        /// It.
        status: u16,
    },
}

#[cfg(test)]
mod conversion_tests;
#[cfg(test)]
mod tests;
