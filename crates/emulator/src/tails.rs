//! The last lines of invocations whose callers asked for them
//! (`LogType=Tail`), where a function's lines come from working copies.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tether_host::{LogLine, LogSink, Stream};
use tokio::sync::Notify;

/// What `LogType=Tail` gives back
/// (<https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>).
pub(crate) const TAIL: usize = 4 * 1024;

/// Adds a line to the end of a log, of which no more is kept.
pub(crate) fn keep_end(kept: &mut VecDeque<u8>, line: &str) {
    kept.extend(line.bytes());
    kept.push_back(b'\n');
    let surplus = kept.len().saturating_sub(TAIL);
    kept.drain(..surplus);
}

/// Within this.
const REPORT_COMES: Duration = Duration::from_secs(1);

/// See the module. Clones are of the same.
#[derive(Clone, Default)]
pub struct Tails(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// Nobody wants one most of the time.
    wanted: AtomicUsize,
    kept: Mutex<HashMap<String, Kept>>,
}

/// The lines of one invocation.
#[derive(Default)]
struct Kept {
    bytes: VecDeque<u8>,
    /// Lambda's last line of it was there.
    over: Arc<Notify>,
}

impl Tails {
    /// A sink that lines pass through on their way to `sink`.
    #[must_use]
    pub fn sink(&self, sink: LogSink) -> LogSink {
        let tails = self.clone();
        sink.clone().behind(move |line: LogLine| {
            tails.see(&line);
            sink.take(line);
        })
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<String, Kept>> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn see(&self, line: &LogLine) {
        if self.0.wanted.load(Ordering::Relaxed) == 0 {
            return;
        }
        let Some(id) = &line.request_id else { return };
        if let Some(kept) = self.kept().get_mut(&**id) {
            keep_end(&mut kept.bytes, &line.text);
            if line.stream == Stream::Platform && is_report(&line.text) {
                kept.over.notify_one();
            }
        }
    }

    /// From now on the lines of this invocation are kept.
    pub(crate) fn begin(&self, request_id: &str) {
        self.0.wanted.fetch_add(1, Ordering::Relaxed);
        self.kept().insert(request_id.to_owned(), Kept::default());
    }

    /// What was kept of it: REPORT is behind the answer, and is waited for.
    pub(crate) async fn end(&self, request_id: &str) -> Vec<u8> {
        let over = self.kept().get(request_id).map(|it| Arc::clone(&it.over));
        if let Some(over) = over {
            // It may not come where a process is gone.
            let _ = tokio::time::timeout(REPORT_COMES, over.notified()).await;
        }
        self.0.wanted.fetch_sub(1, Ordering::Relaxed);
        let kept = self.kept().remove(request_id);
        kept.map(|it| Vec::from(it.bytes)).unwrap_or_default()
    }
}

/// In text, or in JSON.
fn is_report(line: &str) -> bool {
    line.starts_with("REPORT ") || line.contains("\"platform.report\"")
}
