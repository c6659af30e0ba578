//! Error objects and the Runtime API's own refusals.

use http::StatusCode;
use serde::{Deserialize, Serialize};

/// The object that a runtime posts when a handler failed, and that the caller
/// gets (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorObject {
    /// The message.
    pub error_message: String,
    /// The type.
    pub error_type: String,
    /// Lines, innermost last or first as the language has it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stack_trace: Vec<String>,
}

impl ErrorObject {
    /// An error of ours or of Lambda's, without a stack.
    pub fn new(error_type: impl Into<String>, error_message: impl Into<String>) -> Self {
        Self {
            error_message: error_message.into(),
            error_type: error_type.into(),
            stack_trace: Vec::new(),
        }
    }

    /// Lambda's own words for an invocation whose time is up.
    #[must_use]
    pub fn timed_out(request_id: &str, seconds: f64) -> Self {
        let message =
            format!("RequestId: {request_id} Error: Task timed out after {seconds:.2} seconds");
        Self::new("Sandbox.Timedout", message)
    }

    /// Lambda's own words for a runtime that ended without an answer;
    /// `how` is `exit status 1` or `signal: killed`.
    #[must_use]
    pub fn exited(request_id: &str, how: &str) -> Self {
        let message = format!("RequestId: {request_id} Error: Runtime exited with error: {how}");
        Self::new("Runtime.ExitError", message)
    }

    /// An answer that is larger than this many bytes.
    #[must_use]
    pub fn too_large(limit: usize) -> Self {
        let message =
            format!("Response payload size exceeded maximum allowed payload size ({limit} bytes).");
        Self::new("Function.ResponseSizeTooLarge", message)
    }

    /// An answer whose mode is no mode.
    #[must_use]
    pub fn invalid_response_mode(request_id: &str) -> Self {
        let message = format!(
            "RequestId: {request_id} Error: the runtime answered with an unknown Lambda-Runtime-Function-Response-Mode: it may be streaming, or left out"
        );
        Self::new("Runtime.InvalidResponseModeHeader", message)
    }

    /// An answer that ended before it was complete, of a process that lives on.
    #[must_use]
    pub fn truncated(request_id: &str) -> Self {
        let message = format!(
            "RequestId: {request_id} Error: the runtime closed its connection within the answer"
        );
        Self::new("Runtime.TruncatedResponse", message)
    }

    /// As it stands in a body.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// How the Runtime API refuses a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// An answer to an invocation that is not the current one.
    InvalidRequestId,
    /// The verb does not fit the state.
    InvalidStateTransition,
    /// An answer larger than [`crate::MAX_PAYLOAD`].
    TooLarge,
    /// An answer to an invocation that has ended by its deadline.
    InvokeTimeout,
    /// A mode of answering that Lambda does not know.
    InvalidResponseMode,
    /// A request that ended before its body did.
    Truncated,
}

impl Refusal {
    /// Status and JSON body.
    #[must_use]
    pub fn answer(self) -> (StatusCode, Vec<u8>) {
        let (status, error_type, message) = match self {
            Self::InvalidRequestId => (
                StatusCode::BAD_REQUEST,
                "InvalidRequestID",
                "Invalid request ID",
            ),
            Self::InvalidStateTransition => (
                StatusCode::FORBIDDEN,
                "InvalidStateTransition",
                "Transition from state is not allowed",
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "RequestEntityTooLarge",
                "Exceeded maximum allowed payload size (6291556 bytes).",
            ),
            Self::InvokeTimeout => (StatusCode::GONE, "InvokeTimeout", "Invoke timeout"),
            Self::InvalidResponseMode => (
                StatusCode::BAD_REQUEST,
                "InvalidFunctionResponseMode",
                "Invalid function response mode",
            ),
            Self::Truncated => (
                StatusCode::BAD_REQUEST,
                "TruncatedHTTPRequest",
                "HTTP request detected as truncated",
            ),
        };
        (status, ErrorObject::new(error_type, message).to_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_has_lambdas_words() {
        let error = ErrorObject::timed_out("r-1", 1.0);
        assert_eq!(
            String::from_utf8_lossy(&error.to_bytes()),
            r#"{"errorMessage":"RequestId: r-1 Error: Task timed out after 1.00 seconds","errorType":"Sandbox.Timedout"}"#
        );
    }
}
