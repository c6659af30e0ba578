//! The function's side: the real machine, driven as
//! `crates/interceptor/src/carrier.rs` drives it.

use crate::rules;
use crate::table::Write;
use crate::world::{End, Fate, Session, Twist, World};
use std::hash::{Hash, Hasher};
use std::rc::Rc;
use std::time::Duration;
use tether_protocol::carry::{Action, Carry, Event, Look, Post, Settlement, Verdict, Why};
use tether_protocol::session::Standing;
use tether_protocol::{ConnectionId, Timestamp};

/// What one call takes at most when there is no time left, as `carrier.rs` has
/// it.
const LAST_CALL: Duration = Duration::from_millis(50);

/// After `answer_by`, and between two pauses, there is time for this: what was
/// under way, and twice a write and a look at what became of it.
const CALLS: Duration = Duration::from_millis(300);

/// Calls that are under way; never two of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Calls {
    pub(crate) post: bool,
    pub(crate) session: bool,
    pub(crate) read: bool,
    pub(crate) abandon: bool,
    pub(crate) expire: bool,
}

impl Calls {
    pub(crate) fn is_any(self) -> bool {
        self != Self::default()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Bootstrap {
    machine: Rc<Carry>,
    /// The machine's fields: it has no other way to be compared.
    fields: Rc<str>,
    pub(crate) calls: Calls,
    /// Where it posts to.
    pub(crate) connection: u8,
    /// It has asked to be woken up.
    pub(crate) waits: bool,
    /// Nothing comes back from the tables, until something does.
    pub(crate) cut_off: bool,
    /// What calls have taken at worst, since the last pause or `answer_by`.
    spent: Duration,
}

impl Hash for Bootstrap {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.fields.hash(state);
        (self.calls, self.connection, self.waits, self.cut_off).hash(state);
        state.write_u64(u64::try_from(self.spent.as_millis()).unwrap_or(u64::MAX));
    }
}

/// How a post ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Posting {
    Delivered,
    Twice,
    Gone,
    Refused,
    Unknown,
}

pub(crate) fn name(connection: u8) -> ConnectionId {
    ConnectionId::new(connection.to_string())
}

impl Bootstrap {
    pub(crate) fn start(
        connection: u8,
        now: Timestamp,
        deadline: Timestamp,
    ) -> (Self, Vec<Action>) {
        let (machine, first) = Carry::start(name(connection), now, deadline);
        let bootstrap = Self {
            fields: format!("{machine:?}").into(),
            machine: Rc::new(machine),
            calls: Calls::default(),
            connection,
            waits: false,
            cut_off: false,
            spent: Duration::ZERO,
        };
        (bootstrap, first)
    }

    pub(crate) fn answer_by(&self) -> Timestamp {
        self.machine.answer_by()
    }
}

