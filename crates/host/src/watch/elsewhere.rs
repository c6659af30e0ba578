//! The system's watch where it is not Linux's: heard by a library, and not in
//! the order of the writes.

use super::board::Board;
use super::lock;
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// See the module.
pub(super) struct System(RecommendedWatcher);

impl System {
    /// Watches nothing yet.
    pub(super) fn start(board: &Arc<Mutex<Board>>) -> notify::Result<Self> {
        let hears = Arc::clone(board);
        notify::recommended_watcher(move |event| lock(&hears).hear(event)).map(Self)
    }

    /// Hears of what happens in a folder.
    pub(super) fn watch(&mut self, path: &Path) -> notify::Result<()> {
        self.0.watch(path, RecursiveMode::NonRecursive)
    }

    /// Hears of it no more.
    pub(super) fn unwatch(&mut self, path: &Path) {
        // It may never have been watched.
        let _ = self.0.unwatch(path);
    }

    /// What tells of everything that was written before.
    pub(super) fn hearing(&self) -> Hearing {
        Hearing
    }
}

/// See [`System::hearing`].
#[derive(Clone)]
pub(super) struct Hearing;

impl Hearing {
    /// That is not known here: files are looked at.
    pub(super) fn all(&self) -> bool {
        false
    }
}
