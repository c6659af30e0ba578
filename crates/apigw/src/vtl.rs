//! Mapping templates: the part of the Velocity Template Language that API Gateway documents
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/models-mappings.html>,
//! <https://velocity.apache.org/engine/1.7/user-guide.html>).
//!
//! Text, references, `#set`, `#if`, `#elseif`, `#else`, `#foreach`, `#break`, `#stop`, `#define`,
//! comments, and the methods of strings, lists and maps that templates use. What is not understood is
//! an error that names its line, never a wrong document: on AWS it is a 500. A template costs a
//! bounded number of steps and makes a bounded text, whatever it says.

mod arithmetic;
mod cursor;
mod expression;
mod gateway;
mod json_path;
mod methods;
mod parse;
mod run;
mod syntax;
mod value;

pub(crate) use gateway::{Input, params};
pub(crate) use json_path::JsonPath;
pub(crate) use run::render;
pub(crate) use syntax::Template;
pub(crate) use value::Value;

/// Why a template cannot be used, in one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum VtlError {
    /// It is not VTL, or it fails there.
    #[error("line {line} of the mapping template: {what}")]
    Line {
        /// From 1 on.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// It says something that is not here.
    #[error("the mapping template: {0}")]
    Unknown(String),
    /// It is nested too deep to be read.
    #[error("the mapping template is nested more than {0} deep")]
    Depth(usize),
    /// It takes too many steps, or makes too long a text.
    #[error("the mapping template runs too long: it took {0} steps")]
    Steps(usize),
    /// It makes too long a text.
    #[error("the mapping template makes more than {0} bytes")]
    Length(usize),
    /// `$util.parseJson` of something else.
    #[error("the mapping template: $util.parseJson was given what is no JSON")]
    NotJson,
    /// A JSONPath.
    #[error("the mapping template: JSONPath {0:?}: {1}")]
    Path(String, json_path::PathError),
}

impl VtlError {
    /// With the line that it happened on, if that is not known and explains anything.
    fn at(self, line: usize) -> Self {
        let what = match self {
            Self::Unknown(what) => what,
            Self::NotJson => "$util.parseJson was given what is no JSON".to_owned(),
            Self::Path(path, error) => format!("JSONPath {path:?}: {error}"),
            other => return other,
        };
        Self::Line { line, what }
    }
}

#[cfg(test)]
mod tests;
