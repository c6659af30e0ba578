//! One attempt at an invocation, as the bootstrap lives it: from the post to
//! the verdict.
//!
//! Things happen to a [`Carry`] ([`Event`]); it says what to do ([`Action`]).
//! It never waits, and it knows no clock: `now` is an argument. Its promises:
//!
//! * it always ends with one [`Verdict`], before the deadline;
//! * [`Verdict::Deployed`] only when the event cannot have reached a laptop, or
//!   the laptop is known not to run it (ABANDONED or DECLINED, confirmed);
//! * [`Verdict::Answered`] only when the record holds an answer.

use crate::constants::{
    ANSWER_BEFORE_DEADLINE, CLAIM_WAIT, GRACE_AFTER_DISCONNECT, SESSION_WATCH, poll_pause, share_of,
};
use crate::records::InvocationStatus;
use crate::session::Standing;
use crate::{ConnectionId, Timestamp};
use std::time::Duration;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The correlation record was created, or not: [`Action::Create`].
    /// A failure is no verdict: the receiver creates the record if it is first.
    Created,
    /// Outcome of [`Action::Post`].
    Posted(Post),
    /// Outcome of [`Action::ReadSession`]; none: it could not be read.
    Session(Option<Standing>),
    /// Outcome of [`Action::Read`].
    Head(Look),
    /// Outcome of [`Action::Abandon`] or [`Action::Expire`].
    Settled(Settlement),
    /// The time asked for by [`Action::Wake`] has come.
    Timer,
}

/// Outcome of a post to a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Post {
    /// Taken by API Gateway.
    Delivered,
    /// 410: nobody is there.
    Gone,
    /// Certainly not delivered, and why.
    Refused(String),
    /// May have been delivered.
    Unknown,
}

/// Outcome of a consistent read of the head item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// It says this.
    Found(InvocationStatus),
    /// There is none.
    Missing,
    /// It could not be read.
    Failed,
}

/// Outcome of a conditional write that ends the wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// It stands.
    Won,
    /// The record says something else.
    Lost,
    /// Nobody knows.
    Unknown,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Create the record, PENDING, if there is none.
    Create(ConnectionId),
    /// Post the event.
    Post(ConnectionId),
    /// Read the session, consistently.
    ReadSession,
    /// Read the head item, consistently.
    Read,
    /// PENDING or missing → ABANDONED.
    Abandon,
    /// ACCEPTED → EXPIRED.
    Expire,
    /// Say [`Event::Timer`] then. A later wish replaces an earlier one.
    Wake(Timestamp),
    /// The end.
    Finish(Verdict),
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The record holds the answer or the error.
    Answered,
    /// The deployed code shall answer.
    Deployed(Why),
    /// Nobody can answer: a Lambda error with this reason.
    Fail(Failure),
}

/// Why the deployed code answers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// 410, and the session has no other connection.
    #[error("nobody is connected")]
    ConnectionGone,
    /// 410, and the session has ended on purpose.
    #[error("the session is over")]
    SessionOver,
    /// The post was refused.
    #[error("the event could not be posted ({0})")]
    PostRefused(String),
    /// The receiver did not claim it in time.
    #[error("the laptop did not answer")]
    Unclaimed,
    /// The receiver does not want it.
    #[error("the laptop declined")]
    Declined,
}

/// Why nobody can answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The function's time is up.
    #[error(
        "the local run did not end before the deadline: raise the timeout, or do not stop that long at a breakpoint"
    )]
    Deadline,
    /// The laptop took it and vanished.
    #[error("the laptop took this invocation and is gone: attach again and repeat it")]
    LaptopGone,
    /// The event may run on the laptop, so the deployed code must not run.
    #[error(
        "the correlation table cannot be reached, so it is not known whether the laptop runs this invocation: check the layer role and the network of the function"
    )]
    Unconfirmed,
    /// The laptop has answered, and its answer cannot be read.
    #[error(
        "the laptop has answered, but its answer cannot be read from the correlation table: repeat the invocation, and check the layer role if that happens again"
    )]
    AnswerLost,
}

impl Failure {
    /// What the caller is told; `local` is what the laptop said of the handler
    /// when its time was nearly up.
    #[must_use]
    pub fn message(self, local: Option<&str>) -> String {
        match (self, local) {
            (Self::Deadline, Some(local)) => {
                let local: String = local
                    .chars()
                    .filter(|it| !it.is_control())
                    .take(LOCAL_STATE_LIMIT)
                    .collect();
                format!(
                    "the local run did not end before the deadline, {local}: raise the timeout, or do not stop that long at a breakpoint"
                )
            }
            _ => self.to_string(),
        }
    }

