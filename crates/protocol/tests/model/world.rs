//! One attempt at an invocation, or two with the same request id, and
//! everything that can happen to it.

use crate::bootstrap::Bootstrap;
use crate::explorer::System;
use crate::receiver::{Receiver, Reply};
use crate::rules;
use crate::steps::Step;
use crate::table::{Attempt, Table, Write};
use std::hash::{Hash, Hasher};
use std::time::Duration;
use tether_protocol::Timestamp;
use tether_protocol::constants::{
    ANSWER_BEFORE_DEADLINE, CLAIM_WAIT, CLAIM_WAIT_DIVISOR, GRACE_AFTER_DISCONNECT,
    RECORD_KEPT_AFTER_DEADLINE, SESSION_WATCH,
};

/// Late enough for clocks that are hours slow.
pub(crate) const BEGINNING: Timestamp = Timestamp(100_000_000);

/// A laptop that wakes up after this sees its events as late, but not as stale.
const SLEEP: Duration = Duration::from_secs(600);

/// The same in all states.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// From the event to the deadline.
    pub(crate) length: Duration,
    /// 1, or 2: a retry of one that failed.
    pub(crate) attempts: Attempt,
    /// How much goes wrong.
    pub(crate) faults: u8,
    /// How many of the two sides die.
    pub(crate) deaths: u8,
    /// Whether the reason of a failure has to be true.
    pub(crate) reasons: bool,
    /// By how many seconds the laptop's clock is ahead of the cloud's.
    pub(crate) skew: i64,
    pub(crate) twist: Option<Twist>,
}

impl Setup {
    pub(crate) fn new(seconds: u64, attempts: Attempt, faults: u8, deaths: u8) -> Self {
        Self {
            length: Duration::from_secs(seconds),
            attempts,
            faults,
            deaths,
            reasons: false,
            skew: 0,
            twist: None,
        }
    }

    /// What the laptop's clock says at a moment of the cloud's.
    pub(crate) fn local(&self, moment: Timestamp) -> Timestamp {
        let apart = Duration::from_secs(self.skew.unsigned_abs());
        if self.skew < 0 {
            moment.minus(apart)
        } else {
            moment.plus(apart)
        }
    }

    /// The moments at which time makes a difference, from the event on. In
    /// between, one look at the record is as good as many.
    pub(crate) fn moments(&self) -> Vec<Duration> {
        let claim = CLAIM_WAIT.min(self.length / CLAIM_WAIT_DIVISOR);
        let answer = self.length.saturating_sub(ANSWER_BEFORE_DEADLINE);
        let mut moments = vec![
            Duration::ZERO,
            claim,
            claim + SESSION_WATCH,
            claim + GRACE_AFTER_DISCONNECT,
            claim + SESSION_WATCH + GRACE_AFTER_DISCONNECT,
        ];
        moments.retain(|moment| *moment < answer);
        moments.extend([
            answer,
            self.length,
            self.length + SLEEP,
            self.length + RECORD_KEPT_AFTER_DEADLINE + Duration::from_secs(60),
        ]);
        moments
    }
}

/// A system that is broken on purpose: the explorer has to find out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twist {
    /// The handler starts before its claim is confirmed.
    RunsUnclaimed,
    /// ACCEPTED → ABANDONED is possible.
    AbandonIgnoresAccepted,
    /// Rows are found by the request id alone.
    OneRowPerRequest,
    /// A message that comes again counts as new.
    ForgetsNonces,
    /// A message of an hour ago counts as fresh.
    NeverStale,
    /// The laptop believes its own clock.
    NeverToldTheTime,
    /// A write of unknown outcome counts as won.
    BelievesItWon,
    /// The machine's clock stands still.
    ClockStands,
}

/// The session of the current attempt, as its row has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Session {
    On(u8),
    Away,
    Over,
}

/// What becomes of a call to a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Done, and told.
    Told,
    /// Not done, and told.
    Failed,
    /// Nobody tells. A write is done at once, later, or never.
    Unknown,
    /// The same, and so it goes on until a call is told again.
    CutOff,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum End {
    Answered,
    Deployed,
    Failed,
    /// The bootstrap died: Lambda answers with an error of its own.
    Died,
}

/// What has happened to an attempt.
#[derive(Clone, Copy, Debug, Default, Hash)]
pub(crate) struct Story {
    pub(crate) begun: Timestamp,
    /// A copy of the event may have got to a laptop.
    pub(crate) reached: bool,
    /// How often its handler was started on a laptop.
    pub(crate) starts: u8,
    /// It has ended with an answer there.
    pub(crate) computed: bool,
    pub(crate) end: Option<End>,
}

#[derive(Clone, Debug)]
pub(crate) struct World<'a> {
    pub(crate) setup: &'a Setup,
    pub(crate) now: Timestamp,
    pub(crate) moment: usize,
    pub(crate) attempt: Attempt,
    /// The session that each attempt is carried by.
    pub(crate) sessions: [u8; 2],
    pub(crate) bootstrap: Bootstrap,
    pub(crate) table: Table,
    /// Writes that may be done yet.
    pub(crate) lost: Vec<Write>,
    pub(crate) session: Session,
    /// Copies of the message on their way to the laptop.
    pub(crate) mail: [u8; 2],
    pub(crate) receiver: Receiver,
    pub(crate) replies: Vec<Reply>,
    pub(crate) faults: u8,
    pub(crate) deaths: u8,
    pub(crate) story: [Story; 2],
    /// The verdict that the last step has brought.
    pub(crate) news: Option<String>,
}

