//! What is done with a resource of each type.

mod api;
mod code;
mod function;
mod layer;
mod others;
mod schedules;
mod table;
mod versions;

pub(super) use code::{Content, no_s3_uri};

use super::expand::{
    ALIAS, EVENT_INVOKE, MAPPING, PERMISSION, RULE, SCHEDULE, VERSION, deployed_kind,
};
use super::rights::{self, By, Verb};
use super::stack::{Made, Stack};
use crate::cloud::Cloud;
use crate::iam::templates::Wrong;
use indexmap::IndexMap;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use tether_sam::{Problem, Resource};

/// Types that are kept by name.
const RECORDED: [&str; 5] = [
    "AWS::IAM::Role",
    "AWS::IAM::ManagedPolicy",
    "AWS::Logs::LogGroup",
    RULE,
    SCHEDULE,
];

const WEBSOCKET_PARTS: &str = "AWS::ApiGatewayV2::";

/// What does the work for one stack.
pub(super) struct Hands<'a> {
    pub(super) cloud: &'a Arc<Cloud>,
    pub(super) stack: &'a Stack,
    pub(super) by: &'a By,
    /// What problems call the template.
    pub(super) file: &'a str,
    /// See [`super::wish::Wish::folder`].
    pub(super) folder: Option<&'a Path>,
}

/// What AWS says where a name is taken.
fn exists(kind: &str, name: &str) -> String {
    let kind = deployed_kind(kind);
    refused(
        &format!("Resource of type '{kind}' with identifier '{name}' already exists."),
        "AlreadyExists",
    )
}

/// A refusal as CloudFormation passes it on.
pub(super) fn refused(message: &str, code: &str) -> String {
    format!(
        "Resource handler returned message: \"{message}\" (RequestToken: {}, HandlerErrorCode: \
         {code})",
        crate::id::uuid()
    )
}

/// Whether a resource stays when the stack has no more use for it. SAM's
/// layers do unless they say otherwise
/// (<https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-layerversion.html>).
pub(super) fn retains(resource: &Resource, replaced: bool) -> bool {
    if resource.kind == "AWS::Serverless::LayerVersion" {
        let policy = resource.property("RetentionPolicy").and_then(Value::as_str);
        return policy != Some("Delete");
    }
    let policy = if replaced {
        &resource.update_replace_policy
    } else {
        &resource.deletion_policy
    };
    let policy = policy.as_deref();
    matches!(policy, Some("Retain" | "RetainExceptOnCreate"))
}

/// Everything that a template asks for in vain, by resource and property.
pub(crate) fn unsupported(target: &tether_sam::Stack) -> Vec<Problem> {
    let mut all = target.not_supported();
    all.extend(target.api_notes().unwrap_or_default());
    let functions = target.resources.values();
    for resource in functions.filter(|it| it.kind == "AWS::Serverless::Function") {
        for (property, name) in unknown_policy_templates(resource) {
            let message =
                format!("the policy template {name} is not known here: it grants nothing");
            all.push(problem(&target.file, resource, Some(&property), message));
        }
    }
    all
}

