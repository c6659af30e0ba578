//! Rights on the correlation table, tried before anything depends on them: a
//! right that is missing after an event has left would cost the invocation.

use crate::client::{Item, StoreError, failed, text};
use crate::correlation::Correlation;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem, Update};
use std::collections::HashMap;
use tether_protocol::rights::NOBODY;

/// What somebody wants to do with records and chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// `dynamodb:GetItem`
    Read,
    /// `dynamodb:PutItem`
    Create,
    /// `dynamodb:UpdateItem`
    Change,
    /// `dynamodb:DeleteItem`
    Remove,
}

/// All of them.
pub const EVERY_RIGHT: [Right; 4] = [Right::Read, Right::Create, Right::Change, Right::Remove];

/// Never holds, so that nothing is written.
const NEVER: &str = "attribute_exists(RequestId) AND attribute_not_exists(RequestId)";

impl Correlation {
    /// Tries whether AWS lets us: by a read of nothing, and a transaction whose
    /// conditions never hold. A transaction needs the rights of what is in it
    /// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html>).
    ///
    /// # Errors
    /// When AWS says that one is missing. Whatever else goes wrong shows nothing,
    /// and is no error.
    pub async fn try_rights(&self, rights: &[Right]) -> Result<(), StoreError> {
        // One after the other: a second connection would cost more than it saves.
        if rights.contains(&Right::Read) {
            self.try_reading().await?;
        }
        self.try_writing(rights).await
    }

    async fn try_reading(&self) -> Result<(), StoreError> {
        let read = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key(&nobody(), "read")))
            .send()
            .await;
        match read {
            Ok(_) => Ok(()),
            Err(error) => denied(failed(&self.table, NOBODY, error)),
        }
    }

    async fn try_writing(&self, rights: &[Right]) -> Result<(), StoreError> {
        let nobody = nobody();
        let writes = rights
            .iter()
            .filter_map(|right| self.write(*right, &nobody));
        let Ok(writes) = writes.collect::<Result<Vec<_>, _>>() else {
            return Ok(());
        };
        if writes.is_empty() {
            return Ok(());
        }
        let written = self
            .client
            .transact_write_items()
            .set_transact_items(Some(writes))
            .send()
            .await;
        match written {
            Ok(_) => Ok(()),
            Err(error) => denied(StoreError::Call {
                table: self.table.clone(),
                failure: tether_aws::classify(&error),
            }),
        }
    }

    /// Each on a row of its own: a transaction may touch a row once.
    fn write(&self, right: Right, nobody: &str) -> Option<Result<TransactWriteItem, BuildError>> {
        let item = TransactWriteItem::builder();
        let built = match right {
            Right::Read => return None,
            Right::Create => Put::builder()
                .table_name(&self.table)
                .set_item(Some(key(nobody, "create")))
                .condition_expression(NEVER)
                .build()
                .map(|it| item.put(it)),
            Right::Change => Update::builder()
                .table_name(&self.table)
                .set_key(Some(key(nobody, "change")))
                .update_expression("SET SessionId = :nobody")
                .condition_expression(NEVER)
                .expression_attribute_values(":nobody", text(NOBODY))
                .build()
                .map(|it| item.update(it)),
            Right::Remove => Delete::builder()
                .table_name(&self.table)
                .set_key(Some(key(nobody, "remove")))
                .condition_expression(NEVER)
                .build()
                .map(|it| item.delete(it)),
        };
        Some(built.map(aws_sdk_dynamodb::types::builders::TransactWriteItemBuilder::build))
    }
}

/// Another one each time: a partition takes 1,000 writes a second, and many
/// environments may start at once.
fn nobody() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let nanos = since.map_or(0, |it| it.as_nanos());
    format!("{NOBODY}-{nanos:x}-{}", std::process::id())
}

fn key(request: &str, part: &str) -> Item {
    HashMap::from([
        ("RequestId".to_owned(), text(request)),
        ("Part".to_owned(), text(part)),
    ])
}

/// Only what says that a right is missing.
fn denied(error: StoreError) -> Result<(), StoreError> {
    match error.missing_right() {
        Some(_) => Err(error),
        None => Ok(()),
    }
}
