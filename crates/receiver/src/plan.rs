//! What `attach` is asked for.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;
use tether_project::{Debugging, External};
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
