//! Deployed functions meet their working copies.

use crate::error::Error;
use crate::plan::AttachPlan;
use crate::report::{Attached, FunctionState, Report, Reports};
use crate::stack::RemoteFunction;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use tether_host::{
    Clients, DebuggerKind, Ended, Function, LogLine, LogSink, Notes, Source, StartError, Starter,
    Watcher, WorkingCopy,
};
use tether_project::{LocalCode, WorkingCopies};
use tether_protocol::instrumentation::Skip;
use tether_protocol::{Environment, Secret};
use tether_runtime_api::ErrorObject;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

/// Functions that are ready to run here.
pub(super) struct Prepared {
    pub(super) functions: Vec<Target>,
    /// One for each function, see [`Function::keep_fresh`].
    keepers: Mutex<JoinSet<()>>,
}

/// One of them.
pub(super) struct Target {
    pub(super) remote: RemoteFunction,
    pub(super) function: Arc<Function>,
}

impl Prepared {
    pub(super) fn arns(&self) -> Vec<String> {
        self.functions
            .iter()
            .map(|it| it.remote.arn.clone())
            .collect()
    }

    /// Name in Lambda → logical id.
    pub(super) fn logical_ids(&self) -> HashMap<String, String> {
        let pairs = self.functions.iter().map(|it| &it.remote);
        pairs
            .map(|it| (it.name.clone(), it.logical_id.clone()))
            .collect()
    }

    pub(super) fn attached(&self, arns: &[String]) -> Vec<Attached> {
        let remote = self.functions.iter().map(|it| &it.remote);
        remote
            .filter(|it| arns.contains(&it.arn))
            .map(|it| Attached {
                logical_id: it.logical_id.clone(),
                name: it.name.clone(),
            })
            .collect()
    }

    pub(super) fn find(&self, arn: &str) -> Option<&Target> {
        self.functions.iter().find(|it| it.remote.arn == arn)
    }

    pub(super) async fn stop(&self) {
        self.keepers.lock().await.shutdown().await;
        for target in &self.functions {
            target.function.stop().await;
        }
    }
}

/// Matches functions and code, and starts debuggers.
pub(super) async fn prepare(
    plan: &AttachPlan,
    remote: Vec<RemoteFunction>,
    copies: &WorkingCopies,
    local: &Environment,
    reports: &Reports,
) -> Result<Prepared, Error> {
    check_wanted(plan, &remote)?;
    let clients = Arc::new(Clients::write()?);
    let watcher = Watcher::new(notes(reports));
    let mut keepers = JoinSet::new();
    let mut functions = Vec::new();
    for remote in remote {
        if !plan.functions.is_empty() && !plan.functions.contains(&remote.logical_id) {
            continue;
        }
        let Some((index, code, starter)) = startable(plan, &remote, copies, &clients, reports)
        else {
            continue;
        };
        let source = source(plan, &remote, code);
        for note in code.notes.iter().chain(&starter.notes()) {
            reports(Report::Note {
                message: format!("{}: {note}", source.name),
            });
        }
        if !runs_here(&remote, &source, &starter, reports).await {
            continue;
        }
        let function = function(plan, source, starter, index, reports).await?;
        let function = function.watched(&watcher).at_most(plan.concurrency);
        let target = Target {
            remote,
            function: Arc::new(function),
        };
        listen(plan, &target, local, reports).await?;
        let function = Arc::clone(&target.function);
        keepers.spawn(async move { function.keep_fresh().await });
        functions.push(target);
    }
    if functions.is_empty() {
        return Err(Error::NothingToAttach {
            stack: plan.stack_name.clone(),
            template: plan.template.clone(),
        });
    }
    Ok(Prepared {
        functions,
        keepers: Mutex::new(keepers),
    })
}