impl Hands<'_> {
    pub(super) fn say_unsupported(&self, target: &tether_sam::Stack) {
        for problem in unsupported(target) {
            self.cloud.notice(problem.to_string());
        }
    }

    fn say(&self, resource: &Resource, property: &str, message: String) {
        self.say_of(self.file, resource, Some(property), message);
    }

    fn say_of(&self, file: &str, resource: &Resource, property: Option<&str>, message: String) {
        let problem = problem(file, resource, property, message);
        self.cloud.notice(problem.to_string());
    }

    /// What IAM does not know is said; what it does not take fails.
    fn say_unknown(
        &self,
        resource: &Resource,
        taken: Result<Vec<Wrong>, Wrong>,
    ) -> Result<(), String> {
        let unknown = taken
            .map_err(|(property, why)| refused(&format!("{property}: {why}"), "InvalidRequest"))?;
        for (property, message) in unknown {
            self.say(resource, property, message);
        }
        Ok(())
    }

    /// The resource alone, for its typed view.
    fn alone(&self, resource: &Resource) -> tether_sam::Stack {
        self.together([resource])
    }

    fn together<'r>(&self, resources: impl IntoIterator<Item = &'r Resource>) -> tether_sam::Stack {
        let resources = resources.into_iter();
        tether_sam::Stack {
            file: self.file.to_owned(),
            description: None,
            parameters: std::collections::BTreeMap::new(),
            resources: resources
                .map(|it| (it.logical_id.clone(), it.clone()))
                .collect(),
            outputs: Vec::new(),
            nested: std::collections::BTreeMap::new(),
            unsupported: Vec::new(),
        }
    }

    async fn may(&self, verb: Verb, resource: &Resource, physical_id: &str) -> Result<(), String> {
        rights::may_do(self.cloud, self.by, verb, resource, physical_id).await
    }

    /// Makes a resource.
    ///
    /// # Errors
    /// Why AWS would not.
    pub(super) async fn create(&self, resource: &Resource) -> Result<Made, String> {
        self.may(Verb::Create, resource, &resource.reference)
            .await?;
        let mut made = Made {
            resource: resource.clone(),
            physical_id: resource.reference.clone(),
            generation: 0,
            content: None,
        };
        match deployed_kind(&resource.kind) {
            "AWS::Lambda::Function" => made.content = self.create_function(resource).await?,
            "AWS::Lambda::LayerVersion" => made.content = Some(self.create_layer(resource).await?),
            "AWS::DynamoDB::Table" => self.create_table(resource).await?,
            "AWS::ApiGatewayV2::Api" => self.create_api(resource).await?,
            MAPPING => self.create_mapping(resource, &mut made.physical_id),
            PERMISSION => self.permit(resource, &mut made.physical_id)?,
            VERSION => self.create_version(resource)?,
            ALIAS => self.create_alias(resource)?,
            EVENT_INVOKE => self.set_event_invoke(resource)?,
            kind if kind.starts_with(WEBSOCKET_PARTS) => {
                let living = self.stack.state().made.clone();
                self.redefine_apis(&living, Some(resource)).await?;
            }
            kind if RECORDED.contains(&kind) => self.record(resource)?,
            _ => {}
        }
        let taken = self.cloud.iam.create(resource);
        self.say_unknown(resource, taken).inspect_err(|_| {
            self.cloud
                .records
                .remove(&resource.kind, &resource.reference);
        })?;
        self.start_if_scheduled(resource);
        Ok(made)
    }

    /// Makes another one in the place of one that has to stay until the end.
    pub(super) async fn replace(&self, before: &Made, resource: &Resource) -> Result<Made, String> {
        let kind = deployed_kind(&resource.kind);
        if deployed_kind(&before.resource.kind) != kind {
            return Err(format!(
                "Update of resource type is not permitted. The new template modifies resource \
                 type of the following resources: [{}]",
                resource.logical_id
            ));
        }
        let own_name = ["AWS::Lambda::LayerVersion", VERSION, PERMISSION, MAPPING];
        if before.physical_id == resource.reference && !own_name.contains(&kind) {
            return Err(format!(
                "CloudFormation cannot update a stack when a custom-named resource requires \
                 replacing. Rename {} and update the stack again.",
                resource.reference
            ));
        }
        self.create(resource).await
    }

    /// Changes a resource that exists. Its code is `content`, if that is given.
    ///
    /// # Errors
    /// Why AWS would not.
    pub(super) async fn update(
        &self,
        before: &Made,
        resource: &Resource,
        content: Option<Content>,
    ) -> Result<Made, String> {
        self.may(Verb::Update, resource, &before.physical_id)
            .await?;
        if before.resource.kind != resource.kind {
            return self.replace(before, resource).await;
        }
        let mut made = Made {
            resource: resource.clone(),
            ..before.clone()
        };
        match deployed_kind(&resource.kind) {
            "AWS::Lambda::Function" => {
                made.content = self.update_function(before, resource, content).await?;
            }
            "AWS::DynamoDB::Table" => self.update_table(before, resource).await?,
            ALIAS => self.update_alias(resource)?,
            EVENT_INVOKE => self.set_event_invoke(resource)?,
            kind if kind.starts_with(WEBSOCKET_PARTS) => {
                let living = self.stack.state().made.clone();
                self.redefine_apis(&living, Some(resource)).await?;
            }
            kind if RECORDED.contains(&kind) => {
                let records = &self.cloud.records;
                records.replace(&before.physical_id, resource);
            }
            _ => {}
        }
        let taken = self.cloud.iam.update(&before.resource, resource);
        self.say_unknown(resource, taken)?;
        self.start_if_scheduled(resource);
        Ok(made)
    }

    /// Deletes a resource; one that is gone already is no error.
    ///
    /// # Errors
    /// Why AWS would not.
    pub(super) async fn delete(&self, made: &Made) -> Result<(), String> {
        let (resource, id) = (&made.resource, made.physical_id.as_str());
        self.may(Verb::Delete, resource, id).await?;
        match deployed_kind(&resource.kind) {
            "AWS::Lambda::Function" => self.delete_function(id).await,
            "AWS::Lambda::LayerVersion" => self.cloud.lambda.layers.delete_by_arn(id),
            "AWS::DynamoDB::Table" => self.delete_table(id).await?,
            "AWS::ApiGatewayV2::Api" => self.delete_api(id),
            MAPPING => self.cloud.lambda.mappings.remove(id),
            PERMISSION => self.forbid(resource, id),
            VERSION => self.delete_version(id).await?,
            ALIAS => self.delete_alias(id),
            EVENT_INVOKE => self.delete_event_invoke(resource),
            RULE => {
                self.cloud.schedules.end(&self.rule_arn(id));
                self.cloud.records.remove(RULE, id);
            }
            SCHEDULE => {
                self.cloud.schedules.end(&self.schedule_arn(resource, id));
                self.cloud.records.remove(SCHEDULE, id);
            }
            kind if kind.starts_with(WEBSOCKET_PARTS) => self.remove_part(resource).await,
            kind if RECORDED.contains(&kind) => self.cloud.records.remove(kind, id),
            _ => {}
        }
        self.cloud.iam.delete(resource);
        Ok(())
    }

    async fn remove_part(&self, resource: &Resource) {
        let mut living: IndexMap<String, Made> = self.stack.state().made.clone();
        living.shift_remove(&resource.logical_id);
        // What is left may not be a whole: it is on its way out.
        let _ = self.redefine_apis(&living, None).await;
    }
}

fn problem(file: &str, resource: &Resource, property: Option<&str>, message: String) -> Problem {
    let position = property.map_or(resource.position, |it| resource.position_of(it));
    Problem {
        file: resource.file.as_deref().unwrap_or(file).to_owned(),
        position: Some(position),
        resource: Some(resource.logical_id.clone()),
        property: property.map(str::to_owned),
        message,
    }
}

/// SAM's policy templates that nothing is granted by: the property, and its name.
fn unknown_policy_templates(resource: &Resource) -> Vec<(String, String)> {
    let items = match resource.property("Policies") {
        Some(Value::Array(items)) => items.as_slice(),
        Some(single) => std::slice::from_ref(single),
        None => &[],
    };
    let named = items.iter().enumerate().filter_map(|(index, item)| {
        let name = item.as_object()?.keys().next()?;
        let known = item.get("Statement").is_some() || tether_sam::is_policy_template(name);
        (!known).then(|| (format!("Policies.{index}"), name.clone()))
    });
    named.collect()
}
