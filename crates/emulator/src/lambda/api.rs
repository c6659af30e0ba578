//! Lambda's REST API, as far as the live road uses it
//! (<https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html>).

use super::error::LambdaError;
use super::{Invoked, Lambda};
use base64::Engine as _;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

type Answer = Response<Full<Bytes>>;

/// Largest event of a synchronous call: 6 MB
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
const MAX_EVENT: usize = 6 * 1024 * 1024;

/// An asynchronous invocation that failed is tried again after these pauses
/// (<https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>).
const RETRIES: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];

/// Serves one request.
pub(crate) async fn serve(
    lambda: &Arc<Lambda>,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    body: Bytes,
) -> Answer {
    let segments: Vec<String> = path
        .trim_matches('/')
        .split('/')
        .map(|it| percent_decode_str(it).decode_utf8_lossy().into_owned())
        .collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let answer = match (method, segments.get(1..).unwrap_or_default()) {
        (&Method::POST, ["functions", name, "invocations"]) => {
            invoke(lambda, name, headers, body).await
        }
        (&Method::GET, ["functions"]) => Ok(list(lambda)),
        (&Method::GET, ["functions", name]) => describe(lambda, name),
        (&Method::GET, ["functions", name, "configuration"]) => configuration(lambda, name),
        (&Method::PUT, ["functions", name, "configuration"]) => update(lambda, name, &body),
        (&Method::GET, ["functions", name, "aliases"]) => lambda
            .function(name)
            .map(|_| json(StatusCode::OK, &json!({ "Aliases": [] }))),
        _ => Err(LambdaError::NotServed(format!("{method} {path} of Lambda"))),
    };
    answer.unwrap_or_else(|error| refuse(&error))
}

/// A refusal as Lambda words it.
fn refuse(error: &LambdaError) -> Answer {
    let mut answer = json(error.status(), &error.body());
    let name = HeaderValue::from_static(error.name());
    answer.headers_mut().insert("x-amzn-errortype", name);
    answer
}

async fn invoke(
    lambda: &Arc<Lambda>,
    name: &str,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Answer, LambdaError> {
    let text = |name: &str| headers.get(name).and_then(|it| it.to_str().ok());
    if body.len() > MAX_EVENT {
        return Ok(too_large(body.len()));
    }
    let body = event(body)?;
    let context = text("x-amz-client-context").and_then(client_context);
    match text("x-amz-invocation-type").unwrap_or("RequestResponse") {
        "RequestResponse" => Ok(answered(lambda.invoke(name, body, context).await?)),
        "Event" => {
            lambda.function(name)?;
            invoke_later(lambda, name.to_owned(), body, context);
            Ok(empty(StatusCode::ACCEPTED))
        }
        "DryRun" => lambda.function(name).map(|_| empty(StatusCode::NO_CONTENT)),
        other => Err(LambdaError::InvalidParameter(format!(
            "1 validation error detected: Value '{other}' at 'invocationType' failed to satisfy \
             constraint: Member must satisfy enum value set: [Event, RequestResponse, DryRun]"
        ))),
    }
}

/// The event of a call: JSON, `{}` if there is none.
fn event(body: Bytes) -> Result<Bytes, LambdaError> {
    if body.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    match serde_json::from_slice::<&serde_json::value::RawValue>(&body) {
        Ok(_) => Ok(body),
        Err(_) => Err(LambdaError::InvalidContent(
            "Could not parse request body into json: Could not parse payload into json".to_owned(),
        )),
    }
}

fn answered(invoked: Invoked) -> Answer {
    let mut answer = Response::new(Full::new(invoked.payload));
    let headers = answer.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    headers.insert(
        "x-amz-executed-version",
        HeaderValue::from_static("$LATEST"),
    );
    if invoked.failed {
        headers.insert(
            "x-amz-function-error",
            HeaderValue::from_static("Unhandled"),
        );
    }
    if let Ok(id) = HeaderValue::from_str(&invoked.request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    answer
}

fn too_large(size: usize) -> Answer {
    let message = format!(
        "{size} byte payload is too large for the RequestResponse invocation type (limit {MAX_EVENT} bytes)"
    );
    let body = json!({ "Type": "User", "message": message });
    let mut answer = json(StatusCode::PAYLOAD_TOO_LARGE, &body);
    let name = HeaderValue::from_static("RequestTooLargeException");
    answer.headers_mut().insert("x-amzn-errortype", name);
    answer
}

/// The header is base64; functions get the JSON inside.
fn client_context(header: &str) -> Option<String> {
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(header)
        .ok()?;
    String::from_utf8(bytes).ok()
}

fn invoke_later(lambda: &Arc<Lambda>, name: String, body: Bytes, context: Option<String>) {
    let lambda = Arc::clone(lambda);
    let tasks = lambda.tasks.clone();
    tasks.spawn(async move {
        let pauses = RETRIES.map(Some).into_iter().chain([None]);
        for pause in pauses {
            let invoked = lambda.invoke(&name, body.clone(), context.clone()).await;
            match (invoked, pause) {
                (Ok(invoked), Some(pause)) if invoked.failed => tokio::time::sleep(pause).await,
                _ => return,
            }
        }
    });
}

fn list(lambda: &Lambda) -> Answer {
    let functions = lambda.functions();
    let all: Vec<Value> = functions
        .iter()
        .map(|it| it.configuration().to_json())
        .collect();
    json(StatusCode::OK, &json!({ "Functions": all }))
}

fn describe(lambda: &Lambda, name: &str) -> Result<Answer, LambdaError> {
    let function = lambda.function(name)?;
    let answer = json!({
        "Configuration": function.configuration().to_json(),
        "Code": {
            "RepositoryType": "S3",
            "Location": format!("file://{}", function.code_root().display()),
        },
        "Tags": {},
    });
    Ok(json(StatusCode::OK, &answer))
}

fn configuration(lambda: &Lambda, name: &str) -> Result<Answer, LambdaError> {
    let configuration = lambda.function(name)?.configuration();
    Ok(json(StatusCode::OK, &configuration.to_json()))
}

fn update(lambda: &Lambda, name: &str, body: &[u8]) -> Result<Answer, LambdaError> {
    let request: Value = serde_json::from_slice(body)
        .map_err(|error| LambdaError::InvalidContent(error.to_string()))?;
    let updated = lambda.function(name)?.update(lambda, &request)?;
    Ok(json(StatusCode::OK, &updated.to_json()))
}

fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::new()));
    *answer.status_mut() = status;
    answer
}

fn json(status: StatusCode, body: &Value) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body.to_string())));
    *answer.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    answer.headers_mut().insert("content-type", kind);
    answer
}
