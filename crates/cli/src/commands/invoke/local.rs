//! An invocation of the working copy.

use super::answer::{About, Printer};
use super::{Outcome, world};
use crate::args::Invoke;
use crate::output::Output;
use anyhow::{Context as _, Result, anyhow, bail};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tether_host::{Clients, DebuggerKind, Ended, Function, RunState, Starter, WorkingCopy};
use tether_project::{EnvVars, LocalCode, Wishes, WorkingCopies, parameter_overrides};
use tether_protocol::{Environment, Secret};
use tether_receiver::{Report, open_door};
use tether_runtime_api::Invocation;
use tether_sam::did_you_mean;

/// The only execution environment.
const ONLY: &str = "local";

/// The time that there is for looking around.
const UNDER_A_DEBUGGER: u32 = 900;

pub(super) async fn invoke(
    typed: &Invoke,
    event: Bytes,
    client_context: Option<String>,
    output: &Output,
) -> Result<Outcome> {
    let place = world::place(typed);
    let inline = tempfile::Builder::new().prefix("tether-inline-").tempdir();
    let inline = inline.context("there is no temporary folder: make room, or set TMPDIR")?;
    let wishes = Wishes {
        parameters: parameter_overrides(&typed.parameter_overrides)?,
        inline_into: Some(inline.path().to_path_buf()),
        ..Wishes::default()
    };
    let mut copies = tether_project::load_as(&typed.template, &place, &wishes)?;
    let Some(wanted) = wanted(typed, &copies)? else {
        return Ok(Outcome::Refused(which(&copies)));
    };
    copies.let_commands_win(&typed.running.commands.command, Some(&wanted))?;
    let (index, mut code) = find(&copies, &wanted)?;
    code.source.debugged = typed.running.debugging().is_some();
    set_variables(typed, &copies, &mut code, output)?;
    let function = function(typed, index, &code, output).await?;
    let variables = Secret::new(world::variables(typed, &code, &place));
    let seconds = time(typed, &code);
    let begin = || world::invocation(&code, &place, seconds, client_context.clone());
    let mut printer = Printer::new(output);
    let (ended, about) = match started(typed, &function, &variables, output).await? {
        Some(failed) => (failed, about(&code, &begin(), None)),
        // Its time begins now.
        None => {
            let invocation = begin();
            let mut about = about(&code, &invocation, None);
            let ran = run(&function, &variables, invocation, event, &mut printer).await;
            about.duration = Some(ran.handler);
            (ran.ended, about)
        }
    };
    function.stop().await;
    let request_id = about.request_id.clone().unwrap_or_default();
    let settled = ended.settle(&request_id, f64::from(seconds));
    Ok(printer.ends(settled, &about).await)
}

async fn run(
    function: &Function,
    variables: &Environment,
    invocation: Invocation,
    event: Bytes,
    printer: &mut Printer,
) -> tether_host::Ran {
    let state = RunState::new();
    let mut stream = state.stream();
    let print = async {
        while let Some(part) = stream.next().await {
            printer.take(part).await;
        }
    };
    let run = function.run(None, ONLY, variables, invocation, event, &state);
    tokio::join!(run, print).0
}

fn about(code: &LocalCode, invocation: &Invocation, duration: Option<Duration>) -> About {
    About {
        function: code.source.name.clone(),
        request_id: Some(invocation.request_id.clone()),
        duration,
        memory_mb: Some(code.memory_mb),
    }
}

/// The name that was typed, or that of the only function.
fn wanted(typed: &Invoke, copies: &WorkingCopies) -> Result<Option<String>> {
    match (&typed.function, copies.functions.as_slice()) {
        (Some(name), _) => Ok(Some(name.clone())),
        (None, [(only, _)]) => Ok(Some(only.clone())),
        (None, []) => bail!(
            "{} has no function: pass another one with --template",
            copies.template.display()
        ),
        (None, _) => Ok(None),
    }
}

fn which(copies: &WorkingCopies) -> String {
    format!(
        "which function? {} has {}",
        copies.template.display(),
        names(copies).join(", ")
    )
}

fn names(copies: &WorkingCopies) -> Vec<&str> {
    copies.functions.iter().map(|(id, _)| id.as_str()).collect()
}

