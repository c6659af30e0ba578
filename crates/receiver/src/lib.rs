//! The laptop's side of the live road: attaches to a deployed stack and runs
//! its invocations in the working copy.
//!
//! [`Account`] is who and where; [`attach`] opens a session and lives until it
//! is told to end; [`detach`] and [`status`] look after what others left.
//! Whatever happens is told as a [`Report`].

mod account;
mod attach;
mod dispatch;
mod error;
mod lifetime;
mod link;
mod manager;
mod parcel;
mod plan;
mod report;
pub mod rights;
mod role;
mod stack;
mod status;
mod surroundings;

pub use account::{Account, Developer};
pub use attach::{attach, open_door};
pub use error::Error;
pub use manager::{Restored, detach};
pub use plan::{AttachPlan, WhenBusy};
pub use report::{
    Attached, CredentialsState, FunctionState, Hops, InvocationOutcome, Report, Reports,
};
pub use stack::{HelperStack, function_names};
pub use status::{FunctionStatus, SessionStatusLine, Status, status};
pub use surroundings::{Keys, Origin, Surroundings, Whereabouts};

use std::sync::Arc;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// How a run is asked to end: gently first, then at once.
#[derive(Clone, Debug, Default)]
pub struct Ending {
    /// Finish what is running, then restore.
    pub gently: CancellationToken,
    /// Answer what is running with an error, and restore.
    pub at_once: CancellationToken,
    /// Told each time: who still waits then, for the restore, need not.
    pub again: Arc<Notify>,
}
