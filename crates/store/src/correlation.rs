//! The correlation table: one attempt at an invocation, a row.

use crate::client::{Item, StoreError, attribute, failed, number, read, row, text};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::ReturnValue::{self, AllNew};
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld;
use aws_types::SdkConfig;
use std::collections::HashMap;
use tether_protocol::constants::RECORD_KEPT_AFTER_DEADLINE;
use tether_protocol::message::Outcome;
use tether_protocol::records::{HeadRecord, InvocationStatus};
use tether_protocol::{ClaimId, ConnectionId, InvocationKey, SessionId, Timestamp};

/// The correlation table.
#[derive(Clone, Debug)]
pub struct Correlation {
    pub(crate) client: Client,
    pub(crate) table: String,
}

/// Who wants to run an invocation.
#[derive(Clone, Debug)]
pub struct Claim<'a> {
    /// Which attempt.
    pub key: &'a InvocationKey,
    /// The receiver's session.
    pub session: &'a SessionId,
    /// Names this claim.
    pub claim: &'a ClaimId,
    /// When Lambda ends the invocation.
    pub deadline: Timestamp,
}

impl Correlation {
    /// The table of this name.
    #[must_use]
    pub fn new(config: &SdkConfig, table: impl Into<String>) -> Self {
        Self {
            client: Client::new(config),
            table: table.into(),
        }
    }

