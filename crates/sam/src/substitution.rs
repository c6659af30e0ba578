//! `Fn::Sub`: `${Name}`, `${Resource.Attribute}`, and `${!Literal}` for a literal `${Literal}`.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-sub.html>

use crate::evaluator::{Evaluator, Place};
use crate::problem::{Position, Reported};
use crate::tree::{Members, Node, stringified, what};

/// A piece of a template string.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'t> {
    Literal(&'t str),
    /// `${!Name}`: what stands between the exclamation mark and the brace.
    Escaped(&'t str),
    Reference(&'t str),
}

/// The pieces of `text`. A `${` that is never closed is literal.
pub(crate) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, after)) = after.split_once('}') else {
            break;
        };
        pieces.push(Piece::Literal(before));
        pieces.push(match name.strip_prefix('!') {
            Some(literal) => Piece::Escaped(literal),
            None => Piece::Reference(name.trim()),
        });
        rest = after;
    }
    pieces.push(Piece::Literal(rest));
    pieces
}

impl Evaluator<'_> {
    /// `Fn::Sub` of a text, or of a list of text and variables.
    pub(crate) fn substitute(
        &mut self,
        argument: &Node,
        place: &mut Place,
    ) -> Result<String, Reported> {
        let (text, variables) = match argument.as_list() {
            None => (argument, None),
            Some([text, variables]) if variables.as_map().is_some() => (text, variables.as_map()),
            Some(_) => {
                let message = "Fn::Sub needs text, or a list of text and a map of variables.";
                return Err(self.problem(argument.position, place, message));
            }
        };
        let position = text.position;
        let Some(text) = text.scalar() else {
            let message = format!("what Fn::Sub fills in is {}, not text.", text.what());
            return Err(self.problem(position, place, message));
        };
        let mut output = String::with_capacity(text.len());
        let mut failed = None;
        for piece in pieces(&text) {
            match piece {
                Piece::Literal(literal) => output.push_str(literal),
                Piece::Escaped(literal) => output.push_str(&format!("${{{literal}}}")),
                Piece::Reference(name) => match self.variable(name, variables, position, place) {
                    Ok(value) => output.push_str(&value),
                    Err(reported) => failed = Some(reported),
                },
            }
        }
        failed.map_or(Ok(output), Err)
    }

    fn variable(
        &mut self,
        name: &str,
        variables: Option<&Members>,
        position: Position,
        place: &mut Place,
    ) -> Result<String, Reported> {
        if let Some(member) = variables.and_then(|it| it.get(name)) {
            let role = format!("the variable {name} of Fn::Sub");
            return self.text(&member.value, place, &role);
        }
        let value = match name.split_once('.') {
            Some((resource, attribute)) => self.attribute(resource, attribute, position, place)?,
            None => self.reference(name, position, place)?,
        };
        let text = value.as_ref().and_then(stringified);
        text.ok_or_else(|| {
            let kind = value.as_ref().map_or("AWS::NoValue", what);
            let message =
                format!("Fn::Sub fills in text, but ${{{name}}} is {kind}; join it first.");
            self.problem(position, place, message)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Piece::{Escaped, Literal, Reference};
    use super::*;

    #[test]
    fn text_falls_into_pieces() {
        assert_eq!(
            pieces("a${B}c${!D}${E.F}"),
            [
                Literal("a"),
                Reference("B"),
                Literal("c"),
                Escaped("D"),
                Literal(""),
                Reference("E.F"),
                Literal("")
            ]
        );
    }

    #[test]
    fn a_brace_that_is_never_closed_is_text() {
        assert_eq!(pieces("$ {a} ${open"), [Literal("$ {a} ${open")]);
    }
}
