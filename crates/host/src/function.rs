//! The environments of one function's working copy.
//!
//! * [`slots`] are the places in which processes serve;
//! * [`process`] is what serves in one;
//! * [`making`] makes what is run of what was saved;
//! * [`foreign`] is about processes that the developer starts;
//! * [`keeping`] replaces processes between invocations, when code was saved.

mod foreign;
mod keeping;
mod making;
mod process;
mod slots;
mod start;

pub use slots::Seat;

use crate::debugger::{DebugPort, Debugger};
use crate::environment::Ended;
use crate::freshness::Fingerprint;
use crate::logs::{LogLine, LogSink};
use crate::run_state::RunState;
use crate::starter::{BuildFailed, DebuggerKind, Progress, StartError, Starter};
use crate::watch::Watcher;
use bytes::Bytes;
use keeping::Spare;
use making::Making;
use process::Process;
use slots::{Slot, Slots};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex as Latch, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tether_protocol::Environment;
use tether_runtime_api::{ErrorObject, Invocation};
use tokio::sync::{Mutex, Notify, OnceCell};
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

impl WorkingCopy {
    /// Whether somebody looks at its process, under a debugger or because he
    /// has started it: nobody else ends it, or hurries it.
    fn has_a_developer(&self) -> bool {
        self.debugger.is_some() || self.starter.as_foreign().is_some()
    }
}

/// Runs the invocations of one function: one process for each remote
/// environment, or one in all under a debugger.
pub struct Function {
    copy: WorkingCopy,
    sink: LogSink,
    /// Open from the first process to the end, if it is debugged.
    port: OnceCell<DebugPort>,
    making: Making,
    slots: Slots,
    /// The variables of the last invocation.
    variables: Latch<Option<Environment>>,
    /// Locked while a process starts.
    spare: Mutex<Option<Spare>>,
    /// An invocation has ended, and maybe the code is another one by now.
    outdated: Notify,
}

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

/// Whose process it is that starts before the first event.
const NOBODYS: &str = "";

/// Where a developer is at work there is one process: its port is taken.
const ONE: NonZeroUsize = NonZeroUsize::MIN;

impl Function {
    /// A function without a process yet. Its files are looked at before each
    /// invocation.
    #[must_use]
    pub fn new(copy: WorkingCopy, sink: LogSink) -> Self {
        Self {
            making: Making::new(copy.starter.clone(), progress(&copy, &sink), None),
            slots: Slots::at_most(copy.has_a_developer().then_some(ONE)),
            copy,
            sink,
            port: OnceCell::new(),
            variables: Latch::default(),
            spare: Mutex::default(),
            outdated: Notify::new(),
        }
    }

    /// Hears of changes to its code by this; see
    /// [`keep_fresh`](Self::keep_fresh).
    #[must_use]
    pub fn watched(mut self, watcher: &Watcher) -> Self {
        let progress = progress(&self.copy, &self.sink);
        self.making = Making::new(self.copy.starter.clone(), progress, Some(watcher.clone()));
        self
    }

    /// Has so many processes at most, be there more remote environments: those
    /// share them then. Under a debugger it is always one.
    #[must_use]
    pub fn at_most(mut self, processes: Option<NonZeroUsize>) -> Self {
        if !self.copy.has_a_developer() {
            self.slots = Slots::at_most(processes);
        }
        self
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
        self.remember(variables);
        let nobodys = RunState::new();
        let mut seat = self.slots.seat(NOBODYS, || {}).await;
        let process = match self.process(&mut seat.0, variables, &nobodys).await {
            Ok(process) => process,
            Err(NotStarted::Machine(error)) => {
                if let Some(foreign) = self.copy.starter.as_foreign() {
                    return Err(StartError::NoDoor {
                        port: foreign.port(),
                        function: self.copy.name.clone(),
                        reason: error.to_string(),
                    });
                }
                return Err(StartError::Broken {
                    program: self.copy.starter.program().to_path_buf(),
                    reason: error.to_string(),
                    advice: "see whether it is complete",
                });
            }
            Err(error) => return Ok(Some(self.not_started(error))),
        };
        let waits = self.copy.debugger.as_ref().is_some_and(|it| it.wait);
        if waits || self.copy.starter.as_foreign().is_some() {
            return Ok(None);
        }
        let failed = process.environment.ready().await;
        if failed.is_some() {
            seat.0.stop().await;
        }
        Ok(failed)
    }

