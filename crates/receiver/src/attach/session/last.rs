//! How a session ends: what runs may end as well, or is answered with an error.

use super::{BETWEEN_SLICES, Session};
use crate::dispatch;
use crate::link::Heard;
use crate::report::InvocationOutcome;
use std::time::Duration;
use tether_protocol::constants::GRACE_AFTER_DISCONNECT;
use tether_protocol::message::ToLaptop;
use tether_runtime_api::ErrorObject;
use tokio::time::Instant;

/// How long an error for an interrupted invocation is waited for to be stored.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// How long, at the end, the deployed code is still told that an event is its
/// own: it finds that out by itself, a moment later.
const LAST_DECLINES: Duration = Duration::from_secs(1);

impl Session {
    pub(super) fn drain(&mut self) {
        self.draining = true;
        if !self.link.is_up() {
            self.alone_since = Some(Instant::now());
        }
        let unfinished = self.in_flight.unfinished();
        if unfinished > 0 {
            self.note(format!(
                "waiting for {unfinished} invocation(s) to end; Ctrl-C again answers them with an error"
            ));
        }
    }

    /// To the callers of what runs, and of what arrived while it was ending.
    pub(super) async fn last_words(&mut self) {
        if self.in_flight.unfinished() > 0 {
            // Whoever is not told in time gets the bootstrap's own error.
            let _ = tokio::time::timeout(LAST_WORDS, self.interrupt()).await;
        } else {
            let _ = tokio::time::timeout(LAST_DECLINES, self.decline_all()).await;
        }
    }

    /// Nobody can be answered any more.
    pub(super) fn give_up(&mut self) {
        for key in self.in_flight.keys() {
            let reason = "there is no connection to answer by, and its caller has an error";
            self.ended(&key, InvocationOutcome::Dropped, reason.to_owned());
        }
    }

    /// What arrived while it was ending.
    async fn decline_all(&mut self) {
        while let Some(done) = self.work.join_next_with_id().await {
            match done {
                Ok((task, done)) => self.finished(task, done),
                Err(error) => self.crashed(&error),
            }
        }
    }

    /// Answers what is running with an error: its process is about to end.
    async fn interrupt(&mut self) {
        let error = ErrorObject::new(
            "Tether.Detached",
            "tether: the debugging session ended while this invocation was running: repeat it",
        );
        let body = error.to_bytes();
        let outcome = || dispatch::failed(Some(error.error_type.clone()), &body);
        self.in_flight.answer_all(&error.error_type, outcome);
        self.in_flight.all_again();
        self.repeat_replies();
        let mut slice = tokio::time::interval(BETWEEN_SLICES);
        while self.in_flight.unfinished() > 0 {
            let heard = tokio::select! {
                heard = self.link.next() => heard,
                _ = slice.tick(), if self.has_more_to_repeat() => {
                    self.repeat_replies();
                    continue;
                }
            };
            match heard {
                Heard::Message(ToLaptop::Stored(key)) => {
                    let ended = self.in_flight.stored(&key);
                    self.told(ended);
                }
                Heard::Message(ToLaptop::Refused(refused)) => {
                    self.ended(&refused.key, InvocationOutcome::Dropped, refused.reason);
                }
                Heard::Resumed => {
                    self.in_flight.all_again();
                    self.repeat_replies();
                }
                Heard::Refused(_) => return,
                _ => {}
            }
        }
    }
}

pub(super) async fn after_grace(since: Option<Instant>) {
    match since {
        Some(since) => tokio::time::sleep_until(since + GRACE_AFTER_DISCONNECT).await,
        None => std::future::pending().await,
    }
}
