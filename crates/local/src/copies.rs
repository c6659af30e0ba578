//! The functions of a template, as they are run here.

use crate::error::Error;
use crate::plan::Plan;
use crate::report::{Report, Reports};
use crate::surroundings;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use tempfile::TempDir;
use tether_emulator::{Options, WantedCopy, WorkingCopies};
use tether_host::world::{self, About};
use tether_host::{Clients, DebuggerKind, Function, LogSink, Starter, Watcher, WorkingCopy};
use tether_project::{EnvVars, LocalCode, Place, Wishes};
use tether_protocol::{Environment, Secret};
use tokio::task::{JoinHandle, JoinSet};

/// The time that there is for looking around.
const UNDER_A_DEBUGGER: u32 = 900;
/// Processes that nobody has used for so long end, as they do on Lambda after
/// some minutes.
const IDLE: Duration = Duration::from_secs(600);

/// Logical id → what is known of it.
type Known = BTreeMap<String, Result<Copy, String>>;

/// See the module.
pub(crate) struct Copies {
    clients: Arc<Clients>,
    watcher: Watcher,
    sink: LogSink,
    region: String,
    variables: BTreeMap<String, String>,
    aws_tables: bool,
    /// Code that stands in the template is written there.
    inline: TempDir,
    known: RwLock<Arc<Settled>>,
    /// What there was before the template that is about to be served.
    before: Mutex<Option<Arc<Settled>>>,
    /// What each function was told, for processes that start before its first
    /// event.
    told: Mutex<BTreeMap<String, BTreeMap<String, String>>>,
    /// Looks at interpreters that are under way.
    checks: Mutex<JoinSet<()>>,
}

/// The functions of one version of the template.
struct Settled {
    functions: Known,
    env_vars: Option<EnvVars>,
}

/// One of them.
#[derive(Clone)]
struct Copy {
    code: LocalCode,
    function: Arc<Function>,
    /// Its debugger, or its Runtime API, is to be opened before its first event.
    opens: bool,
    opened: Arc<AtomicBool>,
    /// What starts it has been looked at.
    checked: Arc<AtomicBool>,
    /// Ends with the last clone.
    keeper: Arc<Keeper>,
}

