//! What targets promise.

use serde::Serialize;
use serde_json::Value;
use std::fmt::Debug;

/// Stands for every secret: nothing that is printed may hold it.
pub(crate) const SECRET: &str = "hunter2";

/// Names whose values are words of ours, and not content.
const TAGS: [&str; 4] = ["type", "status", "action", "state"];

/// A refusal is one line, and quotes nothing of what it refuses.
pub(crate) fn is_harmless(said: &str) {
    assert!(!said.contains(SECRET), "it prints a secret: {said}");
    assert!(said.len() < 400, "{} bytes: {said}", said.len());
}

/// Nothing secret is printed by `Debug`.
pub(crate) fn does_not_print(value: &impl Debug) {
    let printed = format!("{value:?}");
    assert!(!printed.contains(SECRET), "it prints a secret: {printed}");
}

/// What is written is read again as the same value, and is not much larger than
/// what it was read from.
pub(crate) fn is_written_and_read<T>(value: &T, length: usize, read: impl Fn(&str) -> Option<T>)
where
    T: Serialize + PartialEq + Debug,
{
    let written = serde_json::to_string(value).unwrap();
    assert!(
        written.len() <= 2 * length + 512,
        "{} bytes became {}",
        length,
        written.len()
    );
    let again = read(&written);
    assert_eq!(again.as_ref(), Some(value), "{written}");
}

/// The input, and the same with a secret in place of every text.
pub(crate) fn texts(bytes: &[u8]) -> Vec<String> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return vec![];
    };
    let mut texts = vec![text.to_owned()];
    if let Ok(mut value) = serde_json::from_str::<Value>(text) {
        plant(&mut value);
        texts.push(value.to_string());
    }
    texts
}

fn plant(value: &mut Value) {
    match value {
        Value::String(text) => SECRET.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(plant),
        Value::Object(members) => {
            for (name, value) in members.iter_mut() {
                if !TAGS.contains(&name.to_lowercase().as_str()) {
                    plant(value);
                }
            }
        }
        _ => {}
    }
}
