//! A laptop: the real machines, driven as `crates/receiver` drives them
//! (`attach/session.rs`, `dispatch.rs`).

use crate::table::{Attempt, Claim, Value, Write};
use crate::world::{BEGINNING, Fate, Twist, World};
use tether_protocol::carry::Look;
use tether_protocol::serve::{Action, Arrival, Arrivals, Event, Ran, Serve, Taking, Word};
use tether_protocol::{Nonce, Timestamp};

#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct Receiver {
    pub(crate) session: u8,
    /// Attempts whose message has come.
    pub(crate) seen: [bool; 2],
    pub(crate) jobs: Vec<Job>,
    claims: u8,
    /// The session is ending: what comes now is left to the deployed code.
    pub(crate) ending: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Job {
    pub(crate) attempt: Attempt,
    pub(crate) claim: Claim,
    /// By its own clock.
    deadline: Timestamp,
    machine: Serve,
    pub(crate) calls: Calls,
    /// When it is to be woken up.
    pub(crate) wake: Option<Timestamp>,
    /// What it has to say.
    pub(crate) word: Option<Value>,
}

/// What is under way for an attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Calls {
    pub(crate) claim: bool,
    pub(crate) decline: bool,
    /// The handler is about to start.
    pub(crate) start: bool,
    /// The handler runs.
    pub(crate) run: bool,
    pub(crate) look: bool,
}

/// A reply on its way to `connect`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Reply {
    pub(crate) attempt: Attempt,
    pub(crate) claim: Claim,
    pub(crate) value: Value,
}

