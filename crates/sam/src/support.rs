//! What is done with each property of each resource: one table (`support.txt`), from which come the
//! list at start, what SAM refuses, and the README's table.

use crate::hint::did_you_mean;
use crate::problem::{Position, Problem, Report};
use crate::resources::{Declarations, SAM, SAM_FUNCTION};
use crate::stack::{Resource, Stack};
use crate::tree::{Members, Node, Tree};
use serde_json::Value;
use std::sync::LazyLock;

/// What comes of something in a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// It works here.
    Served,
    /// It changes nothing on one machine; a word why, or empty where that goes without saying.
    NoEffect(&'static str),
    /// It does not work here; a word why.
    Unsupported(&'static str),
}

/// A type of resource, or of a function's event.
#[derive(Debug)]
pub struct Kind {
    /// `AWS::Serverless::Function`, or `Event Api`.
    pub name: &'static str,
    /// What comes of it as a whole.
    pub support: Support,
    /// Its properties in alphabetical order.
    pub properties: Vec<Property>,
}

/// A property of a type.
#[derive(Debug)]
pub struct Property {
    /// Its name.
    pub name: &'static str,
    /// What comes of it.
    pub support: Support,
    /// What it may be: `text`, `map`, `list`, `number`, `bool`; empty: anything.
    shapes: Vec<&'static str>,
    required: bool,
}

/// Begins the name of a function's event.
const EVENT: &str = "Event ";

/// Types that nobody misses here, besides those of the table: permissions, logs, what helps to
/// deploy.
const QUIET: [&str; 7] = [
    "AWS::IAM::",
    "AWS::Logs::LogGroup",
    "AWS::CDK::Metadata",
    "AWS::CloudFormation::WaitCondition",
    "AWS::CloudWatch::",
    "AWS::CodeDeploy::",
    "AWS::SSM::Parameter",
];

static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| read(include_str!("support.txt")));

/// Every type of the table.
pub fn kinds() -> &'static [Kind] {
    &KINDS
}

fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|it| it.name == name)
}

fn event(kind: &str) -> Option<&'static Kind> {
    KINDS
        .iter()
        .find(|it| it.name.strip_prefix(EVENT) == Some(kind))
}

fn read(text: &'static str) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = Vec::new();
    let lines = text.lines().filter(|it| !it.starts_with('#'));
    for line in lines.filter(|it| !it.is_empty()) {
        if let Some(rest) = line.strip_prefix('[') {
            let (name, rest) = rest.split_once(']').unwrap_or((rest, ""));
            kinds.push(Kind {
                name,
                support: support(rest.trim()),
                properties: Vec::new(),
            });
            continue;
        }
        let mut words = line.splitn(3, ' ');
        let (name, shape) = (words.next(), words.next().unwrap_or_default());
        let shapes = shape.trim_end_matches('!').split('|');
        let property = Property {
            name: name.unwrap_or_default(),
            support: support(words.next().unwrap_or_default()),
            shapes: shapes.filter(|it| *it != "any").collect(),
            required: shape.ends_with('!'),
        };
        if let Some(kind) = kinds.last_mut() {
            kind.properties.push(property);
        }
    }
    kinds
}

fn support(text: &'static str) -> Support {
    let (word, why) = text.split_once(' ').unwrap_or((text, ""));
    match word {
        "yes" => Support::Served,
        "none" => Support::NoEffect(why),
        _ => Support::Unsupported(why),
    }
}

impl Kind {
    fn property(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|it| it.name == name)
    }

    /// Its name for people: an event's is its type.
    fn shown(&self) -> &'static str {
        self.name.strip_prefix(EVENT).unwrap_or(self.name)
    }
}

// ---- what does not work here

impl Stack {
    /// Everything that the template asks for and that does not work here, by resource and property:
    /// what resolution left out, types and properties. Types of other services stay in AWS, which
    /// is said of each.
    pub fn not_supported(&self) -> Vec<Problem> {
        let mut found = self.unsupported.clone();
        for resource in self.resources.values() {
            let file = resource.file.as_deref().unwrap_or(&self.file);
            let mut list = List {
                report: Report::new(file),
                resource,
                found: &mut found,
            };
            list.resource();
        }
        found
    }
}

