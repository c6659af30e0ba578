//! What `tether local` is asked for.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use tether_emulator::Place;
use tether_project::{Debugging, External};

/// What to serve, and how.
pub struct Plan {
    /// The template.
    pub template: PathBuf,
    /// What its stack is called; names of its resources begin with it.
    pub stack_name: String,
    /// Where it is taken to be deployed.
    pub place: Place,
    /// Values for its parameters.
    pub parameters: BTreeMap<String, String>,
    /// Values for functions' variables, as `sam` takes them.
    pub env_vars: Option<PathBuf>,
    /// The first API's port, the next one's is one higher; 0 takes free ones.
    pub first_port: u16,
    /// The port for SDKs; 0 takes a free one.
    pub endpoint_port: u16,
    /// `LOGICAL_ID=COMMAND`: what starts a function, above what `tether.toml`
    /// says.
    pub commands: Vec<String>,
    /// Functions whose processes the developer starts.
    pub external: External,
    /// Under a debugger.
    pub debugging: Option<Debugging>,
    /// So many processes a function at most.
    pub concurrency: Option<NonZeroUsize>,
    /// What functions are told besides: `AWS_PROFILE`, for example.
    pub variables: BTreeMap<String, String>,
}
