//! Rules that run functions on a schedule.

use crate::cloud::Cloud;
use crate::lambda::Invoked;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tether_iam::Denied;
use tokio_util::sync::CancellationToken;

/// The rules that there are, by name.
#[derive(Default)]
pub(crate) struct Schedules {
    rules: Mutex<BTreeMap<String, CancellationToken>>,
}

/// What a rule does.
pub(crate) struct Schedule {
    /// The function's name or ARN.
    pub(crate) function: String,
    /// The rule's ARN; none: a schedule of the scheduler, which has a role that may.
    pub(crate) rule: Option<String>,
    pub(crate) period: Duration,
    pub(crate) input: Bytes,
}

impl Schedules {
    /// A rule from now on, in the place of one that has this name.
    pub(crate) fn start(&self, cloud: &Arc<Cloud>, rule: &str, schedule: Schedule) {
        let ending = cloud.ending.child_token();
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = rules.insert(rule.to_owned(), ending.clone()) {
            before.cancel();
        }
        let running = run(Arc::clone(cloud), schedule, ending);
        cloud.tasks.spawn(running);
    }

    /// Ends a rule; a run that has begun goes on.
    pub(crate) fn end(&self, rule: &str) {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ending) = rules.remove(rule) {
            ending.cancel();
        }
    }
}

/// Invokes a function again and again, until the rule ends. One run at a
/// time: a slow one delays the next.
async fn run(cloud: Arc<Cloud>, schedule: Schedule, ending: CancellationToken) {
    let Schedule {
        function,
        rule,
        period,
        input,
    } = schedule;
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // The first tick is now; a schedule's first run is a period away.
    ticks.tick().await;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = ending.cancelled() => return,
        }
        if let Err(denied) = may(&cloud, rule.as_deref(), &function) {
            cloud.notice(format!("{function} is not run by its schedule: {denied}"));
            continue;
        }
        let invoked = tokio::select! {
            invoked = cloud.lambda.invoke(&function, input.clone(), None) => invoked,
            () = ending.cancelled() => return,
        };
        match invoked {
            Ok(Invoked {
                failed: true,
                payload,
                ..
            }) => cloud.notice(format!(
                "{function}, run by its schedule, failed: {}",
                String::from_utf8_lossy(&payload)
            )),
            Err(error) => cloud.notice(format!("{function}: {error}")),
            Ok(_) => {}
        }
    }
}

/// Whether the function's policy lets a rule invoke it.
fn may(cloud: &Cloud, rule: Option<&str>, function: &str) -> Result<(), Denied> {
    let Some(rule) = rule else {
        return Ok(());
    };
    let events = "events.amazonaws.com";
    cloud
        .iam
        .check_invoke(&cloud.lambda, events, rule, function)
}