struct List<'l> {
    report: Report,
    resource: &'l Resource,
    found: &'l mut Vec<Problem>,
}

impl List<'_> {
    fn resource(&mut self) {
        let name = self.resource.kind.as_str();
        let Some(kind) = kind(name) else {
            if !QUIET.iter().any(|it| name.starts_with(it)) {
                let message = format!("{name} is not created here: it stays in AWS.");
                self.add("", message);
            }
            return;
        };
        match kind.support {
            Support::Served => self.properties(kind, "", &self.resource.properties),
            Support::NoEffect(_) => {}
            Support::Unsupported(why) => self.add("", format!("{name} is not supported: {why}.")),
        }
        if name == SAM_FUNCTION {
            self.events();
        }
    }

    fn properties(&mut self, kind: &Kind, path: &str, properties: &Value) {
        let members = properties.as_object().into_iter().flatten();
        for (name, _) in members.filter(|(_, value)| !value.is_null()) {
            let path = format!("{path}{name}");
            match kind.property(name).map(|it| it.support) {
                Some(Support::Served | Support::NoEffect(_)) => {}
                Some(Support::Unsupported(why)) => {
                    self.add(&path, format!("it is not supported: {why}."));
                }
                None => {
                    let known = kind.properties.iter().map(|it| it.name);
                    let hint = did_you_mean(name, known);
                    let kind = kind.shown();
                    self.add(&path, format!("{kind} has no such property.{hint}"));
                }
            }
        }
    }

    fn events(&mut self) {
        let events = self.resource.property("Events").and_then(Value::as_object);
        for (name, value) in events.into_iter().flatten() {
            let path = format!("Events.{name}");
            let kind = value.get("Type").and_then(Value::as_str);
            let Some(kind) = kind.and_then(event) else {
                continue;
            };
            match (kind.support, value.get("Properties")) {
                (Support::Unsupported(why), _) => {
                    let message = format!("{} events are not supported: {why}.", kind.shown());
                    self.add(&path, message);
                }
                (_, Some(properties)) => {
                    self.properties(kind, &format!("{path}.Properties."), properties);
                }
                (_, None) => {}
            }
        }
    }

    fn add(&mut self, path: &str, message: String) {
        let position = Some(self.resource.position_of(path));
        let id = Some(self.resource.logical_id.as_str());
        let path = (!path.is_empty()).then_some(path);
        let problem = self.report.problem(position, id, path, message);
        self.found.push(problem);
    }
}

// ---- what SAM refuses

/// Reports properties that SAM's types do not have, that they lack, and that are something else.
/// Intrinsic functions are not looked into: what they become is not known here.
pub(crate) fn check(resources: &Declarations, report: &mut Report) {
    for (id, declaration) in resources.iter().filter(|(_, it)| it.kind.starts_with(SAM)) {
        let Some(kind) = kind(&declaration.kind) else {
            let known = KINDS.iter().map(|it| it.name);
            let hint = did_you_mean(&declaration.kind, known.filter(|it| it.starts_with(SAM)));
            let message = format!("{} is no type of SAM's.{hint}", declaration.kind);
            report.resource(declaration.position, id, Some("Type"), message);
            continue;
        };
        let mut check = Check {
            id,
            kind,
            report: &mut *report,
        };
        check.members("", declaration.position, declaration.properties.as_map());
        if kind.name == SAM_FUNCTION {
            let events = declaration.properties.member("Events");
            check.events(events.and_then(Node::as_map));
        }
    }
}

struct Check<'c> {
    id: &'c str,
    kind: &'static Kind,
    report: &'c mut Report,
}

