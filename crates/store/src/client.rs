//! What the tables have in common.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use tether_aws::{Failure, classify};
use tether_protocol::Secret;
use tether_protocol::reading::harmless;

/// A row as DynamoDB has it.
pub type Item = HashMap<String, AttributeValue>;

/// A table said no, or said nothing.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The condition did not hold.
    #[error("{table} holds something else for {what} by now")]
    Condition {
        /// Which table.
        table: String,
        /// Which row.
        what: String,
        /// The row, as it is: a payload may stand in it.
        row: Option<Secret<Box<Item>>>,
    },
    /// The call failed.
    #[error("{}", said(table, failure))]
    Call {
        /// Which table.
        table: String,
        /// How.
        failure: Failure,
    },
    /// A row that is not what this version writes.
    #[error(
        "{table} holds a row that tether cannot read ({reason}): it was edited by hand, or written by another version"
    )]
    Row {
        /// Which table.
        table: String,
        /// Why.
        reason: String,
    },
}

impl StoreError {
    /// The condition did not hold: somebody else was first.
    #[must_use]
    pub fn is_condition(&self) -> bool {
        matches!(self, Self::Condition { .. })
    }

    /// The same call may well succeed in a moment.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Call { failure, .. } if failure.is_passing())
    }

    /// The right that is missing, in a line; none: it is something else.
    #[must_use]
    pub fn missing_right(&self) -> Option<String> {
        match self {
            Self::Call { failure, .. } => failure.denial().map(|it| it.to_string()),
            _ => None,
        }
    }

    /// The write may stand all the same.
    #[must_use]
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(self, Self::Call { failure, .. } if failure.outcome_unknown)
    }
}

fn said(table: &str, failure: &Failure) -> String {
    match failure.denial() {
        // It names the table.
        Some(missing) => missing.to_string(),
        None => format!("{table} could not be reached: {failure}"),
    }
}

/// Reads an SDK error of a conditional write.
pub(crate) fn failed<E>(table: &str, what: &str, error: SdkError<E, HttpResponse>) -> StoreError
where
    E: aws_sdk_dynamodb::error::ProvideErrorMetadata + std::error::Error + 'static,
    E: ConditionFailed,
{
    let row = match &error {
        SdkError::ServiceError(inner) => inner.err().row(),
        _ => None,
    };
    match row {
        Some(row) => StoreError::Condition {
            table: table.to_owned(),
            what: what.to_owned(),
            row: row.cloned().map(|it| Secret::new(Box::new(it))),
        },
        None => StoreError::Call {
            table: table.to_owned(),
            failure: classify(&error),
        },
    }
}

/// Errors that may say that a condition did not hold, with the row as it is.
pub(crate) trait ConditionFailed {
    fn row(&self) -> Option<Option<&Item>>;
}

macro_rules! condition_failed {
    ($($path:path),*) => {$(
        impl ConditionFailed for $path {
            fn row(&self) -> Option<Option<&Item>> {
                match self {
                    Self::ConditionalCheckFailedException(it) => Some(it.item()),
                    _ => None,
                }
            }
        }
    )*};
}
condition_failed!(
    aws_sdk_dynamodb::operation::put_item::PutItemError,
    aws_sdk_dynamodb::operation::update_item::UpdateItemError,
    aws_sdk_dynamodb::operation::delete_item::DeleteItemError
);

macro_rules! never_conditional {
    ($($path:path),*) => {$(
        impl ConditionFailed for $path {
            fn row(&self) -> Option<Option<&Item>> {
                None
            }
        }
    )*};
}
never_conditional!(
    aws_sdk_dynamodb::operation::get_item::GetItemError,
    aws_sdk_dynamodb::operation::query::QueryError,
    aws_sdk_dynamodb::operation::scan::ScanError
);

/// Reads a row.
///
/// # Errors
/// When it is not one, without a word of its content: payloads and variables of
/// functions stand in rows.
pub fn read<T: DeserializeOwned>(table: &str, item: Item) -> Result<T, StoreError> {
    let what = KEYS.iter().find_map(|key| item.get(*key)?.as_s().ok());
    let what = what.map_or(String::new(), |it| {
        it.escape_debug().take(KEY_SHOWN).collect()
    });
    serde_dynamo::from_item(item).map_err(|error: serde_dynamo::Error| {
        let error = error.to_string();
        let reason = harmless(&error);
        StoreError::Row {
            table: table.to_owned(),
            reason: if what.is_empty() {
                reason.to_owned()
            } else {
                format!("{what}: {reason}")
            },
        }
    })
}

/// An ARN is shorter; more than this was written by a hand.
const KEY_SHOWN: usize = 200;

/// What rows are found by, in the order in which they say which row it is.
const KEYS: [&str; 3] = ["FunctionArn", "RequestId", "SessionId"];

/// Writes a row.
///
/// # Errors
/// When the value is no map.
pub fn row<T: serde::Serialize>(table: &str, value: &T) -> Result<Item, StoreError> {
    serde_dynamo::to_item(value).map_err(|error| StoreError::Row {
        table: table.to_owned(),
        reason: error.to_string(),
    })
}

/// Writes one attribute.
pub(crate) fn attribute<T: serde::Serialize>(
    table: &str,
    value: &T,
) -> Result<AttributeValue, StoreError> {
    serde_dynamo::to_attribute_value(value).map_err(|error| StoreError::Row {
        table: table.to_owned(),
        reason: error.to_string(),
    })
}

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use tether_protocol::records::{HeadRecord, SessionRecord};

    #[test]
    fn a_row_edited_by_hand_is_refused_without_its_content() {
        let payload = HashMap::from([("hunter2".to_owned(), text("hunter2"))]);
        for (name, value) in [
            ("TTL", AttributeValue::N("hunter2".to_owned())),
            ("TTL", text("hunter2")),
            ("Status", text("hunter2")),
            ("Response", AttributeValue::M(payload)),
        ] {
            let item = Item::from([
                ("RequestId".to_owned(), text("r-1")),
                ("Part".to_owned(), text("n#head")),
                (name.to_owned(), value),
            ]);
            let said = read::<HeadRecord>("Debugger", item)
                .unwrap_err()
                .to_string();
            assert!(said.contains("cannot read"), "{said}");
            assert!(!said.contains("hunter2"), "{name}: {said}");
        }
        let said = read::<SessionRecord>("Sessions", Item::new()).unwrap_err();
        assert!(said.to_string().contains("missing field"), "{said}");
    }
}
