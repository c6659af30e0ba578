//! What an invocation does on this machine.

use crate::answer_stream::{AnswerStream, Taker, answer_stream};
use crate::debugger::Sessions;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tether_protocol::Timestamp;

/// What an invocation does on this machine, at any moment. Clones are of the
/// same invocation: one is given to [`Function::run`](crate::Function::run),
/// another one is asked.
#[derive(Clone)]
pub struct RunState(Arc<Mutex<Inner>>);

struct Inner {
    doing: Doing,
    since: Timestamp,
    /// The process that it runs in, if that is debugged.
    sessions: Option<Sessions>,
    /// Whoever wants the answer while it is written.
    taker: Option<Taker>,
}

/// Ends the stream of an answer that was not streamed; see [`RunState::stream`].
pub(crate) struct Streaming<'a>(&'a RunState);

impl Drop for Streaming<'_> {
    fn drop(&mut self) {
        self.0.taker();
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Doing {
    Arrived,
    Waits,
    Starts,
    Runs,
    Answered,
}

impl RunState {
    /// An invocation that has arrived.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Inner {
            doing: Doing::Arrived,
            since: crate::now(),
            sessions: None,
            taker: None,
        })))
    }

    /// Asks for the answer while it is written, if the runtime streams it. It
    /// is asked for before the invocation runs, and what was handed out this
    /// way does not come again at the end: an answer that was streamed ends as
    /// one with an empty body. A runtime that does not stream answers at the
    /// end, all at once, and nothing comes out of the stream.
    #[must_use]
    pub fn stream(&self) -> AnswerStream {
        let (taker, stream) = answer_stream();
        self.lock().taker = Some(taker);
        stream
    }

    /// Nothing more comes out of the stream, if it was asked for: the
    /// invocation is over.
    pub fn end_stream(&self) {
        self.taker();
    }

    /// What it does, for people: `stopped at a breakpoint for 28 s (app.py:7)`.
    #[must_use]
    pub fn describe(&self, at: Timestamp) -> String {
        let inner = self.lock();
        let span = for_people(at.since(inner.since));
        match inner.doing {
            Doing::Arrived | Doing::Starts if inner.awaited_at().is_some() => {
                let port = inner.awaited_at().unwrap_or_default();
                format!("waiting for a debugger at port {port} for {span}")
            }
            Doing::Arrived => format!("on its way to a local process for {span}"),
            Doing::Waits => format!(
                "waiting for its local process, which is busy with another invocation, for {span}"
            ),
            Doing::Starts | Doing::Runs => match inner.stopped(at) {
                Some(stopped) => stopped,
                None if inner.doing == Doing::Starts => {
                    format!("starting its local process for {span}")
                }
                None => format!("running for {span}"),
            },
            Doing::Answered => format!("sending its answer for {span}"),
        }
    }

    /// Whoever asked for the answer while it is written, once.
    pub(crate) fn taker(&self) -> Option<Taker> {
        self.lock().taker.take()
    }

    /// Held while it runs: then, nothing more comes out of its stream.
    pub(crate) fn streams(&self) -> Streaming<'_> {
        Streaming(self)
    }

    /// It waits for a process that is busy.
    pub(crate) fn waits(&self) {
        self.is(Doing::Waits);
    }

    /// Its process starts.
    pub(crate) fn starts(&self) {
        self.is(Doing::Starts);
    }

    /// Its process has taken the event.
    pub(crate) fn runs(&self) {
        self.is(Doing::Runs);
    }

    /// The process is done with it.
    pub(crate) fn is_answered(&self) {
        self.is(Doing::Answered);
    }

    /// Whoever debugs the process, if anybody does.
    pub(crate) fn is_debugged_in(&self, sessions: Option<Sessions>) {
        self.lock().sessions = sessions;
    }

    fn is(&self, doing: Doing) {
        let mut inner = self.lock();
        inner.doing = doing;
        inner.since = crate::now();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for RunState {
    fn default() -> Self {
        Self::new()
    }
}

impl Inner {
    fn awaited_at(&self) -> Option<u16> {
        self.sessions.as_ref()?.awaited_at()
    }

    fn stopped(&self, at: Timestamp) -> Option<String> {
        let stop = self.sessions.as_ref()?.stop()?;
        let span = for_people(at.since(stop.since));
        let place = stop.place.map(|it| format!(" ({it})")).unwrap_or_default();
        Some(format!("{} for {span}{place}", stop.how))
    }
}

/// As exact as people say it.
fn for_people(span: Duration) -> String {
    let seconds = (span.as_millis() + 500) / 1000;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        _ if seconds == 0 => "less than a second".to_owned(),
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_rounded_as_people_say_them() {
        for (millis, said) in [
            (0, "less than a second"),
            (499, "less than a second"),
            (500, "1 s"),
            (28_200, "28 s"),
            (59_500, "1 min"),
            (125_000, "2 min 5 s"),
            (3_600_000, "1 h"),
            (3_959_000, "1 h 5 min"),
        ] {
            assert_eq!(for_people(Duration::from_millis(millis)), said);
        }
    }

    #[test]
    fn there_is_a_phrase_at_any_time() {
        let state = RunState::new();
        let later = |seconds| crate::now().plus(Duration::from_secs(seconds));
        assert_eq!(
            state.describe(later(2)),
            "on its way to a local process for 2 s"
        );
        state.waits();
        let busy = "waiting for its local process, which is busy with another invocation, for 12 s";
        assert_eq!(state.describe(later(12)), busy);
        state.starts();
        assert_eq!(
            state.describe(later(3)),
            "starting its local process for 3 s"
        );
        state.clone().runs();
        assert_eq!(state.describe(later(28)), "running for 28 s");
        assert_eq!(
            state.describe(Timestamp(0)),
            "running for less than a second"
        );
        state.is_answered();
        assert_eq!(state.describe(later(1)), "sending its answer for 1 s");
    }
}
