//! 6 MB in and 6 MB out in one invocation: text that can be compressed, and
//! text that cannot.

use super::Part;
use crate::caller::{self, By, Event};
use crate::cloud::{Cloud, Link};
use crate::figures::{Times, mb, ms};
use crate::report::{Met, Report};
use anyhow::Result;
use serde_json::json;
use std::time::Duration;

const ROUNDS: usize = 15;
/// Lambda's limit is 6 MiB each way; the answer is a little longer than the
/// event (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
const SIZE: usize = 6 * 1024 * 1024 - 2048;
const BUDGET: Duration = Duration::from_millis(300);

pub(super) async fn run(part: Part<'_>, report: &mut Report) -> Result<()> {
    let kinds = [("log text", log()), ("random text", random())];
    let cloud = Cloud::start(part.setting, part.link).await?;
    let mut floors = Vec::new();
    for (_, event) in &kinds {
        floors.push(measure(part, &cloud, event, false).await?);
    }
    let attached = cloud.attach().await?;
    for ((kind, event), floor) in kinds.iter().zip(floors) {
        caller::warm_up(&cloud.target, 1, true).await?;
        let live = measure(part, &cloud, event, true).await?;
        tell(part, report, kind, event.size(), floor, live);
    }
    attached.detach().await?;
    cloud.end().await
}

/// Times, or what came instead of the expected answer.
type Measured = std::result::Result<Times, String>;

async fn measure(part: Part<'_>, cloud: &Cloud, event: &Event, attached: bool) -> Result<Measured> {
    let rounds = part.setting.rounds(ROUNDS);
    let mut outcomes = caller::run(&cloud.target, 1, 1, |_| event.clone()).await?;
    // One is enough to see that it does not go.
    if as_expected(&outcomes[0].by, attached).is_ok() {
        outcomes = caller::run(&cloud.target, 1, rounds, |_| event.clone()).await?;
    }
    for outcome in &outcomes {
        if let Err(what) = as_expected(&outcome.by, attached) {
            return Ok(Err(what));
        }
    }
    Ok(Ok(Times::of(outcomes.iter().map(|it| it.took))))
}

fn as_expected(by: &By, attached: bool) -> std::result::Result<(), String> {
    match (by, attached) {
        (By::Laptop(_), true) | (By::Deployed(_), false) => Ok(()),
        (By::Deployed(_), true) => Err("the deployed code answered".to_owned()),
        (By::Laptop(_), false) => Err("the laptop answered".to_owned()),
        (By::Wrong(what), _) => Err(what.clone()),
    }
}

fn tell(
    part: Part<'_>,
    report: &mut Report,
    kind: &str,
    size: usize,
    floor: Measured,
    live: Measured,
) {
    let what = part.name(&format!("6 MB in, 6 MB out, {kind}"));
    let budget = if part.link == Link::Here {
        "≤ 300 ms"
    } else {
        ""
    };
    let floor_p50 = match &floor {
        Ok(floor) => {
            report.times(&format!("{what}, floor"), floor);
            ms(floor.p50())
        }
        Err(what) => format!("unknown: {what}"),
    };
    match live {
        Ok(live) => {
            let met = match part.link {
                Link::Here => Met::when(live.p50() <= BUDGET),
                _ => Met::NoBudget,
            };
            let measured = format!("{} p50 (floor {floor_p50})", ms(live.p50()));
            report.row(&what, budget, measured, met);
            report.times(&format!("{what}, attached"), &live);
        }
        Err(instead) => {
            let met = if budget.is_empty() {
                Met::Unknown
            } else {
                Met::No
            };
            report.row(&what, budget, "not carried", met);
            report.detail(format!("{what}, not carried: {instead}"));
        }
    }
    if part.link == Link::Here {
        report.predecessor("at most 125 KB in, 32 KB out");
    }
    report.detail(format!(
        "{what}: an event of {} each time, and a little more back",
        mb(u64::try_from(size).unwrap_or_default())
    ));
}

/// Lines of a log, as one string: they compress, and Python is quick with
/// strings. A handler that parses 6 MB of records takes longer than all else.
fn log() -> Event {
    let mut text = String::new();
    for number in 10_000.. {
        let minute = number / 60 % 60;
        let line = format!(
            "2026-11-21T12:{minute:02}:{:02}Z INFO order {number} of customer-{} shipped; ",
            number % 60,
            number * 7 % 9000
        );
        if text.len() + line.len() > SIZE - 64 {
            break;
        }
        text.push_str(&line);
    }
    Event::of(json!({ "text": text }))
}

/// As base64 of something encrypted: the same at each run, and no two parts alike.
fn random() -> Event {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let text: String = (0..SIZE - 64)
        .map(|_| {
            // xorshift64
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let index = usize::try_from(state >> 58).unwrap_or_default();
            char::from(LETTERS[index])
        })
        .collect();
    Event::of(json!({ "text": text }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_and_their_answers_are_just_below_lambdas_limit() {
        const LIMIT: usize = 6 * 1024 * 1024;
        assert!((LIMIT - 4096..LIMIT).contains(&random().size()));
        assert!((LIMIT - 4096..LIMIT).contains(&log().size()));
    }
}
