//! What is small: names that are taken, permissions, event source mappings.

use super::{Hands, exists};
use crate::lambda::Target;
use serde_json::{Value, json};
use tether_sam::Resource;

impl Hands<'_> {
    pub(super) fn record(&self, resource: &Resource) -> Result<(), String> {
        let name = &resource.reference;
        let added = self.cloud.records.add(name, resource);
        added
            .then_some(())
            .ok_or_else(|| exists(&resource.kind, name))
    }

    pub(super) fn target(&self, resource: &Resource) -> Result<Target, String> {
        let name = resource.property("FunctionName").and_then(Value::as_str);
        let target = self.cloud.lambda.target(name.unwrap_or_default(), None);
        target.map_err(|error| error.to_string())
    }

    // ---- `AWS::Lambda::Permission`

    /// Its id is the statement's.
    pub(super) fn permit(&self, resource: &Resource, id: &mut String) -> Result<(), String> {
        let target = self.target(resource)?;
        let suffix = crate::id::stable(&crate::id::uuid(), 12, crate::id::UPPER);
        let own = resource.logical_id.replace('/', "-");
        *id = format!("{}-{own}-{suffix}", self.stack.name);
        let mut request = resource.properties.clone();
        if let Value::Object(request) = &mut request {
            request.shift_remove("FunctionName");
            request.insert("StatementId".to_owned(), json!(id));
        }
        let added = target.function.add_permission(target.qualifier(), &request);
        added
            .map(|_| ())
            .map_err(|error| super::refused(&error.to_string(), "InvalidRequest"))
    }

    pub(super) fn forbid(&self, resource: &Resource, id: &str) {
        if let Ok(target) = self.target(resource) {
            // Gone already is as good.
            let _ = target.function.remove_permission(target.qualifier(), id);
        }
    }

    // ---- `AWS::Lambda::EventSourceMapping`

    /// One that cannot be is said, and is no failure: nothing polls anyhow.
    pub(super) fn create_mapping(&self, resource: &Resource, id: &mut String) {
        let of_event = |name: &str| resource.metadata.get(name).and_then(Value::as_str);
        let event = of_event("Event").map(|it| format!("Events.{it}"));
        let kind = of_event("Kind").unwrap_or("its");
        let target = match self.target(resource) {
            Ok(target) => target,
            Err(error) => return self.say(resource, "FunctionName", error),
        };
        let mappings = &self.cloud.lambda.mappings;
        let arn = target.arn();
        let created = mappings.create(&target.function, &arn, &resource.properties);
        let message = match created {
            Ok(created) => {
                let uuid = created.get("UUID").and_then(Value::as_str);
                uuid.unwrap_or_default().clone_into(id);
                format!(
                    "{kind} events are kept as a record: nothing polls, and nothing invokes the \
                     function by it"
                )
            }
            Err(error) => format!("{error} Nothing is created for it"),
        };
        let property = event.as_deref().unwrap_or("EventSourceArn");
        self.say(resource, property, message);
    }
}
