//! The last lines of invocations whose callers asked for them
//! (`LogType=Tail`), where a function's lines come from working copies.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tether_host::{LogLine, LogSink};

/// What `LogType=Tail` gives back
/// (<https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>).
const TAIL: usize = 4 * 1024;

/// See the module. Clones are of the same.
#[derive(Clone, Default)]
pub struct Tails(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// Nobody wants one most of the time.
    wanted: AtomicUsize,
    kept: Mutex<HashMap<String, VecDeque<u8>>>,
}

impl Tails {
    /// A sink that lines pass through on their way to `sink`.
    #[must_use]
    pub fn sink(&self, sink: LogSink) -> LogSink {
        let tails = self.clone();
        Arc::new(move |line: LogLine| {
            tails.see(&line);
            sink(line);
        })
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<String, VecDeque<u8>>> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn see(&self, line: &LogLine) {
        if self.0.wanted.load(Ordering::Relaxed) == 0 {
            return;
        }
        let Some(id) = &line.request_id else { return };
        if let Some(kept) = self.kept().get_mut(&**id) {
            kept.extend(line.text.bytes());
            kept.push_back(b'\n');
            let surplus = kept.len().saturating_sub(TAIL);
            kept.drain(..surplus);
        }
    }

    /// From now on the lines of this invocation are kept.
    pub(crate) fn begin(&self, request_id: &str) {
        self.0.wanted.fetch_add(1, Ordering::Relaxed);
        self.kept().insert(request_id.to_owned(), VecDeque::new());
    }

    /// What was kept of it.
    pub(crate) fn end(&self, request_id: &str) -> Vec<u8> {
        self.0.wanted.fetch_sub(1, Ordering::Relaxed);
        let kept = self.kept().remove(request_id);
        kept.map(Vec::from).unwrap_or_default()
    }
}
