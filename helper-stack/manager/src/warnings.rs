//! Callers that do not reach the laptop, and queues that do not wait for it.
//! Looked for when everything is attached: nobody waits for it, and nothing
//! depends on it.

use crate::cloud::{Alias, Cloud};
use crate::tries::{all_pages, asked};
use std::cell::RefCell;
use std::collections::BTreeSet;
use tether_aws::Failure;
use tether_protocol::ConnectionId;
use tether_protocol::message::{ToLaptop, Warning};

/// Says what is to be said of a session's functions.
pub(crate) struct Warnings<'a, C> {
    cloud: &'a C,
    connection: &'a ConnectionId,
    /// What could not be looked for, and why: said once, not for each function.
    failed: RefCell<BTreeSet<(&'static str, String)>>,
}

impl<'a, C: Cloud> Warnings<'a, C> {
    pub(crate) fn new(cloud: &'a C, connection: &'a ConnectionId) -> Self {
        Self {
            cloud,
            connection,
            failed: RefCell::default(),
        }
    }

    pub(crate) async fn tell(&self, arn: &str, detail: String) {
        let warning = Warning {
            function_arn: arn.to_owned(),
            detail,
        };
        let message = ToLaptop::Warning(warning);
        self.cloud.tell(self.connection, &message).await;
    }

    /// Looks at one function.
    pub(crate) async fn look(&self, arn: &str) {
        // It was read a moment ago: should that fail now, the rest still counts.
        let function = self.cloud.function(arn).await.ok().flatten();
        self.look_at_aliases(arn).await;
        if let Some(function) = function {
            if function.snap_start {
                let what = ["with SnapStart".to_owned()];
                let warning = frozen("its published versions", &what);
                self.tell(arn, warning).await;
            }
            let timeout = function.configuration.timeout;
            self.look_at_queues(arn, timeout).await;
        }
    }

    async fn look_at_aliases(&self, arn: &str) {
        let cloud = self.cloud;
        let aliases = all_pages(cloud, async |next| cloud.aliases(arn, next).await).await;
        let aliases = self
            .found(arn, "aliases", "lambda:ListAliases", aliases)
            .await;
        let waiting = all_pages(cloud, async |next| cloud.provisioned(arn, next).await).await;
        let action = "lambda:ListProvisionedConcurrencyConfigs";
        let waiting = self
            .found(arn, "provisioned concurrency", action, waiting)
            .await;
        for alias in &aliases {
            let mut what = vec![leads_to(alias)];
            if waiting.contains(&alias.name) {
                what.push("with provisioned concurrency".to_owned());
            }
            what.extend(self.callers_of(arn, alias).await);
            self.tell(arn, frozen(&format!("its alias {}", alias.name), &what))
                .await;
        }
        for version in &waiting {
            if !aliases.iter().any(|it| it.name == *version) {
                let what = ["with provisioned concurrency".to_owned()];
                self.tell(arn, frozen(&format!("its version {version}"), &what))
                    .await;
            }
        }
    }

    /// Who is known to call an alias.
    async fn callers_of(&self, arn: &str, alias: &Alias) -> Vec<String> {
        let cloud = self.cloud;
        let qualified = format!("{arn}:{}", alias.name);
        let sources = async |next: Option<&str>| cloud.event_sources(&qualified, next).await;
        let sources = all_pages(cloud, sources).await;
        let action = "lambda:ListEventSourceMappings";
        let sources = self.found(arn, "event sources", action, sources).await;
        let invokers = asked(cloud, async || cloud.invokers(arn, &alias.name).await).await;
        let invokers = self
            .found(arn, "policies", "lambda:GetPolicy", invokers)
            .await;
        let named = |source: &String| match source.as_str() {
            "" => "events of a source outside AWS".to_owned(),
            source => format!("events of {source}"),
        };
        let allowed = invokers.iter().map(|it| format!("calls of {it}"));
        sources.iter().map(named).chain(allowed).collect()
    }

    /// A queue that shows a message again while it is still worked at
    /// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html>).
    async fn look_at_queues(&self, arn: &str, timeout: u32) {
        let cloud = self.cloud;
        let sources = all_pages(cloud, async |next| cloud.event_sources(arn, next).await).await;
        let action = "lambda:ListEventSourceMappings";
        let sources = self.found(arn, "event sources", action, sources).await;
        for queue in sources.iter().filter(|it| is_queue(it)) {
            let hidden = asked(cloud, async || cloud.visibility_timeout(queue).await).await;
            let action = "sqs:GetQueueAttributes";
            let hidden = hidden.map(Vec::from_iter);
            let hidden = self.found(arn, "visibility timeouts", action, hidden).await;
            if let Some(seconds) = hidden.first().filter(|it| **it < timeout) {
                self.tell(arn, shown_again(queue, *seconds)).await;
            }
        }
    }

    /// What was found. A look that failed is told of once, and finds nothing.
    async fn found<T>(
        &self,
        arn: &str,
        what: &str,
        action: &'static str,
        result: Result<Vec<T>, Failure>,
    ) -> Vec<T> {
        let failure = match result {
            Ok(found) => return found,
            Err(failure) => failure,
        };
        // Lambda's words name the function.
        let known = (action, failure.code.clone());
        if self.failed.borrow_mut().insert(known) {
            let detail = format!(
                "its {what} cannot be looked at, nor those of other functions perhaps ({failure}): the helper stack's manager role needs {action}; `tether install` again if it is of an older version"
            );
            self.tell(arn, detail).await;
        }
        Vec::new()
    }
}

fn is_queue(source: &str) -> bool {
    source.split(':').nth(2) == Some("sqs")
}

fn leads_to(alias: &Alias) -> String {
    match &alias.versions[..] {
        [one] => format!("version {one}"),
        several => format!("versions {}", several.join(" and ")),
    }
}

fn frozen(through: &str, what: &[String]) -> String {
    format!(
        "callers through {through} ({}) do not reach your laptop: that is a frozen version; invoke $LATEST",
        what.join(", ")
    )
}

fn shown_again(queue: &str, seconds: u32) -> String {
    let name = queue.rsplit(':').next().unwrap_or(queue);
    format!(
        "its queue {name} shows a message again after {seconds} s, so a longer pause at a breakpoint handles it twice: raise the queue's visibility timeout, or attach with `--timeout {seconds}`"
    )
}
