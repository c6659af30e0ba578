//! Members of a configuration that are data here and nothing else: they are
//! checked, kept and shown.

use crate::lambda::LambdaError;
use serde_json::{Map, Value, json};

/// See the module. Only what differs from Lambda's defaults is in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Plain(Map<String, Value>);

/// The members, as `UpdateFunctionConfiguration` names them.
pub(crate) const MEMBERS: [&str; 8] = [
    "Description",
    "TracingConfig",
    "EphemeralStorage",
    "KMSKeyArn",
    "DeadLetterConfig",
    "LoggingConfig",
    "VpcConfig",
    "SnapStart",
];

const LEVELS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

/// In MB (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-ephemeral-storage.html>).
const EPHEMERAL: std::ops::RangeInclusive<u64> = 512..=10_240;

impl Plain {
    /// Has one member as the other one has it.
    pub(crate) fn copy(&mut self, member: &str, other: &Self) {
        match other.0.get(member) {
            Some(value) => self.0.insert(member.to_owned(), value.clone()),
            None => self.0.remove(member),
        };
    }

    /// Takes one member over, if it is what AWS takes.
    pub(crate) fn set(&mut self, member: &str, value: &Value) -> Result<(), LambdaError> {
        let is_text = |text: &Value| text.is_string();
        match member {
            "Description" => {
                let text = value.as_str().unwrap_or_default();
                if text.chars().count() > 256 {
                    let constraint = "Member must have length less than or equal to 256";
                    return Err(LambdaError::constraint(text, "description", constraint));
                }
            }
            "TracingConfig" => one_of(
                value,
                "Mode",
                "tracingConfig.mode",
                &["PassThrough", "Active"],
            )?,
            "EphemeralStorage" => {
                let size = value.get("Size").and_then(Value::as_u64).unwrap_or(0);
                if !EPHEMERAL.contains(&size) {
                    return Err(LambdaError::constraint(
                        &size.to_string(),
                        "ephemeralStorage.size",
                        "Member must have value between 512 and 10240",
                    ));
                }
            }
            "LoggingConfig" => {
                let at = "loggingConfig";
                one_of(
                    value,
                    "LogFormat",
                    &format!("{at}.logFormat"),
                    &["Text", "JSON"],
                )?;
                let level = format!("{at}.applicationLogLevel");
                one_of(value, "ApplicationLogLevel", &level, &LEVELS)?;
                let level = format!("{at}.systemLogLevel");
                one_of(value, "SystemLogLevel", &level, &["DEBUG", "INFO", "WARN"])?;
                return self.set_logging(value);
            }
            "SnapStart" => {
                if value.get("ApplyOn").and_then(Value::as_str) == Some("PublishedVersions") {
                    return Err(LambdaError::NotServed("SnapStart".to_owned()));
                }
                return Ok(());
            }
            _ => {}
        }
        let empty = match member {
            "DeadLetterConfig" => value.get("TargetArn").is_none_or(|it| it == ""),
            "VpcConfig" => is_nowhere(value),
            _ => is_text(value) && value == "",
        };
        if empty {
            self.0.remove(member);
        } else {
            self.0.insert(member.to_owned(), value.clone());
        }
        Ok(())
    }

    fn set_logging(&mut self, value: &Value) -> Result<(), LambdaError> {
        let mut logging = value.as_object().cloned().unwrap_or_default();
        let json = logging.get("LogFormat").is_some_and(|it| it == "JSON");
        let levels = ["ApplicationLogLevel", "SystemLogLevel"];
        if !json && levels.iter().any(|it| logging.contains_key(*it)) {
            return Err(LambdaError::InvalidParameter(
                "To configure log levels, the log format must be JSON".to_owned(),
            ));
        }
        if json {
            for level in levels {
                logging.entry(level).or_insert(json!("INFO"));
            }
        }
        self.0
            .insert("LoggingConfig".to_owned(), Value::Object(logging));
        Ok(())
    }