/// Replaces processes when code was saved; see [`Function::keep_fresh`].
struct Keeper(JoinHandle<()>);

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Copies {
    /// Finds the code of each function.
    ///
    /// # Errors
    /// What is wrong with the template.
    pub(crate) fn find(
        plan: &Plan,
        options: &Options,
        sink: LogSink,
        reports: &Reports,
    ) -> Result<Self, Error> {
        let notes = Arc::clone(reports);
        let watcher = Watcher::new(Arc::new(move |message| notes(Report::Notice { message })));
        let mut variables = surroundings::stand_in_credentials();
        variables.extend(plan.variables.clone());
        let inline = tempfile::Builder::new()
            .prefix("tether-inline-")
            .tempdir()
            .map_err(Error::NoFolder)?;
        let nothing = Settled {
            functions: Known::new(),
            env_vars: None,
        };
        let copies = Self {
            clients: Arc::new(Clients::write()?),
            watcher,
            sink,
            region: plan.place.region.clone(),
            variables,
            aws_tables: options.aws_tables,
            inline,
            known: RwLock::new(Arc::new(nothing)),
            before: Mutex::default(),
            told: Mutex::default(),
            checks: Mutex::default(),
        };
        let settled = copies.look(plan, reports)?;
        *copies.known_mut() = Arc::new(settled);
        Ok(copies)
    }

    fn known(&self) -> Arc<Settled> {
        let known = self.known.read();
        Arc::clone(&known.unwrap_or_else(PoisonError::into_inner))
    }

    fn known_mut(&self) -> std::sync::RwLockWriteGuard<'_, Arc<Settled>> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn before(&self) -> MutexGuard<'_, Option<Arc<Settled>>> {
        self.before.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The template as it is now. Functions whose code, and what starts it, are
    /// what they were stay as they are, processes and all.
    fn look(&self, plan: &Plan, reports: &Reports) -> Result<Settled, Error> {
        let place = Place {
            account_id: plan.place.account_id.clone(),
            region: plan.place.region.clone(),
        };
        let env_vars = plan.env_vars()?;
        let wishes = Wishes {
            parameters: plan.parameters.clone(),
            inline_into: Some(self.inline.path().to_path_buf()),
            stack: plan.stack_name.clone(),
            imports: plan.imports()?,
            stored: env_vars.as_ref().map(EnvVars::stored).unwrap_or_default(),
        };
        let mut found = tether_project::load_as(&plan.template, &place, &wishes)?;
        found.let_commands_win(&plan.commands, None)?;
        if let Some(env_vars) = &env_vars {
            let ids: Vec<&str> = found.functions.iter().map(|(id, _)| id.as_str()).collect();
            for message in env_vars.unknown(&ids) {
                reports(Report::Notice { message });
            }
        }
        let known = self.known();
        let mut functions = Known::new();
        for (index, (id, code)) in found.functions.into_iter().enumerate() {
            let copy = match code {
                Ok(code) => match known.functions.get(&id) {
                    Some(Ok(copy)) if copy.code == code => Ok(copy.clone()),
                    _ => self.copy(plan, index, code),
                },
                Err(reason) => Err(reason),
            };
            if let Err(reason) = &copy {
                let message = format!("{id} cannot be run here: {reason}");
                reports(Report::Notice { message });
            }
            functions.insert(id, copy);
        }
        Ok(Settled {
            functions,
            env_vars,
        })
    }

    fn copy(&self, plan: &Plan, index: usize, mut code: LocalCode) -> Result<Copy, String> {
        let told = code.clone();
        let name = code.source.name.clone();
        code.source.debugged = plan.debugging.is_some();
        let external = plan.external.starter(&name, index);
        let is_external = external.is_some();
        let starter = match external {
            Some(starter) => starter,
            None => Starter::find(&code.source, &self.clients).map_err(|it| it.to_string())?,
        };
        let debugger = plan.debugging.as_ref().map(|it| it.debugger(index));
        let debugger = debugger.transpose();
        let debugger = debugger.map_err(|error| format!("there is no port for it: {error}"))?;
        let copy = WorkingCopy {
            name,
            code: code.source.code,
            handler: code.source.handler,
            starter,
            debugger,
        };
        let function = Function::new(copy, self.sink.clone());
        let function = function.watched(&self.watcher).at_most(plan.concurrency);
        let function = Arc::new(function);
        let kept = Arc::clone(&function);
        let keeper = tokio::spawn(async move {
            let idle = async {
                loop {
                    tokio::time::sleep(IDLE / 4).await;
                    kept.end_idle(IDLE).await;
                }
            };
            tokio::join!(kept.keep_fresh(), idle);
        });
        Ok(Copy {
            code: told,
            function,
            opens: plan.debugging.is_some() || is_external,
            opened: Arc::default(),
            checked: Arc::default(),
            keeper: Arc::new(Keeper(keeper)),
        })
    }

    /// The same again: what is found counts from now on, until
    /// [`go_back`](Self::go_back) or [`settle`](Self::settle).
    pub(crate) async fn look_again(&self, plan: &Plan, reports: &Reports) -> Result<(), Error> {
        let now = Arc::new(self.look(plan, reports)?);
        let before = std::mem::replace(&mut *self.known_mut(), now);
        *self.before() = Some(before);
        Ok(())
    }

    /// What is served now stays; functions that nobody wants any more end.
    pub(crate) async fn settle(&self) {
        let Some(before) = self.before().take() else {
            return;
        };
        Self::end_others(&before, &self.known()).await;
    }

    /// What was served before is served again.
    pub(crate) async fn go_back(&self) {
        let Some(before) = self.before().take() else {
            return;
        };
        let failed = std::mem::replace(&mut *self.known_mut(), Arc::clone(&before));
        Self::end_others(&failed, &before).await;
    }

    async fn end_others(all: &Settled, kept: &Settled) {
        let kept: Vec<&Copy> = kept.functions.values().flatten().collect();
        for copy in all.functions.values().flatten() {
            let same = |it: &&&Copy| Arc::ptr_eq(&it.function, &copy.function);
            if kept.iter().find(same).is_none() {
                copy.function.stop().await;
            }
        }
    }

    /// Starts debuggers, and opens the doors for processes that the developer
    /// starts.
    pub(crate) async fn open(&self, plan: &Plan, reports: &Reports) -> Result<(), Error> {
        let known = self.known();
        let mut opening = JoinSet::new();
        for (id, copy) in &known.functions {
            let Ok(copy) = copy else { continue };
            if !copy.opens || copy.opened.swap(true, Ordering::Relaxed) {
                continue;
            }
            let (function, reports) = (Arc::clone(&copy.function), Arc::clone(reports));
            let variables = Secret::new(self.last_variables(id));
            let external = &plan.external;
            let env_file = external.is_about(id).then(|| external.env_file_of(id));
            let env_file = env_file.flatten();
            opening.spawn(open(function, variables, env_file, reports));
        }
        while let Some(opened) = opening.join_next().await {
            if let Ok(opened) = opened {
                opened?;
            }
        }
        Ok(())
    }

    /// Looks whether what starts each function runs, and says what is another
    /// version than the template's, once for each. Nothing waits for it.
    pub(crate) fn check(&self, reports: &Reports) {
        let checks = self.checks.lock();
        let mut checks = checks.unwrap_or_else(PoisonError::into_inner);
        while checks.try_join_next().is_some() {}
        for copy in self.known().functions.values().flatten() {
            if copy.checked.swap(true, Ordering::Relaxed) {
                continue;
            }
            let (copy, reports) = (copy.clone(), Arc::clone(reports));
            checks.spawn(async move { tell(&copy, &reports).await });
        }
    }

    pub(crate) async fn stop(&self) {
        let checks = self.checks.lock();
        checks.unwrap_or_else(PoisonError::into_inner).abort_all();
        let known = self.known();
        let mut ends = JoinSet::new();
        for copy in known.functions.values().flatten() {
            copy.keeper.0.abort();
            let function = Arc::clone(&copy.function);
            ends.spawn(async move { function.stop().await });
        }
        while ends.join_next().await.is_some() {}
    }
}

impl WorkingCopies for Copies {
    fn find(&self, logical_id: &str) -> Result<Arc<Function>, String> {
        match self.known().functions.get(logical_id) {
            Some(Ok(copy)) => Ok(Arc::clone(&copy.function)),
            Some(Err(reason)) => Err(format!("{logical_id} cannot be run here: {reason}")),
            None => Err(format!("{logical_id} is in the template no more")),
        }
    }

    fn variables(&self, wanted: &WantedCopy<'_>) -> BTreeMap<String, String> {
        let id = wanted.logical_id;
        let known = self.known();
        let mut variables = world::of_lambda(&About {
            name: wanted.name,
            runtime: wanted.runtime,
            memory_mb: wanted.memory_mb,
            region: &self.region,
        });
        if let Some(Ok(copy)) = known.functions.get(id) {
            variables.extend(copy.code.logging.clone());
        }
        variables.extend(surroundings::endpoints(wanted.endpoint, self.aws_tables));
        if let Some(certificates) = &wanted.certificates {
            variables.extend(surroundings::trust(certificates));
        }
        variables.extend(self.variables.clone());
        let mut own = wanted.environment.clone();
        if let Some(env_vars) = &known.env_vars {
            // What is said of it stands among the notices of the start.
            let _ = env_vars.apply(id, Some(wanted.name), &mut own);
        }
        variables.extend(own);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.insert(id.to_owned(), variables.clone());
        variables
    }

    fn timeout(&self, logical_id: &str, template: u32) -> u32 {
        let known = self.known();
        match known.functions.get(logical_id) {
            Some(Ok(copy)) if copy.opens => UNDER_A_DEBUGGER,
            _ => template,
        }
    }
}

impl Copies {
    fn last_variables(&self, id: &str) -> BTreeMap<String, String> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.get(id).cloned().unwrap_or_default()
    }
}

