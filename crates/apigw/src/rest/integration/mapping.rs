//! Where the values of mapped parameters come from
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-data-transformations.html>).

use super::super::events::{path_parameters, request_context, stage_variables};
use super::super::exchange::Exchange;
use super::super::fault::{Fault, FaultKind};
use super::super::headers::{self, Headers};
use crate::query;
use crate::vtl::JsonPath;
use serde_json::Value;

/// What an expression has, of the request or of what is known beside it; several for
/// `multivaluequerystring`, none if there is nothing.
pub(super) fn of_request(source: &str, exchange: &Exchange<'_>) -> Result<Vec<String>, Fault> {
    let Some(place) = source.strip_prefix("method.request.") else {
        return Ok(beside(source, exchange).into_iter().collect());
    };
    let request = exchange.request;
    if place == "body" || place.starts_with("body.") {
        let invalid = || {
            Fault::new(
                FaultKind::BadRequest,
                "the request's body is no JSON, and a parameter is mapped from it",
            )
        };
        return of_body(place, &request.body).map_err(|NoJson| invalid());
    }
    let (kind, name) = place.split_once('.').unwrap_or((place, ""));
    // LocalStack found that names have to be spelled as the mapping has them.
    let headers = headers::incoming(&request.headers);
    let mut of_headers = headers.iter().filter(|(other, _)| other == name);
    let query = query::decode(&request.query);
    let mut of_query = query.iter().filter(|(other, _)| other == name);
    let values = |pairs: Vec<&(String, String)>| -> Vec<String> {
        pairs.into_iter().map(|(_, value)| value.clone()).collect()
    };
    let mut found = match kind {
        "header" => values(of_headers.next_back().into_iter().collect()),
        "multivalueheader" => {
            let all = values(of_headers.collect());
            let joined = (!all.is_empty()).then(|| all.join(","));
            joined.into_iter().collect()
        }
        "querystring" => values(of_query.next_back().into_iter().collect()),
        "multivaluequerystring" => values(of_query.collect()),
        "path" => {
            let taken = path_parameters(exchange);
            text(taken.get(name)).into_iter().collect()
        }
        _ => Vec::new(),
    };
    found.retain(|value| !value.is_empty());
    Ok(found)
}

/// What an expression has, of an integration's answer or of what is known beside it.
pub(super) fn of_answer(
    source: &str,
    returned: &Headers,
    body: &[u8],
    exchange: &Exchange<'_>,
) -> Result<Option<String>, Fault> {
    let Some(place) = source.strip_prefix("integration.response.") else {
        return Ok(beside(source, exchange));
    };
    if place == "body" || place.starts_with("body.") {
        let reason = "the integration's body is no JSON, and a header is mapped from it";
        let failed = |NoJson| Fault::new(FaultKind::InternalServerError, reason);
        let found = of_body(place, body).map_err(failed)?;
        return Ok(found.into_iter().next());
    }
    let (kind, name) = place.split_once('.').unwrap_or((place, ""));
    let found = returned
        .iter()
        .filter(|(other, _)| other.eq_ignore_ascii_case(name));
    let values: Vec<&str> = found.map(|(_, value)| value.as_str()).collect();
    Ok(match kind {
        "header" => values.last().map(|value| (*value).to_owned()),
        "multivalueheader" if !values.is_empty() => Some(values.join(",")),
        _ => None,
    })
}

/// `'fixed'`, `context.…`, `stageVariables.…`
fn beside(source: &str, exchange: &Exchange<'_>) -> Option<String> {
    if let Some(fixed) = source
        .strip_prefix('\'')
        .and_then(|it| it.strip_suffix('\''))
    {
        return Some(fixed.to_owned());
    }
    if let Some(name) = source.strip_prefix("stageVariables.") {
        return text(stage_variables(exchange).get(name));
    }
    let context = Value::Object(request_context(exchange));
    let names = source.strip_prefix("context.")?.split('.');
    let mut names = names;
    text(names.try_fold(&context, |value, name| value.get(name)))
}

struct NoJson;

/// All of a body, or what a JSONPath finds in it. Only what looks like JSON has to be some.
fn of_body(place: &str, body: &[u8]) -> Result<Vec<String>, NoJson> {
    let whole = String::from_utf8_lossy(body);
    let whole = whole.trim();
    let value = match whole.starts_with(['{', '[', '"', '\'']) {
        true => serde_json::from_str(whole).map_err(|_| NoJson)?,
        false => Value::Object(serde_json::Map::new()),
    };
    let Some(path) = place.strip_prefix("body.") else {
        return Ok(vec![if whole.is_empty() { "{}" } else { whole }.to_owned()]);
    };
    let path = match path.starts_with('$') {
        true => path.to_owned(),
        false => format!("$.{path}"),
    };
    let found = JsonPath::parse(&path).and_then(|path| path.find(&value));
    let found = found.ok().flatten();
    Ok(match found {
        Some(value @ (Value::Array(_) | Value::Object(_))) => vec![value.to_string()],
        other => text(other.as_ref()).into_iter().collect(),
    })
}

fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        other => Some(other.to_string()),
    }
}
