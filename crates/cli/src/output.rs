//! The one printer: colour on a terminal, plain text in a pipe, JSON for
//! programs.

mod debuggers;
mod findings;
mod launcher;
mod local;
mod logs;
mod news;
mod queue;

use crate::background::Told;
use anstyle::{AnsiColor, Style};
use debuggers::debugger_lines;
use launcher::Launcher;
use queue::{Queue, Streams, To};
use serde::Serialize;
use serde_json::{Value, json};
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use tether_receiver::{CredentialsState, FunctionState, Hops, InvocationOutcome, Report};

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const WARN: Style = AnsiColor::Yellow.on_default();
const SOFT: Style = AnsiColor::BrightBlack.on_default();
const NAME: Style = AnsiColor::Cyan.on_default();

/// Where output goes, and in which form.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    form: Form,
    verbose: bool,
}

#[derive(Clone, Debug)]
enum Form {
    /// Lines on stderr.
    People,
    /// Objects on stdout.
    Programs,
    /// Both, to the command that started this process in the background; and
    /// lines into the log.
    Launcher(Arc<Launcher>),
}

impl Output {
    pub(crate) fn new(json: bool, verbose: bool) -> Self {
        let form = if json { Form::Programs } else { Form::People };
        Self { form, verbose }
    }

    /// In the process that `attach --background` starts.
    pub(crate) fn for_launcher(verbose: bool) -> Self {
        let form = Form::Launcher(Arc::default());
        Self { form, verbose }
    }

    /// Everything from now on stands in this log as well.
    pub(crate) fn log_to(&self, log: &Path) {
        if let Form::Launcher(launcher) = &self.form {
            launcher.log_to(log);
        }
    }

    /// What the process in the background says.
    pub(crate) fn relay(&self, told: &Told) {
        self.tell(told.lines.clone(), || told.event.clone());
    }

    fn tell(&self, lines: Vec<String>, event: impl FnOnce() -> Value) {
        match &self.form {
            Form::People => lines.iter().for_each(|it| to_stderr(it)),
            Form::Programs => match event() {
                Value::Null => {}
                event => to_stdout(&event.to_string()),
            },
            Form::Launcher(launcher) => launcher.tell(lines, event()),
        }
    }

    /// Whether people want to see what is only of interest to tether's own.
    pub(crate) fn is_verbose(&self) -> bool {
        self.is_json() || self.verbose
    }

    pub(crate) fn is_json(&self) -> bool {
        matches!(self.form, Form::Programs)
    }

    /// A line for people, on stderr; nothing for programs.
    pub(crate) fn say(&self, text: &str) {
        self.tell(vec![text.to_owned()], || Value::Null);
    }

    /// An object for programs, on stdout; nothing for people.
    pub(crate) fn object(&self, object: &impl Serialize) {
        self.tell(vec![], || json!(object));
    }

    /// A result, on stdout, whatever the form.
    pub(crate) fn result(&self, text: &str) {
        to_stdout(text);
    }

    /// An error, on stderr, and as an object for programs.
    pub(crate) fn error(&self, text: &str) {
        let line = format!("{BAD}error:{BAD:#} {text}");
        if self.is_json() {
            to_stderr(&line);
        }
        self.tell(vec![line], || json!({ "event": "error", "message": text }));
    }

    /// Something to know.
    pub(crate) fn notice(&self, text: &str) {
        self.tell(
            vec![note(text)],
            || json!({ "event": "notice", "message": text }),
        );
    }

    /// Something that happened in a session.
    pub(crate) fn report(&self, report: &Report) {
        if let Report::Log(line) = report {
            return self.log(line);
        }
        let mut lines = lines(report);
        let mut event = json!(report);
        if let (
            Form::Launcher(launcher),
            Report::Ready {
                stack, functions, ..
            },
        ) = (&self.form, report)
        {
            let end = launcher.whereabouts(stack, &mut event);
            lines = vec![ready_line(stack, functions.len(), &end)];
        }
        self.tell(lines, || event);
    }
}

