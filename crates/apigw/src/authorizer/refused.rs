//! What whoever is not let in gets.

use super::{AuthorizerError, MissingSource};
use crate::http::Answer;
use crate::http_api;
use crate::rest::{Fault, FaultKind};

/// Why somebody is not let in. Clients see little of it; the reason is for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// 401: the request does not have what identifies it, and nobody was asked.
    #[error(transparent)]
    Missing(#[from] MissingSource),
    /// 401: a TOKEN authorizer's token does not look like one, and nobody was asked.
    #[error("the token does not match the authorizer's validation expression")]
    Invalid,
    /// 401: the authorizer raised "Unauthorized".
    #[error("the authorizer raised \"Unauthorized\"")]
    Unauthorized,
    /// 403: the policy denies it, or does not allow it.
    #[error("the authorizer {}", if *explicit { "denies this method" } else { "does not allow this method" })]
    Denied {
        /// By a statement of its own.
        explicit: bool,
    },
    /// 500: there is no decision.
    #[error(transparent)]
    Error(#[from] AuthorizerError),
}

impl Refused {
    /// The type of REST's gateway response, by which a template changes what clients get
    /// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html>).
    #[must_use]
    pub fn gateway_response(&self) -> &'static str {
        match self {
            Self::Missing(_) | Self::Invalid | Self::Unauthorized => "UNAUTHORIZED",
            Self::Denied { .. } => "ACCESS_DENIED",
            Self::Error(AuthorizerError::Function(_) | AuthorizerError::NotInvoked) => {
                "AUTHORIZER_FAILURE"
            }
            Self::Error(_) => "AUTHORIZER_CONFIGURATION_ERROR",
        }
    }

    /// What a client of a REST API is told; none is said as null.
    #[must_use]
    pub fn message(&self) -> Option<&'static str> {
        match self {
            Self::Missing(_) | Self::Invalid | Self::Unauthorized => Some("Unauthorized"),
            Self::Denied { explicit: false } => {
                Some("User is not authorized to access this resource")
            }
            Self::Denied { explicit: true } => {
                Some("User is not authorized to access this resource with an explicit deny")
            }
            Self::Error(_) => None,
        }
    }

    fn status(&self) -> u16 {
        match self {
            Self::Missing(_) | Self::Invalid | Self::Unauthorized => 401,
            Self::Denied { .. } => 403,
            Self::Error(_) => 500,
        }
    }

    /// What REST APIs answer, if no gateway response changes it; the authorizer's name is for the log.
    /// A failure is `{"message":null}`
    /// (<https://github.com/auth0-samples/jwt-rsa-aws-custom-authorizer/pull/6>).
    #[must_use]
    pub fn fault(&self, authorizer: &str) -> Fault {
        let kind = FaultKind::named(self.gateway_response());
        let kind = kind.unwrap_or(FaultKind::AuthorizerFailure);
        let fault = Fault::new(kind, format!("{authorizer}: {self}"));
        match self.message() {
            Some(message) => fault.saying(message),
            None => fault,
        }
    }

    /// The answer of an HTTP API.
    #[must_use]
    pub fn http(&self) -> Answer {
        match self.status() {
            401 => http_api::unauthorized(),
            403 => http_api::forbidden(),
            _ => http_api::internal_error(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rest::answered;

    #[test]
    fn each_refusal_has_its_own_words() {
        let failed = || AuthorizerError::Function("boom".to_owned());
        for (refused, rest, http, kind) in [
            (
                Refused::Unauthorized,
                r#"401 {"message":"Unauthorized"}"#,
                r#"401 {"message":"Unauthorized"}"#,
                "UNAUTHORIZED",
            ),
            (
                Refused::Invalid,
                r#"401 {"message":"Unauthorized"}"#,
                r#"401 {"message":"Unauthorized"}"#,
                "UNAUTHORIZED",
            ),
            (
                Refused::Denied { explicit: false },
                r#"403 {"Message":"User is not authorized to access this resource"}"#,
                r#"403 {"message":"Forbidden"}"#,
                "ACCESS_DENIED",
            ),
            (
                Refused::Denied { explicit: true },
                r#"403 {"Message":"User is not authorized to access this resource with an explicit deny"}"#,
                r#"403 {"message":"Forbidden"}"#,
                "ACCESS_DENIED",
            ),
            (
                failed().into(),
                r#"500 {"message":null}"#,
                r#"500 {"message":"Internal Server Error"}"#,
                "AUTHORIZER_FAILURE",
            ),
            (
                AuthorizerError::Principal.into(),
                r#"500 {"message":null}"#,
                r#"500 {"message":"Internal Server Error"}"#,
                "AUTHORIZER_CONFIGURATION_ERROR",
            ),
        ] {
            let shown = |answer: &Answer| {
                format!(
                    "{} {}",
                    answer.status,
                    String::from_utf8_lossy(&answer.body)
                )
            };
            assert_eq!(shown(&answered(&refused.fault("Auth"))), rest);
            assert_eq!(shown(&refused.http()), http);
            assert_eq!(refused.gateway_response(), kind);
            assert!(!refused.to_string().contains('\n'));
        }
    }
}
