//! What a REST API allows a request
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html>).

use super::fault::{Fault, FaultKind};
use crate::http::Request;
use std::time::Duration;

/// Largest body, of a request or an answer: 10 MB.
pub const PAYLOAD_BYTES: usize = 10 * 1024 * 1024;

/// Most bytes of request line and header values together.
pub const HEADER_BYTES: usize = 10_240;

/// Longest that an integration may take, unless the API was given more.
pub const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(29);

/// Refuses a request that is too long.
///
/// # Errors
/// [`FaultKind::RequestTooLarge`] or [`FaultKind::HeadersTooLarge`].
pub fn check(request: &Request) -> Result<(), Fault> {
    let line = request.method.len() + request.path.len() + request.query.len();
    let values: usize = request.headers.iter().map(|(_, value)| value.len()).sum();
    let bytes = line + values;
    if bytes > HEADER_BYTES {
        let reason = format!(
            "the request's line and header values have {bytes} bytes, of {HEADER_BYTES} allowed: send less, for example fewer cookies"
        );
        return Err(Fault::new(FaultKind::HeadersTooLarge, reason));
    }
    if request.body.len() > PAYLOAD_BYTES {
        let reason = format!(
            "the request's body has {} bytes, of {PAYLOAD_BYTES} allowed: send it in parts, or to S3",
            request.body.len()
        );
        return Err(Fault::new(FaultKind::RequestTooLarge, reason));
    }
    Ok(())
}
