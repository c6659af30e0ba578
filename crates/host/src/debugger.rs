//! The stable port of a function that is debugged.
//!
//! The host itself listens there for as long as the function lives; each of its
//! processes has a debugger with a free port of its own, or gets one when an
//! editor connects. Connections are passed through as they are, byte for byte,
//! and read along the way: so the host knows what the developer looks at.
//!
//! * [`connection`] passes them on;
//! * [`announcement`] reads where a debugger listens, and [`native`] attaches one
//!   to a process that has none;
//! * [`session`] knows what goes on in them: [`dap`] reads the Debug Adapter
//!   Protocol (debugpy, Delve), [`inspector`] the Chrome DevTools protocol (Node).

mod announcement;
mod connection;
mod dap;
mod delve;
mod inspector;
pub(crate) mod native;
mod session;

pub(crate) use session::Sessions;

use crate::logs::{LogLine, LogSink};
use crate::{DebugTarget, DebuggerKind, StartCommand, StartError};
use announcement::Announcement;
use connection::serve;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Where an editor finds the debugger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Debugger {
    /// `127.0.0.1`
    pub host: String,
    /// A stable port for each function; 0 takes a free one.
    pub port: u16,
    /// The code waits for it.
    pub wait: bool,
    /// The editor listens there, and the process connects to it: PyCharm.
    pub editor_listens: bool,
}

/// The port, with whoever is connected to it.
pub(crate) struct DebugPort {
    number: u16,
    function: Arc<str>,
    kind: DebuggerKind,
    wait: bool,
    debuggee: Arc<watch::Sender<Option<Target>>>,
    /// One file for each process.
    folder: tempfile::TempDir,
    processes: AtomicU64,
    end: watch::Sender<bool>,
    serving: tokio::sync::Mutex<JoinSet<()>>,
}

/// A process and its debugger: connections are passed on to it until this is
/// dropped.
pub(crate) struct Debuggee {
    port: Arc<watch::Sender<Option<Target>>>,
    target: Target,
}

#[derive(Clone)]
struct Target {
    function: Arc<str>,
    kind: DebuggerKind,
    /// Where its debugger tells its port, if it does so in a file.
    endpoints: Arc<Path>,
    known: Arc<Mutex<Known>>,
    /// Takes what the debugger says besides.
    sink: Arc<OnceLock<LogSink>>,
    /// The process waits for its debugger.
    waits: bool,
    sessions: Sessions,
}

/// What a process's debugger has told by its output, and the process itself.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    address: Option<SocketAddr>,
    process: Option<u32>,
    /// It is the child of its debugger, in a process group of its own.
    is_debuggers_child: bool,
}

impl DebugPort {
    /// Listens.
    ///
    /// # Errors
    /// When the port is taken.
    pub(crate) async fn open(
        debugger: &Debugger,
        kind: DebuggerKind,
        function: &str,
    ) -> Result<Self, StartError> {
        let taken = |error: std::io::Error| {
            let (port, function) = (debugger.port, function.to_owned());
            match error.kind() {
                std::io::ErrorKind::AddrInUse => StartError::PortInUse { port, function },
                _ => StartError::Port {
                    port,
                    function,
                    reason: error.to_string(),
                },
            }
        };
        let listener = TcpListener::bind((debugger.host.as_str(), debugger.port));
        Ok(Self::on(
            listener.await.map_err(taken)?,
            kind,
            function,
            debugger.wait,
        )?)
    }

    fn on(
        listener: TcpListener,
        kind: DebuggerKind,
        function: &str,
        wait: bool,
    ) -> std::io::Result<Self> {
        let number = listener.local_addr()?.port();
        let folder = tempfile::Builder::new()
            .prefix("tether-debugger-")
            .tempdir()?;
        let (debuggee, target) = watch::channel(None);
        let (end, ends) = watch::channel(false);
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, target, ends));
        Ok(Self {
            number,
            function: function.into(),
            kind,
            wait,
            debuggee: Arc::new(debuggee),
            folder,
            processes: AtomicU64::new(0),
            end,
            serving: tokio::sync::Mutex::new(serving),
        })
    }

    /// The port itself: the free one that it took for 0, for example.
    pub(crate) fn number(&self) -> u16 {
        self.number
    }

    /// A process is about to start: who connects from now on is its debugger's.
    pub(crate) fn expect(&self) -> Debuggee {
        let number = self.processes.fetch_add(1, Ordering::Relaxed);
        let target = Target {
            function: Arc::clone(&self.function),
            kind: self.kind,
            endpoints: self.folder.path().join(format!("{number}.json")).into(),
            known: Arc::default(),
            sink: Arc::default(),
            waits: self.wait,
            sessions: Sessions::new(self.wait.then_some(self.number)),
        };
        self.debuggee.send_replace(Some(target.clone()));
        Debuggee {
            port: Arc::clone(&self.debuggee),
            target,
        }
    }

    /// Ends with every connection, when each editor knows that its process has
    /// ended, or does not listen.
    pub(crate) async fn close(&self) {
        self.end.send_replace(true);
        let mut serving = self.serving.lock().await;
        while serving.join_next().await.is_some() {}
    }
}

