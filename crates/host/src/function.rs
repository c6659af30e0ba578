//! The environments of one function's working copy.

use crate::debugger::{DebugPort, Debuggee, Debugger};
use crate::environment::{Ended, ExecutionEnvironment};
use crate::freshness::Fingerprint;
use crate::launch::Launch;
use crate::logs::{LogLine, LogSink};
use crate::run_state::RunState;
use crate::starter::{BuildFailed, DebugTarget, DebuggerKind, Progress, StartError, Starter};
use crate::world;
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use tether_protocol::{Environment, Secret};
use tether_runtime_api::{ErrorObject, Invocation};
use tokio::sync::{Mutex, OnceCell, OwnedMutexGuard};
use tokio::task::JoinSet;

/// A function's code on this machine.
#[derive(Clone, Debug)]
pub struct WorkingCopy {
    /// Its logical id, for people.
    pub name: String,
    /// Where its code is.
    pub code: PathBuf,
    /// `app.handler`
    pub handler: String,
    /// How its processes are started.
    pub starter: Starter,
    /// Where its debugger is found, if it is debugged.
    pub debugger: Option<Debugger>,
}

/// Runs the invocations of one function: one process for each remote
/// environment, or one in all under a debugger.
pub struct Function {
    copy: WorkingCopy,
    sink: LogSink,
    /// Open from the first process to the end, if it is debugged.
    port: OnceCell<DebugPort>,
    /// Locked for a moment only: a slot's own lock is held while it runs.
    slots: std::sync::Mutex<Slots>,
}

type Slots = HashMap<String, Arc<Mutex<Slot>>>;

struct Slot {
    environment: Option<ExecutionEnvironment>,
    /// It as a debugger sees it, if it is debugged.
    debuggee: Option<Debuggee>,
    variables: Option<Environment>,
    /// The code when it was started.
    code: Option<Fingerprint>,
    used: Instant,
    /// An invocation's time was up while it ran, and it runs on under its
    /// debugger.
    overdue: bool,
}

/// A place in a local process: nobody else runs there until it is dropped.
pub struct Seat(OwnedMutexGuard<Slot>);

/// What became of an invocation, and how long each part took.
pub struct Ran {
    /// How it ended.
    pub ended: Ended,
    /// Waiting for the process to be free, and for its start.
    pub queued: Duration,
    /// From the event handed out to the answer.
    pub handler: Duration,
}

