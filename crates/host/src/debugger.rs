//! The stable port of a function that is debugged.
//!
//! The host itself listens there for as long as the function lives; each of its
//! processes has a debugger with a free port of its own. Connections are passed
//! through as they are, byte for byte, and read along the way: so the host
//! knows what the developer looks at.
//!
//! * [`frames`] finds the messages in the bytes;
//! * [`session`] finds what they mean.

mod frames;
mod session;

pub(crate) use session::Stop;

use crate::{DebugTarget, StartError};
use serde_json::Value;
use session::Session;
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// An editor that connects while the process starts, or before the next
/// invocation starts one, waits so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// debugpy tells in a file where it listens: it is looked for this often while
/// an editor waits, and only then.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// One side has ended: the other one has so long to read the last words, and to
/// end as well.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// An editor has one for the function's process and one for each of its
/// children. More wait to be accepted.
const MOST_CONNECTIONS: usize = 64;

const BUFFER: usize = 16 * 1024;

/// Where an editor finds the debugger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Debugger {
    /// `127.0.0.1`
    pub host: String,
    /// A stable port for each function; 0 takes a free one.
    pub port: u16,
}

/// The port, with whoever is connected to it.
pub(crate) struct DebugPort {
    number: u16,
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
    /// Where debugpy tells its port.
    endpoints: Arc<Path>,
    sessions: Sessions,
}

/// The debugger sessions of one process, and of its children.
#[derive(Clone, Default)]
pub(crate) struct Sessions(Arc<Mutex<Board>>);

#[derive(Default)]
struct Board {
    /// So many joined: a number is never another session's.
    joined: u64,
    sessions: HashMap<u64, Session>,
}

impl DebugPort {
    /// Listens.
    ///
    /// # Errors
    /// When the port is taken.
    pub(crate) async fn open(debugger: &Debugger, function: &str) -> Result<Self, StartError> {
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
        Ok(Self::on(listener.await.map_err(taken)?)?)
    }

    fn on(listener: TcpListener) -> std::io::Result<Self> {
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
            endpoints: self.folder.path().join(format!("{number}.json")).into(),
            sessions: Sessions::default(),
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
        }
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
    }
}

impl Sessions {
    /// Where the process stands: the latest stop, if there are several.
    pub(crate) fn stop(&self) -> Option<Stop> {
        let board = self.lock();
        let stops = board.sessions.values().filter_map(Session::stop);
        stops.max_by_key(|stop| stop.since).cloned()
    }

    fn join(&self) -> Heard {
        let mut board = self.lock();
        board.joined += 1;
        let number = board.joined;
        board.sessions.insert(number, Session::new());
        drop(board);
        Heard {
            sessions: self.clone(),
            number,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Board> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's session, which ends with it: debugpy lets a process go on
/// whose editor is gone.
struct Heard {
    sessions: Sessions,
    number: u64,
}

impl Heard {
    fn editor_sent(&self, bytes: &[u8]) {
        if let Some(session) = self.sessions.lock().sessions.get_mut(&self.number) {
            session.editor_sent(bytes);
        }
    }

    fn debugger_sent(&self, bytes: &[u8]) {
        if let Some(session) = self.sessions.lock().sessions.get_mut(&self.number) {
            session.debugger_sent(bytes, crate::now());
        }
    }

    fn leave(&self) {
        self.sessions.lock().sessions.remove(&self.number);
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        self.leave();
    }
}

async fn serve(
    listener: TcpListener,
    target: watch::Receiver<Option<Target>>,
    ends: watch::Receiver<bool>,
) {
    let mut end = std::pin::pin!(is_over(ends.clone()));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < MOST_CONNECTIONS => match accepted {
                Ok((editor, _)) => {
                    connections.spawn(connect(editor, target.clone(), ends.clone()));
                }
                // Out of descriptors: some will come back.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
            () = &mut end => break,
        }
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(LAST_WORDS, all).await;
    connections.shutdown().await;
}

/// One connection of an editor, from its wait for a debugger to its end.
async fn connect(
    editor: TcpStream,
    mut target: watch::Receiver<Option<Target>>,
    ends: watch::Receiver<bool>,
) {
    let reached = tokio::select! {
        reached = tokio::time::timeout(PATIENCE, reach(&mut target)) => reached,
        () = is_over(ends) => return,
    };
    if let Ok((debugger, sessions)) = reached {
        pass(editor, debugger, &sessions).await;
    }
}

async fn is_over(mut ends: watch::Receiver<bool>) {
    let _ = ends.wait_for(|it| *it).await;
}

/// The debugger of the process that runs by then.
async fn reach(target: &mut watch::Receiver<Option<Target>>) -> (TcpStream, Sessions) {
    loop {
        let now = target.borrow_and_update().clone();
        if let Some(Target {
            endpoints,
            sessions,
        }) = now
        {
            if let Some(debugger) = dial(&endpoints).await {
                return (debugger, sessions);
            }
            let _ = tokio::time::timeout(LOOK_AGAIN, target.changed()).await;
        } else if target.changed().await.is_err() {
            // The port is closed, and this ends with it.
            std::future::pending::<()>().await;
        }
    }
}

/// None: it does not listen yet, or not any more.
async fn dial(endpoints: &Path) -> Option<TcpStream> {
    let text = tokio::fs::read(endpoints).await.ok()?;
    TcpStream::connect(listens_at(&text)?).await.ok()
}

/// `{"client": {"host": "127.0.0.1", "port": 40123}, …}`; none while it is
/// being written.
fn listens_at(endpoints: &[u8]) -> Option<(String, u16)> {
    let endpoints: Value = serde_json::from_slice(endpoints).ok()?;
    let client = endpoints.get("client")?;
    let port = client.get("port")?.as_u64()?;
    let host = client.get("host")?.as_str()?;
    Some((host.to_owned(), u16::try_from(port).ok()?))
}

async fn pass(mut editor: TcpStream, mut debugger: TcpStream, sessions: &Sessions) {
    // Messages are small, and somebody waits for each.
    let _ = editor.set_nodelay(true);
    let _ = debugger.set_nodelay(true);
    let heard = sessions.join();
    let (from_editor, to_editor) = editor.split();
    let (from_debugger, to_debugger) = debugger.split();
    let asking = carry(from_editor, to_debugger, |bytes| heard.editor_sent(bytes));
    let telling = carry(from_debugger, to_editor, |bytes| heard.debugger_sent(bytes));
    tokio::pin!(asking, telling);
    // Whoever ends first, it is over.
    tokio::select! {
        () = &mut asking => {
            heard.leave();
            let _ = tokio::time::timeout(LAST_WORDS, telling).await;
        }
        () = &mut telling => {
            heard.leave();
            let _ = tokio::time::timeout(LAST_WORDS, asking).await;
        }
    }
}

/// One direction, to its end. What arrives is understood before it is passed
/// on: an editor that was told of a stop finds that the host knows.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    understand: impl Fn(&[u8]),
) {
    let mut buffer = vec![0; BUFFER];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let bytes = buffer.get(..length).unwrap_or_default();
        understand(bytes);
        if to.write_all(bytes).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}

#[cfg(test)]
mod tests;
