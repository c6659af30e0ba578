//! Short tags of intrinsic functions, and what they mean in the long form.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html>

use crate::hint::did_you_mean;
use crate::problem::Position;
use crate::tree::Node;
use saphyr_parser::Tag;

/// The functions that have a short form: what stands after the `!`, and the long form's key.
const SHORT: [(&str, &str); 20] = [
    ("Ref", "Ref"),
    ("Condition", "Condition"),
    ("And", "Fn::And"),
    ("Base64", "Fn::Base64"),
    ("Cidr", "Fn::Cidr"),
    ("Equals", "Fn::Equals"),
    ("FindInMap", "Fn::FindInMap"),
    ("GetAZs", "Fn::GetAZs"),
    ("GetAtt", "Fn::GetAtt"),
    ("If", "Fn::If"),
    ("ImportValue", "Fn::ImportValue"),
    ("Join", "Fn::Join"),
    ("Length", "Fn::Length"),
    ("Not", "Fn::Not"),
    ("Or", "Fn::Or"),
    ("Select", "Fn::Select"),
    ("Split", "Fn::Split"),
    ("Sub", "Fn::Sub"),
    ("ToJsonString", "Fn::ToJsonString"),
    ("Transform", "Fn::Transform"),
];

/// What a tag asks for.
pub(crate) enum Meaning {
    /// An intrinsic function; its argument, if scalar, is text whatever it looks like.
    Function(&'static str),
    /// `!!str`, or the non-specific `!`: text, whatever it looks like.
    Text,
    /// What the value would be anyway.
    Plain,
    /// None of CloudFormation's.
    Unknown(String),
}

/// What `tag` means; the message says which one was probably meant.
pub(crate) fn meaning(tag: &Tag) -> Meaning {
    if tag.is_yaml_core_schema() {
        return match tag.suffix.as_str() {
            "str" => Meaning::Text,
            "int" | "float" | "bool" | "null" | "map" | "seq" => Meaning::Plain,
            other => Meaning::Unknown(format!(
                "YAML's type !!{other} is not supported by CloudFormation; write the value as text."
            )),
        };
    }
    if tag.handle.is_empty() && tag.suffix == "!" {
        return Meaning::Text;
    }
    let known = SHORT
        .iter()
        .find(|(short, _)| tag.handle == "!" && *short == tag.suffix);
    match known {
        Some((_, long)) => Meaning::Function(long),
        None => {
            let written = match tag.handle.as_str() {
                "!" => format!("!{}", tag.suffix),
                _ => format!("!<{}{}>", tag.handle, tag.suffix),
            };
            let hint = did_you_mean(&tag.suffix, SHORT.iter().map(|(short, _)| *short));
            let hint = hint.replace("mean ", "mean !");
            Meaning::Unknown(format!(
                "{written} is no intrinsic function of CloudFormation.{hint}"
            ))
        }
    }
}

/// The long form: `!Sub text` becomes `{"Fn::Sub": "text"}`, and `!GetAtt A.B.C` becomes
/// `{"Fn::GetAtt": ["A", "B.C"]}`.
pub(crate) fn long_form(position: Position, function: &str, argument: Node) -> Node {
    let argument = match (
        function,
        argument.as_text().and_then(|it| it.split_once('.')),
    ) {
        ("Fn::GetAtt", Some((resource, attribute))) => {
            let parts = vec![
                Node::text(argument.position, resource),
                Node::text(argument.position, attribute),
            ];
            Node::list(argument.position, parts)
        }
        _ => argument,
    };
    Node::call(position, function, argument)
}
