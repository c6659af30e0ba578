//! What is done to a template's text before anything else: `AWS::Include`, and the loops of
//! `AWS::LanguageExtensions`.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-include.html>
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-foreach.html>
//!
//! What is included stands, for problems, where it is included. Other macros are left out and said.

use crate::evaluator::{Evaluator, Place};
use crate::parse;
use crate::problem::{Position, Problem, Problems, Reported};
use crate::surroundings::{Unread, seen_from};
use crate::tree::{Member, Members, Node, Tree, stringified};
use crate::unsupported;
use serde_json::Value;
use std::borrow::Cow;

const TRANSFORM: &str = "Fn::Transform";
const FOR_EACH: &str = "Fn::ForEach::";
const INCLUDE: &str = "AWS::Include";

/// More nodes than a template of a megabyte has.
const NODES: usize = 200_000;
/// What is included may include, but not without end.
const DEPTH: usize = 8;

/// The template with macros applied, and what was left out.
pub(crate) fn expanded<'t>(
    root: &'t Node,
    evaluator: &mut Evaluator<'_>,
) -> (Cow<'t, Node>, Vec<Problem>) {
    if !asks(root) && included_at_root(root).is_none() {
        return (Cow::Borrowed(root), Vec::new());
    }
    let mut expander = Expander {
        evaluator,
        path: Vec::new(),
        left: Vec::new(),
        nodes: 0,
        depth: 0,
    };
    let mut expanded = expander.node(root);
    for call in included_at_root(root).into_iter().flatten() {
        if let Some(Tree::Map(members)) = expander.macro_value(call).map(|it| it.tree) {
            add(&mut expanded, members);
        }
    }
    (Cow::Owned(expanded), expander.left)
}

/// Whether there is anything to do.
fn asks(node: &Node) -> bool {
    match &node.tree {
        Tree::List(items) => items.iter().any(asks),
        Tree::Map(members) => members.iter().any(|(key, member)| {
            key == TRANSFORM || key.starts_with(FOR_EACH) || asks(&member.value)
        }),
        _ => false,
    }
}

/// `Transform: {Name: AWS::Include, …}` of the whole template.
fn included_at_root(root: &Node) -> Option<Vec<&Node>> {
    let calls = unsupported::transforms(root).iter();
    let calls = calls.filter(|it| it.as_map().is_some());
    let calls: Vec<_> = calls
        .filter(|it| unsupported::transform_name(it) == Some(INCLUDE))
        .collect();
    (!calls.is_empty()).then_some(calls)
}

/// What stands there already stays.
fn add(node: &mut Node, more: Members) {
    if let Tree::Map(members) = &mut node.tree {
        for (key, member) in more {
            members.entry(key).or_insert(member);
        }
    }
}

struct Expander<'x, 'e> {
    evaluator: &'x mut Evaluator<'e>,
    /// The keys from the root.
    path: Vec<String>,
    left: Vec<Problem>,
    nodes: usize,
    depth: usize,
}

impl Expander<'_, '_> {
    fn node(&mut self, node: &Node) -> Node {
        self.nodes += 1;
        let tree = match &node.tree {
            Tree::List(items) => Tree::List(items.iter().map(|it| self.node(it)).collect()),
            Tree::Map(members) => return self.map(members, node.position),
            other => other.clone(),
        };
        Node::new(node.position, tree)
    }

    fn map(&mut self, members: &Members, position: Position) -> Node {
        let mut expanded = Node::new(position, Tree::Map(Members::new()));
        for (key, member) in members {
            if key == TRANSFORM {
                let made = self.macro_value(&member.value);
                match made {
                    Some(Node {
                        tree: Tree::Map(more),
                        ..
                    }) => add(&mut expanded, more),
                    Some(other) if members.len() == 1 => return other,
                    Some(other) => {
                        let message = format!(
                            "what is included must be a map to stand beside other keys, but it is {}.",
                            other.what()
                        );
                        self.wrong(member.key, &message);
                    }
                    None if members.len() == 1 => return nothing(position),
                    None => {}
                }
            } else if let Some(name) = key.strip_prefix(FOR_EACH) {
                // What is wrong has been reported.
                if let Ok(more) = self.for_each(name, member) {
                    add(&mut expanded, more);
                }
            } else {
                self.path.push(key.clone());
                let value = self.node(&member.value);
                self.path.pop();
                let key_position = member.key;
                let member = Member {
                    key: key_position,
                    value,
                };
                if let Tree::Map(members) = &mut expanded.tree {
                    members.insert(key.clone(), member);
                }
            }
        }
        expanded
    }