fn lines(report: &Report) -> Vec<String> {
    match report {
        Report::Step { message } => vec![format!("{SOFT}… {message}{SOFT:#}")],
        Report::Note { message } => vec![note(message)],
        Report::Function {
            function,
            state,
            detail,
        } => vec![function_line(function, *state, detail)],
        Report::Warning { function, detail } => vec![warning_line(function, detail)],
        Report::Credentials { state, message, .. } => vec![credentials_line(*state, message)],
        Report::Debugger {
            function,
            kind,
            host,
            port,
            waits,
            editor_listens,
        } => debugger_lines(function, kind, (host, *port), *waits, *editor_listens),
        Report::RuntimeApi {
            function,
            address,
            env_file,
        } => runtime_api_lines(function, address, env_file.as_deref()),
        Report::Ready {
            stack, functions, ..
        } => vec![ready_line(
            stack,
            functions.len(),
            "Ctrl-C detaches and restores",
        )],
        Report::Disconnected { reason } => vec![disconnected_line(reason)],
        Report::Reconnecting {
            attempt,
            seconds,
            reason,
        } => reconnecting_line(*attempt, *seconds, reason),
        Report::Reconnected => vec![note("connected again")],
        Report::Renewed => vec![note(
            "the connection was renewed before API Gateway cuts it",
        )],
        Report::Started {
            function,
            request_id,
        } => vec![started_line(function, request_id)],
        Report::Invocation {
            function,
            outcome,
            detail,
            total_ms,
            hops,
            ..
        } => vec![invocation_line(
            function, *outcome, detail, *total_ms, *hops,
        )],
        Report::Restored { function, detail } => vec![restored_line(function, detail)],
        Report::Detached => vec![detached_line()],
        _ => vec![],
    }
}

fn started_line(function: &str, request_id: &str) -> String {
    format!("▶ {NAME}{function}{NAME:#} {SOFT}{request_id}{SOFT:#}")
}

fn restored_line(function: &str, detail: &str) -> String {
    format!(
        "{GOOD}✓{GOOD:#} {NAME}{function}{NAME:#} restored{}",
        behind(detail)
    )
}

fn detached_line() -> String {
    format!("{GOOD}detached{GOOD:#}: the deployed code answers again")
}

fn runtime_api_lines(function: &str, address: &str, env_file: Option<&Path>) -> Vec<String> {
    let file = match env_file {
        Some(file) => format!("; its variables are in {}", file.display()),
        None => String::new(),
    };
    vec![format!(
        "{GOOD}✓{GOOD:#} {NAME}{function}{NAME:#} waits for the process that you start, with AWS_LAMBDA_RUNTIME_API={address}{file}"
    )]
}

fn ready_line(stack: &str, functions: usize, end: &str) -> String {
    format!("{GOOD}attached{GOOD:#} to {stack}: {functions} function(s) run here now; {end}")
}

fn function_line(function: &str, state: FunctionState, detail: &str) -> String {
    let (style, mark, word) = match state {
        FunctionState::Instrumented => (GOOD, "✓", "instrumented"),
        FunctionState::Skipped => (SOFT, "–", "skipped"),
        FunctionState::NoLocalCode => (SOFT, "–", "no local code"),
        FunctionState::Failed => (BAD, "✗", "failed"),
    };
    format!(
        "{style}{mark}{style:#} {NAME}{function}{NAME:#} {word}{}",
        behind(detail)
    )
}

fn credentials_line(state: CredentialsState, message: &str) -> String {
    match state {
        CredentialsState::Expiring => format!("{WARN}!{WARN:#} {message}"),
        CredentialsState::Expired => format!("{BAD}✗{BAD:#} {message}"),
        _ => note(message),
    }
}

fn warning_line(function: &str, detail: &str) -> String {
    format!("{WARN}!{WARN:#} {NAME}{function}{NAME:#}{}", behind(detail))
}

fn invocation_line(
    function: &str,
    outcome: InvocationOutcome,
    detail: &str,
    total_ms: u64,
    hops: Hops,
) -> String {
    let (style, mark) = match outcome {
        InvocationOutcome::Completed => (GOOD, "✓"),
        InvocationOutcome::Failed => (BAD, "✗"),
        InvocationOutcome::Declined | InvocationOutcome::Dropped => (SOFT, "–"),
    };
    let parts = [
        ("interception", hops.interception_ms),
        ("post", hops.post_ms),
        ("claim", hops.claim_ms),
        ("queue", hops.queue_ms),
        ("handler", hops.handler_ms),
        ("reply", hops.reply_ms),
    ];
    let parts: Vec<String> = parts
        .iter()
        .map(|(name, ms)| format!("{name} {ms}"))
        .collect();
    format!(
        "{style}{mark}{style:#} {NAME}{function}{NAME:#} {total_ms} ms {SOFT}({}, poll ≤{}){SOFT:#}{}",
        parts.join(", "),
        hops.poll_at_most_ms,
        behind(detail)
    )
}

