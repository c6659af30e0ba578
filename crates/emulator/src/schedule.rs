//! Rules and schedules that run functions.

use crate::cloud::Cloud;
use crate::id;
use crate::lambda::Invoked;
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tether_iam::Denied;
use tether_sam::{EventRule, Plan, TargetInput};
use tokio_util::sync::CancellationToken;

/// A laptop may sleep: what time it is by now is looked at so often.
const LOOK: Duration = Duration::from_secs(15);

/// The rules and schedules that there are, by ARN.
#[derive(Default)]
pub(crate) struct Schedules {
    rules: Mutex<BTreeMap<String, CancellationToken>>,
}

/// What one does.
#[derive(Clone)]
pub(crate) struct Schedule {
    /// The function's name or ARN.
    pub(crate) function: String,
    pub(crate) by: Source,
    /// The rule's or the schedule's ARN.
    pub(crate) arn: String,
    /// Its name.
    pub(crate) name: String,
    pub(crate) plan: Plan,
    /// What it makes of AWS's own event.
    pub(crate) input: TargetInput,
}

/// Who runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A rule, which the function's policy must allow.
    Events,
    /// EventBridge's scheduler, which has a role that may.
    Scheduler,
}

impl Schedules {
    /// All that a rule does from now on, in the place of what it did.
    pub(crate) fn start(&self, cloud: &Arc<Cloud>, arn: &str, all: Vec<Schedule>) {
        let ending = cloud.ending.child_token();
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = rules.insert(arn.to_owned(), ending.clone()) {
            before.cancel();
        }
        for schedule in all {
            let running = run(Arc::clone(cloud), schedule, ending.clone());
            cloud.tasks.spawn(running);
        }
    }

    /// Ends a rule; a run that has begun goes on.
    pub(crate) fn end(&self, arn: &str) {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ending) = rules.remove(arn) {
            ending.cancel();
        }
    }
}

/// Invokes a function again and again, until the rule ends. One run at a
/// time: a slow one delays the next.
async fn run(cloud: Arc<Cloud>, schedule: Schedule, ending: CancellationToken) {
    let mut due = schedule.plan.next(0);
    while let Some(at) = due {
        tokio::select! {
            () = until(at) => {}
            () = ending.cancelled() => return,
        }
        if !once(&cloud, &schedule, at, &ending).await {
            return;
        }
        // What was due meanwhile is left out.
        due = schedule.plan.next(tether_host::now().seconds().max(at));
    }
}

async fn until(second: u64) {
    loop {
        let millis = (second.saturating_mul(1000)).saturating_sub(tether_host::now().0);
        if millis == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(millis).min(LOOK)).await;
    }
}

/// False: the rule has ended.
async fn once(
    cloud: &Arc<Cloud>,
    schedule: &Schedule,
    at: u64,
    ending: &CancellationToken,
) -> bool {
    let function = &schedule.function;
    if let Err(denied) = may(cloud, schedule) {
        cloud.notice(format!("{function} is not run by its schedule: {denied}"));
        return true;
    }
    let event = match event(cloud, schedule, at) {
        Ok(event) => event,
        Err(why) => {
            cloud.notice(format!("{function} is not run by {}: {why}", schedule.name));
            return true;
        }
    };
    let invoked = tokio::select! {
        invoked = cloud.lambda.invoke(function, event, None) => invoked,
        () = ending.cancelled() => return false,
    };
    match invoked {
        Ok(Invoked {
            failed: true,
            payload,
            ..
        }) => {
            // What it says may be a secret; its log has it.
            let error: Value = serde_json::from_slice(&payload).unwrap_or_default();
            let kind = error["errorType"].as_str().unwrap_or("an error");
            cloud.notice(format!(
                "{function}, run by its schedule, failed with {kind}: see its log"
            ));
        }
        Err(error) => cloud.notice(format!("{function}: {error}")),
        Ok(_) => {}
    }
    true
}

/// What the function gets; or why it gets nothing.
fn event(cloud: &Cloud, schedule: &Schedule, at: u64) -> Result<Bytes, String> {
    let event = match (schedule.input.constant(), schedule.by) {
        (Some(input), Source::Scheduler) => in_context(input, schedule, at),
        _ => {
            let rule = EventRule {
                arn: &schedule.arn,
                name: &schedule.name,
            };
            schedule.input.of_event(&own(cloud, schedule, at), rule)?
        }
    };
    Ok(Bytes::from(event))
}

/// <https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html>
fn in_context(input: &str, schedule: &Schedule, at: u64) -> String {
    input
        .replace("<aws.scheduler.schedule-arn>", &schedule.arn)
        .replace("<aws.scheduler.scheduled-time>", &time(at))
        .replace("<aws.scheduler.execution-id>", &id::uuid())
        .replace("<aws.scheduler.attempt-number>", "1")
}

/// AWS's own event.
fn own(cloud: &Cloud, schedule: &Schedule, at: u64) -> Value {
    let (source, detail) = match schedule.by {
        Source::Events => ("aws.events", json!({})),
        // That is how it writes it.
        Source::Scheduler => ("aws.scheduler", json!("{}")),
    };
    json!({
        "version": "0",
        "id": id::uuid(),
        "detail-type": "Scheduled Event",
        "source": source,
        "account": cloud.place.account_id,
        "time": time(at),
        "region": cloud.place.region,
        "resources": [schedule.arn],
        "detail": detail,
    })
}

/// `2026-11-26T12:00:00Z`
fn time(second: u64) -> String {
    let moment = i64::try_from(second)
        .ok()
        .and_then(|it| time::OffsetDateTime::from_unix_timestamp(it).ok());
    let moment = moment.unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        moment.year(),
        u8::from(moment.month()),
        moment.day(),
        moment.hour(),
        moment.minute(),
        moment.second()
    )
}

/// Whether the function's policy lets a rule invoke it.
fn may(cloud: &Cloud, schedule: &Schedule) -> Result<(), Denied> {
    if schedule.by == Source::Scheduler {
        return Ok(());
    }
    let events = "events.amazonaws.com";
    cloud
        .iam
        .check_invoke(&cloud.lambda, events, &schedule.arn, &schedule.function)
}
