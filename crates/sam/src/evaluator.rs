//! The state of one resolution, and the walk over values. The functions themselves are in
//! `intrinsics`, `substitution`, `conditions` and `references`.

use crate::names::Context;
use crate::nested::{Nested, Nesting};
use crate::problem::{Position, Problem, Report, Reported};
use crate::references::Named;
use crate::resources::Declarations;
use crate::surroundings::Surroundings;
use crate::tree::{Members, Node, Tree};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// A resolved value; `None` is `AWS::NoValue`, which removes what it stands for.
pub(crate) type Evaluated = Result<Option<Value>, Reported>;

/// One template being resolved in one context.
pub(crate) struct Evaluator<'a> {
    pub(crate) context: &'a Context<'a>,
    pub(crate) around: &'a Surroundings<'a>,
    pub(crate) report: Report,
    /// What `Ref` gives for each parameter; an error where its value is missing or refused.
    pub(crate) parameters: BTreeMap<String, Result<Value, Reported>>,
    pub(crate) mappings: Option<&'a Members>,
    pub(crate) conditions: Option<&'a Members>,
    pub(crate) truths: BTreeMap<String, Result<bool, Reported>>,
    /// The conditions being evaluated, outermost first.
    pub(crate) deciding: Vec<String>,
    /// `None` until conditions and Globals have made the resources what they are.
    pub(crate) resources: Option<&'a Declarations>,
    pub(crate) named: BTreeMap<String, Result<Rc<Named>, Reported>>,
    /// The resources being named, outermost first.
    pub(crate) naming: Vec<String>,
    pub(crate) edges: BTreeSet<Edge>,
    pub(crate) nesting: &'a Nesting,
    pub(crate) nested: Nested,
    /// The nested templates being resolved, outermost first.
    pub(crate) opening: Vec<String>,
    /// What is left out, to be said.
    pub(crate) left: Vec<Problem>,
}

/// One resource's need of another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Edge {
    pub(crate) from: String,
    pub(crate) to: String,
    /// Whether the deployed resource itself, and not one that SAM makes of it, waits for the other.
    pub(crate) hard: bool,
}

impl<'a> Evaluator<'a> {
    pub(crate) fn new(
        context: &'a Context<'a>,
        around: &'a Surroundings<'a>,
        nesting: &'a Nesting,
        report: Report,
    ) -> Self {
        Self {
            context,
            around,
            report,
            parameters: BTreeMap::new(),
            mappings: None,
            conditions: None,
            truths: BTreeMap::new(),
            deciding: Vec::new(),
            resources: None,
            named: BTreeMap::new(),
            naming: Vec::new(),
            edges: BTreeSet::new(),
            nesting,
            nested: Nested::new(),
            opening: Vec::new(),
            left: Vec::new(),
        }
    }

    /// From here on references to these resources resolve.
    pub(crate) fn with_resources<'b>(self, resources: &'b Declarations) -> Evaluator<'b>
    where
        'a: 'b,
    {
        let mut evaluator: Evaluator<'b> = self;
        evaluator.resources = Some(resources);
        evaluator
    }

    pub(crate) fn problem(
        &mut self,
        position: Position,
        place: &Place,
        message: impl Into<String>,
    ) -> Reported {
        let path = place.property();
        match &place.resource {
            Some(resource) => {
                let property = (!path.is_empty()).then_some(path.as_str());
                self.report.resource(position, resource, property, message)
            }
            None => self.report.section(Some(position), &path, message),
        }
    }

    /// The value of `node` with every function in it applied.
    pub(crate) fn value(&mut self, node: &Node, place: &mut Place) -> Evaluated {
        match &node.tree {
            Tree::List(items) => {
                let values = self.list(items, place)?;
                Ok(Some(Value::Array(values)))
            }
            Tree::Map(members) => match node.intrinsic() {
                Some((name, argument)) => self.intrinsic(name, argument, node.position, place),
                None => self.map(members, place),
            },
            Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::Text(_) => {
                Ok(Some(node.literal()))
            }
        }
    }

    /// Every element, so that every problem is found; those that are `AWS::NoValue` are gone.
    pub(crate) fn list(
        &mut self,
        items: &[Node],
        place: &mut Place,
    ) -> Result<Vec<Value>, Reported> {
        let mut values = Vec::with_capacity(items.len());
        let mut failed = None;
        for item in items {
            place.enter(&values.len().to_string(), item.position);
            match self.value(item, place) {
                Ok(value) => values.extend(value),
                Err(reported) => failed = Some(reported),
            }
            place.leave();
        }
        failed.map_or(Ok(values), Err)
    }

    fn map(&mut self, members: &Members, place: &mut Place) -> Evaluated {
        let mut values = Map::new();
        let mut failed = None;
        for (key, member) in members {
            if key.starts_with("Fn::") {
                failed = Some(self.misplaced(key, member.key, place));
                continue;
            }
            place.enter(key, member.key);
            match self.value(&member.value, place) {
                Ok(Some(value)) => {
                    values.insert(key.clone(), value);
                }
                Ok(None) => {}
                Err(reported) => failed = Some(reported),
            }
            place.leave();
        }
        failed.map_or(Ok(Some(Value::Object(values))), Err)
    }

    /// A function beside other keys of a map.
    fn misplaced(&mut self, key: &str, position: Position, place: &Place) -> Reported {
        let message =
            format!("{key} stands beside other keys; a function must be the only key of its map.");
        self.problem(position, place, message)
    }
}

/// Where in the template evaluation is: names problems, and remembers where each property stands.
pub(crate) struct Place {
    pub(crate) resource: Option<String>,
    path: Vec<String>,
    /// Inside a function's arguments, whose places are no properties.
    quiet: usize,
    positions: BTreeMap<String, Position>,
    /// Why resources cannot be referred to here, where they cannot.
    pub(crate) without_resources: Option<&'static str>,
}

impl Place {
    /// A resource's properties.
    pub(crate) fn resource(logical_id: &str) -> Self {
        Self {
            resource: Some(logical_id.to_owned()),
            ..Self::section(&[])
        }
    }

    /// A part of the template that is no resource: `["Outputs", "Url"]`.
    pub(crate) fn section(path: &[&str]) -> Self {
        Self {
            resource: None,
            path: path.iter().map(|&part| part.to_owned()).collect(),
            quiet: 0,
            positions: BTreeMap::new(),
            without_resources: None,
        }
    }

    pub(crate) fn enter(&mut self, key: &str, position: Position) {
        if self.quiet == 0 {
            self.path.push(key.to_owned());
            self.positions.insert(self.property(), position);
        } else {
            self.quiet += 1;
        }
    }

    pub(crate) fn leave(&mut self) {
        if self.quiet == 0 {
            self.path.pop();
        } else {
            self.quiet -= 1;
        }
    }

    /// Into a function's arguments.
    pub(crate) fn enter_arguments(&mut self) {
        self.quiet += 1;
    }

    pub(crate) fn leave_arguments(&mut self) {
        self.quiet -= 1;
    }

    /// `Environment.Variables.TABLE`.
    pub(crate) fn property(&self) -> String {
        self.path.join(".")
    }

    /// `Environment`.
    pub(crate) fn top(&self) -> Option<&str> {
        self.path.first().map(String::as_str)
    }

    /// Where each property stands that was seen.
    pub(crate) fn into_positions(self) -> BTreeMap<String, Position> {
        self.positions
    }
}
