//! What API Gateway asks.

use serde::Deserialize;
use std::collections::BTreeMap;
use tether_protocol::rights::RightsRequest;
use tether_protocol::{Secret, SessionId, Token};

/// What the function is invoked with.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Event {
    /// By a developer.
    Rights(RightsRequest),
    /// By API Gateway.
    Connect(Request),
}

/// The event of a REQUEST authorizer, as far as it matters here
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-lambda-auth.html>).
///
/// A struct of our own rather than `aws_lambda_events`': it has no `Debug`, so
/// that the token in its headers cannot be printed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Request {
    /// What is to be allowed or denied.
    pub(crate) method_arn: String,
    #[serde(default)]
    headers: Option<BTreeMap<String, String>>,
    #[serde(default)]
    query_string_parameters: Option<BTreeMap<String, String>>,
}

impl Request {
    /// The session that the caller claims to be, from the query.
    pub(crate) fn session(&self) -> Option<SessionId> {
        let id = self.query_string_parameters.as_ref()?.get("session")?;
        (!id.is_empty()).then(|| SessionId::new(id))
    }

    /// The bearer token, from the headers. Clients write header names and the
    /// scheme as they like.
    pub(crate) fn token(&self) -> Option<Token> {
        let mut headers = self.headers.as_ref()?.iter();
        let (_, value) = headers.find(|(name, _)| name.eq_ignore_ascii_case("authorization"))?;
        let (scheme, token) = value.trim().split_once(' ')?;
        let token = token.trim();
        (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty())
            .then(|| Secret::new(token.to_owned()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn request(headers: &Value, query: &Value) -> Request {
        let event = json!({
            "type": "REQUEST", "methodArn": "arn:m", "headers": headers,
            "queryStringParameters": query, "stageVariables": {},
            "requestContext": {"routeKey": "$connect", "connectionId": "c="},
        });
        serde_json::from_value(event).unwrap()
    }

    fn token_of(header: &str, value: &str) -> Option<String> {
        let token = request(&json!({ header: value }), &json!({})).token()?;
        Some(token.into_inner())
    }

    #[test]
    fn session_and_token_are_found_however_the_client_writes_headers() {
        assert_eq!(
            request(&json!({}), &json!({"session": "s-1"})).session(),
            Some(SessionId::new("s-1"))
        );
        for (name, value) in [
            ("Authorization", "Bearer abc"),
            ("authorization", "bearer abc"),
            ("AUTHORIZATION", " Bearer  abc "),
        ] {
            assert_eq!(
                token_of(name, value).as_deref(),
                Some("abc"),
                "{name}: {value}"
            );
        }
    }

    #[test]
    fn what_is_missing_or_odd_is_none() {
        for (name, value) in [
            ("Authorization", "Basic abc"),
            ("Authorization", "Bearer"),
            ("Authorization", "Bearer  "),
            ("X-Authorization", "Bearer abc"),
        ] {
            assert_eq!(token_of(name, value), None, "{name}: {value}");
        }
        let nothing = request(&Value::Null, &Value::Null);
        assert!(nothing.session().is_none() && nothing.token().is_none());
        assert!(
            request(&json!({}), &json!({"session": ""}))
                .session()
                .is_none()
        );
    }
}
