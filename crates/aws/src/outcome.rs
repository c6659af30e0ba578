//! What a failed call means: certainly not done, or perhaps done.

use crate::denial::Denial;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use std::fmt;

/// A call that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// AWS's name of the error, `AccessDeniedException`; empty if it never
    /// said one.
    pub code: String,
    /// AWS's or the network's words.
    pub message: String,
    /// HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// The work may have been done all the same.
    pub outcome_unknown: bool,
}

/// What AWS says when it has too much to do
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>,
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/CommonErrors.html>),
/// or when credentials have just been renewed elsewhere.
const PASSING: [&str; 7] = [
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "ExpiredTokenException",
    "ExpiredToken",
];

impl Failure {
    /// The permission that is missing, if that is what AWS says.
    #[must_use]
    pub fn denial(&self) -> Option<Denial> {
        Denial::read(&self.message)
    }

    /// The same call may well succeed in a moment; a refusal stays one.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        let no_answer = self.status.is_none_or(|status| status >= 500);
        self.outcome_unknown || no_answer || PASSING.contains(&self.code.as_str())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(denial) = self.denial() {
            return denial.fmt(f);
        }
        match (self.code.as_str(), self.message.as_str()) {
            ("", message) => f.write_str(message),
            (code, "") => f.write_str(code),
            (code, message) => write!(f, "{code}: {message}"),
        }
    }
}

impl std::error::Error for Failure {}

/// Reads an SDK error.
pub fn classify<E>(error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let status = error.raw_response().map(|it| it.status().as_u16());
    let outcome_unknown = match error {
        SdkError::ConstructionFailure(_) => false,
        SdkError::DispatchFailure(failure) => failure.is_timeout() || !never_left(failure),
        SdkError::TimeoutError(_) | SdkError::ResponseError(_) => true,
        _ => status.is_none_or(|status| status >= 500),
    };
    let service = error.as_service_error();
    let code = service.and_then(ProvideErrorMetadata::code);
    let message = service.and_then(ProvideErrorMetadata::message);
    Failure {
        code: code.unwrap_or_default().to_owned(),
        message: message.map_or_else(|| innermost(error), str::to_owned),
        status,
        outcome_unknown,
    }
}

/// The connection could not be opened, or there were no credentials.
fn never_left(failure: &aws_smithy_runtime_api::client::result::DispatchFailure) -> bool {
    let text = failure
        .as_connector_error()
        .map(|error| chain(error))
        .unwrap_or_default();
    failure.is_user() || text.contains("tcp connect") || text.contains("dns error")
}

/// What is behind everything else of an error.
#[must_use]
pub fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

/// An error and everything behind it.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(": ");
        text.push_str(&error.to_string());
        next = error.source();
    }
    text
}
