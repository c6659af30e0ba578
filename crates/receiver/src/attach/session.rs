//! The loop of a session: messages in, invocations out. Nothing in it waits
//! for the network or for a process.

mod last;

use super::in_flight::{InFlight, REPEAT_AFTER};
use super::prepare::Prepared;
use super::random_text;
use crate::Ending;
use crate::account::Developer;
use crate::dispatch::{self, Done, Job, WorkResult};
use crate::error::Error;
use crate::link::{Heard, Link};
use crate::plan::{AttachPlan, WhenBusy};
use crate::report::{FunctionState, Hops, InvocationOutcome, Report, Reports};
use crate::stack::HelperStack;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tether_host::Function;
use tether_protocol::constants::{KEEP_ALIVE, LOCAL_PROCESS_IDLE, RECORD_KEPT_AFTER_DEADLINE};
use tether_protocol::message::{
    Invoke, Progress, ProgressState, Refused, Reply, ToCloud, ToLaptop,
};
use tether_protocol::{ClaimId, Environment, InvocationKey, SessionId};
use tether_runtime_api::ErrorObject;
use tether_store::Correlation;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior};

/// Keep-alives without an answer before the connection counts as dead.
const UNANSWERED: u32 = 1;

/// All functions of a stack are instrumented in this time, or something is
/// wrong: a hundred of them take a few seconds.
const INSTRUMENTING: Duration = Duration::from_secs(300);

/// The pause between two slices of what is sent again.
const BETWEEN_SLICES: Duration = Duration::from_millis(100);

/// Local processes of all functions together. A stack under load has more
/// environments than a laptop has room for.
const MOST_PROCESSES: usize = 64;

/// Processes that were not used for this long make room for others.
const MAKES_ROOM: Duration = Duration::from_secs(10);

pub(super) struct Session {
    id: SessionId,
    link: Link,
    stack_name: String,
    prepared: Prepared,
    local: Environment,
    when_busy: WhenBusy,
    correlation: Correlation,
    reports: Reports,
    instrumented: Vec<String>,
    in_flight: InFlight,
    work: JoinSet<Done>,
    /// Ends idle processes.
    chores: JoinSet<()>,
    unanswered: u32,
    /// Which task runs which attempt.
    tasks: HashMap<tokio::task::Id, InvocationKey>,
    /// It is ending and there is no connection, since then.
    alone_since: Option<Instant>,
    draining: bool,
    ready: bool,
}

