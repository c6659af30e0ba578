//! The Parameters section: types, defaults, overrides and constraints.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>

use crate::hint::did_you_mean;
use crate::problem::{Position, Report, Reported};
use crate::tree::{Members, Node};
use regex_lite::Regex;
use serde_json::Value;
use std::collections::BTreeMap;

const ATTRIBUTES: [&str; 11] = [
    "AllowedPattern",
    "AllowedValues",
    "ConstraintDescription",
    "Default",
    "Description",
    "MaxLength",
    "MaxValue",
    "MinLength",
    "MinValue",
    "NoEcho",
    "Type",
];

/// A parameter as the template declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// `String`, `Number`, `CommaDelimitedList`, `List<…>` or one of AWS's own types.
    pub kind: String,
    /// Its value when none is given.
    pub default: Option<String>,
    /// The only values it may have; empty: any.
    pub allowed_values: Vec<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Its value is a secret.
    pub no_echo: bool,
}

impl Parameter {
    /// `None` if it is no map.
    pub(crate) fn read(name: &str, node: &Node) -> Option<Self> {
        node.as_map()?;
        let text = |key| node.member(key).and_then(Node::scalar);
        let allowed = node.member("AllowedValues").and_then(Node::as_list);
        Some(Self {
            name: name.to_owned(),
            kind: text("Type").unwrap_or_default(),
            default: text("Default").or_else(|| {
                let items = node.member("Default")?.as_list()?;
                let texts: Option<Vec<_>> = items.iter().map(Node::scalar).collect();
                Some(texts?.join(","))
            }),
            allowed_values: allowed
                .unwrap_or_default()
                .iter()
                .filter_map(Node::scalar)
                .collect(),
            description: text("Description"),
            no_echo: text("NoEcho").is_some_and(|it| it.eq_ignore_ascii_case("true")),
        })
    }

    /// Whether `Ref` gives a list.
    fn is_list(&self) -> bool {
        let kind = self.stored_type().unwrap_or(&self.kind);
        kind == "CommaDelimitedList" || kind.starts_with("List<")
    }

    fn is_number(&self) -> bool {
        matches!(self.kind.as_str(), "Number" | "List<Number>")
    }

    /// The type of what the parameter store holds, if the value is only the name of it.
    pub(crate) fn stored_type(&self) -> Option<&str> {
        let rest = self.kind.strip_prefix("AWS::SSM::Parameter::Value<")?;
        rest.strip_suffix('>')
    }

    fn is_known_type(&self) -> bool {
        let listed = self
            .kind
            .strip_prefix("List<")
            .and_then(|it| it.strip_suffix('>'));
        let scalar = listed.unwrap_or(&self.kind);
        matches!(scalar, "String" | "Number" | "CommaDelimitedList") || scalar.starts_with("AWS::")
    }
}

/// The parameters with their values.
#[derive(Debug, Default)]
pub(crate) struct Values {
    /// As given or defaulted, for the stack's description.
    pub(crate) texts: BTreeMap<String, String>,
    /// What `Ref` gives.
    pub(crate) references: BTreeMap<String, Result<Value, Reported>>,
    /// Those whose value is only the name of a stored one, with that name.
    pub(crate) unknown: Vec<(String, String, Position)>,
}

/// Every parameter's value: the override, or the default.
pub(crate) fn values(
    section: Option<&Members>,
    overrides: &BTreeMap<String, String>,
    stored: &BTreeMap<String, String>,
    report: &mut Report,
) -> Values {
    let mut values = Values::default();
    for (name, member) in section.into_iter().flatten() {
        let checked = Check::new(name, member.key, &member.value, report).run(overrides.get(name));
        let reference = checked.map(|(parameter, text)| {
            let is_stored = parameter.stored_type().is_some();
            let found = stored.get(&text).filter(|_| is_stored);
            if is_stored && found.is_none() {
                let unknown = (name.clone(), text.clone(), member.key);
                values.unknown.push(unknown);
            }
            let value = referenced(&parameter, found.unwrap_or(&text));
            values.texts.insert(name.clone(), text);
            value
        });
        values.references.insert(name.clone(), reference);
    }
    for name in overrides.keys() {
        if !values.references.contains_key(name) {
            let hint = did_you_mean(name, values.references.keys().map(String::as_str));
            let message = format!("the template declares no parameter {name}.{hint}");
            report.section(None, "Parameters", message);
        }
    }
    values
}

/// Numbers are checked as numbers, but `Ref` gives text.
fn referenced(parameter: &Parameter, text: &str) -> Value {
    if !parameter.is_list() {
        return Value::from(text);
    }
    if text.is_empty() {
        return Value::Array(Vec::new());
    }
    text.split(',')
        .map(|item| Value::from(item.trim()))
        .collect()
}

