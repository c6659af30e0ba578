//! This machine: the working copies, what runs them, and their debuggers.

use super::Wish;
use super::finding::{Finding, Step};
use std::collections::HashMap;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use tether_host::{Clients, Debugger, DebuggerKind, RunsOn, StartError, Starter};
use tether_project::Debugging;
use tether_project::{LocalCode, Place, ProjectError, WorkingCopies};

/// A program, and the function if it is asked about its code as well: whether
/// a Node runs TypeScript is a matter of both.
type Asked = (PathBuf, Option<String>);

fn asked(id: &str, starter: &Starter) -> Asked {
    let own = matches!(starter, Starter::Node(_)).then(|| id.to_owned());
    (starter.program().to_path_buf(), own)
}

/// What a program says; many functions have the same one.
struct Said {
    runs_on: Result<RunsOn, StartError>,
    debugger: Result<(), StartError>,
}

/// What starts the functions, in the template's order, and what it says.
pub(crate) struct Found {
    copies: Result<WorkingCopies, ProjectError>,
    starters: Vec<Option<Result<Starter, StartError>>>,
    said: HashMap<Asked, Said>,
}

/// Asks the programs of all functions. The template's region matters to
/// names only.
pub(crate) async fn look(wish: &Wish) -> Found {
    let region = wish.whereabouts.region.as_deref();
    let copies = tether_project::load(&wish.template, &Place::in_region(region));
    let clients = Clients::write().map(Arc::new);
    let (mut starters, mut said) = (Vec::new(), HashMap::new());
    for (id, code) in copies.iter().flat_map(|it| &it.functions) {
        let wanted = code.as_ref().ok().filter(|_| wish.wants(id));
        let found = wanted.map(|code| find(code, clients.as_ref()));
        if let Some(Ok(starter)) = &found
            && !said.contains_key(&asked(id, starter))
        {
            said.insert(asked(id, starter), ask(starter).await);
        }
        starters.push(found);
    }
    Found {
        copies,
        starters,
        said,
    }
}

fn find(
    code: &LocalCode,
    clients: Result<&Arc<Clients>, &StartError>,
) -> Result<Starter, StartError> {
    match clients {
        Ok(clients) => Starter::find(&code.source, clients),
        Err(error) => Err(StartError::Machine(std::io::Error::other(
            error.to_string(),
        ))),
    }
}

async fn ask(starter: &Starter) -> Said {
    let runs_on = starter.check().await;
    let debugger = match runs_on {
        Ok(_) => starter.check_debugger(&Debugger::default()).await,
        Err(_) => Ok(()),
    };
    Said { runs_on, debugger }
}

/// What that means.
pub(crate) fn findings(wish: &Wish, found: Found) -> Vec<Finding> {
    let copies = match found.copies {
        Ok(copies) => copies,
        Err(ProjectError::NoTemplate { path, .. }) if wish.stack_name.is_none() => {
            let what = format!("there is no {} here", path.display());
            return vec![Finding::skipped(Step::LocalCode, what)];
        }
        Err(error) => return vec![Finding::error(Step::LocalCode, &error)],
    };
    let debugging = Debugging {
        host: "127.0.0.1".to_owned(),
        first_port: wish.debug_port,
        ..Debugging::default()
    };
    let mut findings = Vec::new();
    let functions = copies.functions.iter().zip(found.starters);
    for (index, ((id, code), starter)) in functions.enumerate() {
        if !wish.wants(id) {
            continue;
        }
        match (code, starter) {
            (Ok(code), Some(Ok(starter))) => {
                let Some(said) = found.said.get(&asked(id, &starter)) else {
                    continue;
                };
                findings.push(runs(id, code, &said.runs_on));
                if said.runs_on.is_ok() {
                    findings.push(debugger(id, index, &debugging, &starter, said));
                }
            }
            (_, Some(Err(error))) => findings.push(of_function(id, Step::LocalCode, &error)),
            (Err(reason), _) => findings.push(Finding::warning(
                Step::LocalCode,
                format!("{id} cannot run here: {reason}"),
                "its deployed code goes on answering; correct --template if that is not meant",
            )),
            (Ok(_), None) => {}
        }
    }
    if findings.is_empty() {
        let what = format!("{} has no such function", copies.template.display());
        let fix = "pass the stack's template with --template";
        findings.push(Finding::failed(Step::LocalCode, what, fix));
    }
    findings
}

fn of_function(id: &str, step: Step, error: &StartError) -> Finding {
    let mut finding = Finding::error(step, error);
    finding.what = format!("{id}: {}", finding.what);
    finding
}

fn runs(id: &str, code: &LocalCode, runs_on: &Result<RunsOn, StartError>) -> Finding {
    let runtime = &code.source.runtime;
    match runs_on {
        Err(error) => of_function(id, Step::LocalCode, error),
        Ok(RunsOn { what, as_meant }) if *as_meant => {
            Finding::ok(Step::LocalCode, format!("{id} runs on {what}"))
        }
        Ok(RunsOn { what, .. }) => Finding::warning(
            Step::LocalCode,
            format!("{id} is meant for {runtime} and runs here on {what}"),
            if runtime.starts_with("python") {
                format!(
                    "make a virtualenv of that version beside its code: `{runtime} -m venv .venv`"
                )
            } else {
                format!("install {runtime}, and put it first on the PATH")
            },
        ),
    }
}

/// Only `attach --debug` needs one.
fn debugger(
    id: &str,
    index: usize,
    debugging: &Debugging,
    starter: &Starter,
    said: &Said,
) -> Finding {
    let kind = starter.debugger().map_or("none", DebuggerKind::name);
    if let Err(error) = &said.debugger {
        let missing = of_function(id, Step::Debugger, error);
        let fix = missing.fix.unwrap_or_default();
        return Finding::warning(Step::Debugger, missing.what, fix);
    }
    if debugging.first_port == 0 {
        return Finding::ok(Step::Debugger, format!("{id}: {kind}, on a free port"));
    }
    let listened = debugging
        .port(index)
        .and_then(|port| TcpListener::bind((debugging.host.as_str(), port)).map(|_| port));
    match (listened, debugging.port(index)) {
        (Ok(port), _) => Finding::ok(Step::Debugger, format!("{id}: {kind}, port {port} is free")),
        (Err(error), port) => Finding::warning(
            Step::Debugger,
            format!(
                "{id}: port {} cannot be had ({error})",
                port.unwrap_or_default()
            ),
            "end what listens there, or choose another with --debug-port",
        ),
    }
}
