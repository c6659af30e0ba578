//! The one printer: colour on a terminal, plain text in a pipe, JSON for
//! programs.

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use serde_json::json;
use std::io::Write as _;
use tether_receiver::{FunctionState, Hops, InvocationOutcome, Report};

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const SOFT: Style = AnsiColor::BrightBlack.on_default();
const NAME: Style = AnsiColor::Cyan.on_default();

/// Where output goes, and in which form.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    json: bool,
    verbose: bool,
}

impl Output {
    pub(crate) fn new(json: bool, verbose: bool) -> Self {
        Self { json, verbose }
    }

    /// Whether people want to see what is only of interest to tether's own.
    pub(crate) fn is_verbose(&self) -> bool {
        self.json || self.verbose
    }

    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// A line for people, on stderr; nothing for programs.
    pub(crate) fn say(&self, text: &str) {
        if !self.json {
            to_stderr(text);
        }
    }

    /// An object for programs, on stdout; nothing for people.
    pub(crate) fn object(&self, object: &impl Serialize) {
        if self.json {
            to_stdout(&serde_json::to_string(object).unwrap_or_default());
        }
    }

    /// A result, on stdout, whatever the form.
    pub(crate) fn result(&self, text: &str) {
        to_stdout(text);
    }

    /// An error, on stderr, and as an object for programs.
    pub(crate) fn error(&self, text: &str) {
        to_stderr(&format!("{BAD}error:{BAD:#} {text}"));
        self.object(&json!({ "event": "error", "message": text }));
    }

    /// A function's line of output.
    pub(crate) fn log(&self, function: &str, line: &str) {
        self.say(&format!("{NAME}[{function}]{NAME:#} {line}"));
        self.object(&json!({ "event": "log", "function": function, "line": line }));
    }

    /// Something to know.
    pub(crate) fn notice(&self, text: &str) {
        self.say(&format!("{SOFT}note:{SOFT:#} {text}"));
        self.object(&json!({ "event": "notice", "message": text }));
    }

    /// Something that happened in a session.
    pub(crate) fn report(&self, report: &Report) {
        self.object(report);
        if !self.json {
            for line in lines(report) {
                to_stderr(&line);
            }
        }
    }
}

fn lines(report: &Report) -> Vec<String> {
    match report {
        Report::Step { message } => vec![format!("{SOFT}… {message}{SOFT:#}")],
        Report::Note { message } => vec![format!("{SOFT}note:{SOFT:#} {message}")],
        Report::Function {
            function,
            state,
            detail,
        } => vec![function_line(function, *state, detail)],
        Report::Debugger {
            function,
            kind,
            host,
            port,
        } => debugger_lines(function, kind, host, *port),
        Report::Ready {
            stack, functions, ..
        } => vec![format!(
            "{GOOD}attached{GOOD:#} to {stack}: {} function(s) run here now; Ctrl-C detaches and restores",
            functions.len()
        )],
        Report::Log { function, line } => vec![format!("{NAME}[{function}]{NAME:#} {line}")],
        Report::Started {
            function,
            request_id,
        } => vec![format!(
            "▶ {NAME}{function}{NAME:#} {SOFT}{request_id}{SOFT:#}"
        )],
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
        Report::Restored { function, detail } => {
            vec![format!(
                "{GOOD}✓{GOOD:#} {NAME}{function}{NAME:#} restored{}",
                behind(detail)
            )]
        }
        Report::Detached => vec![format!(
            "{GOOD}detached{GOOD:#}: the deployed code answers again"
        )],
        _ => vec![],
    }
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

fn debugger_lines(function: &str, kind: &str, host: &str, port: u16) -> Vec<String> {
    let entry = crate::launch_json::Entry {
        function: function.to_owned(),
        kind: crate::launch_json::DebuggerKind::Debugpy,
        host: host.to_owned(),
        port,
        local_root: "${workspaceFolder}".to_owned(),
    };
    vec![
        format!(
            "{GOOD}✓{GOOD:#} {NAME}{function}{NAME:#} {kind} listens on {host}:{port}; VS Code's entry (`tether launch-json` writes it):"
        ),
        format!("  {}", entry.to_value()),
    ]
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
        ("carry", hops.carry_ms),
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
        "{style}{mark}{style:#} {NAME}{function}{NAME:#} {total_ms} ms {SOFT}({}){SOFT:#}{}",
        parts.join(", "),
        behind(detail)
    )
}

fn behind(detail: &str) -> String {
    if detail.is_empty() {
        String::new()
    } else {
        format!(": {detail}")
    }
}

fn to_stderr(text: &str) {
    // Nobody may be there to read it.
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

fn to_stdout(text: &str) {
    let mut out = anstream::stdout().lock();
    let _ = writeln!(out, "{text}");
    let _ = out.flush();
}