/// Why a process did not start.
#[derive(Debug, thiserror::Error)]
enum NotStarted {
    #[error(transparent)]
    Machine(#[from] std::io::Error),
    #[error(transparent)]
    Build(#[from] BuildFailed),
}

/// A start has this long; then it is tried again, in the invocation's own time
/// (<https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>).
const INIT: Duration = Duration::from_secs(10);

/// The only slot of a function that is debugged: its port is taken.
const DEBUGGED: &str = "debugged";

impl Function {
    /// A function without a process yet.
    #[must_use]
    pub fn new(copy: WorkingCopy, sink: LogSink) -> Self {
        Self {
            copy,
            sink,
            port: OnceCell::new(),
            slots: std::sync::Mutex::default(),
        }
    }

    /// Its working copy.
    #[must_use]
    pub fn copy(&self) -> &WorkingCopy {
        &self.copy
    }

    /// Opens the debugger's port, and starts the debugged process before its
    /// first event, so that a debugger can attach. Some: it could not start,
    /// and this is why.
    ///
    /// # Errors
    /// When the port is taken, or the interpreter cannot be started.
    pub async fn prepare(&self, variables: &Environment) -> Result<Option<Ended>, StartError> {
        self.port().await?;
        let slot = self.slot(DEBUGGED);
        let mut slot = slot.lock().await;
        let nobodys = RunState::new();
        let environment = self.environment(&mut slot, variables, &nobodys);
        let environment = match environment.await {
            Ok(environment) => environment,
            Err(NotStarted::Machine(error)) => {
                return Err(StartError::Broken {
                    program: self.copy.starter.program().to_path_buf(),
                    reason: error.to_string(),
                    advice: "see whether it is complete",
                });
            }
            Err(error) => return Ok(Some(self.not_started(error))),
        };
        if self.copy.debugger.as_ref().is_some_and(|it| it.wait) {
            return Ok(None);
        }
        let failed = environment.ready().await;
        if failed.is_some() {
            slot.stop().await;
        }
        Ok(failed)
    }

    /// Where an editor finds its debugger, as soon as it is prepared.
    #[must_use]
    pub fn debugger(&self) -> Option<Debugger> {
        let debugger = self.copy.debugger.as_ref()?;
        let opened = self.port.get().map(DebugPort::number);
        Some(Debugger {
            // None is opened where the editor listens.
            port: opened.unwrap_or(debugger.port),
            editor_listens: opened.is_none(),
            ..debugger.clone()
        })
    }

    /// Which debugger that is.
    #[must_use]
    pub fn debugger_kind(&self) -> Option<DebuggerKind> {
        self.copy.starter.debugger()
    }

    /// A seat for an invocation of this remote environment, if its local
    /// process is free now.
    #[must_use]
    pub fn free_seat(&self, remote_environment: &str) -> Option<Seat> {
        let slot = self.slot(self.slot_name(remote_environment));
        let slot = slot.try_lock_owned().ok()?;
        (!slot.is_overdue()).then_some(Seat(slot))
    }

    /// Runs one invocation; without a seat it waits for one. The state tells
    /// at any moment what it does; when its time is up, what it did last.
    pub async fn run(
        &self,
        seat: Option<Seat>,
        remote_environment: &str,
        variables: &Environment,
        invocation: Invocation,
        payload: Bytes,
        state: &RunState,
    ) -> Ran {
        let arrived = Instant::now();
        let _streams = state.streams();
        let seated = self.seated(seat, remote_environment, &invocation, state);
        let Some(Seat(mut slot)) = seated.await else {
            return Ran {
                ended: Ended::TimedOut,
                queued: arrived.elapsed(),
                handler: Duration::ZERO,
            };
        };
        let (ended, began) = self
            .attempt(&mut slot, variables, invocation, payload, state)
            .await;
        if !matches!(ended, Ended::TimedOut) {
            state.is_answered();
        }
        slot.used = Instant::now();
        slot.overdue = false;
        match &ended {
            Ended::Answered { .. } | Ended::Failed { .. } => {}
            // Paused at a breakpoint: the developer still looks at it.
            Ended::TimedOut if self.copy.debugger.is_some() => slot.overdue = true,
            _ => slot.stop().await,
        }
        Ran {
            ended,
            queued: began - arrived,
            handler: began.elapsed(),
        }
    }

    /// None: behind an invocation at a breakpoint, its own time was up.
    async fn seated(
        &self,
        seat: Option<Seat>,
        remote_environment: &str,
        invocation: &Invocation,
        state: &RunState,
    ) -> Option<Seat> {
        if seat.is_some() {
            return seat;
        }
        let slot = self.slot(self.slot_name(remote_environment));
        if let Ok(locked) = Arc::clone(&slot).try_lock_owned() {
            return Some(Seat(locked));
        }
        state.waits();
        let locked = tokio::time::timeout(left(invocation), slot.lock_owned()).await;
        locked.ok().map(Seat)
    }

    /// How it ended, and when the process was ready for it.
    async fn attempt(
        &self,
        slot: &mut Slot,
        variables: &Environment,
        invocation: Invocation,
        payload: Bytes,
        state: &RunState,
    ) -> (Ended, Instant) {
        if slot.is_overdue() {
            state.waits();
        }
        let (mut invocation, mut payload) = (invocation, payload);
        // A process may end between two invocations, or not start in time; the
        // next one gets a new process, once, and the rest of its own time.
        for init in [self.init_limit(), None] {
            let environment = match self.environment(slot, variables, state).await {
                Ok(environment) => environment,
                Err(error) => return (self.not_started(error), Instant::now()),
            };
            let (ended, began) = environment.report(invocation, payload, state, init).await;
            match ended {
                Ended::NotTaken(again, bytes) => {
                    slot.stop().await;
                    (invocation, payload) = (again, bytes);
                }
                other => return (other, began),
            }
        }
        let ended = Ended::Exited("the process ends before it asks for an event".to_owned());
        (ended, Instant::now())
    }

    /// Nobody hurries a developer at a breakpoint.
    fn init_limit(&self) -> Option<Duration> {
        self.copy.debugger.is_none().then_some(INIT)
    }

    fn not_started(&self, error: NotStarted) -> Ended {
        match error {
            NotStarted::Machine(error) => {
                let program = self.copy.starter.program().display();
                Ended::Exited(format!("{program} cannot be started: {error}"))
            }
            NotStarted::Build(failed) => {
                let error = ErrorObject::new("Tether.BuildFailed", failed.message);
                Ended::InitFailed {
                    error_type: Some(error.error_type.clone()),
                    body: Bytes::from(error.to_bytes()),
                }
            }
        }
    }

    /// What a build says stands in the function's log.
    fn progress(&self) -> Progress {
        let (sink, source) = (Arc::clone(&self.sink), Arc::from(self.copy.name.as_str()));
        Arc::new(move |text: &str| {
            sink(LogLine::platform(&source, text.to_owned()));
        })
    }

    fn slot_name<'a>(&self, remote_environment: &'a str) -> &'a str {
        if self.copy.debugger.is_some() {
            DEBUGGED
        } else {
            remote_environment
        }
    }

