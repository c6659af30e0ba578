//! What is wrong with a template, and where.

use serde::Serialize;
use std::fmt;

/// A place in the template's text. Both numbers start at 1, as editors count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.line, self.column)
    }
}

/// One thing that is wrong: `template.yaml:12:5: HelloFunction.Runtime: message`.
///
/// Messages say what a value is, not its content, where that may be a secret: environment variables,
/// and `NoEcho` parameters that are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{}", self.line())]
pub struct Problem {
    /// The template's name as it was given to [`crate::Template::parse`].
    pub file: String,
    /// Where, unless it is not in the text at all (an unknown parameter override).
    pub position: Option<Position>,
    /// The logical id of the resource it belongs to.
    pub resource: Option<String>,
    /// The property's path below the resource (`Environment.Variables.TABLE`), or the path in the
    /// template for what is no resource (`Parameters.Stage`).
    pub property: Option<String>,
    /// What, why, and what to do, in one line.
    pub message: String,
}

impl Problem {
    fn line(&self) -> String {
        let mut line = self.file.clone();
        if let Some(position) = self.position {
            line.push_str(&format!(":{position}"));
        }
        let subject = match (&self.resource, &self.property) {
            (Some(resource), Some(property)) => format!("{resource}.{property}: "),
            (Some(only), None) | (None, Some(only)) => format!("{only}: "),
            (None, None) => String::new(),
        };
        one_line(format!("{line}: {subject}{}", self.message))
    }
}

/// What a file says may have line breaks in it, in a key for example.
fn one_line(text: String) -> String {
    if !text.contains(char::is_control) {
        return text;
    }
    let mut line = String::with_capacity(text.len() + 4);
    for letter in text.chars() {
        match letter {
            letter if letter.is_control() => line.extend(letter.escape_default()),
            letter => line.push(letter),
        }
    }
    line
}

/// Everything that is wrong, in the order of the text. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Problems(pub Vec<Problem>);

/// Says that a problem was already reported, so that whoever depends on the value stays silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reported;

/// Collects problems while work goes on: a template is judged in one go.
#[derive(Debug, Default)]
pub(crate) struct Report {
    file: String,
    problems: Vec<Problem>,
}

impl Report {
    pub(crate) fn new(file: &str) -> Self {
        Self {
            file: file.to_owned(),
            problems: Vec::new(),
        }
    }

    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    pub(crate) fn problem(
        &self,
        position: Option<Position>,
        resource: Option<&str>,
        property: Option<&str>,
        message: impl Into<String>,
    ) -> Problem {
        Problem {
            file: self.file.clone(),
            position,
            resource: resource.map(str::to_owned),
            property: property.map(str::to_owned),
            message: message.into(),
        }
    }

    /// A problem of a part of the template that is no resource: `path` is `Parameters.Stage`.
    pub(crate) fn section(
        &mut self,
        position: Option<Position>,
        path: &str,
        message: impl Into<String>,
    ) -> Reported {
        let path = (!path.is_empty()).then_some(path);
        let problem = self.problem(position, None, path, message);
        self.push(problem)
    }

    /// A problem of a resource, or of one of its properties or attributes.
    pub(crate) fn resource(
        &mut self,
        position: Position,
        resource: &str,
        property: Option<&str>,
        message: impl Into<String>,
    ) -> Reported {
        let problem = self.problem(Some(position), Some(resource), property, message);
        self.push(problem)
    }

    pub(crate) fn push(&mut self, problem: Problem) -> Reported {
        // The same node may be looked at twice: once to name its resource, once for its properties.
        let known = self.problems.iter().any(|known| {
            known.position == problem.position
                && known.message == problem.message
                && known.resource == problem.resource
        });
        if !known {
            self.problems.push(problem);
        }
        Reported
    }

    /// `value` if nothing was reported, otherwise everything that was, in the order of the text.
    pub(crate) fn finish<T>(mut self, value: T) -> Result<T, Problems> {
        if self.problems.is_empty() {
            return Ok(value);
        }
        let file = self.file;
        self.problems.sort_by(|one, other| {
            // Of nested templates behind the outer one's own.
            let key = |it: &Problem| (it.file != file, it.position.is_none(), it.position);
            key(one).cmp(&key(other))
        });
        Err(Problems(self.problems))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_one_line_that_an_editor_can_jump_to() {
        let problem = Problem {
            file: "template.yaml".into(),
            position: Some(Position {
                line: 12,
                column: 5,
            }),
            resource: Some("HelloFunction".into()),
            property: Some("Runtime".into()),
            message: "message".into(),
        };
        assert_eq!(
            problem.to_string(),
            "template.yaml:12:5: HelloFunction.Runtime: message"
        );
        let odd = Problem {
            property: Some("a\nb".into()),
            ..problem.clone()
        };
        assert_eq!(
            odd.to_string(),
            r"template.yaml:12:5: HelloFunction.a\nb: message"
        );
        let bare = Problem {
            position: None,
            resource: None,
            property: None,
            ..problem
        };
        assert_eq!(
            Problems(vec![bare.clone(), bare]).to_string(),
            "template.yaml: message\ntemplate.yaml: message"
        );
    }
}
