//! Parameter mapping: what an HTTP API changes of a request before its integration sees it, and of
//! an answer before its client does
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html>).

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::http::{Answer, Request};
use crate::http_api::Exchange;
use crate::http_api::variables::{context_variable, scalar};
use crate::query;
use crate::websocket::json_path::{JsonPath, PathError};

/// `RequestParameters` of an integration: `append:header.x` → `$request.querystring.y`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RequestMappings(Vec<Mapping>);

/// `ResponseParameters` of an integration, for one status.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResponseMappings(Vec<Mapping>);

/// What is no mapping.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// Of the key.
    #[error(
        "{0:?} maps nothing: write append, overwrite or remove, and header.NAME, querystring.NAME, path or statuscode behind a colon"
    )]
    Key(String),
    /// AWS does not let mappings touch it.
    #[error("the header {0} is reserved: it cannot be mapped")]
    Reserved(String),
    /// Of the value.
    #[error(
        "{0:?} is no value of a mapping: see $request, $response, $context and $stageVariables"
    )]
    Value(String),
    /// Of a path into a body.
    #[error("the path in {expression:?} cannot be followed: {reason}")]
    Path {
        /// All of it.
        expression: String,
        /// Why.
        reason: PathError,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Mapping {
    action: Action,
    target: Target,
    value: Vec<Part>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Append,
    Overwrite,
    Remove,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Header(String),
    Query(String),
    Path,
    Status,
}

/// A piece of a value: a constant, or something of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Header(String),
    Query(String),
    Body(Option<JsonPath>),
    Path,
    PathParameter(String),
    Context(String),
    StageVariable(String),
}

/// Headers that cannot be mapped; those that end in `*` begin so.
const RESERVED: [&str; 20] = [
    "access-control-*",
    "apigw-*",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-location",
    "forwarded",
    "keep-alive",
    "origin",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailers",
    "transfer-encoding",
    "upgrade",
    "x-amz-*",
    "x-amzn-*",
    "x-forwarded-*",
    "via",
];

impl RequestMappings {
    /// Reads them.
    ///
    /// # Errors
    /// The first one that AWS would not accept.
    pub fn parse(parameters: &BTreeMap<String, String>) -> Result<Self, MappingError> {
        let parsed = parameters.iter().map(|(key, value)| {
            let mapping = Mapping::parse(key, value, "$request.")?;
            match mapping.target {
                Target::Status => Err(MappingError::Key(key.clone())),
                _ => Ok(mapping),
            }
        });
        parsed.collect::<Result<_, _>>().map(Self)
    }

    /// The request as the integration sees it. Values are those of the request as it came; what has
    /// no value changes nothing `[inf]`.
    #[must_use]
    pub fn apply(&self, exchange: &Exchange<'_>) -> Request {
        let mut changed = exchange.request.clone();
        for mapping in self.0.iter().filter(|it| it.action == Action::Remove) {
            mapping.change(&mut changed, exchange, "");
        }
        for mapping in self.0.iter().filter(|it| it.action != Action::Remove) {
            if let Some(value) = mapping.value(exchange, None) {
                mapping.change(&mut changed, exchange, &value);
            }
        }
        changed
    }
}

impl ResponseMappings {
    /// Reads those of one status.
    ///
    /// # Errors
    /// The first one that AWS would not accept.
    pub fn parse(parameters: &BTreeMap<String, String>) -> Result<Self, MappingError> {
        let parsed = parameters.iter().map(|(key, value)| {
            let mapping = Mapping::parse(key, value, "$response.")?;
            match mapping.target {
                Target::Path | Target::Query(_) => Err(MappingError::Key(key.clone())),
                _ => Ok(mapping),
            }
        });
        parsed.collect::<Result<_, _>>().map(Self)
    }

    /// Changes an answer that has the status that these are for.
    pub fn apply(&self, answer: &mut Answer, exchange: &Exchange<'_>) {
        let before = answer.clone();
        for mapping in &self.0 {
            let value = match mapping.action {
                Action::Remove => Some(String::new()),
                _ => mapping.value(exchange, Some(&before)),
            };
            let Some(value) = value else { continue };
            match &mapping.target {
                Target::Header(name) => mapping.action.pair(
                    &mut answer.headers,
                    name,
                    &value,
                    str::eq_ignore_ascii_case,
                ),
                Target::Status => answer.status = value.parse().unwrap_or(answer.status),
                Target::Path | Target::Query(_) => {}
            }
        }
    }
}

