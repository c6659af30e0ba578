//! How long a developer waits: for `ready`, and after Ctrl-C.

use super::Part;
use crate::cloud::Cloud;
use crate::figures::{Times, ms};
use crate::report::{Met, Report};
use anyhow::Result;

const RUNS: usize = 10;

pub(super) async fn run(part: Part<'_>, report: &mut Report) -> Result<()> {
    let cloud = Cloud::start(part.setting, part.link).await?;
    let (mut attach, mut detach) = (Vec::new(), Vec::new());
    for _ in 0..part.setting.rounds(RUNS) {
        let attached = cloud.attach().await?;
        attach.push(attached.took);
        detach.push(attached.detach().await?);
    }
    cloud.end().await?;
    for (what, times) in [
        ("attach, exec to ready", attach),
        ("detach, Ctrl-C to exit", detach),
    ] {
        let times = Times::of(times);
        let name = format!("{what}{}", part.suffix());
        let measured = format!("{} p50, {} at most", ms(times.p50()), ms(times.max()));
        report.row(&name, "", measured, Met::NoBudget);
        report.times(&name, &times);
    }
    Ok(())
}
