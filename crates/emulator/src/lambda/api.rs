//! Lambda's REST API, as far as it is emulated
//! (<https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html>).

mod account;
mod event_invoke;
mod functions;
mod invoke;
mod layers;
mod mappings;
mod request;
mod streaming;

use super::Lambda;
use super::error::LambdaError;
use crate::body::Body;
use crate::id;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri};
use http_body_util::Full;
use request::Request;
use serde_json::Value;
use std::sync::Arc;

type Answer = Response<Full<Bytes>>;

/// Serves one request.
pub(crate) async fn serve(
    lambda: &Arc<Lambda>,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let request = Request::read(method, uri, headers, body);
    let answer = if lambda.may_call(method, uri.path()) {
        route(lambda, &request).await
    } else {
        Err(LambdaError::RateExceeded)
    };
    let mut answer = answer.unwrap_or_else(|error| refuse(&error).map(Body::from));
    if let Ok(id) = HeaderValue::from_str(&id::uuid()) {
        // An invocation has said its own.
        answer.headers_mut().entry("x-amzn-requestid").or_insert(id);
    }
    answer
}

/// The date in front of a path only says how old the operation is.
async fn route(lambda: &Arc<Lambda>, request: &Request<'_>) -> Result<Response<Body>, LambdaError> {
    let segments = request.segments();
    let path = segments.get(1..).unwrap_or_default();
    if let ["functions", name, "response-streaming-invocations"] = path
        && request.is("POST")
    {
        return streaming::serve(lambda, name, request).await;
    }
    whole(lambda, path, request)
        .await
        .map(|answer| answer.map(Body::from))
}

/// All that is answered at once.
async fn whole(
    lambda: &Arc<Lambda>,
    path: &[&str],
    request: &Request<'_>,
) -> Result<Answer, LambdaError> {
    match path {
        ["functions", name, "invocations"] if request.is("POST") => {
            invoke::serve(lambda, name, request).await
        }
        ["functions", rest @ ..] => functions::serve(lambda, rest, request).await,
        ["layers", rest @ ..] => layers::serve(lambda, rest, request).await,
        ["event-source-mappings", rest @ ..] => mappings::serve(lambda, rest, request),
        ["tags", rest @ ..] => account::tags(lambda, &rest.join("/"), request),
        ["account-settings"] if request.is("GET") => Ok(account::settings(lambda)),
        _ => Err(request.not_served()),
    }
}

/// A refusal as Lambda words it.
fn refuse(error: &LambdaError) -> Answer {
    let mut answer = json(error.status(), &error.body());
    let name = HeaderValue::from_static(error.name());
    answer.headers_mut().insert("x-amzn-errortype", name);
    answer
}

fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::new()));
    *answer.status_mut() = status;
    answer
}

fn ok(body: &Value) -> Answer {
    json(StatusCode::OK, body)
}

fn json(status: StatusCode, body: &Value) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body.to_string())));
    *answer.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    answer.headers_mut().insert("content-type", kind);
    answer
}
