//! Whether the functions are what they should be: a deploy in the middle takes
//! the layer away and may leave the variable that names it.
//!
//! The manager compares and repairs: it has the journal and the right to change
//! functions, and a laptop would need a right to read them.

use super::Session;
use crate::account::Developer;
use crate::error::Error;
use crate::manager;
use crate::stack::HelperStack;
use std::time::Duration;
use tether_protocol::SessionId;
use tether_protocol::message::{ManagerRequest, Progress, ProgressState};
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior};

/// What a check has found and done.
pub(super) type Checked = Result<Vec<Progress>, Error>;

/// One check after the other.
pub(super) struct Checks {
    developer: Developer,
    helper: HelperStack,
    session_id: SessionId,
    every: Interval,
    /// The one that is under way.
    work: JoinSet<Checked>,
    /// What the last one has found.
    last: Vec<Progress>,
    /// The last one failed, and the developer knows.
    failing: bool,
}

impl Checks {
    pub(super) fn new(
        developer: &Developer,
        helper: &HelperStack,
        session_id: &SessionId,
        every: Duration,
    ) -> Self {
        let first = tokio::time::Instant::now() + every;
        let mut every = tokio::time::interval_at(first, every);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            developer: developer.clone(),
            helper: helper.clone(),
            session_id: session_id.clone(),
            every,
            work: JoinSet::new(),
            last: Vec::new(),
            failing: false,
        }
    }

    /// What the next check has come to. Nothing is lost if this is dropped and
    /// called again.
    pub(super) async fn next(&mut self) -> Checked {
        loop {
            tokio::select! {
                // One that a bug of ours has ended: the next one tells.
                Some(done) = self.work.join_next() => if let Ok(checked) = done {
                    return checked;
                },
                _ = self.every.tick(), if self.work.is_empty() => self.begin(),
            }
        }
    }

    /// What was not told at the last check: a repair that keeps failing is told
    /// once.
    fn news(&mut self, found: Vec<Progress>) -> Vec<Progress> {
        let last = std::mem::replace(&mut self.last, found.clone());
        let failed = |it: &Progress| it.state == ProgressState::Failed;
        let news = found.into_iter();
        news.filter(|it| !(failed(it) && last.contains(it)))
            .collect()
    }

    fn begin(&mut self) {
        let (developer, helper) = (self.developer.clone(), self.helper.clone());
        let request = ManagerRequest::Check {
            session_id: self.session_id.clone(),
        };
        self.work
            .spawn(async move { manager::ask(&developer, &helper, &request).await });
    }
}

impl Session {
    pub(super) fn checked(&mut self, checked: Checked) {
        let failed = checked.is_err();
        let was_failing = std::mem::replace(&mut self.checks.failing, failed);
        match checked {
            Ok(changed) => {
                let news = self.checks.news(changed);
                for progress in news {
                    self.progressed(progress);
                }
            }
            // Once, and not every few seconds; the sweeper looks as well.
            Err(_) if was_failing => {}
            Err(error) => self.note(format!(
                "it cannot be seen whether a deploy has changed the functions ({error}): if one is down, run `tether detach --stack-name {}`",
                self.stack_name
            )),
        }
    }
}
