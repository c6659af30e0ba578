//! What was typed.

mod editor;
mod external;
mod generate_event;
mod helper;
mod invoke;
mod local;
mod logging;
mod running;
mod sam;
mod websockets;

use clap::{Args, Parser, Subcommand, ValueEnum};
pub(crate) use editor::{Editor, LaunchJson};
pub(crate) use external::External;
pub(crate) use generate_event::{EventValues, GenerateEvent};
pub(crate) use helper::{Architecture, Install, Uninstall, Whereabouts};
pub(crate) use invoke::Invoke;
pub(crate) use local::Local;
pub(crate) use logging::Logging;
pub(crate) use running::Running;
pub(crate) use sam::{SamCommand, explain};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;
pub(crate) use websockets::WebSockets;

/// Debug deployed Lambda functions on your own machine.
#[derive(Debug, Parser)]
#[command(name = "tether", version, max_term_width = 100)]
pub(crate) struct Cli {
    /// One JSON object a line on stdout, for programs.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Show the causes behind an error, and what the helper Lambdas print.
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// Whether this is the process that `attach --background` starts.
    pub(crate) fn is_daemon(&self) -> bool {
        matches!(&self.command, Command::Attach(attach) if attach.daemon)
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Put tether's helper stack into an account, once for all its developers.
    #[command(
        after_help = "Examples:\n  tether install\n  tether install --profile dev --region eu-west-1 --tag team=platform\n  tether install --yes --json   (no questions, for programs)"
    )]
    Install(Install),
    /// Bring the helper stack to this release.
    #[command(after_help = "Example:\n  tether upgrade")]
    Upgrade(Install),
    /// Detach everything, and remove the helper stack.
    #[command(after_help = "Example:\n  tether uninstall")]
    Uninstall(Uninstall),
    /// Debug a deployed stack: its invocations run in your working copy.
    #[command(
        after_help = "Examples:\n  tether attach --stack-name shop\n  tether attach --stack-name shop --function Checkout --debug\n  tether attach --stack-name shop --background\n  tether attach --stack-name app --endpoint-url http://127.0.0.1:3100   (the emulator)"
    )]
    Attach(Attach),
    /// End this machine's attach, and restore whatever is still instrumented.
    #[command(after_help = "Example:\n  tether detach --stack-name shop")]
    Detach(Detach),
    /// Show sessions and instrumented functions.
    #[command(after_help = "Examples:\n  tether status\n  tether status --stack-name shop --json")]
    Status(Status),
    /// Look at everything that attach needs, and say what is missing.
    #[command(
        after_help = "Examples:\n  tether doctor\n  tether doctor --stack-name shop\n  tether doctor --stack-name shop --function Checkout --json"
    )]
    Doctor(Doctor),
    /// The cloud on the desk: deploys templates, the helper stack among them.
    #[command(
        after_help = "Example:\n  tether emulator --deploy app=examples/hello-python/template.yaml"
    )]
    Emulator(Emulator),
    /// Serve a template's working copy: its APIs, its functions, its tables.
    #[command(
        after_help = "Examples:\n  tether local\n  tether local --template app/template.yaml --port 3000\n  tether local --debug\n  aws lambda invoke --endpoint-url http://127.0.0.1:3100 --function-name HelloFunction out.json"
    )]
    Local(Box<Local>),
    /// Run one invocation, in the working copy or deployed.
    #[command(
        after_help = "Examples:\n  tether invoke HelloFunction --event event.json\n  echo '{}' | tether invoke HelloFunction\n  tether invoke HelloFunction --env-vars env.json --parameter-overrides Stage=test\n  tether invoke HelloFunction --event event.json --debug\n  tether invoke HelloFunction --remote --stack-name shop --event event.json\n  tether invoke HelloFunction --generate-event s3 put --bucket photos --key cat.jpg\n  tether invoke --generate-event   (lists them; with SERVICE EVENT it prints one)"
    )]
    Invoke(Invoke),
    /// An example of an event that AWS sends: `tether invoke --generate-event`, as sam has it.
    #[command(hide = true)]
    GenerateEvent(GenerateEvent),
    /// Write debugger entries for VS Code or JetBrains' IDEs; what is there stays.
    #[command(
        after_help = "Examples:\n  tether launch-json --stack-name shop\n  tether launch-json --event event.json   (F5 runs a function once, without a cloud)\n  tether launch-json --editor jetbrains --stack-name shop"
    )]
    LaunchJson(LaunchJson),
    /// Print a Runtime API client, to start a Python or Node function yourself.
    #[command(
        after_help = "Example, with `tether invoke Hello --external` in another terminal, in the code's folder:\n  tether client python > /tmp/lambda.py\n  AWS_LAMBDA_RUNTIME_API=127.0.0.1:9001 python /tmp/lambda.py app.handler"
    )]
    Client {
        /// For which language.
        language: ClientLanguage,
    },
    /// Print a completion script.
    #[command(
        after_help = "Example:\n  tether completions bash > ~/.local/share/bash-completion/completions/tether"
    )]
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ClientLanguage {
    /// `python FILE.py HANDLER`
    Python,
    /// `node FILE.mjs HANDLER`
    Node,
}

