//! Mapping templates of WebSocket APIs, and which of them is used: what is sent to an
//! integration that is no proxy, and what goes back.
//!
//! The language is that of REST APIs. [`Templates::request`] makes what is sent of a
//! message; [`Templates::answer`] chooses an integration response by the backend's status
//! or a function's error, and runs its template.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-data-transformations.html>,
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-mapping-template-reference.html>

use super::routes::{Piece, SelectionError, body_path, pieces};
use crate::rest::integration::mock_status;
use crate::rest::pattern;
use crate::vtl::{self, Input, Template, VtlError};
use indexmap::IndexMap;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const DEFAULT: &str = "$default";

/// Why templates give nothing. For the developer's terminal: a client hears of
/// [`refusal`](Self::refusal).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A template that is wrong, or fails.
    #[error("{which} fails: {why}")]
    Fails {
        /// `the request template "$default"`
        which: String,
        /// With its line.
        why: String,
    },
    /// An expression that selects no key.
    #[error("the template selection expression {expression:?} selects nothing: {error}")]
    Selection {
        /// As it is written.
        expression: String,
        /// What is wrong with it.
        error: SelectionError,
    },
    /// No template, and the message may not go on as it is.
    #[error(
        "the template selection expression {expression} selects none of {keys:?}, there is no $default, and no passthrough: add one of them"
    )]
    NoTemplate {
        /// As it is written, or the one that is meant without any. What it selects is the
        /// client's.
        expression: String,
        /// What there is.
        keys: Vec<String>,
    },
    /// A `MOCK` integration answers with a status.
    #[error(
        "{0} of a MOCK integration gives no statusCode: let it become an object such as {{\"statusCode\": 200}}"
    )]
    NoStatus(String),
    /// A function's event.
    #[error("{0} is no JSON, and the function takes nothing else")]
    NoJson(String),
    /// There are integration responses, for others.
    #[error("no integration response is meant for {0:?}: add one with the key $default")]
    NoResponse(String),
    /// The key of an integration response.
    #[error("an integration response cannot be chosen: {0}")]
    Key(String),
}

impl TemplateError {
    /// Status and message for the client. The words are REST's gateway responses `[inf]`.
    #[must_use]
    pub fn refusal(&self) -> (u16, &'static str) {
        match self {
            Self::NoTemplate { .. } => (415, "Unsupported Media Type"),
            _ => (500, "Internal server error"),
        }
    }
}

/// What a template can speak of: everything that the event of a function in its place would
/// have.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a>(&'a Value);

impl<'a> Scope<'a> {
    /// Of an event: a message's, or that of `$connect` or `$disconnect`.
    #[must_use]
    pub fn new(event: &'a Value) -> Self {
        Self(event)
    }

    /// The message; empty without one.
    #[must_use]
    pub fn body(&self) -> &'a str {
        self.0["body"].as_str().unwrap_or_default()
    }

    /// A part of the event, null if it is not there.
    pub(super) fn part(&self, name: &str) -> &'a Value {
        &self.0[name]
    }

    /// Runs a template over a body. `status` is there once somebody has answered.
    fn render(&self, template: &str, body: &str, status: Option<u16>) -> Result<String, VtlError> {
        let object = |name: &str| match self.part(name) {
            Value::Null => json!({}),
            value => value.clone(),
        };
        // Only a handshake has parameters.
        let params = vtl::params(
            json!({}),
            object("queryStringParameters"),
            object("headers"),
        );
        let mut context = object("requestContext");
        if let Some(status) = status {
            context["status"] = json!(status);
        }
        let all = [
            ("context", context),
            ("stageVariables", object("stageVariables")),
        ];
        let all = all.into_iter();
        let mut variables: IndexMap<String, vtl::Value> = all
            .map(|(name, json)| (name.to_owned(), json.into()))
            .collect();
        let input = Input::new(body.to_owned(), params);
        vtl::render(&Template::parse(template)?, &input, &mut variables)
    }
}

/// An integration's templates, as it declares them.
#[derive(Debug, Clone)]
pub struct Templates<'a> {
    /// Of what is sent, by key.
    pub requests: &'a BTreeMap<String, String>,
    /// What selects one.
    pub selection: Option<&'a str>,
    /// `WHEN_NO_MATCH`, `WHEN_NO_TEMPLATES` or `NEVER`; none: the first.
    pub passthrough: Option<&'a str>,
    /// What is made of answers.
    pub responses: Vec<Response<'a>>,
}

/// An integration response.
#[derive(Debug, Clone, Copy)]
pub struct Response<'a> {
    /// `$default`, or an expression between slashes: `/2\d\d/`.
    pub key: &'a str,
    /// Templates of what goes back, by key.
    pub templates: &'a BTreeMap<String, String>,
    /// What selects one.
    pub selection: Option<&'a str>,
}

