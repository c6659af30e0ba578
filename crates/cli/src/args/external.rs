//! Functions whose processes the developer starts.

use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct External {
    /// Start no process: the one that you start yourself, in your IDE for
    /// example, connects to the Runtime API that is printed, and is served one
    /// invocation after the other. It may end and come back. (`tether client`
    /// prints a client for Python or Node.)
    #[arg(
        long,
        value_name = "LOGICAL_ID",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = ""
    )]
    pub(crate) external: Vec<String>,
    /// The port of the first function's Runtime API, the next one's is one
    /// higher; 0 takes free ones.
    #[arg(
        long,
        default_value_t = 9001,
        value_name = "PORT",
        requires = "external"
    )]
    pub(crate) external_port: u16,
    /// Write the variables that the process needs into this file, for your
    /// IDE's run configuration; FILE.LOGICAL_ID for each function that `attach
    /// --external` is about, unless one was named. The function's own values are
    /// among them.
    #[arg(long, value_name = "FILE", requires = "external")]
    pub(crate) env_file: Option<PathBuf>,
}

impl External {
    /// What was asked for; a plain `--external` is about all functions at hand.
    pub(crate) fn wishes(&self) -> tether_project::External {
        let (all, named): (Vec<_>, Vec<_>) = self.external.iter().partition(|it| it.is_empty());
        tether_project::External {
            all: !all.is_empty(),
            functions: named.into_iter().cloned().collect(),
            first_port: self.external_port,
            env_file: self.env_file.clone(),
        }
    }
}
