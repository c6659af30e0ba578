//! One attempt at an invocation, as the receiver lives it: from the message to
//! its last word. The bootstrap's half is [`crate::carry`].
//!
//! Things happen to a [`Serve`] ([`Event`]); it says what to do ([`Action`]).
//! It never waits, and it knows no clock: `now` is an argument, by the clock of
//! the laptop. Its promises:
//!
//! * [`Action::Run`] is said once, and only after the claim is confirmed;
//! * a word to the caller is sent until it is stored or refused, or too late;
//! * it always ends with one [`Finish`], not much later than the deadline.

use crate::Timestamp;
use crate::carry::Look;
use crate::constants::{
    ANSWER_BEFORE_DEADLINE, CLAIM_TRIES, GRACE_AFTER_DISCONNECT, REPEAT_REPLY_AFTER,
    TELL_BEFORE_ANSWER,
};
use crate::records::InvocationStatus;

mod arrivals;
pub use arrivals::{Arrival, Arrivals};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Outcome of [`Action::Claim`].
    Claimed(Taking),
    /// [`Action::Decline`] was tried. Should it have failed, the bootstrap stops
    /// waiting by itself.
    Declined,
    /// [`Action::Run`] has come to an end.
    Ran(Ran),
    /// The word is in the record.
    Stored,
    /// The word was not taken.
    Refused,
    /// Outcome of [`Action::Look`].
    Head(Look),
    /// There is another connection: what was sent by the old one may be lost.
    Reconnected,
    /// The session ends now: the caller shall not wait.
    Interrupted,
    /// The time asked for by [`Action::Wake`] has come.
    Timer,
}

/// Outcome of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Taking {
    /// It stands.
    Won,
    /// Somebody else has it.
    Lost,
    /// It was certainly not made.
    Failed,
    /// Nobody knows.
    Unknown,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ran {
    /// There is something to say to the caller.
    Answered,
    /// Its time was up before.
    TooLate,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// PENDING or missing → ACCEPTED, under this attempt's claim.
    Claim,
    /// PENDING or missing → DECLINED.
    Decline,
    /// Start the handler.
    Run,
    /// Write into the record what the handler is doing: its time is nearly up.
    Tell,
    /// Send this to the caller, for the first time or once more.
    Send(Word),
    /// Read the head item, consistently.
    Look,
    /// Say [`Event::Timer`] then. A later wish replaces an earlier one.
    Wake(Timestamp),
    /// The end.
    Finish(Finish),
}

/// What the caller is to hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Word {
    /// What the handler came to.
    Outcome,
    /// An error: it is not known whether this laptop may run it.
    Unconfirmed,
    /// An error: the session ended while it ran.
    Interrupted,
}

/// How it ended, as seen from the laptop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Finish {
    /// The caller has the word.
    Delivered,
    /// Left to the deployed code.
    Declined,
    /// The deployed code has taken it.
    Elsewhere,
    /// The claim could not be made; the deployed code answers.
    Unclaimed,
    /// Its time was up; the caller has an error.
    Late(Late),
    /// The word was refused.
    Refused,
    /// Nobody knows whether the caller has the word.
    Unknown,
}

/// When its time was up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Late {
    /// Before its claim was confirmed.
    Claiming,
    /// While the handler ran.
    Running,
    /// Before the word was stored.
    Replying,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    Declining,
    Claiming {
        tries: u8,
        unknown: bool,
    },
    Running {
        told: bool,
    },
    /// Kept until it is acknowledged.
    Replied(Word),
    /// Was it taken? Because it was refused, or because its time is up.
    Looking {
        refused: bool,
        word: Word,
    },
    Done,
}

/// The state machine. See the module.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Serve {
    phase: Phase,
    /// By the clock of the laptop.
    deadline: Timestamp,
    /// The word was sent more than once.
    repeated: bool,
}

impl Serve {
    /// Starts an attempt whose time is up at `deadline`, by the clock of the
    /// laptop.
    #[must_use]
    pub fn start(deadline: Timestamp, declines: bool) -> (Self, Vec<Action>) {
        let (phase, first) = if declines {
            (Phase::Declining, Action::Decline)
        } else {
            let claiming = Phase::Claiming {
                tries: CLAIM_TRIES,
                unknown: false,
            };
            (claiming, Action::Claim)
        };
        let serve = Self {
            phase,
            deadline,
            repeated: false,
        };
        (serve, vec![first])
    }

