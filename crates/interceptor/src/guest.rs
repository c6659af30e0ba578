//! The original command: what the runtime would have started without us.

use crate::settings;
use std::collections::BTreeMap;
use std::process::ExitStatus;
use tether_protocol::config::WRAPPER;
use tether_runtime_api::environment::RUNTIME_API;
use tokio::process::{Child, Command};

/// The original command with its environment.
#[derive(Clone)]
pub struct Guest {
    program: String,
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
}

impl Guest {
    /// `command` is what stood behind our name in the arguments. None: there
    /// was nothing.
    #[must_use]
    pub fn new(command: Vec<String>, variables: &BTreeMap<String, String>) -> Option<Self> {
        let environment = settings::guests(variables);
        // The user's own wrapper comes first, as it would without us.
        let mut words = environment.get(WRAPPER).cloned().into_iter().chain(command);
        Some(Self {
            program: words.next()?,
            arguments: words.collect(),
            environment,
        })
    }

    /// Becomes the command. Returns only if that fails.
    #[cfg(unix)]
    pub fn exec(&self) -> std::io::Error {
        use std::os::unix::process::CommandExt as _;
        std::process::Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            .envs(&self.environment)
            .exec()
    }

    /// Starts the command behind a Runtime API of ours. Its output and other
    /// descriptors are inherited, untouched.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn spawn(&self, runtime_api: &str) -> std::io::Result<Child> {
        Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            .envs(&self.environment)
            .env(RUNTIME_API, runtime_api)
            .kill_on_drop(true)
            .spawn()
    }
}

/// Passes a signal on.
#[cfg(unix)]
pub(crate) fn signal(child: &Child, signal: rustix::process::Signal) {
    let pid = child.id().and_then(|id| i32::try_from(id).ok());
    if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) {
        // It may have ended meanwhile.
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// Ends as the child ended: Lambda reports the exit code or the signal.
#[cfg(unix)]
pub(crate) fn end_as(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    let number = status.signal();
    if let Some(signal) = number.and_then(rustix::process::Signal::from_named_raw) {
        let _ = rustix::process::kill_process(rustix::process::getpid(), signal);
    }
    status
        .code()
        .unwrap_or_else(|| number.unwrap_or(1).saturating_add(128))
}
