//! Identity sources of REST and HTTP APIs: what a request must carry before its authorizer is
//! asked, and what its decision is remembered by.

use std::collections::BTreeMap;
use std::fmt;

use crate::http::Request;
use crate::query;

/// Where an authorizer looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Names are compared as HTTP does.
    Header(String),
    /// Names are case-sensitive.
    Query(String),
    /// `requestId`, `identity.sourceIp`.
    Context(String),
    /// By its name.
    StageVariable(String),
}

/// What is no identity source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no identity source: REST APIs have method.request.header.NAME, method.request.querystring.NAME, stageVariables.NAME and context.NAME, and HTTP APIs $request.header.NAME and so on"
)]
pub struct SourceError(pub String);

/// A request that lacks an identity source: 401, and the authorizer is not asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the request has no {0}, which its authorizer needs")]
pub struct MissingSource(pub Source);

/// What sources are looked for in.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// As it came.
    pub request: &'a Request,
    /// Variables of the stage.
    pub stage_variables: &'a BTreeMap<String, String>,
    /// `$context.<name>`: see [`context_variable`](crate::http_api::context_variable) of HTTP APIs.
    pub context: &'a dyn Fn(&str) -> Option<String>,
}

impl fmt::Debug for Asked<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Asked").finish_non_exhaustive()
    }
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(out, "header {name}"),
            Self::Query(name) => write!(out, "query parameter {name}"),
            Self::Context(name) => write!(out, "context.{name}"),
            Self::StageVariable(name) => write!(out, "stage variable {name}"),
        }
    }
}

impl Source {
    /// Reads `method.request.header.Authorization`, `$request.header.Authorization` and their like.
    ///
    /// # Errors
    /// If it is none of them, or names nothing.
    pub fn parse(expression: &str) -> Result<Self, SourceError> {
        let text = expression.trim();
        let text = text.strip_prefix('$').unwrap_or(text);
        let text = text.strip_prefix("method.").unwrap_or(text);
        type Make = fn(String) -> Source;
        let kinds: [(&str, Make); 6] = [
            ("request.header.", Self::Header),
            ("request.multivalueheader.", Self::Header),
            ("request.querystring.", Self::Query),
            ("request.multivaluequerystring.", Self::Query),
            ("context.", Self::Context),
            ("stageVariables.", Self::StageVariable),
        ];
        let found = kinds.iter().find_map(|(prefix, make)| {
            let name = text.strip_prefix(prefix).filter(|it| !it.is_empty())?;
            Some(make(name.to_owned()))
        });
        found.ok_or_else(|| SourceError(expression.to_owned()))
    }

    /// What the request carries there, several values joined by commas; nothing if it is empty.
    #[must_use]
    pub fn value(&self, asked: &Asked<'_>) -> Option<String> {
        let value = match self {
            Self::Header(name) => {
                let headers = asked.request.headers.iter();
                joined(headers.filter(|(own, _)| own.eq_ignore_ascii_case(name)))
            }
            Self::Query(name) => {
                let pairs = query::decode(&asked.request.query);
                joined(pairs.iter().filter(|(own, _)| own == name))
            }
            Self::Context(name) => (asked.context)(name),
            Self::StageVariable(name) => asked.stage_variables.get(name).cloned(),
        };
        value.filter(|value| !value.is_empty())
    }
}

fn joined<'a>(found: impl Iterator<Item = &'a (String, String)>) -> Option<String> {
    let values: Vec<&str> = found.map(|(_, value)| value.as_str()).collect();
    (!values.is_empty()).then(|| values.join(","))
}

/// The values of all sources, in their order: what an HTTP API's authorizer is told, and what its
/// decision is remembered by.
///
/// # Errors
/// The first source without one.
pub fn identity(sources: &[Source], asked: &Asked<'_>) -> Result<Vec<String>, MissingSource> {
    let values = sources.iter().map(|source| {
        let value = source.value(asked);
        value.ok_or_else(|| MissingSource(source.clone()))
    });
    values.collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use crate::http::fixtures::request;

    fn values(expressions: &[&str]) -> Result<Vec<String>, MissingSource> {
        let mut request = request("GET", "/?token=q&multi=1&multi=2&empty=");
        for (name, value) in [
            ("Authorization", "h"),
            ("X-Multi", "a"),
            ("x-multi", "b"),
            ("x-none", ""),
        ] {
            request.headers.push((name.into(), value.into()));
        }
        let asked = Asked {
            request: &request,
            stage_variables: &BTreeMap::from([("secret".to_owned(), "s".to_owned())]),
            context: &|name| (name == "routeKey").then(|| "GET /".to_owned()),
        };
        let sources = expressions.iter().map(|it| Source::parse(it).unwrap());
        identity(&sources.collect::<Vec<_>>(), &asked)
    }

    #[test]
    fn both_spellings_find_the_same() {
        let rest = [
            "method.request.header.authorization",
            "method.request.querystring.token",
            "context.routeKey",
            "stageVariables.secret",
        ];
        let http = [
            "$request.header.AUTHORIZATION",
            "$request.querystring.token",
            "$context.routeKey",
            "$stageVariables.secret",
        ];
        assert_eq!(values(&rest).unwrap(), ["h", "q", "GET /", "s"]);
        assert_eq!(values(&http), values(&rest));
    }

    #[test]
    fn several_values_are_one_identity() {
        let found = values(&[
            "method.request.multivalueheader.x-multi",
            "method.request.querystring.multi",
        ]);
        assert_eq!(found.unwrap(), ["a,b", "1,2"]);
    }

    #[test]
    fn what_is_missing_or_empty_is_named() {
        for (expression, source) in [
            (
                "$request.header.nothing",
                Source::Header("nothing".to_owned()),
            ),
            (
                "$request.header.x-none",
                Source::Header("x-none".to_owned()),
            ),
            (
                "$request.querystring.Token",
                Source::Query("Token".to_owned()),
            ),
            (
                "$request.querystring.empty",
                Source::Query("empty".to_owned()),
            ),
            ("$context.stage", Source::Context("stage".to_owned())),
            (
                "$stageVariables.none",
                Source::StageVariable("none".to_owned()),
            ),
        ] {
            let missing = values(&["$request.header.Authorization", expression]);
            assert_eq!(missing, Err(MissingSource(source)));
        }
        assert_eq!(values(&[]).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn other_expressions_are_named() {
        for expression in [
            "",
            "$request.body.a",
            "method.request.header.",
            "Authorization",
            "$request.path",
        ] {
            assert_eq!(
                Source::parse(expression),
                Err(SourceError(expression.to_owned()))
            );
        }
    }
}
