//! Lambda's answers, read.

use crate::cloud::{Alias, Function, LastUpdate, Version};
use aws_sdk_lambda::types::{
    AliasConfiguration, EnvironmentError, FunctionConfiguration as LambdaConfiguration,
    LastUpdateStatus, PackageType, SnapStartApplyOn,
};
use serde_json::Value;
use tether_aws::Failure;
use tether_protocol::Secret;
use tether_protocol::instrumentation::{Change, FunctionConfiguration};

/// Reads Lambda's words. `arn` is what was asked for: without a version.
pub(super) fn function(arn: &str, found: LambdaConfiguration) -> Function {
    let snap_start = found.snap_start.as_ref().and_then(|it| it.apply_on.clone());
    Function {
        managed_instances: found.capacity_provider_config.is_some(),
        snap_start: snap_start == Some(SnapStartApplyOn::PublishedVersions),
        configuration: configuration(arn, found),
    }
}

fn configuration(arn: &str, found: LambdaConfiguration) -> FunctionConfiguration {
    let architecture = found.architectures.as_deref().and_then(<[_]>::first);
    let environment = found
        .environment
        .unwrap_or_else(|| aws_sdk_lambda::types::EnvironmentResponse::builder().build());
    let layers = found.layers.unwrap_or_default();
    FunctionConfiguration {
        function_arn: arn.to_owned(),
        revision_id: found.revision_id.unwrap_or_default(),
        runtime: found.runtime.map(|it| it.as_str().to_owned()),
        image: found.package_type == Some(PackageType::Image),
        architecture: architecture.map_or("x86_64", |it| it.as_str()).to_owned(),
        timeout: found
            .timeout
            .and_then(|it| u32::try_from(it).ok())
            .unwrap_or_default(),
        layers: layers.into_iter().filter_map(|layer| layer.arn).collect(),
        environment: Secret::new(
            environment
                .variables
                .unwrap_or_default()
                .into_iter()
                .collect(),
        ),
        environment_error: environment.error.as_ref().map(environment_error),
    }
}

/// A published version; `$LATEST` is in the list, too.
pub(super) fn version(arn: &str, found: LambdaConfiguration) -> Option<Version> {
    let number = found.version.clone().filter(|it| it != "$LATEST")?;
    Some(Version {
        number,
        configuration: configuration(arn, found),
    })
}

pub(super) fn alias(found: AliasConfiguration) -> Option<Alias> {
    let routing = found
        .routing_config
        .unwrap_or_else(|| aws_sdk_lambda::types::AliasRoutingConfiguration::builder().build());
    let others = routing.additional_version_weights.unwrap_or_default();
    let mut versions: Vec<String> = others.into_keys().collect();
    versions.sort();
    versions.splice(0..0, found.function_version);
    Some(Alias {
        name: found.name?,
        versions,
    })
}

/// `live` of `arn:aws:lambda:eu-west-1:123456789012:function:hello:live`.
pub(super) fn qualifier(arn: &str) -> Option<String> {
    arn.split(':').nth(7).map(str::to_owned)
}

/// A queue's URL, which is made of what its ARN says
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html>).
pub(super) fn queue_url(arn: &str) -> Option<String> {
    let parts: Vec<&str> = arn.split(':').collect();
    let ["arn", partition, "sqs", region, account, name] = parts[..] else {
        return None;
    };
    let suffix = tether_aws::Partition::named(partition)?.url_suffix;
    Some(format!("https://sqs.{region}.{suffix}/{account}/{name}"))
}

/// Who may do something by a policy: services, accounts, `*`.
pub(super) fn principals(policy: &str) -> Vec<String> {
    let policy: Value = serde_json::from_str(policy).unwrap_or_default();
    let statements = policy["Statement"].as_array().cloned().unwrap_or_default();
    let allowed = statements.iter().filter(|it| it["Effect"] != "Deny");
    let mut found: Vec<String> = allowed.flat_map(|it| texts(&it["Principal"])).collect();
    found.sort();
    found.dedup();
    found
}

/// `"*"`, or `{"Service": "…"}`, or `{"AWS": ["…", "…"]}`.
fn texts(principal: &Value) -> Vec<String> {
    match principal {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(kinds) => kinds.values().flat_map(texts).collect(),
        _ => vec![],
    }
}

fn environment_error(error: &EnvironmentError) -> String {
    let code = error.error_code().unwrap_or("no code");
    match error.message() {
        Some(message) => format!("{code}: {message}"),
        None => code.to_owned(),
    }
}

pub(super) fn last_update(found: &LambdaConfiguration) -> LastUpdate {
    match found.last_update_status {
        Some(LastUpdateStatus::InProgress) => LastUpdate::InProgress,
        Some(LastUpdateStatus::Failed) => {
            let reason = found
                .last_update_status_reason()
                .unwrap_or("no reason given");
            LastUpdate::Failed(reason.to_owned())
        }
        _ => LastUpdate::Successful,
    }
}

