//! Function URLs: one function behind one host, without routes
//! (<https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html>).
//!
//! What was recorded of AWS is in LocalStack's `tests/aws/services/lambda_/test_lambda.py`
//! (`TestLambdaURL`), named here by its tests.
//!
//! A front asks [`cors::preflight`](crate::cors::preflight) first; then, for `AuthType: AWS_IAM`,
//! [`sigv4`](crate::sigv4), and [`forbidden`] if nobody signed; then the function gets [`event`],
//! and [`answer`] says what comes back: for `InvokeMode: RESPONSE_STREAM` [`prelude`](crate::prelude)
//! does, if the runtime says that there is one, and else [`streamed`].

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::caller::Caller;
use crate::http::{Answer, Request, Stamp, Whereabouts};
use crate::http_api::events::{insert_headers_v2, insert_query_v2};
use crate::http_api::{MalformedReply, Payload, structured, whole};
use crate::{clock, forwarded, payload};

const JSON: &str = "application/json";

/// One request to a function URL. Its [`Stamp::request_id`] is a UUID, which is the invocation's
/// as well (`test_request_id_invoke_url`); [`Whereabouts::api_id`] is the URL's id.
#[derive(Debug, Clone, Copy)]
pub struct Visit<'a> {
    /// As it came.
    pub request: &'a Request,
    /// Which URL: `<id>.lambda-url.<region>.on.aws`.
    pub whereabouts: &'a Whereabouts,
    /// Which request.
    pub stamp: &'a Stamp,
    /// Who signed; none for `AuthType: NONE`.
    pub caller: Option<&'a Caller>,
}

/// The event: payload 2.0, whose path stays encoded, other than an HTTP API's
/// (`test_lambda_url_echo_http_fixture_default`). Members that would be empty are left out.
#[must_use]
pub fn event(visit: &Visit<'_>) -> Value {
    let request = visit.request;
    let mut event = Map::new();
    event.insert("version".to_owned(), json!("2.0"));
    event.insert("routeKey".to_owned(), json!("$default"));
    event.insert("rawPath".to_owned(), json!(path(request)));
    event.insert("rawQueryString".to_owned(), json!(request.query));
    insert_headers_v2(&mut event, headers(visit));
    insert_query_v2(&mut event, &request.query);
    event.insert("requestContext".to_owned(), context(visit));
    let body = payload::body(request.header("content-type"), &request.body);
    let base64 = body.as_ref().is_some_and(|(_, base64)| *base64);
    if let Some((body, _)) = body {
        event.insert("body".to_owned(), json!(body));
    }
    event.insert("isBase64Encoded".to_owned(), json!(base64));
    Value::Object(event)
}

fn path(request: &Request) -> &str {
    match request.path.as_str() {
        "" => "/",
        path => path,
    }
}

/// What TLS a client of AWS would have used; frameworks only ever look whether it is there.
fn headers(visit: &Visit<'_>) -> std::collections::BTreeMap<String, Vec<String>> {
    let mut headers = forwarded::lower_case(visit.request, visit.stamp);
    for (name, value) in [
        ("x-amzn-tls-version", "TLSv1.3"),
        ("x-amzn-tls-cipher-suite", "TLS_AES_128_GCM_SHA256"),
    ] {
        headers.insert(name.to_owned(), vec![value.to_owned()]);
    }
    if !visit.request.body.is_empty() {
        let length = visit.request.body.len().to_string();
        headers.insert("content-length".to_owned(), vec![length]);
    }
    headers
}

/// Whoever has not signed is of the account `anonymous`.
fn context(visit: &Visit<'_>) -> Value {
    let (request, at, stamp) = (visit.request, visit.whereabouts, visit.stamp);
    let signed = visit.caller.and_then(Caller::iam);
    let account = signed.map_or("anonymous", |it| it.account_id.as_str());
    let mut context = Map::new();
    context.insert("accountId".to_owned(), json!(account));
    context.insert("apiId".to_owned(), json!(at.api_id));
    if let Some(caller) = visit.caller {
        context.insert("authorizer".to_owned(), caller.v2());
    }
    let rest = json!({
        "domainName": at.domain_name,
        "domainPrefix": at.domain_name.split('.').next(),
        "http": {
            "method": request.method,
            "path": path(request),
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": request.header("user-agent").unwrap_or_default(),
        },
        "requestId": stamp.request_id,
        "routeKey": "$default",
        "stage": "$default",
        "time": clock::request_time(stamp.now_ms),
        "timeEpoch": stamp.now_ms,
    });
    context.extend(rest.as_object().cloned().unwrap_or_default());
    Value::Object(context)
}