impl Session {
    #[allow(
        clippy::too_many_arguments,
        reason = "it gathers what a session is made of"
    )]
    pub(super) fn new(
        id: SessionId,
        link: Link,
        plan: &AttachPlan,
        helper: &HelperStack,
        developer: &Developer,
        prepared: Prepared,
        local: Environment,
        reports: &Reports,
    ) -> Self {
        Self {
            id,
            link,
            stack_name: plan.stack_name.clone(),
            prepared,
            local,
            when_busy: plan.when_busy,
            correlation: Correlation::new(&developer.config, &helper.debugger_table),
            reports: Arc::clone(reports),
            instrumented: Vec::new(),
            in_flight: InFlight::default(),
            work: JoinSet::new(),
            chores: JoinSet::new(),
            unanswered: 0,
            tasks: HashMap::new(),
            alone_since: None,
            draining: false,
            ready: false,
        }
    }

    /// Serves until asked to end; its processes have ended then.
    pub(super) async fn serve(mut self, ending: &Ending) -> Result<(), Error> {
        let served = self.turn(ending).await;
        self.last_words().await;
        self.work.abort_all();
        self.prepared.stop().await;
        self.link.close().await;
        served
    }

    async fn turn(&mut self, ending: &Ending) -> Result<(), Error> {
        let mut keep_alive = tokio::time::interval(KEEP_ALIVE);
        // After a sleep, one tick and not all that were missed.
        keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        keep_alive.tick().await;
        let mut repeat = tokio::time::interval(REPEAT_AFTER);
        repeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut slice = tokio::time::interval(BETWEEN_SLICES);
        slice.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let too_long = tokio::time::sleep(INSTRUMENTING);
        tokio::pin!(too_long);
        while !(self.draining && self.in_flight.unfinished() == 0) {
            tokio::select! {
                heard = self.link.next() => self.heard(heard)?,
                Some(done) = self.work.join_next_with_id() => match done {
                    Ok((task, done)) => self.finished(task, done),
                    Err(error) => self.crashed(&error),
                },
                Some(_) = self.chores.join_next() => {}
                () = &mut too_long, if !self.ready && !self.draining => {
                    let reason = format!("no word of its functions within {} s", INSTRUMENTING.as_secs());
                    return Err(Error::HelperSilent(reason));
                }
                _ = keep_alive.tick() => self.keep_alive(),
                _ = repeat.tick() => {
                    self.in_flight.overdue_again();
                    self.repeat_replies();
                }
                _ = slice.tick(), if self.has_more_to_repeat() => self.repeat_replies(),
                () = ending.gently.cancelled(), if !self.draining => self.drain(),
                () = ending.at_once.cancelled() => return Ok(()),
                // What runs cannot be answered without a connection: its callers
                // have an error by now.
                () = last::after_grace(self.alone_since), if self.alone_since.is_some() => {
                    self.give_up();
                }
            }
        }
        Ok(())
    }

    fn heard(&mut self, heard: Heard) -> Result<(), Error> {
        match heard {
            Heard::Message(message) => self.received(message)?,
            Heard::Lost(reason) => {
                self.told(Report::Disconnected { reason });
                self.alone_since = self.draining.then(Instant::now);
            }
            Heard::StillTrying {
                attempt,
                trying_for,
                reason,
            } => self.told(Report::Reconnecting {
                attempt,
                seconds: trying_for.as_secs(),
                reason,
            }),
            Heard::Resumed => {
                self.told(Report::Reconnected);
                self.unanswered = 0;
                self.alone_since = None;
                self.in_flight.all_again();
                self.repeat_replies();
            }
            Heard::Renewed => {
                self.told(Report::Renewed);
                self.unanswered = 0;
            }
            Heard::Refused(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn told(&self, report: impl Into<Option<Report>>) {
        if let Some(report) = report.into() {
            (self.reports)(report);
        }
    }

    fn note(&self, message: String) {
        self.told(Report::Note { message });
    }

    fn received(&mut self, message: ToLaptop) -> Result<(), Error> {
        match message {
            ToLaptop::Welcome(_) | ToLaptop::Alive => self.unanswered = 0,
            ToLaptop::Progress(progress) => self.progressed(progress),
            ToLaptop::Ready => self.instrumentation_ended()?,
            ToLaptop::Invoke(invoke) => self.invoke(invoke),
            ToLaptop::Stored(key) => {
                let ended = self.in_flight.stored(&key);
                self.told(ended);
            }
            ToLaptop::Refused(refused) => self.refused(refused),
            ToLaptop::SessionEnded(reason) => return Err(Error::SessionEnded(reason.reason)),
            ToLaptop::Problem(reason) if !self.ready => {
                return Err(Error::HelperSilent(reason.reason));
            }
            ToLaptop::Problem(reason) => self.note(reason.reason),
            _ => self
                .note("the helper stack sent a message that this version does not know".to_owned()),
        }
        Ok(())
    }

    fn progressed(&mut self, progress: Progress) {
        let state = match progress.state {
            ProgressState::Instrumented => FunctionState::Instrumented,
            ProgressState::Skipped => FunctionState::Skipped,
            _ => FunctionState::Failed,
        };
        let known = self.instrumented.contains(&progress.function_arn);
        if state == FunctionState::Instrumented && !known {
            self.instrumented.push(progress.function_arn.clone());
        }
        (self.reports)(Report::Function {
            function: self.name_of(&progress.function_arn),
            state,
            detail: progress.detail,
        });
    }

    fn name_of(&self, arn: &str) -> String {
        let target = self.prepared.find(arn);
        target.map_or_else(|| arn.to_owned(), |it| it.remote.logical_id.clone())
    }

    fn instrumentation_ended(&mut self) -> Result<(), Error> {
        if self.ready {
            return Ok(());
        }
        if self.instrumented.is_empty() {
            return Err(Error::NothingInstrumented {
                stack: self.stack_name.clone(),
            });
        }
        self.ready = true;
        self.link.is_instrumented();
        (self.reports)(Report::Ready {
            session_id: self.id.to_string(),
            stack: self.stack_name.clone(),
            functions: self.prepared.attached(&self.instrumented),
        });
        Ok(())
    }

    fn invoke(&mut self, invoke: Box<Invoke>) {
        let arrived = tether_host::now();
        // The two clocks may be minutes apart: what counts is the time left when
        // it was posted.
        let left = invoke.deadline.since(invoke.posted_at);
        let deadline = arrived.plus(left);
        if !self.in_flight.is_new(&invoke.key.nonce, deadline) {
            return;
        }
        let name = self.name_of(&invoke.function_arn);
        // A laptop that slept for hours: the mark against a second run may have
        // vanished by its TTL.
        let stale = arrived > invoke.deadline.plus(RECORD_KEPT_AFTER_DEADLINE / 2);
        if left.is_zero() || stale {
            let key = invoke.key.clone();
            self.in_flight.begin(name, &invoke, ClaimId::new(""));
            let reason = "it arrived after its deadline".to_owned();
            return self.ended(&key, InvocationOutcome::Dropped, reason);
        }
        let function = self
            .prepared
            .find(&invoke.function_arn)
            .map(|it| Arc::clone(&it.function));
        let Some(function) = function else {
            // Not ours: nobody declines for others; the bootstrap goes on by itself.
            return self.note(format!("an event for {name} came, which is not attached"));
        };
        let reason = self.reason_to_decline(&function, &invoke.environment_id);
        let claim = ClaimId::new(random_text(8));
        self.in_flight.begin(name, &invoke, claim.clone());
        let job = Job {
            invoke,
            function,
            correlation: self.correlation.clone(),
            session: self.id.clone(),
            claim,
            local: self.local.clone(),
            arrived,
            deadline,
            when_busy: self.when_busy,
            reports: Arc::clone(&self.reports),
        };
        let key = job.invoke.key.clone();
        let task = match reason {
            Some(reason) => {
                self.in_flight.declines(&key);
                self.work.spawn(dispatch::decline(job, reason))
            }
            None => self.work.spawn(dispatch::work(job)),
        };
        self.tasks.insert(task.id(), key);
    }

    /// None: it runs here.
    fn reason_to_decline(&mut self, function: &Function, environment: &str) -> Option<String> {
        if self.draining {
            return Some("left to the deployed code: this session is ending".to_owned());
        }
        let functions = self.prepared.functions.iter().map(|it| &it.function);
        let places: usize = functions.map(|it| it.places()).sum();
        if function.has_place(environment, places < MOST_PROCESSES) {
            return None;
        }
        self.end_idle(MAKES_ROOM);
        Some(format!(
            "left to the deployed code: {MOST_PROCESSES} local processes are the most there may be at once"
        ))
    }

    /// A bug of ours ended a run: its caller shall not wait for it.
    fn crashed(&mut self, error: &JoinError) {
        let Some(key) = self.tasks.get(&error.id()).cloned() else {
            return;
        };
        let Some(claim_id) = self.in_flight.claim_of(&key).cloned() else {
            return;
        };
        let message = format!("tether: a bug ended this run: {error}");
        let body = ErrorObject::new("Tether.Bug", message.clone()).to_bytes();
        let reply = Reply {
            key: key.clone(),
            claim_id,
            outcome: dispatch::failed(Some("Tether.Bug".to_owned()), &body),
        };
        let result = WorkResult::Reply {
            reply: Box::new(reply),
            outcome: InvocationOutcome::Failed,
            detail: message,
        };
        let hops = Hops::default();
        self.finished(error.id(), Done { key, hops, result });
    }

    fn finished(&mut self, task: tokio::task::Id, done: Done) {
        self.tasks.remove(&task);
        self.in_flight.measured(&done.key, done.hops);
        match done.result {
            WorkResult::Reply {
                reply,
                outcome,
                detail,
            } => {
                // One that is lost is sent again after the reconnect.
                self.in_flight.replied((*reply).clone(), outcome, detail);
                self.link.send(ToCloud::Reply(*reply));
            }
            WorkResult::Dropped(reason) => {
                self.ended(&done.key, InvocationOutcome::Dropped, reason);
            }
            WorkResult::Declined(reason) => {
                self.ended(&done.key, InvocationOutcome::Declined, reason);
            }
            WorkResult::Delivered => {
                let ended = self.in_flight.stored(&done.key);
                self.told(ended);
            }
        }
    }

    /// It may have been delivered all the same: see [`dispatch::look_after`].
    fn refused(&mut self, refused: Refused) {
        let Refused { key, reason } = refused;
        let Some((reply, times)) = self.in_flight.reply_of(&key) else {
            return self.ended(&key, InvocationOutcome::Dropped, reason);
        };
        let (correlation, hops) = (self.correlation.clone(), self.in_flight.hops_of(&key));
        let looking = dispatch::look_after(correlation, reply, times > 1, hops, reason);
        self.work.spawn(looking);
    }

    fn ended(&mut self, key: &InvocationKey, outcome: InvocationOutcome, detail: String) {
        let ended = self.in_flight.ended(key, outcome, detail);
        self.told(ended);
    }

    fn keep_alive(&mut self) {
        self.in_flight.forget(tether_host::now());
        self.end_idle(LOCAL_PROCESS_IDLE);
        if !self.link.is_up() {
            return;
        }
        if self.unanswered >= UNANSWERED {
            self.unanswered = 0;
            return self.link.lose("a keep-alive was not answered");
        }
        self.unanswered += 1;
        self.link.send(ToCloud::KeepAlive);
    }

    fn end_idle(&mut self, idle: Duration) {
        for target in &self.prepared.functions {
            let function = Arc::clone(&target.function);
            self.chores
                .spawn(async move { function.end_idle(idle).await });
        }
    }

    /// As many as the line takes now: what is new goes before what is repeated.
    fn repeat_replies(&mut self) {
        while self.link.has_room()
            && let Some(reply) = self.in_flight.next_again()
        {
            self.link.send(ToCloud::Reply(reply));
        }
    }

    fn has_more_to_repeat(&self) -> bool {
        self.link.is_up() && self.in_flight.is_any_again()
    }
}
