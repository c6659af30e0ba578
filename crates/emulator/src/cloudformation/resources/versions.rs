//! Versions and aliases of functions, and what is done with their events.

use super::{Hands, refused};
use crate::lambda::{LambdaError, Target, is_function};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use tether_sam::Resource;

/// What a request says that a template does not.
const NOT_ASKED: [&str; 2] = ["FunctionName", "Qualifier"];

fn failed(error: &LambdaError) -> String {
    refused(&error.to_string(), "InvalidRequest")
}

impl Hands<'_> {
    // ---- `AWS::Lambda::Version`

    pub(super) fn create_version(&self, resource: &Resource) -> Result<(), String> {
        let target = self.target(resource)?;
        let request = without(&resource.properties, &NOT_ASKED);
        let published = target.function.publish_another(&request);
        let version = published.map_err(|error| failed(&error))?;
        if version.function_arn != resource.reference {
            let message = format!(
                "A version for this Lambda function exists ( {} ). Modify the function to create \
                 a new version.",
                version.version
            );
            return Err(refused(&message, "AlreadyExists"));
        }
        Ok(())
    }

    pub(super) async fn delete_version(&self, arn: &str) -> Result<(), String> {
        let Ok(target) = self.cloud.lambda.target(arn, None) else {
            return Ok(());
        };
        let Some(number) = target.qualifier() else {
            return Ok(());
        };
        match target.function.delete_version(number).await {
            Ok(()) | Err(LambdaError::NotFound(_)) => Ok(()),
            Err(error) => Err(failed(&error)),
        }
    }

    // ---- `AWS::Lambda::Alias`

    pub(super) fn create_alias(&self, resource: &Resource) -> Result<(), String> {
        let target = self.target(resource)?;
        let created = target.function.create_alias(&alias(resource));
        created.map(|_| ()).map_err(|error| failed(&error))
    }

    pub(super) fn update_alias(&self, resource: &Resource) -> Result<(), String> {
        let target = self.target(resource)?;
        let name = resource.property("Name").and_then(Value::as_str);
        let updated = target
            .function
            .update_alias(name.unwrap_or_default(), &alias(resource));
        updated.map_err(|error| failed(&error))?;
        self.end_superseded(&target);
        Ok(())
    }

    pub(super) fn delete_alias(&self, arn: &str) {
        if let Ok(target) = self.cloud.lambda.target(arn, None)
            && let Some(name) = target.qualifier()
        {
            target.function.delete_alias(name);
            self.end_superseded(&target);
        }
    }

    /// Nobody waits for it.
    fn end_superseded(&self, target: &Target) {
        let function = Arc::clone(&target.function);
        let ends = async move { function.end_superseded().await };
        self.cloud.tasks.spawn(ends);
    }

    // ---- `AWS::Lambda::EventInvokeConfig`

    pub(super) fn set_event_invoke(&self, resource: &Resource) -> Result<(), String> {
        let mut target = self.target(resource)?;
        let qualifier = resource.property("Qualifier").and_then(Value::as_str);
        target.qualifier = qualifier.map(str::to_owned);
        let mut request = without(&resource.properties, &NOT_ASKED);
        if request.as_object().is_some_and(Map::is_empty) {
            // It is only the API that refuses it.
            request = json!({ "DestinationConfig": {} });
        }
        let lambda = &self.cloud.lambda;
        let set = lambda.set_event_invoke(&target, &request, false);
        set.map_err(|error| failed(&error))?;
        // SAM's functions say it themselves.
        if resource.metadata.get("Event").is_none() {
            self.say_destinations(resource, "DestinationConfig");
        }
        Ok(())
    }

    pub(super) fn delete_event_invoke(&self, resource: &Resource) {
        if let Ok(target) = self.target(resource) {
            let qualifier = resource.property("Qualifier").and_then(Value::as_str);
            // Gone already is as good.
            let _ = target.function.delete_event_invoke(qualifier);
        }
    }

    /// Destinations that are told nothing here, said once.
    pub(super) fn say_destinations(&self, resource: &Resource, path: &str) {
        for when in ["OnSuccess", "OnFailure"] {
            let property = format!("{path}.{when}");
            let Some(destination) = resource.property(&property) else {
                continue;
            };
            let member = |name: &str| destination.get(name).and_then(Value::as_str);
            let arn = member("Destination");
            if arn.is_some_and(is_function) || (arn.is_none() && member("Type").is_none()) {
                continue;
            }
            let what = arn.or(member("Type")).unwrap_or_default();
            let message = format!(
                "only functions are played as destinations: {what} is told nothing, and each \
                 record that it would get is named"
            );
            self.say(resource, &property, message);
        }
    }

    /// A dead-letter queue, said once.
    pub(super) fn say_dead_letters(&self, resource: &Resource) {
        for property in ["DeadLetterConfig", "DeadLetterQueue"] {
            if resource
                .property(&format!("{property}.TargetArn"))
                .is_some()
            {
                let message = "queues and topics are not played: events that fail are named, and \
                               go nowhere";
                self.say(resource, property, message.to_owned());
            }
        }
    }
}

fn without(properties: &Value, left_out: &[&str]) -> Value {
    let members = properties.as_object().into_iter().flatten();
    let kept = members.filter(|(name, _)| !left_out.contains(&name.as_str()));
    Value::Object(kept.map(|(name, it)| (name.clone(), it.clone())).collect())
}

/// As `CreateAlias` is asked: weights are a list in templates.
fn alias(resource: &Resource) -> Value {
    let mut request = without(&resource.properties, &["FunctionName"]);
    let weights = resource.property("RoutingConfig.AdditionalVersionWeights");
    let weights = weights.and_then(Value::as_array).into_iter().flatten();
    let weights = weights.filter_map(|it| {
        let version = it.get("FunctionVersion")?.as_str()?;
        let weight = it.get("FunctionWeight")?;
        let number = weight.as_f64().or_else(|| weight.as_str()?.parse().ok());
        Some((version.to_owned(), json!(number?)))
    });
    let weights: Map<String, Value> = weights.collect();
    // None takes away what was there.
    request["RoutingConfig"] = json!({ "AdditionalVersionWeights": weights });
    request
}
