//! Thousands of invocations, many in flight: nothing grows, and every answer
//! is the laptop's.

use super::Part;
use crate::caller::{self, Event};
use crate::cloud::{Attached, Cloud};
use crate::figures::{Times, mb};
use crate::proc_fs;
use crate::report::{Met, Report};
use crate::say;
use anyhow::Result;
use serde_json::json;
use std::time::Duration;

const IN_FLIGHT: usize = 16;
const QUARTERS: usize = 4;

/// In the last quarter a process may grow by the larger of these: allocators
/// and pools breathe.
const GROWTH: u64 = 1_000_000;
const GROWTH_DIVISOR: u64 = 20;
/// Connections of pools come and go; each of the 16 leaking one would show.
const DESCRIPTORS: usize = 8;

/// Answers are out: what is tidied up after them takes this long at most.
const REST: Duration = Duration::from_secs(1);

pub(super) async fn run(part: Part<'_>, report: &mut Report) -> Result<()> {
    let cloud = Cloud::start(part.setting, part.link).await?;
    let attached = cloud.attach().await?;
    if !caller::warm_up(&cloud.target, IN_FLIGHT, true).await? {
        report.detail("soak: 16 at once did not lead to 16 local processes while warming up");
    }
    let count = part.setting.rounds(part.setting.soak) / QUARTERS;
    let (mut outcomes, mut samples) = (Vec::new(), Vec::new());
    for quarter in 1..=QUARTERS {
        let first = (quarter - 1) * count;
        let event = |number| Event::numbered(first + number);
        outcomes.extend(caller::run(&cloud.target, IN_FLIGHT, count, event).await?);
        tokio::time::sleep(REST).await;
        samples.push(Sample::take(&cloud, &attached)?);
        say::progress(&format!("soak: {} %", 100 * quarter / QUARTERS));
    }
    attached.detach().await?;
    cloud.end().await?;
    let times = Times::of(outcomes.iter().map(|it| it.took));
    report.times("soak, 16 in flight", &times);
    if let (others @ 1.., first) = caller::not_by_laptop(&outcomes) {
        report.failure(format!(
            "soak: {others} of {} answers were not the laptop's, the first: {}",
            outcomes.len(),
            first.unwrap_or_default()
        ));
    }
    tell(report, &samples, outcomes.len());
    Ok(())
}

/// One kind of process at one time.
#[derive(Clone, Debug, Default)]
struct Use {
    who: &'static str,
    processes: usize,
    /// Of the largest.
    resident: u64,
    /// Of the one that has most.
    descriptors: usize,
}

impl Use {
    fn of(who: &'static str, pids: &[i32]) -> Result<Self> {
        let mut found = Self {
            who,
            processes: pids.len(),
            ..Self::default()
        };
        for pid in pids {
            found.resident = found.resident.max(proc_fs::memory(*pid)?.resident);
            found.descriptors = found.descriptors.max(proc_fs::descriptors(*pid)?);
        }
        Ok(found)
    }
}

struct Sample(Vec<Use>);

impl Sample {
    fn take(cloud: &Cloud, attached: &Attached) -> Result<Self> {
        let bootstraps: Vec<i32> = cloud.bootstraps().iter().map(|it| it.pid).collect();
        Ok(Self(vec![
            Use::of("bootstrap", &bootstraps)?,
            Use::of("receiver", &[attached.process.pid])?,
            Use::of("emulator", &[cloud.process.pid])?,
        ]))
    }
}

fn tell(report: &mut Report, samples: &[Sample], invocations: usize) {
    let [first, .., before, last] = samples else {
        return;
    };
    for (index, (then, now)) in before.0.iter().zip(&last.0).enumerate() {
        let flat = grown(then, now).is_none();
        let memory: Vec<String> = samples.iter().map(|it| mb(it.0[index].resident)).collect();
        let open: Vec<String> = samples
            .iter()
            .map(|it| it.0[index].descriptors.to_string())
            .collect();
        let who = now.who;
        report.row(
            &format!("soak of {invocations}, 16 in flight: {who}"),
            "flat",
            format!("{}, {} descriptors", mb(now.resident), now.descriptors),
            Met::when(flat),
        );
        let since = invocations * (QUARTERS - 1) / QUARTERS;
        report.detail(format!(
            "soak, {who} at each quarter: RSS {} ({} bytes an invocation); descriptors {}; processes {}",
            memory.join(", "),
            each(first.0[index].resident, now.resident, since),
            open.join(", "),
            now.processes
        ));
        let figures = samples.iter().map(|it| {
            let it = &it.0[index];
            json!({ "residentBytes": it.resident, "descriptors": it.descriptors, "processes": it.processes })
        });
        report.figure(&format!("soak, {who}"), figures.collect());
        if let Some(growth) = grown(then, now) {
            report.failure(growth);
        }
    }
}

/// What an invocation leaves behind, in bytes.
fn each(then: u64, now: u64, invocations: usize) -> i64 {
    let grown = i64::try_from(now).unwrap_or(i64::MAX) - i64::try_from(then).unwrap_or(i64::MAX);
    grown / i64::try_from(invocations.max(1)).unwrap_or(i64::MAX)
}

/// What has grown, if something has.
fn grown(then: &Use, now: &Use) -> Option<String> {
    let bound = GROWTH.max(then.resident / GROWTH_DIVISOR);
    let who = now.who;
    if now.resident > then.resident + bound {
        return Some(format!(
            "soak: {who} grew from {} to {} in the last quarter (at most {} more is noise)",
            mb(then.resident),
            mb(now.resident),
            mb(bound)
        ));
    }
    if now.descriptors > then.descriptors + DESCRIPTORS {
        return Some(format!(
            "soak: {who} went from {} to {} descriptors in the last quarter (at most {DESCRIPTORS} more is noise)",
            then.descriptors, now.descriptors
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(resident: u64, descriptors: usize) -> Use {
        Use {
            who: "receiver",
            processes: 1,
            resident,
            descriptors,
        }
    }

    #[test]
    fn growth_beyond_noise_is_named() {
        let then = used(40_000_000, 30);
        assert_eq!(grown(&then, &used(41_900_000, 38)), None);
        let more = grown(&then, &used(43_000_000, 30));
        assert!(more.is_some_and(|it| it.contains("receiver grew from 40.0 MB to 43.0 MB")));
        let more = grown(&then, &used(40_000_000, 46));
        assert!(more.is_some_and(|it| it.contains("30 to 46 descriptors")));
    }
}
