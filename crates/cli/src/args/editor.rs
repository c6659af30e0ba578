//! What `tether launch-json` is asked for.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct LaunchJson {
    /// The template.
    #[arg(long, default_value = "template.yaml", value_name = "FILE")]
    pub(crate) template: PathBuf,
    /// The first function's debugger port, as for `attach`.
    #[arg(long, default_value_t = 5678, value_name = "PORT")]
    pub(crate) debug_port: u16,
    /// Whose files to write.
    #[arg(long, value_enum, default_value_t = Editor::Vscode)]
    pub(crate) editor: Editor,
    /// The deployed stack that the entry which starts tether attaches to;
    /// otherwise VS Code asks for it each time.
    #[arg(long, value_name = "STACK")]
    pub(crate) stack_name: Option<String>,
    /// Also write an entry for each function that invokes it here with this
    /// event, under its debugger.
    #[arg(long, value_name = "FILE")]
    pub(crate) event: Option<PathBuf>,
    /// VS Code's file to merge into; tasks.json is the one beside it.
    #[arg(long, default_value = ".vscode/launch.json", value_name = "FILE")]
    pub(crate) output: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Editor {
    /// .vscode/launch.json and .vscode/tasks.json
    Vscode,
    /// .idea/runConfigurations
    Jetbrains,
}
