//! How Lambda refuses a call
//! (<https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html>).

use http::StatusCode;
use serde_json::{Value, json};

/// A refusal, with AWS's message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LambdaError {
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    InvalidParameter(String),
    #[error("{0}")]
    Conflict(String),
    #[error("{0}")]
    PreconditionFailed(String),
    #[error("{0}")]
    InvalidContent(String),
    #[error("tether's emulator does not serve {0}")]
    NotServed(String),
    #[error("tether's emulator could not run it: {0}")]
    Failed(String),
}

impl LambdaError {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::InvalidParameter(_) | Self::InvalidContent(_) => StatusCode::BAD_REQUEST,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::PreconditionFailed(_) => StatusCode::PRECONDITION_FAILED,
            Self::NotServed(_) => StatusCode::NOT_IMPLEMENTED,
            Self::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "ResourceNotFoundException",
            Self::InvalidParameter(_) => "InvalidParameterValueException",
            Self::Conflict(_) => "ResourceConflictException",
            Self::PreconditionFailed(_) => "PreconditionFailedException",
            Self::InvalidContent(_) => "InvalidRequestContentException",
            Self::NotServed(_) => "NotImplemented",
            Self::Failed(_) => "ServiceException",
        }
    }

    pub(crate) fn body(&self) -> Value {
        json!({ "Type": "User", "Message": self.to_string() })
    }
}
