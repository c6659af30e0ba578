//! What clients get for a token that is not good.

use bytes::Bytes;
use serde_json::json;

use super::TokenError;
use crate::http::Answer;
use crate::http_api;

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

    /// The answer of a REST API whose template says nothing else: 401, also for a scope `[inf]`.
    /// That a token has expired is the one thing it tells.
    #[must_use]
    pub fn rest(&self) -> Answer {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Answer {
            status: 401,
            headers: vec![
                header("Content-Type", "application/json"),
                header("x-amzn-ErrorType", "UnauthorizedException"),
            ],
            body: Bytes::from(json!({ "message": self.rest_message() }).to_string()),
        }
    }

    /// What REST's gateway response has as `$context.error.message`.
    #[must_use]
    pub fn rest_message(&self) -> &'static str {
        match self {
            Self::Expired => "The incoming token has expired",
            _ => "Unauthorized",
        }
    }

    /// The type of REST's gateway response.
    #[must_use]
    pub fn gateway_response(&self) -> &'static str {
        match self {
            Self::Expired => "EXPIRED_TOKEN",
            _ => "UNAUTHORIZED",
        }
    }
}
