//! Reads a resolved resource's properties as what they should be, and says which are not.

use crate::problem::{Problems, Report, Reported};
use crate::stack::Resource;
use crate::tree::{stringified, what};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// One resource being read. Paths are as in [`Resource::property`].
///
/// Scalars are as lenient as CloudFormation: `Timeout: "30"` is a number, `Name: 5` is text.
pub(crate) struct Reader<'r> {
    pub(crate) resource: &'r Resource,
    report: Report,
}

impl<'r> Reader<'r> {
    pub(crate) fn new(resource: &'r Resource, file: &str) -> Self {
        Self {
            resource,
            report: Report::new(resource.file.as_deref().unwrap_or(file)),
        }
    }

    pub(crate) fn property(&self, path: &str) -> Option<&'r Value> {
        self.resource.property(path)
    }

    pub(crate) fn text(&mut self, path: &str) -> Option<String> {
        let value = self.property(path)?;
        self.expect(path, value, "text", stringified(value))
    }

    /// The text at `path`; empty, and a problem, if it is absent.
    pub(crate) fn required_text(&mut self, path: &str) -> String {
        if self.property(path).is_none() {
            self.missing(path);
        }
        self.text(path).unwrap_or_default()
    }

    pub(crate) fn number(&mut self, path: &str) -> Option<u32> {
        let value = self.property(path)?;
        self.expect(path, value, "a whole number", number(value))
    }

    /// A number that is not negative, 0.7 for example.
    pub(crate) fn decimal(&mut self, path: &str) -> Option<f64> {
        let value = self.property(path)?;
        let found = match value {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_f64(),
        };
        let found = found.filter(|it| it.is_finite() && *it >= 0.0);
        self.expect(path, value, "a number, 0 or larger", found)
    }

    pub(crate) fn boolean(&mut self, path: &str) -> Option<bool> {
        let value = self.property(path)?;
        self.expect(path, value, "true or false", boolean(value))
    }

    /// A list of texts; one text alone is a list of one.
    pub(crate) fn texts(&mut self, path: &str) -> Vec<String> {
        let items = match self.property(path) {
            None => return Vec::new(),
            Some(Value::Array(items)) => items,
            Some(single) => {
                let text = self.expect(path, single, "a list of texts", stringified(single));
                return text.into_iter().collect();
            }
        };
        let mut texts = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            texts.extend(self.expect(&format!("{path}.{index}"), item, "text", stringified(item)));
        }
        texts
    }

    pub(crate) fn map(&mut self, path: &str) -> Option<&'r Map<String, Value>> {
        let value = self.property(path)?;
        self.expect(path, value, "a map", value.as_object())
    }

    /// A map of texts, such as an environment.
    pub(crate) fn text_map(&mut self, path: &str) -> BTreeMap<String, String> {
        let mut texts = BTreeMap::new();
        for (key, value) in self.map(path).into_iter().flatten() {
            let below = format!("{path}.{key}");
            if let Some(text) = self.expect(&below, value, "text", stringified(value)) {
                texts.insert(key.clone(), text);
            }
        }
        texts
    }

    /// `found`, or a problem that says what `value` is instead. Never shows the value.
    fn expect<T>(
        &mut self,
        path: &str,
        value: &Value,
        wanted: &str,
        found: Option<T>,
    ) -> Option<T> {
        if found.is_none() {
            let message = format!("it must be {wanted}, but it is {}.", what(value));
            self.wrong(path, message);
        }
        found
    }

    pub(crate) fn missing(&mut self, path: &str) -> Reported {
        self.wrong(path, format!("{} needs this property.", self.resource.kind))
    }

    pub(crate) fn wrong(&mut self, path: &str, message: impl Into<String>) -> Reported {
        let position = self.resource.position_of(path);
        let path = (!path.is_empty()).then_some(path);
        self.report
            .resource(position, &self.resource.logical_id, path, message)
    }

    pub(crate) fn finish<T>(self, value: T) -> Result<T, Problems> {
        self.report.finish(value)
    }
}

/// A whole number, also as text.
pub(crate) fn number(value: &Value) -> Option<u32> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_u64().and_then(|it| u32::try_from(it).ok()),
    }
}

/// A boolean, also as text.
pub(crate) fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(bool) => Some(*bool),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// Reads every resource of these kinds; all problems at once.
pub(crate) fn each<'r, T>(
    resources: impl Iterator<Item = &'r Resource>,
    read: impl Fn(&'r Resource) -> Result<T, Problems>,
) -> Result<Vec<T>, Problems> {
    let mut found = Vec::new();
    let mut problems = Vec::new();
    for resource in resources {
        match read(resource) {
            Ok(value) => found.push(value),
            // Two routes may share what is wrong with their integration.
            Err(Problems(more)) => {
                for problem in more {
                    if !problems.contains(&problem) {
                        problems.push(problem);
                    }
                }
            }
        }
    }
    if problems.is_empty() {
        Ok(found)
    } else {
        Err(Problems(problems))
    }
}
