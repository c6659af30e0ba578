//! What can be wrong with a project, for people.

use std::path::PathBuf;

/// One line: what, why, what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectError {
    /// The template cannot be read.
    #[error("{path} cannot be read ({reason}): pass the stack's template with --template")]
    NoTemplate {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The template's problems, one a line.
    #[error("{0}")]
    Template(#[from] tether_sam::Problems),
}
