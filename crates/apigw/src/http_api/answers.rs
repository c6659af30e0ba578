//! What clients of an HTTP API get for what a function returned
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html#http-api-develop-integrations-lambda.response>).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use serde_json::{Map, Value};

use crate::forwarded::hop_by_hop;
use crate::http::{Answer, Stamp};
use crate::proxy::kind;

/// What an answer has that says nothing of its type
/// (`V1_DefaultsToCorrectContentTYpe` in the tests of AWS's own .NET test tool, which were held
/// against a live API: <https://github.com/aws/aws-lambda-dotnet/tree/master/Tools/LambdaTestTool-v2>).
const PLAIN: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

/// Why an answer is not one of a proxy integration. Clients see
/// `{"message":"Internal Server Error"}`; this line is for the developer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MalformedReply {
    /// Payload 1.0: it is no object.
    #[error(
        "the answer is {0} and not an object: return {{\"statusCode\": 200}}, or let the integration use payload 2.0"
    )]
    NotAnObject(&'static str),
    /// Payload 1.0: there is no `statusCode`.
    #[error(
        "the answer has no statusCode: return {{\"statusCode\": 200}}, or let the integration use payload 2.0"
    )]
    NoStatus,
    /// `statusCode` is no status.
    #[error("statusCode {0} is no HTTP status of an answer: use an integer from 200 to 599")]
    Status(String),
    /// Something is of another type than it must be.
    #[error("{name} is {is} and not {wanted}")]
    Type {
        /// `headers`, `cookies`.
        name: String,
        /// What it is.
        is: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
    /// A header cannot be sent.
    #[error("the header {0:?} cannot be sent: names are tokens, and values have no line breaks")]
    Header(String),
    /// `isBase64Encoded` is true, and the body is something else.
    #[error("body is not base64 though isBase64Encoded is true: encode it, or say false")]
    Base64,
}

/// A well-formed answer, read.
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Bytes,
}

impl Reply {
    /// The answer, with that type if it has none of its own.
    pub(crate) fn answer(self, default_type: &str) -> Answer {
        let mut headers = self.headers;
        let typed = headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if !typed {
            headers.insert(0, ("Content-Type".to_owned(), default_type.to_owned()));
        }
        Answer {
            status: self.status,
            headers,
            body: self.body,
        }
    }
}

/// What a function of payload 2.0 returned.
///
/// Without a `statusCode` all of it is the body of a 200, as it stands (so is what is no JSON at
/// all, as the test tool named above found); a text is its own body.
///
/// # Errors
/// If it has a `statusCode` and is malformed all the same. The client gets [`internal_error`].
pub fn answer_v2(payload: &[u8]) -> Result<Answer, MalformedReply> {
    match serde_json::from_slice(payload) {
        Ok(Value::Object(reply)) if reply.contains_key("statusCode") => {
            Ok(structured(&reply, Payload::V2)?.answer(PLAIN))
        }
        Ok(Value::String(text)) => Ok(whole(Bytes::from(text))),
        _ => Ok(whole(Bytes::copy_from_slice(payload))),
    }
}

/// `application/json` with a 200.
pub(crate) fn whole(body: Bytes) -> Answer {
    Answer {
        status: 200,
        headers: vec![("Content-Type".to_owned(), JSON.to_owned())],
        body,
    }
}

/// What a function of payload 1.0 returned. Members that nobody knows are ignored, other than by
/// REST APIs.
///
/// # Errors
/// If it is malformed. The client gets [`internal_error`].
pub fn answer_v1(payload: &[u8]) -> Result<Answer, MalformedReply> {
    match serde_json::from_slice(payload) {
        Ok(Value::Object(reply)) => Ok(structured(&reply, Payload::V1)?.answer(PLAIN)),
        Ok(other) => Err(MalformedReply::NotAnObject(kind(&other))),
        Err(_) => Err(MalformedReply::NotAnObject("not JSON")),
    }
}

/// The shapes differ in what names several values: `multiValueHeaders`, or `cookies`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Payload {
    V1,
    V2,
}

