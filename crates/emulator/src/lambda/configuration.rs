//! A function's configuration, and what may be written into it
//! (<https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionConfiguration.html>).

use super::error::LambdaError;
use crate::id;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use tether_protocol::{Environment, Secret};

/// Names and values together.
const MAX_ENVIRONMENT: usize = 4096;
const MAX_LAYERS: usize = 5;

/// Variables that belong to Lambda
/// (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>).
const RESERVED: [&str; 17] = [
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
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_SESSION_TOKEN",
];

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Configuration {
    pub(crate) function_name: String,
    pub(crate) function_arn: String,
    pub(crate) runtime: String,
    pub(crate) role: String,
    pub(crate) handler: String,
    pub(crate) timeout: u32,
    pub(crate) memory_mb: u32,
    pub(crate) environment: Environment,
    pub(crate) layers: Vec<String>,
    pub(crate) architecture: &'static str,
    pub(crate) code_sha256: String,
    pub(crate) code_size: u64,
    pub(crate) last_modified: String,
    pub(crate) revision_id: String,
    pub(crate) updating: bool,
}

impl Configuration {
    /// As `GetFunctionConfiguration` answers. What is empty is left out, as
    /// AWS does it.
    pub(crate) fn to_json(&self) -> Value {
        let status = if self.updating {
            "InProgress"
        } else {
            "Successful"
        };
        let mut answer = json!({
            "FunctionName": self.function_name,
            "FunctionArn": self.function_arn,
            "Runtime": self.runtime,
            "Role": self.role,
            "Handler": self.handler,
            "CodeSize": self.code_size,
            "Description": "",
            "Timeout": self.timeout,
            "MemorySize": self.memory_mb,
            "LastModified": self.last_modified,
            "CodeSha256": self.code_sha256,
            "Version": "$LATEST",
            "TracingConfig": { "Mode": "PassThrough" },
            "RevisionId": self.revision_id,
            "State": "Active",
            "LastUpdateStatus": status,
            "PackageType": "Zip",
            "Architectures": [self.architecture],
            "EphemeralStorage": { "Size": 512 },
            "SnapStart": { "ApplyOn": "None", "OptimizationStatus": "Off" },
            "LoggingConfig": {
                "LogFormat": "Text",
                "LogGroup": format!("/aws/lambda/{}", self.function_name),
            },
        });
        if let Value::Object(answer) = &mut answer {
            self.optional(answer);
        }
        answer
    }

    fn optional(&self, answer: &mut Map<String, Value>) {
        if !self.environment.expose().is_empty() {
            let variables = json!({ "Variables": self.environment.expose() });
            answer.insert("Environment".to_owned(), variables);
        }
        if !self.layers.is_empty() {
            let layers = self
                .layers
                .iter()
                .map(|arn| json!({ "Arn": arn, "CodeSize": 0 }));
            answer.insert("Layers".to_owned(), layers.collect());
        }
        if self.updating {
            answer.insert(
                "LastUpdateStatusReason".to_owned(),
                json!("The function is being created."),
            );
            answer.insert("LastUpdateStatusReasonCode".to_owned(), json!("Creating"));
        }
    }

    /// This configuration with a request's changes. Maps and lists are
    /// replaced whole.
    pub(crate) fn with(
        &self,
        request: &Value,
        layer_exists: impl Fn(&str) -> bool,
    ) -> Result<Self, LambdaError> {
        if let Some(expected) = request.get("RevisionId").and_then(Value::as_str)
            && expected != self.revision_id
        {
            return Err(LambdaError::PreconditionFailed(
                "The Revision Id provided does not match the latest Revision Id. Call the \
                 GetFunction/GetAlias API to retrieve the latest Revision Id"
                    .to_owned(),
            ));
        }
        if self.updating {
            return Err(LambdaError::Conflict(format!(
                "The operation cannot be performed at this time. An update is in progress for \
                 resource: {}",
                self.function_arn
            )));
        }
        let mut changed = self.clone();
        if let Some(variables) = request.pointer("/Environment/Variables") {
            changed.environment = environment(variables)?;
        }
        if let Some(layers) = request.get("Layers").and_then(Value::as_array) {
            changed.layers = checked_layers(layers, layer_exists)?;
        }
        if let Some(timeout) = request.get("Timeout") {
            changed.timeout = number(timeout, "timeout", 1, 900)?;
        }
        if let Some(memory) = request.get("MemorySize") {
            changed.memory_mb = number(memory, "memorySize", 128, 10_240)?;
        }
        for (key, field) in [
            ("Handler", &mut changed.handler),
            ("Runtime", &mut changed.runtime),
            ("Role", &mut changed.role),
        ] {
            if let Some(text) = request.get(key).and_then(Value::as_str) {
                text.clone_into(field);
            }
        }
        changed.updating = true;
        changed.touch();
        Ok(changed)
    }

    /// A new revision, now.
    pub(crate) fn touch(&mut self) {
        self.revision_id = id::uuid();
        self.last_modified = last_modified();
    }
}

