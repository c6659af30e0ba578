//! The loop of a session: messages in, invocations out. Nothing in it waits
//! for the network or for a process.

mod attempts;
mod checks;
mod last;

use super::in_flight::InFlight;
use super::prepare::Prepared;
use crate::Ending;
use crate::account::Developer;
use crate::dispatch::News;
use crate::error::Error;
use crate::link::{Heard, Link};
use crate::plan::{AttachPlan, WhenBusy};
use crate::report::{FunctionState, Report, Reports};
use crate::stack::HelperStack;
use checks::Checks;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tether_protocol::constants::LOCAL_PROCESS_IDLE;
use tether_protocol::message::{Progress, ProgressState, ToCloud, ToLaptop};
use tether_protocol::serve::{Arrivals, Event};
use tether_protocol::{Environment, SessionId, Timestamp};
use tether_store::Correlation;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

/// Keep-alives without an answer before the connection counts as dead.
const UNANSWERED: u32 = 1;

/// All functions of a stack are instrumented in this time, or something is
/// wrong: a hundred of them take a few seconds.
const INSTRUMENTING: Duration = Duration::from_secs(300);

/// The pause between two slices of what is sent again.
const BETWEEN_SLICES: Duration = Duration::from_millis(100);

pub(super) struct Session {
    id: SessionId,
    link: Link,
    stack_name: String,
    prepared: Prepared,
    local: Environment,
    when_busy: WhenBusy,
    keep_alive: Duration,
    correlation: Correlation,
    reports: Reports,
    instrumented: Vec<String>,
    arrivals: Arrivals,
    in_flight: InFlight,
    work: JoinSet<News>,
    /// Ends idle processes, and takes back what nobody wants.
    chores: JoinSet<()>,
    /// Compares functions with what they should be.
    checks: Checks,
    unanswered: u32,
    /// Which task does what.
    tasks: HashMap<tokio::task::Id, attempts::Task>,
    /// It is ending and there is no connection, since then.
    alone_since: Option<Instant>,
    draining: bool,
    /// The first hello was answered.
    welcomed: bool,
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
        let mut arrivals = Arrivals::default();
        arrivals.heard(developer.now(), tether_host::now());
        let checks = Checks::new(developer, helper, &id, plan.check_every);
        Self {
            id,
            link,
            stack_name: plan.stack_name.clone(),
            prepared,
            local,
            when_busy: plan.when_busy,
            keep_alive: plan.keep_alive,
            correlation: Correlation::new(&developer.config, &helper.debugger_table),
            reports: Arc::clone(reports),
            instrumented: Vec::new(),
            arrivals,
            in_flight: InFlight::default(),
            work: JoinSet::new(),
            chores: JoinSet::new(),
            checks,
            unanswered: 0,
            tasks: HashMap::new(),
            alone_since: None,
            draining: false,
            welcomed: false,
            ready: false,
        }
    }

    /// Serves until asked to end; its processes have ended then.
    pub(super) async fn serve(mut self, ending: &Ending) -> Result<(), Error> {
        let served = self.turn(ending).await;
        self.last_words().await;
        self.work.abort_all();
        self.goodbye().await;
        self.prepared.stop().await;
        self.link.close().await;
        served
    }

    async fn turn(&mut self, ending: &Ending) -> Result<(), Error> {
        let mut keep_alive = tokio::time::interval(self.keep_alive);
        // After a sleep, one tick and not all that were missed.
        keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        keep_alive.tick().await;
        let mut slice = tokio::time::interval(BETWEEN_SLICES);
        slice.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let too_long = tokio::time::sleep(INSTRUMENTING);
        tokio::pin!(too_long);
        while !(self.draining && self.in_flight.unfinished() == 0) {
            tokio::select! {
                heard = self.link.next() => self.heard(heard)?,
                Some(done) = self.work.join_next_with_id() => self.worked(done),
                Some(_) = self.chores.join_next() => {}
                checked = self.checks.next(), if self.ready && !self.draining => self.checked(checked),
                () = &mut too_long, if !self.ready && !self.draining => {
                    let reason = format!("no word of its functions within {} s", INSTRUMENTING.as_secs());
                    return Err(Error::HelperSilent(reason));
                }
                _ = keep_alive.tick() => self.keep_alive(),
                () = sleep_until(self.in_flight.next_wake()) => self.wake(),
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
                self.tell_all(Event::Reconnected);
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
            ToLaptop::Welcome(welcome) => {
                self.welcomed = true;
                self.alive(welcome.now);
            }
            ToLaptop::Alive(alive) => self.alive(alive.now),
            ToLaptop::Progress(progress) => self.progressed(progress),
            ToLaptop::Ready => self.instrumentation_ended()?,
            ToLaptop::Warning(warning) => self.told(Report::Warning {
                function: self.name_of(&warning.function_arn),
                detail: warning.detail,
            }),
            ToLaptop::Invoke(invoke) => self.invoke(invoke),
            ToLaptop::Stored(key) => self.tell(&key, Event::Stored),
            ToLaptop::Refused(refused) => {
                self.in_flight.refused(&refused.key, refused.reason);
                self.tell(&refused.key, Event::Refused);
            }
            ToLaptop::SessionEnded(reason) => return Err(Error::SessionEnded(reason.reason)),
            // The manager could not be started: nothing will come of this session.
            ToLaptop::Problem(reason) if !self.welcomed => {
                return Err(Error::HelperSilent(reason.reason));
            }
            // Whatever else it is about is tried again, and the line is good.
            ToLaptop::Problem(reason) => {
                self.unanswered = 0;
                self.note(reason.reason);
            }
            _ => self
                .note("the helper stack sent a message that this version does not know".to_owned()),
        }
        Ok(())
    }

    /// The helper stack has heard us, and may have said what time it is there.
    fn alive(&mut self, cloud: Option<Timestamp>) {
        self.unanswered = 0;
        if let Some(cloud) = cloud {
            self.arrivals.heard(cloud, tether_host::now());
        }
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

    fn keep_alive(&mut self) {
        self.arrivals.forget(tether_host::now());
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
}

/// By the wall clock; never, if there is nothing to wake up for.
async fn sleep_until(at: Option<Timestamp>) {
    match at {
        Some(at) => tokio::time::sleep(at.since(tether_host::now())).await,
        None => std::future::pending().await,
    }
}
