//! Thousands of invocations through the host, with a save now and then: how
//! long one takes, and what is left behind.

use super::Part;
use crate::cloud;
use crate::figures::{Times, mb, ms, number};
use crate::host::{Language, SAVE_EVERY, TOLD_EVERY};
use crate::process::Process;
use crate::report::{Met, Report};
use crate::say;
use anyhow::Result;
use serde_json::Value;
use std::time::Duration;

const INVOCATIONS: usize = 10_000;
const ABOVE_THE_HANDLER: Duration = Duration::from_millis(1);
const RELOAD: Duration = Duration::from_millis(200);

/// From the first thousand to the last it may grow by this: allocators breathe,
/// and threads of the runtime come and go.
const GROWTH: u64 = 2_000_000;

pub(super) async fn run(part: Part<'_>, report: &mut Report) -> Result<()> {
    measure(part, Language::Python, report).await?;
    if is_in_path("node") {
        measure(part, Language::Node, report).await
    } else {
        report.row("host, Node", "", "there is no node here", Met::Unknown);
        Ok(())
    }
}

fn is_in_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|it| it.join(program).is_file())
}

async fn measure(part: Part<'_>, language: Language, report: &mut Report) -> Result<()> {
    // Whole thousands.
    let count = part
        .setting
        .rounds(INVOCATIONS)
        .next_multiple_of(TOLD_EVERY);
    let folder = tempfile::Builder::new().prefix("tether-bench-").tempdir()?;
    let code = folder.path().join("code");
    std::fs::create_dir(&code)?;
    let arguments = [
        "host",
        "--language",
        language.name(),
        "--folder",
        &code.display().to_string(),
        "--invocations",
        &count.to_string(),
    ]
    .map(str::to_owned);
    let process = Process::start(
        "tether-bench host",
        &std::env::current_exe()?,
        &arguments,
        &cloud::environment(None),
        folder.path(),
    )?;
    let mut uses = Vec::new();
    for invocations in (0..=count).step_by(TOLD_EVERY) {
        let event = process.wait_for(&format!("after {invocations}")).await?;
        uses.push(Use::of(&event));
        say::progress(&format!(
            "host, {}: {invocations} of {count}",
            language.name()
        ));
    }
    let done = process.wait_for("done").await?;
    tell_times(report, &done);
    tell_uses(report, &done, &uses, count);
    Ok(())
}

/// The host's process at one time, and how many others it had.
#[derive(Clone, Copy, Debug, Default)]
struct Use {
    resident: u64,
    descriptors: u64,
    processes: u64,
}

impl Use {
    fn of(event: &Value) -> Self {
        let field = |name: &str| event[name].as_u64().unwrap_or_default();
        Self {
            resident: field("residentBytes"),
            descriptors: field("descriptors"),
            processes: field("processes"),
        }
    }

    fn line(self) -> String {
        let (descriptors, processes) = (self.descriptors, self.processes);
        format!(
            "{}, {descriptors} descriptors, {processes} processes",
            mb(self.resident)
        )
    }
}

fn tell_times(report: &mut Report, done: &Value) {
    let runs_on = name(done);
    let (steady, saved) = (times(&done["steadyNanos"]), times(&done["savedNanos"]));
    report.row(
        &format!("host, {runs_on}: an invocation above the handler"),
        "≤ 1 ms p50",
        format!(
            "{} p50, {} p99, {} a second",
            ms(steady.p50()),
            ms(steady.p99()),
            number(steady.rate(1))
        ),
        Met::when(steady.p50() <= ABOVE_THE_HANDLER),
    );
    report.row(
        &format!("host, {runs_on}: a save to the new code's answer"),
        "≤ 200 ms",
        format!("{} p50, {} at most", ms(saved.p50()), ms(saved.max())),
        Met::when(saved.p50() <= RELOAD),
    );
    report.times(&format!("host, {runs_on}, above the handler"), &steady);
    report.times(&format!("host, {runs_on}, save to answer"), &saved);
}

fn tell_uses(report: &mut Report, done: &Value, uses: &[Use], count: usize) {
    let (runs_on, left) = (name(done), done["processesLeft"].as_u64());
    let [idle, first, .., last] = uses else {
        return;
    };
    let printed = done["printed"].as_u64().unwrap_or_default();
    let printed = usize::try_from(printed).unwrap_or_default();
    let grown = grown(first, last);
    report.row(
        &format!(
            "host, {runs_on}: {count} invocations, {} saves",
            (count - 1) / SAVE_EVERY
        ),
        "flat",
        format!("{} after {TOLD_EVERY}; {}", first.line(), last.line()),
        Met::when(grown.is_none()),
    );
    let all = uses.iter().map(|it| mb(it.resident));
    report.detail(format!(
        "host, {runs_on}: before the first invocation {}; RSS at each {TOLD_EVERY}: {}; processes left at the end: {}",
        idle.line(),
        all.skip(1).collect::<Vec<_>>().join(", "),
        left.map_or("?".to_owned(), |it| it.to_string())
    ));
    if let Some(grown) = grown {
        report.failure(format!("host, {runs_on}: {grown}"));
    }
    if left != Some(0) {
        report.failure(format!("host, {runs_on}: processes are left behind"));
    }
    if printed != count {
        report.failure(format!(
            "host, {runs_on}: of {count} printed lines {printed} have come"
        ));
    }
}

fn grown(then: &Use, now: &Use) -> Option<String> {
    let is_flat = now.resident <= then.resident + GROWTH
        && now.descriptors <= then.descriptors
        && now.processes <= then.processes;
    (!is_flat).then(|| format!("it grew from {} to {}", then.line(), now.line()))
}

/// `Python 3.13`
fn name(done: &Value) -> &str {
    let runs_on = done["runsOn"].as_str().unwrap_or_default();
    runs_on.split(" (").next().unwrap_or_default()
}

fn times(nanos: &Value) -> Times {
    let nanos = nanos.as_array().into_iter().flatten();
    Times::of(nanos.filter_map(Value::as_u64).map(Duration::from_nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_beyond_noise_is_named() {
        let then = Use {
            resident: 10_000_000,
            descriptors: 20,
            processes: 2,
        };
        let more = |resident: u64, descriptors: u64, processes: u64| Use {
            resident: then.resident + resident,
            descriptors: then.descriptors + descriptors,
            processes: then.processes + processes,
        };
        assert_eq!(grown(&then, &more(1_900_000, 0, 0)), None);
        for grew in [more(2_100_000, 0, 0), more(0, 1, 0), more(0, 0, 1)] {
            assert!(grown(&then, &grew).is_some(), "{grew:?}");
        }
    }
}
