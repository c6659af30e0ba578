//! A path into an event: the dots, indices and stars that EventBridge knows of JSON path.

use serde_json::Value;
use std::fmt;

/// `$.detail.instance-id`, `$.resources[0]`, `$.resources[*]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path {
    text: String,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Member(String),
    Index(usize),
    /// All members, or all items.
    Every,
}

impl Path {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text} is no path that EventBridge knows: write for example $.detail.state or $.resources[0]"
            )
        };
        let mut rest = text.strip_prefix('$').ok_or_else(wrong)?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let step;
            (step, rest) = member(rest).or_else(|| index(rest)).ok_or_else(wrong)?;
            steps.push(step);
        }
        Ok(Self {
            text: text.to_owned(),
            steps,
        })
    }

    /// What it finds; a list, if it has a star.
    pub(super) fn find(&self, event: &Value) -> Option<Value> {
        let mut found = vec![event];
        for step in &self.steps {
            found = found.into_iter().flat_map(|it| step.of(it)).collect();
        }
        if self.steps.contains(&Step::Every) && !found.is_empty() {
            return Some(found.into_iter().cloned().collect());
        }
        found.into_iter().next().cloned()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Step {
    fn of<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        match (self, value) {
            (Self::Member(name), _) => value.get(name).into_iter().collect(),
            (Self::Index(index), _) => value.get(index).into_iter().collect(),
            (Self::Every, Value::Array(items)) => items.iter().collect(),
            (Self::Every, Value::Object(members)) => members.values().collect(),
            (Self::Every, _) => Vec::new(),
        }
    }
}

/// `.name` or `.*`, and what follows.
fn member(text: &str) -> Option<(Step, &str)> {
    let text = text.strip_prefix('.')?;
    if let Some(rest) = text.strip_prefix('*') {
        return Some((Step::Every, rest));
    }
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let known = |it: char| it.is_alphanumeric() || matches!(it, '-' | '_' | '/');
    let is_name = !name.is_empty() && name.chars().all(known);
    is_name.then(|| (Step::Member(name.to_owned()), rest))
}

/// `[0]` or `[*]`, and what follows.
fn index(text: &str) -> Option<(Step, &str)> {
    let (index, rest) = text.strip_prefix('[')?.split_once(']')?;
    let step = match index {
        "*" => Step::Every,
        index => Step::Index(index.parse().ok()?),
    };
    Some((step, rest))
}