    // ---- Fn::Transform

    /// What a macro makes: none if it was left out.
    fn macro_value(&mut self, call: &Node) -> Option<Node> {
        let name = call.member("Name").and_then(Node::as_text);
        match name {
            Some(INCLUDE) => self.include(call),
            Some(name) => {
                let message =
                    format!("the macro {name} is not applied: what it makes is left out.");
                self.leave(call.position, message);
                None
            }
            None => {
                let message = "a transform needs a Name: {Name: AWS::Include, Parameters: \
                               {Location: file}}.";
                self.wrong(call.position, message);
                None
            }
        }
    }

    fn include(&mut self, call: &Node) -> Option<Node> {
        let location = call
            .member("Parameters")
            .and_then(|it| it.member("Location"));
        let Some(location) = location else {
            self.wrong(
                call.position,
                "AWS::Include needs a Location in Parameters.",
            );
            return None;
        };
        let mut place = self.place();
        let text = self
            .evaluator
            .text(location, &mut place, "the Location of AWS::Include");
        let path = seen_from(&self.evaluator.nesting.folder, &text.ok()?);
        let text = match self.evaluator.around.files.read(&path) {
            Ok(text) => text,
            Err(Unread::Missing(why)) => {
                let message = format!("{path} cannot be included: {why}.");
                self.wrong(location.position, &message);
                return None;
            }
            Err(Unread::Elsewhere(why)) => {
                let message = format!("{path} is not included ({why}): what it holds is left out.");
                self.leave(location.position, message);
                return None;
            }
        };
        if self.depth >= DEPTH {
            let message = format!("{path} is included within itself, or too deep.");
            self.wrong(location.position, &message);
            return None;
        }
        match parse::parse(&path, &text) {
            Ok(node) => {
                self.depth += 1;
                let node = self.node(&moved(&node, call.position));
                self.depth -= 1;
                Some(node)
            }
            Err(Problems(problems)) => {
                for problem in problems {
                    self.evaluator.report.push(problem);
                }
                None
            }
        }
    }

    // ---- Fn::ForEach

    /// `[Identifier, collection, {Key: value}]`
    fn for_each(&mut self, name: &str, member: &Member) -> Result<Members, Reported> {
        let parts = member.value.as_list().unwrap_or_default();
        let [identifier, collection, body] = parts else {
            let message = format!(
                "{FOR_EACH}{name} needs a list of identifier, collection and a map of what is \
                 repeated."
            );
            return Err(self.wrong(member.key, &message));
        };
        let (Some(identifier), Some(body)) = (identifier.as_text(), body.as_map()) else {
            let message = format!(
                "{FOR_EACH}{name} needs text as its identifier, and a map of what is repeated."
            );
            return Err(self.wrong(member.key, &message));
        };
        let mut all = Members::new();
        for value in self.collection(name, collection)? {
            for (key, repeated) in body {
                self.nodes += repeated.value.size();
                if self.nodes > NODES {
                    let message = "it expands to more than a template may hold.";
                    return Err(self.wrong(member.key, message));
                }
                let filled = Filled {
                    identifier,
                    value: &value,
                };
                let one = Members::from_iter([(
                    filled.text(key),
                    Member {
                        key: repeated.key,
                        value: filled.node(&repeated.value),
                    },
                )]);
                if let Tree::Map(made) = self.map(&one, repeated.key).tree {
                    for (key, member) in made {
                        if all.contains_key(&key) {
                            let message = format!("{FOR_EACH}{name} makes {key} twice.");
                            return Err(self.wrong(repeated.key, &message));
                        }
                        all.insert(key, member);
                    }
                }
            }
        }
        Ok(all)
    }

