//! Lines on their way to a terminal, a file or a pipe, written by a thread of
//! their own: whoever reads slowly, or not at all, holds up no invocation.
//!
//! What functions print waits for room, and so does the function that prints
//! it. When nobody has read anything for a while, it is dropped and counted.
//! Everything else is little, and is taken at once.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// More of functions' output is not kept.
const ROOM: usize = 1024 * 1024;

/// More of anything is not.
const MOST: usize = 16 * ROOM;

/// Written at once; between two of these it is known that somebody reads.
const PIECE: usize = 64 * 1024;

/// After a piece the writer looks again in this time, and is not woken meanwhile:
/// under load that is one wake-up and one call for the lines of many invocations.
const LINGER: Duration = Duration::from_millis(1);

/// Whoever has not read anything for this long may not come back.
const STALLED: Duration = Duration::from_secs(5);

/// Where something is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum To {
    Stdout,
    Stderr,
}

/// See the module.
pub(super) struct Queue {
    shared: Arc<Shared>,
    stalled: Duration,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// There is something to write.
    more: Condvar,
    /// Something has been written.
    progress: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<(To, Vec<u8>)>,
    /// In bytes, and what is being written.
    size: usize,
    /// Counts pieces that have been written.
    written: u64,
    /// Nobody has read anything for a while.
    is_stalled: bool,
    /// Lines that were dropped since.
    lost: u64,
    writer: Writer,
    /// So many wait for progress; the same.
    waiters: usize,
}

/// What the writer does. To wake it costs more than a line does, so nobody does
/// that while it looks again by itself.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Writer {
    #[default]
    Writes,
    /// Looks again soon; only much to write cannot wait so long.
    Lingers,
    Sleeps,
}

/// The two streams.
pub(super) trait Streams: Send + 'static {
    /// Nobody may be there to read it: that is nobody's error.
    fn write(&mut self, to: To, bytes: &[u8]);
}

impl Queue {
    pub(super) fn new(streams: impl Streams) -> Self {
        Self::giving_up_after(STALLED, streams)
    }

    fn giving_up_after(stalled: Duration, mut streams: impl Streams) -> Self {
        let shared = Arc::new(Shared::default());
        let writer = Arc::clone(&shared);
        // Lives as long as the process.
        std::thread::spawn(move || {
            loop {
                let (to, bytes) = writer.next();
                for piece in bytes.chunks(PIECE) {
                    streams.write(to, piece);
                    writer.wrote(piece.len());
                }
            }
        });
        Self { shared, stalled }
    }

    /// Something little. It is dropped where nobody has read a lot of it. `missing`
    /// words that some lines are.
    pub(super) fn put(&self, to: To, bytes: &[u8], missing: impl Fn(u64) -> Vec<u8>) {
        let mut state = self.shared.lock();
        if state.size >= MOST {
            state.lost += 1;
        } else if state.size < ROOM {
            self.shared.put_behind_lost(&mut state, to, bytes, missing);
        } else {
            self.shared.put(&mut state, to, bytes);
        }
    }

    /// Lines of a function, the same.
    pub(super) fn put_when_there_is_room(
        &self,
        to: To,
        bytes: &[u8],
        missing: impl Fn(u64) -> Vec<u8>,
    ) {
        let (mut state, has_room) = self.wait(|it| it.size < ROOM);
        if !has_room {
            state.lost += 1;
            return;
        }
        self.shared.put_behind_lost(&mut state, to, bytes, missing);
    }

    /// Whether so much is left that nobody has to wait, be there a few who ask at a time.
    pub(super) fn has_room(&self) -> bool {
        self.shared.lock().size < ROOM / 2
    }

    /// Waits until everything is written, or nobody reads it.
    pub(super) fn flush(&self) {
        drop(self.wait(|it| it.size == 0));
    }

    /// False: there was no progress for too long, now or the last time.
    fn wait(&self, holds: impl Fn(&State) -> bool) -> (MutexGuard<'_, State>, bool) {
        let mut state = self.shared.lock();
        let (mut since, mut written) = (Instant::now(), state.written);
        while !holds(&state) {
            let left = self.stalled.saturating_sub(since.elapsed());
            if state.is_stalled || left.is_zero() {
                state.is_stalled = true;
                return (state, false);
            }
            state.waiters += 1;
            let waited = self.shared.progress.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.waiters -= 1;
            if state.written != written {
                (since, written) = (Instant::now(), state.written);
            }
        }
        (state, true)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put_behind_lost(
        &self,
        state: &mut State,
        to: To,
        bytes: &[u8],
        missing: impl Fn(u64) -> Vec<u8>,
    ) {
        let lost = std::mem::take(&mut state.lost);
        if lost > 0 {
            self.put(state, to, &missing(lost));
        }
        self.put(state, to, bytes);
    }

    fn put(&self, state: &mut State, to: To, bytes: &[u8]) {
        state.size += bytes.len();
        match state.waiting.back_mut() {
            Some((last, together)) if *last == to && together.len() < PIECE => {
                together.extend_from_slice(bytes);
            }
            _ => state.waiting.push_back((to, bytes.to_vec())),
        }
        let is_needed = match state.writer {
            Writer::Writes => false,
            Writer::Lingers => state.size >= PIECE,
            Writer::Sleeps => true,
        };
        if is_needed {
            state.writer = Writer::Writes;
            self.more.notify_one();
        }
    }

    fn next(&self) -> (To, Vec<u8>) {
        let mut state = self.lock();
        if state.waiting.is_empty() && state.waiters == 0 {
            state.writer = Writer::Lingers;
            let waited = self.more.wait_timeout(state, LINGER);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        loop {
            if let Some(next) = state.waiting.pop_front() {
                state.writer = Writer::Writes;
                return next;
            }
            state.writer = Writer::Sleeps;
            let waited = self.more.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn wrote(&self, bytes: usize) {
        let mut state = self.lock();
        state.size -= bytes;
        state.written += 1;
        state.is_stalled = false;
        if state.waiters > 0 {
            self.progress.notify_all();
        }
    }
}

#[cfg(test)]
mod tests;
