//! What a function of a Lambda proxy integration returns:
//! `{statusCode, headers, multiValueHeaders, body, isBase64Encoded}` and nothing else
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-output-format>).
//!
//! What REST APIs make of each shape was recorded by LocalStack's
//! `test_aws_proxy_response_payload_format_validation`; what was not is `[inf]`. `{}` is the 502 that
//! it has under `empty-response`. There is a doubt: that function may have raised, and another test
//! of LocalStack's, `test_lambda_aws_proxy_response_format`, has a 200.

use super::headers::{Headers, can_be_sent};
use crate::proxy::kind;
use serde_json::{Map, Value};

const KEYS: [&str; 5] = [
    "isBase64Encoded",
    "statusCode",
    "headers",
    "multiValueHeaders",
    "body",
];

/// Why it is none. Clients see "Internal server error"; this line is for the developer's terminal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    #[error("the function's answer is {0} and not an object: return {{\"statusCode\": 200}}")]
    NotAnObject(&'static str),
    #[error("the function's answer is an empty object: return {{\"statusCode\": 200}}")]
    Empty,
    #[error(
        "the function's answer has the key {0:?}: REST APIs know statusCode, headers, multiValueHeaders, body and isBase64Encoded only"
    )]
    Key(String),
    #[error("statusCode {0} is no HTTP status of an answer: use an integer from 200 to 599")]
    Status(String),
    #[error("{0} is {1} and not an object: map each header name to its value")]
    Headers(&'static str, &'static str),
    #[error("multiValueHeaders.{0} is {1} and not a list: write [\"value\"]")]
    NotAList(String, &'static str),
    #[error("the header {0} is {1}: use a string, a number or a boolean")]
    Value(String, &'static str),
    #[error("the header {0:?} cannot be sent: its name or value has characters that HTTP forbids")]
    Unsendable(String),
    #[error("body is {0} and not a string: serialise it, for example with JSON.stringify")]
    Body(&'static str),
    #[error("isBase64Encoded is {0} and not a boolean")]
    Base64(&'static str),
}

/// A well-formed answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Payload {
    pub(super) status: u16,
    /// Those of `multiValueHeaders` first.
    pub(super) headers: Headers,
    pub(super) body: Option<String>,
    pub(super) is_base64: bool,
}

impl Payload {
    pub(super) fn parse(payload: &[u8]) -> Result<Self, Malformed> {
        let answer = match serde_json::from_slice(payload) {
            Ok(Value::Object(answer)) => answer,
            Ok(other) => return Err(Malformed::NotAnObject(kind(&other))),
            Err(_) => return Err(Malformed::NotAnObject("not JSON")),
        };
        if answer.is_empty() {
            return Err(Malformed::Empty);
        }
        if let Some(key) = answer.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(Malformed::Key(key.clone()));
        }
        Ok(Self {
            status: status(&answer)?,
            headers: headers(&answer)?,
            body: body(&answer)?,
            is_base64: is_base64(&answer)?,
        })
    }
}

/// 200 if there is none; an integer in a string is one.
fn status(answer: &Map<String, Value>) -> Result<u16, Malformed> {
    let value = match present(answer, "statusCode") {
        None => return Ok(200),
        Some(value) => value,
    };
    let number = match value {
        Value::Number(number) => number
            .as_u64()
            .and_then(|number| u16::try_from(number).ok()),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let status = number.filter(|status| (200..=599).contains(status));
    status.ok_or_else(|| Malformed::Status(value.to_string()))
}

/// `headers` come behind `multiValueHeaders`, whose spelling of a name they take, and a value that
/// both have comes once (documented).
fn headers(answer: &Map<String, Value>) -> Result<Headers, Malformed> {
    let mut all = multi_value_headers(answer)?;
    let multi = all.clone();
    for (name, value) in object(answer, "headers")?.into_iter().flatten() {
        let Some(value) = scalar(name, value)? else {
            continue;
        };
        let mut same = multi
            .iter()
            .filter(|(other, _)| other.eq_ignore_ascii_case(name));
        if same.clone().any(|(_, other)| *other == value) {
            continue;
        }
        let name = same.next().map_or(name, |(other, _)| other).clone();
        all.push((name, value));
    }
    match all.iter().find(|(name, value)| !can_be_sent(name, value)) {
        Some((name, _)) => Err(Malformed::Unsendable(name.clone())),
        None => Ok(all),
    }
}

fn multi_value_headers(answer: &Map<String, Value>) -> Result<Headers, Malformed> {
    let mut all = Headers::new();
    for (name, values) in object(answer, "multiValueHeaders")?.into_iter().flatten() {
        let Value::Array(values) = values else {
            return Err(Malformed::NotAList(name.clone(), kind(values)));
        };
        for value in values {
            if let Some(value) = scalar(name, value)? {
                all.push((name.clone(), value));
            }
        }
    }
    Ok(all)
}

/// A null sends no header `[inf]`.
fn scalar(name: &str, value: &Value) -> Result<Option<String>, Malformed> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Bool(_) | Value::Number(_) => Ok(Some(value.to_string())),
        Value::Array(_) | Value::Object(_) => Err(Malformed::Value(name.to_owned(), kind(value))),
    }
}

/// Numbers and booleans become text, as they do in headers `[inf]`.
fn body(answer: &Map<String, Value>) -> Result<Option<String>, Malformed> {
    match present(answer, "body") {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(Some(value.to_string())),
        Some(other) => Err(Malformed::Body(kind(other))),
    }
}

fn is_base64(answer: &Map<String, Value>) -> Result<bool, Malformed> {
    match present(answer, "isBase64Encoded") {
        None => Ok(false),
        Some(Value::Bool(is_base64)) => Ok(*is_base64),
        Some(Value::String(text)) if text == "true" || text == "false" => Ok(text == "true"),
        Some(other) => Err(Malformed::Base64(kind(other))),
    }
}

fn object<'a>(
    answer: &'a Map<String, Value>,
    key: &'static str,
) -> Result<Option<&'a Map<String, Value>>, Malformed> {
    match present(answer, key) {
        None => Ok(None),
        Some(Value::Object(headers)) => Ok(Some(headers)),
        Some(other) => Err(Malformed::Headers(key, kind(other))),
    }
}

fn present<'a>(answer: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    answer.get(key).filter(|value| !value.is_null())
}
