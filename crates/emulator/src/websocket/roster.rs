//! Who is connected, in a DynamoDB table, for code and tools that want to know,
//! and for the next run.
//!
//! Connections tell the roster and go on: one task writes what has changed, all
//! of it together, so that no connection waits for a table or fails with it. When
//! a connection was last active is written every few seconds, if it was.
//!
//! | attribute | |
//! |---|---|
//! | `connectionId` | the key |
//! | `apiId`, `logicalId`, `stage` | the API; the index `byApi` has `apiId` and `connectedAt` |
//! | `connectedAt`, `lastActiveAt` | in milliseconds since the epoch |
//! | `sourceIp`, `userAgent` | of the client |
//! | `authorizer` | what its authorizer said, as a map |
//! | `expiresAt` | in seconds: when the connection is too old, and a minute |

use super::Api;
use super::connection::{End, Live};
use super::routing;
use crate::cloud::Notice;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, DeleteRequest, GlobalSecondaryIndex,
    KeySchemaElement, KeyType, Projection, ProjectionType, PutRequest, ScalarAttributeType,
    TableStatus, TimeToLiveSpecification, WriteRequest,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tether_apigw::websocket::Connection;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

const INDEX: &str = "byApi";
/// DynamoDB's own limit
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html>).
const TOGETHER: usize = 25;
/// What has changed waits this long for more.
const GATHERING: Duration = Duration::from_millis(100);
/// How often activity is looked at: the table is at most twice as late.
const LOOKING: Duration = Duration::from_secs(4);
/// After a failure.
const PAUSE: Duration = Duration::from_secs(2);
/// A table on AWS takes some seconds to be there.
const MAKING: Duration = Duration::from_secs(60);
/// More than this is not kept for a table that does not answer.
const MOST_WAITING: usize = 50_000;

type Row = HashMap<String, AttributeValue>;

/// See the module.
pub(crate) struct Roster {
    table: String,
    /// In words, for people.
    place: String,
    client: Client,
    lifetime: Duration,
    notices: Notice,
    /// What is to be written; none: removed.
    waiting: Mutex<HashMap<String, Option<Row>>>,
    /// Everybody, and what was written of their activity.
    present: Mutex<HashMap<String, (Arc<Live>, u64)>>,
    is_there: tokio::sync::Mutex<bool>,
    has_failed: Mutex<bool>,
    writing: tokio::sync::Mutex<()>,
    news: Notify,
    started_ms: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Roster {
    pub(crate) fn new(
        table: String,
        place: String,
        client: Client,
        lifetime: Duration,
        notices: Notice,
    ) -> Self {
        Self {
            table,
            place,
            client,
            lifetime,
            notices,
            waiting: Mutex::default(),
            present: Mutex::default(),
            is_there: tokio::sync::Mutex::new(false),
            has_failed: Mutex::new(false),
            writing: tokio::sync::Mutex::new(()),
            news: Notify::new(),
            started_ms: tether_host::now().0,
        }
    }

    pub(super) fn opened(&self, api: &Api, live: &Arc<Live>) {
        let id = live.connection.connection_id.clone();
        let row = self.row(&api.logical_id, live);
        lock(&self.present).insert(id.clone(), (Arc::clone(live), live.last_active()));
        self.note(id, Some(row));
    }

    pub(super) fn closed(&self, live: &Live) {
        let id = &live.connection.connection_id;
        if lock(&self.present).remove(id).is_some() {
            self.note(id.clone(), None);
        }
    }

    fn note(&self, id: String, row: Option<Row>) {
        let mut waiting = lock(&self.waiting);
        if waiting.len() < MOST_WAITING {
            waiting.insert(id, row);
        }
        drop(waiting);
        self.news.notify_one();
    }

    /// Writes until the emulator ends.
    pub(crate) async fn keep(self: Arc<Self>, ending: CancellationToken) {
        let keeping = async {
            // So that it is there before anybody connects.
            self.flush().await;
            loop {
                let news = tokio::time::timeout(LOOKING, self.news.notified()).await;
                if news.is_ok() {
                    tokio::time::sleep(GATHERING).await;
                }
                self.look_at_activity();
                if !self.flush().await {
                    tokio::time::sleep(PAUSE).await;
                }
            }
        };
        ending.run_until_cancelled(keeping).await;
    }

    fn look_at_activity(&self) {
        let mut active = Vec::new();
        for (id, (live, written)) in lock(&self.present).iter_mut() {
            let last = live.last_active();
            let late = u64::try_from(LOOKING.as_millis()).unwrap_or_default();
            if last >= *written + late {
                *written = last;
                active.push((id.clone(), Arc::clone(live)));
            }
        }
        for (id, live) in active {
            let mut waiting = lock(&self.waiting);
            // Who has closed meanwhile stays removed.
            if lock(&self.present).contains_key(&id) {
                let row = self.row(&live.logical_id, &live);
                waiting.insert(id, Some(row));
            }
        }
    }

    /// Writes what waits; whether the table took it.
    pub(crate) async fn flush(&self) -> bool {
        let _one_at_a_time = self.writing.lock().await;
        let taken: Vec<_> = lock(&self.waiting).drain().collect();
        let done = match self.make().await {
            Ok(()) => self.write(&taken).await,
            Err(error) => Err(error),
        };
        match done {
            Ok(()) => *lock(&self.has_failed) = false,
            Err(error) => {
                let mut waiting = lock(&self.waiting);
                for (id, row) in taken {
                    waiting.entry(id).or_insert(row);
                }
                drop(waiting);
                self.say(&error);
                return false;
            }
        }
        true
    }

    /// Once, until it works again.
    fn say(&self, error: &str) {
        if !std::mem::replace(&mut *lock(&self.has_failed), true) {
            (self.notices)(format!(
                "the table {} in {} cannot be written ({error}): connections are served without it; start that DynamoDB, or name another one",
                self.table, self.place
            ));
        }
    }

    async fn write(&self, changes: &[(String, Option<Row>)]) -> Result<(), String> {
        for some in changes.chunks(TOGETHER) {
            let requests = some.iter().map(|(id, row)| request(id, row.as_ref()));
            let mut left = Some(requests.collect::<Result<Vec<_>, _>>()?);
            while let Some(requests) = left.take().filter(|it| !it.is_empty()) {
                let written = self
                    .client
                    .batch_write_item()
                    .request_items(&self.table, requests)
                    .send()
                    .await;
                let written = match written {
                    Ok(written) => written,
                    Err(error) => {
                        // It may have been removed.
                        *self.is_there.lock().await = false;
                        return Err(tether_aws::innermost(&error));
                    }
                };
                left = written
                    .unprocessed_items
                    .and_then(|mut it| it.remove(&self.table));
                if left.is_some() {
                    tokio::time::sleep(GATHERING).await;
                }
            }
        }
        Ok(())
    }

    /// Sees to it that the table is there.
    async fn make(&self) -> Result<(), String> {
        let mut is_there = self.is_there.lock().await;
        if *is_there {
            return Ok(());
        }
        let asked = self.client.describe_table().table_name(&self.table);
        match asked.send().await {
            Ok(_) => {}
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|it| it.is_resource_not_found_exception()) =>
            {
                self.create().await?;
            }
            Err(error) => return Err(tether_aws::innermost(&error)),
        }
        *is_there = true;
        Ok(())
    }