/// The code of a function, and what starts it. None: it is left alone, and
/// people were told why.
fn startable<'a>(
    plan: &AttachPlan,
    remote: &RemoteFunction,
    copies: &'a WorkingCopies,
    clients: &Arc<Clients>,
    reports: &Reports,
) -> Option<(usize, &'a LocalCode, Starter)> {
    let (index, code) = match copies.find(&remote.logical_id) {
        Some((index, Ok(code))) => (index, code),
        Some((_, Err(reason))) => {
            left_alone(reports, remote, reason);
            return None;
        }
        None => {
            let reason = format!("{} has no such function", copies.template.display());
            left_alone(reports, remote, &reason);
            return None;
        }
    };
    if let Err(skip) = has_wrappers(remote) {
        reports(Report::Function {
            function: remote.logical_id.clone(),
            state: FunctionState::Skipped,
            detail: skip.to_string(),
        });
        return None;
    }
    if let Some(starter) = plan.external.starter(&remote.logical_id, index) {
        return Some((index, code, starter));
    }
    match Starter::find(&source(plan, remote, code), clients) {
        Ok(starter) => Some((index, code, starter)),
        // The other functions can do without what this one lacks.
        Err(error) => {
            left_alone(reports, remote, &error.to_string());
            None
        }
    }
}

fn check_wanted(plan: &AttachPlan, remote: &[RemoteFunction]) -> Result<(), Error> {
    let known = || {
        remote
            .iter()
            .map(|it| it.logical_id.as_str())
            .collect::<Vec<_>>()
    };
    let external = &plan.external.functions;
    match plan
        .functions
        .iter()
        .chain(external)
        .find(|it| !known().contains(&it.as_str()))
    {
        Some(missing) => Err(Error::NoFunction {
            stack: plan.stack_name.clone(),
            function: missing.clone(),
            known: known().join(", "),
        }),
        None => Ok(()),
    }
}

/// What the helper stack would find out; but it is not built, nor its tools
/// looked for, when no invocation can come.
fn has_wrappers(remote: &RemoteFunction) -> Result<(), Skip> {
    match &remote.runtime {
        Some(runtime) if runtime.starts_with("provided") => Err(Skip::OsOnly(runtime.clone())),
        _ => Ok(()),
    }
}

fn left_alone(reports: &Reports, remote: &RemoteFunction, reason: &str) {
    reports(Report::Function {
        function: remote.logical_id.clone(),
        state: FunctionState::NoLocalCode,
        detail: format!("{reason}: the deployed code goes on answering"),
    });
}

/// The local code of a function, on the runtime that it is deployed on.
fn source(plan: &AttachPlan, remote: &RemoteFunction, code: &LocalCode) -> Source {
    let mut source = code.source.clone();
    source.debugged = plan.debugging.is_some();
    source.name.clone_from(&remote.logical_id);
    if let Some(runtime) = &remote.runtime {
        source.runtime.clone_from(runtime);
    }
    source
}

/// Whether what starts it runs; if not, people were told why.
async fn runs_here(
    remote: &RemoteFunction,
    source: &Source,
    starter: &Starter,
    reports: &Reports,
) -> bool {
    match starter.check().await {
        Ok(runs_on) if runs_on.as_meant => true,
        Ok(runs_on) => {
            let (name, runtime, what) = (&source.name, &source.runtime, &runs_on.what);
            reports(Report::Note {
                message: format!("{name} is deployed on {runtime} and runs here on {what}"),
            });
            true
        }
        // The other functions can do without what this one lacks.
        Err(error) => {
            left_alone(reports, remote, &error.to_string());
            false
        }
    }
}

async fn function(
    plan: &AttachPlan,
    source: Source,
    starter: Starter,
    index: usize,
    reports: &Reports,
) -> Result<Function, Error> {
    let debugging = plan.debugging.as_ref();
    let debugger = debugging.map(|it| it.debugger(index)).transpose();
    let mut debugger = debugger.map_err(StartError::Machine)?;
    if let Some(wanted) = &debugger {
        match starter.check_debugger(wanted).await {
            Ok(()) => {}
            // The other functions have theirs.
            Err(StartError::NoDebugger { reason, .. }) => {
                let name = &source.name;
                reports(Report::Note {
                    message: format!(
                        "{name} cannot be run under a debugger and runs without one: {reason}"
                    ),
                });
                debugger = None;
            }
            Err(error) => return Err(error.into()),
        }
    }
    let copy = WorkingCopy {
        name: source.name,
        code: source.code,
        handler: source.handler,
        starter,
        debugger,
    };
    Ok(Function::new(copy, log_sink(reports)))
}

