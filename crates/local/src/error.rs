//! Why a template is not served.

use tether_emulator::{DeployError, StartError};
use tether_project::ProjectError;

/// One line, or one for each thing that is wrong with a template.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The template, `tether.toml`, the file of `--env-vars`.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// The endpoint.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The template's resources.
    #[error(transparent)]
    Deploy(#[from] DeployError),
    /// What does not work here, with `--strict`.
    #[error("{}\nthe template asks for {} thing(s) that do not work here: leave out --strict to serve the rest", .0.join("\n"), .0.len())]
    Strict(Vec<String>),
    /// What starts functions; their debuggers.
    #[error(transparent)]
    Function(#[from] tether_host::StartError),
    /// Temporary files.
    #[error("there is no temporary folder ({0}): make room, or set TMPDIR to another one")]
    NoFolder(std::io::Error),
    /// `--env-file`
    #[error("the variables of {function} cannot be written to {path}: {reason}")]
    NoEnvFile {
        /// Whose.
        function: String,
        /// Where.
        path: std::path::PathBuf,
        /// Why.
        reason: std::io::Error,
    },
}
