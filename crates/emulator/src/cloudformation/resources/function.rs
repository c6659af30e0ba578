//! Functions.

use super::{Content, Hands, exists, problem};
use crate::cloudformation::expand;
use crate::cloudformation::stack::Made;
use crate::lambda::{
    Code, Configuration, Function, LATEST, LayerUse, Plain, Workshop, interpreter,
};
use crate::working_copies::{Certificates, Here, WantedCopy, WorkingCopies};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use tether_protocol::Secret;
use tether_sam::Resource;

/// Properties that become members of the same name, shown and nothing else.
const PLAIN: [(&str, &str); 7] = [
    ("DeadLetterConfig", "DeadLetterConfig"),
    ("Description", "Description"),
    ("EphemeralStorage", "EphemeralStorage"),
    ("LoggingConfig", "LoggingConfig"),
    ("VpcConfig", "VpcConfig"),
    ("TracingConfig", "TracingConfig"),
    ("KmsKeyArn", "KMSKeyArn"),
];

/// Where a function's code stands in a template.
fn code_property(resource: &Resource) -> &'static str {
    match resource.kind.as_str() {
        "AWS::Lambda::Function" => "Code",
        _ => "CodeUri",
    }
}

/// Where code can stand.
const CODE: [&str; 4] = ["Code", "CodeUri", "InlineCode", "ImageUri"];

fn same_code(one: &Resource, other: &Resource) -> bool {
    CODE.iter()
        .all(|it| one.properties.get(it) == other.properties.get(it))
}

