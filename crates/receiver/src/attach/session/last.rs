//! How a session ends: what runs may end as well, or is answered with an error.

use super::{BETWEEN_SLICES, Session, sleep_until};
use crate::link::Heard;
use std::time::Duration;
use tether_protocol::constants::GRACE_AFTER_DISCONNECT;
use tether_protocol::message::{ToCloud, ToLaptop};
use tether_protocol::serve::Event;
use tokio::time::Instant;

/// How long an error for an interrupted invocation is waited for to be stored.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// How long a goodbye is waited for to be heard.
const LAST_GOODBYE: Duration = Duration::from_secs(2);

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

    /// Functions see that the session is over before its connection is gone: they
    /// would take it for a laptop that was lost.
    pub(super) async fn goodbye(&mut self) {
        if !self.link.is_up() {
            return;
        }
        self.link.send(ToCloud::Goodbye);
        let answered = async {
            while let Heard::Message(message) = self.link.next().await {
                if let ToLaptop::SessionEnded(_) | ToLaptop::Problem(_) = message {
                    return;
                }
            }
        };
        // The manager closes it as well, a moment later.
        let _ = tokio::time::timeout(LAST_GOODBYE, answered).await;
    }

    /// Nobody can be answered any more.
    pub(super) fn give_up(&mut self) {
        let reason = "there is no connection to answer by, and its caller has an error";
        for key in self.in_flight.keys() {
            let now = self.now_in_cloud();
            let dropped = self.in_flight.dropped(&key, reason, now);
            self.told(dropped);
        }
    }

    /// What arrived while it was ending.
    async fn decline_all(&mut self) {
        while let Some(done) = self.work.join_next_with_id().await {
            self.worked(done);
        }
    }

    /// Answers what is running with an error: its process is about to end.
    async fn interrupt(&mut self) {
        self.draining = true;
        self.tell_all(Event::Interrupted);
        let mut slice = tokio::time::interval(BETWEEN_SLICES);
        while self.in_flight.unfinished() > 0 {
            tokio::select! {
                heard = self.link.next() => {
                    // There is no way back.
                    if self.heard(heard).is_err() {
                        return;
                    }
                }
                Some(done) = self.work.join_next_with_id() => self.worked(done),
                () = sleep_until(self.in_flight.next_wake()) => self.wake(),
                _ = slice.tick(), if self.has_more_to_repeat() => self.repeat_replies(),
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
