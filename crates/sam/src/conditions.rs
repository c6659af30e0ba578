//! The Conditions section: `Equals`, `And`, `Or`, `Not` and references to other conditions.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-conditions.html>

use crate::evaluator::{Evaluator, Place};
use crate::hint::did_you_mean;
use crate::problem::{Position, Reported};
use crate::tree::{Node, Tree, stringified};
use serde_json::Value;

impl Evaluator<'_> {
    /// Evaluates every condition, so that a wrong one is named even if nothing uses it.
    pub(crate) fn all_conditions(&mut self) {
        for (name, member) in self.conditions.into_iter().flatten() {
            let place = Place::section(&["Conditions", name]);
            // What is wrong has been reported.
            let _ = self.condition(name, member.key, &place);
        }
    }

    /// The truth of the condition `name`, which stands at `position`.
    pub(crate) fn condition(
        &mut self,
        name: &str,
        position: Position,
        place: &Place,
    ) -> Result<bool, Reported> {
        if let Some(known) = self.truths.get(name) {
            return *known;
        }
        let Some(member) = self.conditions.and_then(|it| it.get(name)) else {
            let known = self.conditions.into_iter().flatten();
            let hint = did_you_mean(name, known.map(|(name, _)| name.as_str()));
            let message = format!("there is no condition {name} in this template.{hint}");
            return Err(self.problem(position, place, message));
        };
        if let Some(start) = self.deciding.iter().position(|it| it == name) {
            let circle = self.deciding.get(start..).unwrap_or_default().join(" → ");
            let message = format!("conditions go in a circle: {circle} → {name}.");
            return Err(self.problem(position, place, message));
        }
        self.deciding.push(name.to_owned());
        let mut place = Place::section(&["Conditions", name]);
        place.without_resources = Some("conditions are decided before any resource exists");
        let truth = self.truth(&member.value, &mut place);
        self.deciding.pop();
        self.truths.insert(name.to_owned(), truth);
        truth
    }

    /// The truth of a condition function.
    pub(crate) fn truth(&mut self, node: &Node, place: &mut Place) -> Result<bool, Reported> {
        if let Tree::Bool(bool) = node.tree {
            return Ok(bool);
        }
        let single = node.as_map().filter(|it| it.len() == 1);
        let call = single.and_then(|it| it.first());
        match call {
            Some((name, member)) => self.decide(name, &member.value, node.position, place),
            None => Err(self.not_a_condition(node.what(), node.position, place)),
        }
    }

    /// The truth of the condition function `name`, which stands at `position`.
    pub(crate) fn decide(
        &mut self,
        name: &str,
        argument: &Node,
        position: Position,
        place: &mut Place,
    ) -> Result<bool, Reported> {
        match (name, argument.as_text()) {
            ("Condition", Some(name)) => self.condition(name, argument.position, place),
            ("Fn::Equals", _) => self.equals(argument, place),
            ("Fn::And", _) => {
                let truths = self.truths_of(name, argument, 2, 10, place)?;
                Ok(truths.iter().all(|it| *it))
            }
            ("Fn::Or", _) => {
                let truths = self.truths_of(name, argument, 2, 10, place)?;
                Ok(truths.contains(&true))
            }
            ("Fn::Not", _) => Ok(self.truths_of(name, argument, 1, 1, place)? == [false]),
            _ => Err(self.not_a_condition(name, position, place)),
        }
    }

    fn not_a_condition(&mut self, what: &str, position: Position, place: &Place) -> Reported {
        let message = format!(
            "a condition was expected and this is {what}; use Fn::Equals, Fn::And, Fn::Or, Fn::Not \
             or Condition."
        );
        self.problem(position, place, message)
    }

    fn equals(&mut self, argument: &Node, place: &mut Place) -> Result<bool, Reported> {
        let [left, right] = self.arguments("Fn::Equals", argument, place)?;
        place.enter_arguments();
        let left = self.value(left, place);
        let right = self.value(right, place);
        place.leave_arguments();
        Ok(left?.map(comparable) == right?.map(comparable))
    }

    fn truths_of(
        &mut self,
        name: &str,
        argument: &Node,
        least: usize,
        most: usize,
        place: &mut Place,
    ) -> Result<Vec<bool>, Reported> {
        let items = argument
            .as_list()
            .filter(|items| (least..=most).contains(&items.len()));
        let Some(items) = items else {
            let wanted = match least {
                1 => "a list of one condition".to_owned(),
                _ => format!("a list of {least} to {most} conditions"),
            };
            let message = format!("{name} needs {wanted}.");
            return Err(self.problem(argument.position, place, message));
        };
        let truths: Vec<_> = items.iter().map(|item| self.truth(item, place)).collect();
        truths.into_iter().collect()
    }
}

/// CloudFormation compares text: `true` equals `"true"`, 1 equals `"1"`.
fn comparable(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(comparable).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(key, value)| (key, comparable(value)))
            .collect(),
        scalar => stringified(&scalar).map_or(Value::Null, Value::String),
    }
}

#[cfg(test)]
#[path = "conditions_tests.rs"]
mod tests;