    /// Creates the record, PENDING, if there is none.
    ///
    /// # Errors
    /// When there is one already, or the table cannot be reached.
    pub async fn create(
        &self,
        key: &InvocationKey,
        session: &SessionId,
        connection: &ConnectionId,
        deadline: Timestamp,
    ) -> Result<(), StoreError> {
        let head = HeadRecord {
            request_id: key.request_id.clone(),
            part: key.head_part(),
            session_id: session.clone(),
            connection_id: Some(connection.clone()),
            status: InvocationStatus::Pending,
            claim_id: None,
            response_code: None,
            response: None,
            content_type: None,
            error: None,
            local_state: None,
            deadline,
            ttl: ttl(deadline),
        };
        self.client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(row(&self.table, &head)?))
            .condition_expression("attribute_not_exists(RequestId)")
            .send()
            .await
            .map_err(|error| failed(&self.table, &key.request_id, error))?;
        Ok(())
    }

    /// Reads the record, consistently.
    ///
    /// # Errors
    /// When the table cannot be reached or the row cannot be read.
    pub async fn read(&self, key: &InvocationKey) -> Result<Option<HeadRecord>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(item_key(key)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| failed(&self.table, &key.request_id, error))?;
        answer.item.map(|item| read(&self.table, item)).transpose()
    }

    /// PENDING or missing → ACCEPTED under this claim. A retry that finds its
    /// own claim has won.
    ///
    /// # Errors
    /// When somebody else was first, or the table cannot be reached.
    pub async fn claim(&self, claim: &Claim<'_>) -> Result<(), StoreError> {
        self.take(claim, "ACCEPTED").await
    }

    /// PENDING or missing → DECLINED.
    ///
    /// # Errors
    /// When somebody else was first, or the table cannot be reached.
    pub async fn decline(&self, claim: &Claim<'_>) -> Result<(), StoreError> {
        self.take(claim, "DECLINED").await
    }

    async fn take(&self, claim: &Claim<'_>, status: &str) -> Result<(), StoreError> {
        let set = "SET #Status = :status, ClaimId = :claim, SessionId = :session, \
                   Deadline = :deadline, #TTL = :ttl";
        let condition = "attribute_not_exists(#Status) \
                         OR (#Status = :pending AND SessionId = :session) \
                         OR (#Status = :status AND ClaimId = :claim)";
        let values = HashMap::from([
            (":status".into(), text(status)),
            (":pending".into(), text("PENDING")),
            (":claim".into(), text(claim.claim.as_str())),
            (":session".into(), text(claim.session.as_str())),
            (":deadline".into(), number(claim.deadline.0)),
            (":ttl".into(), number(ttl(claim.deadline))),
        ]);
        // One try for each call: of several, only the last would be told, and an
        // earlier one may stand. Whoever claims tries again.
        let once = aws_sdk_dynamodb::config::Builder::new()
            .retry_config(aws_sdk_dynamodb::config::retry::RetryConfig::disabled());
        let update = self.updating(claim.key, set, condition, values);
        let updated = update.customize().config_override(once).send().await;
        updated
            .map(drop)
            .map_err(|error| failed(&self.table, &claim.key.request_id, error))
    }

    /// PENDING or missing → ABANDONED: nobody may claim it any more. The
    /// record stays until its TTL, as a mark for a laptop that wakes up.
    ///
    /// # Errors
    /// When it is not pending, or the table cannot be reached.
    pub async fn abandon(
        &self,
        key: &InvocationKey,
        session: &SessionId,
        deadline: Timestamp,
    ) -> Result<(), StoreError> {
        let set =
            "SET #Status = :abandoned, SessionId = :session, Deadline = :deadline, #TTL = :ttl";
        let condition = "attribute_not_exists(#Status) OR #Status IN (:pending, :abandoned)";
        let values = HashMap::from([
            (":abandoned".into(), text("ABANDONED")),
            (":pending".into(), text("PENDING")),
            (":session".into(), text(session.as_str())),
            (":deadline".into(), number(deadline.0)),
            (":ttl".into(), number(ttl(deadline))),
        ]);
        self.update(key, set, condition, values).await
    }

    /// ACCEPTED → EXPIRED: a reply comes too late from now on. The record as it
    /// is then, if it can be read: it may say what the laptop was doing.
    ///
    /// # Errors
    /// When it is not accepted, or the table cannot be reached.
    pub async fn expire(&self, key: &InvocationKey) -> Result<Option<HeadRecord>, StoreError> {
        let values = HashMap::from([
            (":expired".into(), text("EXPIRED")),
            (":accepted".into(), text("ACCEPTED")),
        ]);
        let condition = "#Status IN (:accepted, :expired)";
        let expired = self
            .changed(key, "SET #Status = :expired", condition, values, AllNew)
            .await?;
        Ok(expired.and_then(|item| read(&self.table, item).ok()))
    }

    /// Writes beside ACCEPTED what the handler is doing, in words: its time is
    /// nearly up, and the caller will be told.
    ///
    /// # Errors
    /// When the claim is not the record's any more, or the table cannot be
    /// reached.
    pub async fn tell(
        &self,
        key: &InvocationKey,
        claim: &ClaimId,
        state: &str,
    ) -> Result<(), StoreError> {
        let values = HashMap::from([
            (":accepted".into(), text("ACCEPTED")),
            (":claim".into(), text(claim.as_str())),
            (":state".into(), text(state)),
        ]);
        let condition = "#Status = :accepted AND ClaimId = :claim";
        self.update(key, "SET LocalState = :state", condition, values)
            .await
    }

    /// ACCEPTED → COMPLETED or FAILED, if the session and the claim are the
    /// record's own. A retry finds its own answer and has won.
    ///
    /// # Errors
    /// When they are not, or the table cannot be reached.
    pub async fn answer(
        &self,
        key: &InvocationKey,
        session: &SessionId,
        claim: &ClaimId,
        outcome: &Outcome,
    ) -> Result<(), StoreError> {
        let mut set =
            "SET #Status = :status, ResponseCode = :code, #Response = :response".to_owned();
        let mut values: Item = HashMap::from([
            (":session".into(), text(session.as_str())),
            (":claim".into(), text(claim.as_str())),
            (":accepted".into(), text("ACCEPTED")),
        ]);
        let (status, code, payload, extra) = match outcome {
            Outcome::Completed {
                payload,
                content_type,
            } => {
                let extra = content_type.as_deref().map(|it| ("ContentType", it));
                ("COMPLETED", 200, payload, extra)
            }
            Outcome::Failed {
                payload,
                error_type,
            } => (
                "FAILED",
                500,
                payload,
                error_type.as_deref().map(|it| ("#Error", it)),
            ),
        };
        values.insert(":status".into(), text(status));
        values.insert(":code".into(), number(code));
        values.insert(":response".into(), attribute(&self.table, payload)?);
        if let Some((name, value)) = extra {
            set.push_str(", ");
            set.push_str(name);
            set.push_str(" = :extra");
            values.insert(":extra".into(), text(value));
        }
        let condition =
            "SessionId = :session AND ClaimId = :claim AND #Status IN (:accepted, :status)";
        self.update(key, &set, condition, values).await
    }

    /// Removes the record at the end of an invocation.
    ///
    /// # Errors
    /// When the table cannot be reached; the record's TTL ends it then.
    pub async fn remove(&self, key: &InvocationKey) -> Result<(), StoreError> {
        self.remove_item(key, item_key(key)).await
    }

    pub(crate) async fn remove_item(
        &self,
        key: &InvocationKey,
        item: Item,
    ) -> Result<(), StoreError> {
        self.client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(item))
            .send()
            .await
            .map_err(|error| failed(&self.table, &key.request_id, error))?;
        Ok(())
    }

    async fn update(
        &self,
        key: &InvocationKey,
        set: &str,
        condition: &str,
        values: Item,
    ) -> Result<(), StoreError> {
        let nothing = ReturnValue::None;
        self.changed(key, set, condition, values, nothing)
            .await
            .map(drop)
    }

    /// The row after an update, if it is asked for.
    async fn changed(
        &self,
        key: &InvocationKey,
        set: &str,
        condition: &str,
        values: Item,
        wanted: ReturnValue,
    ) -> Result<Option<Item>, StoreError> {
        let answer = self
            .updating(key, set, condition, values)
            .return_values(wanted)
            .send()
            .await
            .map_err(|error| failed(&self.table, &key.request_id, error))?;
        Ok(answer.attributes)
    }

    fn updating(
        &self,
        key: &InvocationKey,
        set: &str,
        condition: &str,
        values: Item,
    ) -> UpdateItemFluentBuilder {
        let mut names = HashMap::new();
        for name in ["Status", "TTL", "Response", "Error"] {
            let placeholder = format!("#{name}");
            if set.contains(&placeholder) || condition.contains(&placeholder) {
                names.insert(placeholder, name.to_owned());
            }
        }
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(item_key(key)))
            .update_expression(set)
            .condition_expression(condition)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
            .return_values_on_condition_check_failure(AllOld)
    }
}

fn item_key(key: &InvocationKey) -> Item {
    HashMap::from([
        ("RequestId".to_owned(), text(&key.request_id)),
        ("Part".to_owned(), text(key.head_part())),
    ])
}

pub(crate) fn ttl(deadline: Timestamp) -> u64 {
    deadline.plus(RECORD_KEPT_AFTER_DEADLINE).seconds()
}
