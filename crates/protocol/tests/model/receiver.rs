//! A laptop: `crates/receiver` (`dispatch.rs`, `attach/session.rs`,
//! `attach/in_flight.rs`), as far as one invocation is concerned.

use crate::table::{Attempt, Claim, Value, Write};
use crate::world::{Fate, Twist, World};
use tether_protocol::Timestamp;
use tether_protocol::constants::RECORD_KEPT_AFTER_DEADLINE;

/// As `dispatch.rs` has it.
const CLAIM_ATTEMPTS: u8 = 3;

#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct Receiver {
    pub(crate) session: u8,
    /// Attempts whose message has come.
    pub(crate) seen: [bool; 2],
    pub(crate) jobs: Vec<Job>,
    claims: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Job {
    pub(crate) attempt: Attempt,
    pub(crate) claim: Claim,
    /// By its own clock: the time that was left at the post, from the arrival.
    pub(crate) deadline: Timestamp,
    pub(crate) phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    Declining,
    Claiming {
        tries: u8,
        unknown: bool,
    },
    Claimed,
    Running,
    /// Kept until it is acknowledged.
    Replied(Value),
}

/// A reply on its way to `connect`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Reply {
    pub(crate) attempt: Attempt,
    pub(crate) claim: Claim,
    pub(crate) value: Value,
}

impl World<'_> {
    /// A copy of the message has come.
    pub(crate) fn arrive(&mut self, attempt: Attempt, declines: bool) {
        let index = usize::from(attempt);
        self.mail[index] -= 1;
        let known = std::mem::replace(&mut self.receiver.seen[index], true);
        if known && self.setup.twist != Some(Twist::ForgetsNonces) {
            return;
        }
        let stale = self.now > self.deadline(attempt).plus(RECORD_KEPT_AFTER_DEADLINE / 2);
        if stale && self.setup.twist != Some(Twist::NeverStale) {
            return;
        }
        self.receiver.claims += 1;
        self.receiver.jobs.push(Job {
            attempt,
            claim: Claim {
                session: self.receiver.session,
                number: self.receiver.claims,
            },
            deadline: self.now.plus(self.setup.length),
            phase: match (declines, self.setup.twist) {
                (true, _) => Phase::Declining,
                (false, Some(Twist::RunsUnclaimed)) => Phase::Claimed,
                (false, _) => Phase::Claiming {
                    tries: CLAIM_ATTEMPTS,
                    unknown: false,
                },
            },
        });
    }

    /// Its claim, or its decline, has come to this.
    pub(crate) fn claim(&mut self, index: usize, fate: Fate) {
        let job = self.receiver.jobs[index];
        let Phase::Claiming { tries, unknown } = job.phase else {
            let done = self.call(Write::Decline(job.attempt, job.claim), fate);
            // Should it have failed, the bootstrap stops waiting by itself.
            let _ = done;
            self.receiver.jobs.remove(index);
            return;
        };
        let phase = match self.call(Write::Claim(job.attempt, job.claim), fate) {
            Some(true) => Phase::Claimed,
            Some(false) => {
                self.receiver.jobs.remove(index);
                return;
            }
            None => {
                let unknown = unknown || fate == Fate::Unknown;
                match (tries - 1, unknown) {
                    (0, true) => return self.reply(index, Value::Error),
                    (0, false) => {
                        self.receiver.jobs.remove(index);
                        return;
                    }
                    (tries, unknown) => Phase::Claiming { tries, unknown },
                }
            }
        };
        self.receiver.jobs[index].phase = phase;
    }

    /// The handler starts, unless it is too late.
    pub(crate) fn start(&mut self, index: usize) {
        let job = self.receiver.jobs[index];
        if self.now >= job.deadline {
            self.receiver.jobs.remove(index);
            return;
        }
        self.story[usize::from(job.attempt)].starts += 1;
        self.receiver.jobs[index].phase = Phase::Running;
    }

    /// The handler ends, or was ended at its deadline.
    pub(crate) fn finish(&mut self, index: usize) {
        let job = self.receiver.jobs[index];
        if self.now >= job.deadline {
            self.receiver.jobs.remove(index);
            return;
        }
        self.story[usize::from(job.attempt)].computed = true;
        self.reply(index, Value::Computed(job.attempt));
    }

    fn reply(&mut self, index: usize, value: Value) {
        self.receiver.jobs[index].phase = Phase::Replied(value);
        self.send(index);
    }

    /// Once, or once more.
    pub(crate) fn send(&mut self, index: usize) {
        let Job {
            attempt,
            claim,
            phase,
            ..
        } = self.receiver.jobs[index];
        if let Phase::Replied(value) = phase {
            self.replies.push(Reply {
                attempt,
                claim,
                value,
            });
        }
    }

    pub(crate) fn is_under_way(&self, job: &Job) -> bool {
        self.replies.iter().any(|reply| reply.claim == job.claim)
    }

    /// `connect` has a reply. Stored or refused: the receiver is done with it.
    pub(crate) fn connect(&mut self, index: usize, fate: Fate, acknowledged: bool) {
        let reply = self.replies.remove(index);
        let write = Write::Answer(reply.attempt, reply.claim, reply.value);
        if self.call(write, fate).is_some() && acknowledged {
            self.receiver.jobs.retain(|job| job.claim != reply.claim);
        }
    }

    /// Everything it knew is gone; what it has sent is not. Whoever attaches
    /// again is another session.
    pub(crate) fn receiver_dies(&mut self) {
        for job in std::mem::take(&mut self.receiver.jobs) {
            match job.phase {
                Phase::Declining => self.lose(Write::Decline(job.attempt, job.claim)),
                Phase::Claiming { .. } => self.lose(Write::Claim(job.attempt, job.claim)),
                Phase::Claimed | Phase::Running | Phase::Replied(_) => {}
            }
        }
        self.mail = [0, 0];
        self.receiver = Receiver {
            session: self.receiver.session + 1,
            ..Receiver::default()
        };
    }
}