    /// The `errorType` that the caller sees.
    #[must_use]
    pub fn error_type(self) -> &'static str {
        match self {
            Self::Deadline => "Tether.Timeout",
            Self::LaptopGone => "Tether.LaptopGone",
            Self::Unconfirmed => "Tether.Unconfirmed",
            Self::AnswerLost => "Tether.AnswerLost",
        }
    }
}

/// More than this is no state, but something that a hand has written.
const LOCAL_STATE_LIMIT: usize = 200;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Create and post are under way.
    Sending,
    /// The first post met 410: the session is being read for another connection.
    Reposting,
    /// Posted; not claimed yet.
    Unclaimed,
    /// A write that ends the wait is under way, or its outcome is looked up.
    Settling(Write),
    /// It runs on the laptop.
    Accepted,
    /// A verdict was given.
    Done,
}

/// The writes that end a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Write {
    Abandon,
    Expire,
}

/// The state machine. See the module.
#[derive(Clone, Debug)]
pub struct Carry {
    phase: Phase,
    connection: ConnectionId,
    reposted: bool,
    posted_at: Timestamp,
    claim_by: Timestamp,
    answer_by: Timestamp,
    settling_since: Timestamp,
    session_seen: Timestamp,
    away_since: Option<Timestamp>,
}

impl Carry {
    /// Starts an attempt whose event is in hand `now` and ends at `deadline`.
    #[must_use]
    pub fn start(
        connection: ConnectionId,
        now: Timestamp,
        deadline: Timestamp,
    ) -> (Self, Vec<Action>) {
        let answer_by = deadline.minus(ANSWER_BEFORE_DEADLINE);
        let patience = CLAIM_WAIT.min(share_of(deadline.since(now)));
        let carry = Self {
            phase: Phase::Sending,
            connection: connection.clone(),
            reposted: false,
            posted_at: now,
            claim_by: now.plus(patience).min(answer_by),
            answer_by,
            settling_since: now,
            session_seen: now,
            away_since: None,
        };
        let actions = vec![Action::Create(connection.clone()), Action::Post(connection)];
        (carry, actions)
    }

    /// The moment by which the caller must have an answer.
    #[must_use]
    pub fn answer_by(&self) -> Timestamp {
        self.answer_by
    }

    /// The moment until which a laptop may claim it: a post that is not answered
    /// by then may have been delivered, and is waited for no longer.
    #[must_use]
    pub fn claim_by(&self) -> Timestamp {
        self.claim_by
    }

    /// Takes what happened, says what to do.
    pub fn handle(&mut self, event: Event, now: Timestamp) -> Vec<Action> {
        match (self.phase, event) {
            (Phase::Done, _) | (_, Event::Created) => vec![],
            (_, Event::Posted(post)) => self.posted(post, now),
            (Phase::Reposting, Event::Session(standing)) => self.repost(standing),
            (_, Event::Session(standing)) => self.watched(standing, now),
            (_, Event::Head(look)) => self.looked(look, now),
            (_, Event::Settled(settlement)) => self.settled(settlement, now),
            (Phase::Sending | Phase::Reposting, Event::Timer) => vec![],
            (Phase::Settling(write), Event::Timer) => self.write(write),
            (_, Event::Timer) => vec![Action::Read],
        }
    }

    fn finish(&mut self, verdict: Verdict) -> Vec<Action> {
        self.phase = Phase::Done;
        vec![Action::Finish(verdict)]
    }

    fn posted(&mut self, post: Post, now: Timestamp) -> Vec<Action> {
        match post {
            Post::Delivered | Post::Unknown => {
                self.phase = Phase::Unclaimed;
                self.posted_at = now;
                self.pause(now)
            }
            Post::Gone if !self.reposted => {
                self.phase = Phase::Reposting;
                vec![Action::ReadSession]
            }
            Post::Gone => self.finish(Verdict::Deployed(Why::ConnectionGone)),
            Post::Refused(reason) => self.finish(Verdict::Deployed(Why::PostRefused(reason))),
        }
    }

    fn repost(&mut self, standing: Option<Standing>) -> Vec<Action> {
        match standing {
            Some(Standing::Active(connection)) if connection != self.connection => {
                self.reposted = true;
                self.phase = Phase::Sending;
                self.connection = connection.clone();
                vec![Action::Post(connection)]
            }
            Some(Standing::Over) => self.finish(Verdict::Deployed(Why::SessionOver)),
            _ => self.finish(Verdict::Deployed(Why::ConnectionGone)),
        }
    }

