//! What a policy compares with: text, wildcards and policy variables.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>

use crate::answer::Match;
use crate::context::{Context, Value};
use std::fmt;

mod glob;

/// How far wildcards reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colons {
    /// Over everything.
    Free,
    /// Segment by segment: a wildcard stays between its colons, except for a `*`
    /// at the end of a segment
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>).
    Bound,
}

/// What of a text has a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Syntax {
    /// `*` and `?`
    pub(crate) wildcards: bool,
    /// `${…}`: in policies of version 2012-10-17.
    pub(crate) variables: bool,
}

/// A pattern, read once.
#[derive(Clone, PartialEq)]
pub struct Pattern {
    text: String,
    tokens: Vec<Token>,
    has_variables: bool,
    /// For texts in lower case.
    is_lowered: bool,
}

/// As it is written.
impl fmt::Display for Pattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, out)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    Char(char),
    /// `*`
    Any,
    /// `?`
    One,
    Variable {
        key: String,
        default: Option<String>,
    },
}

impl Pattern {
    /// Reads a pattern. The error says what is wrong with a variable.
    pub(crate) fn read(text: &str, syntax: Syntax) -> Result<Self, String> {
        let mut tokens = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            if syntax.variables && rest.starts_with("${") {
                let (token, after) = variable(rest)?;
                tokens.push(token);
                rest = after;
                continue;
            }
            tokens.push(match next {
                '*' if syntax.wildcards => Token::Any,
                '?' if syntax.wildcards => Token::One,
                other => Token::Char(other),
            });
            rest = rest.get(next.len_utf8()..).unwrap_or_default();
        }
        Ok(Self::of(text.to_owned(), tokens))
    }

    fn of(text: String, tokens: Vec<Token>) -> Self {
        let has_variables = tokens.iter().any(|it| matches!(it, Token::Variable { .. }));
        Self {
            text,
            tokens,
            has_variables,
            is_lowered: false,
        }
    }

    /// As it is written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same for texts in lower case.
    pub(crate) fn lowered(mut self) -> Self {
        let lower = |token: Token| match token {
            Token::Char(it) => it.to_lowercase().map(Token::Char).collect(),
            other => vec![other],
        };
        self.tokens = self.tokens.into_iter().flat_map(lower).collect();
        self.is_lowered = true;
        self
    }

    /// The six parts of an ARN's pattern; none if it has less.
    pub(crate) fn arn_parts(&self) -> Option<Vec<Self>> {
        let parts = self
            .tokens
            .splitn(6, |it| *it == Token::Char(':'))
            .map(|tokens| Self::of(self.text.clone(), tokens.to_vec()));
        let parts: Vec<Self> = parts.collect();
        (parts.len() == 6).then_some(parts)
    }

    /// Whether a text is what this says.
    pub(crate) fn matches(&self, text: &str, colons: Colons, context: &Context) -> Match {
        if !self.has_variables {
            return glob::matches(&self.tokens, text, colons).into();
        }
        let mut tokens = Vec::with_capacity(self.tokens.len());
        for token in &self.tokens {
            let Token::Variable { key, default } = token else {
                tokens.push(token.clone());
                continue;
            };
            let value = match context.value(key) {
                Value::Unknown => return Match::Unknown,
                Value::Present([value]) => Some(value),
                // A list cannot stand in a text.
                Value::Present(_) | Value::Absent => default.as_ref(),
            };
            let Some(value) = value else {
                return Match::NoValue;
            };
            // Its wildcards are characters.
            if self.is_lowered {
                let lower = value.chars().flat_map(char::to_lowercase);
                tokens.extend(lower.map(Token::Char));
            } else {
                tokens.extend(value.chars().map(Token::Char));
            }
        }
        glob::matches(&tokens, text, colons).into()
    }
}

/// `${key}`, `${key, 'default'}`, and `${*}`, `${?}`, `${$}` for the characters.
fn variable(text: &str) -> Result<(Token, &str), String> {
    let inner = text.strip_prefix("${").unwrap_or(text);
    let Some((inside, after)) = inner.split_once('}') else {
        return Err(format!(
            "the policy variable in {text:?} has no end: add }}"
        ));
    };
    let token = match inside {
        "*" | "?" | "$" => Token::Char(inside.chars().next().unwrap_or_default()),
        _ => {
            let (key, default) = match inside.split_once(',') {
                None => (inside, None),
                Some((key, default)) => (key, Some(quoted(default)?)),
            };
            if key.trim().is_empty() {
                return Err("a policy variable has no name: write ${aws:username}".to_owned());
            }
            Token::Variable {
                key: key.trim().to_owned(),
                default,
            }
        }
    };
    Ok((token, after))
}

fn quoted(text: &str) -> Result<String, String> {
    let text = text.trim();
    let inside = text.strip_prefix('\'').and_then(|it| it.strip_suffix('\''));
    inside.map(str::to_owned).ok_or_else(|| {
        format!("the default {text:?} of a policy variable must stand between single quotes")
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    const ALL: Syntax = Syntax {
        wildcards: true,
        variables: true,
    };

    fn matches(pattern: &str, text: &str, context: &Context) -> Match {
        let pattern = Pattern::read(pattern, ALL).unwrap();
        pattern.matches(text, Colons::Free, context)
    }

    #[test]
    fn a_variable_is_the_value_of_its_key_whatever_the_keys_case() {
        let ada = Context::new().with("aws:username", "ada");
        for pattern in ["home/${aws:username}/*", "home/${AWS:UserName, 'x'}/*"] {
            assert_eq!(matches(pattern, "home/ada/a", &ada), Match::Yes);
            assert_eq!(matches(pattern, "home/bob/a", &ada), Match::No);
        }
    }

    #[test]
    fn wildcards_in_a_value_are_characters() {
        let star = Context::new().with("aws:username", "*");
        assert_eq!(
            matches("home/${aws:username}", "home/ada", &star),
            Match::No
        );
        assert_eq!(matches("home/${aws:username}", "home/*", &star), Match::Yes);
    }

    #[test]
    fn a_variable_without_a_value_has_its_default_or_matches_nothing() {
        let none = Context::new();
        let dflt = "team/${aws:PrincipalTag/team, 'company-wide'}";
        assert_eq!(matches(dflt, "team/company-wide", &none), Match::Yes);
        assert_eq!(matches("${aws:username}", "", &none), Match::NoValue);
        let two = vec!["a".to_owned(), "b".to_owned()];
        let list = Context::new().with_all("aws:TagKeys", two);
        assert_eq!(matches("${aws:TagKeys}", "a", &list), Match::NoValue);
        let partly = Context::partial();
        assert_eq!(matches("${aws:username}", "", &partly), Match::Unknown);
    }

    #[test]
    fn three_characters_can_be_meant_as_they_are() {
        let none = Context::new();
        assert_eq!(matches("a${*}b${?}c${$}", "a*b?c$", &none), Match::Yes);
        assert_eq!(matches("a${*}b", "axb", &none), Match::No);
    }

    #[test]
    fn a_variable_that_is_none_is_an_error() {
        for (text, why) in [
            ("a/${aws:username", "has no end"),
            ("${}", "has no name"),
            ("${a, b}", "single quotes"),
        ] {
            let error = Pattern::read(text, ALL).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        let old = Syntax {
            variables: false,
            ..ALL
        };
        let literal = Pattern::read("${a}", old).unwrap();
        let matched = literal.matches("${a}", Colons::Free, &Context::new());
        assert_eq!(matched, Match::Yes);
    }
}
