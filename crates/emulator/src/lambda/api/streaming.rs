//! `InvokeWithResponseStream`
//! (<https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html>).

use super::invoke::{self, MAX_EVENT};
use super::request::Request;
use crate::body::Body;
use crate::lambda::{Answering, Begun, Invoked, Lambda, LambdaError, Target};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use std::sync::Arc;
use tether_runtime_api::{
    EVENT_STREAM_CONTENT_TYPE, ErrorObject, InvokeComplete, StreamPart, payload_chunks,
};
use tokio::sync::mpsc;

/// A function that writes faster than its caller reads waits for it, once so
/// many events are on their way.
const UNREAD: usize = 4;

pub(super) async fn serve(
    lambda: &Arc<Lambda>,
    name: &str,
    request: &Request<'_>,
) -> Result<Response<Body>, LambdaError> {
    let kind = request.header("x-amz-invocation-type");
    let kind = kind.unwrap_or("RequestResponse");
    invoke::check(request, kind, MAX_EVENT)?;
    let target = lambda.target(name, request.qualifier())?;
    target.function.check(target.qualifier())?;
    match kind {
        "RequestResponse" => {}
        "DryRun" => {
            let mut answer = Response::new(Body::from(Full::default()));
            *answer.status_mut() = StatusCode::NO_CONTENT;
            return Ok(answer);
        }
        other => {
            return Err(LambdaError::constraint(
                other,
                "invocationType",
                "Member must satisfy enum value set: [RequestResponse, DryRun]",
            ));
        }
    }
    let mut call = invoke::call(&target, request)?;
    call.tail = request.header("x-amz-log-type") == Some("Tail");
    let request_id = call.request_id.clone();
    // It is said in front of the stream.
    let version = target.function.chosen(target.qualifier())?;
    let target = Target {
        qualifier: Some(version.clone()),
        ..target
    };
    let body = match lambda.stream(target, call).await? {
        Answering::Whole(invoked) => whole(invoked),
        Answering::Begun(begun) => streamed(lambda, begun),
    };
    Ok(answered(&request_id, &version, body))
}

/// An answer that came all at once: one chunk, and that it is complete.
fn whole(invoked: Invoked) -> Body {
    let mut events = Vec::new();
    if !invoked.failed {
        events.extend(payload_chunks(&invoked.payload));
    }
    events.push(complete(invoked).to_event());
    Body::from(Full::new(Bytes::from(events.concat())))
}

/// The events as they come.
fn streamed(lambda: &Lambda, begun: Begun) -> Body {
    let Begun { mut parts, ended } = begun;
    let (events, body) = mpsc::channel(UNREAD);
    lambda.tasks.spawn(async move {
        while let Some(part) = parts.recv().await {
            if let StreamPart::Chunk(chunk) = part {
                for event in payload_chunks(&chunk) {
                    // The caller may have hung up: the function writes on.
                    let _ = events.send(event).await;
                }
            }
        }
        let last = match ended.await {
            Ok(Ok(invoked)) => complete(invoked),
            Ok(Err(error)) => InvokeComplete {
                error_code: Some(error.name().to_owned()),
                error_details: Some(error.to_string()),
                log_result: None,
            },
            // The emulator ends.
            Err(_) => return,
        };
        let _ = events.send(last.to_event()).await;
    });
    Body::Streamed(body)
}

fn complete(invoked: Invoked) -> InvokeComplete {
    let details = String::from_utf8_lossy(&invoked.payload).into_owned();
    let said = serde_json::from_str::<ErrorObject>(&details).ok();
    let code = said.map(|it| it.error_type);
    InvokeComplete {
        error_code: invoked
            .failed
            .then(|| code.unwrap_or_else(|| "Unhandled".to_owned())),
        error_details: invoked.failed.then_some(details),
        log_result: invoked.tail.map(|it| STANDARD.encode(it)),
    }
}

fn answered(request_id: &str, version: &str, body: Body) -> Response<Body> {
    let mut answer = Response::new(body);
    let headers = answer.headers_mut();
    for (name, value) in [
        ("content-type", EVENT_STREAM_CONTENT_TYPE),
        ("x-amz-executed-version", version),
        ("x-amzn-requestid", request_id),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    answer
}
