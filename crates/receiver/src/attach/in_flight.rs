//! What a session remembers of its invocations.

use crate::dispatch::{Job, News, Said, millis};
use crate::report::{Hops, InvocationOutcome, Report};
use std::collections::HashMap;
use std::time::Instant;
use tether_host::Seat;
use tether_protocol::constants::poll_pause;
use tether_protocol::message::{Invoke, Reply};
use tether_protocol::serve::{Action, Event, Finish, Late, Serve, Word};
use tether_protocol::{InvocationKey, Nonce, Timestamp};

/// Invocations from their arrival to their end.
#[derive(Default)]
pub(super) struct InFlight {
    running: HashMap<Nonce, Running>,
}

/// One of them.
pub(super) struct Running {
    /// For people.
    pub(super) name: String,
    pub(super) job: Job,
    /// Until it runs.
    pub(super) invoke: Option<Box<Invoke>>,
    /// Its place in a local process, if it has one already.
    pub(super) seat: Option<Seat>,
    serve: Serve,
    wake: Option<Timestamp>,
    received_at: Timestamp,
    arrived: Instant,
    hops: Hops,
    outcome: InvocationOutcome,
    /// Said at the end.
    detail: String,
    /// Kept until it is acknowledged.
    reply: Option<Reply>,
    first_sent: Option<Instant>,
    /// The reply may be lost: to be sent when the line has room.
    again: bool,
}

impl Running {
    pub(super) fn new(
        name: String,
        job: Job,
        invoke: Box<Invoke>,
        serve: Serve,
        hops: Hops,
    ) -> Self {
        Self {
            name,
            job,
            received_at: invoke.received_at,
            invoke: Some(invoke),
            seat: None,
            serve,
            wake: None,
            arrived: Instant::now(),
            hops,
            outcome: InvocationOutcome::Dropped,
            detail: String::new(),
            reply: None,
            first_sent: None,
            again: false,
        }
    }

    /// What it is left to the deployed code for.
    pub(super) fn because(mut self, reason: String) -> Self {
        self.detail = reason;
        self
    }

    fn says(&mut self, said: Said) {
        self.outcome = said.outcome;
        self.detail = said.detail;
        self.reply = Some(said.reply);
    }

    /// The line that is said of it, and a reply that nobody wants any more.
    fn ended(mut self, finish: Finish, now: Timestamp) -> (Report, Option<Reply>) {
        if finish == Finish::Delivered {
            if let Some(first) = self.first_sent {
                self.hops.reply_ms = millis(first.elapsed());
            }
            self.hops.poll_at_most_ms = millis(poll_pause(self.arrived.elapsed()));
            let (outcome, detail) = (self.outcome, std::mem::take(&mut self.detail));
            return (self.report(outcome, detail, now), None);
        }
        let outcome = match finish {
            Finish::Declined => InvocationOutcome::Declined,
            _ => InvocationOutcome::Dropped,
        };
        let detail = self.why(finish);
        let unwanted = match finish {
            Finish::Unknown => None,
            _ => self.reply.take(),
        };
        (self.report(outcome, detail, now), unwanted)
    }

    fn why(&mut self, finish: Finish) -> String {
        let known = std::mem::take(&mut self.detail);
        let words = match finish {
            Finish::Delivered | Finish::Declined | Finish::Unclaimed | Finish::Refused => "",
            Finish::Elsewhere => "the deployed code has taken it meanwhile",
            Finish::Late(Late::Claiming) => "its deadline passed while it was claimed",
            Finish::Late(Late::Running) if !known.is_empty() => "",
            Finish::Late(Late::Running) => "its deadline has passed, and the caller has an error",
            Finish::Late(Late::Replying) => "its answer came too late: the caller has an error",
            Finish::Unknown => {
                "nobody has acknowledged its answer, and what became of it cannot be read"
            }
        };
        if words.is_empty() {
            known
        } else {
            words.to_owned()
        }
    }

    /// `now` is by the cloud's clock, as the time of its arrival there is.
    fn report(self, outcome: InvocationOutcome, detail: String, now: Timestamp) -> Report {
        // Across two clocks that are milliseconds apart; the hops here are of one.
        let total = millis(now.since(self.received_at));
        Report::Invocation {
            function: self.name,
            request_id: self.job.key.request_id,
            outcome,
            detail,
            total_ms: total.max(self.hops.known_ms()),
            hops: self.hops,
        }
    }
}