    fn looked(&mut self, look: Look, now: Timestamp) -> Vec<Action> {
        use InvocationStatus::{
            Abandoned, Accepted, Completed, Declined, Expired, Failed, Pending,
        };
        match look {
            Look::Found(Completed | Failed) => self.finish(Verdict::Answered),
            Look::Found(Declined) => self.finish(Verdict::Deployed(Why::Declined)),
            Look::Found(Abandoned) => self.finish(Verdict::Deployed(Why::Unclaimed)),
            Look::Found(Expired) => self.finish(Verdict::Fail(self.expiry(now))),
            Look::Found(Accepted) => self.running(now),
            Look::Found(Pending) | Look::Missing | Look::Failed => self.not_running(now),
        }
    }

    /// The record says that the laptop runs it.
    fn running(&mut self, now: Timestamp) -> Vec<Action> {
        match self.phase {
            Phase::Settling(Write::Expire) if self.gives_up(now) => {
                return self.finish(Verdict::Fail(self.expiry(now)));
            }
            // It did not take: once more, after a pause.
            Phase::Settling(Write::Expire) => return self.pause(now),
            // An abandon that was long in doubt has lost: the laptop has all the
            // time that is left, and only an EXPIRED record refuses its reply.
            _ => self.phase = Phase::Accepted,
        }
        if now >= self.answer_by || self.is_deserted(now) {
            return self.settle(Write::Expire, now);
        }
        let mut actions = self.pause(now);
        if now.since(self.session_seen) >= SESSION_WATCH {
            self.session_seen = now;
            actions.push(Action::ReadSession);
        }
        actions
    }

    /// The record does not say that the laptop runs it.
    fn not_running(&mut self, now: Timestamp) -> Vec<Action> {
        match self.phase {
            Phase::Settling(write) if self.gives_up(now) => {
                let failure = match write {
                    Write::Abandon => Failure::Unconfirmed,
                    Write::Expire => self.expiry(now),
                };
                self.finish(Verdict::Fail(failure))
            }
            // Once more, after a pause.
            Phase::Settling(_) => self.pause(now),
            Phase::Accepted if now < self.answer_by => self.pause(now),
            Phase::Accepted => self.settle(Write::Expire, now),
            _ if now < self.claim_by => self.pause(now),
            _ => self.settle(Write::Abandon, now),
        }
    }

    fn settle(&mut self, write: Write, now: Timestamp) -> Vec<Action> {
        self.settling_since = now;
        self.write(write)
    }

    fn write(&mut self, write: Write) -> Vec<Action> {
        self.phase = Phase::Settling(write);
        vec![match write {
            Write::Abandon => Action::Abandon,
            Write::Expire => Action::Expire,
        }]
    }

    /// A write that stands is the end; otherwise the record tells.
    fn settled(&mut self, settlement: Settlement, now: Timestamp) -> Vec<Action> {
        match (self.phase, settlement) {
            (Phase::Settling(Write::Abandon), Settlement::Won) => {
                self.finish(Verdict::Deployed(Why::Unclaimed))
            }
            (Phase::Settling(Write::Expire), Settlement::Won) => {
                self.finish(Verdict::Fail(self.expiry(now)))
            }
            _ => vec![Action::Read],
        }
    }

    fn watched(&mut self, standing: Option<Standing>, now: Timestamp) -> Vec<Action> {
        self.away_since = match standing {
            Some(Standing::Active(_)) => None,
            Some(Standing::Away | Standing::Over) => self.away_since.or(Some(now)),
            None => self.away_since,
        };
        vec![]
    }

    fn is_deserted(&self, now: Timestamp) -> bool {
        self.away_since
            .is_some_and(|since| now.since(since) >= GRACE_AFTER_DISCONNECT)
    }

    /// Settling has taken too long, or there is no time left.
    fn gives_up(&self, now: Timestamp) -> bool {
        now >= self.answer_by || now.since(self.settling_since) >= GRACE_AFTER_DISCONNECT
    }

    fn expiry(&self, now: Timestamp) -> Failure {
        if now < self.answer_by && self.is_deserted(now) {
            Failure::LaptopGone
        } else {
            Failure::Deadline
        }
    }

    fn pause(&self, now: Timestamp) -> Vec<Action> {
        let next = now.plus(poll_pause(now.since(self.posted_at)));
        let limit = match self.phase {
            Phase::Unclaimed => self.claim_by,
            _ => self.answer_by,
        };
        // Never past a limit, and never twice at the same moment.
        let at = if limit > now { next.min(limit) } else { next };
        vec![Action::Wake(at.max(now.plus(Duration::from_millis(1))))]
    }
}

#[cfg(test)]
mod tests;
