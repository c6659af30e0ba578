//! The answer of a Lambda proxy integration: `{statusCode, headers, body, isBase64Encoded}`.
//!
//! What WebSocket routes need of it; REST and HTTP APIs read the same shape with
//! stricter and laxer rules of their own.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// Why an answer is not one of a proxy integration. The client only ever sees
/// "Internal server error"; this line is for the developer's terminal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MalformedAnswer {
    /// The payload is no JSON object: often a handler that returned nothing.
    #[error("the answer is {0} and not an object: return {{\"statusCode\": 200}}")]
    NotAnObject(&'static str),
    /// There is no `statusCode`.
    #[error("the answer has no statusCode: return {{\"statusCode\": 200}}")]
    NoStatus,
    /// `statusCode` is no status from 200 to 599.
    #[error("statusCode {0} is no HTTP status of an answer: use an integer from 200 to 599")]
    Status(String),
    /// `headers` or `multiValueHeaders` is no object.
    #[error("{0} is not an object: map each header name to its value")]
    Headers(&'static str),
    /// `body` is no string.
    #[error("body is {0} and not a string: serialise it, for example with JSON.stringify")]
    Body(&'static str),
    /// `isBase64Encoded` is true and the body is something else.
    #[error(
        "body is not the base64 of UTF-8 text though isBase64Encoded is true: WebSocket APIs send text only"
    )]
    Base64,
    /// `Sec-WebSocket-Protocol` cannot be a header.
    #[error(
        "Sec-WebSocket-Protocol {0:?} cannot be sent in a header: return one subprotocol that the client offered"
    )]
    Subprotocol(String),
}

/// A well-formed answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProxyAnswer {
    pub(crate) status: u16,
    headers: Map<String, Value>,
    multi_value_headers: Map<String, Value>,
    /// Decoded, if it was base64; none if it was absent or null.
    pub(crate) body: Option<String>,
}

impl ProxyAnswer {
    /// Reads a payload. Keys that we do not know are ignored: a REST API answers
    /// 502 for them, of WebSocket APIs nobody has said so `[inf]`.
    pub(crate) fn parse(payload: &[u8]) -> Result<Self, MalformedAnswer> {
        let answer = match serde_json::from_slice(payload) {
            Ok(Value::Object(answer)) => answer,
            Ok(other) => return Err(MalformedAnswer::NotAnObject(kind(&other))),
            Err(_) => return Err(MalformedAnswer::NotAnObject("not JSON")),
        };
        Ok(Self {
            status: status(&answer)?,
            headers: headers(&answer, "headers")?,
            multi_value_headers: headers(&answer, "multiValueHeaders")?,
            body: body(&answer)?,
        })
    }

    /// The first value of a header, whose name is compared as HTTP does.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let single = find(&self.headers, name).and_then(scalar);
        single.or_else(|| {
            find(&self.multi_value_headers, name)?
                .as_array()?
                .first()
                .and_then(scalar)
        })
    }
}

fn find<'a>(headers: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    headers
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// An integer, or one in a string: `"201"` is a status for REST APIs (recorded
/// by LocalStack's `test_aws_proxy_response_payload_format_validation`), and we
/// take it to be one here `[inf]`.
fn status(answer: &Map<String, Value>) -> Result<u16, MalformedAnswer> {
    let value = match answer.get("statusCode") {
        None | Some(Value::Null) => return Err(MalformedAnswer::NoStatus),
        Some(value) => value,
    };
    let number = match value {
        Value::Number(number) => number
            .as_u64()
            .and_then(|number| u16::try_from(number).ok()),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    number
        .filter(|status| (200..=599).contains(status))
        .ok_or_else(|| MalformedAnswer::Status(value.to_string()))
}

fn headers(
    answer: &Map<String, Value>,
    key: &'static str,
) -> Result<Map<String, Value>, MalformedAnswer> {
    match answer.get(key) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(headers)) => Ok(headers.clone()),
        Some(_) => Err(MalformedAnswer::Headers(key)),
    }
}