    /// Whether somebody waits for its end: not where it is left to others.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        !matches!(self.phase, Phase::Declining | Phase::Done)
    }

    /// Takes what happened, says what to do.
    pub fn handle(&mut self, event: Event, now: Timestamp) -> Vec<Action> {
        match (self.phase, event) {
            (Phase::Declining, Event::Declined | Event::Interrupted) => {
                self.finish(Finish::Declined)
            }
            (Phase::Claiming { tries, unknown }, Event::Claimed(taking)) => {
                self.claimed(taking, tries, unknown, now)
            }
            (Phase::Running { .. }, Event::Ran(Ran::Answered)) => self.reply(Word::Outcome, now),
            (Phase::Running { .. }, Event::Ran(Ran::TooLate)) => {
                self.finish(Finish::Late(Late::Running))
            }
            (Phase::Running { told }, Event::Timer) => self.nearly_up(told, now),
            (Phase::Claiming { .. } | Phase::Running { .. }, Event::Interrupted) => {
                self.reply(Word::Interrupted, now)
            }
            (Phase::Replied(_) | Phase::Looking { .. }, Event::Stored) => {
                self.finish(Finish::Delivered)
            }
            (Phase::Replied(word), Event::Refused) => self.refused(word, now),
            (Phase::Replied(word), Event::Timer) if now >= self.deadline => {
                self.look(false, word, now)
            }
            (Phase::Replied(word), Event::Timer | Event::Reconnected | Event::Interrupted) => {
                self.repeated = true;
                self.reply(word, now)
            }
            (Phase::Looking { refused, word }, Event::Head(look)) => {
                self.looked(look, refused, word)
            }
            (Phase::Looking { .. }, Event::Timer) => self.finish(Finish::Unknown),
            _ => vec![],
        }
    }

    fn finish(&mut self, finish: Finish) -> Vec<Action> {
        self.phase = Phase::Done;
        vec![Action::Finish(finish)]
    }

    fn claimed(&mut self, taking: Taking, tries: u8, unknown: bool, now: Timestamp) -> Vec<Action> {
        let unknown = unknown || taking == Taking::Unknown;
        let tries = tries.saturating_sub(1);
        match taking {
            Taking::Lost => self.finish(Finish::Elsewhere),
            // The bootstrap has answered by now.
            _ if now >= self.deadline => self.finish(Finish::Late(Late::Claiming)),
            Taking::Won => {
                self.phase = Phase::Running { told: false };
                let answer_by = self.deadline.minus(ANSWER_BEFORE_DEADLINE);
                let tell_at = answer_by.minus(TELL_BEFORE_ANSWER).max(now);
                vec![Action::Run, Action::Wake(tell_at)]
            }
            _ if tries > 0 => {
                self.phase = Phase::Claiming { tries, unknown };
                vec![Action::Claim]
            }
            // The claim may stand, and then nobody else will run it: the caller
            // shall not wait for a run that nobody dares to start. If it does
            // not stand, this word is refused.
            _ if unknown => self.reply(Word::Unconfirmed, now),
            _ => self.finish(Finish::Unclaimed),
        }
    }

    /// The bootstrap will say to the caller what the handler is doing.
    fn nearly_up(&mut self, told: bool, now: Timestamp) -> Vec<Action> {
        let end = self.deadline.plus(GRACE_AFTER_DISCONNECT);
        if told && now >= end {
            return self.finish(Finish::Late(Late::Running));
        }
        self.phase = Phase::Running { told: true };
        let mut actions = vec![Action::Wake(end)];
        if !told {
            actions.push(Action::Tell);
        }
        actions
    }

    fn reply(&mut self, word: Word, now: Timestamp) -> Vec<Action> {
        self.phase = Phase::Replied(word);
        let again = now.plus(REPEAT_REPLY_AFTER);
        vec![Action::Send(word), Action::Wake(again)]
    }

    /// One that was sent twice may have been taken the first time, and the
    /// record is gone since.
    fn refused(&mut self, word: Word, now: Timestamp) -> Vec<Action> {
        if self.repeated {
            self.look(true, word, now)
        } else {
            self.finish(Finish::Refused)
        }
    }

    fn look(&mut self, refused: bool, word: Word, now: Timestamp) -> Vec<Action> {
        self.phase = Phase::Looking { refused, word };
        let limit = now.plus(REPEAT_REPLY_AFTER);
        vec![Action::Look, Action::Wake(limit)]
    }

    /// A record goes when its answer was taken, or long after the deadline.
    fn looked(&mut self, look: Look, refused: bool, word: Word) -> Vec<Action> {
        use InvocationStatus::{Abandoned, Completed, Declined, Expired, Failed};
        let finish = match look {
            // It may never have been there.
            Look::Missing if word == Word::Unconfirmed => Finish::Unknown,
            Look::Missing => Finish::Delivered,
            Look::Failed => Finish::Unknown,
            _ if refused => Finish::Refused,
            Look::Found(Completed | Failed) => Finish::Delivered,
            Look::Found(Expired) => Finish::Late(Late::Replying),
            Look::Found(Abandoned | Declined) => Finish::Elsewhere,
            Look::Found(_) => Finish::Unknown,
        };
        self.finish(finish)
    }
}

#[cfg(test)]
mod tests;
