//! The live road: an invocation that the laptop answers, beside the same one
//! that the deployed code answers.

use super::{Part, hops};
use crate::caller::{self, By, Event, Outcome, Target};
use crate::cloud::{Attached, Cloud, Link, ONE_WAY, Setting};
use crate::figures::{Times, above, ms, number};
use crate::report::{Met, Report};
use anyhow::Result;
use serde_json::json;
use std::collections::HashSet;
use std::time::Duration;

const BUDGET_MS: f64 = 10.0;
const IN_FLIGHT: usize = 16;
const HANDLER: Duration = Duration::from_secs(1);
/// Handlers that leave two cores time for the other fifteen, in seconds. They
/// differ, or sixteen callers would march in step.
const PACED: std::ops::Range<f64> = 0.2..0.3;
/// If one waited for another, two handlers would run one after the other.
const WITHOUT_QUEUEING: Duration = Duration::from_millis(1500);
/// Over a link, above the handler.
const ROUND_TRIPS: f64 = 2.0;

pub(super) async fn run(part: Part<'_>, report: &mut Report) -> Result<()> {
    let cloud = Cloud::start(part.setting, part.link).await?;
    let floor = Pair::measure(part, &cloud.target, None, report).await?;
    let attached = cloud.attach().await?;
    let live = Pair::measure(part, &cloud.target, Some(&attached), report).await?;
    let crowd = caller::at_once(&cloud.target, IN_FLIGHT, HANDLER).await?;
    attached.detach().await?;
    let after = Pair::measure(part, &cloud.target, None, report).await?;
    cloud.end().await?;

    let trips = if part.link == Link::Wan {
        Some(round_trips(part.setting).await?)
    } else {
        None
    };
    tell_pairs(part, report, &floor, &after, &live);
    tell_crowd(part, report, &crowd);
    if let Some(trips) = trips {
        report.row(
            "live round trip above the handler, far laptop",
            "≤ 2 network round trips",
            format!("{} round trips", number(trips)),
            Met::when(trips <= ROUND_TRIPS),
        );
    }
    Ok(())
}

/// The same at one and at many in flight.
struct Pair {
    one: Vec<Outcome>,
    /// With a handler that takes its time.
    paced: Vec<Outcome>,
    /// As fast as the machine can.
    many: Vec<Outcome>,
    environments: bool,
}

impl Pair {
    async fn measure(
        part: Part<'_>,
        target: &Target,
        attached: Option<&Attached>,
        report: &mut Report,
    ) -> Result<Self> {
        let mut tell_hops = |load: &str, outcomes: &[Outcome]| {
            if let Some(attached) = attached {
                let events = attached.process.take_events("invocation");
                // Those of the warm-up came first.
                let skip = events.len().saturating_sub(outcomes.len());
                let hops = hops::line(events.get(skip..).unwrap_or_default());
                let what = part.name(&format!("hops, {load}"));
                report.detail(format!("{what}, p50 in ms as the laptop sees it: {hops}"));
            }
        };
        let is_attached = attached.is_some();
        let far = part.link != Link::Here;
        let one = part.setting.rounds(if far { 60 } else { 500 });
        let many = part.setting.rounds(if far { 640 } else { 3200 });
        caller::warm_up(target, 1, is_attached).await?;
        let one = caller::run(target, 1, one, Event::numbered).await?;
        tell_hops("1 in flight", &one);
        let environments = caller::warm_up(target, IN_FLIGHT, is_attached).await?;
        let paced = caller::run(target, IN_FLIGHT, many / 10, paced).await?;
        tell_hops("16 in flight, 250 ms handler", &paced);
        let many = caller::run(target, IN_FLIGHT, many, Event::numbered).await?;
        tell_hops("16 in flight, as fast as it can", &many);
        Ok(Self {
            one,
            paced,
            many,
            environments,
        })
    }
}

/// The same length for the same number, attached or not.
fn paced(number: usize) -> Event {
    #[expect(clippy::cast_precision_loss, reason = "some hundreds")]
    let place = (number as f64 * 0.618_034).fract();
    let sleep = PACED.start + (PACED.end - PACED.start) * place;
    // Few digits, so that they come back as they were.
    let sleep = (sleep * 1000.0).round() / 1000.0;
    Event::of(json!({ "n": number, "sleep": sleep }))
}

