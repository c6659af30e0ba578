//! `InputTransformer`: paths with names, and a template that they are put into.

use super::EventRule;
use super::path::Path;
use indexmap::IndexMap;
use serde_json::Value;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Transformer {
    paths: IndexMap<String, Path>,
    template: Vec<Piece>,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// `<name>`; whether it stands within a string.
    Variable {
        name: String,
        quoted: bool,
    },
}

/// What is there without a path.
const RESERVED: [&str; 5] = [
    "aws.events.rule-arn",
    "aws.events.rule-name",
    "aws.events.event",
    "aws.events.event.json",
    "aws.events.event.ingestion-time",
];

const MAP: &str = "InputTransformer.InputPathsMap";
const TEMPLATE: &str = "InputTransformer.InputTemplate";

impl Transformer {
    /// The property that is wrong, and why.
    pub(super) fn of(transformer: &Value) -> Result<Self, (String, String)> {
        let map = transformer.get("InputPathsMap").and_then(Value::as_object);
        let mut paths = IndexMap::new();
        for (name, path) in map.into_iter().flatten() {
            let at = |why: String| (format!("{MAP}.{name}"), why);
            if name.starts_with("aws.") || name.starts_with("AWS.") {
                return Err(at("names that begin with AWS. are AWS's own".to_owned()));
            }
            let path = path.as_str().unwrap_or_default();
            paths.insert(name.clone(), Path::parse(path).map_err(at)?);
        }
        let Some(template) = transformer.get("InputTemplate").and_then(Value::as_str) else {
            let property = "InputTransformer".to_owned();
            return Err((property, "it has no InputTemplate".to_owned()));
        };
        let is_known = |name: &str| paths.contains_key(name) || RESERVED.contains(&name);
        let template = pieces(template);
        let unknown = template.iter().find_map(|piece| match piece {
            Piece::Variable { name, .. } if !is_known(name) => Some(name),
            _ => None,
        });
        match unknown {
            Some(name) => {
                let why = format!("<{name}> is not one of InputPathsMap, and none of AWS's own");
                Err((TEMPLATE.to_owned(), why))
            }
            None => Ok(Self { paths, template }),
        }
    }

    pub(super) fn apply(&self, event: &Value, rule: EventRule<'_>) -> Result<String, String> {
        let mut made = String::new();
        for piece in &self.template {
            match piece {
                Piece::Text(text) => made.push_str(text),
                Piece::Variable { name, quoted } => {
                    put(&mut made, self.value(name, event, rule), *quoted);
                }
            }
        }
        // It is written without spaces that nobody needs.
        let minified = serde_json::from_str::<Value>(&made).map(|it| it.to_string());
        minified.map_err(|error| {
            format!(
                "what its InputTemplate makes is no JSON ({error}): text needs quotes, and \
                 whatever is no text must not stand in them"
            )
        })
    }

    /// None: the event has nothing there.
    fn value(&self, name: &str, event: &Value, rule: EventRule<'_>) -> Option<Value> {
        match name {
            "aws.events.rule-arn" => Some(rule.arn.into()),
            "aws.events.rule-name" => Some(rule.name.into()),
            "aws.events.event.json" => Some(event.clone()),
            "aws.events.event" => {
                let mut event = event.clone();
                if let Some(members) = event.as_object_mut() {
                    members.shift_remove("detail");
                }
                Some(event)
            }
            // A scheduled event comes when it is made.
            "aws.events.event.ingestion-time" => event.get("time").cloned(),
            name => self.paths.get(name)?.find(event),
        }
    }
}

/// Text gets the quotes that it needs; within others it stands as it is, and so do objects,
/// without the quotes in them. What is not there is an empty text.
fn put(made: &mut String, value: Option<Value>, quoted: bool) {
    let value = value.unwrap_or_else(|| Value::String(String::new()));
    match (value, quoted) {
        (Value::String(text), true) => made.push_str(&text),
        (Value::String(text), false) => {
            made.push('"');
            made.push_str(&text);
            made.push('"');
        }
        (other, true) => made.push_str(&other.to_string().replace('"', "")),
        (other, false) => made.push_str(&other.to_string()),
    }
}

fn pieces(template: &str) -> Vec<Piece> {
    let (mut pieces, mut text) = (Vec::new(), String::new());
    let (mut quoted, mut escaped) = (false, false);
    let mut rest = template;
    while let Some(next) = rest.chars().next() {
        if let Some((name, after)) = variable(rest) {
            pieces.push(Piece::Text(std::mem::take(&mut text)));
            let name = name.to_owned();
            pieces.push(Piece::Variable { name, quoted });
            rest = after;
            continue;
        }
        quoted ^= next == '"' && !escaped;
        escaped = next == '\\' && !escaped;
        text.push(next);
        rest = rest.get(next.len_utf8()..).unwrap_or_default();
    }
    pieces.push(Piece::Text(text));
    pieces
}

/// `<name>` at the beginning, and what follows it.
fn variable(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.strip_prefix('<')?.split_once('>')?;
    let known = |it: char| it.is_alphanumeric() || matches!(it, '-' | '_' | '.' | '/');
    (!name.is_empty() && name.chars().all(known)).then_some((name, rest))
}