/// Reads an answer that has a `statusCode`.
pub(crate) fn structured(
    reply: &Map<String, Value>,
    payload: Payload,
) -> Result<Reply, MalformedReply> {
    let mut headers = Vec::new();
    if payload == Payload::V1 {
        multi_value_headers(reply, &mut headers)?;
    }
    for (name, value) in object(reply, "headers")? {
        push(&mut headers, name, value)?;
    }
    if payload == Payload::V2 {
        for cookie in list(reply.get("cookies"), "cookies")? {
            push(&mut headers, "set-cookie", cookie)?;
        }
    }
    Ok(Reply {
        status: status(reply.get("statusCode"))?,
        headers,
        body: body(reply)?,
    })
}

/// An integer, or one in a text (recorded of function URLs in `test_lambda_url_headers_and_status`).
fn status(value: Option<&Value>) -> Result<u16, MalformedReply> {
    let number = match value {
        None | Some(Value::Null) => return Err(MalformedReply::NoStatus),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(value) => value.as_u64().and_then(|it| u16::try_from(it).ok()),
    };
    let number = number.filter(|it| (200..=599).contains(it));
    let said = || value.map(Value::to_string).unwrap_or_default();
    number.ok_or_else(|| MalformedReply::Status(said()))
}

/// They come first, and `headers` of the same name are added to them (recorded of REST APIs, and
/// asserted of HTTP APIs in the test tool named above).
fn multi_value_headers(
    reply: &Map<String, Value>,
    headers: &mut Vec<(String, String)>,
) -> Result<(), MalformedReply> {
    for (name, values) in object(reply, "multiValueHeaders")? {
        for value in list(Some(values), &format!("multiValueHeaders.{name}"))? {
            push(headers, name, value)?;
        }
    }
    Ok(())
}

fn object<'a>(
    reply: &'a Map<String, Value>,
    name: &str,
) -> Result<impl Iterator<Item = (&'a String, &'a Value)>, MalformedReply> {
    match reply.get(name) {
        None | Some(Value::Null) => Ok(None.into_iter().flatten()),
        Some(Value::Object(object)) => Ok(Some(object).into_iter().flatten()),
        Some(other) => Err(wrong(name, other, "an object")),
    }
}

fn list<'a>(value: Option<&'a Value>, name: &str) -> Result<&'a [Value], MalformedReply> {
    match value {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(list)) => Ok(list),
        Some(other) => Err(wrong(name, other, "a list")),
    }
}

fn wrong(name: &str, is: &Value, wanted: &'static str) -> MalformedReply {
    MalformedReply::Type {
        name: name.to_owned(),
        is: kind(is),
        wanted,
    }
}

/// A value may be a text, a number or a boolean (recorded of REST APIs: `true` is sent as `true`);
/// nulls are left out `[inf]`. What is about the connection is the front's to say.
fn push(
    headers: &mut Vec<(String, String)>,
    name: &str,
    value: &Value,
) -> Result<(), MalformedReply> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        Value::Null => return Ok(()),
        other => return Err(wrong(&format!("the header {name}"), other, "a text")),
    };
    let sent = HeaderName::from_bytes(name.as_bytes()).is_ok();
    if !sent || HeaderValue::from_bytes(text.as_bytes()).is_err() {
        return Err(MalformedReply::Header(name.to_owned()));
    }
    if !hop_by_hop(name) && !name.eq_ignore_ascii_case("content-length") {
        headers.push((name.to_owned(), text));
    }
    Ok(())
}

fn body(reply: &Map<String, Value>) -> Result<Bytes, MalformedReply> {
    let text = match reply.get("body") {
        None | Some(Value::Null) => return Ok(Bytes::new()),
        Some(Value::String(text)) => text,
        Some(other) => return Err(wrong("body", other, "a text: serialise it")),
    };
    let encoded = match reply.get("isBase64Encoded") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(encoded)) => *encoded,
        Some(other) => return Err(wrong("isBase64Encoded", other, "a boolean")),
    };
    if !encoded {
        return Ok(Bytes::from(text.clone()));
    }
    let bytes = STANDARD.decode(text).map_err(|_| MalformedReply::Base64)?;
    Ok(Bytes::from(bytes))
}