fn times(outcomes: &[Outcome]) -> Times {
    Times::of(outcomes.iter().map(|it| it.took))
}

fn tell_pairs(part: Part<'_>, report: &mut Report, before: &Pair, after: &Pair, live: &Pair) {
    let loads = [
        ("1 in flight", &before.one, &after.one, &live.one),
        (
            "16 in flight, 250 ms handler",
            &before.paced,
            &after.paced,
            &live.paced,
        ),
        (SATURATED, &before.many, &after.many, &live.many),
    ];
    for (load, before, after, live) in loads {
        let (others, first) = caller::not_by_laptop(live);
        let what = part.name(&format!("live round trip above the handler, {load}"));
        let (before, after, live) = (times(before), times(after), times(live));
        // The faster one: noise does not count for us.
        let floor = before.p50().min(after.p50());
        let more = above(live.p50(), floor);
        let measured = format!(
            "{} ms p50 ({} with the floor, p99 {})",
            number(more),
            ms(live.p50()),
            ms(live.p99())
        );
        let met = match part.link {
            // What a busy processor costs is no budget.
            Link::Here if load != SATURATED => Met::when(more <= BUDGET_MS && others == 0),
            _ => Met::NoBudget,
        };
        let budget = if met == Met::NoBudget {
            ""
        } else {
            "≤ 10 ms p50"
        };
        report.row(&what, budget, measured, met);
        if part.link == Link::Here && load.starts_with("1 ") {
            report.predecessor("1,147 ms with a floor of 1.7 ms");
        }
        let name = |of: &str| part.name(&format!("round trip, {load}, {of}"));
        report.times(&name("attached"), &live);
        if load == SATURATED {
            let rate = |times: &Times| times.rate(IN_FLIGHT);
            let (live, floor) = (number(rate(&live)), number(rate(&before)));
            let line = name(&format!("{live} a second attached, {floor} before"));
            report.detail(line);
        }
        report.times(&name("floor before"), &before);
        report.times(&name("floor after"), &after);
        if let Some(first) = first {
            let count = live.count();
            report.failure(format!(
                "{what}: {others} of {count} answers were not the laptop's, the first: {first}"
            ));
        }
    }
    if !live.environments {
        let line = part.name("16 at once did not lead to 16 local processes while warming up");
        report.detail(line);
    }
}

const SATURATED: &str = "16 in flight, as fast as it can";

/// Nobody waits for somebody else's handler.
fn tell_crowd(part: Part<'_>, report: &mut Report, crowd: &[Outcome]) {
    let slowest = times(crowd).max();
    let processes: HashSet<u64> = crowd
        .iter()
        .filter_map(|it| match it.by {
            By::Laptop(pid) => Some(pid),
            _ => None,
        })
        .collect();
    let without_queueing = processes.len() == IN_FLIGHT && slowest < WITHOUT_QUEUEING;
    report.row(
        &part.name("16 at once, 1 s handler: all answered within"),
        "no queueing",
        format!("{}, in {} local processes", ms(slowest), processes.len()),
        Met::when(without_queueing),
    );
    if part.link == Link::Here {
        report.predecessor("10 at once: 11.2 s");
    }
}

/// How often the laptop's link is crossed to and fro above the handler: what a
/// distance adds, divided by that distance.
async fn round_trips(setting: &Setting) -> Result<f64> {
    let here = above_handler(setting, Link::Here).await?;
    let far = above_handler(setting, Link::Distance).await?;
    #[expect(clippy::cast_precision_loss, reason = "some milliseconds")]
    let distance = (2 * ONE_WAY) as f64;
    Ok((far - here) / distance)
}

async fn above_handler(setting: &Setting, link: Link) -> Result<f64> {
    let cloud = Cloud::start(setting, link).await?;
    let floor = one_by_one(setting, &cloud, None).await?;
    let attached = cloud.attach().await?;
    let live = one_by_one(setting, &cloud, Some(&attached)).await?;
    attached.detach().await?;
    cloud.end().await?;
    Ok(above(live.p50(), floor.p50()))
}

async fn one_by_one(setting: &Setting, cloud: &Cloud, to: Option<&Attached>) -> Result<Times> {
    caller::warm_up(&cloud.target, 1, to.is_some()).await?;
    let count = setting.rounds(60);
    let outcomes = caller::run(&cloud.target, 1, count, Event::numbered).await?;
    Ok(times(&outcomes))
}
