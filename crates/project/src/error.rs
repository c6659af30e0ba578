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
    /// A word of `--parameter-overrides` that is no pair.
    #[error(
        "{0:?} in --parameter-overrides gives no parameter a value: write Name=value, or ParameterKey=Name,ParameterValue=value"
    )]
    Override(String),
    /// The file of `--env-vars`.
    #[error(
        "{path} cannot be taken for --env-vars ({reason}): it looks like {{\"LogicalId\": {{\"NAME\": \"value\"}}}}"
    )]
    EnvVars {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// CDK's output, or a folder that is none.
    #[error(
        "{path} cannot be taken for CDK's output ({reason}): pass a template, or a folder that cdk synth has written, and choose one of its stacks with --stack-name"
    )]
    CloudAssembly {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The file of `--import-values`.
    #[error(
        "{path} cannot be taken for --import-values ({reason}): it looks like {{\"export-name\": \"value\"}}, in JSON or YAML"
    )]
    ImportValues {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file of SAM's settings, or one that it names.
    #[error("{path} cannot be read ({reason}): {what}")]
    SamConfig {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
        /// What to do.
        what: &'static str,
    },
    /// `--command` is nobody's.
    #[error("{0}")]
    Command(String),
}
