//! What `tether invoke` is asked for.

use super::{Aws, EventValues, Logging, Running};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Invoke {
    /// The function, by its logical id or its name; a template's only one need
    /// not be named.
    pub(crate) function: Option<String>,
    /// The event, JSON; - reads it from stdin. Otherwise it is what is piped
    /// in, or {}.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) event: Option<String>,
    /// The event is {}, whatever is piped in.
    #[arg(long, conflicts_with = "event")]
    pub(crate) no_event: bool,
    /// The event is an example of one that AWS sends, made of --set and of the flags
    /// that `sam local generate-event` has. Without a function it is printed; without
    /// an event's name, what there is.
    #[arg(long, value_names = ["SERVICE", "EVENT"], num_args = 0..=2, conflicts_with_all = ["event", "no_event"])]
    pub(crate) generate_event: Option<Vec<String>>,
    #[command(flatten)]
    pub(crate) event_values: EventValues,
    /// What the caller says of itself, JSON: the handler's
    /// `context.client_context`.
    #[arg(long, value_name = "JSON")]
    pub(crate) client_context: Option<String>,
    /// Invoke the deployed function.
    #[arg(
        long,
        conflicts_with_all = ["env_vars", "parameter_overrides", "timeout", "debugs"]
    )]
    pub(crate) remote: bool,
    /// The deployed stack, to find the function by its logical id.
    #[arg(long, requires = "remote", value_name = "STACK")]
    pub(crate) stack_name: Option<String>,
    /// The template, for a local run.
    #[arg(
        long,
        short,
        alias = "template-file",
        default_value = "template.yaml",
        value_name = "FILE"
    )]
    pub(crate) template: PathBuf,
    /// Values for environment variables, as sam takes them: JSON, by logical id,
    /// or under `Parameters` for all functions. In the template, what refers to
    /// another resource has its logical id here, or `LogicalId.Attribute`.
    #[arg(long, short = 'n', value_name = "FILE")]
    pub(crate) env_vars: Option<PathBuf>,
    /// Values for the template's parameters; sam's
    /// `ParameterKey=Name,ParameterValue=value` does as well.
    #[arg(long, value_name = "NAME=VALUE", num_args = 1..)]
    pub(crate) parameter_overrides: Vec<String>,
    /// The time that the function has, instead of the template's Timeout; 900
    /// under a debugger.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=900))]
    pub(crate) timeout: Option<u32>,
    #[command(flatten)]
    pub(crate) running: Running,
    #[command(flatten)]
    pub(crate) logging: Logging,
    #[command(flatten)]
    pub(crate) aws: Aws,
}