impl Debuggee {
    /// What its process is told.
    pub(crate) fn target(&self) -> DebugTarget {
        DebugTarget {
            endpoints: self.target.endpoints.to_path_buf(),
            wait: self.target.waits,
            editor: None,
        }
    }

    /// A debugger that starts the process stands in front of it.
    pub(crate) fn around(&self, command: StartCommand) -> StartCommand {
        let (kind, waits) = (self.target.kind, self.target.waits);
        if kind == DebuggerKind::Jdwp && waits {
            return suspended(command);
        }
        let tool = match kind {
            DebuggerKind::Native if waits => native::server(),
            DebuggerKind::Delve => native::on_path("dlv"),
            _ => None,
        };
        match tool {
            Some(server) if kind == DebuggerKind::Native => native::started_by(server, command),
            Some(delve) => delve::around(delve, command, waits),
            None => command,
        }
    }

    /// The process runs: one without a debugger gets it by its id.
    pub(crate) fn has_started(&self, process: Option<u32>) {
        let Some(process) = process else { return };
        self.target.known().process = Some(process);
        if self.target.kind == DebuggerKind::Native && !self.target.waits {
            self.target.say(&native::how_to_attach(process));
        }
    }

    /// Takes lines in front of this sink, and keeps those that only say where
    /// the debugger listens.
    pub(crate) fn reads(&self, sink: &LogSink) -> LogSink {
        let _ = self.target.sink.set(sink.clone());
        let kind = self.target.kind;
        if kind == DebuggerKind::Native && !self.target.waits {
            // It has none that could say anything.
            return sink.clone();
        }
        let (known, behind) = (Arc::clone(&self.target.known), sink.clone());
        sink.behind(move |line: LogLine| {
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            if !known.hears(kind, &line.text) {
                drop(known);
                behind.take(line);
            }
        })
    }

    /// What its developer does.
    pub(crate) fn sessions(&self) -> Sessions {
        self.target.sessions.clone()
    }
}

impl Drop for Debuggee {
    fn drop(&mut self) {
        self.port.send_if_modified(|now| {
            let own = now
                .as_ref()
                .is_some_and(|it| it.endpoints == self.target.endpoints);
            if own {
                *now = None;
            }
            own
        });
        // Its debugger's end is not always its own.
        let known = self.target.known();
        if known.is_debuggers_child {
            native::end(known.process);
        }
    }
}

/// The JVM's agent holds the first line if it is told to.
fn suspended(mut command: StartCommand) -> StartCommand {
    for argument in &mut command.arguments {
        if let Some(agent) = argument
            .to_str()
            .filter(|it| it.starts_with("-agentlib:jdwp="))
        {
            *argument = agent.replace("suspend=n", "suspend=y").into();
        }
    }
    command
}

impl Target {
    /// In the function's log.
    fn say(&self, text: &str) {
        if let Some(sink) = self.sink.get() {
            sink.take(LogLine::platform(&self.function, text.to_owned()));
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Whether the line is the debugger's. It comes before any of the function's:
    /// a server of the function's own may say the same of another port.
    fn hears(&mut self, kind: DebuggerKind, line: &str) -> bool {
        match Announcement::of(kind, line) {
            None => false,
            Some(Announcement::Listens(address)) => *self.address.get_or_insert(address) == address,
            Some(Announcement::Child(_)) if self.is_debuggers_child => false,
            Some(Announcement::Child(process)) => {
                self.process = Some(process);
                self.is_debuggers_child = true;
                true
            }
            Some(Announcement::Nothing) => true,
        }
    }
}

#[cfg(test)]
mod tests;