/// Where AWS is, and as whom.
#[derive(Debug, Args)]
pub(crate) struct Aws {
    /// AWS region; otherwise from the environment or the profile.
    #[arg(long)]
    pub(crate) region: Option<String>,
    /// AWS profile.
    #[arg(long)]
    pub(crate) profile: Option<String>,
    /// Another endpoint than AWS's: the emulator's.
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint_url: Option<String>,
    /// Name of tether's helper stack.
    #[arg(long, default_value = "tether", value_name = "NAME")]
    pub(crate) helper_stack_name: String,
}

#[derive(Debug, Args)]
pub(crate) struct Attach {
    /// The deployed stack.
    #[arg(long, value_name = "STACK")]
    pub(crate) stack_name: String,
    /// Only this function, by its logical id; repeatable.
    #[arg(long, value_name = "LOGICAL_ID")]
    pub(crate) function: Vec<String>,
    /// The stack's template on this machine.
    #[arg(long, default_value = "template.yaml", value_name = "FILE")]
    pub(crate) template: PathBuf,
    /// Timeout of the functions while attached, in seconds.
    #[arg(long, default_value_t = 900, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=900))]
    pub(crate) timeout: u32,
    /// Keep each function's own timeout.
    #[arg(long, conflicts_with = "timeout")]
    pub(crate) keep_timeout: bool,
    /// Take functions over from another session that lives.
    #[arg(long)]
    pub(crate) take_over: bool,
    #[command(flatten)]
    pub(crate) running: Running,
    /// Local processes of a function at most, be there more environments of it:
    /// those share them then, and invocations wait for one that is free, or not
    /// (see --when-busy). Without it each environment has its own, and under
    /// --debug there is one.
    #[arg(long, value_name = "N", conflicts_with = "debugs")]
    pub(crate) concurrency: Option<NonZeroUsize>,
    #[command(flatten)]
    pub(crate) logging: Logging,
    /// What answers while this machine cannot be reached, until the lease of 90
    /// seconds is over.
    #[arg(long, value_enum, default_value_t = WhenOffline::Passthrough)]
    pub(crate) when_offline: WhenOffline,
    /// What becomes of an invocation whose local process is busy, at a
    /// breakpoint for example.
    #[arg(long, value_enum, default_value_t = WhenBusy::Queue)]
    pub(crate) when_busy: WhenBusy,
    /// Return as soon as it serves; `tether status` shows it, and `tether
    /// detach` ends it.
    #[arg(long)]
    pub(crate) background: bool,
    /// How `--background` starts itself.
    #[arg(long, hide = true, conflicts_with = "background")]
    pub(crate) daemon: bool,
    /// Look this often whether a deploy has changed the functions, instead of
    /// every 15 seconds.
    #[arg(long, hide = true, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) check_every: Option<Duration>,
    /// Renew the connection at this age, instead of shortly before API Gateway
    /// cuts it.
    #[arg(long, hide = true, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) renew_connection_after: Option<Duration>,
    /// Renew the lease so often, and give a connection up that does not answer
    /// by the next time.
    #[arg(long, hide = true, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) keep_alive: Option<Duration>,
    #[command(flatten)]
    pub(crate) aws: Aws,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum WhenOffline {
    /// The deployed code.
    Passthrough,
    /// A Lambda error: the deployed code shall not run while somebody is attached.
    Fail,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum WhenBusy {
    /// It waits for the process.
    Queue,
    /// The deployed code answers it.
    Decline,
}

#[derive(Debug, Args)]
pub(crate) struct Detach {
    /// The deployed stack.
    #[arg(long, value_name = "STACK")]
    pub(crate) stack_name: String,
    #[command(flatten)]
    pub(crate) aws: Aws,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Only this stack.
    #[arg(long, value_name = "STACK")]
    pub(crate) stack_name: Option<String>,
    #[command(flatten)]
    pub(crate) aws: Aws,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Look at the functions of this deployed stack, too.
    #[arg(long, value_name = "STACK")]
    pub(crate) stack_name: Option<String>,
    /// Only this function, by its logical id; repeatable.
    #[arg(long, value_name = "LOGICAL_ID")]
    pub(crate) function: Vec<String>,
    /// The stack's template on this machine.
    #[arg(long, default_value = "template.yaml", value_name = "FILE")]
    pub(crate) template: PathBuf,
    /// The first function's debugger port, as for `attach`.
    #[arg(long, default_value_t = 5678, value_name = "PORT")]
    pub(crate) debug_port: u16,
    #[command(flatten)]
    pub(crate) aws: Aws,
}

#[derive(Debug, Args)]
pub(crate) struct Emulator {
    /// Deploy a template as a stack; repeatable.
    #[arg(long, value_name = "STACK=TEMPLATE", value_parser = stack_and_template)]
    pub(crate) deploy: Vec<(String, PathBuf)>,
    /// Port for SDKs (AWS_ENDPOINT_URL); 0 takes a free one.
    #[arg(long, default_value_t = 3100, value_name = "PORT")]
    pub(crate) endpoint_port: u16,
    /// The region it plays.
    #[arg(long, default_value = "us-east-1")]
    pub(crate) region: String,
    /// The partition it plays, aws-cn for example; otherwise the region's.
    #[arg(long, value_name = "NAME")]
    pub(crate) partition: Option<String>,
    /// Do not deploy tether's helper stack.
    #[arg(long)]
    pub(crate) no_helper_stack: bool,
    /// Try an asynchronous invocation that failed again after these pauses,
    /// instead of after 60 and 120 seconds.
    #[arg(long, value_name = "A,B", value_parser = two_pauses)]
    pub(crate) async_retry_seconds: Option<[Duration; 2]>,
    /// End an execution environment that is idle for this long, instead of
    /// after 10 minutes.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) reap_after: Option<Duration>,
    /// End the credentials of an assumed role after this, instead of after an
    /// hour.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) role_session: Option<Duration>,
    #[command(flatten)]
    pub(crate) websockets: WebSockets,
    /// Play a WAN: one way between the laptop and the cloud takes this long.
    /// It delays each WebSocket message, and twice each AWS call that no
    /// deployed function makes. Only Invoke is exempt, unless its caller has
    /// assumed a role: whoever calls the app is no part of what is measured.
    #[arg(long, value_name = "MS", value_parser = milliseconds)]
    pub(crate) latency: Option<Duration>,
    /// An AWS call inside the region takes this long: one that a deployed
    /// function makes, under its own role or one that it has assumed.
    #[arg(long, value_name = "MS", value_parser = milliseconds)]
    pub(crate) aws_latency: Option<Duration>,
    /// Serve so many calls to Lambda's control plane in a second, and refuse
    /// more with 429; AWS serves 15. Invoke and GetFunction do not count.
    #[arg(long, value_name = "N")]
    pub(crate) control_plane_rate: Option<NonZeroU32>,
    /// Keep every request in a new file, one JSON object a line, to compare it
    /// with AWS's models. It holds payloads and environment variables, and at
    /// most 16 MB.
    #[arg(long, value_name = "FILE")]
    pub(crate) record_requests: Option<PathBuf>,
    /// Let everybody do everything. Otherwise each call of a deployed function, an
    /// assumed role or a user of this cloud needs a policy that allows it.
    #[arg(long)]
    pub(crate) no_iam: bool,
    /// Name of tether's helper stack.
    #[arg(long, default_value = "tether", value_name = "NAME")]
    pub(crate) helper_stack_name: String,
}

fn stack_and_template(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((stack, template)) if !stack.is_empty() && !template.is_empty() => {
            Ok((stack.to_owned(), PathBuf::from(template)))
        }
        _ => Err("write it as STACK=TEMPLATE, for example app=template.yaml".to_owned()),
    }
}

/// Nothing here takes longer; much more than this is no point in time any more.
const A_YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

fn duration(seconds: f64) -> Result<Duration, String> {
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if duration <= A_YEAR => Ok(duration),
        _ if seconds < 0.0 => Err("it must not be less than 0".to_owned()),
        _ => Err("it must not be longer than a year".to_owned()),
    }
}

fn number(text: &str) -> Result<f64, String> {
    let number = text.trim().parse().ok();
    let number = number.filter(|it: &f64| !it.is_nan());
    number.ok_or_else(|| "write a number".to_owned())
}

fn seconds(text: &str) -> Result<Duration, String> {
    match number(text)? {
        seconds if seconds > 0.0 => duration(seconds),
        _ => Err("it must be more than 0".to_owned()),
    }
}

fn two_pauses(text: &str) -> Result<[Duration; 2], String> {
    let Some((first, second)) = text.split_once(',') else {
        return Err("write it as two numbers, for example 1,2".to_owned());
    };
    let pause = |text: &str| duration(number(text)?);
    Ok([pause(first)?, pause(second)?])
}

fn milliseconds(text: &str) -> Result<Duration, String> {
    duration(number(text)? / 1000.0)
}
