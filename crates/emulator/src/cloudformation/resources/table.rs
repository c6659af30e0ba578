//! Tables.

use super::{Hands, exists, refused};
use crate::cloudformation::stack::Made;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tether_sam::{Resource, Table};

impl Hands<'_> {
    fn table(&self, resource: &Resource) -> Result<Table, String> {
        let view = self.alone(resource);
        let tables = view.tables().map_err(|error| error.to_string())?;
        let table = tables.into_iter().next();
        table.ok_or_else(|| "it is no table".to_owned())
    }

    pub(super) async fn create_table(&self, resource: &Resource) -> Result<(), String> {
        let table = self.table(resource)?;
        let dynamodb = &self.cloud.dynamodb;
        let named = json!({ "TableName": table.name });
        if dynamodb.call("DescribeTable", &named).await.is_ok() {
            return Err(exists(&resource.kind, &table.name));
        }
        dynamodb
            .call("CreateTable", &table.create_table_request)
            .await?;
        self.set_ttl(&table.name, None, table.ttl_attribute.as_deref())
            .await
    }

    /// DynamoDB refuses to switch on what is on.
    async fn set_ttl(
        &self,
        name: &str,
        before: Option<&str>,
        now: Option<&str>,
    ) -> Result<(), String> {
        if before == now {
            return Ok(());
        }
        let (Some(attribute), enabled) = (now.or(before), now.is_some()) else {
            return Ok(());
        };
        let request = json!({
            "TableName": name,
            "TimeToLiveSpecification": { "Enabled": enabled, "AttributeName": attribute },
        });
        let dynamodb = &self.cloud.dynamodb;
        dynamodb
            .call("UpdateTimeToLive", &request)
            .await
            .map(|_| ())
    }

    pub(super) async fn update_table(
        &self,
        before: &Made,
        resource: &Resource,
    ) -> Result<(), String> {
        let (old, new) = (self.table(&before.resource)?, self.table(resource)?);
        let name = &before.physical_id;
        for request in index_updates(name, &old, &new) {
            self.cloud
                .dynamodb
                .call("UpdateTable", &request)
                .await
                .map_err(|error| refused(&error, "InvalidRequest"))?;
        }
        let (old, new) = (old.ttl_attribute, new.ttl_attribute);
        self.set_ttl(name, old.as_deref(), new.as_deref()).await
    }

    pub(super) async fn delete_table(&self, name: &str) -> Result<(), String> {
        let dynamodb = &self.cloud.dynamodb;
        let named = json!({ "TableName": name });
        if dynamodb.call("DescribeTable", &named).await.is_err() {
            return Ok(());
        }
        let deleted = dynamodb.call("DeleteTable", &named).await;
        deleted
            .map(|_| ())
            .map_err(|error| refused(&error, "InvalidRequest"))
    }
}

fn indexes(table: &Table) -> BTreeMap<String, Value> {
    let all = table.create_table_request.get("GlobalSecondaryIndexes");
    let all = all.and_then(Value::as_array).into_iter().flatten();
    let named = all.filter_map(|it| Some((it.get("IndexName")?.as_str()?.to_owned(), it.clone())));
    named.collect()
}

/// One index each, as DynamoDB wants it; one that differs is made anew.
fn index_updates(name: &str, old: &Table, new: &Table) -> Vec<Value> {
    let (before, now) = (indexes(old), indexes(new));
    let update = |change: Value| {
        json!({
            "TableName": name,
            "AttributeDefinitions": new.create_table_request["AttributeDefinitions"],
            "GlobalSecondaryIndexUpdates": [change],
        })
    };
    let gone = before.iter().filter(|(key, it)| now.get(*key) != Some(it));
    let gone = gone.map(|(key, _)| update(json!({ "Delete": { "IndexName": key } })));
    let come = now.iter().filter(|(key, it)| before.get(*key) != Some(it));
    let come = come.map(|(_, it)| update(json!({ "Create": it })));
    gone.chain(come).collect()
}
