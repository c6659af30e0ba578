//! The part of JSONPath that selects one thing in a message.
//!
//! AWS takes "any JSON path expression after `request.body`" and advises one that
//! yields a single value (<https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-develop-routes.html#apigateway-websocket-api-route-selection-expressions>).
//! Names, indexes and the wildcard are here; filters, slices and the recursive
//! `..` are refused by name instead of selecting the wrong route.

use serde_json::Value;

/// Why a path cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nothing comes after `request.body`.
    #[error("it names nothing in the body")]
    Empty,
    /// A `.` without a name, or something that is neither `.` nor `[`.
    #[error("a name is missing at {0:?}")]
    NoName(String),
    /// A `[` without its `]`.
    #[error("a [ is not closed")]
    Unclosed,
    /// A filter, a slice, `..`, or whatever else JSONPath has.
    #[error("{0:?} is not supported: use names, indexes or *")]
    Unsupported(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Name(String),
    Index(usize),
    All,
}

/// A parsed path, such as `.data.items[0]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JsonPath {
    steps: Vec<Step>,
}

impl JsonPath {
    pub(crate) fn parse(text: &str) -> Result<Self, PathError> {
        let mut steps = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (step, after) = if let Some(inner) = rest.strip_prefix('[') {
                bracket(inner)?
            } else {
                dotted(rest)?
            };
            steps.push(step);
            rest = after;
        }
        if steps.is_empty() {
            Err(PathError::Empty)
        } else {
            Ok(Self { steps })
        }
    }

    /// What the path finds, as text; `None` if it finds nothing.
    pub(crate) fn find(&self, body: &Value) -> Option<String> {
        let mut found = vec![body];
        for step in &self.steps {
            found = found
                .into_iter()
                .flat_map(|value| follow(step, value))
                .collect();
        }
        if self.steps.contains(&Step::All) {
            return Some(list(found.into_iter()));
        }
        found.first().map(|value| match value {
            Value::Null => String::new(),
            value => text(value),
        })
    }
}

fn dotted(rest: &str) -> Result<(Step, &str), PathError> {
    let Some(name_on) = rest.strip_prefix('.') else {
        return Err(PathError::NoName(rest.to_owned()));
    };
    if name_on.starts_with('.') {
        return Err(PathError::Unsupported("..".to_owned()));
    }
    let end = name_on.find(['.', '[']).unwrap_or(name_on.len());
    match name_on.split_at(end) {
        ("", _) => Err(PathError::NoName(rest.to_owned())),
        ("*", after) => Ok((Step::All, after)),
        (name, after) => Ok((Step::Name(name.to_owned()), after)),
    }
}

fn bracket(inner: &str) -> Result<(Step, &str), PathError> {
    for quote in ['\'', '"'] {
        if let Some(quoted) = inner.strip_prefix(quote) {
            let (name, after) = quoted.split_once(quote).ok_or(PathError::Unclosed)?;
            let after = after.strip_prefix(']').ok_or(PathError::Unclosed)?;
            return Ok((Step::Name(name.to_owned()), after));
        }
    }
    let (content, after) = inner.split_once(']').ok_or(PathError::Unclosed)?;
    match content {
        "*" => Ok((Step::All, after)),
        number => match number.parse() {
            Ok(index) => Ok((Step::Index(index), after)),
            Err(_) => Err(PathError::Unsupported(format!("[{content}]"))),
        },
    }
}

fn follow<'a>(step: &Step, value: &'a Value) -> Vec<&'a Value> {
    match (step, value) {
        (Step::Name(name), Value::Object(object)) => object.get(name).into_iter().collect(),
        (Step::Index(index), Value::Array(items)) => items.get(*index).into_iter().collect(),
        (Step::All, Value::Object(object)) => object.values().collect(),
        (Step::All, Value::Array(items)) => items.iter().collect(),
        _ => Vec::new(),
    }
}

/// A value as the selection writes it: documented is `[item1, item2]` for a list,
/// without quotes, as Java prints one. Java's `{key=value}` for an object follows
/// from that `[inf]`.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(items) => list(items.iter()),
        Value::Object(object) => {
            let pairs: Vec<String> = object
                .iter()
                .map(|(key, value)| format!("{key}={}", text(value)))
                .collect();
            format!("{{{}}}", pairs.join(", "))
        }
    }
}

fn list<'a>(items: impl Iterator<Item = &'a Value>) -> String {
    format!("[{}]", items.map(text).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that cannot parse its own path should stop"
)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn find(path: &str, body: &Value) -> Option<String> {
        JsonPath::parse(path).unwrap().find(body)
    }

    #[test]
    fn names_indexes_and_quotes_lead_to_one_value() {
        let body = json!({ "data": { "items": [{ "id": 7 }], "a.b": "dot" }, "ok": true });
        assert_eq!(find(".data.items[0].id", &body).as_deref(), Some("7"));
        assert_eq!(find("['data'][\"a.b\"]", &body).as_deref(), Some("dot"));
        assert_eq!(find(".ok", &body).as_deref(), Some("true"));
        assert_eq!(find(".data.items[1]", &body), None);
        assert_eq!(find(".ok.deeper", &body), None);
    }

    #[test]
    fn lists_and_objects_become_text() {
        let body =
            json!({ "two": ["item1", "item2"], "map": { "a": 1, "b": [null, "x"] }, "none": null });
        assert_eq!(find(".two", &body).as_deref(), Some("[item1, item2]"));
        assert_eq!(find(".two[*]", &body).as_deref(), Some("[item1, item2]"));
        assert_eq!(find(".map", &body).as_deref(), Some("{a=1, b=[null, x]}"));
        assert_eq!(find(".none", &body).as_deref(), Some(""));
        assert_eq!(find(".nowhere.*", &body).as_deref(), Some("[]"));
    }

    #[test]
    fn what_is_not_supported_is_named() {
        assert_eq!(JsonPath::parse(""), Err(PathError::Empty));
        assert_eq!(JsonPath::parse("."), Err(PathError::NoName(".".to_owned())));
        assert_eq!(
            JsonPath::parse(".a[0]b"),
            Err(PathError::NoName("b".to_owned()))
        );
        assert_eq!(JsonPath::parse(".a["), Err(PathError::Unclosed));
        assert_eq!(JsonPath::parse(".a['b"), Err(PathError::Unclosed));
        assert_eq!(
            JsonPath::parse("..a"),
            Err(PathError::Unsupported("..".to_owned()))
        );
        for filter in ["[?(@.a)]", "[1:2]", "[-1]", "[]"] {
            let error = PathError::Unsupported(filter.to_owned());
            assert_eq!(JsonPath::parse(&format!(".a{filter}")), Err(error));
        }
    }

    proptest! {
        #[test]
        fn no_path_panics(path in r"[.\[\]'a*0-9é-]{0,12}") {
            let body = json!({ "a": [{ "a": 1 }, "é"] });
            let _ = JsonPath::parse(&path).map(|path| path.find(&body));
        }
    }
}
