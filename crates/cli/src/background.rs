//! `attach --background`: the command starts itself again, without a terminal,
//! and returns when that one serves.
//!
//! Until then the new process tells on its stdout what there is to say, a line
//! of JSON each: for people and for programs, and the command prints the one
//! or the other.

use crate::attached;
use crate::ending::Signals;
use crate::exit::TETHER_FAILED;
use crate::output::Output;
use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

/// Something the new process says.
#[derive(Serialize, Deserialize)]
pub(crate) struct Told {
    /// For people.
    pub(crate) lines: Vec<String>,
    /// For programs; null: nothing.
    pub(crate) event: Value,
    /// Where it is written down as well, once there is a log.
    #[serde(default)]
    pub(crate) log: Option<PathBuf>,
}

/// Starts it, and returns when it serves or has ended.
pub(crate) async fn launch(output: &Output) -> Result<ExitCode> {
    if cfg!(not(unix)) {
        anyhow::bail!("--background needs Linux or macOS: leave it out");
    }
    let program = std::env::current_exe().context("tether does not find itself")?;
    let typed = std::env::args_os().skip(1);
    let mut child = Command::new(program)
        .args(typed.filter(|it| it != "--background"))
        .arg("--daemon")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("tether cannot be started in the background")?;
    let said = child.stdout.take().context("it has no stdout")?;
    let mut said = BufReader::new(said).lines();
    let mut signals = Signals::listen();
    let (mut failed, mut log) = (false, None);
    loop {
        let line = tokio::select! {
            line = said.next_line() => line,
            asked = signals.next() => {
                if let Some(pid) = child.id() {
                    attached::ask(pid, asked);
                }
                continue;
            }
        };
        let Ok(Some(line)) = line else {
            break;
        };
        let Ok(told) = serde_json::from_str::<Told>(&line) else {
            continue;
        };
        output.relay(&told);
        log = told.log.or(log);
        failed |= told.event["event"] == "error";
        if told.event["event"] == "ready" {
            return Ok(ExitCode::SUCCESS);
        }
    }
    let status = child.wait().await?;
    if status.success() {
        output.error("the background process was asked to end before it served: nothing is attached; start it again");
    } else if !failed {
        output.error(&format!(
            "the background process ended before it served ({status}): {}",
            last_words(log.as_deref())
        ));
    }
    let code = status.code().and_then(|it| u8::try_from(it).ok());
    let code = code.filter(|it| *it != 0);
    Ok(ExitCode::from(code.unwrap_or(TETHER_FAILED)))
}

/// What a process says that ends by a bug, or is killed.
fn last_words(log: Option<&Path>) -> String {
    let text = log.and_then(|log| std::fs::read_to_string(log).ok());
    let last = text.as_deref().and_then(|it| it.lines().last());
    match (log, last) {
        (Some(log), Some(last)) => format!("{last} (its log is {})", log.display()),
        _ => "try without --background".to_owned(),
    }
}

static LEFT_TERMINAL: AtomicBool = AtomicBool::new(false);

/// Whether this is the new process.
#[cfg(unix)]
pub(crate) fn has_left_terminal() -> bool {
    LEFT_TERMINAL.load(Ordering::Relaxed)
}

/// In the new process: no terminal's end is its own any more.
pub(crate) fn leave_terminal() -> Result<()> {
    LEFT_TERMINAL.store(true, Ordering::Relaxed);
    #[cfg(unix)]
    {
        // It fails for the leader of a process group, which has no terminal to
        // lose or was started by hand.
        let _ = rustix::process::setsid();
        let mut hangup = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?;
        // Lives as long as the process; the signal has no other effect then.
        tokio::spawn(async move { while hangup.recv().await.is_some() {} });
    }
    Ok(())
}

/// From now on panics, and whatever libraries print, go to the log.
#[cfg(unix)]
pub(crate) fn stderr_to(log: &std::fs::File) -> Result<()> {
    Ok(rustix::stdio::dup2_stderr(log)?)
}

#[cfg(not(unix))]
pub(crate) fn stderr_to(_: &std::fs::File) -> Result<()> {
    Ok(())
}

/// The command that started this one has heard enough.
pub(crate) fn close_stdout() {
    #[cfg(unix)]
    if let Ok(nowhere) = std::fs::File::options().write(true).open("/dev/null") {
        let _ = rustix::stdio::dup2_stdout(&nowhere);
    }
}
