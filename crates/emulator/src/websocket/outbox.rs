//! What waits to be sent to a client: so many messages and no more, so that
//! one who does not read costs a known amount of memory.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::time::Instant;

/// An emptied queue that was longer than this gives its memory back.
const KEPT: usize = 4;

/// What goes out to the client, and when it is there.
pub(super) struct Outgoing {
    pub(super) due: Instant,
    pub(super) frame: Frame,
}

pub(super) enum Frame {
    Text(String),
    Pong(Vec<u8>),
    Close(u16, &'static str),
}

/// Why a message cannot be posted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotPosted {
    /// The client reads too slowly.
    Full,
    Gone,
}

/// See the module.
pub(super) struct Outbox {
    waiting: Mutex<Waiting>,
    bound: usize,
    /// For the writer.
    news: Notify,
    /// For those who wait for room.
    room: Notify,
}

#[derive(Default)]
struct Waiting {
    line: VecDeque<Outgoing>,
    is_closed: bool,
}

impl Outbox {
    pub(super) fn new(bound: usize) -> Self {
        Self {
            waiting: Mutex::default(),
            bound,
            news: Notify::new(),
            room: Notify::new(),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts something at the end of the line, if there is room.
    pub(super) fn push(&self, outgoing: Outgoing) -> Result<(), NotPosted> {
        self.try_push(outgoing).map_err(|(reason, _)| reason)
    }

    fn try_push(&self, outgoing: Outgoing) -> Result<(), (NotPosted, Outgoing)> {
        let mut waiting = self.waiting();
        if waiting.is_closed {
            return Err((NotPosted::Gone, outgoing));
        }
        if waiting.line.len() >= self.bound {
            return Err((NotPosted::Full, outgoing));
        }
        waiting.line.push_back(outgoing);
        let was_empty = waiting.line.len() == 1;
        drop(waiting);
        if was_empty {
            self.news.notify_one();
        }
        Ok(())
    }

    /// Puts something at the end of the line when there is room; a client that
    /// is gone does not get it.
    pub(super) async fn send(&self, mut outgoing: Outgoing) {
        loop {
            let mut room = pin!(self.room.notified());
            room.as_mut().enable();
            match self.try_push(outgoing) {
                Err((NotPosted::Full, refused)) => outgoing = refused,
                Ok(()) | Err((NotPosted::Gone, _)) => return,
            }
            room.await;
        }
    }

    /// The next in line, waiting for it.
    pub(super) async fn next(&self) -> Outgoing {
        loop {
            if let Some(outgoing) = self.take(|_| true) {
                return outgoing;
            }
            self.news.notified().await;
        }
    }

    /// The next in line, if there is one that is due.
    pub(super) fn next_due(&self, now: Instant) -> Option<Outgoing> {
        self.take(|it| it.due <= now)
    }

    fn take(&self, is_wanted: impl FnOnce(&Outgoing) -> bool) -> Option<Outgoing> {
        let mut waiting = self.waiting();
        waiting.line.front().filter(|it| is_wanted(it))?;
        let was_full = waiting.line.len() >= self.bound;
        let outgoing = waiting.line.pop_front();
        if waiting.line.is_empty() && waiting.line.capacity() > KEPT {
            waiting.line = VecDeque::new();
        }
        drop(waiting);
        if was_full {
            self.room.notify_waiters();
        }
        outgoing
    }

    /// Nothing is taken from now on, and who waits for room waits no longer.
    pub(super) fn close(&self) {
        let mut waiting = self.waiting();
        waiting.is_closed = true;
        waiting.line = VecDeque::new();
        drop(waiting);
        self.room.notify_waiters();
    }
}

#[cfg(test)]
#[allow(clippy::panic, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    fn text(text: &str) -> Outgoing {
        Outgoing {
            due: Instant::now(),
            frame: Frame::Text(text.to_owned()),
        }
    }

    fn said(outgoing: &Outgoing) -> &str {
        match &outgoing.frame {
            Frame::Text(text) => text,
            _ => panic!("no text"),
        }
    }

    #[tokio::test]
    async fn it_holds_so_many_and_keeps_their_order() {
        let outbox = Outbox::new(2);
        assert_eq!(outbox.push(text("1")), Ok(()));
        assert_eq!(outbox.push(text("2")), Ok(()));
        assert_eq!(outbox.push(text("3")), Err(NotPosted::Full));
        assert_eq!(said(&outbox.next().await), "1");
        assert_eq!(outbox.push(text("4")), Ok(()));
        assert_eq!(said(&outbox.next().await), "2");
        assert_eq!(said(&outbox.next().await), "4");
        assert!(outbox.next_due(Instant::now()).is_none());
    }

    #[tokio::test]
    async fn who_waits_for_room_gets_it_or_hears_that_it_is_over() {
        let outbox = Outbox::new(1);
        assert_eq!(outbox.push(text("1")), Ok(()));
        let (_, first) = tokio::join!(outbox.send(text("2")), outbox.next());
        assert_eq!(said(&first), "1");
        tokio::join!(outbox.send(text("3")), async { outbox.close() });
        assert_eq!(outbox.push(text("4")), Err(NotPosted::Gone));
    }

    #[tokio::test]
    async fn what_is_not_due_yet_is_left() {
        let outbox = Outbox::new(1);
        let later = Instant::now() + std::time::Duration::from_secs(60);
        let frame = Frame::Close(1000, "");
        assert_eq!(outbox.push(Outgoing { due: later, frame }), Ok(()));
        assert!(outbox.next_due(Instant::now()).is_none());
        assert!(outbox.next_due(later).is_some());
    }
}
