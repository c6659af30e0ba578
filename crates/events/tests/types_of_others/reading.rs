//! An event through a type: what comes out is what went in, or what is lost is named.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What of the event is not in what the type writes.
pub(crate) type Check = fn(&Value) -> serde_json::Result<Vec<String>>;

/// Through one type.
pub(crate) fn read_by<T: DeserializeOwned + Serialize>(
    event: &Value,
) -> serde_json::Result<Vec<String>> {
    let read: T = serde_json::from_str(&event.to_string())?;
    let mut lost = Vec::new();
    compare("", event, &serde_json::to_value(read)?, &mut lost);
    Ok(lost)
}

fn compare(path: &str, ours: &Value, theirs: &Value, lost: &mut Vec<String>) {
    match (ours, theirs) {
        // To leave a field out says the same; the types have header names in lower case, and a
        // list of each value of a query.
        (Value::Null, _) => {}
        (Value::Object(ours), Value::Object(theirs)) => {
            for (name, ours) in ours {
                let theirs = theirs
                    .get(name)
                    .or_else(|| theirs.get(&name.to_lowercase()));
                let theirs = theirs.unwrap_or(&Value::Null);
                compare(&format!("{path}.{name}"), ours, theirs, lost);
            }
        }
        (Value::String(_), Value::Array(theirs)) if theirs.len() == 1 => {
            compare(path, ours, &theirs[0], lost);
        }
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => {
            for (ours, theirs) in ours.iter().zip(theirs) {
                compare(&format!("{path}[]"), ours, theirs, lost);
            }
        }
        (ours, theirs) if is_empty(ours) && theirs.is_null() => {}
        (ours, theirs) if ours == theirs || is_same(ours, theirs) => {}
        _ => lost.push(path.to_owned()),
    }
}

fn is_empty(value: &Value) -> bool {
    matches!(value, Value::Object(it) if it.is_empty()) || value == ""
}

/// `2026-01-01T00:00:00Z` and `2026-01-01T00:00:00+00:00`, `1` and `1.0`, `1` and `"1"`.
fn is_same(ours: &Value, theirs: &Value) -> bool {
    let bare = |it: &Value| {
        let text = it.as_str().map_or_else(|| it.to_string(), str::to_owned);
        let text = text.trim_end_matches("+00:00").trim_end_matches("+0000");
        text.trim_end_matches('Z').trim_end_matches(".0").to_owned()
    };
    bare(ours) == bare(theirs)
}
