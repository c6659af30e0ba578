//! The cloud, on AWS.

mod reading;
mod rights;

use crate::cloud::{Alias, Cloud, Entries, Function, LastUpdate, Page, Version};
use crate::settings::Settings;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::types::{CodeSigningPolicy, Environment};
use aws_sdk_sqs::types::QueueAttributeName;
use lambda_runtime::tracing::{error, warn};
use std::time::Duration;
use tether_aws::{Failure, classify};
use tether_protocol::instrumentation::Change;
use tether_protocol::message::ToLaptop;
use tether_protocol::records::{JournalRecord, SessionRecord};
use tether_protocol::{ConnectionId, SessionId, Timestamp};
use tether_relay::{Posted, Poster};
use tether_store::{Journal, Sessions, StoreError};

/// HTTP's "there is none".
const NOT_FOUND: u16 = 404;

/// Lambda, the tables, and the way to the receivers.
pub(crate) struct Aws {
    /// For `GetFunction`, which has a quota of its own.
    functions: Client,
    /// For everything else. Each call is one call: whoever makes it waits for
    /// its turn, and tries again (see `paced` and `tries`).
    control: Client,
    queues: aws_sdk_sqs::Client,
    sessions: Sessions,
    journal: Journal,
    poster: Poster,
}

impl Aws {
    pub(crate) fn new(settings: &Settings) -> Self {
        let once = aws_sdk_lambda::config::Builder::from(&settings.aws)
            .retry_config(RetryConfig::disabled())
            .build();
        Self {
            functions: Client::new(&settings.aws),
            control: Client::from_conf(once),
            queues: aws_sdk_sqs::Client::new(&settings.aws),
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

    async fn entries(&self) -> Result<Entries, StoreError> {
        let mut entries = Entries::default();
        for entry in self.journal.all().await? {
            match entry {
                Ok(entry) => entries.readable.push(entry),
                Err(entry) => {
                    error!("{}: {}", entry.function_arn, entry.reason);
                    entries.unreadable.push(entry);
                }
            }
        }
        Ok(entries)
    }

    async fn write(
        &self,
        entry: &JournalRecord,
        replaces: Option<&JournalRecord>,
    ) -> Result<(), StoreError> {
        self.journal.write(entry, replaces).await
    }

    async fn remove(&self, entry: &JournalRecord) -> Result<(), StoreError> {
        self.journal.remove(entry).await
    }

    async fn function(&self, arn: &str) -> Result<Option<Function>, Failure> {
        let asked = self.functions.get_function().function_name(arn).send();
        let found = found(asked.await.map_err(|error| classify(&error)))?;
        let found = found.and_then(|it| it.configuration);
        Ok(found.map(|it| reading::function(arn, it)))
    }

    async fn update(&self, arn: &str, change: &Change) -> Result<(), Failure> {
        let variables = change.environment.expose();
        let environment = Environment::builder()
            .set_variables(Some(variables.clone().into_iter().collect()))
            .build();
        self.control
            .update_function_configuration()
            .function_name(arn)
            .revision_id(&change.revision_id)
            .timeout(i32::try_from(change.timeout).unwrap_or(i32::MAX))
            .set_layers(Some(change.layers.clone()))
            .environment(environment)
            .send()
            .await
            .map_err(|error| reading::redacted(classify(&error), change))?;
        Ok(())
    }

    async fn last_update(&self, arn: &str) -> Result<LastUpdate, Failure> {
        let asked = self.functions.get_function().function_name(arn).send();
        let found = found(asked.await.map_err(|error| classify(&error)))?;
        Ok(match found {
            None => LastUpdate::Gone,
            Some(found) => found
                .configuration
                .as_ref()
                .map_or(LastUpdate::Successful, reading::last_update),
        })
    }

    async fn versions(&self, arn: &str, next: Option<&str>) -> Result<Page<Version>, Failure> {
        let asked = self.control.list_versions_by_function().function_name(arn);
        let asked = asked.set_marker(next.map(str::to_owned)).send().await;
        let page = asked.map_err(|error| classify(&error))?;
        let versions = page.versions.unwrap_or_default().into_iter();
        Ok(Page {
            items: versions
                .filter_map(|it| reading::version(arn, it))
                .collect(),
            next: page.next_marker,
        })
    }

    async fn aliases(&self, arn: &str, next: Option<&str>) -> Result<Page<Alias>, Failure> {
        let asked = self.control.list_aliases().function_name(arn);
        let asked = asked.set_marker(next.map(str::to_owned)).send().await;
        let page = asked.map_err(|error| classify(&error))?;
        let aliases = page.aliases.unwrap_or_default().into_iter();
        Ok(Page {
            items: aliases.filter_map(reading::alias).collect(),
            next: page.next_marker,
        })
    }

    async fn provisioned(&self, arn: &str, next: Option<&str>) -> Result<Page<String>, Failure> {
        let asked = self.control.list_provisioned_concurrency_configs();
        let asked = asked
            .function_name(arn)
            .set_marker(next.map(str::to_owned))
            .send();
        let page = asked.await.map_err(|error| classify(&error))?;
        let items = page.provisioned_concurrency_configs.unwrap_or_default();
        let arns = items.into_iter().filter_map(|it| it.function_arn);
        Ok(Page {
            items: arns.filter_map(|it| reading::qualifier(&it)).collect(),
            next: page.next_marker,
        })
    }

    async fn event_sources(&self, arn: &str, next: Option<&str>) -> Result<Page<String>, Failure> {
        let asked = self.control.list_event_source_mappings().function_name(arn);
        let asked = asked.set_marker(next.map(str::to_owned)).send().await;
        let page = asked.map_err(|error| classify(&error))?;
        let mappings = page.event_source_mappings.unwrap_or_default().into_iter();
        Ok(Page {
            items: mappings
                .map(|it| it.event_source_arn.unwrap_or_default())
                .collect(),
            next: page.next_marker,
        })
    }

    async fn invokers(&self, arn: &str, alias: &str) -> Result<Vec<String>, Failure> {
        let asked = self.control.get_policy().function_name(arn);
        let asked = asked.qualifier(alias).send().await;
        let policy = found(asked.map_err(|error| classify(&error)))?.and_then(|it| it.policy);
        Ok(policy.map_or_else(Vec::new, |policy| reading::principals(&policy)))
    }

    async fn visibility_timeout(&self, queue_arn: &str) -> Result<Option<u32>, Failure> {
        let Some(url) = reading::queue_url(queue_arn) else {
            return Ok(None);
        };
        let name = QueueAttributeName::VisibilityTimeout;
        let asked = self.queues.get_queue_attributes().queue_url(url);
        let asked = asked.attribute_names(name.clone()).send().await;
        let answer = asked.map_err(|error| classify(&error))?;
        let attributes = answer.attributes.unwrap_or_default();
        Ok(attributes.get(&name).and_then(|it| it.parse().ok()))
    }

    async fn code_signing(&self, arn: &str) -> Result<Option<String>, Failure> {
        let asked = self.control.get_function_code_signing_config();
        let asked = asked.function_name(arn).send().await;
        let found = found(asked.map_err(|error| classify(&error)))?;
        let arn = found.map(|it| it.code_signing_config_arn);
        Ok(arn.filter(|arn| !arn.is_empty()))
    }

    async fn is_enforced(&self, code_signing_arn: &str) -> Result<bool, Failure> {
        let asked = self.control.get_code_signing_config();
        let asked = asked.code_signing_config_arn(code_signing_arn).send().await;
        let found = asked.map_err(|error| classify(&error))?;
        let policies = found
            .code_signing_config
            .and_then(|it| it.code_signing_policies);
        let policy = policies.and_then(|it| it.untrusted_artifact_on_deployment);
        Ok(policy == Some(CodeSigningPolicy::Enforce))
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

/// What was found; none: there is no such thing.
fn found<T>(answer: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(failure) if failure.status == Some(NOT_FOUND) => Ok(None),
        Err(failure) => Err(failure),
    }
}
