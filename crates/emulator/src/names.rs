//! What deployed resources are called.

mod api;
mod versions;

use crate::cloud::{Cloud, Place};
use crate::id;
use serde_json::Value;
use std::collections::BTreeMap;
use tether_sam::{PhysicalNames, Resource};

/// Names in one stack. The same template in the same stack gets the same
/// names again.
pub(crate) struct Names<'a> {
    pub(crate) cloud: &'a Cloud,
    pub(crate) stack_name: &'a str,
    pub(crate) chosen: &'a Chosen,
}

/// What names depend on besides: what has happened to the stack so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// How often a resource was replaced, by logical id.
    pub(crate) generations: BTreeMap<String, u32>,
    /// ARNs of versions, of layers and of functions, by logical id.
    pub(crate) layers: BTreeMap<String, String>,
}

impl Names<'_> {
    fn place(&self) -> &Place {
        &self.cloud.place
    }

    fn seed(&self, resource: &Resource) -> String {
        let id = &resource.logical_id;
        match self.chosen.generations.get(id) {
            None | Some(0) => format!("{}/{id}", self.stack_name),
            // Beside its replacement it has another name.
            Some(generation) => format!("{}/{id}/{generation}", self.stack_name),
        }
    }

    /// The name the template gives, or one as CloudFormation makes it.
    fn name(&self, resource: &Resource, property: &str) -> String {
        match resource.properties.get(property).and_then(Value::as_str) {
            Some(name) => name.to_owned(),
            None => format!(
                "{}-{}-{}",
                self.stack_name,
                // Of a nested stack: `Nested/Child`.
                resource.logical_id.replace('/', "-"),
                id::stable(&self.seed(resource), 12, id::UPPER)
            ),
        }
    }

    /// The version that would be published next.
    pub(crate) fn next_layer(&self, resource: &Resource) -> String {
        let given = resource.properties.get("LayerName").and_then(Value::as_str);
        let id = resource.logical_id.replace('/', "-");
        let name = given.unwrap_or(&id);
        let version = self.cloud.lambda.layers.next_version(name);
        self.cloud.arn("lambda", &format!("layer:{name}:{version}"))
    }

    fn arn(&self, resource: &Resource) -> Option<String> {
        let name = self.reference(resource);
        let place = self.place();
        Some(match resource.kind.as_str() {
            "AWS::Serverless::Function" | "AWS::Lambda::Function" => {
                self.cloud.arn("lambda", &format!("function:{name}"))
            }
            "AWS::IAM::Role" => {
                let path = path_of(resource);
                let (partition, account) = (&place.partition, &place.account_id);
                format!("arn:{partition}:iam::{account}:role{path}{name}")
            }
            "AWS::IAM::ManagedPolicy" => name,
            "AWS::DynamoDB::Table" | "AWS::Serverless::SimpleTable" => {
                self.cloud.arn("dynamodb", &format!("table/{name}"))
            }
            "AWS::Logs::LogGroup" => self.cloud.arn("logs", &format!("log-group:{name}:*")),
            "AWS::Scheduler::Schedule" => {
                let group = resource.properties.get("GroupName").and_then(Value::as_str);
                let group = group.unwrap_or("default");
                self.cloud
                    .arn("scheduler", &format!("schedule/{group}/{name}"))
            }
            "AWS::Events::Rule" => self.cloud.arn("events", &format!("rule/{name}")),
            "AWS::Kinesis::Stream" => {
                let name = self.name(resource, "Name");
                self.cloud.arn("kinesis", &format!("stream/{name}"))
            }
            "AWS::SQS::Queue" => {
                let name = self.name(resource, "QueueName");
                self.cloud.arn("sqs", &name)
            }
            _ => return None,
        })
    }
}

impl PhysicalNames for Names<'_> {
    fn reference(&self, resource: &Resource) -> String {
        match resource.kind.as_str() {
            "AWS::Serverless::Function" | "AWS::Lambda::Function" => {
                self.name(resource, "FunctionName")
            }
            "AWS::IAM::Role" => self.name(resource, "RoleName"),
            // Its `Ref` is its ARN.
            "AWS::IAM::ManagedPolicy" => {
                let (name, path) = (self.name(resource, "ManagedPolicyName"), path_of(resource));
                let place = self.place();
                let (partition, account) = (&place.partition, &place.account_id);
                format!("arn:{partition}:iam::{account}:policy{path}{name}")
            }
            "AWS::DynamoDB::Table" | "AWS::Serverless::SimpleTable" => {
                self.name(resource, "TableName")
            }
            "AWS::Serverless::LayerVersion" | "AWS::Lambda::LayerVersion" => {
                match self.chosen.layers.get(&resource.logical_id) {
                    Some(arn) => arn.clone(),
                    None => self.next_layer(resource),
                }
            }
            "AWS::Logs::LogGroup" => self.name(resource, "LogGroupName"),
            // Its `Ref` is its id.
            "AWS::CloudFormation::Stack" | "AWS::Serverless::Application" => {
                let name = self.name(resource, "StackName");
                let uuid = id::stable_uuid(&self.seed(resource));
                self.cloud
                    .arn("cloudformation", &format!("stack/{name}/{uuid}"))
            }
            _ => match self
                .api_reference(resource)
                .or_else(|| self.version_reference(resource))
            {
                Some(id) => id,
                None => self.name(resource, "Name"),
            },
        }
    }

    fn attribute(&self, resource: &Resource, attribute: &str) -> Option<Value> {
        let text = match (resource.kind.as_str(), attribute) {
            (_, "Arn") => self.arn(resource)?,
            ("AWS::IAM::ManagedPolicy", "PolicyArn") => self.arn(resource)?,
            ("AWS::DynamoDB::Table", "StreamArn") => {
                // Nothing is in it: it can be named.
                let table = self.arn(resource)?;
                format!("{table}/stream/2026-01-01T00:00:00.000")
            }
            ("AWS::IAM::Role", "RoleId") => {
                format!("AROA{}", id::stable(&self.seed(resource), 17, id::UPPER))
            }
            ("AWS::Lambda::LayerVersion" | "AWS::Serverless::LayerVersion", "LayerVersionArn") => {
                self.reference(resource)
            }
            _ => self
                .api_attribute(resource, attribute)
                .or_else(|| self.version_attribute(resource, attribute))?,
        };
        Some(Value::String(text))
    }
}

/// `/`, or `/team/`.
fn path_of(resource: &Resource) -> &str {
    let path = resource.properties.get("Path").and_then(Value::as_str);
    path.unwrap_or("/")
}
