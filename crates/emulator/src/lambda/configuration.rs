//! A function's configuration
//! (<https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html>).

mod change;
mod plain;

pub(crate) use change::{Known, check_revision, text};
pub(crate) use plain::Plain;

use crate::id;
use serde_json::{Map, Value, json};
use tether_protocol::Environment;

/// The version that can be changed.
pub(crate) const LATEST: &str = "$LATEST";

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Configuration {
    pub(crate) function_name: String,
    /// With a version, if it is a published one.
    pub(crate) function_arn: String,
    /// `$LATEST`, or a number.
    pub(crate) version: String,
    pub(crate) runtime: String,
    pub(crate) role: String,
    pub(crate) handler: String,
    pub(crate) timeout: u32,
    pub(crate) memory_mb: u32,
    pub(crate) environment: Environment,
    pub(crate) layers: Vec<LayerUse>,
    pub(crate) architecture: &'static str,
    pub(crate) code_sha256: String,
    pub(crate) code_size: u64,
    /// What is kept and shown, and changes nothing here.
    pub(crate) plain: Plain,
    pub(crate) last_modified: String,
    pub(crate) revision_id: String,
    pub(crate) updating: bool,
}

/// A layer version that a function uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LayerUse {
    pub(crate) arn: String,
    pub(crate) code_size: u64,
}

/// What differs between two versions of the same thing.
const OF_ONE_VERSION: [&str; 8] = [
    "Version",
    "FunctionArn",
    "RevisionId",
    "LastModified",
    "Description",
    "LastUpdateStatus",
    "LastUpdateStatusReason",
    "LastUpdateStatusReasonCode",
];

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
            "Timeout": self.timeout,
            "MemorySize": self.memory_mb,
            "LastModified": self.last_modified,
            "CodeSha256": self.code_sha256,
            "Version": self.version,
            "RevisionId": self.revision_id,
            "State": "Active",
            "LastUpdateStatus": status,
            "PackageType": "Zip",
            "Architectures": [self.architecture],
        });
        if let Value::Object(answer) = &mut answer {
            self.plain.show(&self.function_name, answer);
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
                .map(|it| json!({ "Arn": it.arn, "CodeSize": it.code_size }));
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

    /// Whether a version published of this would be the same as `other`.
    pub(crate) fn publishes_as(&self, other: &Self) -> bool {
        let content = |it: &Self| {
            let mut shown = it.to_json();
            if let Value::Object(shown) = &mut shown {
                shown.retain(|key, _| !OF_ONE_VERSION.contains(&key.as_str()));
            }
            shown
        };
        content(self) == content(other)
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

#[cfg(test)]
pub(crate) fn example() -> Configuration {
    Configuration {
        function_name: "hello".into(),
        function_arn: "arn".into(),
        version: LATEST.into(),
        runtime: "python3.13".into(),
        role: "role".into(),
        handler: "app.handler".into(),
        timeout: 3,
        memory_mb: 128,
        environment: tether_protocol::Secret::default(),
        layers: vec![],
        architecture: "x86_64",
        code_sha256: String::new(),
        code_size: 0,
        plain: Plain::default(),
        last_modified: String::new(),
        revision_id: "r1".into(),
        updating: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_empty_is_left_out() {
        let answer = example().to_json();
        assert!(answer.get("Environment").is_none() && answer.get("Layers").is_none());
    }

    #[test]
    fn only_what_runs_makes_another_version() {
        let first = example();
        let mut second = example();
        second.touch();
        second.version = "1".into();
        assert!(second.publishes_as(&first));
        second.timeout += 1;
        assert!(!second.publishes_as(&first));
    }
}
