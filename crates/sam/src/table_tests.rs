#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use super::*;
use crate::testing::{problems_of, resolve_with, resolved};

#[test]
fn a_table_becomes_a_create_table_request() {
    let stack = resolve_with(
        "Parameters:\n  Units: {Type: Number, Default: 5}\nResources:\n  Orders:\n    Type: \
         AWS::DynamoDB::Table\n    Properties:\n      TableName: !Sub '${AWS::StackName}-orders'\n      \
         AttributeDefinitions:\n        - {AttributeName: Id, AttributeType: S}\n        - \
         {AttributeName: Owner, AttributeType: S}\n      KeySchema: [{AttributeName: Id, KeyType: \
         HASH}]\n      ProvisionedThroughput: {ReadCapacityUnits: !Ref Units, WriteCapacityUnits: \
         2}\n      GlobalSecondaryIndexes:\n        - IndexName: ByOwner\n          KeySchema: \
         [{AttributeName: Owner, KeyType: HASH}]\n          Projection: {ProjectionType: ALL}\n          \
         ContributorInsightsSpecification: {Enabled: true}\n          ProvisionedThroughput: \
         {ReadCapacityUnits: '1', WriteCapacityUnits: '1'}\n      StreamSpecification: \
         {StreamViewType: NEW_IMAGE}\n      SSESpecification: {SSEEnabled: true}\n      \
         TimeToLiveSpecification: {AttributeName: TTL, Enabled: 'true'}\n      \
         PointInTimeRecoverySpecification: {PointInTimeRecoveryEnabled: true}\n      Tags: [{Key: a, \
         Value: '1'}]\n",
        &[("Units", "7")],
    )
    .unwrap();
    let table = stack.tables().unwrap().remove(0);
    assert_eq!(table.logical_id, "Orders");
    assert_eq!(table.name, "shop-orders");
    assert_eq!(table.ttl_attribute.as_deref(), Some("TTL"));
    assert_eq!(
        table.create_table_request,
        json!({
            "TableName": "shop-orders",
            "AttributeDefinitions": [
                {"AttributeName": "Id", "AttributeType": "S"},
                {"AttributeName": "Owner", "AttributeType": "S"},
            ],
            "KeySchema": [{"AttributeName": "Id", "KeyType": "HASH"}],
            "ProvisionedThroughput": {"ReadCapacityUnits": 7, "WriteCapacityUnits": 2},
            "GlobalSecondaryIndexes": [{
                "IndexName": "ByOwner",
                "KeySchema": [{"AttributeName": "Owner", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
                "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
            }],
            "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"},
            "SSESpecification": {"Enabled": true},
            "Tags": [{"Key": "a", "Value": "1"}],
        })
    );
}

#[test]
fn a_time_to_live_that_is_switched_off_is_none() {
    let stack = resolved(
        "Resources:\n  T:\n    Type: AWS::DynamoDB::Table\n    Properties:\n      BillingMode: \
         PAY_PER_REQUEST\n      AttributeDefinitions: []\n      KeySchema: []\n      \
         TimeToLiveSpecification: {AttributeName: TTL, Enabled: false}\n",
    );
    let table = stack.tables().unwrap().remove(0);
    assert_eq!(table.name, "T");
    assert_eq!(table.ttl_attribute, None);
    assert_eq!(table.create_table_request["BillingMode"], "PAY_PER_REQUEST");
}

#[test]
fn a_simple_table_has_one_key_and_no_capacity_to_think_of() {
    let stack = resolved(
        "Resources:\n  Bare: {Type: AWS::Serverless::SimpleTable}\n  Full:\n    Type: \
         AWS::Serverless::SimpleTable\n    Properties:\n      TableName: full\n      PrimaryKey: \
         {Name: Number, Type: Number}\n      ProvisionedThroughput: {ReadCapacityUnits: 1, \
         WriteCapacityUnits: 1}\n      Tags: {a: b}\n",
    );
    let tables = stack.tables().unwrap();
    assert_eq!(
        tables[0].create_table_request,
        json!({
            "TableName": "Bare",
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
        })
    );
    assert_eq!(
        tables[1].create_table_request,
        json!({
            "TableName": "full",
            "AttributeDefinitions": [{"AttributeName": "Number", "AttributeType": "N"}],
            "KeySchema": [{"AttributeName": "Number", "KeyType": "HASH"}],
            "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
            "Tags": [{"Key": "a", "Value": "b"}],
        })
    );
}

#[test]
fn wrong_tables_are_named() {
    let stack = resolved(
        "Resources:\n  T:\n    Type: AWS::DynamoDB::Table\n    Properties:\n      KeySchema: x\n      \
         TimeToLiveSpecification: {Enabled: true}\n  S:\n    Type: AWS::Serverless::SimpleTable\n    \
         Properties: {PrimaryKey: {Name: a, Type: Date}}\n",
    );
    assert_eq!(
        problems_of(stack.tables()),
        [
            "t.yaml:2:3: T.AttributeDefinitions: AWS::DynamoDB::Table needs this property.",
            "t.yaml:5:7: T.KeySchema: it must be a list.",
            "t.yaml:6:7: T.TimeToLiveSpecification.AttributeName: AWS::DynamoDB::Table needs this \
             property.",
            "t.yaml:9:40: S.PrimaryKey.Type: it must be String, Number or Binary.",
        ]
    );
}
