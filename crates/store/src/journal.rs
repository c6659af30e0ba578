//! The functions table: what was changed in which function, by whom.

use crate::client::{Item, StoreError, failed, read, row, text};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_types::SdkConfig;
use tether_protocol::records::JournalRecord;

/// The functions table.
#[derive(Clone, Debug)]
pub struct Journal {
    client: Client,
    table: String,
}

/// An entry that cannot be read, as far as it says whose it is; empty: it does
/// not.
#[derive(Debug)]
pub struct UnreadableEntry {
    /// The function that it is about.
    pub function_arn: String,
    /// The function's stack.
    pub stack_name: String,
    /// The session that changed the function.
    pub session_id: String,
    /// Why it cannot be read.
    pub reason: String,
}

impl Journal {
    /// The table of this name.
    #[must_use]
    pub fn new(config: &SdkConfig, table: impl Into<String>) -> Self {
        Self {
            client: Client::new(config),
            table: table.into(),
        }
    }

    /// Writes an entry before the function is changed, if what stands there is
    /// still `replaces`; none: if nothing does.
    ///
    /// # Errors
    /// When something else stands there, or the table cannot be reached.
    pub async fn write(
        &self,
        entry: &JournalRecord,
        replaces: Option<&JournalRecord>,
    ) -> Result<(), StoreError> {
        let write = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(row(&self.table, entry)?));
        let write = match replaces {
            None => write.condition_expression("attribute_not_exists(FunctionArn)"),
            Some(replaces) => write
                .condition_expression(SAME)
                .set_expression_attribute_values(Some(values_of(replaces))),
        };
        write
            .send()
            .await
            .map_err(|error| failed(&self.table, &entry.function_arn, error))?;
        Ok(())
    }

    /// Reads a function's entry, consistently.
    ///
    /// # Errors
    /// When the table cannot be reached or the row cannot be read.
    pub async fn read(&self, function_arn: &str) -> Result<Option<JournalRecord>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("FunctionArn", text(function_arn))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| failed(&self.table, function_arn, error))?;
        answer.item.map(|item| read(&self.table, item)).transpose()
    }

    /// All entries; one that cannot be read does not hide the others.
    ///
    /// # Errors
    /// When the table cannot be reached.
    pub async fn all(&self) -> Result<Vec<Result<JournalRecord, UnreadableEntry>>, StoreError> {
        let mut entries = Vec::new();
        let mut pages = self
            .client
            .scan()
            .table_name(&self.table)
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        while let Some(item) = pages.next().await {
            let item = item.map_err(|error| failed(&self.table, "all rows", error))?;
            entries.push(self.entry(item));
        }
        Ok(entries)
    }

    fn entry(&self, item: Item) -> Result<JournalRecord, UnreadableEntry> {
        let words = |name: &str| {
            let value = item.get(name).and_then(|it| it.as_s().ok());
            value.cloned().unwrap_or_default()
        };
        let (function_arn, stack_name, session_id) =
            (words("FunctionArn"), words("StackName"), words("SessionId"));
        read(&self.table, item).map_err(|error| UnreadableEntry {
            function_arn,
            stack_name,
            session_id,
            reason: error.to_string(),
        })
    }

    /// Removes an entry, if it is still this one; none is as good as removed.
    ///
    /// # Errors
    /// When it is another one by now, or the table cannot be reached.
    pub async fn remove(&self, entry: &JournalRecord) -> Result<(), StoreError> {
        self.client
            .delete_item()
            .table_name(&self.table)
            .key("FunctionArn", text(&entry.function_arn))
            .condition_expression(format!("attribute_not_exists(FunctionArn) OR ({SAME})"))
            .set_expression_attribute_values(Some(values_of(entry)))
            .send()
            .await
            .map_err(|error| failed(&self.table, &entry.function_arn, error))?;
        Ok(())
    }
}

/// A session writes the entry of a function anew with a later time only, so the
/// two say which entry it is.
const SAME: &str = "SessionId = :session AND ChangedAt = :changed";

fn values_of(entry: &JournalRecord) -> Item {
    let changed_at = AttributeValue::N(entry.changed_at.0.to_string());
    Item::from([
        (":session".to_owned(), text(entry.session_id.as_str())),
        (":changed".to_owned(), changed_at),
    ])
}
