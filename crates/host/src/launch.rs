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
const OF_THE_DEVELOPER: [&str; 30] = [
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
    "https_proxy",
    "http_proxy",
    "no_proxy",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_EC2_METADATA_DISABLED",
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

/// A process with its children: they may outlive it.
#[derive(Debug)]
pub(crate) struct Group(#[cfg(unix)] Option<rustix::process::Pid>);

#[cfg(unix)]
impl Group {
    pub(crate) fn of(child: &Child) -> Self {
        let pid = child.id().and_then(|id| i32::try_from(id).ok());
        Self(pid.and_then(rustix::process::Pid::from_raw))
    }

    /// Ends all of it at once, the first time it is called.
    pub(crate) fn kill(&mut self) {
        if let Some(pid) = self.0.take() {
            // It may have ended by itself.
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
    }
}

#[cfg(not(unix))]
impl Group {
    pub(crate) fn of(_: &Child) -> Self {
        Self()
    }

    /// `kill_on_drop` ends the process itself; its children are not known here.
    pub(crate) fn kill(&mut self) {}
}
