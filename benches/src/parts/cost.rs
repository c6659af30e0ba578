//! What a warm invocation costs beside time: memory in the function, CPU of
//! everyone, calls to AWS.

use super::Part;
use crate::caller::{self, Event};
use crate::cloud::{Attached, Calls, Cloud};
use crate::figures::{mb, millis, number};
use crate::proc_fs::{self, Memory, Stat};
use crate::report::{Met, Report};
use anyhow::{Context as _, Result, bail};
use serde_json::json;
use std::time::Duration;

/// After so many the memory is looked at again: the predecessor had 170 MiB.
const CARRIED: usize = 200;
const ROUNDS: usize = 1000;
const DYNAMODB: f64 = 4.0;
const POSTS: f64 = 1.0;
/// A keep-alive every half a minute is nobody's invocation.
const TOLERANCE: f64 = 0.05;

pub(super) async fn run(part: Part<'_>, report: &mut Report) -> Result<()> {
    let cloud = Cloud::start(part.setting, part.link).await?;
    let attached = cloud.attach().await?;
    carry(&cloud, 1).await?;
    let first = largest_bootstrap(&cloud)?;
    carry(&cloud, CARRIED - 1).await?;
    let later = largest_bootstrap(&cloud)?;
    tell_memory(report, first, later);

    let calls = cloud.calls().await?;
    let before = Spent::now(&cloud, &attached);
    let rounds = part.setting.rounds(ROUNDS);
    carry(&cloud, rounds).await?;
    let spent = Spent::now(&cloud, &attached).since(&before);
    let calls = match (calls, cloud.calls().await?) {
        (Some(before), Some(after)) => Some(after.since(&before)),
        _ => None,
    };
    attached.detach().await?;
    cloud.end().await?;
    tell_cpu(report, &spent, rounds);
    match calls {
        Some(calls) => tell_calls(report, &calls, rounds),
        None => report.row(
            "AWS calls per warm invocation",
            "≤ 4 DynamoDB + polls, 1 post, 0 STS",
            "this emulator does not count calls",
            Met::Unknown,
        ),
    }
    Ok(())
}

async fn carry(cloud: &Cloud, count: usize) -> Result<()> {
    let outcomes = caller::run(&cloud.target, 1, count, Event::numbered).await?;
    match caller::not_by_laptop(&outcomes) {
        (0, _) => Ok(()),
        (others, first) => bail!(
            "{others} of {count} answers were not the laptop's, the first: {}",
            first.unwrap_or_default()
        ),
    }
}

/// Of the largest one. There may be two: the bootstrap tidies up when the
/// caller has its answer already, and Lambda gives the next event to another
/// environment meanwhile.
fn largest_bootstrap(cloud: &Cloud) -> Result<Memory> {
    let all = cloud.bootstraps();
    let memories = all.iter().filter_map(|it| proc_fs::memory(it.pid).ok());
    let largest = memories.reduce(|a, b| Memory {
        resident: a.resident.max(b.resident),
        peak: a.peak.max(b.peak),
    });
    largest.context("no bootstrap runs under the emulator")
}

fn tell_memory(report: &mut Report, first: Memory, later: Memory) {
    report.row(
        "bootstrap: RSS after 1 and after 200 carried",
        "",
        format!("{} and {}", mb(first.resident), mb(later.resident)),
        Met::NoBudget,
    );
    report.predecessor("170 MiB after 200");
    report.detail(format!(
        "bootstrap, peak RSS after 1 carried {}, after 200 {}",
        mb(first.peak),
        mb(later.peak)
    ));
    report.figure(
        "bootstrap, RSS in bytes",
        json!({ "after1": first.resident, "after200": later.resident }),
    );
}

/// CPU so far, by whom.
struct Spent(Vec<(&'static str, Duration)>);

impl Spent {
    fn now(cloud: &Cloud, attached: &Attached) -> Self {
        let of = |pid: i32| proc_fs::stat(pid).map_or(Duration::ZERO, |it| it.cpu);
        let sum = |all: Vec<Stat>| all.iter().map(|it| it.cpu).sum();
        Self(vec![
            ("bootstrap", sum(cloud.bootstraps())),
            ("receiver", of(attached.process.pid)),
            (
                "local code",
                sum(proc_fs::descendants(attached.process.pid)),
            ),
            ("emulator", of(cloud.process.pid)),
            ("helper Lambdas", sum(cloud.helpers())),
        ])
    }

    fn since(self, before: &Self) -> Self {
        let both = self.0.into_iter().zip(&before.0);
        Self(
            both.map(|((who, now), (_, then))| (who, now.saturating_sub(*then)))
                .collect(),
        )
    }
}

fn tell_cpu(report: &mut Report, spent: &Spent, rounds: usize) {
    let each = |time: Duration| millis(time) / count(rounds);
    let parts: Vec<String> = spent
        .0
        .iter()
        .map(|(who, time)| format!("{who} {}", number(each(*time))))
        .collect();
    let bootstrap = spent.0.first().map_or(0.0, |(_, time)| each(*time));
    report.row(
        "bootstrap: CPU per warm invocation",
        "",
        format!("{} ms", number(bootstrap)),
        Met::NoBudget,
    );
    report.predecessor("125 ms");
    report.detail(format!(
        "CPU per warm invocation in ms: {} (n {rounds})",
        parts.join(", ")
    ));
    for (who, time) in &spent.0 {
        report.figure(
            &format!("CPU per invocation in ms, {who}"),
            json!(each(*time)),
        );
    }
}

fn tell_calls(report: &mut Report, calls: &Calls, rounds: usize) {
    let each = |wanted: &dyn Fn(&str, &str) -> bool| -> f64 {
        let matching = calls
            .iter()
            .filter(|(_, service, action, _)| wanted(service, action));
        let total: u64 = matching.map(|(_, _, _, count)| count).sum();
        #[expect(clippy::cast_precision_loss, reason = "some thousands")]
        let total = total as f64;
        total / count(rounds)
    };
    let is_read = |action: &str| matches!(action, "GetItem" | "Query");
    let others = each(&|service, action| service == "dynamodb" && !is_read(action));
    let reads = each(&|service, action| service == "dynamodb" && is_read(action));
    let posts = each(&|service, action| service == "execute-api" && action == "PostToConnection");
    let roles = each(&|service, _| service == "sts");
    report.row(
        "AWS calls per warm invocation",
        "≤ 4 DynamoDB + polls, 1 post, 0 STS",
        format!(
            "{} DynamoDB + {} reads (polls, session), {} posts, {} STS",
            number(others),
            number(reads),
            number(posts),
            number(roles)
        ),
        Met::when(
            others <= DYNAMODB + TOLERANCE && posts <= POSTS + TOLERANCE && roles <= TOLERANCE,
        ),
    );
    report.predecessor("3.87 DynamoDB, 2 STS");
    for (who, service, action, total) in calls.iter() {
        #[expect(clippy::cast_precision_loss, reason = "some thousands")]
        let per = total as f64 / count(rounds);
        report.detail(format!(
            "calls per invocation: {service} {action} by {who} {}",
            number(per)
        ));
        report.figure(
            &format!("calls per invocation, {service} {action} by {who}"),
            json!(per),
        );
    }
}

fn count(rounds: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let rounds = rounds as f64;
    rounds
}
