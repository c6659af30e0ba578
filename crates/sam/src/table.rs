//! DynamoDB tables as the CreateTable API wants them: `AWS::DynamoDB::Table` and
//! `AWS::Serverless::SimpleTable`.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html>
//! <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html>
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-simpletable.html>

use crate::problem::Problems;
use crate::reader::{self, Reader};
use crate::stack::{Resource, Stack};
use serde_json::{Map, Value, json};

const TABLE: &str = "AWS::DynamoDB::Table";
const SIMPLE_TABLE: &str = "AWS::Serverless::SimpleTable";

/// Properties that CreateTable takes as they are.
const SHARED: [&str; 11] = [
    "AttributeDefinitions",
    "BillingMode",
    "DeletionProtectionEnabled",
    "GlobalSecondaryIndexes",
    "KeySchema",
    "LocalSecondaryIndexes",
    "OnDemandThroughput",
    "ProvisionedThroughput",
    "TableClass",
    "Tags",
    "WarmThroughput",
];

/// Members of a secondary index that CreateTable knows; CloudFormation has more.
const INDEX: [&str; 6] = [
    "IndexName",
    "KeySchema",
    "OnDemandThroughput",
    "Projection",
    "ProvisionedThroughput",
    "WarmThroughput",
];

/// Numbers that may come as text from a parameter.
const NUMBERS: [&str; 6] = [
    "MaxReadRequestUnits",
    "MaxWriteRequestUnits",
    "ReadCapacityUnits",
    "ReadUnitsPerSecond",
    "WriteCapacityUnits",
    "WriteUnitsPerSecond",
];

/// A table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Its name in the template.
    pub logical_id: String,
    /// Its name: what `Ref` gives.
    pub name: String,
    /// The body of a CreateTable request, `TableName` included.
    pub create_table_request: Value,
    /// The attribute whose time ends an item, if that is switched on. The API has it in a request
    /// of its own, UpdateTimeToLive.
    pub ttl_attribute: Option<String>,
}

impl Stack {
    /// Every table of the stack.
    ///
    /// # Errors
    /// Wrong or missing properties of any of them.
    pub fn tables(&self) -> Result<Vec<Table>, Problems> {
        let tables = self.resources.values();
        let tables = tables.filter(|it| it.kind == TABLE || it.kind == SIMPLE_TABLE);
        reader::each(tables, |it| table(it, &self.file))
    }
}

fn table(resource: &Resource, file: &str) -> Result<Table, Problems> {
    let mut reader = Reader::new(resource, file);
    let mut request = Map::new();
    request.insert("TableName".into(), json!(resource.reference));
    if resource.kind == SIMPLE_TABLE {
        simple_table(&mut reader, &mut request);
    } else {
        full_table(&mut reader, &mut request);
    }
    if let Some(encryption) = encryption(&mut reader) {
        request.insert("SSESpecification".into(), encryption);
    }
    let ttl = "TimeToLiveSpecification";
    let ttl_attribute = match reader.map(ttl) {
        Some(_) if reader.boolean(&format!("{ttl}.Enabled")) == Some(true) => {
            Some(reader.required_text(&format!("{ttl}.AttributeName")))
        }
        _ => None,
    };
    reader.finish(Table {
        logical_id: resource.logical_id.clone(),
        name: resource.reference.clone(),
        create_table_request: with_numbers(Value::Object(request)),
        ttl_attribute,
    })
}

fn full_table(reader: &mut Reader<'_>, request: &mut Map<String, Value>) {
    for required in ["AttributeDefinitions", "KeySchema"] {
        match reader.property(required) {
            None => {
                reader.missing(required);
            }
            Some(value) if !value.is_array() => {
                reader.wrong(required, "it must be a list.");
            }
            Some(_) => {}
        }
    }
    for name in SHARED {
        let Some(value) = reader.property(name) else {
            continue;
        };
        let value = match name {
            "GlobalSecondaryIndexes" | "LocalSecondaryIndexes" => indexes(value),
            "DeletionProtectionEnabled" => reader.boolean(name).map_or(Value::Null, Value::Bool),
            _ => value.clone(),
        };
        request.insert(name.into(), value);
    }
    // Whoever names the view wants the stream; the API wants that said.
    if reader.map("StreamSpecification").is_some() {
        let view = reader.required_text("StreamSpecification.StreamViewType");
        let stream = json!({"StreamEnabled": true, "StreamViewType": view});
        request.insert("StreamSpecification".into(), stream);
    }
}

fn indexes(value: &Value) -> Value {
    let index = |index: &Value| match index {
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| INDEX.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
        other => other.clone(),
    };
    match value {
        Value::Array(items) => items.iter().map(index).collect(),
        other => other.clone(),
    }
}

/// One key, and capacity on demand unless it is provisioned.
fn simple_table(reader: &mut Reader<'_>, request: &mut Map<String, Value>) {
    let (mut name, mut kind) = ("id".to_owned(), "S");
    if reader.map("PrimaryKey").is_some() {
        name = reader.required_text("PrimaryKey.Name");
        kind = match reader.required_text("PrimaryKey.Type").as_str() {
            "Number" => "N",
            "Binary" => "B",
            "String" | "" => "S",
            _ => {
                let message = "it must be String, Number or Binary.";
                reader.wrong("PrimaryKey.Type", message);
                "S"
            }
        };
    }
    let attribute = json!([{"AttributeName": name, "AttributeType": kind}]);
    let key = json!([{"AttributeName": name, "KeyType": "HASH"}]);
    request.insert("AttributeDefinitions".into(), attribute);
    request.insert("KeySchema".into(), key);
    match reader.property("ProvisionedThroughput") {
        Some(throughput) => {
            request.insert("ProvisionedThroughput".into(), throughput.clone());
        }
        None => {
            request.insert("BillingMode".into(), json!("PAY_PER_REQUEST"));
        }
    }
    if reader.property("Tags").is_some() {
        let tags = reader.text_map("Tags");
        let tags = tags
            .iter()
            .map(|(key, value)| json!({"Key": key, "Value": value}));
        request.insert("Tags".into(), tags.collect());
    }
}

/// CloudFormation writes `SSEEnabled` where the API has `Enabled`.
fn encryption(reader: &mut Reader<'_>) -> Option<Value> {
    let given = reader.map("SSESpecification")?;
    let mut specification = Map::new();
    if let Some(enabled) = reader.boolean("SSESpecification.SSEEnabled") {
        specification.insert("Enabled".into(), Value::Bool(enabled));
    }
    for name in ["SSEType", "KMSMasterKeyId"] {
        if let Some(value) = given.get(name) {
            specification.insert(name.into(), value.clone());
        }
    }
    Some(Value::Object(specification))
}

/// Capacities as numbers wherever they stand.
fn with_numbers(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(with_numbers).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| {
                let number = NUMBERS.contains(&name.as_str()).then(|| as_number(&value));
                (
                    name,
                    number.flatten().unwrap_or_else(|| with_numbers(value)),
                )
            })
            .collect(),
        scalar => scalar,
    }
}

fn as_number(value: &Value) -> Option<Value> {
    reader::number(value).map(Value::from)
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
