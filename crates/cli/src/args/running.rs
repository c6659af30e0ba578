//! Flags of every command that runs functions here.

use super::External;
use clap::{Args, ValueEnum};
use tether_project::Debugging;

/// What starts functions on this machine.
#[derive(Debug, Args)]
pub(crate) struct Commands {
    /// Start a function by a command of your own, for the shell, in the folder
    /// of its code. It speaks the Lambda Runtime API at AWS_LAMBDA_RUNTIME_API.
    /// Repeatable; `tether.toml`, beside the template, is the place for what
    /// stays: `[functions.LOGICAL_ID]` with `command`, `build`, `debugger`,
    /// `watch`, `ignore`, `environment`, `inherit`.
    #[arg(long, value_name = "LOGICAL_ID=COMMAND")]
    pub(crate) command: Vec<String>,
}

/// How functions run on this machine.
#[derive(Debug, Args)]
pub(crate) struct Running {
    #[command(flatten)]
    pub(crate) commands: Commands,
    #[command(flatten)]
    pub(crate) external: External,
    /// Start each function under its debugger, on a port that stays the same;
    /// with `=pycharm`, PyCharm's debug server listens there, and Python
    /// functions connect to it.
    #[arg(
        long,
        value_enum,
        value_name = "pycharm",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "listen",
        hide_possible_values = true
    )]
    pub(crate) debug: Option<Debug>,
    /// The first function's debugger port, the next one's is one higher; 0
    /// takes free ones.
    #[arg(long, default_value_t = 5678, value_name = "PORT", requires = "debug")]
    pub(crate) debug_port: u16,
    /// Hold each function's code at its first line until a debugger is there.
    /// An invocation's time goes on meanwhile.
    #[arg(long, requires = "debug")]
    pub(crate) wait: bool,
}

/// Who listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Debug {
    /// The debugger, and the editor connects to it.
    Listen,
    /// PyCharm's debug server.
    Pycharm,
}

impl Running {
    /// What `--debug` asks for.
    pub(crate) fn debugging(&self) -> Option<Debugging> {
        let debug = self.debug?;
        Some(Debugging {
            host: "127.0.0.1".to_owned(),
            first_port: self.debug_port,
            wait: self.wait,
            editor_listens: debug == Debug::Pycharm,
        })
    }
}
