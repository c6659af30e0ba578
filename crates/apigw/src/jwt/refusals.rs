//! What clients get for a token that is not good.

use super::TokenError;
use crate::http::Answer;
use crate::http_api;
use crate::rest::{Fault, FaultKind};

impl TokenError {
    /// The answer of an HTTP API: 401, or 403 for a scope. The reason stands in `www-authenticate`
    /// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-troubleshooting-jwt.html>),
    /// of which the form for scopes and for no token at all is `[inf]`.
    #[must_use]
    pub fn http(&self, route_scopes: &[String]) -> Answer {
        let scopes = route_scopes.join(" ").replace(['"', '\r', '\n'], "");
        let (mut answer, said) = match self {
            Self::Missing => (http_api::unauthorized(), "Bearer".to_owned()),
            Self::Scope => (
                http_api::forbidden(),
                format!(
                    "Bearer scope=\"{scopes}\" error=\"insufficient_scope\" error_description=\"{self}\""
                ),
            ),
            _ => (
                http_api::unauthorized(),
                format!(
                    "Bearer scope=\"{scopes}\" error=\"invalid_token\" error_description=\"{self}\""
                ),
            ),
        };
        answer.headers.push(("www-authenticate".to_owned(), said));
        answer
    }

    /// What REST APIs answer, if no gateway response changes it: 401, also for a scope `[inf]`. That
    /// a token has expired is the one thing that clients are told; the authorizer's name is for the
    /// log.
    #[must_use]
    pub fn fault(&self, authorizer: &str) -> Fault {
        let reason = format!("{authorizer}: {self}");
        match self {
            Self::Expired => Fault::new(FaultKind::ExpiredToken, reason)
                .saying("The incoming token has expired")
                .with_status(401),
            _ => Fault::new(FaultKind::Unauthorized, reason),
        }
    }
}
