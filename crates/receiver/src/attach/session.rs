//! The loop of a session: messages in, invocations out.

use super::prepare::Prepared;
use super::random_text;
use crate::Ending;
use crate::account::Developer;
use crate::dispatch::{self, Done, Job, WorkResult, millis};
use crate::error::Error;
use crate::link::Link;
use crate::plan::AttachPlan;
use crate::report::{FunctionState, Hops, InvocationOutcome, Report, Reports};
use crate::stack::HelperStack;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tether_protocol::constants::{GRACE_AFTER_DISCONNECT, KEEP_ALIVE, RECORD_KEPT_AFTER_DEADLINE};
use tether_protocol::message::{Invoke, Progress, ProgressState, Reply, ToCloud, ToLaptop};
use tether_protocol::{ClaimId, Environment, InvocationKey, Nonce, SessionId, Timestamp};
use tether_runtime_api::ErrorObject;
use tether_store::Correlation;
use tokio::task::{JoinError, JoinSet};
use tokio::time::MissedTickBehavior;

/// Keep-alives without an answer before the connection counts as dead.
const UNANSWERED: u32 = 1;

/// All functions of a stack are instrumented in this time, or something is
/// wrong: a hundred of them take a few seconds.
const INSTRUMENTING: Duration = Duration::from_secs(300);

/// How long an error for an interrupted invocation is waited for to be stored.
const LAST_WORDS: Duration = Duration::from_secs(3);

pub(super) struct Session {
    id: SessionId,
    link: Link,
    stack_name: String,
    prepared: Prepared,
    local: Environment,
    correlation: Correlation,
    reports: Reports,
    instrumented: Vec<String>,
    /// Attempts that were ever taken: messages may come twice.
    seen: HashSet<Nonce>,
    running: HashMap<Nonce, Running>,
    work: JoinSet<Done>,
    unanswered: u32,
    /// Which task runs which attempt.
    tasks: HashMap<tokio::task::Id, InvocationKey>,
    /// A message could not be sent.
    broken: bool,
    draining: bool,
    ready: bool,
}

