//! How Lambda refuses a call
//! (<https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html>).

use http::StatusCode;
use serde_json::{Value, json};

/// A refusal, with AWS's message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LambdaError {
    #[error("{0}")]
    NotFound(String),
    /// A member against its model: AWS finds these before anything else.
    #[error("1 validation error detected: {0}")]
    Validation(String),
    #[error("{0}")]
    InvalidParameter(String),
    #[error("{0}")]
    Conflict(String),
    #[error("{0}")]
    InUse(String),
    #[error("{0}")]
    PreconditionFailed(String),
    #[error("{0}")]
    InvalidContent(String),
    #[error("{0}")]
    AccessDenied(String),
    #[error("{0}")]
    TooLarge(String),
    /// More at once than the function has reserved.
    #[error("Rate Exceeded.")]
    Throttled,
    /// More calls to the control plane than the account may make.
    #[error("Rate exceeded")]
    RateExceeded,
    #[error("tether's emulator does not serve {0}")]
    NotServed(String),
    #[error("tether's emulator could not run it: {0}")]
    Failed(String),
}

impl LambdaError {
    /// A value against its model, in AWS's words.
    pub(crate) fn constraint(value: &str, member: &str, constraint: &str) -> Self {
        Self::Validation(format!(
            "Value '{value}' at '{member}' failed to satisfy constraint: {constraint}"
        ))
    }

    /// What AWS says about things that are no functions.
    pub(crate) fn no_such_resource() -> Self {
        Self::NotFound("The resource you requested does not exist.".to_owned())
    }

    pub(crate) fn stale_revision() -> Self {
        let message = "The Revision Id provided does not match the latest Revision Id. Call the \
                       GetFunction/GetAlias API to retrieve the latest Revision Id";
        Self::PreconditionFailed(message.to_owned())
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::AccessDenied(_) => StatusCode::FORBIDDEN,
            Self::Validation(_)
            | Self::InvalidParameter(_)
            | Self::InvalidContent(_)
            | Self::InUse(_) => StatusCode::BAD_REQUEST,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::PreconditionFailed(_) => StatusCode::PRECONDITION_FAILED,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Throttled | Self::RateExceeded => StatusCode::TOO_MANY_REQUESTS,
            Self::NotServed(_) => StatusCode::NOT_IMPLEMENTED,
            Self::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "ResourceNotFoundException",
            Self::AccessDenied(_) => "AccessDeniedException",
            Self::Validation(_) => "ValidationException",
            Self::InvalidParameter(_) => "InvalidParameterValueException",
            Self::Conflict(_) => "ResourceConflictException",
            Self::InUse(_) => "ResourceInUseException",
            Self::PreconditionFailed(_) => "PreconditionFailedException",
            Self::InvalidContent(_) => "InvalidRequestContentException",
            Self::TooLarge(_) => "RequestTooLargeException",
            Self::Throttled | Self::RateExceeded => "TooManyRequestsException",
            Self::NotServed(_) => "NotImplemented",
            Self::Failed(_) => "ServiceException",
        }
    }

    /// The model writes `Message` for some errors and `message` for others.
    pub(crate) fn body(&self) -> Value {
        let message = self.to_string();
        match self {
            Self::NotFound(_) | Self::InUse(_) => json!({ "Type": "User", "Message": message }),
            // https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html has no type.
            Self::AccessDenied(_) => json!({ "Message": message }),
            Self::Failed(_) | Self::NotServed(_) => {
                json!({ "Type": "Service", "Message": message })
            }
            Self::Throttled => json!({
                "Type": "User",
                "message": message,
                "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded",
            }),
            Self::RateExceeded => json!({
                "Type": "User",
                "message": message,
                "Reason": "CallerRateLimitExceeded",
            }),
            _ => json!({ "Type": "User", "message": message }),
        }
    }
}