struct Check<'c> {
    name: &'c str,
    path: String,
    position: Position,
    node: &'c Node,
    report: &'c mut Report,
}

impl<'c> Check<'c> {
    fn new(name: &'c str, position: Position, node: &'c Node, report: &'c mut Report) -> Self {
        Self {
            name,
            path: format!("Parameters.{name}"),
            position,
            node,
            report,
        }
    }

    fn run(&mut self, given: Option<&String>) -> Result<(Parameter, String), Reported> {
        let parameter = self.declaration()?;
        let Some(text) = given.cloned().or_else(|| parameter.default.clone()) else {
            let message = format!(
                "it has no default and no value was given; give one with --parameter-overrides \
                 {}=….",
                self.name
            );
            return Err(self.wrong(message));
        };
        let items: Vec<&str> = match parameter.is_list() {
            true if text.is_empty() => Vec::new(),
            true => text.split(',').map(str::trim).collect(),
            false => vec![text.as_str()],
        };
        // What is stored is not known here, so only its name could be judged.
        if parameter.stored_type().is_none() {
            for item in items {
                self.item(&parameter, item)?;
            }
        }
        Ok((parameter, text))
    }

    fn declaration(&mut self) -> Result<Parameter, Reported> {
        let Some(parameter) = Parameter::read(self.name, self.node) else {
            let message = format!(
                "a parameter is a map with a Type, not {}.",
                self.node.what()
            );
            return Err(self.wrong(message));
        };
        for (key, member) in self.node.as_map().into_iter().flatten() {
            if !ATTRIBUTES.contains(&key.as_str()) {
                let hint = did_you_mean(key, ATTRIBUTES);
                let message = format!("{key} is no attribute of a parameter.{hint}");
                let path = self.path.clone();
                self.report.section(Some(member.key), &path, message);
            }
        }
        if parameter.kind.is_empty() {
            return Err(self.wrong("the Type is missing; most parameters are Type: String."));
        }
        if !parameter.is_known_type() {
            let kind = &parameter.kind;
            let hint = did_you_mean(kind, ["String", "Number", "CommaDelimitedList"]);
            return Err(self.wrong(format!("{kind} is no type of a parameter.{hint}")));
        }
        Ok(parameter)
    }

    fn item(&mut self, parameter: &Parameter, item: &str) -> Result<(), Reported> {
        let shown = if parameter.no_echo {
            "its value".to_owned()
        } else {
            format!("its value {item}")
        };
        let number = item.trim().parse::<f64>().ok();
        if parameter.is_number() && number.is_none() {
            return Err(self.refuse(&format!("{shown} is no number.")));
        }
        let allowed = &parameter.allowed_values;
        if !allowed.is_empty() && !allowed.iter().any(|it| it == item) {
            let list = allowed.join(", ");
            return Err(self.refuse(&format!("{shown} is none of the allowed values: {list}.")));
        }
        if let Some(pattern) = self.text("AllowedPattern") {
            // A pattern that this crate's engine does not understand is not held against the value.
            let pattern = Regex::new(&format!("^(?:{pattern})$"));
            if pattern.is_ok_and(|it| !it.is_match(item)) {
                return Err(self.refuse(&format!("{shown} does not match the AllowedPattern.")));
            }
        }
        let length = item.chars().count() as f64;
        let limits = [
            ("MinLength", Some(length), true),
            ("MaxLength", Some(length), false),
            ("MinValue", number, true),
            ("MaxValue", number, false),
        ];
        for (limit, measured, lower) in limits {
            let bound = self.text(limit).and_then(|it| it.parse::<f64>().ok());
            let (Some(bound), Some(measured)) = (bound, measured) else {
                continue;
            };
            if (lower && measured < bound) || (!lower && measured > bound) {
                return Err(self.refuse(&format!("{shown} breaks {limit} {bound}.")));
            }
        }
        Ok(())
    }

    fn text(&self, key: &str) -> Option<String> {
        self.node.member(key).and_then(Node::scalar)
    }

    fn refuse(&mut self, what: &str) -> Reported {
        let message = match self.text("ConstraintDescription") {
            Some(description) => format!("{what} ({description})"),
            None => what.to_owned(),
        };
        self.wrong(message)
    }

    fn wrong(&mut self, message: impl Into<String>) -> Reported {
        self.report
            .section(Some(self.position), &self.path, message)
    }
}

#[cfg(test)]
#[path = "parameters_tests.rs"]
mod tests;
