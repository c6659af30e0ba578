//! Which process to start.

use crate::clients;
use crate::guard::Group;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use tether_protocol::Environment;
use tether_runtime_api::environment::RUNTIME_API;
use tokio::process::{Child, Command};

/// Tells a client of ours that its stdin is a lifeline; it removes the variable.
const LIFELINE: &str = "TETHER_LIFELINE";

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
    /// Starts the process in this group.
    ///
    /// Where groups have no guard, a client of ours gets a pipe as its stdin, a
    /// lifeline: it ends when nobody has the other end any more, though it stands
    /// at a breakpoint and this process was killed. It takes the pipe away before
    /// the handler's code runs, which reads from nothing, as on Lambda.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn spawn(&self, runtime_api: &str, group: &Group) -> std::io::Result<Child> {
        // Elsewhere the group's guard does it, for every process: a client that
        // kills its group would kill the guard before what has left the group.
        let lifeline = cfg!(not(unix)) && self.is_own_client();
        let stdin = if lifeline {
            Stdio::piped()
        } else {
            Stdio::null()
        };
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .envs(self.environment.expose())
            .env(RUNTIME_API, runtime_api)
            .current_dir(&self.directory)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        group.take_in(&mut command);
        if lifeline {
            command.env(LIFELINE, "stdin");
        }
        command.spawn()
    }

    /// Whether an interpreter runs our client, by itself: behind a wrapper, the
    /// first argument is the interpreter.
    fn is_own_client(&self) -> bool {
        let is_client = |it: &OsString| Path::new(it).file_name().is_some_and(clients::is_one);
        let is_option = |it: &OsString| it.as_encoded_bytes().starts_with(b"-");
        let mut arguments = self.arguments.iter();
        let direct = self.arguments.first();
        direct.is_some_and(|it| is_client(it) || is_option(it)) && arguments.any(is_client)
    }
}

/// What a process gets of the developer's own environment: enough to be found
/// and to find its temporary files, and the credentials that it runs with.
/// Everything else is the function's business.
const OF_THE_DEVELOPER: [&str; 28] = [
    "PATH",
    "HOME",
    "USERPROFILE",
    "SYSTEMROOT",
    "TMPDIR",
    "TEMP",
    "TMP",
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
pub(crate) fn developers_part() -> BTreeMap<String, String> {
    OF_THE_DEVELOPER
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)))
        .collect()
}
