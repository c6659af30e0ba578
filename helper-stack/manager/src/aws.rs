//! The cloud, on AWS.

use crate::cloud::{Cloud, Function, LastUpdate};
use crate::settings::Settings;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;
use aws_sdk_lambda::types::{
    Environment, EnvironmentError, FunctionConfiguration as LambdaConfiguration, LastUpdateStatus,
    PackageType,
};
use lambda_runtime::tracing::{error, warn};
use std::time::Duration;
use tether_aws::{Failure, classify};
use tether_protocol::instrumentation::{Change, FunctionConfiguration};
use tether_protocol::message::ToLaptop;
use tether_protocol::records::{JournalRecord, SessionRecord};
use tether_protocol::{ConnectionId, Secret, SessionId, Timestamp};
use tether_relay::{Posted, Poster};
use tether_store::{Journal, Sessions, StoreError};

/// HTTP's "there is none".
const NOT_FOUND: u16 = 404;

/// Lambda, the tables, and the way to the receivers.
pub(crate) struct Aws {
    lambda: Client,
    sessions: Sessions,
    journal: Journal,
    poster: Poster,
}

impl Aws {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            lambda: Client::new(&settings.aws),
            sessions: Sessions::new(&settings.aws, &settings.helper.sessions_table),
            journal: Journal::new(&settings.aws, &settings.functions_table),
            poster: Poster::new(&settings.aws, &settings.helper.connections_url),
        }
    }
}

impl Cloud for Aws {
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Timestamp(since.map_or(0, |it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX)))
    }

    async fn pause(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }

    async fn session(&self, id: &SessionId) -> Result<Option<SessionRecord>, StoreError> {
        self.sessions.read(id).await
    }

    async fn close(&self, id: &SessionId) -> Result<(), StoreError> {
        self.sessions.close(id).await
    }

    async fn entry(&self, arn: &str) -> Result<Option<JournalRecord>, StoreError> {
        self.journal.read(arn).await
    }

    async fn entries(&self) -> Result<Vec<JournalRecord>, StoreError> {
        let mut entries = Vec::new();
        for entry in self.journal.all().await? {
            match entry {
                Ok(entry) => entries.push(entry),
                // The others are restored all the same.
                Err(error) => error!("{error}"),
            }
        }
        Ok(entries)
    }

    async fn write(&self, entry: &JournalRecord, replaces: &SessionId) -> Result<(), StoreError> {
        self.journal.write(entry, replaces).await
    }

    async fn remove(&self, arn: &str, session: &SessionId) -> Result<(), StoreError> {
        self.journal.remove(arn, session).await
    }

    async fn function(&self, arn: &str) -> Result<Option<Function>, Failure> {
        let answer = self.lambda.get_function_configuration().function_name(arn);
        match answer.send().await {
            Ok(found) => Ok(Some(function(arn, found))),
            Err(error) => match classify(&error) {
                failure if failure.status == Some(NOT_FOUND) => Ok(None),
                failure => Err(failure),
            },
        }
    }

    async fn update(&self, arn: &str, change: &Change) -> Result<(), Failure> {
        let variables = change.environment.expose();
        let environment = Environment::builder()
            .set_variables(Some(variables.clone().into_iter().collect()))
            .build();
        self.lambda
            .update_function_configuration()
            .function_name(arn)
            .revision_id(&change.revision_id)
            .timeout(i32::try_from(change.timeout).unwrap_or(i32::MAX))
            .set_layers(Some(change.layers.clone()))
            .environment(environment)
            .send()
            .await
            .map_err(|error| redacted(classify(&error), change))?;
        Ok(())
    }

    async fn last_update(&self, arn: &str) -> Result<LastUpdate, Failure> {
        match self.lambda.get_function().function_name(arn).send().await {
            Ok(found) => Ok(found
                .configuration
                .as_ref()
                .map_or(LastUpdate::Successful, last_update)),
            Err(error) => match classify(&error) {
                failure if failure.status == Some(NOT_FOUND) => Ok(LastUpdate::Gone),
                failure => Err(failure),
            },
        }
    }

    async fn tell(&self, connection: &ConnectionId, message: &ToLaptop) {
        let posted = match serde_json::to_string(message) {
            Ok(text) => self.poster.post(connection, text).await,
            Err(error) => Posted::Refused(error.to_string()),
        };
        if posted != Posted::Delivered {
            warn!("{connection} was not told: {posted:?}");
        }
    }
}

/// Reads Lambda's words. `arn` is what was asked for: without a version.
fn function(arn: &str, found: GetFunctionConfigurationOutput) -> Function {
    let architecture = found.architectures.as_deref().and_then(<[_]>::first);
    let environment = found
        .environment
        .unwrap_or_else(|| aws_sdk_lambda::types::EnvironmentResponse::builder().build());
    let layers = found.layers.unwrap_or_default();
    let configuration = FunctionConfiguration {
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
    };
    Function {
        configuration,
        managed_instances: found.capacity_provider_config.is_some(),
    }
}

fn environment_error(error: &EnvironmentError) -> String {
    let code = error.error_code().unwrap_or("no code");
    match error.message() {
        Some(message) => format!("{code}: {message}"),
        None => code.to_owned(),
    }
}

fn last_update(found: &LambdaConfiguration) -> LastUpdate {
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
fn redacted(mut failure: Failure, change: &Change) -> Failure {
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
    use aws_sdk_lambda::types::{Architecture, EnvironmentResponse, Layer, Runtime};
    use std::collections::BTreeMap;

    #[test]
    fn a_function_is_read_as_lambda_describes_it() {
        let environment = EnvironmentResponse::builder()
            .variables("TABLE", "things")
            .build();
        let found = GetFunctionConfigurationOutput::builder()
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
        let found = GetFunctionConfigurationOutput::builder()
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
