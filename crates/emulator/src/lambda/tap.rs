//! The log of one execution environment: lines on their way to the terminal,
//! and the last ones of an invocation whose caller asked for them.

use crate::tails::keep_end;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use tether_host::{LogLine, LogSink};

/// See the module.
pub(crate) struct Tap {
    sink: LogSink,
    source: Arc<str>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The running invocation.
    request_id: Option<Arc<str>>,
    /// The running invocation's lines, if somebody wants them.
    kept: Option<VecDeque<u8>>,
    /// What is to be said about the last invocation when it is over.
    last_words: Vec<String>,
}

impl Tap {
    pub(crate) fn new(sink: LogSink, source: &str) -> Arc<Self> {
        Arc::new(Self {
            sink,
            source: source.into(),
            state: Mutex::default(),
        })
    }

    /// Where the process's lines go.
    pub(crate) fn sink(self: &Arc<Self>) -> LogSink {
        let tap = Arc::clone(self);
        self.sink.behind(move |line: LogLine| tap.pass(line))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A line of Lambda's.
    pub(crate) fn say(&self, text: String) {
        self.pass(LogLine::platform(&self.source, text));
    }

    /// One line, of the process or of Lambda.
    fn pass(&self, line: LogLine) {
        let request_id = {
            let mut state = self.state();
            if let Some(kept) = &mut state.kept {
                keep_end(kept, &line.text);
            }
            state.request_id.clone()
        };
        self.sink.take(LogLine { request_id, ..line });
    }

    /// An invocation begins; `keep` its lines.
    pub(crate) fn begin(&self, request_id: &str, keep: bool, first: String) {
        self.end();
        {
            let mut state = self.state();
            state.kept = keep.then(VecDeque::new);
            state.request_id = Some(request_id.into());
        }
        self.say(first);
    }

    /// What is to be said when the runtime has done all that belongs to the
    /// invocation.
    pub(crate) fn conclude(&self, last_words: Vec<String>) {
        self.state().last_words = last_words;
    }

    /// The invocation is over.
    pub(crate) fn end(&self) {
        let last_words = std::mem::take(&mut self.state().last_words);
        for line in last_words {
            self.say(line);
        }
        self.state().request_id = None;
    }

    /// The last 4 KB of the invocation.
    pub(crate) fn tail(&self) -> Option<Vec<u8>> {
        self.state().kept.take().map(Vec::from)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use crate::tails::TAIL;

    #[test]
    fn the_tail_is_the_end_of_one_invocation_and_of_no_other() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&lines);
        let sink = LogSink::new(move |line: LogLine| seen.lock().unwrap().push(line.text));
        let tap = Tap::new(sink, "f");
        tap.say("before".into());
        tap.begin("1", true, "START 1".into());
        tap.say("x".repeat(2 * TAIL));
        tap.conclude(vec!["END 1".into()]);
        tap.end();
        let tail = String::from_utf8(tap.tail().unwrap()).unwrap();
        assert_eq!(tail.len(), TAIL);
        assert!(tail.ends_with("x\nEND 1\n"), "{tail}");
        tap.begin("2", false, "START 2".into());
        assert_eq!(tap.tail(), None);
        // The last words of one stand before the first of the next.
        tap.conclude(vec!["END 2".into()]);
        tap.begin("3", true, "START 3".into());
        assert_eq!(tap.tail().unwrap(), b"START 3\n");
        let said = lines.lock().unwrap();
        assert_eq!(said.last().unwrap(), "START 3");
        assert_eq!(said[said.len() - 2], "END 2");
    }
}
