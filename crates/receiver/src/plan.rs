//! What `attach` is asked for.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;
use tether_host::{Debugger, Starter};
use tether_protocol::records::WhenOffline;

/// What to attach to, and how.
#[derive(Clone, Debug)]
pub struct AttachPlan {
    /// The deployed stack.
    pub stack_name: String,
    /// The stack's template on this machine.
    pub template: PathBuf,
    /// Logical ids; empty: all.
    pub functions: Vec<String>,
    /// `LOGICAL_ID=COMMAND`: what starts a function, above what
    /// `tether.toml` says.
    pub commands: Vec<String>,
    /// Functions whose processes the developer starts.
    pub external: External,
    /// Timeout while attached, in seconds; none keeps each function's own.
    pub timeout: Option<u32>,
    /// Take functions over from another live session.
    pub take_over: bool,
    /// A session of this machine whose process is gone: it is ended first.
    pub left_session: Option<String>,
    /// Under a debugger.
    pub debugging: Option<Debugging>,
    /// What answers while the laptop is away.
    pub when_offline: WhenOffline,
    /// So many processes a function at most; none: one for each remote
    /// environment.
    pub concurrency: Option<NonZeroUsize>,
    /// When a local process is busy.
    pub when_busy: WhenBusy,
    /// How often the functions are compared with what they should be.
    pub check_every: Duration,
    /// The age at which a connection gets a successor.
    pub renew_connection_after: Duration,
    /// How often the lease is renewed: [`tether_protocol::constants::KEEP_ALIVE`].
    pub keep_alive: Duration,
}

/// What becomes of an invocation whose local process is busy with another one,
/// at a breakpoint for example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenBusy {
    /// It waits.
    #[default]
    Queue,
    /// The deployed code answers.
    Decline,
}

/// Functions whose processes the developer starts, under an IDE for example.
#[derive(Clone, Debug, Default)]
pub struct External {
    /// All that are attached.
    pub all: bool,
    /// Logical ids.
    pub functions: Vec<String>,
    /// The first function's port, the next one's is one higher; 0 takes free
    /// ones.
    pub first_port: u16,
    /// Where to write the variables that the process needs.
    pub env_file: Option<PathBuf>,
}

impl External {
    /// Whether it is about this function.
    #[must_use]
    pub fn is_about(&self, function: &str) -> bool {
        self.all || self.functions.iter().any(|it| it == function)
    }

    /// The file with the variables of a function: `FILE`, or `FILE.LOGICAL_ID`
    /// where there may be several.
    #[must_use]
    pub fn env_file_of(&self, function: &str) -> Option<PathBuf> {
        let file = self.env_file.as_ref()?;
        if !self.all && self.functions.len() == 1 {
            return Some(file.clone());
        }
        let mut name = file.as_os_str().to_owned();
        name.push(format!(".{function}"));
        Some(name.into())
    }

    /// What serves a function, by its place among all functions of the
    /// template. None: it is started here.
    #[must_use]
    pub fn starter(&self, function: &str, index: usize) -> Option<Starter> {
        let wanted = self.is_about(function);
        let offset = u16::try_from(index).unwrap_or(u16::MAX);
        let port = match self.first_port {
            0 => 0,
            first => first.saturating_add(offset),
        };
        wanted.then(|| Starter::foreign(port))
    }
}

/// How debuggers listen.
#[derive(Clone, Debug, Default)]
pub struct Debugging {
    /// `127.0.0.1`
    pub host: String,
    /// The first function's port, the next one's is one higher; 0 takes free
    /// ones.
    pub first_port: u16,
    /// Each function's code waits for its debugger.
    pub wait: bool,
    /// The editor listens, and the functions connect to it: PyCharm.
    pub editor_listens: bool,
}

impl Debugging {
    /// That of a function by its place among all functions of the template.
    ///
    /// # Errors
    /// When there is no port for it.
    pub fn debugger(&self, index: usize) -> std::io::Result<Debugger> {
        // A free one is taken when it is listened at: one that was found before
        // may be somebody else's by then.
        let port = match self.first_port {
            0 => 0,
            _ => self.port(index)?,
        };
        Ok(Debugger {
            host: self.host.clone(),
            port,
            wait: self.wait,
            editor_listens: self.editor_listens,
        })
    }

    /// The port of a function by its place among all functions of the
    /// template: it stays the same whichever of them are attached.
    ///
    /// # Errors
    /// When no port is free.
    pub fn port(&self, index: usize) -> std::io::Result<u16> {
        if self.first_port > 0 {
            let offset = u16::try_from(index).unwrap_or(u16::MAX);
            return Ok(self.first_port.saturating_add(offset));
        }
        let free = std::net::TcpListener::bind((self.host.as_str(), 0))?;
        Ok(free.local_addr()?.port())
    }
}