    async fn create(&self) -> Result<(), String> {
        let text = |error: aws_sdk_dynamodb::error::BuildError| error.to_string();
        let index = GlobalSecondaryIndex::builder()
            .index_name(INDEX)
            .key_schema(key("apiId", KeyType::Hash).map_err(text)?)
            .key_schema(key("connectedAt", KeyType::Range).map_err(text)?)
            .projection(
                Projection::builder()
                    .projection_type(ProjectionType::All)
                    .build(),
            );
        let created = self
            .client
            .create_table()
            .table_name(&self.table)
            .billing_mode(BillingMode::PayPerRequest)
            .attribute_definitions(attribute("connectionId", ScalarAttributeType::S).map_err(text)?)
            .attribute_definitions(attribute("apiId", ScalarAttributeType::S).map_err(text)?)
            .attribute_definitions(attribute("connectedAt", ScalarAttributeType::N).map_err(text)?)
            .key_schema(key("connectionId", KeyType::Hash).map_err(text)?)
            .global_secondary_indexes(index.build().map_err(text)?)
            .send()
            .await;
        created.map_err(|error| tether_aws::innermost(&error))?;
        tokio::time::timeout(MAKING, self.is_active())
            .await
            .map_err(|_| "it does not become active".to_owned())?;
        let ttl = TimeToLiveSpecification::builder()
            .enabled(true)
            .attribute_name("expiresAt")
            .build()
            .map_err(text)?;
        let told = self.client.update_time_to_live().table_name(&self.table);
        let told = told.time_to_live_specification(ttl).send().await;
        told.map(drop)
            .map_err(|error| tether_aws::innermost(&error))
    }

