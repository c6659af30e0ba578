//! Flags of every command that runs functions here.

use super::External;
use clap::{Args, ValueEnum};
use tether_project::Debugging;

/// debugpy's own, which editors know.
const FIRST_PORT: u16 = 5678;

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
#[command(group(clap::ArgGroup::new("debugs").args(["debug", "debug_port"]).multiple(true)))]
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
    /// The first function's debugger port (5678), the next one's is one higher; 0
    /// takes free ones. Alone, it means --debug as well, as it does for sam.
    #[arg(long, short = 'd', value_name = "PORT")]
    pub(crate) debug_port: Option<u16>,
    /// Hold each function's code at its first line until a debugger is there.
    /// An invocation's time goes on meanwhile.
    #[arg(long, requires = "debugs")]
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
        self.debugging_at(None)
    }

    /// The same, where a file may say a port.
    pub(crate) fn debugging_at(&self, of_file: Option<u16>) -> Option<Debugging> {
        let port = self.debug_port.or(of_file);
        let alone = port.map(|_| Debug::Listen);
        let debug = self.debug.or(alone)?;
        Some(Debugging {
            host: "127.0.0.1".to_owned(),
            first_port: port.unwrap_or(FIRST_PORT),
            wait: self.wait,
            editor_listens: debug == Debug::Pycharm,
        })
    }
}