/// By its logical id, or by its name; with its place in the template.
fn find(copies: &WorkingCopies, wanted: &str) -> Result<(usize, LocalCode)> {
    let by_name = || {
        let mut places = copies.functions.iter().enumerate();
        places.find_map(|(index, (_, found))| {
            let named = found.as_ref().ok()?.function_name.as_deref() == Some(wanted);
            named.then_some((index, found))
        })
    };
    match copies.find(wanted).or_else(by_name) {
        Some((index, Ok(code))) => Ok((index, code.clone())),
        Some((_, Err(reason))) => bail!("{wanted} cannot be run here: {reason}"),
        None => {
            let names = names(copies);
            let hint = did_you_mean(wanted, names.iter().copied());
            bail!(
                "{} has no function {wanted}: it has {}.{hint}",
                copies.template.display(),
                names.join(", ")
            )
        }
    }
}

/// Those of `--env-vars` above the template's.
fn set_variables(
    typed: &Invoke,
    copies: &WorkingCopies,
    code: &mut LocalCode,
    output: &Output,
) -> Result<()> {
    let Some(file) = &typed.env_vars else {
        return Ok(());
    };
    let given = EnvVars::read(file)?;
    let functions = copies.functions.iter();
    let called = functions.filter_map(|(_, it)| it.as_ref().ok()?.function_name.as_deref());
    let known: Vec<&str> = names(copies).into_iter().chain(called).collect();
    let mut notes = given.unknown(&known);
    let name = code.function_name.as_deref();
    notes.extend(given.apply(&code.source.name, name, &mut code.environment));
    notes.iter().for_each(|it| output.notice(it));
    Ok(())
}

async fn function(
    typed: &Invoke,
    index: usize,
    code: &LocalCode,
    output: &Output,
) -> Result<Function> {
    let starter = match typed
        .running
        .external
        .wishes()
        .starter(&code.source.name, index)
    {
        Some(starter) => starter,
        None => Starter::find(&code.source, &Arc::new(Clients::write()?))?,
    };
    tell(code, &starter, output).await?;
    let debugging = typed.running.debugging();
    let debugger = debugging.map(|it| it.debugger(index)).transpose();
    let debugger = debugger.map_err(|error| anyhow!("there is no port for a debugger: {error}"))?;
    if let Some(debugger) = &debugger {
        starter.check_debugger(debugger).await?;
    }
    let copy = WorkingCopy {
        name: code.source.name.clone(),
        code: code.source.code.clone(),
        handler: code.source.handler.clone(),
        starter,
        debugger,
    };
    Ok(Function::new(copy, output.log_sink()))
}

/// What a developer should know before it runs here.
async fn tell(code: &LocalCode, starter: &Starter, output: &Output) -> Result<()> {
    let (function, runtime) = (&code.source.name, &code.source.runtime);
    let runs_on = starter.check().await?;
    if !runs_on.as_meant {
        let what = &runs_on.what;
        output.notice(&format!(
            "{function} is meant for {runtime} and runs here on {what}"
        ));
    }
    for note in code.notes.iter().chain(&starter.notes()) {
        output.notice(&format!("{function}: {note}"));
    }
    Ok(())
}

/// Some: it could not start, and this is why.
async fn started(
    typed: &Invoke,
    function: &Function,
    variables: &Environment,
    output: &Output,
) -> Result<Option<Ended>> {
    let external = typed.running.external.wishes();
    if external.is_about(&function.copy().name) {
        let report = open_door(function, variables, external.env_file.as_deref());
        output.report(&report.await?);
    } else if function.copy().debugger.is_some() {
        let failed = function.prepare(variables).await?;
        if failed.is_some() {
            return Ok(failed);
        }
        if let Some(debugger) = function.debugger() {
            output.report(&Report::Debugger {
                function: function.copy().name.clone(),
                kind: function.debugger_kind().map_or("", DebuggerKind::name),
                host: debugger.host,
                port: debugger.port,
                waits: debugger.wait,
                editor_listens: debugger.editor_listens,
            });
        }
    }
    Ok(function.start(ONLY, variables).await)
}

/// In seconds.
fn time(typed: &Invoke, code: &LocalCode) -> u32 {
    let external = typed.running.external.wishes();
    let has_a_developer =
        typed.running.debugging().is_some() || external.is_about(&code.source.name);
    let own = if has_a_developer {
        UNDER_A_DEBUGGER
    } else {
        code.timeout
    };
    typed.timeout.unwrap_or(own)
}