impl Action {
    fn pair(
        self,
        pairs: &mut Vec<(String, String)>,
        name: &str,
        value: &str,
        same: fn(&str, &str) -> bool,
    ) {
        if self != Self::Append {
            pairs.retain(|(own, _)| !same(own, name));
        }
        // What would end the header early is not sent.
        let sound = !value.contains(['\r', '\n', '\0']);
        if self != Self::Remove && sound {
            pairs.push((name.to_owned(), value.to_owned()));
        }
    }
}

impl Mapping {
    fn parse(key: &str, value: &str, body: &str) -> Result<Self, MappingError> {
        let wrong = || MappingError::Key(key.to_owned());
        let (action, target) = key.split_once(':').ok_or_else(wrong)?;
        let action = match action {
            "append" => Action::Append,
            "overwrite" => Action::Overwrite,
            "remove" => Action::Remove,
            _ => return Err(wrong()),
        };
        let named = |prefix| {
            target
                .strip_prefix(prefix)
                .filter(|it: &&str| !it.is_empty())
        };
        let target = match (target, named("header."), named("querystring.")) {
            ("path", ..) if action == Action::Overwrite => Target::Path,
            ("statuscode", ..) if action == Action::Overwrite => Target::Status,
            (_, Some(name), _) => Target::Header(reserved(name)?),
            (_, _, Some(name)) => Target::Query(name.to_owned()),
            _ => return Err(wrong()),
        };
        let value = match action {
            Action::Remove => Vec::new(),
            _ => parts(value, body)?,
        };
        Ok(Self {
            action,
            target,
            value,
        })
    }

    /// Text beside variables that have no value stays; a variable alone without one is nothing.
    fn value(&self, exchange: &Exchange<'_>, answer: Option<&Answer>) -> Option<String> {
        match self.value.as_slice() {
            [alone] => alone.value(exchange, answer),
            parts => {
                let values = parts.iter().map(|it| it.value(exchange, answer));
                Some(values.map(Option::unwrap_or_default).collect())
            }
        }
    }

    fn change(&self, request: &mut Request, exchange: &Exchange<'_>, value: &str) {
        match &self.target {
            Target::Header(name) => {
                self.action
                    .pair(&mut request.headers, name, value, str::eq_ignore_ascii_case);
            }
            Target::Query(name) => {
                let mut pairs = query::decode(&request.query);
                self.action.pair(&mut pairs, name, value, |a, b| a == b);
                request.query = encode_query(&pairs);
            }
            Target::Path => request.path = in_stage(exchange, value),
            Target::Status => {}
        }
    }
}

/// A new path stands where the old one did, behind the stage.
fn in_stage(exchange: &Exchange<'_>, path: &str) -> String {
    let slash = if path.starts_with('/') { "" } else { "/" };
    let encoded = encode_path(path);
    match exchange.path() == exchange.path_in_stage() {
        true => format!("{slash}{encoded}"),
        false => format!("/{}{slash}{encoded}", exchange.stage),
    }
}

/// Everything that cannot stand in a path by itself.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'%');

pub(crate) fn encode_path(path: &str) -> String {
    utf8_percent_encode(path, PATH).to_string()
}

