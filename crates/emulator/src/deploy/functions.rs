//! Functions of a template, with what invokes them.

use super::{DeployError, DeployedFunction, Deploying};
use crate::lambda::{
    Code, Configuration, Function, LATEST, LayerUse, Plain, Target, Workshop, interpreter,
};
use crate::{files, schedule};
use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tether_protocol::Secret;
use tether_sam::{Code as TemplateCode, Event, PhysicalNames as _, Resource};

/// Properties that become members of the same name, shown and nothing else.
const PLAIN: [(&str, &str); 6] = [
    ("Description", "Description"),
    ("EphemeralStorage", "EphemeralStorage"),
    ("LoggingConfig", "LoggingConfig"),
    ("VpcConfig", "VpcConfig"),
    ("TracingConfig", "TracingConfig"),
    ("KmsKeyArn", "KMSKeyArn"),
];

/// SAM's names for the sources of an event source mapping.
const SOURCES: [(&str, &str); 3] = [
    ("SQS", "Queue"),
    ("Kinesis", "Stream"),
    ("DynamoDB", "Stream"),
];

impl Deploying<'_> {
    pub(super) fn functions(&self) -> Result<Vec<DeployedFunction>, DeployError> {
        let mut deployed = Vec::new();
        for function in self.stack.functions()? {
            let Some(resource) = self.stack.resources.get(&function.logical_id) else {
                continue;
            };
            if function.package_image {
                let message =
                    "container images are not emulated: the function is left out".to_owned();
                self.say(resource, "PackageType", message);
                continue;
            }
            let name = self.names.reference(resource);
            let created = self.function(resource, &function, &name)?;
            self.publish(resource, &created);
            self.events(resource, &function.events, &created);
            deployed.push(DeployedFunction {
                logical_id: function.logical_id.clone(),
                name,
            });
        }
        self.mappings();
        Ok(deployed)
    }

    fn say(&self, resource: &Resource, property: &str, message: String) {
        let problem = self.problem(resource, Some(property), message);
        self.cloud.notice(problem.to_string());
    }

    fn function(
        &self,
        resource: &Resource,
        function: &tether_sam::Function,
        name: &str,
    ) -> Result<Arc<Function>, DeployError> {
        let failed = |property: &str, reason: String| DeployError::Resource {
            resource: function.logical_id.clone(),
            reason: self.problem(resource, Some(property), reason).to_string(),
        };
        let folder = self.work.join("functions").join(&function.logical_id);
        let root = folder.join("task");
        let source = self.take(&function.logical_id, "CodeUri", &function.code, &root)?;
        let runtime = function.runtime.clone().unwrap_or_default();
        let interpreter =
            interpreter(&runtime, &source).map_err(|reason| failed("Runtime", reason))?;
        let environment = function
            .environment
            .iter()
            .map(|(key, value)| (key.clone(), self.cloud.localize(value)));
        // Of what was copied: the copies' own times are of now.
        let copied = matches!(function.code, TemplateCode::Path(_)) && source.is_dir();
        let (code_sha256, code_size) =
            files::fingerprint(if copied { &source } else { &root }).unwrap_or_default();
        let mut configuration = Configuration {
            function_name: name.to_owned(),
            function_arn: self.cloud.arn("lambda", &format!("function:{name}")),
            version: LATEST.to_owned(),
            runtime,
            role: self.role(function),
            handler: function.handler.clone().unwrap_or_default(),
            timeout: function.timeout_seconds,
            memory_mb: function.memory_mb,
            environment: Secret::new(environment.collect()),
            layers: self.layers_of(function),
            architecture: function.architecture.name(),
            code_sha256,
            code_size,
            plain: self.plain(resource),
            last_modified: String::new(),
            revision_id: String::new(),
            updating: false,
        };
        configuration.touch();
        let workshop = Workshop { folder };
        let code = Code {
            root,
            source,
            interpreter,
        };
        let function = Arc::new(Function::new(configuration, code, workshop));
        let reserved = resource.property("ReservedConcurrentExecutions");
        function.reserve(reserved.and_then(number));
        function.tag(resource.property("Tags").unwrap_or(&Value::Null));
        self.cloud.lambda.add_function(Arc::clone(&function));
        Ok(function)
    }

    fn layers_of(&self, function: &tether_sam::Function) -> Vec<LayerUse> {
        let layers = &self.cloud.lambda.layers;
        let used = function.layers.iter().map(|arn| LayerUse {
            arn: arn.clone(),
            code_size: layers.size(arn).unwrap_or(0),
        });
        used.collect()
    }

    /// What of it Lambda would not take is said, and left out.
    fn plain(&self, resource: &Resource) -> Plain {
        let mut plain = Plain::default();
        for (property, member) in PLAIN {
            if let Some(value) = resource.property(property)
                && let Err(error) = plain.set(member, value)
            {
                self.say(resource, property, format!("{error}; it is left out"));
            }
        }
        if let Some(mode) = resource.property("Tracing") {
            // SAM's own name for it.
            let _ = plain.set("TracingConfig", &json!({ "Mode": mode }));
        }
        plain
    }

    fn role(&self, function: &tether_sam::Function) -> String {
        let implicit = || {
            let role = self
                .stack
                .resources
                .get(&format!("{}Role", function.logical_id))?;
            self.names
                .attribute(role, "Arn")?
                .as_str()
                .map(str::to_owned)
        };
        function.role.clone().or_else(implicit).unwrap_or_default()
    }

    /// `AutoPublishAlias`: a version, and an alias that points to it.
    fn publish(&self, resource: &Resource, function: &Function) {
        let alias = resource.property("AutoPublishAlias");
        let Some(alias) = alias.and_then(Value::as_str) else {
            return;
        };
        let published = function.publish(&Value::Null).and_then(|version| {
            let alias = json!({ "Name": alias, "FunctionVersion": version.version });
            function.create_alias(&alias)
        });
        if let Err(error) = published {
            self.say(resource, "AutoPublishAlias", error.to_string());
        }
    }

    fn events(&self, resource: &Resource, events: &[Event], function: &Arc<Function>) {
        for event in events {
            let property = format!("Events.{}", event.name);
            let period = schedule_period(event);
            let source = SOURCES.iter().find(|(kind, _)| *kind == event.kind);
            match (event.kind.as_str(), period, source) {
                ("Schedule" | "ScheduleV2", Some(period), _) => {
                    let input = event.properties.get("Input").and_then(Value::as_str);
                    let input = Bytes::from(input.unwrap_or("{}").to_owned());
                    schedule::start(self.cloud, function.name.clone(), period, input);
                }
                (kind, _, Some((_, source))) => {
                    let mut request = event.properties.clone();
                    if let Value::Object(request) = &mut request {
                        let arn = request.shift_remove(*source).unwrap_or_default();
                        request.insert("EventSourceArn".to_owned(), arn);
                    }
                    let target = Target {
                        function: Arc::clone(function),
                        qualifier: None,
                    };
                    self.mapping(resource, &property, kind, &target, &request);
                }
                (kind, ..) => {
                    let message = format!(
                        "{kind} events are not emulated: nothing invokes the function by it"
                    );
                    self.say(resource, &property, message);
                }
            }
        }
    }

    /// `AWS::Lambda::EventSourceMapping`
    fn mappings(&self) {
        let resources = self.stack.resources.values();
        for resource in resources.filter(|it| it.kind == "AWS::Lambda::EventSourceMapping") {
            let name = resource.property("FunctionName").and_then(Value::as_str);
            let target = self.cloud.lambda.target(name.unwrap_or_default(), None);
            match target {
                Ok(target) => {
                    let request = &resource.properties;
                    self.mapping(resource, "EventSourceArn", "its", &target, request);
                }
                Err(error) => self.say(resource, "FunctionName", error.to_string()),
            }
        }
    }

    fn mapping(
        &self,
        resource: &Resource,
        property: &str,
        kind: &str,
        target: &Target,
        request: &Value,
    ) {
        let mappings = &self.cloud.lambda.mappings;
        let message = match mappings.create(&target.function, &target.arn(), request) {
            Ok(_) => format!(
                "{kind} events are kept as a record: nothing polls, and nothing invokes the \
                 function by it"
            ),
            Err(error) => format!("{error} Nothing is created for it"),
        };
        self.say(resource, property, message);
    }
}

/// What comes from a parameter is text.
fn number(value: &Value) -> Option<u32> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => u32::try_from(other.as_u64()?).ok(),
    }
}

fn schedule_period(event: &Event) -> Option<Duration> {
    let expression = event
        .properties
        .get("Schedule")
        .or_else(|| event.properties.get("ScheduleExpression"))?;
    tether_sam::schedule_period(expression.as_str()?)
}