/// What came back. It does not print.
#[derive(Clone, Copy)]
pub struct Came<'a> {
    /// A backend's status; a function's is 200, or 502 if it failed.
    pub status: u16,
    /// A backend's headers, in their order.
    pub headers: &'a [(String, String)],
    /// The body.
    pub body: &'a str,
    /// Whether a function's `errorMessage` chooses the integration response, and not the
    /// status
    /// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-data-transformations.html#apigateway-websocket-api-integration-response-selection-expressions>).
    pub of_function: bool,
}

impl Came<'_> {
    /// What keys of integration responses are held against.
    fn selects(&self) -> String {
        let error = || {
            let value: Value = serde_json::from_str(self.body).ok()?;
            Some(value.get("errorMessage")?.as_str()?.to_owned())
        };
        let error = self.of_function.then(error).flatten();
        error.unwrap_or_else(|| match self.of_function {
            true => "200".to_owned(),
            false => self.status.to_string(),
        })
    }

    fn variable(&self, name: &str) -> Option<String> {
        let name = name.strip_prefix("integration.response.")?;
        if name == "statuscode" {
            return Some(self.status.to_string());
        }
        let (place, header) = name.split_once('.')?;
        let mut all = self.headers.iter();
        let all = all
            .by_ref()
            .filter(|(it, _)| it.eq_ignore_ascii_case(header));
        let all: Vec<&str> = all.map(|(_, value)| value.as_str()).collect();
        match place {
            "header" => Some(all.last().copied().unwrap_or_default().to_owned()),
            "multivalueheader" => Some(all.join(",")),
            _ => None,
        }
    }
}

/// A template that was chosen.
struct Chosen<'a> {
    /// `the request template "$default"`
    which: String,
    text: &'a str,
}

impl Templates<'_> {
    /// What is sent: the message as its template makes it, or as it is. An empty template
    /// is none.
    ///
    /// # Errors
    /// A template that fails, or the lack of one where nothing passes through.
    pub fn request(&self, scope: &Scope<'_>) -> Result<String, TemplateError> {
        match self.chosen(scope)? {
            Some(chosen) => run(&chosen, scope, scope.body(), None),
            None => Ok(scope.body().to_owned()),
        }
    }

    /// What is sent to a function: JSON. No message is an empty event.
    ///
    /// # Errors
    /// As [`request`](Self::request), and for what is no JSON: Lambda refuses that.
    pub fn event(&self, scope: &Scope<'_>) -> Result<Value, TemplateError> {
        let text = self.request(scope)?;
        if text.trim().is_empty() {
            return Ok(json!({}));
        }
        let named = || Ok(TemplateError::NoJson(self.named(scope)?));
        serde_json::from_str(&text).or_else(|_| Err(named()?))
    }

    /// What a `MOCK` integration answers, in the shape of a function's answer. What its
    /// request template makes is what its response template sees: that is how a message's
    /// parts come into it `[inf]`
    /// (<https://wasabee.dev/2024/07/api-gateway-websocket-with-mock-integration>).
    ///
    /// # Errors
    /// A template that fails, gives no status, or is missing.
    pub fn mock(&self, scope: &Scope<'_>) -> Result<Value, TemplateError> {
        let made = self.request(scope)?;
        let Ok(status) = mock_status(made.as_bytes()) else {
            return Err(TemplateError::NoStatus(self.named(scope)?));
        };
        let came = Came {
            status,
            headers: &[],
            body: &made,
            of_function: false,
        };
        match self.made(scope, &came)? {
            Some(body) => Ok(json!({ "statusCode": status, "body": body })),
            None => Ok(json!({ "statusCode": status })),
        }
    }

    /// What goes back, in the shape of a function's answer: as a response template makes it, or
    /// as it came.
    ///
    /// # Errors
    /// A template that fails, or the lack of an integration response.
    pub fn answer(&self, scope: &Scope<'_>, came: &Came<'_>) -> Result<Value, TemplateError> {
        let body = self.made(scope, came)?;
        let body = body.unwrap_or_else(|| came.body.to_owned());
        Ok(json!({ "statusCode": came.status, "body": body }))
    }

    /// The request template, for a sentence about it.
    fn named(&self, scope: &Scope<'_>) -> Result<String, TemplateError> {
        let chosen = self.chosen(scope)?;
        Ok(chosen.map_or_else(
            || "the message, for which there is no request template,".to_owned(),
            |it| it.which,
        ))
    }

    /// An expression that selects no template leads to `$default`; without an expression, that
    /// one or the only one is meant.
    fn chosen(&self, scope: &Scope<'_>) -> Result<Option<Chosen<'_>>, TemplateError> {
        let selected = match self.selection {
            Some(expression) => select(expression, scope.body(), |_| None)?,
            None => DEFAULT.to_owned(),
        };
        let found = named(self.requests, &[&selected, DEFAULT]);
        let found = found.or_else(|| match self.selection {
            None => only(self.requests),
            Some(_) => None,
        });
        if let Some((key, text)) = found {
            let which = format!("the request template {key:?}");
            return Ok(Some(Chosen { which, text }).filter(|it| !it.text.is_empty()));
        }
        let passes = match self.passthrough {
            Some("NEVER") => false,
            Some("WHEN_NO_TEMPLATES") => self.requests.is_empty(),
            _ => true,
        };
        match passes {
            true => Ok(None),
            false => Err(TemplateError::NoTemplate {
                expression: self.selection.unwrap_or(r"\$default").to_owned(),
                keys: self.requests.keys().cloned().collect(),
            }),
        }
    }

    /// None: nothing is made of it. Without any integration response that is so as well
    /// `[inf]`: a route that answers nothing needs none.
    fn made(&self, scope: &Scope<'_>, came: &Came<'_>) -> Result<Option<String>, TemplateError> {
        if self.responses.is_empty() {
            return Ok(None);
        }
        let selects = came.selects();
        let response = self.response(&selects)?;
        match response.chosen(scope, came)? {
            Some(chosen) => run(&chosen, scope, came.body, Some(came.status)).map(Some),
            None => Ok(None),
        }
    }

    /// The first whose expression matches all of it, or `$default`.
    fn response(&self, selects: &str) -> Result<Response<'_>, TemplateError> {
        for response in &self.responses {
            let inner = response.key.strip_prefix('/');
            let matches = match inner.and_then(|it| it.strip_suffix('/')) {
                Some(expression) => pattern::is_all_of(expression, selects)
                    .map_err(|error| TemplateError::Key(error.to_string()))?,
                None => response.key == selects,
            };
            if matches {
                return Ok(*response);
            }
        }
        let default = self.responses.iter().find(|it| it.key == DEFAULT);
        default
            .copied()
            .ok_or_else(|| TemplateError::NoResponse(selects.to_owned()))
    }
}

