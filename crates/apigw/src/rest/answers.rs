//! What a Lambda proxy integration's answer becomes, and what every answer carries.

use super::binary::MediaTypes;
use super::exchange::Exchange;
use super::fault::{Fault, FaultKind};
use super::headers::{self, Headers};
use super::limits::PAYLOAD_BYTES;
use super::payload::Payload;
use crate::http::{Answer, Stamp};
use crate::invoke::InvokeResult;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;

const TRACE_ID: &str = "X-Amzn-Trace-Id";

/// The answer of a Lambda proxy integration as an HTTP answer, before [`finish`].
///
/// # Errors
/// 502 for what is no such answer, 500 if there was no invocation or its base64 is none; with the
/// reason for the log.
pub fn proxy_answer(
    exchange: &Exchange<'_>,
    result: &InvokeResult<'_>,
    binary: &MediaTypes,
) -> Result<Answer, Fault> {
    let bytes = match result {
        InvokeResult::Answer(bytes) => bytes,
        InvokeResult::FunctionError(bytes) => return Err(function_failed(bytes)),
        InvokeResult::Failed => return Err(not_invoked()),
    };
    let payload = Payload::parse(bytes)
        .map_err(|error| Fault::new(FaultKind::BadGateway, error.to_string()))?;
    let body = body(&payload, binary.accept(exchange.request.header("Accept")))?;
    Ok(Answer {
        status: payload.status,
        headers: proxied(payload.headers, exchange.stamp),
        body,
    })
}

/// What no client sees of a function that raised, timed out or ended.
fn function_failed(payload: &[u8]) -> Fault {
    let error: Value = serde_json::from_slice(payload).unwrap_or_default();
    let part = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default();
    let (kind, message) = (part("errorType"), part("errorMessage"));
    let reason = format!("the function failed with {kind:?} {message:?}: see its log");
    Fault::new(FaultKind::BadGateway, reason)
}

/// A function that may not be invoked, or is not there. Recorded is 500 and not the 504 of the
/// documentation (LocalStack's `test_lambda_aws_proxy_integration_non_post_method`).
pub(super) fn not_invoked() -> Fault {
    let reason = "the function was not invoked: check that it exists and may be called";
    Fault::new(FaultKind::IntegrationFailure, reason).with_status(500)
}

/// Base64 is decoded for clients that accept a binary type of the API, and for no others, as
/// recorded by LocalStack's `test_aws_proxy_response_payload_format_validation`.
fn body(payload: &Payload, wants_binary: bool) -> Result<Bytes, Fault> {
    let text = payload.body.as_deref().unwrap_or_default();
    let body = match payload.is_base64 && wants_binary {
        false => Bytes::from(text.to_owned()),
        true => Bytes::from(STANDARD.decode(text).map_err(|_| not_base64())?),
    };
    if body.len() > PAYLOAD_BYTES {
        let reason = format!(
            "the answer's body has {} bytes, of {PAYLOAD_BYTES} allowed: answer in parts, or by a link to S3",
            body.len()
        );
        return Err(Fault::new(FaultKind::BadGateway, reason));
    }
    Ok(body)
}

/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html>,
/// `API_CONFIGURATION_ERROR`.
fn not_base64() -> Fault {
    let reason = "body is no base64 though isBase64Encoded is true: encode it, or say isBase64Encoded: false";
    Fault::new(FaultKind::ApiConfigurationError, reason)
}

fn proxied(returned: Headers, stamp: &Stamp) -> Headers {
    let mut all = headers::outgoing(returned, false);
    if headers::get(&all, "Content-Type").is_none() {
        headers::set(&mut all, "Content-Type", "application/json");
    }
    trace(&mut all, stamp);
    all
}

/// Recorded for answers of functions and of HTTP integrations, and for no others
/// (LocalStack's `test_invocation_trace_id`).
pub(super) fn trace(headers: &mut Headers, stamp: &Stamp) {
    headers::set(headers, TRACE_ID, stamp.trace_id.as_str());
}

/// The head of a streamed answer (`ResponseTransferMode: STREAM`), before [`finish`]; its body is
/// empty. From a `runtime_api::Prelude`'s status, headers and cookies. Headers that cannot be sent
/// are left out `[inf]`.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html>
#[must_use]
pub fn stream_head(
    exchange: &Exchange<'_>,
    status: u16,
    headers: &[(String, String)],
    cookies: &[String],
) -> Answer {
    let cookies = cookies
        .iter()
        .map(|cookie| ("set-cookie".to_owned(), cookie.clone()));
    let all = headers.iter().cloned().chain(cookies);
    let all = all.filter(|(name, value)| headers::can_be_sent(name, value));
    Answer {
        status,
        headers: proxied(all.collect(), exchange.stamp),
        body: Bytes::new(),
    }
}

/// How a body is to be compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// `Content-Encoding: gzip`
    Gzip,
    /// `Content-Encoding: deflate`
    Deflate,
}

/// Whether an answer's body is to be compressed: from `minimum` bytes on, for clients that accept
/// it, if it is not yet encoded. Who compresses it sets `Content-Encoding`.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-gzip-compression-decompression.html>
///
/// What the client likes best decides: if that is none that API Gateway knows, nothing is compressed
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-enable-compression.html>).
/// Of several that it likes alike, the first that is known is taken `[inf]`.
#[must_use]
pub fn compression(
    exchange: &Exchange<'_>,
    answer: &Answer,
    minimum: Option<u64>,
) -> Option<Compression> {
    let bytes = u64::try_from(answer.body.len()).unwrap_or(u64::MAX);
    let is_encoded = headers::get(&answer.headers, "Content-Encoding").is_some();
    if bytes < minimum? || bytes == 0 || is_encoded {
        return None;
    }
    let accepted = exchange.request.header("Accept-Encoding")?;
    let best = accepted.split(',').map(|it| weighed(it).1);
    let best = best.fold(0.0, f32::max);
    let mut liked = accepted.split(',').map(weighed).filter(|it| it.1 == best);
    liked.find_map(|(name, weight)| match name.to_ascii_lowercase().as_str() {
        _ if weight == 0.0 => None,
        "gzip" | "*" => Some(Compression::Gzip),
        "deflate" => Some(Compression::Deflate),
        _ => None,
    })
}

/// `gzip;q=0.5`; without a weight that can be read it is 1.
fn weighed(coding: &str) -> (&str, f32) {
    let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
    let weight = weight.trim().strip_prefix("q=").map(str::parse);
    (name.trim(), weight.and_then(Result::ok).unwrap_or(1.0))
}

/// Puts on an answer what every answer carries: `x-amzn-RequestId` and `x-amz-apigw-id`.
pub fn finish(answer: &mut Answer, stamp: &Stamp) {
    headers::set(
        &mut answer.headers,
        "x-amzn-RequestId",
        stamp.request_id.as_str(),
    );
    headers::set(
        &mut answer.headers,
        "x-amz-apigw-id",
        stamp.extended_request_id.as_str(),
    );
}

#[cfg(test)]
#[path = "answers_tests.rs"]
mod tests;