fn body(answer: &Map<String, Value>) -> Result<Option<String>, MalformedAnswer> {
    let text = match answer.get("body") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text,
        Some(other) => return Err(MalformedAnswer::Body(kind(other))),
    };
    if answer.get("isBase64Encoded") != Some(&Value::Bool(true)) {
        return Ok(Some(text.clone()));
    }
    let bytes = STANDARD.decode(text).map_err(|_| MalformedAnswer::Base64)?;
    String::from_utf8(bytes)
        .map(Some)
        .map_err(|_| MalformedAnswer::Base64)
}

/// What a JSON value is, for a sentence about it.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that cannot parse its own fixture should stop"
)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<ProxyAnswer, MalformedAnswer> {
        ProxyAnswer::parse(json.as_bytes())
    }

    #[test]
    fn a_status_may_be_a_number_or_its_text() {
        assert_eq!(parse(r#"{"statusCode": 200}"#).unwrap().status, 200);
        assert_eq!(parse(r#"{"statusCode": "201"}"#).unwrap().status, 201);
    }

    #[test]
    fn what_is_no_status_is_malformed() {
        for status in ["\"test\"", "99", "101", "600", "200.5", "-1", "true", "[]"] {
            let answer = parse(&format!(r#"{{"statusCode": {status}}}"#));
            assert!(
                matches!(answer, Err(MalformedAnswer::Status(_))),
                "{status}"
            );
        }
        assert_eq!(parse("{}"), Err(MalformedAnswer::NoStatus));
        assert_eq!(
            parse(r#"{"statusCode": null}"#),
            Err(MalformedAnswer::NoStatus)
        );
    }

    #[test]
    fn a_payload_that_is_no_object_is_malformed() {
        assert_eq!(parse("null"), Err(MalformedAnswer::NotAnObject("null")));
        assert_eq!(
            parse("\"ok\""),
            Err(MalformedAnswer::NotAnObject("a string"))
        );
        assert_eq!(parse("oops"), Err(MalformedAnswer::NotAnObject("not JSON")));
    }

    #[test]
    fn a_body_is_text_or_the_base64_of_text() {
        let body = |json: &str| parse(json).map(|answer| answer.body);
        assert_eq!(
            body(r#"{"statusCode":200,"body":"hi"}"#),
            Ok(Some("hi".to_owned()))
        );
        assert_eq!(body(r#"{"statusCode":200,"body":null}"#), Ok(None));
        let encoded = r#"{"statusCode":200,"body":"aGk=","isBase64Encoded":true}"#;
        assert_eq!(body(encoded), Ok(Some("hi".to_owned())));
        let plain = r#"{"statusCode":200,"body":"aGk=","isBase64Encoded":false}"#;
        assert_eq!(body(plain), Ok(Some("aGk=".to_owned())));
        let broken = r#"{"statusCode":200,"body":"%%","isBase64Encoded":true}"#;
        assert_eq!(body(broken), Err(MalformedAnswer::Base64));
        let binary = r#"{"statusCode":200,"body":"/w==","isBase64Encoded":true}"#;
        assert_eq!(body(binary), Err(MalformedAnswer::Base64));
        let object = r#"{"statusCode":200,"body":{"a":1}}"#;
        assert_eq!(body(object), Err(MalformedAnswer::Body("an object")));
    }

    #[test]
    fn headers_are_found_whatever_their_case_and_map() {
        let answer = parse(
            r#"{"statusCode":200,"headers":{"X-One":1},"multiValueHeaders":{"x-two":["a","b"]}}"#,
        );
        let answer = answer.unwrap();
        assert_eq!(answer.header("x-one").as_deref(), Some("1"));
        assert_eq!(answer.header("X-TWO").as_deref(), Some("a"));
        assert_eq!(answer.header("x-three"), None);
        assert_eq!(
            parse(r#"{"statusCode":200,"headers":[]}"#),
            Err(MalformedAnswer::Headers("headers"))
        );
    }
}
