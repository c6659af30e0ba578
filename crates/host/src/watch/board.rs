//! Who is interested in which folder, and what was heard of it.

use crate::freshness::{Identity, identity, is_nobodys};
use notify::event::{AccessKind, AccessMode, ModifyKind, RenameMode};
use notify::{Event, EventKind};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use tokio::sync::watch;

/// Folders that are watched, and the trees that hear of them.
///
/// The system knows a folder by what it is and not by its path, and so does
/// this: by two paths it would be watched once, and told of under one.
#[derive(Default)]
pub(super) struct Board {
    folders: HashMap<Identity, Folder>,
    paths: HashMap<PathBuf, Identity>,
    trees: HashMap<u64, watch::Sender<u64>>,
    /// So many joined: a number is never another tree's.
    joined: u64,
}

struct Folder {
    path: PathBuf,
    interests: HashMap<u64, Interest>,
}

/// What a tree wants to hear of a folder.
#[derive(Clone, Debug)]
pub(super) enum Interest {
    /// All of its files.
    All,
    /// Only these.
    Only(BTreeSet<OsString>),
}

impl Board {
    /// A tree joins: its number, and how it counts what happens.
    pub(super) fn join(&mut self) -> (u64, watch::Receiver<u64>) {
        self.joined += 1;
        let (stirs, heard) = watch::channel(0);
        self.trees.insert(self.joined, stirs);
        (self.joined, heard)
    }

    pub(super) fn leave(&mut self, tree: u64) {
        self.trees.remove(&tree);
        for folder in self.folders.values_mut() {
            folder.interests.remove(&tree);
        }
    }

    /// Whether this folder has to be watched anew for it. It is put down first
    /// and watched then: what is heard in between leads to another look.
    pub(super) fn is_interested(
        &mut self,
        tree: u64,
        path: &Path,
        now: Identity,
        interest: &Interest,
    ) -> bool {
        if self.paths.get(path).is_some_and(|known| *known != now) {
            self.is_gone(path);
        }
        if let Some(folder) = self.folders.get(&now) {
            let is_still_there = folder.path == path
                || std::fs::metadata(&folder.path)
                    .is_ok_and(|it| identity(&folder.path, &it) == now);
            if !is_still_there {
                let moved = folder.path.clone();
                self.is_gone(&moved);
            }
        }
        let is_new = !self.folders.contains_key(&now);
        let folder = self.folders.entry(now).or_insert_with(|| Folder {
            path: path.to_path_buf(),
            interests: HashMap::new(),
        });
        if is_new {
            self.paths.insert(path.to_path_buf(), now);
        }
        let wanted = folder.interests.entry(tree);
        let wanted = wanted.or_insert_with(|| Interest::Only(BTreeSet::new()));
        match (&mut *wanted, interest) {
            (Interest::Only(names), Interest::Only(more)) => names.extend(more.iter().cloned()),
            (Interest::Only(_), Interest::All) => *wanted = Interest::All,
            (Interest::All, _) => {}
        }
        is_new
    }

    /// Nobody watches this folder any more, nor what was below it. Whoever is
    /// interested looks again.
    pub(super) fn is_gone(&mut self, path: &Path) {
        let Self {
            folders,
            paths,
            trees,
            ..
        } = self;
        paths.retain(|known, identity| {
            if !known.starts_with(path) {
                return true;
            }
            let folder = folders.remove(identity);
            for tree in folder.iter().flat_map(|it| it.interests.keys()) {
                stir(trees, *tree);
            }
            false
        });
    }

    /// Forgets what else the tree was interested in. These are folders in which
    /// nobody is now.
    pub(super) fn is_interested_only(
        &mut self,
        tree: u64,
        wanted: &[(PathBuf, Identity, Interest)],
    ) -> Vec<PathBuf> {
        let wanted: HashSet<_> = wanted.iter().map(|(_, identity, _)| identity).collect();
        let paths = &mut self.paths;
        let nobodys = self.folders.extract_if(|identity, folder| {
            if !wanted.contains(identity) {
                folder.interests.remove(&tree);
            }
            folder.interests.is_empty()
        });
        nobodys
            .map(|(_, folder)| {
                paths.remove(&folder.path);
                folder.path
            })
            .collect()
    }

    /// In the order of the events.
    pub(super) fn hear(&mut self, event: notify::Result<Event>) {
        let event = match event {
            // More has happened than the queue holds.
            Ok(event) if event.need_rescan() => return self.stir_all(),
            Ok(event) => event,
            Err(_) => return self.stir_all(),
        };
        if !is_change(event.kind) {
            return;
        }
        for path in &event.paths {
            self.stir(path);
            if takes_away(event.kind) && self.paths.contains_key(path) {
                self.is_gone(path);
            }
        }
    }

    fn stir(&self, path: &Path) {
        let name = path.file_name().unwrap_or_default();
        let of = |path: &Path| self.folders.get(self.paths.get(path)?);
        let within = path.parent().and_then(of).into_iter();
        let within = within
            .flat_map(|folder| &folder.interests)
            .filter(|(_, interest)| interest.is_in(name));
        let itself = of(path).into_iter().flat_map(|folder| &folder.interests);
        for (tree, _) in within.chain(itself) {
            stir(&self.trees, *tree);
        }
    }

    fn stir_all(&self) {
        for tree in self.trees.keys() {
            stir(&self.trees, *tree);
        }
    }
}

fn stir(trees: &HashMap<u64, watch::Sender<u64>>, tree: u64) {
    if let Some(stirs) = trees.get(&tree) {
        stirs.send_modify(|count| *count += 1);
    }
}

impl Interest {
    fn is_in(&self, name: &OsStr) -> bool {
        match self {
            // Its rules say which other files count.
            Self::All => name == ".gitignore" || !is_nobodys(&name.to_string_lossy()),
            Self::Only(names) => names.contains(name),
        }
    }
}

/// Reading is none. What was written through memory is told when it is closed.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    }
}

/// Whether what had this path is not there any more, and not watched.
fn takes_away(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(RenameMode::From))
    )
}