/// Lambda quotes the whole environment when it is too large ("String
/// measured: {…}"). Values go no further than here.
pub(super) fn redacted(mut failure: Failure, change: &Change) -> Failure {
    if let Some(quote) = failure.message.find("String measured") {
        failure.message.truncate(quote);
    }
    for value in change.environment.expose().values() {
        // Shorter ones would tear words apart, and say nothing.
        if value.len() > 3 {
            failure.message = failure.message.replace(value.as_str(), "[redacted]");
        }
    }
    failure.message = failure.message.trim_end().to_owned();
    failure
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_lambda::types::{
        AliasRoutingConfiguration, Architecture, EnvironmentResponse, Layer, Runtime,
    };
    use std::collections::BTreeMap;

    #[test]
    fn a_function_is_read_as_lambda_describes_it() {
        let environment = EnvironmentResponse::builder()
            .variables("TABLE", "things")
            .build();
        let found = LambdaConfiguration::builder()
            .function_arn("arn:f:7")
            .revision_id("r1")
            .runtime(Runtime::from("python3.13"))
            .package_type(PackageType::Zip)
            .architectures(Architecture::Arm64)
            .timeout(3)
            .layers(Layer::builder().arn("arn:l:1").build())
            .environment(environment)
            .build();
        let expected = FunctionConfiguration {
            function_arn: "arn:f".into(),
            revision_id: "r1".into(),
            runtime: Some("python3.13".into()),
            image: false,
            architecture: "arm64".into(),
            timeout: 3,
            layers: vec!["arn:l:1".into()],
            environment: Secret::new(BTreeMap::from([("TABLE".into(), "things".into())])),
            environment_error: None,
        };
        assert_eq!(function("arn:f", found).configuration, expected);
    }

    #[test]
    fn an_image_and_a_locked_environment_are_seen() {
        let error = EnvironmentError::builder()
            .error_code("AccessDeniedException")
            .message("not allowed to use the key")
            .build();
        let found = LambdaConfiguration::builder()
            .package_type(PackageType::Image)
            .environment(EnvironmentResponse::builder().error(error).build())
            .build();
        let found = function("arn:f", found).configuration;
        assert!(found.image && found.runtime.is_none());
        assert_eq!(found.architecture, "x86_64");
        assert_eq!(
            found.environment_error.as_deref(),
            Some("AccessDeniedException: not allowed to use the key")
        );
    }

    #[test]
    fn versions_and_aliases_are_read_and_the_latest_is_none_of_them() {
        let numbered = |number: &str| LambdaConfiguration::builder().version(number).build();
        assert_eq!(version("arn:f", numbered("$LATEST")), None);
        let found = version("arn:f", numbered("7"));
        assert_eq!(found.map(|it| it.number).as_deref(), Some("7"));
        let routing = AliasRoutingConfiguration::builder().additional_version_weights("8", 0.1);
        let found = AliasConfiguration::builder()
            .name("live")
            .function_version("7")
            .routing_config(routing.build());
        let expected = Alias {
            name: "live".into(),
            versions: vec!["7".into(), "8".into()],
        };
        assert_eq!(alias(found.build()), Some(expected));
    }

    #[test]
    fn what_arns_and_policies_say_is_read() {
        let arn = "arn:aws:lambda:eu-west-1:123456789012:function:hello";
        assert_eq!(qualifier(&format!("{arn}:live")).as_deref(), Some("live"));
        assert_eq!(qualifier(arn), None);
        assert_eq!(
            queue_url("arn:aws:sqs:eu-west-1:123456789012:jobs").as_deref(),
            Some("https://sqs.eu-west-1.amazonaws.com/123456789012/jobs")
        );
        assert_eq!(queue_url(arn), None);
        let policy = r#"{"Statement": [
            {"Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"}},
            {"Effect": "Allow", "Principal": {"AWS": ["123", "456"]}},
            {"Effect": "Deny", "Principal": "*"}]}"#;
        let expected = ["123", "456", "apigateway.amazonaws.com"];
        assert_eq!(principals(policy), expected);
        assert_eq!(principals("not a policy"), Vec::<String>::new());
    }

    #[test]
    fn the_state_of_an_update_is_read() {
        let status = |status: Option<LastUpdateStatus>| {
            let found = LambdaConfiguration::builder()
                .set_last_update_status(status)
                .last_update_status_reason("no subnet");
            last_update(&found.build())
        };
        assert_eq!(status(None), LastUpdate::Successful);
        assert_eq!(
            status(Some(LastUpdateStatus::InProgress)),
            LastUpdate::InProgress
        );
        assert_eq!(
            status(Some(LastUpdateStatus::Failed)),
            LastUpdate::Failed("no subnet".into())
        );
    }

    #[test]
    fn lambdas_words_never_carry_a_value_of_the_environment() {
        let change = Change {
            revision_id: "r1".into(),
            timeout: 3,
            layers: vec![],
            environment: Secret::new(BTreeMap::from([("KEY".into(), "hunter2".into())])),
        };
        let failure = |message: &str| Failure {
            code: "InvalidParameterValueException".into(),
            message: message.into(),
            status: Some(400),
            outcome_unknown: false,
        };
        let said = redacted(
            failure("too large. String measured: {\"KEY\":\"hun"),
            &change,
        );
        assert_eq!(said.message, "too large.");
        let said = redacted(failure("hunter2 is not allowed"), &change);
        assert_eq!(said.message, "[redacted] is not allowed");
    }
}
