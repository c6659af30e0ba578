//! Flags of every command that runs functions here.

use clap::Args;

/// How functions run on this machine.
#[derive(Debug, Args)]
pub(crate) struct Running {
    /// Start each function under its debugger, on a port that stays the same.
    #[arg(long)]
    pub(crate) debug: bool,
    /// The first function's debugger port, the next one's is one higher; 0
    /// takes free ones.
    #[arg(long, default_value_t = 5678, value_name = "PORT", requires = "debug")]
    pub(crate) debug_port: u16,
}
