//! Debuggers of machine code: gdb, LLDB, and whatever speaks to gdbserver
//! (<https://sourceware.org/gdb/current/onlinedocs/gdb.html/Server.html>).
//!
//! A process runs without one until an editor connects: then gdbserver attaches
//! to it, and speaks to the editor by its own input and output. A process that
//! waits for its debugger is started by gdbserver instead, before its first
//! instruction.

use crate::starter::{StartCommand, StartError};
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::process::{Child, Command};

/// What there is to say of a machine that has none.
pub(crate) const MISSING: &str = "gdbserver is not on the PATH: install it (`apt install gdbserver`, `dnf install gdb-gdbserver`)";

/// gdbserver, if it is on the PATH.
pub(crate) fn server() -> Option<PathBuf> {
    on_path("gdbserver")
}

/// A program by its name, as a shell finds it.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let candidates = std::env::split_paths(&path).map(|folder| folder.join(name));
    candidates.into_iter().find(|candidate| candidate.is_file())
}

/// Whether the system forbids to attach to a process that is not a child of the
/// debugger, and what to do about it
/// (<https://docs.kernel.org/admin-guide/LSM/Yama.html>).
pub(crate) fn forbidden() -> Option<String> {
    let scope = std::fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").ok()?;
    forbidden_by(scope.trim(), may_trace_any())
}

/// Whether a process can be held until its debugger is there.
///
/// # Errors
/// By the given function, with what to do.
pub(crate) fn check_waiting(none: impl Fn(&str) -> StartError) -> Result<(), StartError> {
    match server() {
        Some(_) => Ok(()),
        None => Err(none(&format!("--wait needs gdbserver, and {MISSING}"))),
    }
}

/// For people, at the start of a process that runs without a debugger.
pub(super) fn how_to_attach(process: u32) -> String {
    let by = match server() {
        Some(_) => "at the port above".to_owned(),
        None => format!("by that id ({MISSING}, and they find it at the port above)"),
    };
    match forbidden() {
        Some(reason) => format!("process {process}: {reason}"),
        None => format!("process {process}: debuggers attach to it {by}"),
    }
}

fn forbidden_by(scope: &str, may_trace_any: bool) -> Option<String> {
    match scope {
        "1" if !may_trace_any => Some(
            "this system lets no debugger attach to a running process (kernel.yama.ptrace_scope is 1): `sudo sysctl kernel.yama.ptrace_scope=0` lets it, or use --wait, where the debugger starts the process".to_owned(),
        ),
        "2" if !may_trace_any => Some(
            "this system lets only root debug processes (kernel.yama.ptrace_scope is 2): `sudo sysctl kernel.yama.ptrace_scope=0` lets others".to_owned(),
        ),
        "3" => Some(
            "this system lets nobody debug processes until it is started again (kernel.yama.ptrace_scope is 3)".to_owned(),
        ),
        _ => None,
    }
}

/// `CAP_SYS_PTRACE` is bit 19 (<https://man7.org/linux/man-pages/man7/capabilities.7.html>).
fn may_trace_any() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = status.lines().find_map(|it| it.strip_prefix("CapEff:"));
    let capabilities = field.and_then(|it| u64::from_str_radix(it.trim(), 16).ok());
    capabilities.is_some_and(|it| it >> 19 & 1 == 1)
}

/// The process stands in front of its first instruction until a debugger lets
/// it go on.
pub(crate) fn started_by(server: PathBuf, command: StartCommand) -> StartCommand {
    let mut arguments = vec!["--no-startup-with-shell".into(), "127.0.0.1:0".into()];
    arguments.push(command.program.into_os_string());
    arguments.extend(command.arguments);
    StartCommand {
        program: server,
        arguments,
        ..command
    }
}

/// gdbserver at a running process, with the editor's words as its input.
pub(super) fn attach(process: u32) -> std::io::Result<Child> {
    let server = server().ok_or_else(|| std::io::Error::other(MISSING))?;
    let process = process.to_string();
    Command::new(server)
        .args([
            OsStr::new("--once"),
            "--attach".as_ref(),
            "stdio".as_ref(),
            process.as_ref(),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
}

/// What gdbserver says of itself when nothing is wrong.
pub(super) fn is_usual(line: &str) -> bool {
    const USUAL: [&str; 5] = [
        "Attached; pid = ",
        "Remote debugging using stdio",
        "Detaching from process ",
        "Detaching process(es): ",
        "Remote side has terminated connection.",
    ];
    line.trim().is_empty() || USUAL.iter().any(|it| line.starts_with(it))
}

/// Ends a process that its debugger started: gdbserver gives it a group of its
/// own, and lets it go on when its editor has let it go.
pub(super) fn end(process: Option<u32>) {
    #[cfg(unix)]
    if let Some(pid) = process.and_then(|it| i32::try_from(it).ok())
        && let Some(pid) = rustix::process::Pid::from_raw(pid)
    {
        // It may have ended by itself.
        let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
    }
    #[cfg(not(unix))]
    let _ = process;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_that_forbids_to_attach_is_said_with_what_to_do() {
        for scope in ["1", "2"] {
            assert!(forbidden_by(scope, false).is_some_and(|it| it.contains("sysctl")));
            assert_eq!(forbidden_by(scope, true), None);
        }
        assert_eq!(forbidden_by("0", false), None);
        assert!(forbidden_by("3", true).is_some());
    }

    #[test]
    fn a_process_that_waits_is_started_by_the_server() {
        let command = StartCommand {
            program: "/code/hello".into(),
            arguments: vec!["--fast".into()],
            ..StartCommand::default()
        };
        let command = started_by("/usr/bin/gdbserver".into(), command);
        assert_eq!(command.program, PathBuf::from("/usr/bin/gdbserver"));
        let words = [
            "--no-startup-with-shell",
            "127.0.0.1:0",
            "/code/hello",
            "--fast",
        ];
        assert_eq!(command.arguments, words);
    }
}