    /// Places in local processes, those that are about to be included.
    #[must_use]
    pub fn places(&self) -> usize {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.len()
    }

    /// Whether there is a place for this remote environment: its own, or a new
    /// one, if there may be `more`.
    #[must_use]
    pub fn has_place(&self, remote_environment: &str, more: bool) -> bool {
        let name = self.slot_name(remote_environment);
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if more {
            slots.entry(name.to_owned()).or_default();
        }
        slots.contains_key(name)
    }

    fn slot(&self, name: &str) -> Arc<Mutex<Slot>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(name.to_owned()).or_default())
    }

    /// Ends the processes of remote environments that were not heard of for
    /// this long, but never one that runs, or that a debugger may wait at.
    pub async fn end_idle(&self, idle: Duration) {
        let mut ended = Vec::new();
        {
            let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            slots.retain(|name, slot| {
                // Whoever wants this slot has a share of it by now, or finds a
                // new one.
                if name == DEBUGGED || Arc::strong_count(slot) > 1 {
                    return true;
                }
                match Arc::clone(slot).try_lock_owned() {
                    Ok(locked) if locked.used.elapsed() >= idle => {
                        ended.push(locked);
                        false
                    }
                    _ => true,
                }
            });
        }
        for mut slot in ended {
            slot.stop().await;
        }
    }

    /// The slot's process; a new one if there is none, if it has ended, or if
    /// the code or the variables are others by now.
    async fn environment<'a>(
        &self,
        slot: &'a mut Slot,
        variables: &Environment,
        state: &RunState,
    ) -> Result<&'a mut ExecutionEnvironment, NotStarted> {
        if !self.is_current(slot, variables) {
            state.starts();
            slot.stop().await;
        }
        if slot.environment.is_none() {
            state.starts();
            slot.debuggee = self.debuggee().await?;
        }
        state.is_debugged_in(slot.debuggee.as_ref().map(Debuggee::sessions));
        match &mut slot.environment {
            Some(environment) => Ok(environment),
            empty => {
                slot.code = Some(Fingerprint::of(&self.copy.code));
                self.copy.starter.build(&self.progress()).await?;
                slot.variables = Some(variables.clone());
                let debuggee = slot.debuggee.as_ref();
                let launch = self.launch(variables, debuggee);
                let sink = debuggee.map(|it| it.reads(&self.sink));
                let sink = sink.as_ref().unwrap_or(&self.sink);
                let environment = ExecutionEnvironment::start(&launch, sink).await?;
                if let Some(debuggee) = debuggee {
                    debuggee.has_started(environment.process_id());
                }
                Ok(empty.insert(environment))
            }
        }
    }

    /// The debugger's port, from the first time on.
    async fn port(&self) -> Result<Option<&DebugPort>, StartError> {
        let kind = self.copy.starter.debugger();
        let (Some(debugger), Some(kind)) = (&self.copy.debugger, kind) else {
            return Ok(None);
        };
        if debugger.editor_listens && kind == DebuggerKind::Debugpy {
            return Ok(None);
        }
        let open = || DebugPort::open(debugger, kind, &self.copy.name);
        self.port.get_or_try_init(open).await.map(Some)
    }

    /// A process to be, as a debugger will see it.
    async fn debuggee(&self) -> std::io::Result<Option<Debuggee>> {
        let port = self.port().await.map_err(std::io::Error::other)?;
        Ok(port.map(DebugPort::expect))
    }

    fn is_current(&self, slot: &mut Slot, variables: &Environment) -> bool {
        let Some(environment) = &mut slot.environment else {
            return true;
        };
        let had = slot.variables.as_ref();
        environment.is_alive()
            && had.is_some_and(|had| same(had, variables))
            && slot.code == Some(Fingerprint::of(&self.copy.code))
    }

    fn launch(&self, variables: &Environment, debuggee: Option<&Debuggee>) -> Launch {
        let target = self.debug_target(debuggee);
        let start = self.copy.starter.command(target.as_ref());
        let start = match debuggee {
            Some(debuggee) => debuggee.around(start),
            None => start,
        };
        let (handler, code) = (&self.copy.handler, &self.copy.code);
        Launch {
            label: self.copy.name.as_str().into(),
            program: start.program,
            arguments: start.arguments,
            environment: Secret::new(world::environment(
                handler,
                code,
                variables,
                start.variables,
            )),
            directory: code.clone(),
        }
    }

    /// What a process is told of its debugger.
    fn debug_target(&self, debuggee: Option<&Debuggee>) -> Option<DebugTarget> {
        let debugger = self.copy.debugger.as_ref()?;
        match debuggee {
            Some(debuggee) => Some(debuggee.target()),
            None => Some(DebugTarget {
                wait: debugger.wait,
                editor: Some((debugger.host.clone(), debugger.port)),
                ..DebugTarget::default()
            }),
        }
    }

    /// Ends all processes, and then their debuggers' connections.
    pub async fn stop(&self) {
        let slots: Vec<_> = {
            let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            slots.drain().map(|(_, slot)| slot).collect()
        };
        let mut ends = JoinSet::new();
        for slot in slots {
            ends.spawn(async move { slot.lock().await.stop().await });
        }
        while ends.join_next().await.is_some() {}
        if let Some(port) = self.port.get() {
            port.close().await;
        }
    }
}

