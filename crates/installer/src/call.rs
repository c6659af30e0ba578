//! A call to AWS that may fail, and what to say then.

use crate::error::Error;
use crate::refusal::{Denied, in_one_line};
use aws_sdk_cloudformation::config::http::HttpResponse;
use aws_sdk_cloudformation::error::{ProvideErrorMetadata, SdkError};
use tether_aws::Failure;
use tether_receiver::Account;

/// What is asked of AWS.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    what: String,
    action: &'static str,
    resource: String,
}

impl Call {
    /// What a failure means for people, and what the permission is that it
    /// takes.
    pub(crate) fn new(
        what: impl Into<String>,
        action: &'static str,
        resource: impl Into<String>,
    ) -> Self {
        Self {
            what: what.into(),
            action,
            resource: resource.into(),
        }
    }

    /// Reads an SDK error.
    pub(crate) fn failed<E>(&self, error: &SdkError<E, HttpResponse>) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        self.means(&tether_aws::classify(error))
    }

    /// The same for the first call: an endpoint of one's own may not be there.
    pub(crate) fn failed_at<E>(&self, account: &Account, error: &SdkError<E, HttpResponse>) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let failure = tether_aws::classify(error);
        match (account.endpoint_url(), failure.status) {
            (Some(url), None) => Error::Receiver(tether_receiver::Error::NoEndpoint {
                url: url.to_owned(),
                reason: failure.to_string(),
            }),
            _ => self.means(&failure),
        }
    }

    /// What a failure means.
    pub(crate) fn means(&self, failure: &Failure) -> Error {
        let what = self.what.clone();
        if let Some(denied) = Denied::read(&failure.message) {
            return Error::Denied {
                what,
                words: denied.in_words(),
            };
        }
        // S3 answers HEAD without a body, and older parts of it without words.
        if failure.status == Some(403) && is_denial(failure) {
            let words = format!(
                "it takes {} on {}: whoever administers the account has to allow you that",
                self.action, self.resource
            );
            return Error::Denied { what, words };
        }
        let why = in_one_line(&failure.to_string());
        Error::Aws { what, why }
    }
}

/// And not a signature that is wrong, or a token that has expired.
fn is_denial(failure: &Failure) -> bool {
    ["", "AccessDenied", "AccessDeniedException", "Forbidden"].contains(&failure.code.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: &str, message: &str, status: u16) -> String {
        let failure = Failure {
            code: code.into(),
            message: message.into(),
            status: Some(status),
            outcome_unknown: false,
        };
        let call = Call::new(
            "the bucket b cannot be made",
            "s3:CreateBucket",
            "arn:aws:s3:::b",
        );
        call.means(&failure).to_string()
    }

    #[test]
    fn a_denial_without_words_names_what_was_asked_for() {
        assert_eq!(
            said("AccessDenied", "Access Denied", 403),
            "the bucket b cannot be made: it takes s3:CreateBucket on arn:aws:s3:::b: whoever administers the account has to allow you that"
        );
        let expired = said("ExpiredToken", "The token has expired", 403);
        assert_eq!(
            expired,
            "the bucket b cannot be made: ExpiredToken: The token has expired"
        );
    }
}
