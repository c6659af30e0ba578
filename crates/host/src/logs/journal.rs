//! The log of one process: its two streams, and between their lines what
//! Lambda says of its invocations.
//!
//! One task reads both and is told of invocations. Whoever tells it marks where
//! in each stream that belongs: what was printed before an answer is in a pipe
//! by then, and nobody waits until it is read.

use super::lines::{Lines, Marks};
use super::pipe::Pipe;
use super::{LogLine, LogSink, Stream};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tether_protocol::Environment;
use tether_runtime_api::log::{self, LogFormat, Report};
use tokio::process::Child;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

/// Read at once at most: what a pipe holds.
const CHUNK: usize = 64 * 1024;

/// Room for a stream that prints little, as most do: what is read fills it, and it
/// grows.
const ROOM: usize = 4 * 1024;

/// The environment's end of its log.
pub(crate) struct Journal {
    teller: Teller,
    task: JoinSet<()>,
}

/// Tells of something where it happens.
#[derive(Clone)]
struct Teller {
    words: mpsc::UnboundedSender<(Places, Word)>,
    pipes: Arc<Pipes>,
}

/// None: there is no such stream.
struct Pipes {
    out: Option<Pipe>,
    err: Option<Pipe>,
}

/// A place in each stream.
#[derive(Clone, Copy)]
struct Places {
    out: u64,
    err: u64,
}

enum Word {
    /// The process is about to get this invocation.
    Begin(Arc<str>),
    /// It is over.
    Conclude(Box<Report>),
    /// The process did not ask for an event in this time, and is given up.
    InitTimedOut(Duration),
    /// Somebody waits until everything before this has been taken.
    Settle(oneshot::Sender<()>),
    /// The process has ended: nobody else's words are waited for.
    End,
}

/// Tells that an invocation begins, when it is handed to the process.
#[derive(Clone)]
pub(crate) struct Begin {
    teller: Teller,
    request_id: Arc<str>,
}

impl Begin {
    pub(crate) fn tell(self) {
        self.teller.tell(Word::Begin(self.request_id));
    }
}

impl Teller {
    fn tell(&self, word: Word) {
        let mark = |pipe: &Option<Pipe>| pipe.as_ref().map_or(0, Pipe::mark);
        let places = Places {
            out: mark(&self.pipes.out),
            err: mark(&self.pipes.err),
        };
        let _ = self.words.send((places, word));
    }
}

impl Journal {
    /// Reads the process's output from now on.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn of(
        child: Option<&mut Child>,
        source: &Arc<str>,
        environment: &Environment,
        sink: &LogSink,
    ) -> std::io::Result<Self> {
        let pipes = Arc::new(Pipes::of(child)?);
        let (words, heard) = mpsc::unbounded_channel();
        let variable = |name: &str| environment.expose().get(name).cloned();
        let reader = Reader {
            out: Lines::new(Stream::Stdout),
            err: Lines::new(Stream::Stderr),
            has_ended: [pipes.out.is_none(), pipes.err.is_none()],
            pipes: Arc::clone(&pipes),
            told: VecDeque::new(),
            marks: Marks {
                source: Arc::clone(source),
                request_id: None,
            },
            format: LogFormat::of_variable(variable("AWS_LAMBDA_LOG_FORMAT").as_deref()),
            version: variable("AWS_LAMBDA_FUNCTION_VERSION").unwrap_or("$LATEST".to_owned()),
            sink: sink.clone(),
        };
        let mut task = JoinSet::new();
        task.spawn(reader.run(heard));
        let teller = Teller { words, pipes };
        Ok(Self { teller, task })
    }

    /// Something to be told when this invocation is handed out.
    pub(crate) fn begin(&self, request_id: &str) -> Begin {
        Begin {
            teller: self.teller.clone(),
            request_id: request_id.into(),
        }
    }

    /// This invocation is over.
    pub(crate) fn conclude(&self, report: Report) {
        self.teller.tell(Word::Conclude(Box::new(report)));
    }

    /// The process did not ask for an event in this time, and is given up.
    pub(crate) fn init_timed_out(&self, took: Duration) {
        self.teller.tell(Word::InitTimedOut(took));
    }

    /// Waits until all that was printed so far has been taken.
    pub(crate) async fn settle(&self) {
        let (settled, done) = oneshot::channel();
        self.teller.tell(Word::Settle(settled));
        let _ = done.await;
    }

    /// The process has ended: waits until its last words have been taken. A
    /// child of its own may keep the pipes open: that is not waited for.
    pub(crate) async fn end(&mut self) {
        self.teller.tell(Word::End);
        while self.task.join_next().await.is_some() {}
    }
}

impl Pipes {
    #[cfg(unix)]
    fn of(child: Option<&mut Child>) -> std::io::Result<Self> {
        let Some(child) = child else {
            return Ok(Self::none());
        };
        let out = child.stdout.take().map(|it| Pipe::new(it.into_owned_fd()));
        let err = child.stderr.take().map(|it| Pipe::new(it.into_owned_fd()));
        Ok(Self {
            out: out.transpose()?,
            err: err.transpose()?,
        })
    }

    #[cfg(not(unix))]
    #[allow(clippy::unnecessary_wraps, reason = "it can fail elsewhere")]
    fn of(child: Option<&mut Child>) -> std::io::Result<Self> {
        let Some(child) = child else {
            return Ok(Self::none());
        };
        Ok(Self {
            out: child.stdout.take().map(Pipe::new),
            err: child.stderr.take().map(Pipe::new),
        })
    }

    /// A process that somebody else starts prints elsewhere.
    fn none() -> Self {
        Self {
            out: None,
            err: None,
        }
    }

