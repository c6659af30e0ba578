//! What `tether local` is asked for.

use super::sam::{SamCommand, SamHabits};
use super::{Logging, Running, WebSockets};
use clap::Args;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Local {
    /// What `sam local` would be asked for.
    #[arg(hide = true, value_enum)]
    pub(crate) habit: Option<SamCommand>,
    /// The template, or CDK's cdk.out; otherwise template.yaml, template.yml or
    /// template.json here, or what samconfig.toml says.
    #[arg(long, short, alias = "template-file", value_name = "FILE")]
    pub(crate) template: Option<PathBuf>,
    /// The first API's port (3000), the next one's is one higher; 0 takes free
    /// ones.
    #[arg(long, short, value_name = "PORT")]
    pub(crate) port: Option<u16>,
    /// The port for SDKs: Lambda, DynamoDB, CloudFormation; 0 takes a free one.
    #[arg(long, default_value_t = 3100, value_name = "PORT")]
    pub(crate) endpoint_port: u16,
    /// Where APIs listen, for clients on other machines; SDKs' endpoint stays on
    /// this one.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) host: Option<IpAddr>,
    /// Serve all HTTP routes of all APIs on one port, without stages in their
    /// paths, as sam does.
    #[arg(long)]
    pub(crate) one_port: bool,
    /// What the stack is called (local): names of its resources begin with it.
    /// Where the template is CDK's cdk.out, which of its stacks is meant.
    #[arg(long, value_name = "NAME")]
    pub(crate) stack_name: Option<String>,
    /// What other stacks export, for Fn::ImportValue: names and values, in JSON
    /// or YAML.
    #[arg(long, value_name = "FILE")]
    pub(crate) import_values: Option<PathBuf>,
    /// Values for the template's parameters; sam's
    /// `ParameterKey=Name,ParameterValue=value` does as well.
    #[arg(long, value_name = "NAME=VALUE", num_args = 1..)]
    pub(crate) parameter_overrides: Vec<String>,
    /// Values for environment variables, as sam takes them: JSON, by logical id,
    /// or under `Parameters` for all functions.
    #[arg(long, short = 'n', value_name = "FILE")]
    pub(crate) env_vars: Option<PathBuf>,
    /// sam's configuration; otherwise samconfig.toml, .yaml or .yml beside the
    /// template.
    #[arg(long, value_name = "FILE")]
    pub(crate) config_file: Option<PathBuf>,
    /// Which environment of it.
    #[arg(long, value_name = "NAME")]
    pub(crate) config_env: Option<String>,
    /// Let everybody in, whatever authorizers and resource policies would say,
    /// without a signature: to REST, HTTP and WebSocket APIs and function URLs.
    /// API keys are asked for still, but for those that an authorizer would give.
    #[arg(long)]
    pub(crate) disable_authorizer: bool,
    /// Verify tokens of JWT and Cognito authorizers by this key, a PEM or a JWKS,
    /// instead of by their issuers' own.
    #[arg(long, value_name = "FILE")]
    pub(crate) jwt_key: Option<PathBuf>,
    /// Let tokens in that nobody has signed.
    #[arg(long)]
    pub(crate) accept_unsigned_tokens: bool,
    /// Verify signatures of AWS_IAM routes by these secrets: a JSON object,
    /// access key to secret key. Otherwise every signature is believed.
    #[arg(long, value_name = "FILE")]
    pub(crate) access_keys: Option<PathBuf>,
    /// Run schedules: rate, cron and at.
    #[arg(long)]
    pub(crate) schedules: bool,
    /// Keep the tables' items in this folder from one run to the next.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Use AWS's tables, with your credentials, in the place of local ones.
    #[arg(long, conflicts_with = "data_dir")]
    pub(crate) aws_tables: bool,
    /// Fail where the template asks for something that does not work here.
    #[arg(long)]
    pub(crate) strict: bool,
    #[command(flatten)]
    pub(crate) running: Running,
    /// Local processes of a function at most; without it each request that
    /// comes while all are busy gets one of its own.
    #[arg(long, value_name = "N", conflicts_with = "debugs")]
    pub(crate) concurrency: Option<NonZeroUsize>,
    #[command(flatten)]
    pub(crate) websockets: WebSockets,
    #[command(flatten)]
    pub(crate) logging: Logging,
    /// The region that functions think they are in; otherwise the
    /// environment's, or us-east-1.
    #[arg(long)]
    pub(crate) region: Option<String>,
    /// The AWS profile of functions' calls to what is not here.
    #[arg(long)]
    pub(crate) profile: Option<String>,
    #[command(flatten)]
    pub(crate) habits: SamHabits,
}
