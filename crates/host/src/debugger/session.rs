//! What goes on in the debugger sessions of one process.

use super::{dap, inspector};
use crate::DebuggerKind;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tether_protocol::Timestamp;

/// The debugger sessions of one process, and of its children.
#[derive(Clone, Default)]
pub(crate) struct Sessions(Arc<Mutex<Board>>);

/// Where a process stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    /// `stopped at a breakpoint`
    pub(crate) how: &'static str,
    pub(crate) since: Timestamp,
    /// `app.py:7`, once it is known.
    pub(crate) place: Option<String>,
}

#[derive(Default)]
struct Board {
    /// So many joined: a number is never another session's.
    joined: u64,
    sessions: HashMap<u64, Session>,
    /// The port at which the process waits for its first one.
    awaited_at: Option<u16>,
}

/// A connection, overheard.
enum Session {
    Dap(dap::Session),
    Inspector(inspector::Session),
    /// Nothing is read of it.
    Other,
}

impl Session {
    fn new(kind: DebuggerKind) -> Self {
        match kind {
            DebuggerKind::Debugpy | DebuggerKind::Delve => Self::Dap(dap::Session::new()),
            DebuggerKind::Node => Self::Inspector(inspector::Session::new()),
            DebuggerKind::Native | DebuggerKind::Jdwp => Self::Other,
        }
    }

    fn stop(&self) -> Option<&Stop> {
        match self {
            Self::Dap(session) => session.stop(),
            Self::Inspector(session) => session.stop(),
            Self::Other => None,
        }
    }
}

impl Sessions {
    /// None yet; the process waits for one if a port is given.
    pub(super) fn new(awaited_at: Option<u16>) -> Self {
        Self(Arc::new(Mutex::new(Board {
            awaited_at,
            ..Board::default()
        })))
    }

    /// Where the process stands: the latest stop, if there are several.
    pub(crate) fn stop(&self) -> Option<Stop> {
        let board = self.lock();
        let stops = board.sessions.values().filter_map(Session::stop);
        stops.max_by_key(|stop| stop.since).cloned()
    }

    /// The port at which the process waits for a debugger, until there is one.
    pub(crate) fn awaited_at(&self) -> Option<u16> {
        self.lock().awaited_at
    }

    pub(super) fn join(&self, kind: DebuggerKind) -> Heard {
        let mut board = self.lock();
        if kind != DebuggerKind::Node {
            board.awaited_at = None;
        }
        board.joined += 1;
        let number = board.joined;
        board.sessions.insert(number, Session::new(kind));
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
pub(super) struct Heard {
    sessions: Sessions,
    number: u64,
}

impl Heard {
    pub(super) fn editor_sent(&self, bytes: &[u8]) {
        if let Some(Session::Dap(session)) = self.sessions.lock().sessions.get_mut(&self.number) {
            session.editor_sent(bytes);
        }
    }

    pub(super) fn debugger_sent(&self, bytes: &[u8]) {
        let mut board = self.sessions.lock();
        match board.sessions.get_mut(&self.number) {
            Some(Session::Dap(session)) => session.debugger_sent(bytes, crate::now()),
            Some(Session::Inspector(session)) => {
                session.debugger_sent(bytes, crate::now());
                // Whoever asks for a list is no debugger yet.
                if session.is_followed() {
                    board.awaited_at = None;
                }
            }
            Some(Session::Other) | None => {}
        }
    }

    pub(super) fn leave(&self) {
        self.sessions.lock().sessions.remove(&self.number);
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        self.leave();
    }
}

/// `app.py:7`, of a path or a URL of either system: the process may run in a
/// container.
pub(super) fn place(file: &str, line: i64) -> Option<String> {
    let name = file.rsplit(['/', '\\']).next()?;
    let printable = name.chars().filter(|it| !it.is_control());
    let name: String = printable.take(100).collect();
    (!name.is_empty()).then(|| format!("{name}:{line}"))
}