/// An invocation from its arrival to its stored reply.
struct Running {
    function: String,
    key: InvocationKey,
    claim: ClaimId,
    received_at: Timestamp,
    hops: Hops,
    /// Kept until it is acknowledged.
    reply: Option<Box<Reply>>,
    outcome: InvocationOutcome,
    detail: String,
    replied: Instant,
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
            correlation: Correlation::new(&developer.config, &helper.debugger_table),
            reports: Arc::clone(reports),
            instrumented: Vec::new(),
            seen: HashSet::new(),
            running: HashMap::new(),
            work: JoinSet::new(),
            unanswered: 0,
            tasks: HashMap::new(),
            broken: false,
            draining: false,
            ready: false,
        }
    }

    /// Serves until asked to end; its processes have ended then.
    pub(super) async fn serve(mut self, ending: &Ending) -> Result<(), Error> {
        let served = self.turn(ending).await;
        if !self.running.is_empty() {
            // Whoever is not told in time gets the bootstrap's own error.
            let _ = tokio::time::timeout(LAST_WORDS, self.interrupt()).await;
        }
        self.work.abort_all();
        self.prepared.stop().await;
        self.link.close().await;
        served
    }

    async fn turn(&mut self, ending: &Ending) -> Result<(), Error> {
        let mut keep_alive = tokio::time::interval(KEEP_ALIVE);
        // After a long reconnect, one tick and not all that were missed.
        keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        keep_alive.tick().await;
        let too_long = tokio::time::sleep(INSTRUMENTING);
        tokio::pin!(too_long);
        while !(self.draining && self.running.is_empty()) {
            if std::mem::take(&mut self.broken) {
                self.reconnect(ending).await?;
            }
            tokio::select! {
                message = self.link.next() => match message {
                    Some(message) => self.received(message)?,
                    None => self.reconnect(ending).await?,
                },
                Some(done) = self.work.join_next_with_id() => match done {
                    Ok((_, done)) => self.finished(done).await,
                    Err(error) => self.crashed(&error).await,
                },
                () = &mut too_long, if !self.ready && !self.draining => {
                    let reason = format!("no word of its functions within {} s", INSTRUMENTING.as_secs());
                    return Err(Error::HelperSilent(reason));
                }
                _ = keep_alive.tick() => self.keep_alive(ending).await?,
                () = ending.gently.cancelled(), if !self.draining => self.drain(),
                () = ending.at_once.cancelled() => return Ok(()),
            }
        }
        Ok(())
    }

    fn note(&self, message: String) {
        (self.reports)(Report::Note { message });
    }

    fn drain(&mut self) {
        self.draining = true;
        if !self.running.is_empty() {
            self.note(format!(
                "waiting for {} invocation(s) to end; Ctrl-C again answers them with an error",
                self.running.len()
            ));
        }
    }

    fn received(&mut self, message: ToLaptop) -> Result<(), Error> {
        match message {
            ToLaptop::Welcome(_) | ToLaptop::Alive => self.unanswered = 0,
            ToLaptop::Progress(progress) => self.progressed(progress),
            ToLaptop::Ready => self.instrumentation_ended()?,
            ToLaptop::Invoke(invoke) => self.invoke(invoke),
            ToLaptop::Stored(key) => self.stored(&key),
            ToLaptop::Refused(refused) => {
                self.ended(&refused.key, InvocationOutcome::Dropped, refused.reason);
            }
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
        (self.reports)(Report::Ready {
            session_id: self.id.to_string(),
            stack: self.stack_name.clone(),
            functions: self.prepared.attached(&self.instrumented),
        });
        Ok(())
    }

    fn invoke(&mut self, invoke: Box<Invoke>) {
        if !self.seen.insert(invoke.key.nonce.clone()) {
            return;
        }
        let arrived = tether_host::now();
        let name = self.name_of(&invoke.function_arn);
        // The two clocks may be minutes apart: what counts is the time left when
        // it was posted.
        let left = invoke.deadline.since(invoke.posted_at);
        // A laptop that slept for hours: the mark against a second run may have
        // vanished by its TTL.
        let stale = arrived > invoke.deadline.plus(RECORD_KEPT_AFTER_DEADLINE / 2);
        if left.is_zero() || stale {
            let key = invoke.key.clone();
            self.remember(name, &invoke, ClaimId::new(""));
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
        let claim = ClaimId::new(random_text(8));
        self.remember(name, &invoke, claim.clone());
        let job = Job {
            invoke,
            function,
            correlation: self.correlation.clone(),
            session: self.id.clone(),
            claim,
            local: self.local.clone(),
            arrived,
            deadline: arrived.plus(left),
            reports: Arc::clone(&self.reports),
        };
        let key = job.invoke.key.clone();
        let task = if self.draining {
            let reason = "left to the deployed code: this session is ending".to_owned();
            self.work.spawn(dispatch::decline(job, reason))
        } else {
            self.work.spawn(dispatch::work(job))
        };
        self.tasks.insert(task.id(), key);
    }

    fn remember(&mut self, function: String, invoke: &Invoke, claim: ClaimId) {
        let running = Running {
            function,
            key: invoke.key.clone(),
            claim,
            received_at: invoke.received_at,
            hops: Hops::default(),
            reply: None,
            outcome: InvocationOutcome::Dropped,
            detail: String::new(),
            replied: Instant::now(),
        };
        self.running.insert(invoke.key.nonce.clone(), running);
    }

    /// A bug of ours ended a run: its caller shall not wait for it.
    async fn crashed(&mut self, error: &JoinError) {
        let Some(key) = self.tasks.remove(&error.id()) else {
            return;
        };
        let Some(claim_id) = self.running.get(&key.nonce).map(|it| it.claim.clone()) else {
            return;
        };
        let message = format!("tether: a bug ended this run: {error}");
        let body = ErrorObject::new("Tether.Bug", message.clone()).to_bytes();
        let outcome = dispatch::failed(Some("Tether.Bug".to_owned()), &body);
        let reply = Reply {
            key: key.clone(),
            claim_id,
            outcome,
        };
        let result = WorkResult::Reply {
            reply: Box::new(reply),
            outcome: InvocationOutcome::Failed,
            detail: message,
        };
        let hops = Hops::default();
        self.finished(Done { key, hops, result }).await;
    }

    async fn finished(&mut self, done: Done) {
        self.tasks.retain(|_, key| *key != done.key);
        let (reply, outcome, detail) = match done.result {
            WorkResult::Reply {
                reply,
                outcome,
                detail,
            } => (reply, outcome, detail),
            WorkResult::Dropped(reason) => {
                if let Some(running) = self.running.get_mut(&done.key.nonce) {
                    running.hops = done.hops;
                }
                let outcome = if self.draining {
                    InvocationOutcome::Declined
                } else {
                    InvocationOutcome::Dropped
                };
                return self.ended(&done.key, outcome, reason);
            }
        };
        if let Some(running) = self.running.get_mut(&done.key.nonce) {
            running.hops = done.hops;
            running.outcome = outcome;
            running.detail = detail;
            running.reply = Some(reply.clone());
            running.replied = Instant::now();
        }
        // One that is lost is sent again after the reconnect.
        self.broken |= !self.link.send(&ToCloud::Reply(*reply)).await;
    }

    fn stored(&mut self, key: &InvocationKey) {
        if let Some(running) = self.running.get_mut(&key.nonce) {
            running.hops.reply_ms = millis(running.replied.elapsed());
            let (outcome, detail) = (running.outcome, std::mem::take(&mut running.detail));
            self.ended(key, outcome, detail);
        }
    }

    fn ended(&mut self, key: &InvocationKey, outcome: InvocationOutcome, detail: String) {
        if let Some(running) = self.running.remove(&key.nonce) {
            (self.reports)(Report::Invocation {
                function: running.function,
                request_id: running.key.request_id,
                outcome,
                detail,
                total_ms: millis(tether_host::now().since(running.received_at)),
                hops: running.hops,
            });
        }
    }

    async fn keep_alive(&mut self, ending: &Ending) -> Result<(), Error> {
        if self.unanswered >= UNANSWERED {
            return self.reconnect(ending).await;
        }
        self.unanswered += 1;
        self.broken |= !self.link.send(&ToCloud::KeepAlive).await;
        self.repeat_replies().await;
        Ok(())
    }

    async fn reconnect(&mut self, ending: &Ending) -> Result<(), Error> {
        self.note("the connection is gone: reconnecting".to_owned());
        let instrument = !self.ready;
        // What runs cannot be answered without a connection: its callers have
        // an error after this grace.
        let grace = if self.running.is_empty() {
            Duration::ZERO
        } else {
            GRACE_AFTER_DISCONNECT
        };
        tokio::select! {
            opened = self.link.reopen(instrument) => opened?,
            () = ending.at_once.cancelled() => return Ok(()),
            () = ended_for(ending, grace) => {
                self.draining = true;
                self.running.clear();
                return Ok(());
            }
        }
        self.note("connected again".to_owned());
        self.unanswered = 0;
        self.broken = false;
        self.repeat_replies().await;
        Ok(())
    }

    async fn repeat_replies(&mut self) {
        let waiting = self.running.values().filter_map(|it| it.reply.clone());
        for reply in waiting.collect::<Vec<_>>() {
            self.broken |= !self.link.send(&ToCloud::Reply(*reply)).await;
        }
    }

    /// Answers what is running with an error: its process is about to end.
    async fn interrupt(&mut self) {
        let error = ErrorObject::new(
            "Tether.Detached",
            "tether: the debugging session ended while this invocation was running: repeat it",
        );
        let body = error.to_bytes();
        for running in self.running.values_mut().filter(|it| it.reply.is_none()) {
            running.outcome = InvocationOutcome::Failed;
            running.detail.clone_from(&error.error_type);
            running.reply = Some(Box::new(Reply {
                key: running.key.clone(),
                claim_id: running.claim.clone(),
                outcome: dispatch::failed(Some(error.error_type.clone()), &body),
            }));
        }
        self.repeat_replies().await;
        while !self.running.is_empty() {
            match self.link.next().await {
                Some(ToLaptop::Stored(key)) => self.stored(&key),
                Some(ToLaptop::Refused(refused)) => {
                    self.ended(&refused.key, InvocationOutcome::Dropped, refused.reason);
                }
                Some(_) => {}
                None => return,
            }
        }
    }
}

/// The end was asked for this long ago.
async fn ended_for(ending: &Ending, grace: Duration) {
    ending.gently.cancelled().await;
    tokio::time::sleep(grace).await;
}