impl World<'_> {
    fn hear(&mut self, event: Event) -> Result<(), String> {
        let now = match self.setup.twist {
            Some(Twist::ClockStands) => self.story[usize::from(self.attempt)].begun,
            _ => self.now,
        };
        let bootstrap = &mut self.bootstrap;
        let actions = Rc::make_mut(&mut bootstrap.machine).handle(event, now);
        bootstrap.fields = format!("{:?}", bootstrap.machine).into();
        self.obey(actions)
    }

    /// Does what the machine says.
    pub(crate) fn obey(&mut self, actions: Vec<Action>) -> Result<(), String> {
        for action in actions {
            if self.has_ended() {
                return Err(format!("it goes on after its verdict: {action:?}"));
            }
            let answer_by = self.bootstrap.answer_by();
            self.bootstrap.spent += match &action {
                Action::Wake(at) if self.now >= answer_by => at.since(self.now),
                Action::Wake(at) if *at > answer_by => {
                    return Err(
                        "it sleeps past the moment when its caller must have an answer".into(),
                    );
                }
                Action::Create(_) | Action::Wake(_) | Action::Finish(_) => Duration::ZERO,
                _ => LAST_CALL,
            };
            if self.bootstrap.spent > CALLS {
                return Err("it goes on without an end".into());
            }
            let calls = &mut self.bootstrap.calls;
            match action {
                // Nothing depends on when it ends: it is done at any time, or never.
                Action::Create(_) => {
                    self.lose(Write::Create(
                        self.attempt,
                        self.sessions[usize::from(self.attempt)],
                    ));
                }
                Action::Post(connection) => {
                    self.bootstrap.connection = connection
                        .as_str()
                        .parse()
                        .map_err(|_| "a connection nobody has")?;
                    self.bootstrap.calls.post = true;
                }
                Action::ReadSession => calls.session = true,
                Action::Read => calls.read = true,
                Action::Abandon => calls.abandon = true,
                Action::Expire => calls.expire = true,
                Action::Wake(_) => self.bootstrap.waits = true,
                Action::Finish(verdict) => self.verdict(verdict)?,
            }
        }
        let stuck = !self.has_ended() && !self.bootstrap.waits && !self.bootstrap.calls.is_any();
        if stuck {
            return Err("it waits for nothing, and has no verdict".into());
        }
        Ok(())
    }

    fn verdict(&mut self, verdict: Verdict) -> Result<(), String> {
        rules::at_the_end(self, &verdict)?;
        self.news = Some(format!("{verdict:?}"));
        // The mark against a second run stays.
        if !matches!(
            verdict,
            Verdict::Deployed(Why::Unclaimed) | Verdict::Fail(_)
        ) {
            self.lose(Write::Remove(self.attempt));
        }
        self.end(match verdict {
            Verdict::Answered => End::Answered,
            Verdict::Deployed(_) => End::Deployed,
            Verdict::Fail(_) => End::Failed,
        });
        Ok(())
    }

    /// What is under way may have left.
    pub(crate) fn end(&mut self, end: End) {
        let calls = std::mem::take(&mut self.bootstrap.calls);
        if calls.abandon {
            self.lose(Write::Abandon(
                self.attempt,
                self.sessions[usize::from(self.attempt)],
            ));
        }
        if calls.expire {
            self.lose(Write::Expire(self.attempt));
        }
        if calls.post {
            self.deliver(1);
        }
        self.bootstrap.waits = false;
        self.bootstrap.cut_off = false;
        self.story[usize::from(self.attempt)].end = Some(end);
    }

    /// API Gateway has the message. Whoever is asleep reads it late, or never.
    fn deliver(&mut self, copies: u8) {
        let index = usize::from(self.attempt);
        self.story[index].reached = true;
        if self.sessions[index] == self.receiver.session {
            self.mail[index] += copies;
        }
    }

    pub(crate) fn posted(&mut self, posting: Posting) -> Result<(), String> {
        self.bootstrap.calls.post = false;
        let post = match posting {
            Posting::Delivered | Posting::Twice => Post::Delivered,
            Posting::Gone => Post::Gone,
            Posting::Refused => Post::Refused("403".into()),
            Posting::Unknown => Post::Unknown,
        };
        match posting {
            Posting::Delivered | Posting::Unknown => self.deliver(1),
            Posting::Twice => self.deliver(2),
            Posting::Gone | Posting::Refused => {}
        }
        self.hear(Event::Posted(post))
    }

    /// How the line to the tables is from now on.
    fn line(&mut self, fate: Fate) {
        self.bootstrap.cut_off = match fate {
            Fate::Told => false,
            Fate::CutOff => true,
            Fate::Failed | Fate::Unknown => self.bootstrap.cut_off,
        };
    }

    pub(crate) fn read(&mut self, fate: Fate) -> Result<(), String> {
        self.bootstrap.calls.read = false;
        self.line(fate);
        let row = self.table.row(self.attempt, self.setup.twist);
        self.hear(Event::Head(match (fate, row) {
            (Fate::Told, Some(row)) => Look::Found(row.status),
            (Fate::Told, None) => Look::Missing,
            _ => Look::Failed,
        }))
    }

    pub(crate) fn read_session(&mut self, fate: Fate) -> Result<(), String> {
        self.bootstrap.calls.session = false;
        self.line(fate);
        let standing = match self.session {
            Session::On(connection) => Standing::Active(name(connection)),
            Session::Away => Standing::Away,
            Session::Over => Standing::Over,
        };
        self.hear(Event::Session((fate == Fate::Told).then_some(standing)))
    }

    /// A write that ends the wait has come to this.
    pub(crate) fn settle(&mut self, fate: Fate) -> Result<(), String> {
        self.line(fate);
        let session = self.sessions[usize::from(self.attempt)];
        let write = if std::mem::take(&mut self.bootstrap.calls.abandon) {
            Write::Abandon(self.attempt, session)
        } else {
            self.bootstrap.calls.expire = false;
            Write::Expire(self.attempt)
        };
        let settlement = match self.call(write, fate) {
            Some(true) => Settlement::Won,
            Some(false) => Settlement::Lost,
            None if self.setup.twist == Some(Twist::BelievesItWon) => Settlement::Won,
            None => Settlement::Unknown,
        };
        self.hear(Event::Settled(settlement))
    }

    /// Time has gone on. A call may have been under way.
    pub(crate) fn later(&mut self) -> Result<(), String> {
        self.bootstrap.spent = LAST_CALL;
        if self.bootstrap.waits {
            return self.timer();
        }
        Ok(())
    }

    pub(crate) fn timer(&mut self) -> Result<(), String> {
        self.bootstrap.waits = false;
        if self.now < self.bootstrap.answer_by() {
            self.bootstrap.spent = Duration::ZERO;
        }
        self.hear(Event::Timer)
    }
}