fn disconnected_line(reason: &str) -> String {
    note(&format!(
        "the connection is gone ({reason}): reconnecting; the deployed code answers meanwhile"
    ))
}

/// A line for each try on a terminal, where somebody waits; elsewhere fewer
/// and fewer, so that a night without a network is no flood.
fn reconnecting_line(attempt: u32, seconds: u64, reason: &str) -> Vec<String> {
    if !std::io::stderr().is_terminal() && !attempt.is_power_of_two() {
        return vec![];
    }
    vec![note(&format!(
        "still reconnecting: {attempt} tries in {seconds} s ({reason})"
    ))]
}

fn note(text: &str) -> String {
    format!("{SOFT}note:{SOFT:#} {text}")
}

fn behind(detail: &str) -> String {
    if detail.is_empty() {
        String::new()
    } else {
        format!(": {detail}")
    }
}

pub(crate) fn to_stderr(text: &str) {
    line_to(To::Stderr, text);
}

pub(crate) fn to_stdout(text: &str) {
    line_to(To::Stdout, text);
}

fn line_to(to: To, text: &str) {
    let plain = match to {
        To::Stderr => is_plain(),
        To::Stdout => is_plain_on(&std::io::stdout()),
    };
    let mut line = if plain {
        anstream::adapter::strip_str(text).to_string()
    } else {
        text.to_owned()
    };
    line.push('\n');
    put(to, line.as_bytes());
}

/// Whether there is no colour on stderr. Found out once: it takes a look at the
/// environment and calls of the system, and is asked for each line.
fn is_plain() -> bool {
    static PLAIN: OnceLock<bool> = OnceLock::new();
    *PLAIN.get_or_init(|| is_plain_on(&std::io::stderr()))
}

fn is_plain_on(stream: &impl anstream::stream::RawStream) -> bool {
    anstream::AutoStream::choice(stream) == anstream::ColorChoice::Never
}

/// Everything goes through it where functions run. Where there are none, nobody
/// has to be kept from waiting.
static QUEUE: OnceLock<Queue> = OnceLock::new();

fn put(to: To, bytes: &[u8]) {
    match QUEUE.get() {
        Some(queue) => queue.put(to, bytes, missing(to)),
        None => Process.write(to, bytes),
    }
}

/// See [`Queue::put_when_there_is_room`].
fn put_patiently(to: To, bytes: &[u8]) {
    queue().put_when_there_is_room(to, bytes, missing(to));
}

/// Words that some lines are missing.
fn missing(to: To) -> impl Fn(u64) -> Vec<u8> {
    move |lines| {
        let text = format!("{lines} lines of output are missing here: nobody read them in time");
        match to {
            To::Stderr => format!("{}\n", note(&text)).into_bytes(),
            To::Stdout => {
                let event = json!({ "event": "notice", "message": text });
                format!("{event}\n").into_bytes()
            }
        }
    }
}

/// Whether functions' lines are taken at once now.
fn has_room() -> bool {
    queue().has_room()
}

fn queue() -> &'static Queue {
    QUEUE.get_or_init(|| Queue::new(Process))
}

/// Waits until everything is written, if somebody reads it.
pub(crate) fn flush() {
    if let Some(queue) = QUEUE.get() {
        queue.flush();
    }
}

/// This process's own streams.
struct Process;

impl Streams for Process {
    fn write(&mut self, to: To, bytes: &[u8]) {
        // Nobody may be there to read it. What has no colours, has none left; the
        // bytes of functions are theirs.
        let _ = match to {
            To::Stderr if is_plain() => std::io::stderr().write_all(bytes),
            To::Stderr => anstream::stderr().write_all(bytes),
            To::Stdout => {
                let mut out = std::io::stdout().lock();
                out.write_all(bytes).and_then(|()| out.flush())
            }
        };
    }
}
