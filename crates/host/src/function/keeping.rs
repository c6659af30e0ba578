//! New code before the next invocation: when a file is saved, the processes
//! that have the old code end, and one that has the new code is started and
//! imports it.
//!
//! That one is the function's *spare*, whichever remote environment asks first
//! gets it. Under a debugger, where there is one process in all, its successor
//! starts in its place.

use super::process::Process;
use super::{Function, INIT, lock};
use crate::freshness::Fingerprint;
use std::time::{Duration, Instant};
use tether_protocol::Environment;
use tokio::task::JoinSet;

/// A process that no invocation has asked for yet.
pub(super) struct Spare {
    process: Process,
    since: Instant,
}

impl Function {
    /// Replaces processes between invocations, when code was saved, until this
    /// is dropped. An invocation that runs, or stands at a breakpoint, is left
    /// alone: its process is replaced when it has ended.
    ///
    /// A function that was never invoked has no process to be replaced. One
    /// that cannot start says so in the log at once, and the next invocation is
    /// answered with its error.
    pub async fn keep_fresh(&self) {
        let mut files = self.making.files().await;
        let mut renewed = files;
        loop {
            tokio::select! {
                () = self.making.differs_from(files) => {}
                () = self.outdated.notified() => {}
                () = self.overdue_ends() => {}
                () = self.end_slow_spare() => {}
            }
            files = self.refresh(&mut renewed).await;
        }
    }

    /// Ends what has old code, and starts a process of the new one, once. Which
    /// version of the files that is.
    async fn refresh(&self, renewed: &mut Fingerprint) -> Fingerprint {
        let Some(variables) = lock(&self.variables).clone() else {
            return self.making.files().await;
        };
        let made = self.making.now().await;
        let mut spare = self.spare.lock().await;
        let (mut old, left) = self.outdated(made.code);
        let stale = spare.take_if(|it| !it.process.is_of(made.code));
        old.extend(stale.map(|it| it.process));
        let is_debugged = self.copy.has_a_developer();
        if is_debugged {
            // Its successor gets its port.
            end(std::mem::take(&mut old)).await;
        }
        let waits = is_debugged && left == Left::Running;
        if made.code != *renewed && !waits {
            *renewed = made.code;
            if made.built.is_ok() && left != Left::Nothing && spare.is_none() {
                *spare = self.new_spare(made.code, &variables).await;
            }
        }
        drop(spare);
        end(old).await;
        made.files
    }

    /// Takes the processes of other code out of their slots, and says what is
    /// left there.
    fn outdated(&self, code: Fingerprint) -> (Vec<Process>, Left) {
        let (mut old, mut left) = (Vec::new(), Left::Nothing);
        for place in self.slots.all() {
            if place.plate.says(code) {
                continue;
            }
            match place.slot.try_lock() {
                Ok(mut slot) if !slot.is_overdue() => {
                    old.extend(slot.take());
                    left = left.max(Left::Empty);
                }
                _ => left = Left::Running,
            }
        }
        (old, left)
    }

    /// None: it cannot be started, which the next invocation finds out as well.
    async fn new_spare(&self, code: Fingerprint, variables: &Environment) -> Option<Spare> {
        let process = self.new_process(code, variables).await.ok()?;
        Some(Spare {
            process,
            since: Instant::now(),
        })
    }

    /// Under a debugger: when the invocation ends whose time was up.
    async fn overdue_ends(&self) {
        let slots = self.slots.all().into_iter();
        let overdue = slots.filter_map(|place| {
            let slot = place.slot.try_lock().ok()?;
            let process = slot.process.as_ref().filter(|_| slot.is_overdue())?;
            Some(process.environment.waiting())
        });
        let first = { overdue }.next();
        if let Some(mut waiting) = first
            && waiting.wait_for(|count| *count > 0).await.is_ok()
        {
            return;
        }
        std::future::pending().await
    }

    /// When the spare has not come up in time.
    async fn end_slow_spare(&self) {
        let since = {
            let spare = self.spare.lock().await;
            spare.as_ref().map(|it| it.since)
        };
        let left = match since {
            Some(since) if !self.copy.has_a_developer() => INIT.checked_sub(since.elapsed()),
            _ => None,
        };
        let Some(left) = left else {
            return std::future::pending().await;
        };
        tokio::time::sleep(left).await;
        let slow = {
            let mut spare = self.spare.lock().await;
            spare.take_if(|it| Some(it.since) == since && it.process.environment.is_starting())
        };
        if let Some(spare) = slow {
            self.making.says(&format!(
                "the new code has not asked for an event within {} s of its start, and was ended: the next invocation starts it again",
                INIT.as_secs()
            ));
            spare.process.stop().await;
        }
    }

    /// The spare, if it fits; one that does not is in the way. One of another
    /// version of the function waits for that, unless there is one in all.
    pub(super) async fn fitting(
        &self,
        spare: &mut Option<Spare>,
        code: Fingerprint,
        variables: &Environment,
    ) -> Option<Process> {
        let is_of_version = |it: &mut Spare| it.process.is_of_version(variables);
        let one = self.copy.has_a_developer();
        let mut process = spare.take_if(|it| one || is_of_version(it))?.process;
        if process.is_current(code, variables) {
            return Some(process);
        }
        process.stop().await;
        None
    }

    pub(super) async fn end_spare(&self, idle: Duration) {
        let spare = {
            let mut spare = self.spare.lock().await;
            spare.take_if(|it| it.since.elapsed() >= idle)
        };
        if let Some(spare) = spare {
            spare.process.stop().await;
        }
    }
}

/// What is there beside the slots that have the new code, or will have it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Left {
    Nothing,
    /// Slots without a process.
    Empty,
    /// Invocations in the old code.
    Running,
}

async fn end(processes: Vec<Process>) {
    let mut ends = JoinSet::new();
    for process in processes {
        ends.spawn(process.stop());
    }
    while ends.join_next().await.is_some() {}
}