    async fn is_active(&self) {
        loop {
            let asked = self.client.describe_table().table_name(&self.table);
            let status = asked.send().await.ok().and_then(|it| it.table);
            if status.and_then(|it| it.table_status) == Some(TableStatus::Active) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    fn row(&self, logical_id: &str, live: &Live) -> Row {
        let connection = &live.connection;
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let number = |number: u64| AttributeValue::N(number.to_string());
        let lives = u64::try_from(self.lifetime.as_millis()).unwrap_or(u64::MAX / 2);
        let expires = connection.connected_at_ms.saturating_add(lives) / 1000 + 60;
        let mut row: Row = [
            ("connectionId", text(&connection.connection_id)),
            ("apiId", text(&connection.api_id)),
            ("logicalId", text(logical_id)),
            ("stage", text(&connection.stage)),
            ("connectedAt", number(connection.connected_at_ms)),
            ("lastActiveAt", number(live.last_active())),
            ("sourceIp", text(&connection.source_ip)),
            ("expiresAt", number(expires)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
        if let Some(agent) = &connection.user_agent {
            row.insert("userAgent".to_owned(), text(agent));
        }
        if let Some(context) = &connection.authorizer {
            let context = context.iter().map(|(name, value)| {
                let value = match value {
                    serde_json::Value::String(text) => AttributeValue::S(text.clone()),
                    other => AttributeValue::N(other.to_string()),
                };
                (name.clone(), value)
            });
            row.insert(
                "authorizer".to_owned(),
                AttributeValue::M(context.collect()),
            );
        }
        row
    }

    /// Tells an API's `$disconnect` about connections of an earlier run, and
    /// removes them: their sockets have gone with it, and API Gateway would have
    /// told. A table therefore belongs to one emulator at a time.
    pub(super) async fn tell_of_earlier(&self, api: &Arc<Api>) {
        let earlier = match self.earlier(&api.logical_id).await {
            Ok(earlier) => earlier,
            Err(error) => return self.say(&error),
        };
        for connection in earlier {
            let connection = Connection {
                api_id: api.id.clone(),
                domain_name: api.domain_name.clone(),
                ..connection
            };
            let end = End::with_an_earlier_run();
            routing::disconnected(api, &connection, &end).await;
            self.note(connection.connection_id, None);
        }
    }

    async fn earlier(&self, logical_id: &str) -> Result<Vec<Connection>, String> {
        self.make().await?;
        let pages = self
            .client
            .scan()
            .table_name(&self.table)
            .consistent_read(true)
            .filter_expression("logicalId = :id AND connectedAt < :start")
            .expression_attribute_values(":id", AttributeValue::S(logical_id.to_owned()))
            .expression_attribute_values(":start", AttributeValue::N(self.started_ms.to_string()))
            .into_paginator()
            .items()
            .send()
            .collect::<Result<Vec<Row>, _>>()
            .await;
        let rows = pages.map_err(|error| tether_aws::innermost(&error))?;
        Ok(rows.iter().filter_map(connection_of).collect())
    }
}

fn connection_of(row: &Row) -> Option<Connection> {
    let text = |name: &str| row.get(name)?.as_s().ok().cloned();
    let authorizer = row.get("authorizer").and_then(|it| it.as_m().ok());
    let authorizer = authorizer.map(|context| {
        let context = context.iter().map(|(name, value)| {
            let value = match value {
                AttributeValue::N(number) => serde_json::from_str(number).unwrap_or_default(),
                other => other.as_s().cloned().unwrap_or_default().into(),
            };
            (name.clone(), value)
        });
        context.collect()
    });
    Some(Connection {
        connection_id: text("connectionId")?,
        stage: text("stage")?,
        connected_at_ms: row.get("connectedAt")?.as_n().ok()?.parse().ok()?,
        source_ip: text("sourceIp").unwrap_or_default(),
        user_agent: text("userAgent"),
        authorizer,
        ..Connection::default()
    })
}

fn request(id: &str, row: Option<&Row>) -> Result<WriteRequest, String> {
    let text = |error: aws_sdk_dynamodb::error::BuildError| error.to_string();
    let builder = WriteRequest::builder();
    Ok(match row {
        Some(row) => {
            let put = PutRequest::builder().set_item(Some(row.clone()));
            builder.put_request(put.build().map_err(text)?).build()
        }
        None => {
            let id = AttributeValue::S(id.to_owned());
            let delete = DeleteRequest::builder().key("connectionId", id);
            builder
                .delete_request(delete.build().map_err(text)?)
                .build()
        }
    })
}

fn key(name: &str, kind: KeyType) -> Result<KeySchemaElement, aws_sdk_dynamodb::error::BuildError> {
    KeySchemaElement::builder()
        .attribute_name(name)
        .key_type(kind)
        .build()
}

fn attribute(
    name: &str,
    kind: ScalarAttributeType,
) -> Result<AttributeDefinition, aws_sdk_dynamodb::error::BuildError> {
    AttributeDefinition::builder()
        .attribute_name(name)
        .attribute_type(kind)
        .build()
}