impl InFlight {
    pub(super) fn begin(&mut self, running: Running) {
        let nonce = running.job.key.nonce.clone();
        self.running.insert(nonce, running);
    }

    pub(super) fn find(&mut self, key: &InvocationKey) -> Option<&mut Running> {
        self.running.get_mut(&key.nonce)
    }

    pub(super) fn job(&self, key: &InvocationKey) -> Option<Job> {
        self.running.get(&key.nonce).map(|it| it.job.clone())
    }

    /// Lets an attempt's machine know; what it says is to be done.
    pub(super) fn handle(&mut self, key: &InvocationKey, event: Event) -> Vec<Action> {
        let now = tether_host::now();
        self.find(key)
            .map(|it| it.serve.handle(event, now))
            .unwrap_or_default()
    }

    /// Keeps what a piece of work has brought. Some: a reply that nobody wants.
    pub(super) fn keep(&mut self, news: &mut News) -> Option<Reply> {
        let said = news.said.take();
        let Some(running) = self.running.get_mut(&news.key.nonce) else {
            return said.map(|it| it.reply);
        };
        running.hops.claim_ms += news.hops.claim_ms;
        running.hops.queue_ms += news.hops.queue_ms;
        running.hops.handler_ms += news.hops.handler_ms;
        // A reply that was sent already is the one that counts.
        if running.reply.is_some() {
            return said.map(|it| it.reply);
        }
        if !news.detail.is_empty() {
            running.detail = std::mem::take(&mut news.detail);
        }
        if let Some(said) = said {
            running.says(said);
        }
        None
    }

    pub(super) fn wake(&mut self, key: &InvocationKey, at: Timestamp) {
        if let Some(running) = self.find(key) {
            running.wake = Some(at);
        }
    }

    /// When the next attempt is to be woken up.
    pub(super) fn next_wake(&self) -> Option<Timestamp> {
        self.running.values().filter_map(|it| it.wake).min()
    }

    /// Attempts whose time has come.
    pub(super) fn due(&mut self, now: Timestamp) -> Vec<InvocationKey> {
        let due = self
            .running
            .values_mut()
            .filter(|it| it.wake.is_some_and(|at| at <= now));
        due.map(|it| {
            it.wake = None;
            it.job.key.clone()
        })
        .collect()
    }

    /// How many somebody waits for: an end that is gentle waits for these.
    pub(super) fn unfinished(&self) -> usize {
        self.running
            .values()
            .filter(|it| it.serve.is_awaited())
            .count()
    }

    pub(super) fn keys(&self) -> Vec<InvocationKey> {
        self.running.values().map(|it| it.job.key.clone()).collect()
    }

    /// The word that is to be sent now; none: it waits for room, behind others
    /// that are repeated.
    pub(super) fn word(&mut self, key: &InvocationKey, word: Word) -> Option<Reply> {
        let running = self.running.get_mut(&key.nonce)?;
        if running.reply.is_none()
            && let Some(said) = running.job.word(word, &running.detail)
        {
            running.says(said);
        }
        if running.first_sent.is_some() {
            running.again = true;
            return None;
        }
        running.first_sent = Some(Instant::now());
        running.reply.clone()
    }

    /// The next reply to be sent again.
    pub(super) fn next_again(&mut self) -> Option<Reply> {
        let running = self.running.values_mut().find(|it| it.again)?;
        running.again = false;
        running.reply.clone()
    }

    pub(super) fn is_any_again(&self) -> bool {
        self.running.values().any(|it| it.again)
    }

    /// Why the helper stack did not take a reply.
    pub(super) fn refused(&mut self, key: &InvocationKey, reason: String) {
        if let Some(running) = self.find(key) {
            running.detail = reason;
        }
    }

    /// It is over; none: it was before.
    pub(super) fn ended(
        &mut self,
        key: &InvocationKey,
        finish: Finish,
        now: Timestamp,
    ) -> Option<(Report, Option<Reply>)> {
        let running = self.running.remove(&key.nonce)?;
        Some(running.ended(finish, now))
    }

    /// Nobody can be answered any more.
    pub(super) fn dropped(
        &mut self,
        key: &InvocationKey,
        reason: &str,
        now: Timestamp,
    ) -> Option<Report> {
        let running = self.running.remove(&key.nonce)?;
        Some(running.report(InvocationOutcome::Dropped, reason.to_owned(), now))
    }
}

#[cfg(test)]
mod tests;
