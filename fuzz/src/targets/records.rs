//! Rows of the tables, and the variable that the bootstrap reads.

use crate::promises::{SECRET, does_not_print, is_harmless, is_written_and_read, texts};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt::Debug;
use tether_protocol::config::{Attachment, CONFIG};
use tether_protocol::records::{HeadRecord, JournalRecord, SessionRecord};
use tether_store::Item;

pub(crate) fn rows_as_json(bytes: &[u8]) {
    for text in texts(bytes) {
        json::<SessionRecord>(&text);
        json::<JournalRecord>(&text);
        if let Some(head) = json::<HeadRecord>(&text) {
            does_not_print(&head.response);
        }
    }
}

fn json<T: Serialize + DeserializeOwned + PartialEq + Debug>(text: &str) -> Option<T> {
    let value = serde_json::from_str::<T>(text).ok()?;
    is_written_and_read(&value, text.len(), |it| serde_json::from_str(it).ok());
    is_stored_and_read(&value);
    Some(value)
}

fn is_stored_and_read<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let item = tether_store::row("Table", value).unwrap();
    let again = tether_store::read::<T>("Table", item).unwrap();
    assert_eq!(&again, value);
}

pub(crate) fn rows_as_items(bytes: &[u8]) {
    for text in texts(bytes) {
        let Ok(Value::Object(members)) = serde_json::from_str(&text) else {
            continue;
        };
        let item = || members.iter().map(|(k, v)| (k.clone(), attribute(v)));
        row::<SessionRecord>(item().collect());
        row::<JournalRecord>(item().collect());
        row::<HeadRecord>(item().collect());
    }
}

/// What a row is found by is said, and no secret.
const KEYS: [&str; 3] = ["FunctionArn", "RequestId", "SessionId"];

fn row<T: Serialize + DeserializeOwned + PartialEq + Debug>(mut item: Item) {
    for key in KEYS {
        if let Some(AttributeValue::S(name)) = item.get_mut(key) {
            *name = name.replace(SECRET, "id");
        }
    }
    match tether_store::read::<T>("Table", item) {
        Ok(value) => is_stored_and_read(&value),
        Err(error) => {
            is_harmless(&error.to_string());
            does_not_print(&error);
        }
    }
}

/// JSON as an attribute; `{"N": "1e9"}` and its like are what DynamoDB's own
/// notation says, so that anything can stand in an item.
fn attribute(value: &Value) -> AttributeValue {
    match value {
        Value::Null => AttributeValue::Null(true),
        Value::Bool(value) => AttributeValue::Bool(*value),
        Value::Number(number) => AttributeValue::N(number.to_string()),
        Value::String(text) => AttributeValue::S(text.clone()),
        Value::Array(items) => AttributeValue::L(items.iter().map(attribute).collect()),
        Value::Object(members) => {
            let mut pairs = members.iter();
            let typed = match (pairs.next(), pairs.next()) {
                (Some((kind, inner)), None) => typed(kind, inner),
                _ => None,
            };
            let map = || members.iter().map(|(k, v)| (k.clone(), attribute(v)));
            typed.unwrap_or_else(|| AttributeValue::M(map().collect()))
        }
    }
}

fn typed(kind: &str, inner: &Value) -> Option<AttributeValue> {
    let text = || inner.as_str().map(str::to_owned);
    let list = || {
        let items = inner.as_array()?.iter();
        Some(items.filter_map(|it| it.as_str().map(str::to_owned)))
    };
    Some(match kind {
        "N" => AttributeValue::N(text()?),
        "B" => AttributeValue::B(Blob::new(text()?)),
        "SS" => AttributeValue::Ss(list()?.collect()),
        "NS" => AttributeValue::Ns(list()?.collect()),
        "BS" => AttributeValue::Bs(list()?.map(Blob::new).collect()),
        "NULL" => AttributeValue::Null(inner.as_bool()?),
        _ => return None,
    })
}

pub(crate) fn config(bytes: &[u8]) {
    for text in texts(bytes) {
        let variable = |name: &str| Some(if name == CONFIG { &text } else { "c=" }.to_owned());
        match Attachment::read(variable) {
            Ok(attachment) => {
                let variables = attachment.variables();
                let again = Attachment::read(|name| variables.get(name).cloned());
                assert_eq!(again.as_ref(), Ok(&attachment));
                let config = &attachment.config;
                is_written_and_read(config, text.len(), |it| serde_json::from_str(it).ok());
            }
            Err(reason) => is_harmless(&reason),
        }
    }
}
