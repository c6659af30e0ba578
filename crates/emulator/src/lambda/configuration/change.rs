//! What may be written into a configuration
//! (<https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionConfiguration.html>).

use super::plain::MEMBERS;
use super::{Configuration, LayerUse};
use crate::lambda::LambdaError;
use serde_json::Value;
use std::collections::BTreeMap;
use tether_protocol::{Environment, Secret};

/// Names and values together.
const MAX_ENVIRONMENT: usize = 4096;
const MAX_LAYERS: usize = 5;

/// Variables that belong to Lambda
/// (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>).
const RESERVED: [&str; 20] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_MAX_CONCURRENCY",
    "AWS_LAMBDA_METADATA_API",
    "AWS_LAMBDA_METADATA_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_SESSION_TOKEN",
];

/// Lambda's own name for what a variable may be called.
const NAME_PATTERN: &str = "[a-zA-Z]([a-zA-Z0-9_])+";

const ROLE_PATTERN: &str = r"arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+";

/// Members that would change what runs, in ways that are not emulated.
const NOT_EMULATED: [&str; 6] = [
    "FileSystemConfigs",
    "ImageConfig",
    "CapacityProviderConfig",
    "DurableConfig",
    "RuntimeConfig",
    "AcceleratorConfig",
];

/// What a change is checked against.
pub(crate) struct Known<'a> {
    /// The size of a layer version that exists.
    pub(crate) layer: &'a dyn Fn(&str) -> Option<u64>,
    /// Why a runtime cannot be run here, if it cannot.
    pub(crate) runtime: &'a dyn Fn(&str) -> Result<(), String>,
}

impl Configuration {
    /// This configuration with a request's changes. Maps and lists are
    /// replaced whole.
    pub(crate) fn with(&self, request: &Value, known: &Known<'_>) -> Result<Self, LambdaError> {
        let mut changed = self.clone();
        for (member, value) in request.as_object().into_iter().flatten() {
            if !value.is_null() {
                changed.set(member, value, known)?;
            }
        }
        check_revision(request, &self.revision_id)?;
        self.check_idle()?;
        changed.updating = true;
        changed.touch();
        Ok(changed)
    }

    /// One change at a time.
    pub(crate) fn check_idle(&self) -> Result<(), LambdaError> {
        if !self.updating {
            return Ok(());
        }
        Err(LambdaError::Conflict(format!(
            "The operation cannot be performed at this time. An update is in progress for \
             resource: {}",
            self.function_arn
        )))
    }

    fn set(&mut self, member: &str, value: &Value, known: &Known<'_>) -> Result<(), LambdaError> {
        match member {
            "RevisionId" => {}
            "Environment" => match value.get("Variables") {
                Some(variables) if !variables.is_null() => {
                    self.environment = environment(variables)?;
                }
                _ => {}
            },
            "Layers" => self.layers = checked_layers(value, known.layer)?,
            "Timeout" => self.timeout = number(value, "timeout", 1, 900)?,
            "MemorySize" => self.memory_mb = number(value, "memorySize", 128, 10_240)?,
            "Handler" => self.handler = handler(value)?,
            "Role" => self.role = role(value)?,
            "Runtime" => {
                let runtime = text(value, "runtime")?;
                (known.runtime)(&runtime).map_err(LambdaError::NotServed)?;
                self.runtime = runtime;
            }
            plain if MEMBERS.contains(&plain) => self.plain.set(plain, value)?,
            // Empty, they ask for nothing.
            other if NOT_EMULATED.contains(&other) && is_empty(value) => {}
            other => {
                let what = format!("{other} of UpdateFunctionConfiguration");
                return Err(LambdaError::NotServed(what));
            }
        }
        Ok(())
    }
}

/// Refuses a request that was made for another revision.
pub(crate) fn check_revision(request: &Value, current: &str) -> Result<(), LambdaError> {
    match request.get("RevisionId").and_then(Value::as_str) {
        Some(expected) if expected != current => Err(LambdaError::stale_revision()),
        _ => Ok(()),
    }
}