impl<'a> Response<'a> {
    /// As for requests; without an expression the one of the status is meant first `[inf]`.
    fn chosen(
        &self,
        scope: &Scope<'_>,
        came: &Came<'_>,
    ) -> Result<Option<Chosen<'a>>, TemplateError> {
        let found = match self.selection {
            Some(expression) => {
                let selected = select(expression, scope.body(), |name| came.variable(name))?;
                named(self.templates, &[&selected, DEFAULT])
            }
            None => named(self.templates, &[&came.status.to_string(), DEFAULT])
                .or_else(|| only(self.templates)),
        };
        let chosen = found.map(|(key, text)| Chosen {
            which: format!("the response template {key:?} of {:?}", self.key),
            text,
        });
        Ok(chosen.filter(|it| !it.text.is_empty()))
    }
}

fn named<'a>(templates: &'a BTreeMap<String, String>, keys: &[&str]) -> Option<(&'a str, &'a str)> {
    let found = keys.iter().find_map(|key| templates.get_key_value(*key));
    found.map(|(key, text)| (key.as_str(), text.as_str()))
}

fn only(templates: &BTreeMap<String, String>) -> Option<(&str, &str)> {
    let mut all = templates.iter();
    let first = all.next().filter(|_| all.next().is_none());
    first.map(|(key, text)| (key.as_str(), text.as_str()))
}

fn run(
    chosen: &Chosen<'_>,
    scope: &Scope<'_>,
    body: &str,
    status: Option<u16>,
) -> Result<String, TemplateError> {
    let made = scope.render(chosen.text, body, status);
    made.map_err(|error| TemplateError::Fails {
        which: chosen.which.clone(),
        why: error.to_string(),
    })
}

/// Whether an expression can select a key: of what is sent, or (`of_answer`) of what goes back,
/// which has `integration.response.…` beside the message.
///
/// # Errors
/// What is wrong with it.
pub fn check_selection(expression: &str, of_answer: bool) -> Result<(), SelectionError> {
    let came = Came {
        status: 200,
        headers: &[],
        body: "",
        of_function: false,
    };
    for piece in pieces(expression)? {
        if let Piece::Variable(name) = piece
            && !(of_answer && came.variable(name).is_some())
        {
            body_path(name)?;
        }
    }
    Ok(())
}

/// The key that an expression selects. What a message lacks is empty, and so is everything of
/// one that is no JSON. `own` knows the variables beside the message's.
fn select(
    expression: &str,
    body: &str,
    own: impl Fn(&str) -> Option<String>,
) -> Result<String, TemplateError> {
    let wrong = |error| TemplateError::Selection {
        expression: expression.to_owned(),
        error,
    };
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let mut selected = String::new();
    for piece in pieces(expression).map_err(wrong)? {
        match piece {
            Piece::Text(text) => selected.push_str(&text),
            Piece::Variable(name) => match own(name) {
                Some(value) => selected.push_str(&value),
                None => {
                    let path = body_path(name).map_err(wrong)?;
                    selected.push_str(&path.find(&body).unwrap_or_default());
                }
            },
        }
    }
    Ok(selected)
}

#[cfg(test)]
#[path = "templates_tests.rs"]
mod tests;