    fn of_stream(&self, stream: Stream) -> Option<&Pipe> {
        match stream {
            Stream::Stdout => self.out.as_ref(),
            _ => self.err.as_ref(),
        }
    }
}

impl Places {
    fn in_stream(self, stream: Stream) -> u64 {
        match stream {
            Stream::Stdout => self.out,
            _ => self.err,
        }
    }
}

struct Reader {
    pipes: Arc<Pipes>,
    out: Lines,
    err: Lines,
    /// Of stdout and stderr.
    has_ended: [bool; 2],
    /// Words that have come, and whose places may not have been read yet.
    told: VecDeque<(Places, Word)>,
    marks: Marks,
    format: LogFormat,
    version: String,
    sink: LogSink,
}

impl Reader {
    async fn run(mut self, mut heard: mpsc::UnboundedReceiver<(Places, Word)>) {
        let pipes = Arc::clone(&self.pipes);
        let (mut out, mut err) = (vec![0; ROOM], vec![0; ROOM]);
        loop {
            while let Some((places, word)) = self.told.pop_front() {
                if !self.hear(places, word).await {
                    return;
                }
            }
            let [no_out, no_err] = self.has_ended;
            let (stream, (place, read)) = tokio::select! {
                biased;
                word = heard.recv() => match word {
                    Some(word) => {
                        self.told.push_back(word);
                        continue;
                    }
                    None => return,
                },
                read = next(pipes.out.as_ref(), no_out, &mut out) => (Stream::Stdout, read),
                read = next(pipes.err.as_ref(), no_err, &mut err) => (Stream::Stderr, read),
            };
            // A word that was told before this was printed has come by now.
            while let Ok(word) = heard.try_recv() {
                self.told.push_back(word);
            }
            let bytes = match stream {
                Stream::Stdout => &mut out,
                _ => &mut err,
            };
            let taken = bytes.get(..read).unwrap_or_default();
            if !self.take_around_words(stream, place, taken).await {
                return;
            }
            if read == bytes.len() && read < CHUNK {
                bytes.resize(CHUNK, 0);
            }
        }
    }

    /// Takes what was read, with the words that belong between. False: one of
    /// them was the last.
    async fn take_around_words(&mut self, stream: Stream, place: u64, bytes: &[u8]) -> bool {
        let (mut place, mut rest) = (place, bytes);
        if rest.is_empty() {
            self.take_end(stream).await;
        }
        while !rest.is_empty() {
            let before = match self.told.front() {
                Some((places, _)) => places.in_stream(stream).saturating_sub(place),
                None => u64::MAX,
            };
            let before = usize::try_from(before).unwrap_or(usize::MAX);
            let Some((first, behind)) = rest.split_at_checked(before) else {
                self.take(stream, rest).await;
                return true;
            };
            self.take(stream, first).await;
            place = place.saturating_add(u64::try_from(first.len()).unwrap_or(0));
            rest = behind;
            if let Some((places, word)) = self.told.pop_front()
                && !self.hear(places, word).await
            {
                return false;
            }
        }
        true
    }

    /// False: this was the last word.
    async fn hear(&mut self, places: Places, word: Word) -> bool {
        self.read_to(places).await;
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
            Word::End => return false,
        }
        true
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
        self.sink.take(LogLine { request_id, ..line });
    }

    /// Takes everything before these places, ended lines or not.
    async fn read_to(&mut self, places: Places) {
        let pipes = Arc::clone(&self.pipes);
        for stream in [Stream::Stdout, Stream::Stderr] {
            let mark = places.in_stream(stream);
            let Some(pipe) = pipes.of_stream(stream) else {
                continue;
            };
            // Most of the time there is nothing: room for it would cost more than all else.
            let mut left = pipe.before(mark).min(CHUNK);
            let mut bytes = vec![0; left];
            while left > 0 {
                let read = pipe.read_to(mark, &mut bytes);
                let taken = bytes.get(..read).unwrap_or_default();
                self.take(stream, taken).await;
                left = if read == 0 { 0 } else { pipe.before(mark) };
            }
        }
        let ends = [self.out.end(&self.marks), self.err.end(&self.marks)];
        self.give(ends.into_iter().flatten().collect()).await;
    }

    async fn take(&mut self, stream: Stream, bytes: &[u8]) {
        let lines = match stream {
            Stream::Stdout => &mut self.out,
            _ => &mut self.err,
        };
        let taken = lines.take(bytes, &self.marks);
        self.give(taken).await;
    }

    async fn take_end(&mut self, stream: Stream) {
        let (lines, index) = match stream {
            Stream::Stdout => (&mut self.out, 0),
            _ => (&mut self.err, 1),
        };
        self.has_ended[index] = true;
        let last = lines.end(&self.marks);
        self.give(last.into_iter().collect()).await;
    }

    /// The sink may block: not the threads that serve invocations.
    async fn give(&self, lines: Vec<LogLine>) {
        let mut lines = lines.into_iter();
        while lines.len() > 0 {
            if !self.sink.has_room() {
                let sink = self.sink.clone();
                let rest = move || lines.for_each(|it| sink.take(it));
                let _ = tokio::task::spawn_blocking(rest).await;
                return;
            }
            if let Some(line) = lines.next() {
                self.sink.take(line);
            }
            // To read a pipe that is never empty counts as no work with tokio: without this, others
            // would never have their turn.
            tokio::task::coop::consume_budget().await;
        }
    }
}

/// The next bytes; none: there will be no more, and it is not asked again.
async fn next(pipe: Option<&Pipe>, has_ended: bool, bytes: &mut [u8]) -> (u64, usize) {
    match pipe {
        Some(pipe) if !has_ended => pipe.read(bytes).await,
        _ => std::future::pending().await,
    }
}
