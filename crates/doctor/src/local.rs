//! This machine: the working copies, what runs them, and their debuggers.

use super::Wish;
use super::finding::{Finding, Step};
use std::collections::HashMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use tether_host::python::{self, PythonError};
use tether_receiver::{Debugging, Error, LocalCode, Place, WorkingCopies, load_working_copies};

/// What an interpreter says; many functions have the same one.
struct Said {
    version: Result<String, PythonError>,
    debugger: Result<(), PythonError>,
}

/// The interpreters of the functions, in the template's order, and what they say.
pub(crate) struct Found {
    copies: Result<WorkingCopies, Error>,
    interpreters: Vec<Option<Result<PathBuf, PythonError>>>,
    said: HashMap<PathBuf, Said>,
}

/// Asks the interpreters of all functions. The template's region matters to
/// names only.
pub(crate) async fn look(wish: &Wish) -> Found {
    let region = wish.whereabouts.region.as_deref();
    let copies = load_working_copies(&wish.template, &Place::in_region(region));
    let (mut interpreters, mut said) = (Vec::new(), HashMap::new());
    for (id, code) in copies.iter().flat_map(|it| &it.functions) {
        let wanted = code.as_ref().ok().filter(|_| wish.wants(id));
        let found = wanted.map(|code| python::interpreter(&code.folder));
        if let Some(Ok(interpreter)) = &found
            && !said.contains_key(interpreter)
        {
            said.insert(interpreter.clone(), ask(interpreter).await);
        }
        interpreters.push(found);
    }
    Found {
        copies,
        interpreters,
        said,
    }
}

async fn ask(interpreter: &Path) -> Said {
    let version = python::version(interpreter).await;
    let debugger = match version {
        Ok(_) => python::check_debugger(interpreter).await,
        Err(_) => Ok(()),
    };
    Said { version, debugger }
}

/// What that means.
pub(crate) fn findings(wish: &Wish, found: Found) -> Vec<Finding> {
    let copies = match found.copies {
        Ok(copies) => copies,
        Err(Error::NoTemplate { path, .. }) if wish.stack_name.is_none() => {
            let what = format!("there is no {} here", path.display());
            return vec![Finding::skipped(Step::LocalCode, what)];
        }
        Err(error) => return vec![Finding::error(Step::LocalCode, &error)],
    };
    let debugging = Debugging {
        host: "127.0.0.1".to_owned(),
        first_port: wish.debug_port,
    };
    let mut findings = Vec::new();
    let functions = copies.functions.iter().zip(found.interpreters);
    for (index, ((id, code), interpreter)) in functions.enumerate() {
        if !wish.wants(id) {
            continue;
        }
        match (code, interpreter) {
            (Ok(code), Some(Ok(interpreter))) => {
                let Some(said) = found.said.get(&interpreter) else {
                    continue;
                };
                findings.push(runs(id, code, &interpreter, said));
                if said.version.is_ok() {
                    findings.push(debugger(id, index, &debugging, said));
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

fn of_function(id: &str, step: Step, error: &PythonError) -> Finding {
    let mut finding = Finding::error(step, error);
    finding.what = format!("{id}: {}", finding.what);
    finding
}

fn runs(id: &str, code: &LocalCode, interpreter: &Path, said: &Said) -> Finding {
    let interpreter = interpreter.display();
    match &said.version {
        Err(error) => of_function(id, Step::LocalCode, error),
        Ok(version) if code.runtime == format!("python{version}") => Finding::ok(
            Step::LocalCode,
            format!("{id} runs on Python {version} ({interpreter})"),
        ),
        Ok(version) => Finding::warning(
            Step::LocalCode,
            format!(
                "{id} is meant for {} and runs here on Python {version} ({interpreter})",
                code.runtime
            ),
            format!(
                "make a virtualenv of that version beside its code: `{} -m venv .venv`",
                code.runtime
            ),
        ),
    }
}

/// Only `attach --debug` needs one.
fn debugger(id: &str, index: usize, debugging: &Debugging, said: &Said) -> Finding {
    if let Err(error) = &said.debugger {
        let missing = of_function(id, Step::Debugger, error);
        let fix = missing.fix.unwrap_or_default();
        return Finding::warning(Step::Debugger, missing.what, fix);
    }
    if debugging.first_port == 0 {
        return Finding::ok(Step::Debugger, format!("{id}: debugpy, on a free port"));
    }
    let listened = debugging
        .port(index)
        .and_then(|port| TcpListener::bind((debugging.host.as_str(), port)).map(|_| port));
    match (listened, debugging.port(index)) {
        (Ok(port), _) => Finding::ok(
            Step::Debugger,
            format!("{id}: debugpy, port {port} is free"),
        ),
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
