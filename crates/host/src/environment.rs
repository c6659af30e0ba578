//! One process and its Runtime API.

mod body;
mod report;

use crate::launch::Launch;
use crate::logs::{Begin, Journal, LogSink};
use crate::memory;
use crate::run_state::RunState;
use crate::server::{About, Posted, Server, Work};
use body::Body;
use bytes::Bytes;
use std::process::ExitStatus;
use std::time::{Duration, Instant};
use tether_runtime_api::{ErrorObject, Invocation};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

/// A process that serves one invocation after the other.
pub struct ExecutionEnvironment {
    server: Server,
    body: Body,
    journal: Journal,
    init: Init,
    memory_mb: u64,
    peak: Peak,
}

/// What was used of memory at most, as of a moment.
#[derive(Default)]
struct Peak(std::sync::Mutex<Option<(Instant, Option<u64>)>>);

/// How long a process took to ask for its first event.
struct Init {
    began: Instant,
    /// None: it has not asked yet, or somebody was told.
    took: Option<Duration>,
}

/// From SIGTERM to SIGKILL, for a function with an internal extension
/// (<https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown>).
const GRACE: Duration = Duration::from_millis(500);

/// What a process said last is waited for: whoever reads it may be slow. Sinks
/// give up earlier where nobody does.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// A peak only grows, and in a short time not by much: invocations that follow
/// each other this fast share a look at it, which is a tenth of what the shortest of
/// them cost.
const PEAK_IS_GOOD: Duration = Duration::from_millis(100);
const SHORT: Duration = Duration::from_millis(5);

const MEMORY_SIZE: &str = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE";
/// How long a process takes to end whose connection is closed already: the
/// kernel closes a process's connections before it says that it has ended.
const LAST_BREATH: Duration = Duration::from_millis(500);

/// How an invocation ended. It does not print: payloads are in it.
pub enum Ended {
    /// The runtime posted an answer.
    Answered {
        /// Its content type, if it gave one.
        content_type: Option<String>,
        /// Byte for byte; empty if it was streamed to somebody, see
        /// [`RunState::stream`].
        body: Bytes,
    },
    /// The runtime posted an error; at the end of a streamed answer, maybe.
    Failed {
        /// `Lambda-Runtime-Function-Error-Type`, if the runtime gave one.
        error_type: Option<String>,
        /// Byte for byte.
        body: Bytes,
    },
    /// The runtime could not start the function and said why.
    InitFailed {
        /// `Lambda-Runtime-Function-Error-Type`, if the runtime gave one.
        error_type: Option<String>,
        /// Byte for byte.
        body: Bytes,
    },
    /// The process ended without an answer: `exit status 1`, `signal: killed`.
    Exited(String),
    /// The deadline passed. Whoever owns the environment decides what becomes
    /// of it.
    TimedOut,
    /// The process was ready, and had ended before it took the event: start
    /// another one.
    NotTaken(Invocation, Bytes),
}

impl ExecutionEnvironment {
    /// Starts the process.
    ///
    /// # Errors
    /// When there is no port, or the program cannot be started.
    pub async fn start(launch: &Launch, sink: &LogSink) -> std::io::Result<Self> {
        let server = Server::bind(About::of(&launch.environment)).await?;
        let runtime_api = server.address.to_string();
        let began = Instant::now();
        let body = Body::start(launch, &runtime_api)?;
        Self::of(server, body, began, launch, sink)
    }

    /// Serves a process that the developer starts, under an IDE for example:
    /// one at a time, which may end and come back. An event that one has taken
    /// is given to the next one again, as to a second `next` of the same.
    ///
    /// # Errors
    /// When the port cannot be had.
    pub async fn serve(
        launch: &Launch,
        listener: TcpListener,
        sink: &LogSink,
    ) -> std::io::Result<Self> {
        let server = Server::for_somebody_elses(listener, About::of(&launch.environment))?;
        Self::of(server, Body::somebody_elses(), Instant::now(), launch, sink)
    }

    fn of(
        server: Server,
        mut body: Body,
        began: Instant,
        launch: &Launch,
        sink: &LogSink,
    ) -> std::io::Result<Self> {
        let journal = Journal::of(body.child(), &launch.label, &launch.environment, sink)?;
        Ok(Self {
            server,
            body,
            journal,
            init: Init { began, took: None },
            memory_mb: report::memory_mb(launch.environment.expose().get(MEMORY_SIZE)),
            peak: Peak::default(),
        })
    }

    /// Where the process finds its Runtime API.
    #[must_use]
    pub fn runtime_api(&self) -> std::net::SocketAddr {
        self.server.address
    }

