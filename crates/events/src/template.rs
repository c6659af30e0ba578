//! How the files in `sources/` are read.
//!
//! In a text `${name}` is the value of that name, and `${name|filter}` what the filter makes of it
//! (`values.rs` has them). A text that is nothing else becomes what the filter gives: a number, for
//! example. An object with one of these keys alone becomes a text: `$json` is its value as JSON,
//! `$base64` the same in base64, `$gzip` the same compressed before that.

use crate::Error;
use crate::values::filter;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::io::Write as _;

/// The value of a name.
pub(crate) type Names<'a> = dyn Fn(&str) -> Result<String, Error> + 'a;

/// The event.
pub(crate) fn render(template: &Value, names: &Names<'_>) -> Result<Value, Error> {
    match template {
        Value::String(text) => render_text(text, names),
        Value::Array(items) => items.iter().map(|it| render(it, names)).collect(),
        Value::Object(fields) => match packed(fields) {
            Some((how, value)) => pack(how, &render(value, names)?),
            None => render_fields(fields, names),
        },
        other => Ok(other.clone()),
    }
}

fn render_fields(fields: &Map<String, Value>, names: &Names<'_>) -> Result<Value, Error> {
    let fields = fields.iter().map(|(key, value)| {
        let key = match render_text(key, names)? {
            Value::String(key) => key,
            other => other.to_string(),
        };
        Ok((key, render(value, names)?))
    });
    fields
        .collect::<Result<Map<_, _>, Error>>()
        .map(Value::Object)
}

/// The names in it.
pub(crate) fn names_in(template: &Value, found: &mut BTreeSet<String>) {
    match template {
        Value::String(text) => names_in_text(text, found),
        Value::Array(items) => items.iter().for_each(|it| names_in(it, found)),
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            names_in_text(key, found);
            names_in(value, found);
        }),
        _ => {}
    }
}

/// The same, of a text.
pub(crate) fn names_in_text(text: &str, found: &mut BTreeSet<String>) {
    for piece in pieces(text) {
        if let Piece::Placeholder(inside) = piece {
            found.insert(inside.split('|').next().unwrap_or_default().to_owned());
        }
    }
}

fn packed(fields: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (key, value) = fields.iter().next()?;
    let alone = fields.len() == 1 && matches!(key.as_str(), "$json" | "$base64" | "$gzip");
    alone.then_some((key.as_str(), value))
}

fn pack(how: &str, value: &Value) -> Result<Value, Error> {
    let text = value.to_string();
    Ok(match how {
        "$json" => text.into(),
        "$base64" => STANDARD.encode(text).into(),
        _ => STANDARD.encode(gzip(text.as_bytes())?).into(),
    })
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let packed = encoder.write_all(bytes).and_then(|()| encoder.finish());
    packed.map_err(|error| Error::Template(error.to_string()))
}

pub(crate) fn render_text(text: &str, names: &Names<'_>) -> Result<Value, Error> {
    let mut whole = String::new();
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => whole.push_str(text),
            Piece::Placeholder(inside) => {
                let value = value(inside, names)?;
                if inside.len() + "${}".len() == text.len() {
                    return Ok(value);
                }
                match value {
                    Value::String(text) => whole.push_str(&text),
                    other => whole.push_str(&other.to_string()),
                }
            }
        }
    }
    Ok(whole.into())
}

fn value(inside: &str, names: &Names<'_>) -> Result<Value, Error> {
    let mut parts = inside.split('|');
    let name = parts.next().unwrap_or_default();
    let mut value = Value::String(names(name)?);
    for by in parts {
        value = filter(name, by, &value)?;
    }
    Ok(value)
}

enum Piece<'a> {
    Text(&'a str),
    Placeholder(&'a str),
}

fn pieces(mut text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    while let Some((before, rest)) = text.split_once("${") {
        let Some((inside, after)) = rest.split_once('}') else {
            break;
        };
        found.push(Piece::Text(before));
        found.push(Piece::Placeholder(inside));
        text = after;
    }
    found.push(Piece::Text(text));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::io::Read as _;

    fn rendered(template: &Value) -> Value {
        let names = |name: &str| Ok(format!("the {name}"));
        render(template, &names).unwrap()
    }

    #[test]
    fn a_placeholder_is_replaced_wherever_it_stands() {
        let template = json!({"${key}": ["a ${b} and ${c}", "$d", {"e": "${f"}, 1, null]});
        let event = json!({"the key": ["a the b and the c", "$d", {"e": "${f"}, 1, null]});
        assert_eq!(rendered(&template), event);
    }

    #[test]
    fn a_placeholder_alone_keeps_its_type() {
        assert_eq!(rendered(&json!("${it|length}")), 6);
        assert_eq!(rendered(&json!("${it|length} bytes")), "6 bytes");
    }

    #[test]
    fn what_is_packed_can_be_unpacked() {
        let inner = json!({"a": "the b"});
        let template = json!({"a": "${b}"});
        assert_eq!(rendered(&json!({"$json": template})), inner.to_string());
        let unpacked = |text: Value| STANDARD.decode(text.as_str().unwrap()).unwrap();
        let coded = unpacked(rendered(&json!({"$base64": template})));
        assert_eq!(coded, inner.to_string().as_bytes());
        let compressed = unpacked(rendered(&json!({"$gzip": template})));
        let mut text = String::new();
        let mut decoder = flate2::read::GzDecoder::new(compressed.as_slice());
        decoder.read_to_string(&mut text).unwrap();
        assert_eq!(text, inner.to_string());
    }

    #[test]
    fn names_are_found_behind_filters_and_in_keys() {
        let mut found = BTreeSet::new();
        let template = json!({"${a}": {"$json": ["${b|md5}", "x ${c} ${a}"]}});
        names_in(&template, &mut found);
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["a", "b", "c"]);
    }
}