impl Default for Slot {
    fn default() -> Self {
        Self {
            environment: None,
            debuggee: None,
            variables: None,
            code: None,
            used: Instant::now(),
            overdue: false,
        }
    }
}

impl Slot {
    /// Whether an earlier invocation still runs, whose time was up.
    fn is_overdue(&self) -> bool {
        let asks = self
            .environment
            .as_ref()
            .is_none_or(ExecutionEnvironment::is_waiting);
        self.overdue && !asks
    }

    async fn stop(&mut self) {
        if let Some(environment) = self.environment.take() {
            environment.stop().await;
        }
        self.debuggee = None;
    }
}

fn left(invocation: &Invocation) -> Duration {
    Duration::from_millis(invocation.deadline_ms.saturating_sub(crate::now().0))
}

/// Whether the function's own variables are the same. What Lambda sets is no
/// reason for a new process, and a debugger's, least of all.
fn same(had: &Environment, have: &Environment) -> bool {
    let own = |variables: &Environment| -> BTreeMap<String, String> {
        let mut own = variables.expose().clone();
        own.retain(|name, _| !of_lambda(name));
        own
    };
    own(had) == own(have)
}

fn of_lambda(name: &str) -> bool {
    const OTHERS: [&str; 3] = ["LANG", "TZ", "LC_CTYPE"];
    OTHERS.contains(&name)
        || ["AWS_", "LAMBDA_", "_"]
            .iter()
            .any(|it| name.starts_with(it))
}

#[cfg(test)]
mod tests;
