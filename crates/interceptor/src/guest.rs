//! The original command: what the runtime would have started without us.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::ExitStatus;
use tether_protocol::config::{Attachment, CONFIG, CONNECTION, SESSION, WRAPPER};
use tether_runtime_api::environment::RUNTIME_API;
use tokio::process::{Child, Command};

/// The original command. It inherits our environment without what tether put
/// there: it is as if tether were not there.
#[derive(Clone, Debug)]
pub struct Guest {
    program: OsString,
    arguments: Vec<OsString>,
    /// The user's own wrapper.
    wrapper: Option<String>,
}

impl Guest {
    /// `command` is what stood behind our name in the arguments. None: there
    /// was nothing.
    #[must_use]
    pub fn new(command: Vec<OsString>, variables: &BTreeMap<String, String>) -> Option<Self> {
        let attachment = Attachment::read(|name| variables.get(name).cloned());
        let wrapper = attachment.ok().and_then(|it| it.config.wrapper);
        if command.is_empty() {
            return None;
        }
        // The user's own wrapper comes first, as it would without us.
        let first = wrapper.clone().map(OsString::from);
        let mut words = first.into_iter().chain(command);
        Some(Self {
            program: words.next()?,
            arguments: words.collect(),
            wrapper,
        })
    }

    fn command(&self) -> std::process::Command {
        let mut command = std::process::Command::new(&self.program);
        command.args(&self.arguments);
        for name in [WRAPPER, SESSION, CONNECTION, CONFIG] {
            command.env_remove(name);
        }
        if let Some(wrapper) = &self.wrapper {
            command.env(WRAPPER, wrapper);
        }
        command
    }

    /// Becomes the command. Returns only if that fails.
    #[cfg(unix)]
    pub fn exec(&self) -> std::io::Error {
        use std::os::unix::process::CommandExt as _;
        self.command().exec()
    }

    /// Starts the command behind a Runtime API of ours. Its output and other
    /// descriptors are inherited, untouched.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn spawn(&self, runtime_api: &str) -> std::io::Result<Child> {
        let mut command = self.command();
        command.env(RUNTIME_API, runtime_api);
        Command::from(command).kill_on_drop(true).spawn()
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
    if let Some(code) = status.code() {
        return code;
    }
    let number = status.signal().unwrap_or(1);
    die_of(number);
    number.saturating_add(128)
}

/// Dies of a signal, whoever listens to it here: tokio to SIGTERM, Rust's own
/// start to SIGSEGV and SIGBUS, and SIGPIPE is ignored. Returns if it is one
/// that nobody dies of.
#[cfg(unix)]
#[expect(
    unsafe_code,
    reason = "there is no safe way back to a signal's own action"
)]
fn die_of(number: i32) {
    // SAFETY: the action that is set is no function of ours, and nothing else
    // is to be done with this signal: this process is about to end.
    unsafe {
        libc::signal(number, libc::SIG_DFL);
        libc::raise(number);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn the_guest_sees_its_own_wrapper_and_nothing_of_ours() {
        let config = r#"{"r":"role","x":"x","s":"S","d":"D","u":"http://u","t":3,"w":"/opt/own"}"#;
        let variables = [
            (WRAPPER, "/opt/tether-bootstrap"),
            (SESSION, "s"),
            (CONNECTION, "c"),
            (CONFIG, config),
        ];
        let variables = variables.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let guest = Guest::new(vec!["python".into(), "bootstrap.py".into()], &variables).unwrap();
        let command = guest.command();
        assert_eq!(command.get_program(), "/opt/own");
        let arguments: Vec<_> = command.get_args().collect();
        assert_eq!(arguments, ["python", "bootstrap.py"]);
        let changed: BTreeMap<_, _> = command.get_envs().collect();
        assert_eq!(
            changed
                .get(std::ffi::OsStr::new(WRAPPER))
                .copied()
                .flatten(),
            Some("/opt/own".as_ref())
        );
        assert_eq!(changed.get(std::ffi::OsStr::new(CONFIG)), Some(&None));
        assert!(Guest::new(vec![], &variables).is_none());
    }
}
