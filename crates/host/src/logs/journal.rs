//! The log of one process: its two streams, and between their lines what
//! Lambda says of its invocations.
//!
//! One task reads both and is told of invocations. What was printed before an
//! answer is in a pipe by then: it is read before the invocation's end is
//! written, without waiting for more.

use super::lines::{Lines, Marks};
use super::{LogLine, LogSink, Stream};
use std::sync::Arc;
use std::time::Duration;
use tether_protocol::Environment;
use tether_runtime_api::log::{self, LogFormat, Report};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, ChildStderr, ChildStdout};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

/// Read at once: what a pipe holds.
const CHUNK: usize = 64 * 1024;

/// A process that prints all the time is not read to its end: no pipe holds
/// more (`/proc/sys/fs/pipe-max-size`).
const MOST_PENDING: usize = 1024 * 1024;

/// The environment's end of its log.
pub(crate) struct Journal {
    words: mpsc::UnboundedSender<Word>,
    task: JoinSet<()>,
}

enum Word {
    /// The process is about to get this invocation.
    Begin(Arc<str>),
    /// It is over.
    Conclude(Box<Report>),
    /// The process did not ask for an event in this time, and is given up.
    InitTimedOut(Duration),
    /// Somebody waits until what was printed is read.
    Settle(oneshot::Sender<()>),
    /// The process has ended: nobody else's words are waited for.
    End,
}

/// Tells that an invocation begins, when it is handed to the process.
#[derive(Clone)]
pub(crate) struct Begin {
    words: mpsc::UnboundedSender<Word>,
    request_id: Arc<str>,
}

impl Begin {
    pub(crate) fn tell(self) {
        let _ = self.words.send(Word::Begin(self.request_id));
    }
}

impl Journal {
    /// Reads the process's output from now on.
    pub(crate) fn of(
        child: &mut Child,
        source: &Arc<str>,
        environment: &Environment,
        sink: &LogSink,
    ) -> Self {
        let (words, heard) = mpsc::unbounded_channel();
        let variable = |name: &str| environment.expose().get(name).cloned();
        let reader = Reader {
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
            out: Lines::new(Stream::Stdout),
            err: Lines::new(Stream::Stderr),
            marks: Marks {
                source: Arc::clone(source),
                request_id: None,
            },
            format: LogFormat::of_variable(variable("AWS_LAMBDA_LOG_FORMAT").as_deref()),
            version: variable("AWS_LAMBDA_FUNCTION_VERSION").unwrap_or("$LATEST".to_owned()),
            sink: Arc::clone(sink),
        };
        let mut task = JoinSet::new();
        task.spawn(reader.run(heard));
        Self { words, task }
    }

    /// Something to be told when this invocation is handed out.
    pub(crate) fn begin(&self, request_id: &str) -> Begin {
        Begin {
            words: self.words.clone(),
            request_id: request_id.into(),
        }
    }

    /// This invocation is over. Nobody waits for its lines.
    pub(crate) fn conclude(&self, report: Report) {
        let _ = self.words.send(Word::Conclude(Box::new(report)));
    }

    /// The process did not ask for an event in this time, and is given up.
    pub(crate) fn init_timed_out(&self, took: Duration) {
        let _ = self.words.send(Word::InitTimedOut(took));
    }

    /// Waits until all that was printed so far has been taken.
    pub(crate) async fn settle(&self) {
        let (settled, done) = oneshot::channel();
        let _ = self.words.send(Word::Settle(settled));
        let _ = done.await;
    }

    /// The process has ended: waits until its last words have been taken. A
    /// child of its own may keep the pipes open: that is not waited for.
    pub(crate) async fn end(&mut self) {
        let _ = self.words.send(Word::End);
        while self.task.join_next().await.is_some() {}
    }
}

struct Reader {
    /// None: it has ended.
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    out: Lines,
    err: Lines,
    marks: Marks,
    format: LogFormat,
    version: String,
    sink: LogSink,
}

impl Reader {
    async fn run(mut self, mut heard: mpsc::UnboundedReceiver<Word>) {
        let (mut out, mut err) = (vec![0; CHUNK], vec![0; CHUNK]);
        loop {
            let (stream, read) = tokio::select! {
                // The word came before what it is about was printed.
                biased;
                word = heard.recv() => match word {
                    Some(Word::End) | None => break,
                    Some(word) => {
                        self.hear(word).await;
                        continue;
                    }
                },
                read = next(&mut self.stdout, &mut out) => (Stream::Stdout, read),
                read = next(&mut self.stderr, &mut err) => (Stream::Stderr, read),
            };
            self.take(
                stream,
                if stream == Stream::Stdout { &out } else { &err },
                read,
            )
            .await;
        }
        self.drain().await;
    }

