//! Which route a message takes.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-develop-routes.html>

use serde_json::Value;

use super::json_path::{JsonPath, PathError};

/// Route of the handshake.
pub const CONNECT: &str = "$connect";
/// Route of the end.
pub const DISCONNECT: &str = "$disconnect";
/// Route of every message that has no other.
pub const DEFAULT: &str = "$default";

/// Why a selection expression cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// There is none.
    #[error("the selection expression is empty: set one, such as $request.body.action")]
    Empty,
    /// A `${` without its `}`.
    #[error("${{{0} is not closed in the selection expression: add a }}")]
    Unclosed(String),
    /// A variable that messages do not have.
    #[error(
        "${0} is no variable of this selection expression: use $request.body.<path>, or \\$ for a dollar sign"
    )]
    Variable(String),
    /// A path that cannot be followed.
    #[error(
        "$request.body{path} cannot be followed, {source}: name one value, as in $request.body.action"
    )]
    Path {
        /// The path, without `request.body`.
        path: String,
        /// What is wrong with it.
        source: PathError,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Static(String),
    Body(JsonPath),
}

/// A route selection expression, parsed: static text and variables in turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteSelection {
    parts: Vec<Part>,
}

impl RouteSelection {
    /// Parses `$request.body.action`, `${request.body.a}/${request.body.b}`, `\$default`, `action`.
    ///
    /// A variable without braces ends at the first character that cannot be part
    /// of a path; a `-` can, which is why AWS shows `${request.body.version}-beta`
    /// with braces.
    ///
    /// # Errors
    /// If the expression is empty, or has a variable that no message can fill.
    pub fn parse(expression: &str) -> Result<Self, SelectionError> {
        let pieces = pieces(expression)?.into_iter();
        let parts = pieces.map(|piece| match piece {
            Piece::Text(text) => Ok(Part::Static(text)),
            Piece::Variable(name) => body_path(name).map(Part::Body),
        });
        let parts = parts.collect::<Result<_, _>>()?;
        Ok(Self { parts })
    }

    /// The key that a message selects. A variable that the message lacks is empty;
    /// a message that is not JSON selects [`DEFAULT`], whatever the expression.
    #[must_use]
    pub fn select(&self, body: &str) -> String {
        let Ok(body) = serde_json::from_str::<Value>(body) else {
            return DEFAULT.to_owned();
        };
        self.parts
            .iter()
            .map(|part| match part {
                Part::Static(text) => text.clone(),
                Part::Body(path) => path.find(&body).unwrap_or_default(),
            })
            .collect()
    }
}

/// What a selection expression is made of.
pub(super) enum Piece<'a> {
    /// Itself.
    Text(String),
    /// Without its `$` and its braces.
    Variable(&'a str),
}

/// Text and variables in turn; one at least.
pub(super) fn pieces(expression: &str) -> Result<Vec<Piece<'_>>, SelectionError> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = expression;
    while let Some(next) = rest.chars().next() {
        let after = rest.get(next.len_utf8()..).unwrap_or_default();
        if next == '\\' && after.starts_with('$') {
            text.push('$');
            rest = after.get(1..).unwrap_or_default();
        } else if next == '$' {
            let (name, remainder) = variable(after)?;
            if !text.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut text)));
            }
            pieces.push(Piece::Variable(name));
            rest = remainder;
        } else {
            text.push(next);
            rest = after;
        }
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    match pieces.is_empty() {
        true => Err(SelectionError::Empty),
        false => Ok(pieces),
    }
}

/// Splits what follows a `$` into the variable's name and the rest.
fn variable(after: &str) -> Result<(&str, &str), SelectionError> {
    if let Some(wrapped) = after.strip_prefix('{') {
        return wrapped
            .split_once('}')
            .ok_or_else(|| SelectionError::Unclosed(wrapped.to_owned()));
    }
    let mut in_brackets = false;
    let end = after.find(|c: char| {
        match c {
            '[' => in_brackets = true,
            ']' => in_brackets = false,
            _ => {}
        }
        !(in_brackets || c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '*' | ']'))
    });
    Ok(after.split_at(end.unwrap_or(after.len())))
}

pub(super) fn body_path(name: &str) -> Result<JsonPath, SelectionError> {
    let path = name
        .strip_prefix("request.body")
        .filter(|path| path.is_empty() || path.starts_with(['.', '[']));
    let path = path.ok_or_else(|| SelectionError::Variable(name.to_owned()))?;
    JsonPath::parse(path).map_err(|source| SelectionError::Path {
        path: path.to_owned(),
        source,
    })
}

