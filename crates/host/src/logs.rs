//! What a function's process prints, and what Lambda says between its lines.

mod journal;
mod lines;
mod pipe;

pub(crate) use journal::{Begin, Journal};

use std::sync::Arc;
use tether_protocol::Timestamp;

/// Where a line was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// By the process, to its stdout.
    Stdout,
    /// By the process, to its stderr.
    Stderr,
    /// By Lambda, or by tether in its place.
    Platform,
}

impl Stream {
    /// The name for programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
            Self::Platform => "platform",
        }
    }
}

/// One line of a function's log.
#[derive(Clone, Debug)]
pub struct LogLine {
    /// The function.
    pub source: Arc<str>,
    /// The line, without its end.
    pub text: String,
    /// The same as it was written, if that was no UTF-8.
    pub raw: Option<Arc<[u8]>>,
    /// Where it was written.
    pub stream: Stream,
    /// The invocation that ran; none between two, and before the first.
    pub request_id: Option<Arc<str>>,
    /// When it was read.
    pub at: Timestamp,
    /// It was too long: the next one of this stream goes on with it.
    pub is_cut: bool,
}

impl LogLine {
    /// A line of Lambda's, or of tether in its place.
    #[must_use]
    pub fn platform(source: &Arc<str>, text: String) -> Self {
        Self {
            source: Arc::clone(source),
            text,
            raw: None,
            stream: Stream::Platform,
            request_id: None,
            at: crate::now(),
            is_cut: false,
        }
    }
}

/// Where lines go. It may block while it cannot take more of a process's lines,
/// and the process waits then; lines of [`Stream::Platform`] it takes at once.
#[derive(Clone)]
pub struct LogSink {
    take: Arc<dyn Fn(LogLine) + Send + Sync>,
    has_room: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl LogSink {
    /// One that may block each time: threads that may not wait do not call it.
    #[must_use]
    pub fn new(take: impl Fn(LogLine) + Send + Sync + 'static) -> Self {
        Self {
            take: Arc::new(take),
            has_room: Arc::new(|| false),
        }
    }

    /// It does not block for the line that is taken right after this said so. To ask is
    /// much cheaper than a thread that may wait.
    #[must_use]
    pub fn with_room(self, has_room: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self {
            has_room: Arc::new(has_room),
            ..self
        }
    }

    /// Something in front of it, that blocks when it does.
    #[must_use]
    pub fn behind(&self, take: impl Fn(LogLine) + Send + Sync + 'static) -> Self {
        Self {
            take: Arc::new(take),
            has_room: Arc::clone(&self.has_room),
        }
    }

    /// Takes a line.
    pub fn take(&self, line: LogLine) {
        (self.take)(line);
    }

    fn has_room(&self) -> bool {
        (self.has_room)()
    }
}
