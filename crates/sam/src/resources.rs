//! The Resources section: what each resource is declared as, and its resolution.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resources-section-structure.html>

use crate::evaluator::{Evaluator, Place};
use crate::hint::did_you_mean;
use crate::problem::{Position, Reported};
use crate::stack::Resource;
use crate::stored;
use crate::tree::{Members, Node, Tree};
use indexmap::IndexMap;
use serde_json::Value;
use std::collections::BTreeMap;

/// SAM's own types begin with this.
pub(crate) const SAM: &str = "AWS::Serverless::";
/// SAM's function.
pub(crate) const SAM_FUNCTION: &str = "AWS::Serverless::Function";

/// The resource attributes; `Connectors` and `IgnoreGlobals` are SAM's.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-product-attribute-reference.html>
const ATTRIBUTES: [&str; 11] = [
    "Condition",
    "Connectors",
    "CreationPolicy",
    "DeletionPolicy",
    "DependsOn",
    "IgnoreGlobals",
    "Metadata",
    "Properties",
    "Type",
    "UpdatePolicy",
    "UpdateReplacePolicy",
];

/// The resources in the order of the text, then those that SAM adds.
pub(crate) type Declarations = IndexMap<String, Declaration>;

/// A resource before its properties are resolved.
#[derive(Debug, Clone)]
pub(crate) struct Declaration {
    pub(crate) position: Position,
    pub(crate) kind: String,
    pub(crate) properties: Node,
    pub(crate) attributes: Members,
    pub(crate) depends_on: Vec<(String, Position)>,
    pub(crate) condition: Option<String>,
    /// Whether the condition, if any, is true. One that could not be decided counts as true, so
    /// that only the condition is reported.
    pub(crate) live: bool,
}

impl Declaration {
    /// A resource that the template does not spell out.
    pub(crate) fn added(kind: &str, properties: Node) -> Self {
        Self {
            position: properties.position,
            kind: kind.to_owned(),
            properties,
            attributes: Members::new(),
            depends_on: Vec::new(),
            condition: None,
            live: true,
        }
    }

    /// The resource with these properties and nothing else resolved.
    pub(crate) fn resource(&self, logical_id: &str, properties: Value) -> Resource {
        Resource {
            logical_id: logical_id.to_owned(),
            kind: self.kind.clone(),
            properties,
            metadata: Value::Null,
            depends_on: Vec::new(),
            references: Vec::new(),
            condition: self.condition.clone(),
            deletion_policy: None,
            update_replace_policy: None,
            reference: String::new(),
            file: None,
            position: self.position,
            positions: BTreeMap::new(),
        }
    }
}

/// Reads every declaration; what is wrong is reported, and left out.
pub(crate) fn declare(section: Option<&Members>, evaluator: &mut Evaluator<'_>) -> Declarations {
    let mut declarations = Declarations::new();
    for (logical_id, member) in section.into_iter().flatten() {
        let read = Read {
            logical_id,
            position: member.key,
            evaluator: &mut *evaluator,
        };
        if let Ok(declaration) = read.declaration(&member.value) {
            declarations.insert(logical_id.clone(), declaration);
        }
    }
    declarations
}

struct Read<'r, 'e> {
    logical_id: &'r str,
    position: Position,
    evaluator: &'r mut Evaluator<'e>,
}

impl Read<'_, '_> {
    fn declaration(mut self, node: &Node) -> Result<Declaration, Reported> {
        if !self.logical_id.chars().all(|it| it.is_ascii_alphanumeric()) {
            let message = "a logical id has only letters and digits; rename this one.";
            self.wrong(self.position, None, message);
        }
        let Some(attributes) = node.as_map() else {
            let message = format!("a resource is a map with a Type, not {}.", node.what());
            return Err(self.wrong(self.position, None, message));
        };
        let kind = self.kind(node)?;
        self.attributes(attributes, &kind);
        let empty = Node::new(self.position, Tree::Map(Members::new()));
        let properties = match node.member("Properties") {
            None => empty,
            Some(null) if null.is_null() => empty,
            Some(properties) if properties.as_map().is_some() => properties.clone(),
            Some(other) => {
                let message = format!("it must be a map, but it is {}.", other.what());
                self.wrong(other.position, Some("Properties"), message);
                empty
            }
        };
        let depends_on = self.depends_on(node.member("DependsOn"));
        let condition = self.condition(node.member("Condition"));
        Ok(Declaration {
            position: self.position,
            kind,
            properties,
            attributes: attributes.clone(),
            depends_on,
            live: condition.as_ref().is_none_or(|(_, truth)| *truth),
            condition: condition.map(|(name, _)| name),
        })
    }

    fn kind(&mut self, node: &Node) -> Result<String, Reported> {
        match node.member("Type") {
            None => {
                let message = "the Type is missing, such as Type: AWS::Serverless::Function.";
                Err(self.wrong(self.position, None, message))
            }
            Some(kind) => kind.as_text().map(str::to_owned).ok_or_else(|| {
                let message = format!("it must be text, but it is {}.", kind.what());
                self.wrong(kind.position, Some("Type"), message)
            }),
        }
    }

    fn attributes(&mut self, attributes: &Members, kind: &str) {
        let custom = kind.starts_with("Custom::") || kind == "AWS::CloudFormation::CustomResource";
        for (key, member) in attributes {
            let known = ATTRIBUTES.contains(&key.as_str()) || (custom && key == "Version");
            if !known {
                let hint = did_you_mean(key, ATTRIBUTES);
                let hint = match hint.as_str() {
                    "" => " Properties of the resource stand under Properties.",
                    hint => hint,
                };
                let message = format!("{key} is no resource attribute.{hint}");
                self.wrong(member.key, None, message);
            }
        }
    }