/// The route that a selected key leads to: its own, else `$default`, else none,
/// and then the client gets a [`forbidden_frame`](super::forbidden_frame).
///
/// A message cannot reach `$connect` or `$disconnect` by naming them: those keys
/// are API Gateway's own, and a client that could write them would choose which
/// events a backend trusts `[inf]`.
pub fn choose_route<'a>(selected: &str, routes: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let reserved = selected == CONNECT || selected == DISCONNECT;
    let mut default = None;
    for route in routes {
        if route == selected && !reserved {
            return Some(route);
        }
        if route == DEFAULT {
            default = Some(route);
        }
    }
    default
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that cannot parse its own expression should stop"
)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BODY: &str =
        r#"{"service":"chat","action":"join","data":{"room":"room1234"},"tags":["a","b"],"n":3}"#;

    fn select(expression: &str, body: &str) -> String {
        RouteSelection::parse(expression).unwrap().select(body)
    }

    /// The table of the developer guide.
    #[test]
    fn the_documented_examples_hold() {
        assert_eq!(select("$request.body.action", BODY), "join");
        assert_eq!(select("${request.body.action}", BODY), "join");
        assert_eq!(
            select("${request.body.service}/${request.body.action}", BODY),
            "chat/join"
        );
        assert_eq!(
            select("${request.body.action}-${request.body.invalidPath}", BODY),
            "join-"
        );
        assert_eq!(select("action", BODY), "action");
        assert_eq!(select(r"\$default", BODY), "$default");
    }

    #[test]
    fn values_become_text() {
        assert_eq!(select("$request.body.tags", BODY), "[a, b]");
        assert_eq!(select("$request.body.n", BODY), "3");
        assert_eq!(select("$request.body.data.room", BODY), "room1234");
        assert_eq!(
            select("$request.body['data']['room']:x", BODY),
            "room1234:x"
        );
    }

    #[test]
    fn what_is_missing_is_empty() {
        assert_eq!(select("$request.body.nowhere", BODY), "");
        assert_eq!(select("$request.body.action", "[1]"), "");
        assert_eq!(select("$request.body.action", "\"text\""), "");
    }

    #[test]
    fn what_is_not_json_selects_the_default() {
        for body in ["", "hello", "{", "{'action':'join'}"] {
            assert_eq!(select("$request.body.action", body), "$default", "{body}");
            assert_eq!(select("action", body), "$default", "{body}");
        }
    }

    #[test]
    fn a_value_is_not_evaluated_again() {
        let body = r#"{"action":"${request.body.other}","other":"x"}"#;
        assert_eq!(
            select("$request.body.action", body),
            "${request.body.other}"
        );
    }

    #[test]
    fn unwrapped_variables_end_where_no_path_goes_on() {
        assert_eq!(
            select("$request.body.service/$request.body.action", BODY),
            "chat/join"
        );
        assert_eq!(select("$request.body.a-b", r#"{"a-b":"dash"}"#), "dash");
    }

    #[test]
    fn expressions_that_no_message_can_fill_are_refused() {
        let parse = RouteSelection::parse;
        assert_eq!(parse(""), Err(SelectionError::Empty));
        assert_eq!(
            parse("${request.body.a"),
            Err(SelectionError::Unclosed("request.body.a".to_owned()))
        );
        assert_eq!(
            parse("$default"),
            Err(SelectionError::Variable("default".to_owned()))
        );
        assert_eq!(
            parse("$request.bodyish.a"),
            Err(SelectionError::Variable("request.bodyish.a".to_owned()))
        );
        let whole = SelectionError::Path {
            path: String::new(),
            source: PathError::Empty,
        };
        assert_eq!(parse("$request.body"), Err(whole));
        let error = parse("$request.body..a").unwrap_err().to_string();
        assert!(
            error.contains("\"..\" is not supported") && !error.contains('\n'),
            "{error}"
        );
    }

    #[test]
    fn the_exact_route_wins_then_the_default_then_none() {
        let routes = ["$connect", "$default", "join", "$disconnect"];
        assert_eq!(choose_route("join", routes.into_iter()), Some("join"));
        assert_eq!(choose_route("Join", routes.into_iter()), Some("$default"));
        assert_eq!(choose_route("", routes.into_iter()), Some("$default"));
        assert_eq!(
            choose_route("leave", ["$connect", "join"].into_iter()),
            None
        );
    }

    #[test]
    fn no_message_reaches_the_routes_of_the_life_cycle() {
        for key in ["$connect", "$disconnect"] {
            assert_eq!(
                choose_route(key, [key, "$default"].into_iter()),
                Some("$default")
            );
            assert_eq!(choose_route(key, [key].into_iter()), None);
        }
    }

    proptest! {
        #[test]
        fn no_expression_panics(expression in r"[$\\{}\[\].a-z é/]{0,24}") {
            let _ = RouteSelection::parse(&expression).map(|selection| selection.select(BODY));
        }

        #[test]
        fn every_action_selects_itself(action in ".*") {
            let body = serde_json::json!({ "action": action }).to_string();
            prop_assert_eq!(select("$request.body.action", &body), action);
        }
    }
}