impl World<'_> {
    /// What the laptop's clock says.
    pub(crate) fn local(&self) -> Timestamp {
        self.setup.local(self.now)
    }

    /// A copy of the message has come.
    pub(crate) fn arrive(&mut self, attempt: Attempt, declines: bool) {
        let index = usize::from(attempt);
        self.mail[index] -= 1;
        let known = std::mem::replace(&mut self.receiver.seen[index], true);
        if known && self.setup.twist != Some(Twist::ForgetsNonces) {
            return;
        }
        let Some(deadline) = self.look_at_message(attempt) else {
            return;
        };
        self.receiver.claims += 1;
        let (machine, first) = Serve::start(deadline, declines || self.receiver.ending);
        self.receiver.jobs.push(Job {
            attempt,
            claim: Claim {
                session: self.receiver.session,
                number: self.receiver.claims,
            },
            deadline,
            machine,
            calls: Calls::default(),
            wake: None,
            word: None,
        });
        let job = self.receiver.jobs.len() - 1;
        self.obey_job(job, first);
        if self.setup.twist == Some(Twist::RunsUnclaimed) && self.receiver.jobs[job].calls.claim {
            self.receiver.jobs[job].calls.claim = false;
            self.tell_job(job, Event::Claimed(Taking::Won));
        }
    }

    /// Its deadline by the laptop's clock; none: it is dropped as late. What has
    /// come before is kept in mind by the model, where it can be compared.
    fn look_at_message(&self, attempt: Attempt) -> Option<Timestamp> {
        let mut arrivals = Arrivals::default();
        if self.setup.twist != Some(Twist::NeverToldTheTime) {
            arrivals.heard(BEGINNING, self.setup.local(BEGINNING));
        }
        let begun = self.story[usize::from(attempt)].begun;
        let now = self.local();
        let nonce = Nonce::new("n");
        match arrivals.arrive(&nonce, begun, self.deadline(attempt), now) {
            Arrival::New(deadline) => Some(deadline),
            Arrival::Late if self.setup.twist == Some(Twist::NeverStale) => {
                Some(now.plus(self.setup.length))
            }
            Arrival::Late | Arrival::Repeated => None,
        }
    }

    /// Lets an attempt's machine know.
    fn tell_job(&mut self, index: usize, event: Event) {
        let now = self.local();
        let actions = self.receiver.jobs[index].machine.handle(event, now);
        self.obey_job(index, actions);
    }

    /// Does what the machine says.
    fn obey_job(&mut self, index: usize, actions: Vec<Action>) {
        for action in actions {
            let job = &mut self.receiver.jobs[index];
            match action {
                Action::Claim => job.calls.claim = true,
                Action::Decline => job.calls.decline = true,
                Action::Run => job.calls.start = true,
                // A write that changes no state.
                Action::Tell => {}
                Action::Send(word) => {
                    let value = match word {
                        Word::Outcome => Value::Computed(job.attempt),
                        Word::Unconfirmed | Word::Interrupted => Value::Error,
                    };
                    job.word = Some(value);
                    self.replies.push(Reply {
                        attempt: job.attempt,
                        claim: job.claim,
                        value,
                    });
                }
                Action::Look => job.calls.look = true,
                Action::Wake(at) => job.wake = Some(at),
                Action::Finish(_) => {
                    self.receiver.jobs.remove(index);
                    return;
                }
            }
        }
    }

    /// Its claim, or its decline, has come to this.
    pub(crate) fn claim(&mut self, index: usize, fate: Fate) {
        let Job { attempt, claim, .. } = self.receiver.jobs[index];
        let calls = &mut self.receiver.jobs[index].calls;
        if std::mem::take(&mut calls.decline) {
            self.call(Write::Decline(attempt, claim), fate);
            return self.tell_job(index, Event::Declined);
        }
        calls.claim = false;
        let taking = match self.call(Write::Claim(attempt, claim), fate) {
            Some(true) => Taking::Won,
            Some(false) => Taking::Lost,
            None if fate == Fate::Failed => Taking::Failed,
            None => Taking::Unknown,
        };
        self.tell_job(index, Event::Claimed(taking));
    }

    /// The handler starts, unless it is too late.
    pub(crate) fn start(&mut self, index: usize) {
        let late = self.local() >= self.receiver.jobs[index].deadline;
        let job = &mut self.receiver.jobs[index];
        job.calls.start = false;
        if late {
            return self.tell_job(index, Event::Ran(Ran::TooLate));
        }
        job.calls.run = true;
        let attempt = usize::from(job.attempt);
        self.story[attempt].starts += 1;
    }

    /// The handler ends, or was ended at its deadline.
    pub(crate) fn finish(&mut self, index: usize) {
        let late = self.local() >= self.receiver.jobs[index].deadline;
        let job = &mut self.receiver.jobs[index];
        job.calls.run = false;
        let attempt = usize::from(job.attempt);
        if late {
            return self.tell_job(index, Event::Ran(Ran::TooLate));
        }
        self.story[attempt].computed = true;
        self.tell_job(index, Event::Ran(Ran::Answered));
    }

    /// Its time has come.
    pub(crate) fn wake_job(&mut self, index: usize) {
        self.receiver.jobs[index].wake = None;
        self.tell_job(index, Event::Timer);
    }

    /// Everything that waits for an acknowledgement is sent again.
    pub(crate) fn reconnect(&mut self, index: usize) {
        self.tell_job(index, Event::Reconnected);
    }

    /// What became of a record.
    pub(crate) fn look_job(&mut self, index: usize, fate: Fate) {
        let job = &mut self.receiver.jobs[index];
        job.calls.look = false;
        let attempt = job.attempt;
        let look = match (fate, self.table.row(attempt, self.setup.twist)) {
            (Fate::Told, Some(row)) => Look::Found(row.status),
            (Fate::Told, None) => Look::Missing,
            _ => Look::Failed,
        };
        self.tell_job(index, Event::Head(look));
    }

    /// Ctrl-C, twice.
    pub(crate) fn interrupt(&mut self) {
        self.receiver.ending = true;
        for index in (0..self.receiver.jobs.len()).rev() {
            self.tell_job(index, Event::Interrupted);
        }
    }

    pub(crate) fn is_under_way(&self, job: &Job) -> bool {
        self.replies.iter().any(|reply| reply.claim == job.claim)
    }

    /// `connect` has a reply.
    pub(crate) fn connect(&mut self, index: usize, fate: Fate, acknowledged: bool) {
        let reply = self.replies.remove(index);
        let write = Write::Answer(reply.attempt, reply.claim, reply.value);
        let event = match self.call(write, fate) {
            Some(true) => Event::Stored,
            Some(false) => Event::Refused,
            None => return,
        };
        let mut jobs = self.receiver.jobs.iter();
        if let Some(job) = jobs.position(|job| job.claim == reply.claim)
            && acknowledged
        {
            self.tell_job(job, event);
        }
    }

    /// Everything it knew is gone; what it has sent is not. Whoever attaches
    /// again is another session.
    pub(crate) fn receiver_dies(&mut self) {
        for job in std::mem::take(&mut self.receiver.jobs) {
            if job.calls.decline {
                self.lose(Write::Decline(job.attempt, job.claim));
            }
            if job.calls.claim {
                self.lose(Write::Claim(job.attempt, job.claim));
            }
        }
        self.mail = [0, 0];
        self.receiver = Receiver {
            session: self.receiver.session + 1,
            ..Receiver::default()
        };
    }
}