impl Check<'_> {
    fn members(&mut self, path: &str, position: Position, members: Option<&Members>) {
        for (name, member) in members.into_iter().flatten() {
            let path = format!("{path}{name}");
            let Some(property) = self.kind.property(name) else {
                let known = self.kind.properties.iter().map(|it| it.name);
                let hint = did_you_mean(name, known);
                let message = format!("{} has no such property.{hint}", self.kind.shown());
                self.wrong(member.key, &path, message);
                continue;
            };
            if !fits(property, &member.value) {
                let wanted = property
                    .shapes
                    .join(" or ")
                    .replace("bool", "true or false");
                let wanted = wanted.replace("map", "a map").replace("list", "a list");
                let wanted = wanted.replace("number", "a number");
                let what = member.value.what();
                let message = format!("it must be {wanted}, but it is {what}.");
                self.wrong(member.value.position, &path, message);
            }
        }
        for property in self.kind.properties.iter().filter(|it| it.required) {
            let given = members.is_some_and(|it| it.contains_key(property.name));
            if !given {
                let message = format!("{} needs this property.", self.kind.shown());
                self.wrong(position, &format!("{path}{}", property.name), message);
            }
        }
    }

    fn events(&mut self, events: Option<&Members>) {
        for (name, member) in events.into_iter().flatten() {
            let path = format!("Events.{name}");
            let Some(text) = member.value.member("Type").and_then(Node::as_text) else {
                continue;
            };
            let Some(kind) = event(text) else {
                let known = KINDS.iter().filter_map(|it| it.name.strip_prefix(EVENT));
                let message = format!(
                    "{text} is no type of an event.{}",
                    did_you_mean(text, known)
                );
                self.wrong(member.key, &path, message);
                continue;
            };
            let properties = member.value.member("Properties");
            let path = format!("{path}.Properties");
            if let Some(other) = properties
                && other.as_map().is_none()
                && !other.is_null()
            {
                let message = format!("it must be a map, but it is {}.", other.what());
                self.wrong(other.position, &path, message);
                continue;
            }
            if properties.is_some_and(|it| it.intrinsic().is_some()) {
                continue;
            }
            let position = properties.map_or(member.key, |it| it.position);
            let mut check = Check {
                id: self.id,
                kind,
                report: &mut *self.report,
            };
            check.members(
                &format!("{path}."),
                position,
                properties.and_then(Node::as_map),
            );
        }
    }

    fn wrong(&mut self, position: Position, path: &str, message: String) {
        self.report.resource(position, self.id, Some(path), message);
    }
}

/// Scalars pass for each other, as CloudFormation has it.
fn fits(property: &Property, node: &Node) -> bool {
    if property.shapes.is_empty() || node.is_null() || node.intrinsic().is_some() {
        return true;
    }
    let has = |shape: &str| property.shapes.contains(&shape);
    match &node.tree {
        Tree::Map(_) => has("map"),
        Tree::List(_) => has("list"),
        Tree::Text(text) => {
            let text = text.trim();
            let truth = text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false");
            has("text") || (has("number") && text.parse::<f64>().is_ok()) || (has("bool") && truth)
        }
        Tree::Number(_) => has("text") || has("number"),
        Tree::Bool(_) => has("text") || has("bool"),
        Tree::Null => true,
    }
}

// ---- for the README

/// The table as the README has it.
pub fn markdown() -> String {
    let mut text = String::from(
        "| resource or event | served | no effect here | not supported |\n|---|---|---|---|\n",
    );
    for kind in KINDS.iter() {
        let names = |wanted: fn(Support) -> Option<&'static str>| {
            let found = kind.properties.iter().filter_map(|it| {
                let why = wanted(it.support)?;
                Some(match why {
                    "" => format!("`{}`", it.name),
                    why => format!("`{}` ({why})", it.name),
                })
            });
            found.collect::<Vec<_>>().join(", ")
        };
        let name = match kind.name.strip_prefix(EVENT) {
            Some(event) => format!("event `{event}`"),
            None => format!("`{}`", kind.name),
        };
        let (served, none, no) = match kind.support {
            Support::Served => (
                names(|it| (it == Support::Served).then_some("")),
                names(|it| match it {
                    Support::NoEffect(why) => Some(why),
                    _ => None,
                }),
                names(|it| match it {
                    Support::Unsupported(why) => Some(why),
                    _ => None,
                }),
            ),
            Support::NoEffect(why) => (String::new(), whole(why), String::new()),
            Support::Unsupported(why) => (String::new(), String::new(), whole(why)),
        };
        text.push_str(&format!("| {name} | {served} | {none} | {no} |\n"));
    }
    text
}

fn whole(why: &str) -> String {
    match why {
        "" => "all of it".to_owned(),
        why => format!("all of it: {why}"),
    }
}

#[cfg(test)]
#[path = "support_tests.rs"]
mod tests;
