//! Which process to start.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use tether_protocol::Environment;
use tether_runtime_api::environment::RUNTIME_API;
use tokio::process::{Child, Command};

/// A process to be: nothing of our own environment gets into it.
#[derive(Clone, Debug)]
pub struct Launch {
    /// What its lines of output are marked with.
    pub label: Arc<str>,
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// All of its environment but the address of the Runtime API.
    pub environment: Environment,
    /// Its folder.
    pub directory: PathBuf,
}

impl Launch {
    /// Starts the process, in a process group of its own.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn spawn(&self, runtime_api: &str) -> std::io::Result<Child> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .envs(self.environment.expose())
            .env(RUNTIME_API, runtime_api)
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        command.spawn()
    }
}

/// What a process gets of the developer's own environment: enough to be found
/// and to find its temporary files, and the credentials that it runs with.
/// Everything else is the function's business.
const OF_THE_DEVELOPER: [&str; 24] = [
    "PATH",
    "HOME",
    "USERPROFILE",
    "SYSTEMROOT",
    "TMPDIR",
    "TEMP",
    "TMP",
    "LANG",
    "LC_ALL",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "AWS_CA_BUNDLE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_PROFILE",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_ENDPOINT_URL",
    "VIRTUAL_ENV",
];

/// The developer's part of a local process's environment.
#[must_use]
pub fn developers_part() -> BTreeMap<String, String> {
    OF_THE_DEVELOPER
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)))
        .collect()
}

/// Ends a process and its children at once.
#[cfg(unix)]
pub(crate) fn kill_group(child: &Child) {
    let pid = child.id().and_then(|id| i32::try_from(id).ok());
    if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) {
        // It may have ended by itself.
        let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
    }
}

/// Ends a process at once.
#[cfg(not(unix))]
pub(crate) fn kill_group(_: &Child) {
    // `kill_on_drop` ends the process itself; its children are not known here.
}