/// Opens what one function has to be open before its first event.
async fn open(
    function: Arc<Function>,
    variables: Environment,
    env_file: Option<PathBuf>,
    reports: Reports,
) -> Result<(), Error> {
    let name = function.copy().name.clone();
    let failed = function.prepare(&variables).await?;
    if let Some(address) = function.runtime_api() {
        if let Some(path) = &env_file {
            let written = function.write_environment(path, &variables);
            written.map_err(|reason| Error::NoEnvFile {
                function: name.clone(),
                path: path.clone(),
                reason,
            })?;
        }
        reports(Report::RuntimeApi {
            function: name,
            address: address.to_string(),
            env_file,
        });
        return Ok(());
    }
    if failed.is_some() {
        let message = format!("{name} cannot start yet: its log says why");
        reports(Report::Notice { message });
    }
    if let Some(debugger) = function.debugger() {
        reports(Report::Debugger {
            function: name,
            kind: function.debugger_kind().map_or("", DebuggerKind::name),
            host: debugger.host,
            port: debugger.port,
            waits: debugger.wait,
            editor_listens: debugger.editor_listens,
        });
    }
    Ok(())
}

/// What a developer should know before a function runs here.
async fn tell(copy: &Copy, reports: &Reports) {
    let name = &copy.code.source.name;
    let starter = &copy.function.copy().starter;
    let say = |message: String| reports(Report::Notice { message });
    match starter.check().await {
        Ok(runs_on) if runs_on.as_meant => {}
        Ok(runs_on) => say(format!(
            "{name} is meant for {} and runs here on {}",
            copy.code.source.runtime, runs_on.what
        )),
        Err(error) => say(format!("{name} cannot be run here: {error}")),
    }
    for note in copy.code.notes.iter().chain(&starter.notes()) {
        say(format!("{name}: {note}"));
    }
}