/// What a function returned that is not streamed. Its type is `application/json` unless it says
/// another, with a `statusCode` or without one, and JSON comes without spaces
/// (`test_lambda_url_invocation`).
///
/// # Errors
/// If it has a `statusCode` and is malformed all the same. The client gets [`bad_gateway`] `[inf]`.
pub fn answer(payload: &[u8]) -> Result<Answer, MalformedReply> {
    match serde_json::from_slice(payload) {
        Ok(Value::Object(reply)) if reply.contains_key("statusCode") => {
            Ok(structured(&reply, Payload::V2)?.answer(JSON))
        }
        Ok(Value::String(text)) => Ok(whole(Bytes::from(text))),
        Ok(other) => Ok(whole(Bytes::from(other.to_string()))),
        Err(_) => Ok(whole(Bytes::copy_from_slice(payload))),
    }
}

/// The head of an answer that is streamed without a prelude: a 200 whose body is whatever comes,
/// even `{"statusCode": …}` (`test_lambda_url_echo_invoke[RESPONSE_STREAM]`). The runtime's type is
/// the client's.
#[must_use]
pub fn streamed(content_type: Option<&str>) -> Answer {
    let content_type = content_type.unwrap_or("application/octet-stream");
    Answer {
        status: 200,
        headers: vec![("Content-Type".to_owned(), content_type.to_owned())],
        body: Bytes::new(),
    }
}

/// Adds what every answer of a function URL has.
pub fn finish(answer: &mut Answer, stamp: &Stamp) {
    for (name, value) in [
        ("x-amzn-RequestId", &stamp.request_id),
        ("X-Amzn-Trace-Id", &stamp.trace_id),
    ] {
        answer
            .headers
            .retain(|(own, _)| !own.eq_ignore_ascii_case(name));
        answer.headers.push((name.to_owned(), value.clone()));
    }
}

/// The function raised, timed out or ended (`test_lambda_url_invocation_exception`); the body is a
/// text, whatever its type says `[inf]`.
#[must_use]
pub fn bad_gateway() -> Answer {
    let mut answer = whole(Bytes::from_static(b"Internal Server Error"));
    answer.status = 502;
    answer
}

/// Nobody signed, or whoever did may not
/// (`test_lambda_permission_url_invocation`, recorded in 2025; it was `{"Message":"Forbidden"}` before).
#[must_use]
pub fn forbidden() -> Answer {
    let help = "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html";
    let message =
        format!("Forbidden. For troubleshooting Function URL authorization issues, see: {help}");
    denied(&json!(message))
}

/// There is no such URL (`test_lambda_url_non_existing_url`).
#[must_use]
pub fn unknown() -> Answer {
    denied(&Value::Null)
}

fn denied(message: &Value) -> Answer {
    let body = json!({ "Message": message }).to_string();
    let mut answer = whole(Bytes::from(body));
    answer.status = 403;
    let error = ("x-amzn-ErrorType", "AccessDeniedException");
    answer
        .headers
        .push((error.0.to_owned(), error.1.to_owned()));
    answer
}

/// More invocations at once than the function may have `[inf]`.
#[must_use]
pub fn too_many_requests() -> Answer {
    let mut answer = whole(Bytes::from_static(br#"{"Message":"Rate Exceeded."}"#));
    answer.status = 429;
    answer
}

/// A request of more than 6 MB `[inf]`.
#[must_use]
pub fn too_large() -> Answer {
    let mut answer = whole(Bytes::from_static(
        br#"{"Message":"Request Entity Too Large"}"#,
    ));
    answer.status = 413;
    answer
}

#[cfg(test)]
mod tests;