/// Adds what every answer of an HTTP API has: `apigw-requestid`.
pub fn finish(answer: &mut Answer, stamp: &Stamp) {
    let id = stamp.request_id.clone();
    answer
        .headers
        .retain(|(name, _)| !name.eq_ignore_ascii_case("apigw-requestid"));
    answer.headers.push(("Apigw-Requestid".to_owned(), id));
}

/// No stage or no route.
#[must_use]
pub fn not_found() -> Answer {
    Answer::message(404, "Not Found")
}

/// An authorizer failed, a function did, or its answer is malformed.
#[must_use]
pub fn internal_error() -> Answer {
    Answer::message(500, "Internal Server Error")
}

/// Nobody said who it is.
#[must_use]
pub fn unauthorized() -> Answer {
    Answer::message(401, "Unauthorized")
}

/// Whoever it is may not.
#[must_use]
pub fn forbidden() -> Answer {
    Answer::message(403, "Forbidden")
}

/// An integration took longer than it may: 30 s. The body is `[inf]`.
#[must_use]
pub fn timed_out() -> Answer {
    Answer::message(504, "Gateway Timeout")
}

/// A request of more than 10 MB. The body is `[inf]`.
#[must_use]
pub fn too_large() -> Answer {
    Answer::message(413, "Request Entity Too Large")
}

