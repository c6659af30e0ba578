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
        let options = &self.cloud.options;
        if options.aws_tables {
            self.say_name(resource, &table);
            return Ok(());
        }
        let dynamodb = &self.cloud.dynamodb;
        if let Some(before) = dynamodb.describe(&table.name).await {
            if options.data_dir.is_none() {
                return Err(exists(&resource.kind, &table.name));
            }
            return self.keep(resource, &table, &before).await;
        }
        dynamodb
            .call("CreateTable", &table.create_table_request)
            .await?;
        self.set_ttl(&table.name, None, table.ttl_attribute.as_deref())
            .await
    }

    /// One that is there from an earlier run gets the indexes that it lacks; its
    /// keys are what they were.
    async fn keep(&self, resource: &Resource, table: &Table, before: &Value) -> Result<(), String> {
        if keys(before) != keys(&table.create_table_request) {
            let message = format!(
                "the keys of {}, which is kept from an earlier run, are others: it stays as it \
                 was; delete it, or keep tables in another folder",
                table.name
            );
            self.say(resource, "KeySchema", message);
            return Ok(());
        }
        let there: Vec<&Value> = of_indexes(before).map(|it| &it["IndexName"]).collect();
        let new = of_indexes(&table.create_table_request);
        for index in new.filter(|it| !there.contains(&&it["IndexName"])) {
            let request = json!({
                "TableName": table.name,
                "AttributeDefinitions": table.create_table_request["AttributeDefinitions"],
                "GlobalSecondaryIndexUpdates": [{ "Create": index }],
            });
            self.cloud.dynamodb.call("UpdateTable", &request).await?;
        }
        let named = json!({ "TableName": table.name });
        let ttl = self.cloud.dynamodb.call("DescribeTimeToLive", &named).await;
        let ttl = ttl.unwrap_or_default();
        let ttl = &ttl["TimeToLiveDescription"];
        let on = ttl["TimeToLiveStatus"] == "ENABLED";
        let was = ttl["AttributeName"].as_str().filter(|_| on);
        if was.is_some() && table.ttl_attribute.is_some() {
            return Ok(());
        }
        self.set_ttl(&table.name, was, table.ttl_attribute.as_deref())
            .await
    }

    /// Functions find AWS's own by the name that they are given.
    fn say_name(&self, resource: &Resource, table: &Table) {
        if resource.property("TableName").is_none() {
            let message = format!(
                "{} is not its name in AWS: give the table a TableName, or functions its name by \
                 an environment variable",
                table.name
            );
            self.say(resource, "TableName", message);
        }
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
        if self.cloud.options.aws_tables {
            return Ok(());
        }
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
        let options = &self.cloud.options;
        // Kept ones outlive their stacks.
        if options.aws_tables || options.data_dir.is_some() {
            return Ok(());
        }
        let dynamodb = &self.cloud.dynamodb;
        if dynamodb.describe(name).await.is_none() {
            return Ok(());
        }
        let named = json!({ "TableName": name });
        let deleted = dynamodb.call("DeleteTable", &named).await;
        deleted
            .map(|_| ())
            .map_err(|error| refused(&error, "InvalidRequest"))
    }
}

fn of_indexes(table: &Value) -> impl Iterator<Item = &Value> {
    let all = table.get("GlobalSecondaryIndexes");
    all.and_then(Value::as_array).into_iter().flatten()
}

/// A table's own keys and their types.
fn keys(table: &Value) -> Vec<(String, String, String)> {
    let list = |of: &str| {
        table
            .get(of)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let text = |it: &Value, member: &str| {
        let text = it.get(member).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let kind = |name: &str| {
        let found = list("AttributeDefinitions").find(|it| it["AttributeName"] == name);
        found
            .map(|it| text(it, "AttributeType"))
            .unwrap_or_default()
    };
    let mut keys: Vec<_> = list("KeySchema")
        .map(|it| {
            let name = text(it, "AttributeName");
            (text(it, "KeyType"), kind(&name), name)
        })
        .collect();
    keys.sort();
    keys
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_the_tables_own_whatever_else_it_is_described_with() {
        let asked = json!({
            "AttributeDefinitions": [
                { "AttributeName": "id", "AttributeType": "S" },
                { "AttributeName": "at", "AttributeType": "N" },
            ],
            "KeySchema": [
                { "AttributeName": "id", "KeyType": "HASH" },
                { "AttributeName": "at", "KeyType": "RANGE" },
            ],
        });
        let mut described = asked.clone();
        described["TableStatus"] = json!("ACTIVE");
        described["AttributeDefinitions"] = json!([
            { "AttributeName": "by", "AttributeType": "S" },
            { "AttributeName": "at", "AttributeType": "N" },
            { "AttributeName": "id", "AttributeType": "S" },
        ]);
        assert_eq!(keys(&asked), keys(&described));
        described["AttributeDefinitions"][1]["AttributeType"] = json!("S");
        assert_ne!(keys(&asked), keys(&described));
        described["KeySchema"] = json!([{ "AttributeName": "id", "KeyType": "HASH" }]);
        assert_ne!(keys(&asked), keys(&described));
    }
}
