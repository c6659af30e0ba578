//! Hears of changes to code.
//!
//! One watch of the system serves all functions: systems allow few. [`Tree`] is
//! what one function is made of, and knows at any moment which version that is.
//!
//! Three things together never miss a save, and seldom look at every file:
//!
//! * events say *that* something has happened. With inotify they stand in one
//!   queue before the write returns, so whoever reads it to its end has heard of
//!   everything that was written before;
//! * files say *what* has happened: a look at all of them makes the version
//!   ([`crate::freshness`]), and decides. It is taken again only after an event;
//! * what events do not tell (files with several names, a folder that was moved
//!   with one above it) is looked at each time: [`freshness::glance`].
//!
//! Where events cannot be had, or do not promise that order, there is a look at
//! all files before each invocation.
//!
//! * [`system`] is the system's own watch: Linux's, or what a library hears;
//! * [`board`] knows who is interested in which folder;
//! * [`tree`] is one function's code.

mod board;
#[cfg_attr(
    any(target_os = "linux", target_os = "android"),
    path = "watch/inotify.rs"
)]
#[cfg_attr(
    not(any(target_os = "linux", target_os = "android")),
    path = "watch/elsewhere.rs"
)]
mod system;
mod tree;

pub(crate) use tree::Tree;

use crate::freshness::Identity;
use board::{Board, Interest};
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use system::{Hearing, System};

/// The system's number for too many descriptors, and for too many watches.
const EMFILE: i32 = 24;

/// Told once of each thing that makes watching impossible.
pub type Notes = Arc<dyn Fn(String) + Send + Sync>;

/// Watches the folders of all functions.
#[derive(Clone)]
pub struct Watcher(Arc<Watching>);

struct Watching {
    board: Arc<Mutex<Board>>,
    /// Never locked by whoever holds the board: its own thread wants that.
    system: Option<Mutex<System>>,
    hearing: Option<Hearing>,
    trees: Mutex<Vec<Weak<Tree>>>,
    notes: Notes,
    said: Mutex<BTreeSet<String>>,
}

/// What became of the wish to hear of some folders.
#[derive(Clone, Copy, Debug, Default)]
struct Kept {
    /// Some were not watched before: what happened in them meanwhile is not
    /// known.
    new: bool,
    /// Some cannot be watched.
    deaf: bool,
}

impl Watcher {
    /// Nothing is watched yet.
    #[must_use]
    pub fn new(notes: Notes) -> Self {
        let board = Arc::new(Mutex::new(Board::default()));
        let (system, failed) = match System::start(&board) {
            Ok(system) => (Some(system), None),
            Err(error) => (None, Some(error)),
        };
        let watching = Watching {
            board,
            hearing: system.as_ref().map(System::hearing),
            system: system.map(Mutex::new),
            trees: Mutex::default(),
            notes,
            said: Mutex::default(),
        };
        if let Some(error) = failed {
            watching.is_deaf(&error);
        }
        Self(Arc::new(watching))
    }

    /// The code in these folders. Functions with the same ones share it.
    pub(crate) fn tree(&self, folders: Vec<PathBuf>, ignored: Vec<String>) -> Arc<Tree> {
        let mut trees = lock(&self.0.trees);
        trees.retain(|it| it.strong_count() > 0);
        let known = trees.iter().filter_map(Weak::upgrade);
        let known = known.into_iter().find(|it| it.is_of(&folders, &ignored));
        known.unwrap_or_else(|| {
            let tree = Arc::new(Tree::new(folders, ignored, Some(Arc::clone(&self.0))));
            trees.push(Arc::downgrade(&tree));
            tree
        })
    }
}

impl Watching {
    /// Tells of everything that was written before. False: that is not known.
    fn hears_all(&self) -> bool {
        self.hearing.as_ref().is_some_and(Hearing::all)
    }

    /// Watches these folders for a tree, from now on and no others. It waits for
    /// the watch's thread.
    fn keep(&self, tree: u64, folders: Vec<(PathBuf, Identity, Interest)>) -> Kept {
        let Some(system) = &self.system else {
            return Kept {
                deaf: true,
                ..Kept::default()
            };
        };
        let mut kept = Kept::default();
        let mut system = lock(system);
        for (path, identity, interest) in &folders {
            if !lock(&self.board).is_interested(tree, path, *identity, interest) {
                continue;
            }
            // What had this path before is not what it is now.
            system.unwatch(path);
            match system.watch(path) {
                Ok(()) => kept.new = true,
                Err(error) => {
                    lock(&self.board).is_gone(path);
                    kept.deaf |= self.is_deaf(&error);
                }
            }
        }
        let others = lock(&self.board).is_interested_only(tree, &folders);
        for path in others {
            system.unwatch(&path);
        }
        kept
    }

    /// Whether the system will not tell of all changes. Why is said, if somebody
    /// can do something about it.
    fn is_deaf(&self, error: &notify::Error) -> bool {
        let reason = match &error.kind {
            // It has gone meanwhile: the next look does not find it.
            notify::ErrorKind::PathNotFound => return true,
            notify::ErrorKind::MaxFilesWatch => {
                "no more folders may be watched: raise fs.inotify.max_user_watches, for example with `sudo sysctl fs.inotify.max_user_watches=524288`".to_owned()
            }
            // What cannot be read is nobody's code.
            notify::ErrorKind::Io(error) if error.kind() == ErrorKind::PermissionDenied => return false,
            notify::ErrorKind::Io(error) if error.raw_os_error() == Some(EMFILE) => {
                "too many programs watch folders: raise fs.inotify.max_user_instances, for example with `sudo sysctl fs.inotify.max_user_instances=512`".to_owned()
            }
            _ => format!("folders cannot be watched ({error})"),
        };
        self.note(format!(
            "{reason}; until then each invocation looks at all files for changes"
        ));
        true
    }

    /// Once.
    fn note(&self, note: String) {
        if lock(&self.said).insert(note.clone()) {
            (self.notes)(note);
        }
    }
}

/// Whether other machines can change a folder's files, of which the system here
/// hears nothing.
#[cfg(target_os = "linux")]
fn is_shared(folder: &Path) -> bool {
    // `statfs(2)`: NFS, SMB three times, 9P (WSL's Windows drives), FUSE (sshfs,
    // Docker Desktop), Ceph, Coda, AFS, VirtualBox's and VMware's folders.
    const OF_OTHERS: [u64; 11] = [
        0x6969,
        0x517B,
        0xFE53_4D42,
        0xFF53_4D42,
        0x0102_1997,
        0x6573_5546,
        0x00C3_6400,
        0x7375_7245,
        0x6B41_4653,
        0x786F_4256,
        0xBACB_ACBC,
    ];
    let Ok(about) = rustix::fs::statfs(folder) else {
        return false;
    };
    #[allow(clippy::cast_sign_loss, reason = "its type differs by architecture")]
    let kind = about.f_type as u64 & 0xFFFF_FFFF;
    OF_OTHERS.contains(&kind)
}

#[cfg(not(target_os = "linux"))]
fn is_shared(_: &Path) -> bool {
    false
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