    async fn hear(&mut self, word: Word) {
        // What was printed before this stands before it.
        self.drain().await;
        match word {
            Word::Begin(request_id) => self.begin(request_id),
            Word::Conclude(report) => {
                // It may have ended before the process could be given it.
                if self.marks.request_id.as_deref() != Some(&report.request_id) {
                    self.begin(report.request_id.as_str().into());
                }
                for line in report.lines(self.format, crate::now().0) {
                    self.say(line);
                }
                self.marks.request_id = None;
            }
            Word::InitTimedOut(took) => {
                self.say(log::init_timed_out(self.format, took, crate::now().0));
            }
            Word::Settle(settled) => {
                let _ = settled.send(());
            }
            Word::End => {}
        }
    }

    fn begin(&mut self, request_id: Arc<str>) {
        let line = log::start(self.format, &request_id, &self.version, crate::now().0);
        self.marks.request_id = Some(request_id);
        self.say(line);
    }

    /// A line of Lambda's.
    fn say(&self, text: String) {
        let line = LogLine::platform(&self.marks.source, text);
        let request_id = self.marks.request_id.clone();
        (self.sink)(LogLine { request_id, ..line });
    }

    /// Takes what the process has printed so far, ended lines or not.
    async fn drain(&mut self) {
        let mut bytes = vec![0; CHUNK];
        for stream in [Stream::Stdout, Stream::Stderr] {
            let mut total = 0;
            while total < MOST_PENDING {
                let read = match stream {
                    Stream::Stdout => pending(self.stdout.as_mut(), &mut bytes).await,
                    _ => pending(self.stderr.as_mut(), &mut bytes).await,
                };
                let Some(read) = read else { break };
                if read == 0 {
                    self.take(stream, &bytes, 0).await;
                    break;
                }
                total += read;
                self.take(stream, &bytes, read).await;
            }
        }
        let ends = [self.out.end(&self.marks), self.err.end(&self.marks)];
        self.give(ends.into_iter().flatten().collect()).await;
    }

    /// `read` bytes of this stream; none: it has ended.
    async fn take(&mut self, stream: Stream, bytes: &[u8], read: usize) {
        let lines = match stream {
            Stream::Stdout => &mut self.out,
            _ => &mut self.err,
        };
        let bytes = bytes.get(..read).unwrap_or_default();
        let mut taken = lines.take(bytes, &self.marks);
        if read == 0 {
            taken.extend(lines.end(&self.marks));
            match stream {
                Stream::Stdout => self.stdout = None,
                _ => self.stderr = None,
            }
        }
        self.give(taken).await;
    }

    /// The sink may block: not the threads that serve invocations.
    async fn give(&self, lines: Vec<LogLine>) {
        if lines.is_empty() {
            return;
        }
        let sink = Arc::clone(&self.sink);
        let given = tokio::task::spawn_blocking(move || lines.into_iter().for_each(|it| sink(it)));
        let _ = given.await;
    }
}

/// The next bytes; 0: there will be none. It is not asked again then.
async fn next(stream: &mut Option<impl AsyncRead + Unpin>, bytes: &mut [u8]) -> usize {
    match stream {
        Some(stream) => stream.read(bytes).await.unwrap_or(0),
        None => std::future::pending().await,
    }
}

/// What is in the pipe now; none: nothing. The pipe itself is asked: what the
/// runtime knows of it may be a moment old.
#[cfg(unix)]
async fn pending(stream: Option<&mut impl std::os::fd::AsFd>, bytes: &mut [u8]) -> Option<usize> {
    match rustix::io::read(stream?.as_fd(), bytes) {
        Ok(read) => Some(read),
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => None,
        Err(_) => Some(0),
    }
}

#[cfg(not(unix))]
async fn pending(stream: Option<&mut (impl AsyncRead + Unpin)>, bytes: &mut [u8]) -> Option<usize> {
    tokio::select! {
        biased;
        read = stream?.read(bytes) => Some(read.unwrap_or(0)),
        () = std::future::ready(()) => None,
    }
}