    /// The process itself; none when it has ended.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.body.id()
    }

    /// Waits until the process asks for its first event. None: it did. Some:
    /// it could not start, and this is why.
    pub async fn ready(&mut self) -> Option<Ended> {
        let is_first = *self.server.asked.borrow() == 0;
        let failed = tokio::select! {
            biased;
            end = initialized(&mut self.server) => end,
            status = self.body.wait() => Some(self.ended(status).await),
        };
        if is_first && failed.is_none() {
            self.init.took = Some(self.init.began.elapsed());
        }
        failed
    }

    /// What it has used of memory at most so far, in MB, with its children; none
    /// where the system does not say. It is asked behind an invocation that `took`
    /// so long.
    #[must_use]
    pub fn peak_memory_mb(&self, took: Duration) -> Option<u64> {
        let pid = self.process_id()?;
        let mut known = self
            .peak
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        match *known {
            Some((at, peak)) if took < SHORT && at.elapsed() < PEAK_IS_GOOD => peak,
            _ => {
                let peak = memory::peak_mb(pid);
                *known = Some((Instant::now(), peak));
                peak
            }
        }
    }

    /// Waits until everything that was printed so far has been taken.
    pub async fn settle(&self) {
        self.journal.settle().await;
    }

    /// Waits until the process, and each extension in it, asks for its next
    /// event: everything of the last invocation is done then, and it may be
    /// frozen. False: it has ended. There is no limit of time: as on Lambda,
    /// an extension may keep its environment awake.
    pub async fn idle(&mut self) -> bool {
        tokio::select! {
            biased;
            idle = at_rest(&self.server) => idle,
            _ = self.body.wait() => false,
        }
    }

    /// Whether the process waits for an event now.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        *self.server.waiting.borrow() > 0
    }

    /// Whether anybody is connected to its Runtime API.
    pub(crate) fn is_connected(&self) -> bool {
        self.server.is_connected()
    }

    /// So many of its threads wait for an event.
    pub(crate) fn waiting(&self) -> watch::Receiver<usize> {
        self.server.waiting.clone()
    }

    /// Whether it has not asked for its first event yet, and may still do so.
    pub(crate) fn is_starting(&mut self) -> bool {
        *self.server.asked.borrow() == 0 && self.is_alive()
    }

    /// Stops the process and its children where they are, as Lambda does
    /// between invocations; see [`idle`](Self::idle). The next event thaws
    /// them. Without effect where the system has no SIGSTOP.
    pub fn freeze(&mut self) {
        self.body.freeze();
    }

    /// Lets a frozen process go on.
    pub fn thaw(&mut self) {
        self.body.thaw();
    }

    /// Whether it is frozen.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.body.is_frozen()
    }

    /// Whether the process still runs, be it frozen.
    pub fn is_alive(&mut self) -> bool {
        self.body.is_alive()
    }

    /// Runs one invocation to its end or its deadline.
    pub async fn invoke(&mut self, invocation: Invocation, payload: Bytes) -> Ended {
        self.run(invocation, payload, &RunState::new(), None).await
    }

    /// The same; whoever has asked the state for the answer while it is written
    /// gets it, see [`RunState::stream`]. The stream is to be ended by
    /// [`RunState::end_stream`]: an event that was not taken may be run again.
    pub async fn invoke_watched(
        &mut self,
        invocation: Invocation,
        payload: Bytes,
        state: &RunState,
    ) -> Ended {
        self.run(invocation, payload, state, None).await
    }

    /// See [`invoke`](Self::invoke); the state, and the log if it is to be, is
    /// told when the process takes the event.
    pub(crate) async fn run(
        &mut self,
        invocation: Invocation,
        payload: Bytes,
        state: &RunState,
        begin: Option<Begin>,
    ) -> Ended {
        let left = invocation.deadline_ms.saturating_sub(crate::now().0);
        if left == 0 {
            return Ended::TimedOut;
        }
        let deadline = tokio::time::Instant::now() + Duration::from_millis(left);
        let (answer, mut posted) = oneshot::channel();
        let work = Work {
            invocation: invocation.clone(),
            payload: payload.clone(),
            answer,
            state: state.clone(),
            begin,
        };
        if !self.is_alive() {
            if *self.server.asked.borrow() > 0 {
                return Ended::NotTaken(invocation, payload);
            }
            // It ended while it started: that is no idle environment's end.
            let status = self.body.wait().await;
            return self.ended(status).await;
        }
        self.body.thaw();
        // It is full while the process stands at a breakpoint of an earlier one.
        match tokio::time::timeout_at(deadline, self.server.work.send(work)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Ended::NotTaken(invocation, payload),
            Err(_) => return Ended::TimedOut,
        }
        let initialized = *self.server.asked.borrow() > 0;
        let mut init_error = self.server.init_error.clone();
        tokio::select! {
            biased;
            posted = &mut posted => match posted {
                Ok(Posted::CutShort) => self.cut_short(&invocation.request_id).await,
                Ok(posted) => ended(posted),
                Err(_) => Ended::NotTaken(invocation, payload),
            },
            failed = init_failure(&mut init_error) => match failed {
                Some(posted) => init_failed(posted),
                None => Ended::Exited("the runtime ended".to_owned()),
            },
            status = self.body.wait() => {
                let taken = self.server.work.capacity() > 0;
                if initialized && !taken {
                    return Ended::NotTaken(invocation, payload);
                }
                self.last_words(status, posted, deadline).await
            }
            () = tokio::time::sleep_until(deadline) => Ended::TimedOut,
        }
    }

    /// The process has ended within an invocation. It may have posted its answer
    /// before: what it sent is read first, as fast as whoever wants it takes it.
    async fn last_words(
        &mut self,
        status: std::io::Result<ExitStatus>,
        mut posted: oneshot::Receiver<Posted>,
        deadline: tokio::time::Instant,
    ) -> Ended {
        let _ = tokio::time::timeout_at(deadline, self.server.hear_out()).await;
        match posted.try_recv() {
            Ok(Posted::CutShort) | Err(_) => self.how_it_ended(status),
            Ok(posted) => ended(posted),
        }
    }

    /// Its answer ended before it was complete: it has ended, or it has given
    /// up its connection.
    async fn cut_short(&mut self, request_id: &str) -> Ended {
        match tokio::time::timeout(LAST_BREATH, self.body.wait()).await {
            Ok(status) => self.how_it_ended(status),
            Err(_) => {
                let error = ErrorObject::truncated(request_id);
                Ended::Failed {
                    body: Bytes::from(error.to_bytes()),
                    error_type: Some(error.error_type),
                }
            }
        }
    }

    /// The process has ended while it started: what it posted before, or how.
    async fn ended(&mut self, status: std::io::Result<ExitStatus>) -> Ended {
        let _ = tokio::time::timeout(LAST_WORDS, self.server.hear_out()).await;
        self.how_it_ended(status)
    }

    fn how_it_ended(&self, status: std::io::Result<ExitStatus>) -> Ended {
        let posted = self.server.init_error.borrow().clone();
        match (posted, status) {
            (Some(posted), _) => init_failed(posted),
            (None, Ok(status)) => Ended::Exited(how(status)),
            (None, Err(error)) => Ended::Exited(error.to_string()),
        }
    }

    /// Ends the process and its children: at once, or gently if it registered
    /// an extension, as Lambda does.
    pub async fn stop(mut self) {
        let is_gentle = self.server.extensions.borrow().registered > 0;
        self.body.end(is_gentle.then_some(GRACE)).await;
        let _ = tokio::time::timeout(LAST_WORDS, self.journal.end()).await;
    }
}

