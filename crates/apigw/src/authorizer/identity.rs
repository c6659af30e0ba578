//! Identity sources: what a request must carry before its authorizer is asked.

use serde_json::Value;

use crate::websocket::{Connection, Handshake, Stamp, connect_context};

/// Where a WebSocket authorizer looks for an identity
/// (<https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-authorizers.html>, `identitySource`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentitySource {
    /// `route.request.header.X`; names are compared as HTTP does.
    Header(String),
    /// `route.request.querystring.x`; names are case-sensitive.
    Query(String),
    /// `context.identity.sourceIp`: a path into `requestContext`.
    Context(String),
    /// `stageVariables.x`.
    StageVariable(String),
}

/// An identity source that a WebSocket API does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no identity source of a WebSocket API: use route.request.header.<name>, route.request.querystring.<name>, context.<path> or stageVariables.<name>"
)]
pub struct IdentitySourceError(pub String);

/// A request that lacks an identity source: 401, and the authorizer is not invoked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the request has no {0}, which the authorizer needs: send it, or remove it from the identity sources"
)]
pub struct MissingIdentity(pub IdentitySource);

impl std::fmt::Display for IdentitySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Header(name) => write!(f, "header {name}"),
            Self::Query(name) => write!(f, "query parameter {name}"),
            Self::Context(path) => write!(f, "context.{path}"),
            Self::StageVariable(name) => write!(f, "stage variable {name}"),
        }
    }
}

impl IdentitySource {
    /// Parses one identity source.
    ///
    /// # Errors
    /// If it is not one of the four forms, or names nothing.
    pub fn parse(expression: &str) -> Result<Self, IdentitySourceError> {
        let after = |prefix: &str| {
            expression
                .strip_prefix(prefix)
                .filter(|name| !name.is_empty())
        };
        if let Some(name) = after("route.request.header.") {
            Ok(Self::Header(name.to_owned()))
        } else if let Some(name) = after("route.request.querystring.") {
            Ok(Self::Query(name.to_owned()))
        } else if let Some(path) = after("context.") {
            Ok(Self::Context(path.to_owned()))
        } else if let Some(name) = after("stageVariables.") {
            Ok(Self::StageVariable(name.to_owned()))
        } else {
            Err(IdentitySourceError(expression.to_owned()))
        }
    }

    /// What the request carries there; `None` if nothing, or nothing but an empty text.
    #[must_use]
    pub fn value(
        &self,
        handshake: &Handshake,
        connection: &Connection,
        stamp: &Stamp,
    ) -> Option<String> {
        let value = match self {
            Self::Header(name) => handshake.header(name).map(str::to_owned),
            Self::Query(name) => handshake.query_parameter(name).map(str::to_owned),
            Self::StageVariable(name) => connection.stage_variables.get(name).cloned(),
            Self::Context(path) => {
                let context = connect_context(connection, stamp);
                let found = path
                    .split('.')
                    .try_fold(&context, |value, key| value.get(key));
                found.and_then(scalar)
            }
        };
        value.filter(|value| !value.is_empty())
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Asks every identity source; the authorizer is invoked only if all have a value.
///
/// # Errors
/// The first source without one, for the developer. The client gets
/// [`Verdict::Unauthorized`](super::Verdict::Unauthorized).
pub fn check(
    sources: &[IdentitySource],
    handshake: &Handshake,
    connection: &Connection,
    stamp: &Stamp,
) -> Result<(), MissingIdentity> {
    match sources
        .iter()
        .find(|source| source.value(handshake, connection, stamp).is_none())
    {
        Some(missing) => Err(MissingIdentity(missing.clone())),
        None => Ok(()),
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that cannot parse its own source should stop"
)]
mod tests {
    use super::*;
    use crate::websocket::fixtures::{connection, handshake, stamp};

    fn sources(expressions: &[&str]) -> Vec<IdentitySource> {
        expressions
            .iter()
            .map(|expression| IdentitySource::parse(expression).unwrap())
            .collect()
    }

    #[test]
    fn the_four_forms_are_read() {
        let parsed = sources(&[
            "route.request.header.Auth",
            "route.request.querystring.token",
            "context.identity.sourceIp",
            "stageVariables.secret",
        ]);
        assert_eq!(
            parsed,
            [
                IdentitySource::Header("Auth".to_owned()),
                IdentitySource::Query("token".to_owned()),
                IdentitySource::Context("identity.sourceIp".to_owned()),
                IdentitySource::StageVariable("secret".to_owned()),
            ]
        );
    }

    #[test]
    fn other_forms_are_named() {
        for expression in [
            "",
            "route.request.header.",
            "method.request.header.A",
            "$request.header.A",
            "route.request.body.a",
        ] {
            let error = IdentitySource::parse(expression).unwrap_err();
            assert_eq!(error, IdentitySourceError(expression.to_owned()));
            assert!(!error.to_string().contains('\n'));
        }
    }

    #[test]
    fn values_are_found_where_they_are() {
        let shake = handshake(&[("AUTH", "h")], &[("token", "q")]);
        let mut connection = connection();
        connection
            .stage_variables
            .insert("secret".to_owned(), "s".to_owned());
        let value = |expression: &str| {
            IdentitySource::parse(expression)
                .unwrap()
                .value(&shake, &connection, &stamp())
        };
        assert_eq!(value("route.request.header.Auth").as_deref(), Some("h"));
        assert_eq!(
            value("route.request.querystring.token").as_deref(),
            Some("q")
        );
        assert_eq!(value("route.request.querystring.Token"), None);
        assert_eq!(
            value("context.identity.sourceIp").as_deref(),
            Some("192.0.2.1")
        );
        assert_eq!(
            value("context.connectedAt").as_deref(),
            Some("1795240000000")
        );
        assert_eq!(value("context.identity"), None);
        assert_eq!(value("stageVariables.secret").as_deref(), Some("s"));
    }

    #[test]
    fn all_sources_must_be_there_and_not_empty() {
        let needed = sources(&[
            "route.request.header.Auth",
            "route.request.querystring.token",
        ]);
        let ask = |headers: &[(&str, &str)], query: &[(&str, &str)]| {
            check(&needed, &handshake(headers, query), &connection(), &stamp())
        };
        assert_eq!(ask(&[("Auth", "h")], &[("token", "q")]), Ok(()));
        let header = MissingIdentity(IdentitySource::Header("Auth".to_owned()));
        assert_eq!(ask(&[], &[("token", "q")]), Err(header.clone()));
        assert_eq!(ask(&[("Auth", "")], &[("token", "q")]), Err(header));
        let query = ask(&[("Auth", "h")], &[("token", "")]).unwrap_err();
        assert!(
            query
                .to_string()
                .starts_with("the request has no query parameter token")
        );
        assert_eq!(
            check(&[], &Handshake::default(), &connection(), &stamp()),
            Ok(())
        );
    }
}