    fn collection(&mut self, name: &str, collection: &Node) -> Result<Vec<String>, Reported> {
        let mut place = self.place();
        place.enter_arguments();
        let value = self.evaluator.value(collection, &mut place)?;
        let texts = match &value {
            Some(Value::Array(items)) => items.iter().map(stringified).collect(),
            _ => None,
        };
        texts.ok_or_else(|| {
            let message = format!("the collection of {FOR_EACH}{name} must be a list of texts.");
            self.wrong(collection.position, &message)
        })
    }

    // ---- saying

    fn subject(&self) -> (Option<String>, String) {
        let parts: Vec<&str> = self.path.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["Resources", id, "Properties", path @ ..] | ["Resources", id, path @ ..] => {
                (Some((*id).to_owned()), path.join("."))
            }
            path => (None, path.join(".")),
        }
    }

    fn place(&self) -> Place {
        let mut place = match self.subject() {
            (Some(id), path) => {
                let mut place = Place::resource(&id);
                let position = Position { line: 0, column: 0 };
                path.split('.').for_each(|key| place.enter(key, position));
                place
            }
            (None, path) => Place::section(&path.split('.').collect::<Vec<_>>()),
        };
        place.without_resources = Some("this is written out before any resource exists");
        place
    }

    fn wrong(&mut self, position: Position, message: &str) -> Reported {
        let (resource, path) = self.subject();
        let report = &mut self.evaluator.report;
        match resource {
            Some(id) => {
                let property = (!path.is_empty()).then_some(path.as_str());
                report.resource(position, &id, property, message)
            }
            None => report.section(Some(position), &path, message),
        }
    }

    fn leave(&mut self, position: Position, message: String) {
        let (resource, path) = self.subject();
        let path = (!path.is_empty()).then_some(path.as_str());
        let report = &self.evaluator.report;
        let problem = report.problem(Some(position), resource.as_deref(), path, message);
        self.left.push(problem);
    }
}

/// `!Ref AWS::NoValue`
fn nothing(position: Position) -> Node {
    Node::call(position, "Ref", Node::text(position, "AWS::NoValue"))
}

/// The same, all of it at one place.
fn moved(node: &Node, position: Position) -> Node {
    let tree = match &node.tree {
        Tree::List(items) => Tree::List(items.iter().map(|it| moved(it, position)).collect()),
        Tree::Map(members) => {
            let members = members.iter().map(|(key, member)| {
                let value = moved(&member.value, position);
                let key_position = position;
                let member = Member {
                    key: key_position,
                    value,
                };
                (key.clone(), member)
            });
            Tree::Map(members.collect())
        }
        other => other.clone(),
    };
    Node::new(position, tree)
}

/// One round of a loop.
struct Filled<'f> {
    identifier: &'f str,
    value: &'f str,
}

impl Filled<'_> {
    /// `${Name}` is the value, `&{Name}` its letters and digits.
    fn text(&self, text: &str) -> String {
        let plain = self.value.chars().filter(char::is_ascii_alphanumeric);
        text.replace(&format!("${{{}}}", self.identifier), self.value)
            .replace(
                &format!("&{{{}}}", self.identifier),
                &plain.collect::<String>(),
            )
    }

    fn node(&self, node: &Node) -> Node {
        if let Some(("Ref", name)) = node.intrinsic()
            && name.as_text() == Some(self.identifier)
        {
            return Node::text(node.position, self.value);
        }
        let tree = match &node.tree {
            Tree::Text(text) => Tree::Text(self.text(text)),
            Tree::List(items) => Tree::List(items.iter().map(|it| self.node(it)).collect()),
            Tree::Map(members) => {
                let members = members.iter().map(|(key, member)| {
                    let value = self.node(&member.value);
                    (
                        self.text(key),
                        Member {
                            value,
                            ..member.clone()
                        },
                    )
                });
                Tree::Map(members.collect())
            }
            other => other.clone(),
        };
        Node::new(node.position, tree)
    }
}

#[cfg(test)]
#[path = "macros_tests.rs"]
mod tests;
