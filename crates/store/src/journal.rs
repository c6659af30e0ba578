//! The functions table: what was changed in which function, by whom.

use crate::client::{StoreError, failed, read, row, text};
use aws_sdk_dynamodb::Client;
use aws_types::SdkConfig;
use tether_protocol::SessionId;
use tether_protocol::records::JournalRecord;

/// The functions table.
#[derive(Clone, Debug)]
pub struct Journal {
    client: Client,
    table: String,
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

    /// Writes an entry before the function is changed, if there is none or
    /// `replaces` names the session of the one there is.
    ///
    /// # Errors
    /// When another session's entry stands there, or the table cannot be
    /// reached.
    pub async fn write(
        &self,
        entry: &JournalRecord,
        replaces: &SessionId,
    ) -> Result<(), StoreError> {
        self.client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(row(&self.table, entry)?))
            .condition_expression("attribute_not_exists(FunctionArn) OR SessionId = :session")
            .expression_attribute_values(":session", text(replaces.as_str()))
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
    pub async fn all(&self) -> Result<Vec<Result<JournalRecord, StoreError>>, StoreError> {
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
            entries.push(read(&self.table, item));
        }
        Ok(entries)
    }

    /// Removes a function's entry, if it is this session's.
    ///
    /// # Errors
    /// When it is another session's by now, or the table cannot be reached.
    pub async fn remove(&self, function_arn: &str, session: &SessionId) -> Result<(), StoreError> {
        self.client
            .delete_item()
            .table_name(&self.table)
            .key("FunctionArn", text(function_arn))
            .condition_expression("attribute_not_exists(FunctionArn) OR SessionId = :session")
            .expression_attribute_values(":session", text(session.as_str()))
            .send()
            .await
            .map_err(|error| failed(&self.table, function_arn, error))?;
        Ok(())
    }
}
