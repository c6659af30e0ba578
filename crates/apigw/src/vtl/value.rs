//! The values of templates, and how they print.

use super::syntax::Node;
use indexmap::IndexMap;
use serde_json::{Number, Value as Json};
use std::rc::Rc;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    /// A list of a template's own prints as Java's do, `[a, b]`.
    List(Vec<Value>),
    /// One that came with JSON prints as JSON: LocalStack found that against AWS.
    JsonList(Vec<Value>),
    Map(IndexMap<String, Value>),
    /// What `#define` holds: it is run where it is printed.
    Block(Block),
}

/// Nodes that are compared by nothing but themselves.
#[derive(Debug, Clone)]
pub(crate) struct Block(pub(super) Rc<[Node]>);

impl PartialEq for Block {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl From<Json> for Value {
    fn from(json: Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(value),
            Json::Number(number) => Self::Number(number),
            Json::String(text) => Self::Text(text),
            Json::Array(items) => Self::JsonList(items.into_iter().map(Self::from).collect()),
            Json::Object(pairs) => {
                let pairs = pairs.into_iter();
                Self::Map(pairs.map(|(key, value)| (key, Self::from(value))).collect())
            }
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl Value {
    pub(super) fn integer(number: i64) -> Self {
        Self::Number(number.into())
    }

    pub(super) fn count(number: usize) -> Self {
        Self::Number(number.into())
    }

    pub(super) fn float(number: f64) -> Self {
        Number::from_f64(number).map_or(Self::Null, Self::Number)
    }

    pub(crate) fn json(&self) -> Json {
        match self {
            Self::Null | Self::Block(_) => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Number(number) => Json::Number(number.clone()),
            Self::Text(text) => Json::String(text.clone()),
            Self::List(items) | Self::JsonList(items) => items.iter().map(Self::json).collect(),
            Self::Map(pairs) => {
                let pairs = pairs.iter();
                pairs
                    .map(|(key, value)| (key.clone(), value.json()))
                    .collect()
            }
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(pairs) => pairs.get(key),
            _ => None,
        }
    }

    pub(super) fn items(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) | Self::JsonList(items) => Some(items),
            _ => None,
        }
    }

    /// Everything but `false` and null is true, an empty text as well (Velocity 1.7).
    pub(super) fn is_true(&self) -> bool {
        !matches!(self, Self::Null | Self::Bool(false))
    }

    pub(super) fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Number(number) => number.as_i64(),
            _ => None,
        }
    }

    pub(super) fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(number) => number.as_f64(),
            _ => None,
        }
    }

    /// What it is, for a sentence about it.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) | Self::JsonList(_) => "a list",
            Self::Map(_) => "a map",
            Self::Block(_) => "a block",
        }
    }

    /// As it prints: a map `{a=1, b=x}`, as Java's do.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Text(text) => text.clone(),
            Self::Bool(value) => value.to_string(),
            Self::Number(number) => number.to_string(),
            Self::JsonList(_) => self.json().to_string(),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(Self::text).collect();
                format!("[{}]", items.join(", "))
            }
            Self::Map(pairs) => {
                let pairs = pairs.iter();
                let pairs: Vec<String> = pairs
                    .map(|(key, value)| format!("{key}={}", value.text()))
                    .collect();
                format!("{{{}}}", pairs.join(", "))
            }
            Self::Block(_) => String::new(),
        }
    }

    /// As `==` has it: numbers by their value, different kinds by their text (Velocity 1.7).
    pub(super) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Null, _) | (_, Self::Null) => false,
            (Self::Number(_), Self::Number(_)) => self.as_f64() == other.as_f64(),
            _ => self == other || self.text() == other.text(),
        }
    }
}
