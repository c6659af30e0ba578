//! What a target of a rule gets: the event, a part of it, or what a template makes of it.
//!
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html>

mod path;
mod transformer;

use path::Path;
use serde_json::Value;
use transformer::Transformer;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetInput(Made);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Made {
    Whole,
    Constant(String),
    Part(Path),
    Transformed(Transformer),
}

/// The rule that an event comes by, for templates that ask.
#[derive(Debug, Clone, Copy)]
pub struct EventRule<'a> {
    /// Its ARN.
    pub arn: &'a str,
    /// Its name.
    pub name: &'a str,
}

impl TargetInput {
    /// What a target asks for; `Input` is all that a schedule's may.
    ///
    /// # Errors
    /// The property that AWS would not take, and why.
    pub fn of(target: &Value) -> Result<Self, (String, String)> {
        let given: Vec<(&str, &Value)> = ["Input", "InputPath", "InputTransformer"]
            .into_iter()
            .filter_map(|name| Some((name, target.get(name).filter(|it| !it.is_null())?)))
            .collect();
        let made = match given.as_slice() {
            [] => Made::Whole,
            [("Input", Value::String(input))] => Made::Constant(input.clone()),
            [(name @ "InputPath", Value::String(path))] => {
                Made::Part(Path::parse(path).map_err(|why| at(name, &why))?)
            }
            [("InputTransformer", transformer @ Value::Object(_))] => {
                Made::Transformed(Transformer::of(transformer)?)
            }
            [(name, _)] => return Err(at(name, "it is not of the form that AWS takes")),
            [_, (name, _), ..] => {
                let why = "only one of Input, InputPath and InputTransformer may be there";
                return Err(at(name, why));
            }
        };
        Ok(Self(made))
    }

    /// What is always given, whatever the event is.
    #[must_use]
    pub fn constant(&self) -> Option<&str> {
        match &self.0 {
            Made::Constant(input) => Some(input),
            _ => None,
        }
    }

    /// What the target gets of an event.
    ///
    /// # Errors
    /// Why it gets nothing.
    pub fn of_event(&self, event: &Value, rule: EventRule<'_>) -> Result<String, String> {
        match &self.0 {
            Made::Whole => Ok(event.to_string()),
            Made::Constant(input) => Ok(input.clone()),
            // [inf] What AWS sends then is said nowhere.
            Made::Part(path) => match path.find(event) {
                Some(part) => Ok(part.to_string()),
                None => Err(format!("its event has no {path}, which is its InputPath")),
            },
            Made::Transformed(transformer) => transformer.apply(event, rule),
        }
    }
}

fn at(property: &str, why: &str) -> (String, String) {
    (property.to_owned(), why.to_owned())
}

#[cfg(test)]
#[path = "target_input_tests.rs"]
mod tests;