/// A member that is text.
pub(crate) fn text(value: &Value, member: &str) -> Result<String, LambdaError> {
    let text = value.as_str().map(str::to_owned);
    text.ok_or_else(|| {
        LambdaError::InvalidContent(format!("The value of {member} is not a string"))
    })
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

fn handler(value: &Value) -> Result<String, LambdaError> {
    let handler = text(value, "handler")?;
    let pattern = |it: &str| !it.is_empty() && !it.contains(char::is_whitespace);
    if handler.len() > 128 || !pattern(&handler) {
        let constraint = r"Member must satisfy regular expression pattern: [^\s]+";
        return Err(LambdaError::constraint(&handler, "handler", constraint));
    }
    Ok(handler)
}

fn role(value: &Value) -> Result<String, LambdaError> {
    let role = text(value, "role")?;
    let parts: Vec<&str> = role.splitn(6, ':').collect();
    let is_role = match parts.as_slice() {
        ["arn", partition, "iam", "", account, resource] => {
            partition.starts_with("aws")
                && account.len() == 12
                && account.bytes().all(|it| it.is_ascii_digit())
                && resource.strip_prefix("role").is_some_and(|it| it.len() > 1)
                && !resource.contains(char::is_whitespace)
        }
        _ => false,
    };
    if !is_role {
        let constraint = format!("Member must satisfy regular expression pattern: {ROLE_PATTERN}");
        return Err(LambdaError::constraint(&role, "role", &constraint));
    }
    Ok(role)
}

fn environment(variables: &Value) -> Result<Environment, LambdaError> {
    let mut read = BTreeMap::new();
    for (name, value) in variables.as_object().into_iter().flatten() {
        read.insert(name.clone(), text(value, name)?);
    }
    check_environment(&read)?;
    Ok(Secret::new(read))
}

/// What Lambda refuses in an environment.
fn check_environment(variables: &BTreeMap<String, String>) -> Result<(), LambdaError> {
    // Before the names' pattern: some of these begin with an underscore.
    let reserved: Vec<&str> = variables
        .keys()
        .map(String::as_str)
        .filter(|name| RESERVED.contains(name))
        .collect();
    if !reserved.is_empty() {
        return Err(LambdaError::InvalidParameter(format!(
            "Lambda was unable to configure your environment variables because the environment \
             variables you have provided contains reserved keys that are currently not supported \
             for modification. Reserved keys used in this request: {}",
            reserved.join(", ")
        )));
    }
    if !variables.keys().all(|it| is_variable_name(it)) {
        return Err(LambdaError::Validation(format!(
            "Value at 'environment.variables' failed to satisfy constraint: Map keys must \
             satisfy constraint: [Member must satisfy regular expression pattern: {NAME_PATTERN}]"
        )));
    }
    let size: usize = variables.iter().map(|(k, v)| k.len() + v.len()).sum();
    if size > MAX_ENVIRONMENT {
        return Err(LambdaError::InvalidParameter(format!(
            "Lambda was unable to configure your environment variables because the environment \
             variables you have provided exceeded the 4KB limit. String measured: {size} bytes"
        )));
    }
    Ok(())
}

/// [`NAME_PATTERN`]: two characters at least, the first one a letter.
fn is_variable_name(name: &str) -> bool {
    let mut letters = name.bytes();
    letters.next().is_some_and(|it| it.is_ascii_alphabetic())
        && name.len() > 1
        && letters.all(|it| it.is_ascii_alphanumeric() || it == b'_')
}

fn checked_layers(
    layers: &Value,
    size: impl Fn(&str) -> Option<u64>,
) -> Result<Vec<LayerUse>, LambdaError> {
    let layers = layers.as_array().into_iter().flatten();
    let arns: Vec<&str> = layers.filter_map(Value::as_str).collect();
    if arns.len() > MAX_LAYERS {
        return Err(LambdaError::InvalidParameter(format!(
            "Cannot reference more than {MAX_LAYERS} layers."
        )));
    }
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    let mut checked = Vec::new();
    for arn in arns {
        let Some(code_size) = size(arn) else {
            return Err(LambdaError::InvalidParameter(format!(
                "Layer version {arn} does not exist."
            )));
        };
        let layer = arn.rsplit_once(':').map_or(arn, |(layer, _)| layer);
        if let Some(other) = seen.insert(layer, arn) {
            return Err(LambdaError::InvalidParameter(format!(
                "Two different versions of the same layer are not allowed to be referenced in \
                 the same function. {other} and {arn} are versions of the same layer."
            )));
        }
        checked.push(LayerUse {
            arn: arn.to_owned(),
            code_size,
        });
    }
    Ok(checked)
}

fn number(value: &Value, member: &str, least: u32, most: u32) -> Result<u32, LambdaError> {
    let number = value.as_u64().and_then(|it| u32::try_from(it).ok());
    match number {
        Some(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(LambdaError::constraint(
            &value.to_string(),
            member,
            &format!("Member must have value between {least} and {most}"),
        )),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::super::example;
    use super::*;
    use serde_json::json;

    fn change(to: &Configuration, request: &Value) -> Result<Configuration, LambdaError> {
        to.with(
            request,
            &Known {
                layer: &|arn| (arn != "missing:1").then_some(7),
                runtime: &|runtime| match runtime.starts_with("python") {
                    true => Ok(()),
                    false => Err(runtime.to_owned()),
                },
            },
        )
    }

    fn refused(request: &Value) -> String {
        let error = change(&example(), request).unwrap_err();
        format!("{}: {error}", error.name())
    }

    #[test]
    fn a_change_replaces_the_map_whole_and_gets_a_new_revision() {
        let first = json!({ "Environment": { "Variables": { "A1": "1" } }, "RevisionId": "r1" });
        let mut changed = change(&example(), &first).unwrap();
        assert_ne!(changed.revision_id, "r1");
        changed.updating = false;
        let second = json!({ "Environment": { "Variables": { "B2": "2" } } });
        let changed = change(&changed, &second).unwrap();
        let names: Vec<_> = changed.environment.expose().keys().cloned().collect();
        assert_eq!(names, ["B2"]);
    }

    #[test]
    fn a_change_that_aws_refuses_is_refused_with_its_words() {
        let stale = refused(&json!({ "RevisionId": "r0" }));
        assert!(stale.starts_with("PreconditionFailedException"), "{stale}");
        let mut busy = example();
        busy.updating = true;
        let error = change(&busy, &json!({})).unwrap_err();
        assert_eq!(error.name(), "ResourceConflictException");
        let reserved = refused(&json!({ "Environment": { "Variables": { "AWS_REGION": "x" } } }));
        assert!(reserved.contains("reserved keys") && reserved.ends_with("AWS_REGION"));
        let large = json!({ "Environment": { "Variables": { "AA": "x".repeat(4095) } } });
        assert!(refused(&large).contains("4KB"));
        for name in ["A", "1A", "_A", "A-B"] {
            let named = refused(&json!({ "Environment": { "Variables": { name: "x" } } }));
            assert!(named.contains("Map keys must satisfy"), "{name}: {named}");
        }
        let timeout = refused(&json!({ "Timeout": 901 }));
        assert!(timeout.contains("'timeout'"), "{timeout}");
        let role = refused(&json!({ "Role": "somebody" }));
        assert!(role.contains("'role'"), "{role}");
    }

    #[test]
    fn layers_are_checked_one_by_one() {
        let layers = refused(&json!({ "Layers": ["a:1", "b:1", "c:1", "d:1", "e:1", "f:1"] }));
        assert!(layers.contains("more than 5 layers"), "{layers}");
        let missing = refused(&json!({ "Layers": ["missing:1"] }));
        assert!(missing.contains("missing:1 does not exist"), "{missing}");
        let twice = refused(&json!({ "Layers": ["a:1", "a:2"] }));
        assert!(twice.contains("a:1 and a:2"), "{twice}");
    }

    #[test]
    fn what_is_not_emulated_is_named_and_not_swallowed() {
        let durable = refused(&json!({ "DurableConfig": { "ExecutionTimeout": 1 } }));
        assert!(durable.starts_with("NotImplemented") && durable.contains("DurableConfig"));
        let unknown = refused(&json!({ "NewsOfTomorrow": 1 }));
        assert!(unknown.contains("NewsOfTomorrow"), "{unknown}");
        assert!(refused(&json!({ "Runtime": "cobol" })).contains("cobol"));
        assert!(change(&example(), &json!({ "FileSystemConfigs": [] })).is_ok());
    }
}
