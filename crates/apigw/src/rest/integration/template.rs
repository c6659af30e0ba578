//! Mapping templates, run for one exchange.

use super::super::events::{
    last_of_each, path_parameters, request_context, single, stage_variables,
};
use super::super::exchange::Exchange;
use super::super::fault::{Fault, FaultKind};
use super::super::headers;
use super::ResponseOverride;
use crate::query;
use crate::vtl::{Input, Template, Value, params, render};
use indexmap::IndexMap;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value as Json, json};

/// What a template made, and what it set in the context.
pub(super) struct Rendered {
    pub(super) body: String,
    pub(super) request: RequestOverride,
    pub(super) response: ResponseOverride,
}

/// `$context.requestOverride`: in place of mapped parameters.
#[derive(Default)]
pub(super) struct RequestOverride {
    pub(super) headers: Vec<(String, Vec<String>)>,
    pub(super) query: Vec<(String, Vec<String>)>,
    pub(super) path: Vec<(String, Vec<String>)>,
}

/// Runs a template over a body. What an earlier one said about the answer still holds.
pub(super) fn run(
    template: &str,
    body: String,
    exchange: &Exchange<'_>,
    before: &ResponseOverride,
) -> Result<Rendered, Fault> {
    let mut variables = variables(exchange, before);
    let rendered = Template::parse(template)
        .and_then(|template| render(&template, &input(body, exchange), &mut variables));
    let body =
        rendered.map_err(|error| Fault::new(FaultKind::InternalServerError, error.to_string()))?;
    let context = variables
        .get("context")
        .map(Value::json)
        .unwrap_or_default();
    Ok(Rendered {
        body,
        request: request_override(&context["requestOverride"]),
        response: response_override(&context["responseOverride"]),
    })
}

/// Parameters are decoded for templates, those of the path as well
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html>).
fn input(body: String, exchange: &Exchange<'_>) -> Input {
    let path = path_parameters(exchange).into_iter().map(|(name, value)| {
        let raw = value.as_str().unwrap_or_default();
        let decoded = percent_decode_str(raw).decode_utf8_lossy();
        (name, Json::String(decoded.into_owned()))
    });
    let query = query::decode(&exchange.request.query);
    let headers = headers::incoming(&exchange.request.headers);
    let params = params(
        Json::Object(path.collect()),
        Json::Object(last_of_each(&query)),
        Json::Object(single(&headers)),
    );
    Input::new(body, params)
}

fn variables(exchange: &Exchange<'_>, before: &ResponseOverride) -> IndexMap<String, Value> {
    let mut context = request_context(exchange);
    let request = json!({ "header": {}, "querystring": {}, "path": {} });
    context.insert("requestOverride".to_owned(), request);
    let pairs = before.headers.iter();
    let header: Map<String, Json> = pairs
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    let mut response = Map::new();
    response.insert("header".to_owned(), Json::Object(header));
    if let Some(status) = before.status {
        response.insert("status".to_owned(), json!(status));
    }
    context.insert("responseOverride".to_owned(), Json::Object(response));
    let stage = Json::Object(stage_variables(exchange));
    let all = [
        ("context", Json::Object(context)),
        ("stageVariables", stage),
    ];
    let all = all.into_iter();
    all.map(|(name, json)| (name.to_owned(), Value::from(json)))
        .collect()
}

fn request_override(set: &Json) -> RequestOverride {
    RequestOverride {
        headers: values(&set["header"]),
        query: values(&set["querystring"]),
        path: values(&set["path"]),
    }
}

/// A status that is none is as if it were not set, as LocalStack found.
fn response_override(set: &Json) -> ResponseOverride {
    let status = match &set["status"] {
        Json::String(text) => text.parse().ok(),
        other => other.as_u64().and_then(|status| u16::try_from(status).ok()),
    };
    let headers = values(&set["header"]).into_iter();
    ResponseOverride {
        status: status.filter(|status| (200..=599).contains(status)),
        headers: headers
            .flat_map(|(name, all)| all.into_iter().map(move |value| (name.clone(), value)))
            .collect(),
    }
}

/// A list is several values.
fn values(object: &Json) -> Vec<(String, Vec<String>)> {
    let text = |value: &Json| match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    let pairs = object.as_object().into_iter().flatten();
    let all = pairs.map(|(name, value)| match value {
        Json::Array(items) => (name.clone(), items.iter().map(text).collect()),
        other => (name.clone(), vec![text(other)]),
    });
    all.collect()
}
