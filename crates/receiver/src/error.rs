//! What can go wrong, for people.

use std::path::PathBuf;
use tether_host::StartError;
use tether_project::ProjectError;
use tether_relay::ConnectError;
use tether_store::StoreError;

/// One line: what, why, what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nobody to be.
    #[error(
        "no AWS credentials ({0}): set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, pass --profile, or log in with `aws sso login`"
    )]
    NoCredentials(String),
    /// A login that is over.
    #[error(
        "the SSO session of profile {0} has ended, or there was none: run `aws sso login --profile {0}`"
    )]
    SsoEnded(String),
    /// Somebody would have to be asked.
    #[error(
        "profile {0} wants an MFA code (mfa_serial), which tether cannot ask for: run `eval \"$(aws configure export-credentials --profile {0} --format env)\"`, and tether without --profile"
    )]
    Mfa(String),
    /// They were good once.
    #[error("the AWS credentials of {source_of_keys} have expired: {remedy}")]
    Expired {
        /// Whose.
        source_of_keys: String,
        /// What to do.
        remedy: String,
    },
    /// The developer role.
    #[error("the role {role} cannot be assumed: you need sts:AssumeRole on it: {words}")]
    NotAssumed {
        /// Which.
        role: String,
        /// AWS's words.
        words: String,
    },
    /// Proxies and certificates.
    #[error(transparent)]
    Road(#[from] tether_aws::RoadError),
    /// Nowhere to be.
    #[error("no AWS region: pass --region, or set AWS_REGION or the profile's region")]
    NoRegion,
    /// An endpoint of one's own that is not there.
    #[error(
        "nothing answers at {url} ({reason}): start `tether emulator`, or correct AWS_ENDPOINT_URL or --endpoint-url"
    )]
    NoEndpoint {
        /// Where.
        url: String,
        /// Why.
        reason: String,
    },
    /// No such stack.
    #[error("there is no stack {name} in {region}: check --stack-name, --region and --profile")]
    NoStack {
        /// Which.
        name: String,
        /// Where.
        region: String,
    },
    /// Not installed.
    #[error(
        "there is no helper stack {name} in {region}: `tether install` makes one; or name yours with --helper-stack-name"
    )]
    NoHelperStack {
        /// Which.
        name: String,
        /// Where.
        region: String,
    },
    /// Half installed.
    #[error(
        "the helper stack {stack} has no output {output}: it is incomplete or of another version; `tether upgrade` makes it whole"
    )]
    NoOutput {
        /// Which.
        stack: String,
        /// What is missing.
        output: &'static str,
    },
    /// We are old.
    #[error(
        "the helper stack {stack} speaks protocol {theirs}, and this tether {ours}: install a newer release of tether"
    )]
    HelperNewer {
        /// Which.
        stack: String,
        /// Its version.
        theirs: u32,
        /// Ours.
        ours: u32,
    },
    /// It is old.
    #[error(
        "the helper stack {stack} speaks protocol {theirs}, and this tether {ours}: run `tether upgrade --stack-name {stack}`"
    )]
    HelperOlder {
        /// Which.
        stack: String,
        /// Its version.
        theirs: u32,
        /// Ours.
        ours: u32,
    },
    /// AWS said no.
    #[error("{what}: {failure}")]
    Aws {
        /// What was tried, and what to do.
        what: String,
        /// AWS's words.
        failure: tether_aws::Failure,
    },
    /// A table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The WebSocket.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// A function's process.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The template.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// The variables for a process that the developer starts.
    #[error("{path} cannot be written ({reason}): choose another file with --env-file")]
    NoEnvFile {
        /// Where.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// `--function` names none.
    #[error("the stack {stack} has no function {function}: it has {known}")]
    NoFunction {
        /// Which stack.
        stack: String,
        /// Which function.
        function: String,
        /// What there is.
        known: String,
    },
    /// Nothing left to attach to.
    #[error(
        "no function of {stack} has local code: the reasons stand above; correct --template, which is {template}"
    )]
    NothingToAttach {
        /// Which stack.
        stack: String,
        /// Which template.
        template: PathBuf,
    },
    /// None was instrumented.
    #[error("no function of {stack} could be instrumented: the reasons stand above")]
    NothingInstrumented {
        /// Which stack.
        stack: String,
    },
    /// The session is over.
    #[error("the session has ended: {0}")]
    SessionEnded(String),
    /// The helper stack does not answer.
    #[error("the helper stack does not answer: {0}")]
    HelperSilent(String),
    /// Its own roles may not do what they must.
    #[error("the helper stack cannot serve: {0}")]
    HelperLacks(String),
    /// Somebody did not wait for the restore.
    #[error(
        "the restore was not waited for: it may go on, and the sweeper does it once the lease is over; to be sure, run `tether detach --stack-name {stack}`"
    )]
    RestoreGivenUp {
        /// Which stack.
        stack: String,
    },
    /// A function could not be restored.
    #[error(
        "{0} function(s) could not be restored: the reasons stand above; run `tether detach` again"
    )]
    NotRestored(usize),
}

/// Reads an SDK error.
pub(crate) fn aws<E>(what: impl Into<String>) -> impl FnOnce(SdkError<E>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    move |error| Error::Aws {
        what: what.into(),
        failure: tether_aws::classify(&error),
    }
}

pub(crate) use aws_sdk_lambda::error::ProvideErrorMetadata;
pub(crate) type SdkError<E> =
    aws_sdk_lambda::error::SdkError<E, aws_sdk_lambda::config::http::HttpResponse>;
