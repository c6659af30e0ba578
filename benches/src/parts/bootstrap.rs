//! What a cold start pays: from exec to the first `next`, memory, size.

use super::Part;
use crate::figures::{Times, mb, ms};
use crate::proc_fs;
use crate::report::{Met, Report};
use crate::say;
use crate::stage::{Came, Stage};
use anyhow::{Context as _, Result};
use std::path::Path;
use std::time::{Duration, Instant};

const RUNS: usize = 30;
const TO_NEXT: Duration = Duration::from_millis(10);
const PEAK: u64 = 12_000_000;
const ZIPPED: u64 = 5_000_000;

/// From an answer that was sent to its being read.
const SETTLE: Duration = Duration::from_millis(50);

pub(super) async fn run(part: Part<'_>, report: &mut Report) -> Result<()> {
    let runs = part.setting.rounds(RUNS);
    let floor = Times::of(nothing(runs).await?);
    let mut to_next = Vec::new();
    let mut peaks = Vec::new();
    for _ in 0..runs {
        let mut stage = Stage::open().await?;
        let (child, started) = stage.start(Some(&part.setting.bootstrap))?;
        to_next.push(stage.comes(Came::Next).await? - started);
        stage.comes(Came::LookUp).await?;
        tokio::time::sleep(SETTLE).await;
        let pid = child.id().context("the bootstrap has ended")?;
        peaks.push(proc_fs::memory(i32::try_from(pid)?)?.peak);
    }
    let to_next = Times::of(to_next);
    report.row(
        "bootstrap: exec to first `next`",
        "≤ 10 ms",
        format!("{} p50, {} p99", ms(to_next.p50()), ms(to_next.p99())),
        Met::when(to_next.p50() <= TO_NEXT),
    );
    report.predecessor("213 ms");
    report.times("bootstrap, exec to first `next`", &to_next);
    report.times("bootstrap, floor: exec and exit of /bin/true", &floor);
    peaks.sort_unstable();
    let peak = peaks.last().copied().unwrap_or_default();
    report.row(
        "bootstrap: peak RSS, idle, its session looked up",
        "≤ 12 MB",
        mb(peak),
        Met::when(peak <= PEAK),
    );
    report.predecessor("37 MiB");
    match zipped(&part.setting.bootstrap).await {
        Ok(size) => report.row(
            "layer, zipped",
            "≤ 5 MB",
            mb(size),
            Met::when(size <= ZIPPED),
        ),
        Err(error) => {
            say::progress(&format!("the layer is not zipped: {error:#}"));
            report.row("layer, zipped", "≤ 5 MB", "not measured", Met::Unknown);
        }
    }
    Ok(())
}

/// What this machine takes for a process that does nothing.
async fn nothing(runs: usize) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    for _ in 0..runs {
        let started = Instant::now();
        tokio::process::Command::new("/bin/true").status().await?;
        times.push(started.elapsed());
    }
    Ok(times)
}

/// Size of the layer's file, deflated as zip tools do.
async fn zipped(file: &Path) -> Result<u64> {
    let program = "import sys, zlib; print(len(zlib.compress(open(sys.argv[1], 'rb').read(), 9)))";
    let output = tokio::process::Command::new("python3")
        .args(["-c", program])
        .arg(file)
        .output()
        .await
        .context("python3 cannot be started")?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().context("python3 did not count")
}