    fn depends_on(&mut self, node: Option<&Node>) -> Vec<(String, Position)> {
        let targets = match node {
            None => return Vec::new(),
            Some(node) => node.as_list().unwrap_or(std::slice::from_ref(node)),
        };
        let mut found = Vec::new();
        for target in targets {
            match target.as_text() {
                Some(id) => found.push((id.to_owned(), target.position)),
                None => {
                    let what = target.what();
                    let message = format!("it names resources as plain text, but this is {what}.");
                    self.wrong(target.position, Some("DependsOn"), message);
                }
            }
        }
        found
    }

    fn condition(&mut self, node: Option<&Node>) -> Option<(String, bool)> {
        let node = node?;
        let Some(name) = node.as_text() else {
            let message = format!("it must be a condition's name, but it is {}.", node.what());
            self.wrong(node.position, Some("Condition"), message);
            return None;
        };
        let mut place = Place::resource(self.logical_id);
        place.enter("Condition", node.position);
        let truth = self.evaluator.condition(name, node.position, &place);
        Some((name.to_owned(), truth.unwrap_or(true)))
    }

    fn wrong(
        &mut self,
        position: Position,
        property: Option<&str>,
        message: impl Into<String>,
    ) -> Reported {
        let report = &mut self.evaluator.report;
        report.resource(position, self.logical_id, property, message)
    }
}

impl Evaluator<'_> {
    /// Every resource that will exist, resolved.
    pub(crate) fn all_resources(&mut self) -> IndexMap<String, Resource> {
        let mut resources = IndexMap::new();
        let Some(declarations) = self.resources else {
            return resources;
        };
        for (logical_id, declaration) in declarations.iter().filter(|(_, it)| it.live) {
            if let Ok(resource) = self.resolved(logical_id, declaration, declarations) {
                resources.insert(logical_id.clone(), resource);
            }
        }
        resources
    }

    fn resolved(
        &mut self,
        logical_id: &str,
        declaration: &Declaration,
        declarations: &Declarations,
    ) -> Result<Resource, Reported> {
        let mut place = Place::resource(logical_id);
        let mut properties = self.value(&declaration.properties, &mut place);
        if let Ok(Some(properties)) = &mut properties {
            stored::fill(self.around.stored, properties);
        }
        let depends_on = self.dependencies(logical_id, declaration, declarations);
        let metadata = self.attribute_value(logical_id, declaration, "Metadata");
        let deletion = self.policy(logical_id, declaration, "DeletionPolicy");
        let replace = self.policy(logical_id, declaration, "UpdateReplacePolicy");
        let reference = self
            .named(logical_id, declaration)
            .map(|it| it.reference.clone());
        let to = |edge: &crate::evaluator::Edge| (edge.from == logical_id).then(|| edge.to.clone());
        Ok(Resource {
            metadata: metadata?.unwrap_or(Value::Null),
            depends_on: depends_on?,
            references: self.edges.iter().filter_map(to).collect(),
            deletion_policy: deletion?,
            update_replace_policy: replace?,
            reference: reference?,
            positions: place.into_positions(),
            ..declaration.resource(logical_id, properties?.unwrap_or_default())
        })
    }

    /// The targets that will exist; CloudFormation, too, forgets those whose condition is false.
    fn dependencies(
        &mut self,
        logical_id: &str,
        declaration: &Declaration,
        declarations: &Declarations,
    ) -> Result<Vec<String>, Reported> {
        let mut targets = Vec::new();
        let mut failed = None;
        for (target, position) in &declaration.depends_on {
            match declarations.get(target) {
                Some(declared) if declared.live => targets.push(target.clone()),
                Some(_) => {}
                None => {
                    let hint = did_you_mean(target, declarations.keys().map(String::as_str));
                    let message = format!("there is no resource {target} in this template.{hint}");
                    let property = Some("DependsOn");
                    let report = &mut self.report;
                    failed = Some(report.resource(*position, logical_id, property, message));
                }
            }
        }
        failed.map_or(Ok(targets), Err)
    }

    fn attribute_value(
        &mut self,
        logical_id: &str,
        declaration: &Declaration,
        attribute: &str,
    ) -> Result<Option<Value>, Reported> {
        let Some(member) = declaration.attributes.get(attribute) else {
            return Ok(None);
        };
        let mut place = Place::resource(logical_id);
        place.enter(attribute, member.key);
        self.value(&member.value, &mut place)
    }

    fn policy(
        &mut self,
        logical_id: &str,
        declaration: &Declaration,
        attribute: &str,
    ) -> Result<Option<String>, Reported> {
        let value = self.attribute_value(logical_id, declaration, attribute)?;
        let known = ["Delete", "Retain", "RetainExceptOnCreate", "Snapshot"];
        match value {
            None => Ok(None),
            Some(Value::String(policy)) if known.contains(&policy.as_str()) => Ok(Some(policy)),
            Some(other) => {
                let hint = did_you_mean(other.as_str().unwrap_or_default(), known);
                let message = format!("it must be one of {}.{hint}", known.join(", "));
                let member = declaration.attributes.get(attribute);
                let position = member.map_or(declaration.position, |it| it.value.position);
                let property = Some(attribute);
                Err(self
                    .report
                    .resource(position, logical_id, property, message))
            }
        }
    }
}

#[cfg(test)]
#[path = "resources_tests.rs"]
mod tests;