impl Hash for World<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.now, self.attempt, self.sessions, self.session).hash(state);
        (&self.bootstrap, &self.table, &self.lost).hash(state);
        (self.mail, &self.receiver, &self.replies).hash(state);
        (self.faults, self.deaths, &self.story).hash(state);
    }
}

impl<'a> World<'a> {
    /// An event has come, and the laptop is there.
    ///
    /// # Errors
    /// The rule that is broken by the start.
    pub(crate) fn new(setup: &'a Setup) -> Result<Self, String> {
        let (bootstrap, first) = Bootstrap::start(0, BEGINNING, BEGINNING.plus(setup.length));
        let mut story = [Story::default(); 2];
        story[0].begun = BEGINNING;
        let mut world = Self {
            setup,
            now: BEGINNING,
            moment: 0,
            attempt: 0,
            sessions: [0, 0],
            bootstrap,
            table: Table::default(),
            lost: vec![],
            session: Session::On(0),
            mail: [0, 0],
            receiver: Receiver::default(),
            replies: vec![],
            faults: setup.faults,
            deaths: setup.deaths,
            story,
            news: None,
        };
        world.obey(first)?;
        Ok(world)
    }

    pub(crate) fn deadline(&self, attempt: Attempt) -> Timestamp {
        let story = self.story[usize::from(attempt)];
        story.begun.plus(self.setup.length)
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.story[usize::from(self.attempt)].end.is_some()
    }

    /// A write and its outcome; none: nobody knows.
    pub(crate) fn call(&mut self, write: Write, fate: Fate) -> Option<bool> {
        match fate {
            Fate::Told => Some(self.table.write(write, self.setup.twist)),
            Fate::Failed => None,
            Fate::Unknown | Fate::CutOff => {
                self.lose(write);
                None
            }
        }
    }

    /// It may be done yet, at any time.
    pub(crate) fn lose(&mut self, write: Write) {
        if let Err(place) = self.lost.binary_search(&write) {
            self.lost.insert(place, write);
        }
    }

    /// Time goes on to where it makes a difference again.
    fn time(&mut self) -> Result<(), String> {
        self.moment += 1;
        let moments = self.setup.moments();
        let begun = self.story[usize::from(self.attempt)].begun;
        self.now = begun.plus(moments[self.moment]);
        if self.moment + 1 == moments.len() {
            self.table.forget();
            self.receiver.seen = [false, false];
        }
        self.later()
    }

    /// Lambda's, or the caller's: the same request id, another nonce.
    fn retry(&mut self) -> Result<(), String> {
        let Session::On(connection) = self.session else {
            return Ok(());
        };
        self.attempt = 1;
        self.moment = 0;
        self.sessions[1] = self.receiver.session;
        self.story[1].begun = self.now;
        let (bootstrap, first) = Bootstrap::start(connection, self.now, self.deadline(1));
        self.bootstrap = bootstrap;
        self.obey(first)
    }
}

impl System for World<'_> {
    type Step = Step;

    fn steps(&self) -> Vec<Step> {
        self.choices()
    }

    fn take(&mut self, step: Step) -> Result<(), String> {
        self.faults -= self.cost(step);
        self.news = None;
        match step {
            Step::Post(posting) => self.posted(posting)?,
            Step::ReadSession(fate) => self.read_session(fate)?,
            Step::Read(fate) => self.read(fate)?,
            Step::Abandon(fate) | Step::Expire(fate) => self.settle(fate)?,
            Step::Timer => self.timer()?,
            Step::Time | Step::Slow => self.time()?,
            Step::BootstrapDies => {
                self.deaths -= 1;
                self.end(End::Died);
            }
            Step::Retry => self.retry()?,
            Step::Lands(write) => {
                self.lost.retain(|it| *it != write);
                self.table.write(write, self.setup.twist);
            }
            Step::Session(session) => self.session = session,
            Step::Arrives(attempt, declines) => self.arrive(attempt, declines),
            Step::Claim(index, _, fate) => self.claim(index, fate),
            Step::Starts(index, _) => self.start(index),
            Step::Finishes(index, _) => self.finish(index),
            Step::Reconnects(index, _) => self.reconnect(index),
            Step::Wakes(index, _) => self.wake_job(index),
            Step::Looks(index, _, fate) => self.look_job(index, fate),
            Step::Interrupts => self.interrupt(),
            Step::ReceiverDies => {
                self.deaths -= 1;
                self.receiver_dies();
            }
            Step::Connect(index, _, fate, acknowledged) => {
                self.connect(index, fate, acknowledged);
            }
            Step::ReplyLost(index, _) => {
                self.replies.remove(index);
            }
        }
        rules::always(self)
    }

    fn moment(&self) -> String {
        let seconds = Duration::from_millis(self.now.0 - BEGINNING.0).as_secs_f32();
        let status = |attempt| match self.table.row(attempt, self.setup.twist) {
            Some(row) => format!("{:?}", row.status).to_uppercase(),
            None => "no record".to_owned(),
        };
        let end = |story: Story| match (story.end, story.starts) {
            (Some(end), 0) => format!("{end:?}"),
            (Some(end), _) => format!("{end:?}, and started on the laptop"),
            (None, 0) => "open".to_owned(),
            (None, _) => "open, and started on the laptop".to_owned(),
        };
        let mut line = format!("{seconds:6.1} s  {}; {}", status(0), end(self.story[0]));
        if self.attempt > 0 {
            line += &format!("; the retry: {}; {}", status(1), end(self.story[1]));
        }
        line
    }

    fn came_to(&self) -> Option<String> {
        self.news.clone()
    }
}