    /// Builds it before its first event, whose time that would be. Some: it
    /// could not be built, and this is why.
    pub async fn build(&self) -> Option<Ended> {
        let made = self.making.now().await;
        made.built
            .err()
            .map(|failed| self.not_started(failed.into()))
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

    /// A seat for an invocation of this remote environment, if a local process
    /// is free for it now.
    #[must_use]
    pub fn free_seat(&self, remote_environment: &str) -> Option<Seat> {
        self.slots.free(remote_environment)
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
        self.remember(variables);
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
            Ended::TimedOut if self.copy.has_a_developer() => slot.overdue = true,
            _ => slot.stop().await,
        }
        let code = slot.process.as_ref().map(Process::code);
        drop(slot);
        if !code.is_some_and(|it| self.making.is_still(it)) {
            self.outdated.notify_one();
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
        let seat = self.slots.seat(remote_environment, || state.waits());
        tokio::time::timeout(left(invocation), seat).await.ok()
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
            let process = self.process(slot, variables, state);
            let process = match tokio::time::timeout(left(&invocation), process).await {
                Ok(Ok(process)) => process,
                Ok(Err(error)) => return (self.not_started(error), Instant::now()),
                Err(_) => return (Ended::TimedOut, Instant::now()),
            };
            process.is_used();
            let environment = &mut process.environment;
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

    /// The slot's process; a new one if there is none, if it has ended, or if
    /// the code or the variables are others by now. One that stands at a
    /// breakpoint is waited for before.
    async fn process<'a>(
        &self,
        slot: &'a mut Slot,
        variables: &Environment,
        state: &RunState,
    ) -> Result<&'a mut Process, NotStarted> {
        let made = self.making.now().await;
        let is_current = |it: &mut Process| it.is_current(made.code, variables);
        if slot.process.as_mut().is_some_and(|it| !is_current(it)) {
            slot.rests().await;
            state.starts();
            slot.stop().await;
        }
        made.built?;
        let process = match slot.process.take() {
            Some(process) => process,
            None => {
                state.starts();
                slot.expects(made.code);
                let mut spare = self.spare.lock().await;
                match self.fitting(&mut spare, made.code, variables).await {
                    Some(process) => process,
                    None => self.new_process(made.code, variables).await?,
                }
            }
        };
        state.is_debugged_in(process.sessions());
        Ok(slot.process.insert(process))
    }

    async fn new_process(
        &self,
        code: Fingerprint,
        variables: &Environment,
    ) -> Result<Process, NotStarted> {
        let port = self.port().await.map_err(std::io::Error::other)?;
        Ok(Process::start(&self.copy, code, variables, port, &self.sink).await?)
    }

    /// Nobody hurries a developer at a breakpoint.
    fn init_limit(&self) -> Option<Duration> {
        (!self.copy.has_a_developer()).then_some(INIT)
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

    /// Places in local processes, those that are about to be included.
    #[must_use]
    pub fn places(&self) -> usize {
        self.slots.count()
    }

    /// Whether there is a place for this remote environment: its own, or a new
    /// one, if there may be `more`, or one that it shares.
    #[must_use]
    pub fn has_place(&self, remote_environment: &str, more: bool) -> bool {
        self.slots.has(remote_environment, more)
    }

    /// Ends the processes that were not used for this long, but never one that
    /// runs, or that a debugger may wait at.
    pub async fn end_idle(&self, idle: Duration) {
        if self.copy.has_a_developer() {
            return;
        }
        for mut slot in self.slots.idle(idle) {
            slot.stop().await;
        }
        self.end_spare(idle).await;
    }

    /// Ends the processes of remote environments whose names begin like this, with
    /// the same exceptions: nobody asks for them any more.
    pub async fn end_named(&self, prefix: &str) {
        if self.copy.has_a_developer() {
            return;
        }
        for mut slot in self.slots.named(prefix) {
            slot.stop().await;
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

    fn remember(&self, variables: &Environment) {
        let mut last = lock(&self.variables);
        if last.as_ref() != Some(variables) {
            *last = Some(variables.clone());
        }
    }

    /// Ends all processes, and then their debuggers' connections.
    pub async fn stop(&self) {
        self.making.stop().await;
        self.end_spare(Duration::ZERO).await;
        let mut ends = JoinSet::new();
        for place in self.slots.drain() {
            ends.spawn(async move { place.slot.lock().await.stop().await });
        }
        while ends.join_next().await.is_some() {}
        if let Some(port) = self.port.get() {
            port.close().await;
        }
    }
}

/// What a build says stands in the function's log.
fn progress(copy: &WorkingCopy, sink: &LogSink) -> Progress {
    let (sink, source) = (sink.clone(), Arc::from(copy.name.as_str()));
    Arc::new(move |text: &str| {
        sink.take(LogLine::platform(&source, text.to_owned()));
    })
}

fn left(invocation: &Invocation) -> Duration {
    Duration::from_millis(invocation.deadline_ms.saturating_sub(crate::now().0))
}

fn lock<T>(shared: &Latch<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