fn notes(reports: &Reports) -> Notes {
    let reports = Arc::clone(reports);
    Arc::new(move |message| reports(Report::Note { message }))
}

fn log_sink(reports: &Reports) -> LogSink {
    let reports = Arc::clone(reports);
    LogSink::new(move |line: LogLine| reports(Report::Log(line)))
}

/// What is built is built now. Under a debugger the process starts as well, so
/// that it can be attached to before the first event.
async fn listen(
    plan: &AttachPlan,
    target: &Target,
    local: &Environment,
    reports: &Reports,
) -> Result<(), Error> {
    let copy = target.function.copy();
    if plan.external.is_about(&copy.name) {
        let variables = variables(&target.remote, local);
        let env_file = plan.external.env_file_of(&copy.name);
        let report = open_door(&target.function, &variables, env_file.as_deref());
        reports(report.await?);
        return Ok(());
    }
    if copy.debugger.is_none() {
        if let Some(ended) = target.function.build().await {
            reports(Report::Note {
                message: format!("{} cannot start yet: {}", copy.name, reason(ended)),
            });
        }
        return Ok(());
    }
    let failed = target
        .function
        .prepare(&variables(&target.remote, local))
        .await;
    if let Some(ended) = failed? {
        reports(Report::Note {
            message: format!("{} cannot start yet: {}", copy.name, reason(ended)),
        });
    }
    if let Some(debugger) = target.function.debugger() {
        reports(Report::Debugger {
            function: copy.name.clone(),
            kind: target
                .function
                .debugger_kind()
                .map_or("", DebuggerKind::name),
            host: debugger.host,
            port: debugger.port,
            waits: debugger.wait,
            editor_listens: debugger.editor_listens,
        });
    }
    Ok(())
}

/// Serves a process that the developer starts from now on.
///
/// # Errors
/// When the port cannot be had, or the file not be written.
pub async fn open_door(
    function: &Function,
    variables: &Environment,
    env_file: Option<&Path>,
) -> Result<Report, Error> {
    function.prepare(variables).await?;
    if let Some(file) = env_file {
        let written = function.write_environment(file, variables);
        written.map_err(|error| Error::NoEnvFile {
            path: file.to_path_buf(),
            reason: error.to_string(),
        })?;
    }
    let address = function.runtime_api().map(|it| it.to_string());
    Ok(Report::RuntimeApi {
        function: function.copy().name.clone(),
        address: address.unwrap_or_default(),
        env_file: env_file.map(Path::to_path_buf),
    })
}

fn reason(ended: Ended) -> String {
    match ended.settle("", 0.0) {
        Err((_, body)) => serde_json::from_slice::<ErrorObject>(&body)
            .map(|error| format!("{}: {}", error.error_type, error.error_message))
            .unwrap_or_default(),
        Ok(_) => String::new(),
    }
}

/// What the process would find on Lambda: the deployed variables and
/// Lambda's own.
fn variables(remote: &RemoteFunction, local: &Environment) -> Environment {
    let mut variables: BTreeMap<String, String> = remote.environment.expose().clone();
    let region = remote.arn.split(':').nth(3).unwrap_or_default();
    for (name, value) in [
        ("AWS_REGION", region),
        ("AWS_DEFAULT_REGION", region),
        ("AWS_LAMBDA_FUNCTION_NAME", &remote.name),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        (
            "AWS_LAMBDA_LOG_GROUP_NAME",
            &format!("/aws/lambda/{}", remote.name),
        ),
    ] {
        variables.insert(name.to_owned(), value.to_owned());
    }
    variables.extend(local.expose().clone());
    Secret::new(variables)
}
