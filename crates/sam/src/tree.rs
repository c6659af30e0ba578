//! The parsed template: JSON's shapes, each with its place in the text.

use crate::problem::Position;
use indexmap::IndexMap;
use serde_json::{Number, Value};

/// A map of the template in the order of the text.
pub(crate) type Members = IndexMap<String, Member>;

/// A value and where it begins.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) position: Position,
    pub(crate) tree: Tree,
}

/// What a value is. Short tags (`!Ref X`) are already in their long form (`{"Ref": "X"}`).
#[derive(Debug, Clone)]
pub(crate) enum Tree {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Members),
}

/// A map's entry: the key's place is what a problem of that property points at.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) key: Position,
    pub(crate) value: Node,
}

impl Node {
    pub(crate) fn new(position: Position, tree: Tree) -> Self {
        Self { position, tree }
    }

    pub(crate) fn text(position: Position, text: &str) -> Self {
        Self::new(position, Tree::Text(text.to_owned()))
    }

    pub(crate) fn list(position: Position, items: Vec<Node>) -> Self {
        Self::new(position, Tree::List(items))
    }

    pub(crate) fn map<'k>(
        position: Position,
        members: impl IntoIterator<Item = (&'k str, Node)>,
    ) -> Self {
        let members = members.into_iter().map(|(key, value)| {
            let member = Member {
                key: position,
                value,
            };
            (key.to_owned(), member)
        });
        Self::new(position, Tree::Map(members.collect()))
    }

    /// An intrinsic function in its long form.
    pub(crate) fn call(position: Position, function: &str, argument: Node) -> Self {
        Self::map(position, [(function, argument)])
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.tree {
            Tree::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_list(&self) -> Option<&[Node]> {
        match &self.tree {
            Tree::List(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn as_map(&self) -> Option<&Members> {
        match &self.tree {
            Tree::Map(members) => Some(members),
            _ => None,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.tree, Tree::Null)
    }

    /// The member of that name, if this is a map that has it.
    pub(crate) fn member(&self, key: &str) -> Option<&Node> {
        self.as_map()?.get(key).map(|member| &member.value)
    }

    /// A scalar as CloudFormation would print it; `None` for null, lists and maps.
    pub(crate) fn scalar(&self) -> Option<String> {
        match &self.tree {
            Tree::Bool(bool) => Some(bool.to_string()),
            Tree::Number(number) => Some(number.to_string()),
            Tree::Text(text) => Some(text.clone()),
            Tree::Null | Tree::List(_) | Tree::Map(_) => None,
        }
    }

    /// Name and argument if this is an intrinsic function: a map with exactly one key, `Ref` or
    /// `Fn::…`. A lone `Condition` is one only where a condition is expected.
    pub(crate) fn intrinsic(&self) -> Option<(&str, &Node)> {
        let members = self.as_map()?;
        if members.len() != 1 {
            return None;
        }
        let (name, member) = members.first()?;
        (name == "Ref" || name.starts_with("Fn::")).then_some((name.as_str(), &member.value))
    }

    /// Whether this is `!Ref AWS::NoValue`, which removes what it stands for.
    pub(crate) fn is_no_value(&self) -> bool {
        matches!(self.intrinsic(), Some(("Ref", name)) if name.as_text() == Some("AWS::NoValue"))
    }

    /// The value as it stands, intrinsic functions unresolved.
    pub(crate) fn literal(&self) -> Value {
        match &self.tree {
            Tree::Null => Value::Null,
            Tree::Bool(bool) => Value::Bool(*bool),
            Tree::Number(number) => Value::Number(number.clone()),
            Tree::Text(text) => Value::String(text.clone()),
            Tree::List(items) => items.iter().map(Node::literal).collect(),
            Tree::Map(members) => members
                .iter()
                .map(|(key, member)| (key.clone(), member.value.literal()))
                .collect(),
        }
    }

    /// How many nodes this is, itself included: the price of copying it.
    pub(crate) fn size(&self) -> usize {
        1 + match &self.tree {
            Tree::List(items) => items.iter().map(Node::size).sum(),
            Tree::Map(members) => members.values().map(|member| member.value.size()).sum(),
            _ => 0,
        }
    }

    /// How many levels this is, itself included: the price of walking it.
    pub(crate) fn depth(&self) -> usize {
        1 + match &self.tree {
            Tree::List(items) => items.iter().map(Node::depth).max().unwrap_or(0),
            Tree::Map(members) => {
                let depths = members.values().map(|member| member.value.depth());
                depths.max().unwrap_or(0)
            }
            _ => 0,
        }
    }

    /// What this is, for messages.
    pub(crate) fn what(&self) -> &'static str {
        match &self.tree {
            Tree::Null => "empty",
            Tree::Bool(_) => "a boolean",
            Tree::Number(_) => "a number",
            Tree::Text(_) => "text",
            Tree::List(_) => "a list",
            Tree::Map(_) if self.intrinsic().is_some() => "an intrinsic function",
            Tree::Map(_) => "a map",
        }
    }
}

/// What a resolved value is, for messages.
pub(crate) fn what(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

/// A resolved scalar as CloudFormation prints it into text; `None` for null, lists and maps.
pub(crate) fn stringified(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(bool) => Some(bool.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
