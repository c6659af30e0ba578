//! Values of resources and of documents, each with the place that a problem of it points at.

use crate::problem::{Position, Problem, Problems, Report};
use crate::reader::{boolean, number};
use crate::stack::Resource;
use crate::tree::{stringified, what};
use serde_json::Value;
use std::collections::BTreeMap;

/// A value, and where it stands.
#[derive(Clone)]
pub(crate) struct Part<'v> {
    pub(crate) value: &'v Value,
    resource: &'v Resource,
    path: String,
    /// What is made of this has no place of its own: an operation that an event stands for.
    made: bool,
}

impl<'v> Part<'v> {
    /// All properties of a resource.
    pub(crate) fn of(resource: &'v Resource) -> Self {
        Self {
            value: &resource.properties,
            resource,
            path: String::new(),
            made: false,
        }
    }

    /// A value that stands at `path` of a resource.
    pub(crate) fn at(resource: &'v Resource, path: &str, value: &'v Value) -> Self {
        Self {
            value,
            resource,
            path: path.to_owned(),
            made: false,
        }
    }

    /// A value that was made of what stands at `path` of a resource.
    pub(crate) fn made(resource: &'v Resource, path: &str, value: &'v Value) -> Self {
        Self {
            made: true,
            ..Self::at(resource, path, value)
        }
    }

    fn below(&self, key: &str, value: &'v Value) -> Self {
        let path = match (self.made, self.path.is_empty()) {
            (true, _) => self.path.clone(),
            (false, true) => key.to_owned(),
            (false, false) => format!("{}.{key}", self.path),
        };
        Self {
            value,
            path,
            ..self.clone()
        }
    }

    /// A member that is there and not null.
    pub(crate) fn member(&self, key: &str) -> Option<Self> {
        let value = self.value.get(key)?;
        (!value.is_null()).then(|| self.below(key, value))
    }

    /// A member of a member, and so on.
    pub(crate) fn descend(&self, keys: &[&str]) -> Option<Self> {
        let mut part = self.clone();
        for key in keys {
            part = part.member(key)?;
        }
        Some(part)
    }

    /// Every member; none if this is no map.
    pub(crate) fn members(&self) -> Vec<(&'v str, Self)> {
        let members = self.value.as_object().into_iter().flatten();
        members
            .map(|(key, value)| (key.as_str(), self.below(key, value)))
            .collect()
    }

    /// Every element; none if this is no list.
    pub(crate) fn items(&self) -> Vec<Self> {
        let items = self.value.as_array().into_iter().flatten().enumerate();
        items
            .map(|(index, value)| self.below(&index.to_string(), value))
            .collect()
    }

    /// The text of a scalar.
    pub(crate) fn scalar(&self) -> Option<String> {
        stringified(self.value)
    }

    pub(crate) fn position(&self) -> Position {
        self.resource.position_of(&self.path)
    }

    /// `12:5 (HelloFunction.Events.Get)`, for a problem that two places have a part in.
    pub(crate) fn named(&self) -> String {
        let (id, path) = (&self.resource.logical_id, &self.path);
        match path.as_str() {
            "" => format!("{} ({id})", self.position()),
            path => format!("{} ({id}.{path})", self.position()),
        }
    }
}

/// What comes to light while APIs are read.
pub(crate) struct Findings {
    report: Report,
    /// What is not served as the template asks for it.
    notes: Vec<Problem>,
}

impl Findings {
    pub(crate) fn new(file: &str) -> Self {
        Self {
            report: Report::new(file),
            notes: Vec::new(),
        }
    }

    pub(crate) fn wrong(&mut self, part: &Part<'_>, message: impl Into<String>) {
        let path = (!part.path.is_empty()).then_some(part.path.as_str());
        let id = &part.resource.logical_id;
        self.report.resource(part.position(), id, path, message);
    }

    /// `part` is not served as it asks to be.
    pub(crate) fn note(&mut self, part: &Part<'_>, message: impl Into<String>) {
        let path = (!part.path.is_empty()).then_some(part.path.as_str());
        let id = Some(part.resource.logical_id.as_str());
        let note = self
            .report
            .problem(Some(part.position()), id, path, message);
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// A property that `part` must have.
    pub(crate) fn missing(&mut self, part: &Part<'_>, property: &str) {
        let below = part.below(property, &Value::Null);
        self.wrong(&below, "this property is needed.");
    }

    fn expect<T>(&mut self, part: &Part<'_>, wanted: &str, found: Option<T>) -> Option<T> {
        if found.is_none() {
            let message = format!("it must be {wanted}, but it is {}.", what(part.value));
            self.wrong(part, message);
        }
        found
    }

    pub(crate) fn text(&mut self, part: Option<Part<'_>>) -> Option<String> {
        let part = part?;
        self.expect(&part, "text", part.scalar())
    }

    /// The text of a member; empty, and a problem, if it is absent.
    pub(crate) fn required_text(&mut self, part: &Part<'_>, property: &str) -> String {
        match part.member(property) {
            Some(member) => self.text(Some(member)).unwrap_or_default(),
            None => {
                self.missing(part, property);
                String::new()
            }
        }
    }

    pub(crate) fn number(&mut self, part: Option<Part<'_>>) -> Option<u32> {
        let part = part?;
        self.expect(&part, "a whole number", number(part.value))
    }

    /// Requests a second, which may be a fraction.
    pub(crate) fn rate(&mut self, part: Option<Part<'_>>) -> Option<f64> {
        let part = part?;
        let rate = match part.value {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_f64(),
        };
        self.expect(&part, "a number", rate.filter(|it| it.is_finite()))
    }

    pub(crate) fn boolean(&mut self, part: Option<Part<'_>>) -> Option<bool> {
        let part = part?;
        self.expect(&part, "true or false", boolean(part.value))
    }

    /// A list of texts; one text alone is a list of one.
    pub(crate) fn texts(&mut self, part: Option<Part<'_>>) -> Vec<String> {
        let Some(part) = part else {
            return Vec::new();
        };
        if part.value.is_array() {
            let items = part.items();
            return items
                .into_iter()
                .filter_map(|it| self.text(Some(it)))
                .collect();
        }
        let text = self.expect(&part, "a list of texts", part.scalar());
        text.into_iter().collect()
    }

    /// A map, whatever is in it.
    pub(crate) fn map<'v>(&mut self, part: Option<Part<'v>>) -> Vec<(&'v str, Part<'v>)> {
        let Some(part) = part else {
            return Vec::new();
        };
        match self.expect(&part, "a map", part.value.as_object()) {
            Some(_) => part.members(),
            None => Vec::new(),
        }
    }

    /// A map of texts; what is null in it is left out.
    pub(crate) fn text_map(&mut self, part: Option<Part<'_>>) -> BTreeMap<String, String> {
        let mut texts = BTreeMap::new();
        for (key, member) in self.map(part) {
            if member.value.is_null() {
                continue;
            }
            if let Some(text) = self.text(Some(member)) {
                texts.insert(key.to_owned(), text);
            }
        }
        texts
    }

    /// `value` if nothing is wrong, and what is to be said about it.
    pub(crate) fn finish<T>(self, value: T) -> Result<(T, Vec<Problem>), Problems> {
        let notes = self.notes;
        self.report.finish(value).map(|value| (value, notes))
    }
}
