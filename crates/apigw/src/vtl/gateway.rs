//! `$input` and `$util`
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html>).

use super::VtlError;
use super::json_path::JsonPath;
use super::value::Value;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use indexmap::IndexMap;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value as Json;

/// What Java's `URLEncoder` leaves as it is.
const URL_ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'.')
    .remove(b'-')
    .remove(b'*')
    .remove(b'_');

/// `$input`: a body, and a request's parameters.
#[derive(Debug, Clone)]
pub(crate) struct Input {
    text: String,
    /// What is no JSON is a text `[inf]`, and no body an empty object.
    json: Json,
    /// `{path, querystring, header}`
    params: Value,
}

impl Input {
    pub(crate) fn new(text: String, params: Value) -> Self {
        let json = match text.trim().is_empty() {
            true => Json::Object(serde_json::Map::new()),
            false => serde_json::from_str(&text).unwrap_or_else(|_| Json::String(text.clone())),
        };
        Self { text, json, params }
    }

    pub(super) fn property(&self, name: &str) -> Option<Value> {
        match name {
            "body" if self.text.is_empty() => Some(Value::from("{}")),
            "body" => Some(Value::from(self.text.as_str())),
            _ => None,
        }
    }

    pub(super) fn call(&self, name: &str, args: &[Value]) -> Result<Value, VtlError> {
        match (name, args) {
            ("params", []) => Ok(self.params.clone()),
            ("params", [name]) => Ok(self.param(&name.text())),
            ("path", [path]) => Ok(self.find(path)?.map_or(Value::Null, Value::from)),
            ("json", [path]) => {
                let found = self
                    .find(path)?
                    .unwrap_or_else(|| Json::String(String::new()));
                Ok(Value::Text(found.to_string()))
            }
            _ => Err(VtlError::Unknown(format!("$input has no method {name}"))),
        }
    }

    /// Of the path, then the query, then the headers; empty if it is in none.
    fn param(&self, name: &str) -> Value {
        let mut places = ["path", "querystring"].into_iter();
        let found = places.find_map(|place| self.params.get(place)?.get(name));
        let found = found.or_else(|| match self.params.get("header") {
            Some(Value::Map(headers)) => {
                let mut headers = headers.iter();
                let found = headers.find(|(other, _)| other.eq_ignore_ascii_case(name));
                found.map(|(_, value)| value)
            }
            _ => None,
        });
        found.cloned().unwrap_or_else(|| Value::from(""))
    }

    fn find(&self, path: &Value) -> Result<Option<Json>, VtlError> {
        let text = path.text();
        let failed = |error| VtlError::Path(text.clone(), error);
        JsonPath::parse(&text)
            .map_err(failed)?
            .find(&self.json)
            .map_err(failed)
    }
}

/// `$util`
pub(super) fn util(name: &str, args: &[Value]) -> Result<Value, VtlError> {
    let [value] = args else {
        return Err(VtlError::Unknown(format!(
            "$util.{name} takes one argument"
        )));
    };
    let text = match value {
        Value::Null => String::new(),
        // What is no text is JSON here, and not what Java prints.
        Value::Map(_) | Value::List(_) => value.json().to_string(),
        value => value.text(),
    };
    Ok(match name {
        "escapeJavaScript" if *value == Value::Null => Value::Null,
        "escapeJavaScript" => Value::Text(escape(&text)),
        "parseJson" => {
            let json: Json = serde_json::from_str(&text).map_err(|_| VtlError::NotJson)?;
            Value::from(json)
        }
        "urlEncode" => {
            let encoded = utf8_percent_encode(&text, URL_ENCODED).to_string();
            Value::Text(encoded.replace("%20", "+"))
        }
        "urlDecode" => {
            let spaced = text.replace('+', " ");
            Value::Text(percent_decode_str(&spaced).decode_utf8_lossy().into_owned())
        }
        "base64Encode" => Value::Text(STANDARD.encode(text)),
        "base64Decode" => {
            let bytes = STANDARD.decode(text.trim()).map_err(|_| {
                VtlError::Unknown("$util.base64Decode was given what is no base64".to_owned())
            })?;
            Value::Text(String::from_utf8_lossy(&bytes).into_owned())
        }
        _ => return Err(VtlError::Unknown(format!("$util has no method {name}"))),
    })
}

/// As Java's `StringEscapeUtils.escapeJavaScript`: quotes of both kinds, backslashes, slashes, and
/// everything that is not ASCII. AWS documents that `\'` is no JSON, and to replace it.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\'' | '"' | '\\' | '/' => out.extend(['\\', letter]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(letter),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04X}"));
                }
            }
        }
    }
    out
}

/// `{path, querystring, header}` of what each holds.
pub(crate) fn params(path: Json, querystring: Json, header: Json) -> Value {
    let places = [
        ("path", path),
        ("querystring", querystring),
        ("header", header),
    ];
    let places = places.into_iter();
    Value::Map(
        places
            .map(|(name, json)| (name.to_owned(), Value::from(json)))
            .collect::<IndexMap<_, _>>(),
    )
}
