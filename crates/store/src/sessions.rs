//! The sessions table.

use crate::client::{Item, StoreError, failed, number, read, row, text};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_types::SdkConfig;
use std::collections::HashMap;
use tether_protocol::constants::{LEASE, SESSION_KEPT_AFTER_LEASE};
use tether_protocol::records::SessionRecord;
use tether_protocol::{ConnectionId, SessionId, Timestamp};

/// The sessions table.
#[derive(Clone, Debug)]
pub struct Sessions {
    client: Client,
    table: String,
}

impl Sessions {
    /// The table of this name.
    #[must_use]
    pub fn new(config: &SdkConfig, table: impl Into<String>) -> Self {
        Self {
            client: Client::new(config),
            table: table.into(),
        }
    }

    /// Writes a new session.
    ///
    /// # Errors
    /// When the id is taken, or the table cannot be reached.
    pub async fn create(&self, session: &SessionRecord) -> Result<(), StoreError> {
        self.client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(row(&self.table, session)?))
            .condition_expression("attribute_not_exists(SessionId)")
            .send()
            .await
            .map_err(|error| failed(&self.table, session.session_id.as_str(), error))?;
        Ok(())
    }

    /// Reads a session, consistently.
    ///
    /// # Errors
    /// When the table cannot be reached or the row cannot be read.
    pub async fn read(&self, id: &SessionId) -> Result<Option<SessionRecord>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("SessionId", text(id.as_str()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| failed(&self.table, id.as_str(), error))?;
        answer.item.map(|item| read(&self.table, item)).transpose()
    }

    /// The sessions of a stack; eventually consistent, it finds and does not
    /// decide. One that cannot be read does not hide the others.
    ///
    /// # Errors
    /// When the table cannot be reached.
    pub async fn of_stack(
        &self,
        stack_name: &str,
    ) -> Result<Vec<Result<SessionRecord, StoreError>>, StoreError> {
        let mut sessions = Vec::new();
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("StackNameIndex")
            .key_condition_expression("StackName = :stack")
            .expression_attribute_values(":stack", text(stack_name))
            .into_paginator()
            .items()
            .send();
        while let Some(item) = pages.next().await {
            let item = item.map_err(|error| failed(&self.table, stack_name, error))?;
            sessions.push(read(&self.table, item));
        }
        Ok(sessions)
    }

    /// PENDING, DISCONNECTED or ACTIVE elsewhere → ACTIVE on this connection, which
    /// was opened then: a write that was late does not bring an older one back.
    ///
    /// # Errors
    /// When the session is closed, void or on a later connection, or the table
    /// cannot be reached.
    pub async fn activate(
        &self,
        id: &SessionId,
        connection: &ConnectionId,
        connected_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let condition = "attribute_exists(SessionId) AND #Status <> :closed AND #TTL > :now \
                         AND (attribute_not_exists(ConnectedAt) OR ConnectedAt <= :connected)";
        let set = "SET #Status = :active, ConnectionId = :connection, \
                   ConnectedAt = :connected, LeaseUntil = :lease, #TTL = :ttl";
        let mut values = lease(now);
        values.insert(":connection".into(), text(connection.as_str()));
        values.insert(":active".into(), text("ACTIVE"));
        values.insert(":closed".into(), text("CLOSED"));
        values.insert(":now".into(), number(now.seconds()));
        values.insert(":connected".into(), number(connected_at.0));
        self.update(id, set, condition, values).await
    }

    /// Renews the lease of the session that this connection carries.
    ///
    /// # Errors
    /// When the session is not active on this connection any more, or the
    /// table cannot be reached.
    pub async fn renew(
        &self,
        id: &SessionId,
        connection: &ConnectionId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let condition = "#Status = :active AND ConnectionId = :connection";
        let mut values = lease(now);
        values.insert(":connection".into(), text(connection.as_str()));
        values.insert(":active".into(), text("ACTIVE"));
        self.update(
            id,
            "SET LeaseUntil = :lease, #TTL = :ttl",
            condition,
            values,
        )
        .await
    }

    /// ACTIVE → DISCONNECTED, if the connection is still its own.
    ///
    /// # Errors
    /// When it is not, or the table cannot be reached.
    pub async fn disconnect(
        &self,
        id: &SessionId,
        connection: &ConnectionId,
    ) -> Result<(), StoreError> {
        let values = HashMap::from([
            (":connection".into(), text(connection.as_str())),
            (":active".into(), text("ACTIVE")),
            (":gone".into(), text("DISCONNECTED")),
        ]);
        let condition = "#Status = :active AND ConnectionId = :connection";
        self.update(id, "SET #Status = :gone", condition, values)
            .await
    }

    /// → CLOSED, for good.
    ///
    /// # Errors
    /// When there is no such session, or the table cannot be reached.
    pub async fn close(&self, id: &SessionId) -> Result<(), StoreError> {
        let values = HashMap::from([(":closed".into(), text("CLOSED"))]);
        let condition = "attribute_exists(SessionId)";
        self.update(id, "SET #Status = :closed", condition, values)
            .await
    }

    async fn update(
        &self,
        id: &SessionId,
        set: &str,
        condition: &str,
        values: Item,
    ) -> Result<(), StoreError> {
        let mut names = HashMap::new();
        for (placeholder, name) in [("#Status", "Status"), ("#TTL", "TTL")] {
            if set.contains(placeholder) || condition.contains(placeholder) {
                names.insert(placeholder.to_owned(), name.to_owned());
            }
        }
        self.client
            .update_item()
            .table_name(&self.table)
            .key("SessionId", text(id.as_str()))
            .update_expression(set)
            .condition_expression(condition)
            .set_expression_attribute_names((!names.is_empty()).then_some(names))
            .set_expression_attribute_values(Some(values))
            .send()
            .await
            .map_err(|error| failed(&self.table, id.as_str(), error))?;
        Ok(())
    }
}

fn lease(now: Timestamp) -> HashMap<String, AttributeValue> {
    let until = now.plus(LEASE);
    HashMap::from([
        (":lease".to_owned(), number(until.0)),
        (
            ":ttl".to_owned(),
            number(until.plus(SESSION_KEPT_AFTER_LEASE).seconds()),
        ),
    ])
}
