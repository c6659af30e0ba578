//! What a REST API allows a request
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html>).

use super::fault::{Fault, FaultKind};
use crate::http::Request;
use std::time::Duration;

/// Largest body, of a request or an answer: 10 MB.
pub const PAYLOAD_BYTES: usize = 10 * 1024 * 1024;

/// Longest event of a function: 6 MB
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
pub const EVENT_BYTES: usize = 6 * 1024 * 1024;

/// Most bytes of request line and header values together.
pub const HEADER_BYTES: usize = 10_240;

/// Longest that an integration may take, unless the API was given more.
pub const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(29);

/// Refuses a request that is too long.
///
/// # Errors
/// [`FaultKind::BodyTooLarge`] or [`FaultKind::HeadersTooLarge`]: both come before any stage, so
/// [`GatewayResponses::outside`](super::GatewayResponses::outside) answers them. The text of the
/// first was observed, the second's status is `[inf]`.
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
        return Err(Fault::new(FaultKind::BodyTooLarge, reason));
    }
    Ok(())
}

/// Refuses an event that Lambda would refuse.
///
/// # Errors
/// [`FaultKind::RequestTooLarge`].
pub fn check_event(event: &[u8]) -> Result<(), Fault> {
    if event.len() <= EVENT_BYTES {
        return Ok(());
    }
    let reason = format!(
        "the function's event has {} bytes, of {EVENT_BYTES} allowed: send a shorter body, or put it into S3",
        event.len()
    );
    Err(Fault::new(FaultKind::RequestTooLarge, reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rest::fixtures::request;

    fn kind(result: Result<(), Fault>) -> Option<FaultKind> {
        result.err().map(|fault| fault.kind)
    }

    #[test]
    fn a_body_may_be_exactly_as_long_as_allowed() {
        let mut long = request("POST", "/dev/");
        long.body = vec![b'x'; PAYLOAD_BYTES].into();
        assert_eq!(kind(check(&long)), None);
        long.body = vec![b'x'; PAYLOAD_BYTES + 1].into();
        assert_eq!(kind(check(&long)), Some(FaultKind::BodyTooLarge));
    }

    #[test]
    fn the_request_line_and_the_values_of_all_headers_count_together() {
        let mut long = request("GET", "/dev/");
        long.headers = vec![("Cookie".to_owned(), "x".repeat(HEADER_BYTES - 8))];
        assert_eq!(kind(check(&long)), None);
        long.query = "q".to_owned();
        assert_eq!(kind(check(&long)), Some(FaultKind::HeadersTooLarge));
    }

    #[test]
    fn an_event_may_have_6_mb() {
        assert_eq!(kind(check_event(&vec![b'x'; EVENT_BYTES])), None);
        let longer = check_event(&vec![b'x'; EVENT_BYTES + 1]);
        assert_eq!(kind(longer), Some(FaultKind::RequestTooLarge));
    }
}