impl Hands<'_> {
    /// The stack's folder.
    pub(super) fn place(&self) -> PathBuf {
        let id = self.stack.id.rsplit('/').next().unwrap_or_default();
        let work = self.cloud.work.path();
        work.join(format!("{}-{id}", self.stack.name))
    }

    fn view(&self, resource: &Resource) -> Result<tether_sam::Function, String> {
        let view = tether_sam::Function::from_resource(resource, self.file);
        view.map_err(|error| error.to_string())
    }

    /// None: there is none here, and that is said.
    pub(super) async fn create_function(
        &self,
        resource: &Resource,
    ) -> Result<Option<Content>, String> {
        let view = self.view(resource)?;
        if view.package_image {
            let message = "container images are not emulated: the function is left out";
            self.say(resource, "PackageType", message.to_owned());
            return Ok(None);
        }
        let name = &resource.reference;
        let lambda = &self.cloud.lambda;
        if lambda.target(name, None).is_ok() {
            return Err(exists(&resource.kind, name));
        }
        let folder = self.place().join("functions").join(name);
        // A folder of this name may be left of another one.
        let task = match folder.exists() {
            false => "task".to_owned(),
            true => format!("task-{}", crate::id::uuid()),
        };
        let to = folder.join(task);
        let property = code_property(resource);
        let content = self.take(resource, property, &view.code, &to).await?;
        let configuration = self.configuration(resource, &view, &content);
        let code = self.code(resource, &view, &content)?;
        let workshop = Workshop { folder };
        let here = self.here(resource, &configuration);
        let mut function = Function::new(configuration, code, workshop);
        if let Some(here) = here {
            function = function.worked_on(here);
        }
        let function = Arc::new(function);
        self.records(resource, &function);
        lambda.add_function(Arc::clone(&function));
        self.say_events(resource, &view);
        self.say_destinations(resource, "EventInvokeConfig.DestinationConfig");
        self.say_dead_letters(resource);
        Ok(Some(content))
    }

    /// In place: environments of before finish what they are doing.
    pub(super) async fn update_function(
        &self,
        before: &Made,
        resource: &Resource,
        content: Option<Content>,
    ) -> Result<Option<Content>, String> {
        let view = self.view(resource)?;
        if view.package_image {
            // It was left out before.
            return Ok(None);
        }
        let name = &before.physical_id;
        let target = self.cloud.lambda.target(name, None);
        let function = target.map_err(|error| error.to_string())?.function;
        let kept = before
            .content
            .clone()
            .filter(|_| same_code(&before.resource, resource));
        let content = match content.or(kept) {
            Some(content) => content,
            None => {
                let task = format!("task-{}", crate::id::uuid());
                let to = function.workshop.folder.join(task);
                let property = code_property(resource);
                self.take(resource, property, &view.code, &to).await?
            }
        };
        let configuration = self.configuration(resource, &view, &content);
        let code = self.code(resource, &view, &content)?;
        if let Some(here) = &function.here {
            here.set_variables(self.variables_here(resource, &configuration, &*here.copies));
        }
        function.replace(configuration, code).await;
        self.records(resource, &function);
        Ok(Some(content))
    }

    pub(super) async fn delete_function(&self, name: &str) {
        let Ok(target) = self.cloud.lambda.target(name, None) else {
            return;
        };
        self.cloud.lambda.remove_function(&target.function.name);
        target.function.end().await;
    }

    fn code(
        &self,
        resource: &Resource,
        view: &tether_sam::Function,
        content: &Content,
    ) -> Result<Code, String> {
        let runtime = view.runtime.as_deref().unwrap_or_default();
        // Working copies find their own.
        if self.cloud.options.working_copies.is_some() {
            return Ok(Code {
                root: content.root.clone(),
                source: content.source.clone(),
                interpreter: None,
            });
        }
        let interpreter = interpreter(runtime, &content.source)
            .map_err(|reason| problem(self.file, resource, Some("Runtime"), reason).to_string())?;
        Ok(Code {
            root: content.root.clone(),
            source: content.source.clone(),
            interpreter,
        })
    }

    fn configuration(
        &self,
        resource: &Resource,
        view: &tether_sam::Function,
        content: &Content,
    ) -> Configuration {
        let cloud = self.cloud;
        let name = &resource.reference;
        let environment = view
            .environment
            .iter()
            .map(|(key, value)| (key.clone(), cloud.localize(value)));
        let mut configuration = Configuration {
            function_name: name.clone(),
            function_arn: cloud.arn("lambda", &format!("function:{name}")),
            version: LATEST.to_owned(),
            runtime: view.runtime.clone().unwrap_or_default(),
            role: view.role.clone().unwrap_or_default(),
            handler: view.handler.clone().unwrap_or_default(),
            timeout: view.timeout_seconds,
            memory_mb: view.memory_mb,
            environment: Secret::new(environment.collect()),
            layers: self.layers_of(view),
            architecture: view.architecture.name(),
            code_sha256: content.sha256.clone(),
            code_size: content.size,
            plain: self.plain(resource),
            last_modified: String::new(),
            revision_id: String::new(),
            updating: false,
        };
        configuration.touch();
        configuration
    }

    /// Its working copy, where functions run as such.
    fn here(&self, resource: &Resource, configuration: &Configuration) -> Option<Here> {
        let copies = self.cloud.options.working_copies.as_ref()?;
        let variables = self.variables_here(resource, configuration, &**copies);
        Some(Here::new(
            Arc::clone(copies),
            &resource.logical_id,
            variables,
        ))
    }

    fn variables_here(
        &self,
        resource: &Resource,
        configuration: &Configuration,
        copies: &dyn WorkingCopies,
    ) -> BTreeMap<String, String> {
        copies.variables(&WantedCopy {
            logical_id: &resource.logical_id,
            name: &configuration.function_name,
            runtime: &configuration.runtime,
            memory_mb: configuration.memory_mb,
            environment: configuration.environment.expose(),
            endpoint: self.cloud.endpoint,
            certificates: self.cloud.trust().map(|it| Certificates {
                own: &it.own,
                all: &it.all,
            }),
        })
    }

    fn layers_of(&self, view: &tether_sam::Function) -> Vec<LayerUse> {
        let layers = &self.cloud.lambda.layers;
        let used = view.layers.iter().map(|arn| LayerUse {
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
        if let Some(queue) = resource.property("DeadLetterQueue.TargetArn") {
            let _ = plain.set("DeadLetterConfig", &json!({ "TargetArn": queue }));
        }
        plain
    }

    /// Reserved concurrency and tags.
    fn records(&self, resource: &Resource, function: &Function) {
        let reserved = resource.property("ReservedConcurrentExecutions");
        function.reserve(reserved.and_then(number));
        function.tag(resource.property("Tags").unwrap_or(&Value::Null));
    }

    fn say_events(&self, resource: &Resource, view: &tether_sam::Function) {
        for event in view.events.iter().filter(|it| !expand::is_played(it)) {
            let kind = &event.kind;
            let message =
                format!("{kind} events are not emulated: nothing invokes the function by it");
            self.say(resource, &format!("Events.{}", event.name), message);
        }
    }
}

/// What comes from a parameter is text.
fn number(value: &Value) -> Option<u32> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => u32::try_from(other.as_u64()?).ok(),
    }
}
