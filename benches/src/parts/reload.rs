//! From a save to the answer of what was saved: the invocation after it is
//! made at once, or when the new process is there already.

use super::Part;
use crate::caller::{self, Event, LAPTOP};
use crate::cloud::{self, Cloud};
use crate::figures::{Times, above, ms, number};
use crate::report::{Met, Report};
use anyhow::Result;
use std::path::Path;
use std::time::{Duration, Instant};

const RUNS: usize = 20;
const BUDGET: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) async fn run(part: Part<'_>, report: &mut Report) -> Result<()> {
    let cloud = Cloud::start(part.setting, part.link).await?;
    let attached = cloud.attach().await?;
    caller::warm_up(&cloud.target, 1, true).await?;
    let (mut reloaded, mut plain) = (Vec::new(), Vec::new());
    let mut process = None;
    for round in 0..part.setting.rounds(RUNS) {
        plain.push(once(&cloud).await?.0);
        let saved = Instant::now();
        cloud::save(&cloud.copy(), &format!("{LAPTOP}\"  # {round}\n_ = \""))?;
        let (_, by) = once(&cloud).await?;
        reloaded.push(saved.elapsed());
        if process == Some(by.clone()) {
            report.failure("a save did not lead to a new process");
        }
        process = Some(by);
    }
    let (mut imported, mut warmed) = (Vec::new(), Vec::new());
    for round in 0..part.setting.rounds(RUNS) {
        // Beside the code: a new file there starts no process.
        let mark = cloud.copy().join(format!("imported-{round}"));
        let opens = format!("open({:?}, \"w\").close()", mark.display().to_string());
        let saved = Instant::now();
        cloud::save(&cloud.copy(), &format!("{LAPTOP}\"\n{opens}\n_ = \""))?;
        appears(&mark).await?;
        imported.push(saved.elapsed());
        warmed.push(once(&cloud).await?.0);
    }
    attached.detach().await?;
    cloud.end().await?;
    let (reloaded, plain) = (Times::of(reloaded), Times::of(plain));
    let (imported, warmed) = (Times::of(imported), Times::of(warmed));
    report.row(
        "reload: from a save to the new code's answer",
        "≤ 200 ms",
        format!(
            "{} p50, of which reload {} ms",
            ms(reloaded.p50()),
            number(above(reloaded.p50(), plain.p50()))
        ),
        Met::when(reloaded.p50() <= BUDGET),
    );
    report.row(
        "reload: from a save to a process that has imported it",
        "≤ 200 ms",
        format!(
            "{} p50, and its first answer takes {}",
            ms(imported.p50()),
            ms(warmed.p50())
        ),
        Met::when(imported.p50() <= BUDGET),
    );
    report.times("reload, save to answer", &reloaded);
    report.times("reload, save to import", &imported);
    report.times("reload, answer after that", &warmed);
    report.times("reload, answer without a save", &plain);
    Ok(())
}

/// Somebody else's process writes it: there is no event for that.
async fn appears(mark: &Path) -> Result<()> {
    let began = Instant::now();
    while !mark.exists() {
        anyhow::ensure!(began.elapsed() < PATIENCE, "a save was not imported");
        tokio::time::sleep(Duration::from_micros(500)).await;
    }
    Ok(())
}

async fn once(cloud: &Cloud) -> Result<(Duration, caller::By)> {
    let outcomes = caller::run(&cloud.target, 1, 1, Event::numbered).await?;
    let outcome = outcomes.into_iter().next();
    let outcome = outcome.ok_or_else(|| anyhow::anyhow!("no answer has come"))?;
    if let (1, Some(what)) = caller::not_by_laptop(std::slice::from_ref(&outcome)) {
        anyhow::bail!("the laptop did not answer: {what}");
    }
    Ok((outcome.took, outcome.by))
}