    /// With Lambda's defaults.
    pub(crate) fn show(&self, function: &str, answer: &mut Map<String, Value>) {
        let defaults = json!({
            "Description": "",
            "TracingConfig": { "Mode": "PassThrough" },
            "EphemeralStorage": { "Size": 512 },
            "SnapStart": { "ApplyOn": "None", "OptimizationStatus": "Off" },
            "LoggingConfig": { "LogFormat": "Text", "LogGroup": log_group(function) },
        });
        if let Value::Object(defaults) = defaults {
            answer.extend(defaults);
        }
        for (member, value) in &self.0 {
            match (answer.get_mut(member), value) {
                (Some(Value::Object(shown)), Value::Object(own)) => shown.extend(own.clone()),
                _ => {
                    answer.insert(member.clone(), value.clone());
                }
            }
        }
        if let Some(Value::Object(vpc)) = answer.get_mut("VpcConfig") {
            vpc.entry("VpcId").or_insert(json!("vpc-emulated"));
        }
    }

    pub(crate) fn log_group(&self, function: &str) -> String {
        let own = self.logging("LogGroup");
        own.map_or_else(|| log_group(function), str::to_owned)
    }

    /// Where events go that failed.
    pub(crate) fn dead_letter_target(&self) -> Option<&str> {
        self.0.get("DeadLetterConfig")?.get("TargetArn")?.as_str()
    }

    /// One of `LoggingConfig`'s members, if it is set.
    pub(crate) fn logging(&self, member: &str) -> Option<&str> {
        self.0.get("LoggingConfig")?.get(member)?.as_str()
    }
}

fn log_group(function: &str) -> String {
    format!("/aws/lambda/{function}")
}

/// No subnet: the function is in no VPC.
fn is_nowhere(vpc: &Value) -> bool {
    let subnets = vpc.get("SubnetIds").and_then(Value::as_array);
    subnets.is_none_or(Vec::is_empty)
}

fn one_of(value: &Value, key: &str, member: &str, allowed: &[&str]) -> Result<(), LambdaError> {
    match value.get(key) {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(text)) if allowed.contains(&text.as_str()) => Ok(()),
        Some(other) => {
            let text = other
                .as_str()
                .map_or_else(|| other.to_string(), str::to_owned);
            let constraint = format!(
                "Member must satisfy enum value set: [{}]",
                allowed.join(", ")
            );
            Err(LambdaError::constraint(&text, member, &constraint))
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    fn shown(plain: &Plain) -> Value {
        let mut answer = Map::new();
        plain.show("hello", &mut answer);
        Value::Object(answer)
    }

    #[test]
    fn what_is_set_is_shown_over_the_defaults_and_emptied_it_goes() {
        let mut plain = Plain::default();
        plain.set("Description", &json!("says hello")).unwrap();
        plain
            .set("LoggingConfig", &json!({ "LogFormat": "JSON" }))
            .unwrap();
        plain
            .set("DeadLetterConfig", &json!({ "TargetArn": "arn:q" }))
            .unwrap();
        let answer = shown(&plain);
        assert_eq!(answer["Description"], "says hello");
        assert_eq!(answer["LoggingConfig"]["LogGroup"], "/aws/lambda/hello");
        assert_eq!(answer["LoggingConfig"]["SystemLogLevel"], "INFO");
        assert_eq!(answer["DeadLetterConfig"]["TargetArn"], "arn:q");
        plain
            .set("DeadLetterConfig", &json!({ "TargetArn": "" }))
            .unwrap();
        plain.set("Description", &json!("")).unwrap();
        let answer = shown(&plain);
        assert!(answer.get("DeadLetterConfig").is_none());
        assert_eq!(answer["Description"], "");
    }

    #[test]
    fn what_is_outside_its_model_is_refused_by_name() {
        let refused = |member: &str, value: Value| {
            let error = Plain::default().set(member, &value).unwrap_err();
            format!("{}: {error}", error.name())
        };
        let mode = refused("TracingConfig", json!({ "Mode": "Always" }));
        assert!(mode.starts_with("ValidationException") && mode.contains("'tracingConfig.mode'"));
        let size = refused("EphemeralStorage", json!({ "Size": 100 }));
        assert!(size.contains("between 512 and 10240"), "{size}");
        let snap = refused("SnapStart", json!({ "ApplyOn": "PublishedVersions" }));
        assert!(snap.starts_with("NotImplemented"), "{snap}");
    }
}
