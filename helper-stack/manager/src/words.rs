//! What Lambda says when it will not change a function, and what that means.

use tether_aws::Failure;

/// Why an update was refused for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Words {
    /// The function is to be left alone, and why.
    Skip(String),
    /// No timeout may be longer than this many seconds, which is how long the
    /// function's queue hides a message.
    Timeout(u32),
    /// Anything else.
    Other,
}

impl Words {
    /// Reads a refusal.
    pub(crate) fn of(failure: &Failure) -> Self {
        let said = &failure.message;
        if let Some(seconds) = visibility_timeout(said) {
            return Self::Timeout(seconds);
        }
        if is_too_large(failure) {
            return Self::Skip(format!(
                "its environment has no room for tether's variables ({said})"
            ));
        }
        if let Some(runtime) = blocked_runtime(said) {
            return Self::Skip(format!(
                "its runtime {runtime} is deprecated, and Lambda blocks every update of it: move it to a newer one"
            ));
        }
        if is_signature(&failure.code) {
            return Self::Skip(format!("its code signing refuses tether's layer ({said})"));
        }
        Self::Other
    }
}

/// "Queue visibility timeout: 30 seconds is less than Function timeout: 900
/// seconds"
/// (<https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html>).
fn visibility_timeout(said: &str) -> Option<u32> {
    let (_, rest) = said.split_once("Queue visibility timeout: ")?;
    let (seconds, rest) = rest.split_once(' ')?;
    rest.contains("less than Function timeout")
        .then(|| seconds.parse().ok())?
}

/// "Lambda was unable to configure your environment variables because the
/// environment variables you have provided exceeded the 4KB limit", measured
/// with JSON's quotes and escapes; or the request as a whole, which may have
/// 5120 bytes.
fn is_too_large(failure: &Failure) -> bool {
    let said = &failure.message;
    failure.status == Some(413)
        || said.contains("exceeded the 4KB limit")
        || said.contains("Request must be smaller than")
}

/// "The runtime parameter of nodejs12.x is no longer supported for creating or
/// updating AWS Lambda functions. We recommend …"
/// (<https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html#runtime-deprecation-levels>).
fn blocked_runtime(said: &str) -> Option<&str> {
    let (_, rest) = said.split_once("The runtime parameter of ")?;
    let (runtime, rest) = rest.split_once(' ')?;
    rest.starts_with("is no longer supported")
        .then_some(runtime)
}

/// <https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionConfiguration.html#API_UpdateFunctionConfiguration_Errors>
fn is_signature(code: &str) -> bool {
    [
        "CodeVerificationFailedException",
        "InvalidCodeSignatureException",
    ]
    .contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: &str, message: &str) -> Words {
        Words::of(&Failure {
            code: code.into(),
            message: message.into(),
            status: Some(400),
            outcome_unknown: false,
        })
    }

    fn skipped(code: &str, message: &str) -> String {
        match said(code, message) {
            Words::Skip(reason) => reason,
            words => format!("{words:?}"),
        }
    }

    #[test]
    fn refusals_that_nothing_can_be_done_about_are_told_apart() {
        let invalid = "InvalidParameterValueException";
        let reason = skipped(
            invalid,
            "Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit.",
        );
        assert!(
            reason.starts_with("its environment has no room"),
            "{reason}"
        );
        let reason = skipped(
            invalid,
            "The runtime parameter of nodejs12.x is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime while creating or updating functions.",
        );
        assert!(
            reason.starts_with("its runtime nodejs12.x is deprecated"),
            "{reason}"
        );
        let reason = skipped("InvalidCodeSignatureException", "no");
        assert!(reason.starts_with("its code signing refuses"), "{reason}");
    }

    #[test]
    fn the_longest_timeout_is_read_and_other_words_are_none_of_these() {
        let invalid = "InvalidParameterValueException";
        assert_eq!(
            said(
                invalid,
                "Queue visibility timeout: 30 seconds is less than Function timeout: 900 seconds"
            ),
            Words::Timeout(30)
        );
        assert_eq!(said(invalid, "The role cannot be assumed"), Words::Other);
    }
}