/// `2026-11-21T05:47:00.000+0000`
pub(crate) fn last_modified() -> String {
    let now = time::OffsetDateTime::now_utc();
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}+0000",
        now.year(),
        u8::from(now.month()),
        now.day(),
        now.hour(),
        now.minute(),
        now.second(),
        now.millisecond()
    )
}

fn environment(variables: &Value) -> Result<Environment, LambdaError> {
    let mut read = BTreeMap::new();
    for (name, value) in variables.as_object().into_iter().flatten() {
        let Some(text) = value.as_str() else {
            let message = format!("The value of {name} is not a string");
            return Err(LambdaError::InvalidContent(message));
        };
        read.insert(name.clone(), text.to_owned());
    }
    check_environment(&read)?;
    Ok(Secret::new(read))
}

/// What Lambda refuses in an environment.
pub(crate) fn check_environment(variables: &BTreeMap<String, String>) -> Result<(), LambdaError> {
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
    let size: usize = variables.iter().map(|(k, v)| k.len() + v.len()).sum();
    if size > MAX_ENVIRONMENT {
        return Err(LambdaError::InvalidParameter(format!(
            "Lambda was unable to configure your environment variables because the environment \
             variables you have provided exceeded the 4KB limit. String measured: {size} bytes"
        )));
    }
    Ok(())
}

fn checked_layers(
    layers: &[Value],
    exists: impl Fn(&str) -> bool,
) -> Result<Vec<String>, LambdaError> {
    let arns: Vec<String> = layers
        .iter()
        .filter_map(|it| it.as_str().map(str::to_owned))
        .collect();
    if arns.len() > MAX_LAYERS {
        return Err(LambdaError::InvalidParameter(format!(
            "Cannot reference more than {MAX_LAYERS} layers."
        )));
    }
    match arns.iter().find(|arn| !exists(arn)) {
        Some(missing) => Err(LambdaError::InvalidParameter(format!(
            "Layer version {missing} does not exist."
        ))),
        None => Ok(arns),
    }
}

fn number(value: &Value, name: &str, least: u32, most: u32) -> Result<u32, LambdaError> {
    let number = value.as_u64().and_then(|it| u32::try_from(it).ok());
    match number {
        Some(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(LambdaError::InvalidParameter(format!(
            "1 validation error detected: Value '{value}' at '{name}' failed to satisfy \
             constraint: Member must have value between {least} and {most}"
        ))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    fn configuration() -> Configuration {
        Configuration {
            function_name: "hello".into(),
            function_arn: "arn".into(),
            runtime: "python3.13".into(),
            role: "role".into(),
            handler: "app.handler".into(),
            timeout: 3,
            memory_mb: 128,
            environment: Secret::default(),
            layers: vec![],
            architecture: "x86_64",
            code_sha256: String::new(),
            code_size: 0,
            last_modified: String::new(),
            revision_id: "r1".into(),
            updating: false,
        }
    }

    fn refused(request: &Value) -> String {
        let error = configuration().with(request, |_| true).unwrap_err();
        format!("{}: {error}", error.name())
    }

    #[test]
    fn what_is_empty_is_left_out() {
        let answer = configuration().to_json();
        assert!(answer.get("Environment").is_none() && answer.get("Layers").is_none());
    }

    #[test]
    fn a_change_replaces_the_map_whole_and_gets_a_new_revision() {
        let first = json!({ "Environment": { "Variables": { "A": "1" } }, "RevisionId": "r1" });
        let mut changed = configuration().with(&first, |_| true).unwrap();
        assert_ne!(changed.revision_id, "r1");
        changed.updating = false;
        let second = json!({ "Environment": { "Variables": { "B": "2" } } });
        let changed = changed.with(&second, |_| true).unwrap();
        let names: Vec<_> = changed.environment.expose().keys().cloned().collect();
        assert_eq!(names, ["B"]);
    }

    #[test]
    fn a_change_that_aws_refuses_is_refused_with_its_words() {
        let stale = refused(&json!({ "RevisionId": "r0" }));
        assert!(stale.starts_with("PreconditionFailedException"), "{stale}");
        let mut busy = configuration();
        busy.updating = true;
        let error = busy.with(&json!({}), |_| true).unwrap_err();
        assert_eq!(error.name(), "ResourceConflictException");
        let reserved = refused(&json!({ "Environment": { "Variables": { "AWS_REGION": "x" } } }));
        assert!(reserved.contains("reserved keys") && reserved.ends_with("AWS_REGION"));
        let large = refused(&json!({ "Environment": { "Variables": { "A": "x".repeat(4096) } } }));
        assert!(large.contains("4KB"), "{large}");
        let layers = refused(&json!({ "Layers": ["a", "b", "c", "d", "e", "f"] }));
        assert!(layers.contains("more than 5 layers"), "{layers}");
        let timeout = refused(&json!({ "Timeout": 901 }));
        assert!(timeout.contains("'timeout'"), "{timeout}");
    }
}
