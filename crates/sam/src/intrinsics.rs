//! The intrinsic functions.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html>

use crate::cidr;
use crate::evaluator::{Evaluated, Evaluator, Place};
use crate::hint::did_you_mean;
use crate::problem::{Position, Reported};
use crate::tree::{Members, Node, stringified, what};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

/// The functions this crate applies, for hints.
const KNOWN: [&str; 17] = [
    "Fn::And",
    "Fn::Base64",
    "Fn::Cidr",
    "Fn::Equals",
    "Fn::FindInMap",
    "Fn::GetAZs",
    "Fn::GetAtt",
    "Fn::If",
    "Fn::ImportValue",
    "Fn::Join",
    "Fn::Length",
    "Fn::Not",
    "Fn::Or",
    "Fn::Select",
    "Fn::Split",
    "Fn::Sub",
    "Fn::ToJsonString",
];

impl Evaluator<'_> {
    /// Applies the function `name`, which stands at `position`.
    pub(crate) fn intrinsic(
        &mut self,
        name: &str,
        argument: &Node,
        position: Position,
        place: &mut Place,
    ) -> Evaluated {
        // The chosen branch stands where the function stood, so its places are kept.
        if name == "Fn::If" {
            return self.chosen(argument, place);
        }
        place.enter_arguments();
        let result = self.function(name, argument, position, place);
        place.leave_arguments();
        result
    }

    fn function(
        &mut self,
        name: &str,
        argument: &Node,
        position: Position,
        place: &mut Place,
    ) -> Evaluated {
        let value = match name {
            "Ref" => return self.ref_to(argument, position, place),
            "Fn::GetAtt" => return self.get_att(argument, position, place),
            "Fn::FindInMap" => return self.find_in_map(argument, position, place),
            "Fn::Select" => self.select(argument, place)?,
            "Fn::Sub" => Value::String(self.substitute(argument, place)?),
            "Fn::Join" => Value::String(self.join(argument, place)?),
            "Fn::Split" => self.split(argument, place)?,
            "Fn::Base64" => {
                let text = self.text(argument, place, "what Fn::Base64 encodes")?;
                Value::String(BASE64_STANDARD.encode(text))
            }
            "Fn::Length" => Value::from(
                self.values(argument, place, "what Fn::Length counts")?
                    .len(),
            ),
            "Fn::ToJsonString" => self.json_text(argument, place)?,
            "Fn::GetAZs" => self.zones(argument, place)?,
            "Fn::Equals" | "Fn::And" | "Fn::Or" | "Fn::Not" => {
                Value::Bool(self.decide(name, argument, position, place)?)
            }
            "Fn::ImportValue" => self.imported(argument, place)?,
            "Fn::Cidr" => self.blocks(argument, place)?,
            _ => return Err(self.unknown_function(name, position, place)),
        };
        Ok(Some(value))
    }

    fn unknown_function(&mut self, name: &str, position: Position, place: &Place) -> Reported {
        let hint = match name {
            "Fn::Ref" => " Did you mean Ref?".to_owned(),
            _ => did_you_mean(name, KNOWN),
        };
        let message = format!("{name} is no intrinsic function of CloudFormation.{hint}");
        self.problem(position, place, message)
    }

    /// Exactly `N` arguments.
    pub(crate) fn arguments<'n, const N: usize>(
        &mut self,
        name: &str,
        argument: &'n Node,
        place: &Place,
    ) -> Result<[&'n Node; N], Reported> {
        let items: Option<Vec<&Node>> = argument.as_list().map(|items| items.iter().collect());
        items.and_then(|it| it.try_into().ok()).ok_or_else(|| {
            let message = format!("{name} needs a list of {N} elements.");
            self.problem(argument.position, place, message)
        })
    }

    /// The value as text; numbers and booleans as CloudFormation prints them.
    pub(crate) fn text(
        &mut self,
        node: &Node,
        place: &mut Place,
        role: &str,
    ) -> Result<String, Reported> {
        let value = self.value(node, place)?;
        value.as_ref().and_then(stringified).ok_or_else(|| {
            let message = format!("{role} must be text, but it is {}.", kind(value.as_ref()));
            self.problem(node.position, place, message)
        })
    }

    fn values(
        &mut self,
        node: &Node,
        place: &mut Place,
        role: &str,
    ) -> Result<Vec<Value>, Reported> {
        match self.value(node, place)? {
            Some(Value::Array(values)) => Ok(values),
            other => {
                let message = format!("{role} must be a list, but it is {}.", kind(other.as_ref()));
                Err(self.problem(node.position, place, message))
            }
        }
    }

    fn chosen(&mut self, argument: &Node, place: &mut Place) -> Evaluated {
        let branch = self.branch(argument, place)?;
        self.value(branch, place)
    }

    /// The branch of an `Fn::If` that its condition chooses.
    pub(crate) fn branch<'n>(
        &mut self,
        argument: &'n Node,
        place: &Place,
    ) -> Result<&'n Node, Reported> {
        let [condition, then, otherwise] = self.arguments("Fn::If", argument, place)?;
        let Some(name) = condition.as_text() else {
            let message = "the first element of Fn::If is the name of a condition; move the \
                           expression to the Conditions section.";
            return Err(self.problem(condition.position, place, message));
        };
        let truth = self.condition(name, condition.position, place)?;
        Ok(if truth { then } else { otherwise })
    }

    fn join(&mut self, argument: &Node, place: &mut Place) -> Result<String, Reported> {
        let [delimiter, list] = self.arguments("Fn::Join", argument, place)?;
        let delimiter = self.text(delimiter, place, "the delimiter of Fn::Join");
        let values = self.values(list, place, "what Fn::Join joins")?;
        let mut texts = Vec::with_capacity(values.len());
        for value in &values {
            let Some(text) = stringified(value) else {
                let kind = what(value);
                let message = format!("Fn::Join joins text, but one of its elements is {kind}.");
                return Err(self.problem(list.position, place, message));
            };
            texts.push(text);
        }
        Ok(texts.join(&delimiter?))
    }

    fn split(&mut self, argument: &Node, place: &mut Place) -> Result<Value, Reported> {
        let [delimiter, text] = self.arguments("Fn::Split", argument, place)?;
        let position = delimiter.position;
        let delimiter = self.text(delimiter, place, "the delimiter of Fn::Split");
        let text = self.text(text, place, "what Fn::Split splits")?;
        let delimiter = delimiter?;
        if delimiter.is_empty() {
            let message = "the delimiter of Fn::Split is empty; give the text to split at.";
            return Err(self.problem(position, place, message));
        }
        Ok(text.split(&delimiter).map(Value::from).collect())
    }

    fn select(&mut self, argument: &Node, place: &mut Place) -> Result<Value, Reported> {
        let [index, list] = self.arguments("Fn::Select", argument, place)?;
        let position = index.position;
        let index = self.text(index, place, "the index of Fn::Select");
        let mut values = self.values(list, place, "what Fn::Select selects from")?;
        let index = index?;
        match index.parse::<usize>() {
            Ok(number) if number < values.len() => Ok(values.swap_remove(number)),
            Ok(number) => {
                let message = format!(
                    "Fn::Select wants element {number}, counted from 0, of a list of {}.",
                    values.len()
                );
                Err(self.problem(position, place, message))
            }
            Err(_) => {
                let message = format!("the index of Fn::Select is a number from 0, not {index}.");
                Err(self.problem(position, place, message))
            }
        }
    }

    fn json_text(&mut self, argument: &Node, place: &mut Place) -> Result<Value, Reported> {
        match self.value(argument, place)? {
            Some(value @ (Value::Array(_) | Value::Object(_))) => {
                Ok(Value::String(value.to_string()))
            }
            other => {
                let message = format!(
                    "Fn::ToJsonString takes a map or a list, but this is {}.",
                    kind(other.as_ref())
                );
                Err(self.problem(argument.position, place, message))
            }
        }
    }

    /// What another stack exports.
    fn imported(&mut self, argument: &Node, place: &mut Place) -> Result<Value, Reported> {
        let name = self.text(argument, place, "what Fn::ImportValue imports")?;
        let Some(imports) = self.around.imports else {
            return Ok(Value::String(name));
        };
        match imports.get(&name) {
            Some(value) => Ok(Value::from(value.as_str())),
            None => {
                let hint = did_you_mean(&name, imports.keys().map(String::as_str));
                let message = format!(
                    "Fn::ImportValue wants what another stack exports as {name}; give its value in \
                     the file of --import-values.{hint}"
                );
                Err(self.problem(argument.position, place, message))
            }
        }
    }

    /// `[block, count, bits]`: so many blocks of an address block, each with `bits` bits for hosts.
    fn blocks(&mut self, argument: &Node, place: &mut Place) -> Result<Value, Reported> {
        let (block, count, bits) = match argument.as_list() {
            Some([block, count]) => (block, count, None),
            Some([block, count, bits]) => (block, count, Some(bits)),
            _ => {
                let message =
                    "Fn::Cidr needs a list of block, count and bits: [10.0.0.0/16, 6, 8].";
                return Err(self.problem(argument.position, place, message));
            }
        };
        let block = self.text(block, place, "the block of Fn::Cidr");
        let count = self.text(count, place, "the count of Fn::Cidr");
        let bits = bits.map(|it| self.text(it, place, "the bits of Fn::Cidr"));
        let (block, count, bits) = (block?, count?, bits.transpose()?);
        match cidr::blocks(&block, &count, bits.as_deref()) {
            Ok(blocks) => Ok(blocks.into_iter().map(Value::from).collect()),
            Err(message) => Err(self.problem(argument.position, place, message)),
        }
    }

    /// Three zones, which every region has.
    fn zones(&mut self, argument: &Node, place: &mut Place) -> Result<Value, Reported> {
        let region = self.text(argument, place, "the region of Fn::GetAZs")?;
        let region = match region.as_str() {
            "" => self.context.region,
            other => other,
        };
        let zones = ["a", "b", "c"].map(|zone| Value::String(format!("{region}{zone}")));
        Ok(Value::from(zones.to_vec()))
    }

    /// `[map, key, key]`, and with the language extensions `{DefaultValue: …}` as a fourth.
    fn find_in_map(&mut self, argument: &Node, position: Position, place: &mut Place) -> Evaluated {
        let (keys, default) = match argument.as_list() {
            Some([keys @ .., last]) if keys.len() == 3 => (keys, last.member("DefaultValue")),
            Some(keys) => (keys, None),
            None => (&[] as &[Node], None),
        };
        let [map, top, second] = keys else {
            let message = "Fn::FindInMap needs a list of map, first key and second key.";
            return Err(self.problem(argument.position, place, message));
        };
        let map = self.text(map, place, "the map of Fn::FindInMap");
        let top = self.text(top, place, "the first key of Fn::FindInMap");
        let second = self.text(second, place, "the second key of Fn::FindInMap");
        let (map, top, second) = (map?, top?, second?);
        let found = self
            .mappings
            .and_then(|it| it.get(&map))
            .and_then(|it| it.value.member(&top))
            .and_then(|it| it.member(&second));
        match (found, default) {
            (Some(found), _) => Ok(Some(found.literal())),
            (None, Some(default)) => self.value(default, place),
            (None, None) => Err(self.not_in_map(position, place, &map, &top, &second)),
        }
    }

    fn not_in_map(
        &mut self,
        position: Position,
        place: &Place,
        map: &str,
        top: &str,
        second: &str,
    ) -> Reported {
        let members = self.mappings.and_then(|it| it.get(map));
        let (missing, known) = match members.map(|it| &it.value) {
            None => (
                format!("there is no mapping {map}"),
                (map, keys(self.mappings)),
            ),
            Some(first) => match first.member(top) {
                None => (
                    format!("the mapping {map} has no key {top}"),
                    (top, keys(first.as_map())),
                ),
                Some(below) => (
                    format!("{top} in the mapping {map} has no key {second}"),
                    (second, keys(below.as_map())),
                ),
            },
        };
        let hint = did_you_mean(known.0, known.1);
        self.problem(position, place, format!("{missing}.{hint}"))
    }
}

fn keys(members: Option<&Members>) -> Vec<&str> {
    let members = members.into_iter().flatten();
    members.map(|(key, _)| key.as_str()).collect()
}

fn kind(value: Option<&Value>) -> &'static str {
    value.map_or("AWS::NoValue", what)
}

#[cfg(test)]
#[path = "intrinsics_tests.rs"]
mod tests;