impl Ended {
    /// What the caller gets: an answer with its content type, or an error with
    /// its type if it has one, in Lambda's own words. `seconds` is the function's timeout.
    pub fn settle(self, request_id: &str, seconds: f64) -> Settled {
        let error = match self {
            Self::Answered { content_type, body } => return Ok((content_type, body)),
            Self::Failed { error_type, body } | Self::InitFailed { error_type, body } => {
                return Err((error_type, body));
            }
            Self::TimedOut => ErrorObject::timed_out(request_id, seconds),
            Self::Exited(how) => ErrorObject::exited(request_id, &how),
            Self::NotTaken(..) => ErrorObject::exited(request_id, "it was not running"),
        };
        let body = Bytes::from(error.to_bytes());
        Err((Some(error.error_type), body))
    }
}

/// See [`Ended::settle`].
pub type Settled = Result<(Option<String>, Bytes), (Option<String>, Bytes)>;

async fn initialized(server: &mut Server) -> Option<Ended> {
    let mut init_error = server.init_error.clone();
    tokio::select! {
        biased;
        failed = init_failure(&mut init_error) => failed.map(init_failed),
        () = asked(&mut server.asked) => None,
    }
}

/// False: the server has ended.
async fn at_rest(server: &Server) -> bool {
    let (mut waiting, mut extensions) = (server.waiting.clone(), server.extensions.clone());
    loop {
        let asked = waiting.wait_for(|count| *count > 0).await.is_ok();
        let rests = extensions.wait_for(|it| it.busy == 0).await.is_ok();
        if !(asked && rests) {
            return false;
        }
        if *waiting.borrow() > 0 {
            return true;
        }
    }
}

/// None: the server has ended.
async fn init_failure(init_error: &mut watch::Receiver<Option<Posted>>) -> Option<Posted> {
    let failed = init_error.wait_for(Option::is_some).await;
    failed.ok().and_then(|it| it.clone())
}

async fn asked(asked: &mut watch::Receiver<u64>) {
    // The server lives as long as the environment.
    let _ = asked.wait_for(|count| *count > 0).await;
}

fn ended(posted: Posted) -> Ended {
    match posted {
        Posted::Response { content_type, body } => Ended::Answered { content_type, body },
        Posted::Error { error_type, body } => Ended::Failed { error_type, body },
        Posted::CutShort => Ended::Exited("an answer that was cut short".to_owned()),
    }
}

fn init_failed(posted: Posted) -> Ended {
    match ended(posted) {
        Ended::Failed { error_type, body } => Ended::InitFailed { error_type, body },
        other => other,
    }
}

/// As Lambda words it.
fn how(status: ExitStatus) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt as _;
        if let Some(signal) = status.signal() {
            return match signal {
                9 => "signal: killed".to_owned(),
                6 => "signal: aborted".to_owned(),
                11 => "signal: segmentation fault".to_owned(),
                15 => "signal: terminated".to_owned(),
                other => format!("signal: {other}"),
            };
        }
    }
    match status.code() {
        Some(code) => format!("exit status {code}"),
        None => "an unknown status".to_owned(),
    }
}

#[cfg(test)]
mod tests;
