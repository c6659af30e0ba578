//! A template resolved: resources with plain JSON properties, outputs, and what was left alone.

use crate::generated;
use crate::problem::{Position, Problem};
use indexmap::IndexMap;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// A template resolved in one context.
#[derive(Clone)]
pub struct Stack {
    /// The template's name, for problems.
    pub file: String,
    /// The template's `Description`.
    pub description: Option<String>,
    /// Every parameter's value, lists joined by commas.
    pub parameters: BTreeMap<String, String>,
    /// The resources that will exist, in the order of the text, then those that SAM adds.
    pub resources: IndexMap<String, Resource>,
    /// The outputs that will exist.
    pub outputs: Vec<Output>,
    /// The stacks within it, by their places: `Nested`, `Nested/Deeper`.
    pub nested: BTreeMap<String, NestedStack>,
    /// What the template asks for and resolution leaves as it is: dynamic references, macros,
    /// `Rules`, parameters that name a stored value. Resource types are not judged here.
    pub unsupported: Vec<Problem>,
}

/// Names only: parameters and properties may hold secrets.
impl fmt::Debug for Stack {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Stack")
            .field("file", &self.file)
            .field("parameters", &self.parameters.keys())
            .field("resources", &self.resources.values())
            .field("unsupported", &self.unsupported)
            .finish_non_exhaustive()
    }
}

/// What is known of a stack within another one, besides its resources.
#[derive(Clone)]
pub struct NestedStack {
    /// Its template's text.
    pub template: String,
    /// Its template's `Description`.
    pub description: Option<String>,
    /// Every parameter's value.
    pub parameters: BTreeMap<String, String>,
    /// Its outputs.
    pub outputs: Vec<Output>,
}

/// No values: they may be secrets.
impl fmt::Debug for NestedStack {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("NestedStack")
            .field("description", &self.description)
            .field("parameters", &self.parameters.keys())
            .finish_non_exhaustive()
    }
}

impl Stack {
    /// What the events of a function invoke: the alias that SAM publishes for it, by its ARN, or
    /// the function, by its name.
    pub fn invoked<'s>(&'s self, function: &'s Resource) -> &'s str {
        let name = function.property("AutoPublishAlias");
        let id = name.and_then(|it| Some(generated::alias_id(&function.logical_id, it.as_str()?)));
        let alias = id.and_then(|it| self.resources.get(&it));
        &alias.unwrap_or(function).reference
    }
}

/// A resource with its properties resolved and Globals merged in.
#[derive(Clone)]
pub struct Resource {
    /// Its name in the template.
    pub logical_id: String,
    /// Its type: `AWS::Serverless::Function`.
    pub kind: String,
    /// Its properties. Numbers and booleans of the text keep their type; what comes from a
    /// parameter is text.
    pub properties: Value,
    /// Its `Metadata`, or null.
    pub metadata: Value,
    /// What `DependsOn` names, as far as it will exist.
    pub depends_on: Vec<String>,
    /// The resources that its properties refer to.
    pub references: Vec<String>,
    /// The condition it stands under, which is true.
    pub condition: Option<String>,
    /// `Delete`, `Retain`, `RetainExceptOnCreate` or `Snapshot`.
    pub deletion_policy: Option<String>,
    /// As `deletion_policy`, for when it is replaced.
    pub update_replace_policy: Option<String>,
    /// What `Ref` gives.
    pub reference: String,
    /// The template it stands in, where that is a nested one.
    pub file: Option<String>,
    /// Where its logical id stands; for one that SAM adds, where its reason stands.
    pub position: Position,
    /// Where each property stands, by path: `Environment.Variables.TABLE`, `Layers.0`.
    pub positions: BTreeMap<String, Position>,
}

/// No properties: environments and payloads are among them.
impl fmt::Debug for Resource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Resource")
            .field("logical_id", &self.logical_id)
            .field("kind", &self.kind)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

impl Resource {
    /// The property at `path` (`Environment.Variables`), unless it is absent or null.
    pub fn property(&self, path: &str) -> Option<&Value> {
        let mut value = &self.properties;
        for key in path.split('.') {
            value = match value {
                Value::Array(items) => items.get(key.parse::<usize>().ok()?)?,
                other => other.get(key)?,
            };
        }
        (!value.is_null()).then_some(value)
    }

    /// Where the property at `path` stands, or the nearest thing around it.
    pub fn position_of(&self, path: &str) -> Position {
        let mut path = path;
        loop {
            if let Some(position) = self.positions.get(path) {
                return *position;
            }
            match path.rsplit_once('.') {
                Some((parent, _)) => path = parent,
                None => return self.position,
            }
        }
    }
}

/// What the stack tells its users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its name in the template.
    pub key: String,
    /// Its value.
    pub value: String,
    /// What it is.
    pub description: Option<String>,
    /// The name other stacks import it by.
    pub export_name: Option<String>,
}
