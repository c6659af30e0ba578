//! Invoke
//! (<https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>).

use super::request::Request;
use super::{Answer, empty};
use crate::id;
use crate::lambda::{Call, Event, Invoked, Lambda, LambdaError, Target};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde_json::value::RawValue;
use std::sync::Arc;
use tether_host::RunState;

/// Largest events of synchronous and of asynchronous calls
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
pub(super) const MAX_EVENT: usize = 6 * 1024 * 1024;
const MAX_ASYNC_EVENT: usize = 1024 * 1024;

/// Of base64.
const MAX_CLIENT_CONTEXT: usize = 3583;

pub(super) async fn serve(
    lambda: &Arc<Lambda>,
    name: &str,
    request: &Request<'_>,
) -> Result<Answer, LambdaError> {
    let kind = request.header("x-amz-invocation-type");
    let kind = kind.unwrap_or("RequestResponse");
    let limit = if kind == "Event" {
        MAX_ASYNC_EVENT
    } else {
        MAX_EVENT
    };
    check(request, kind, limit)?;
    let target = lambda.target(name, request.qualifier())?;
    target.function.check(target.qualifier())?;
    let mut call = call(&target, request)?;
    match kind {
        "RequestResponse" => {
            call.tail = request.header("x-amz-log-type") == Some("Tail");
            Ok(answered(lambda.run(target, call).await?))
        }
        "Event" => {
            // "for synchronous invocations only"
            call.client_context = None;
            let answer = accepted(&call.request_id);
            lambda.invoke_later(Event::new(&target, call, 0));
            Ok(answer)
        }
        "DryRun" => Ok(empty(StatusCode::NO_CONTENT)),
        other => Err(LambdaError::constraint(
            other,
            "invocationType",
            "Member must satisfy enum value set: [Event, RequestResponse, DryRun]",
        )),
    }
}

/// Whether a call can be served at all.
pub(super) fn check(request: &Request<'_>, kind: &str, limit: usize) -> Result<(), LambdaError> {
    let size = request.body.len();
    if size > limit {
        return Err(LambdaError::TooLarge(format!(
            "{size} byte payload is too large for the {kind} invocation type (limit {limit} bytes)"
        )));
    }
    for header in ["x-amz-tenant-id", "x-amz-durable-execution-name"] {
        if request.header(header).is_some() {
            return Err(LambdaError::NotServed(format!("{header} of Invoke")));
        }
    }
    Ok(())
}

/// What a request wants to be run.
pub(super) fn call(target: &Target, request: &Request<'_>) -> Result<Call, LambdaError> {
    Ok(Call {
        request_id: id::uuid(),
        arn: target.arn(),
        payload: event(&request.body)?,
        client_context: request
            .header("x-amz-client-context")
            .map(client_context)
            .transpose()?,
        tail: false,
        state: RunState::new(),
    })
}

/// The event of a call: JSON, `{}` if there is none.
fn event(body: &Bytes) -> Result<Bytes, LambdaError> {
    if body.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    match serde_json::from_slice::<&RawValue>(body) {
        Ok(_) => Ok(body.clone()),
        Err(_) => Err(LambdaError::InvalidContent(
            "Could not parse request body into json: Could not parse payload into json".to_owned(),
        )),
    }
}

/// The header is base64; functions get the JSON inside.
fn client_context(header: &str) -> Result<String, LambdaError> {
    if header.len() > MAX_CLIENT_CONTEXT {
        return Err(LambdaError::InvalidParameter(format!(
            "Client context must be no longer than {MAX_CLIENT_CONTEXT} bytes of base64, and is {}",
            header.len()
        )));
    }
    let text = STANDARD.decode(header).ok();
    let text = text.and_then(|it| String::from_utf8(it).ok());
    let json = text.filter(|it| serde_json::from_str::<&RawValue>(it).is_ok());
    json.ok_or_else(|| {
        let message = "Client context must be a valid Base64-encoded JSON object.";
        LambdaError::InvalidContent(message.to_owned())
    })
}

fn answered(invoked: Invoked) -> Answer {
    let mut answer = Response::new(Full::new(invoked.payload));
    let headers = answer.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    let tail = invoked.tail.map(|it| STANDARD.encode(it));
    let error = invoked.failed.then(|| "Unhandled".to_owned());
    let said = [
        ("x-amz-executed-version", Some(invoked.version)),
        ("x-amz-function-error", error),
        ("x-amz-log-result", tail),
        ("x-amzn-requestid", Some(invoked.request_id)),
    ];
    for (name, value) in said {
        if let Some(Ok(value)) = value.as_deref().map(HeaderValue::from_str) {
            headers.insert(name, value);
        }
    }
    answer
}

fn accepted(request_id: &str) -> Answer {
    let mut answer = empty(StatusCode::ACCEPTED);
    if let Ok(id) = HeaderValue::from_str(request_id) {
        answer.headers_mut().insert("x-amzn-requestid", id);
    }
    answer
}