/// Everything but what RFC 3986 leaves unreserved.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The inverse of [`query::decode`].
pub(crate) fn encode_query(pairs: &[(String, String)]) -> String {
    let encode = |it: &str| utf8_percent_encode(it, COMPONENT).to_string();
    let pairs = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn reserved(name: &str) -> Result<String, MappingError> {
    let lower = name.to_ascii_lowercase();
    let is_reserved = RESERVED.iter().any(|it| match it.strip_suffix('*') {
        Some(prefix) => lower.starts_with(prefix),
        None => lower == *it,
    });
    match is_reserved {
        true => Err(MappingError::Reserved(name.to_owned())),
        false => Ok(name.to_owned()),
    }
}

/// A variable alone, or a text with variables in `${…}`.
fn parts(value: &str, body: &str) -> Result<Vec<Part>, MappingError> {
    if !value.contains("${") {
        let part = match value.starts_with('$') {
            true => variable(value, body)?,
            false => Part::Text(value.to_owned()),
        };
        return Ok(vec![part]);
    }
    let mut parts = Vec::new();
    let mut rest = value;
    while let Some((text, after)) = rest.split_once("${") {
        let wrong = || MappingError::Value(value.to_owned());
        let (inner, behind) = after.split_once('}').ok_or_else(wrong)?;
        if !text.is_empty() {
            parts.push(Part::Text(text.to_owned()));
        }
        parts.push(variable(&format!("${inner}"), body)?);
        rest = behind;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Ok(parts)
}

/// `body` is `$request.` or `$response.`: answers have headers and a body, requests have more.
fn variable(text: &str, body: &str) -> Result<Part, MappingError> {
    let after = |prefix: &str| text.strip_prefix(prefix).filter(|it| !it.is_empty());
    let owned = |it: &str| it.to_owned();
    if let Some(name) = after("$context.") {
        return Ok(Part::Context(owned(name)));
    }
    if let Some(name) = after("$stageVariables.") {
        return Ok(Part::StageVariable(owned(name)));
    }
    let of_request = body == "$request.";
    let inner = after(body).ok_or_else(|| MappingError::Value(owned(text)))?;
    let named = |prefix: &str| inner.strip_prefix(prefix).filter(|it| !it.is_empty());
    if let Some(name) = named("header.") {
        return Ok(Part::Header(owned(name)));
    }
    match (inner, inner.strip_prefix("body")) {
        (_, Some("")) => return Ok(Part::Body(None)),
        (_, Some(path)) => {
            let path = JsonPath::parse(path).map_err(|reason| MappingError::Path {
                expression: owned(text),
                reason,
            })?;
            return Ok(Part::Body(Some(path)));
        }
        ("path", _) if of_request => return Ok(Part::Path),
        _ => {}
    }
    match (named("querystring."), named("path.")) {
        (Some(name), _) if of_request => Ok(Part::Query(owned(name))),
        (_, Some(name)) if of_request => Ok(Part::PathParameter(owned(name))),
        _ => Err(MappingError::Value(owned(text))),
    }
}

impl Part {
    fn value(&self, exchange: &Exchange<'_>, answer: Option<&Answer>) -> Option<String> {
        let request = exchange.request;
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Header(name) => {
                let headers = answer.map_or(&request.headers, |it| &it.headers);
                joined(
                    headers
                        .iter()
                        .filter(|(own, _)| own.eq_ignore_ascii_case(name)),
                )
            }
            Self::Query(name) => {
                let pairs = query::decode(&request.query);
                joined(pairs.iter().filter(|(own, _)| own == name))
            }
            Self::Body(path) => {
                let body = answer.map_or(&request.body, |it| &it.body);
                body_value(body, path.as_ref())
            }
            Self::Path => Some(exchange.path_in_stage()),
            Self::PathParameter(name) => {
                let mut parameters = exchange.path_parameters.iter();
                let found = parameters.find(|(own, _)| own == name);
                found.map(|(_, value)| value.clone())
            }
            Self::Context(name) => context_variable(exchange, name),
            Self::StageVariable(name) => exchange.stage_variables.get(name).cloned(),
        }
    }
}

/// Several values become one, with commas.
fn joined<'a>(found: impl Iterator<Item = &'a (String, String)>) -> Option<String> {
    let values: Vec<&str> = found.map(|(_, value)| value.as_str()).collect();
    (!values.is_empty()).then(|| values.join(","))
}

fn body_value(body: &[u8], path: Option<&JsonPath>) -> Option<String> {
    match path {
        None => std::str::from_utf8(body).ok().map(str::to_owned),
        Some(path) => {
            let body: Value = serde_json::from_slice(body).ok()?;
            scalar(&Value::String(path.find(&body)?))
        }
    }
}

#[cfg(test)]
mod tests;
