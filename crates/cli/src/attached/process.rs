//! Another process: when it was started, and how it is asked to end.

use crate::ending::Asked;

/// When a process was started, in words of this machine; none: it is gone.
#[cfg(target_os = "linux")]
pub(super) fn started(pid: u32) -> Option<String> {
    // proc_pid_stat(5): the 22nd field, counted behind the name in brackets,
    // which may hold anything.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    let ended = matches!(fields.next()?, "Z" | "X");
    (!ended).then(|| fields.nth(18).map(str::to_owned))?
}

/// When a process was started, in words of this machine; none: it is gone.
#[cfg(all(unix, not(target_os = "linux")))]
pub(super) fn started(pid: u32) -> Option<String> {
    let mut command = std::process::Command::new("ps");
    command.args(["-o", "lstart=", "-p", &pid.to_string()]);
    // The same words whoever asks, from whichever terminal.
    command.env("LC_ALL", "C").env("TZ", "UTC");
    let said = command.output().ok()?.stdout;
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    (!said.is_empty()).then_some(said)
}

/// Not known here: no process is ever taken for another one.
#[cfg(not(unix))]
pub(super) fn started(_: u32) -> Option<String> {
    None
}

/// Asks it to end.
#[cfg(unix)]
pub(crate) fn ask(pid: u32, asked: Asked) {
    use rustix::process::{Pid, Signal, kill_process};
    let signal = match asked {
        Asked::Gently => Signal::TERM,
        Asked::Again => Signal::INT,
    };
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // It may have ended meanwhile.
        let _ = kill_process(pid, signal);
        // One that was stopped by Ctrl-Z does not hear it otherwise.
        let _ = kill_process(pid, Signal::CONT);
    }
}

#[cfg(not(unix))]
pub(crate) fn ask(_: u32, _: Asked) {}
