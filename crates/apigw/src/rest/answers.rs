//! What a Lambda proxy integration's answer becomes, and what every answer carries.

use super::binary::MediaTypes;
use super::exchange::Exchange;
use super::fault::Fault;
use crate::http::Answer;
use crate::invoke::InvokeResult;

/// The answer of a Lambda proxy integration as an HTTP answer, before [`finish`].
///
/// # Errors
/// 502 for what is no such answer, with the reason for the log.
pub fn proxy_answer(
    exchange: &Exchange<'_>,
    result: &InvokeResult<'_>,
    binary: &MediaTypes,
) -> Result<Answer, Fault> {
    let _ = (exchange, result, binary);
    todo!()
}

/// The head of a streamed answer (`ResponseTransferMode: STREAM`), before [`finish`]; its body is
/// empty. From a `runtime_api::Prelude`'s status, headers and cookies.
#[must_use]
pub fn stream_head(status: u16, headers: &[(String, String)], cookies: &[String]) -> Answer {
    let _ = (status, headers, cookies);
    todo!()
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
#[must_use]
pub fn compression(
    exchange: &Exchange<'_>,
    answer: &Answer,
    minimum: Option<u64>,
) -> Option<Compression> {
    let _ = (exchange, answer, minimum);
    todo!()
}

/// Puts on an answer what every answer carries: `x-amzn-RequestId`, `x-amz-apigw-id`, and, where an
/// integration answered, `X-Amzn-Trace-Id`.
pub fn finish(answer: &mut Answer, exchange: &Exchange<'_>) {
    let _ = (answer, exchange);
    todo!()
}