/// More requests than the stage or the route allows.
#[must_use]
pub fn too_many_requests() -> Answer {
    Answer::message(429, "Too Many Requests")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn v2(value: &Value) -> Result<Answer, MalformedReply> {
        answer_v2(value.to_string().as_bytes())
    }

    fn v1(value: &Value) -> Result<Answer, MalformedReply> {
        answer_v1(value.to_string().as_bytes())
    }

    fn values(answer: &Answer, name: &str) -> Vec<String> {
        let named = answer
            .headers
            .iter()
            .filter(|(it, _)| it.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.clone()).collect()
    }

    #[test]
    fn without_a_status_the_whole_answer_is_the_body() {
        for (payload, body) in [
            (r#"{ "message": "Hello" }"#, r#"{ "message": "Hello" }"#),
            (r#""Hello from Lambda!""#, "Hello from Lambda!"),
            ("[1, 2]", "[1, 2]"),
            ("3", "3"),
            ("null", "null"),
            (r#"{"name": "John", "age":"#, r#"{"name": "John", "age":"#),
        ] {
            let answer = answer_v2(payload.as_bytes()).unwrap();
            assert_eq!((answer.status, &answer.body[..]), (200, body.as_bytes()));
            assert_eq!(values(&answer, "content-type"), ["application/json"]);
        }
    }

    #[test]
    fn a_structured_answer_says_everything_itself() {
        let answer = v2(&json!({
            "statusCode": 201,
            "headers": { "X-One": "1", "x-flag": true, "x-number": 2, "x-none": null },
            "cookies": ["a=1; Secure", "b=2"],
            "body": "aGk=",
            "isBase64Encoded": true,
            "anything": "else",
        }));
        let answer = answer.unwrap();
        assert_eq!((answer.status, &answer.body[..]), (201, &b"hi"[..]));
        assert_eq!(values(&answer, "set-cookie"), ["a=1; Secure", "b=2"]);
        assert_eq!(values(&answer, "x-flag"), ["true"]);
        assert_eq!(values(&answer, "x-number"), ["2"]);
        assert!(values(&answer, "x-none").is_empty());
        assert_eq!(
            values(&answer, "content-type"),
            ["text/plain; charset=utf-8"]
        );
        let typed = v2(&json!({ "statusCode": "418", "headers": { "content-type": "a/b" } }));
        let typed = typed.unwrap();
        assert_eq!(
            (typed.status, values(&typed, "Content-Type")),
            (418, vec!["a/b".to_owned()])
        );
    }

    #[test]
    fn payload_1_merges_its_two_kinds_of_headers() {
        let answer = v1(&json!({
            "statusCode": 200,
            "headers": { "Combined": "single", "myheader": "test,other" },
            "multiValueHeaders": { "Combined": ["multi1", "multi2"] },
            "cookies": ["not=here"],
        }));
        let answer = answer.unwrap();
        assert_eq!(values(&answer, "combined"), ["multi1", "multi2", "single"]);
        assert_eq!(values(&answer, "myheader"), ["test,other"]);
        assert!(values(&answer, "set-cookie").is_empty());
    }

    #[test]
    fn what_is_malformed_is_named() {
        use MalformedReply as M;
        let wrong = |name: &str, is, wanted| M::Type {
            name: name.to_owned(),
            is,
            wanted,
        };
        for (reply, why) in [
            (json!({ "statusCode": 0 }), M::Status("0".to_owned())),
            (json!({ "statusCode": "x" }), M::Status("\"x\"".to_owned())),
            (
                json!({ "statusCode": 200.5 }),
                M::Status("200.5".to_owned()),
            ),
            (json!({ "statusCode": 600 }), M::Status("600".to_owned())),
            (json!({ "statusCode": null }), M::NoStatus),
            (
                json!({ "statusCode": 200, "headers": [] }),
                wrong("headers", "a list", "an object"),
            ),
            (
                json!({ "statusCode": 200, "headers": { "a": {} } }),
                wrong("the header a", "an object", "a text"),
            ),
            (
                json!({ "statusCode": 200, "headers": { "a b": "c" } }),
                M::Header("a b".to_owned()),
            ),
            (
                json!({ "statusCode": 200, "headers": { "a": "b\r\nc: d" } }),
                M::Header("a".to_owned()),
            ),
            (
                json!({ "statusCode": 200, "body": {} }),
                wrong("body", "an object", "a text: serialise it"),
            ),
            (
                json!({ "statusCode": 200, "body": "%", "isBase64Encoded": true }),
                M::Base64,
            ),
            (
                json!({ "statusCode": 200, "body": "", "isBase64Encoded": 1 }),
                wrong("isBase64Encoded", "a number", "a boolean"),
            ),
        ] {
            assert_eq!(v2(&reply), Err(why.clone()), "{reply}");
            assert_eq!(v1(&reply), Err(why), "{reply}");
        }
    }

    #[test]
    fn each_payload_has_its_own_ways_to_be_malformed() {
        use MalformedReply as M;
        let wrong = |name: &str, is, wanted| M::Type {
            name: name.to_owned(),
            is,
            wanted,
        };
        let cookies = json!({ "statusCode": 200, "cookies": "a" });
        assert_eq!(v2(&cookies), Err(wrong("cookies", "a string", "a list")));
        let multi = json!({ "statusCode": 200, "multiValueHeaders": { "a": "b" } });
        assert_eq!(
            v1(&multi),
            Err(wrong("multiValueHeaders.a", "a string", "a list"))
        );
        assert_eq!(v1(&json!({})), Err(M::NoStatus));
        assert_eq!(v1(&json!("x")), Err(M::NotAnObject("a string")));
        assert_eq!(answer_v1(b"oops"), Err(M::NotAnObject("not JSON")));
        let error = internal_error();
        assert_eq!(
            (error.status, &error.body[..]),
            (500, &br#"{"message":"Internal Server Error"}"#[..])
        );
    }

    #[test]
    fn what_is_about_the_connection_is_not_the_functions_to_say() {
        let answer = v2(&json!({
            "statusCode": 200,
            "headers": { "Content-Length": "99", "Transfer-Encoding": "chunked", "Connection": "close" },
        }));
        assert_eq!(answer.unwrap().headers.len(), 1);
    }

    #[test]
    fn every_answer_has_the_requests_id_once() {
        let mut answer = not_found();
        answer
            .headers
            .push(("apigw-requestid".into(), "mine".into()));
        finish(&mut answer, &crate::http::fixtures::stamp());
        assert_eq!(values(&answer, "apigw-requestid"), ["NILjoi6FFiAEJ6A="]);
    }

    proptest! {
        #[test]
        fn no_payload_is_too_strange(payload in prop::collection::vec(any::<u8>(), 0..60), json in "\\PC{0,20}") {
            let _ = answer_v1(&payload);
            let whole = json!({ "a": json }).to_string();
            let whole = answer_v2(whole.as_bytes());
            prop_assert!(whole.is_ok());
            let _ = answer_v2(&payload);
        }
    }
}
