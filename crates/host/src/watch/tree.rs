//! One function's code, at any moment.

use super::board::Interest;
use super::{Kept, Watching, is_shared, lock};
use crate::freshness::{self, Fingerprint, Identity, MOST_FILES, Seen, identity};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, watch};

/// Code is looked at when nothing has happened for this long: programs save a
/// file in several steps, and several files one after the other.
const QUIET: Duration = Duration::from_millis(10);

/// But not longer than this.
const RESTLESS: Duration = Duration::from_millis(100);

/// Where no events are heard, files are looked at this often…
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// …or more seldom, so that looking takes a small part of the time.
const BETWEEN_LOOKS: u32 = 20;

/// While folders come and go, looks do not end by themselves.
const MOST_LOOKS: usize = 4;

/// The code in some folders.
pub(crate) struct Tree {
    folders: Vec<PathBuf>,
    /// In them, in `.gitignore`'s words.
    ignored: Vec<String>,
    watching: Option<Arc<Watching>>,
    number: u64,
    /// How often something was heard.
    stirs: watch::Receiver<u64>,
    /// Somebody may be able to change it without a word.
    is_shared: bool,
    last: Mutex<Option<Arc<Look>>>,
    #[cfg(test)]
    looks: std::sync::atomic::AtomicUsize,
}

/// What a look at all files has found.
#[derive(Default)]
struct Look {
    code: Fingerprint,
    /// See [`freshness::Seen::elsewhere`].
    elsewhere: Vec<PathBuf>,
    glance: Fingerprint,
    /// So many stirs were heard before.
    stirs: u64,
    /// Every change from then on is heard.
    hears: bool,
    took: Duration,
}

impl Tree {
    /// Without a watch it is looked at each time.
    pub(super) fn new(
        folders: Vec<PathBuf>,
        ignored: Vec<String>,
        watching: Option<Arc<Watching>>,
    ) -> Self {
        let (number, stirs) = match &watching {
            Some(watching) => lock(&watching.board).join(),
            None => (0, watch::channel(0).1),
        };
        let shared = folders.iter().find(|it| is_shared(it));
        if let (Some(folder), Some(watching)) = (shared, &watching) {
            watching.note(format!(
                "{} is on a drive that does not tell of changes made elsewhere, so each invocation looks at all its files: keep the code on a local drive if that takes long",
                folder.display()
            ));
        }
        Self {
            is_shared: shared.is_some(),
            folders,
            ignored,
            watching,
            number,
            stirs,
            last: Mutex::default(),
            #[cfg(test)]
            looks: std::sync::atomic::AtomicUsize::default(),
        }
    }

    /// One that is looked at each time.
    pub(crate) fn unwatched(folders: Vec<PathBuf>, ignored: Vec<String>) -> Self {
        Self::new(folders, ignored, None)
    }

    pub(crate) fn is_of(&self, folders: &[PathBuf], ignored: &[String]) -> bool {
        self.folders == folders && self.ignored == ignored
    }

    /// The version now: everything that was written before counts.
    pub(crate) async fn version(self: &Arc<Self>) -> Fingerprint {
        let mut last = self.last.lock().await;
        if let Some(known) = &*last
            && self.is_unchanged(known).await
        {
            return known.code;
        }
        let before = last.as_ref().map(|it| it.code);
        let mut look = self.look().await;
        // It is being written, perhaps.
        let began = Instant::now();
        while before.is_some_and(|it| it != look.code) && look.hears && began.elapsed() < RESTLESS {
            let mut stirs = self.stirs.clone();
            let more = stirs.wait_for(|count| *count != look.stirs);
            if tokio::time::timeout(QUIET, more).await.is_err() {
                break;
            }
            look = self.look().await;
        }
        let code = look.code;
        *last = Some(look);
        code
    }

    /// Whether this is the version as far as anybody has heard. It waits for
    /// nothing, and no means that nobody knows.
    pub(crate) fn is_still(&self, code: Fingerprint) -> bool {
        let Ok(last) = self.last.try_lock() else {
            return false;
        };
        let heard = *self.stirs.borrow();
        let is_it = |look: &Look| look.hears && look.code == code && look.stirs == heard;
        last.as_deref().is_some_and(is_it)
    }

    /// Waits until the version is another one, and nothing has happened for a
    /// moment.
    pub(crate) async fn differs_from(self: &Arc<Self>, known: Fingerprint) -> Fingerprint {
        loop {
            let mut stirs = self.stirs.clone();
            stirs.mark_unchanged();
            let now = self.version().await;
            if now != known {
                return now;
            }
            let (hears, took) = match &*self.last.lock().await {
                Some(look) => (look.hears, look.took),
                None => (false, Duration::ZERO),
            };
            let rest = took * BETWEEN_LOOKS;
            if hears {
                let _ = stirs.changed().await;
                tokio::time::sleep(rest.clamp(QUIET, RESTLESS)).await;
            } else {
                tokio::time::sleep(rest.max(LOOK_AGAIN)).await;
            }
        }
    }

    #[cfg(test)]
    pub(super) fn looks(&self) -> usize {
        self.looks.load(std::sync::atomic::Ordering::Relaxed)
    }

    async fn is_unchanged(&self, known: &Arc<Look>) -> bool {
        let Some(watching) = self.watching.as_ref().filter(|_| known.hears) else {
            return false;
        };
        if !watching.hears_all() || *self.stirs.borrow() != known.stirs {
            return false;
        }
        if known.elsewhere.len() <= self.folders.len() {
            return freshness::glance(&known.elsewhere) == known.glance;
        }
        let known = Arc::clone(known);
        let glance = move || freshness::glance(&known.elsewhere) == known.glance;
        tokio::task::spawn_blocking(glance).await.unwrap_or(false)
    }

    async fn look(self: &Arc<Self>) -> Arc<Look> {
        let tree = Arc::clone(self);
        let look = tokio::task::spawn_blocking(move || tree.look_now());
        Arc::new(look.await.unwrap_or_default())
    }

    /// Folders are watched before the look that counts.
    fn look_now(&self) -> Look {
        #[cfg(test)]
        self.looks
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let began = Instant::now();
        for _ in 0..MOST_LOOKS {
            let stirs = *self.stirs.borrow();
            let seen = freshness::look(&self.folders, &self.ignored);
            if seen.is_cut {
                self.is_too_large();
            }
            let kept = self.keep(&seen);
            if !kept.new {
                return Look {
                    code: seen.code,
                    hears: !kept.deaf && !self.is_shared,
                    elsewhere: seen.elsewhere,
                    glance: seen.glance,
                    stirs,
                    took: began.elapsed(),
                };
            }
        }
        Look {
            code: freshness::look(&self.folders, &self.ignored).code,
            took: began.elapsed(),
            ..Look::default()
        }
    }

    fn keep(&self, seen: &Seen) -> Kept {
        let Some(watching) = &self.watching else {
            return Kept {
                deaf: true,
                ..Kept::default()
            };
        };
        let folders = seen.folders.iter().cloned();
        let folders = folders.map(|(path, identity)| (path, identity, Interest::All));
        let others = seen.elsewhere.iter().filter_map(|it| around(it));
        watching.keep(self.number, folders.chain(others).collect())
    }

    fn is_too_large(&self) {
        let folders: Vec<_> = (self.folders.iter())
            .map(|it| it.display().to_string())
            .collect();
        let note = format!(
            "there are more than {MOST_FILES} files in {}, and changes of the others are not noticed: have git ignore what is not code",
            folders.join(" and ")
        );
        if let Some(watching) = &self.watching {
            watching.note(note);
        }
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        if let Some(watching) = &self.watching {
            lock(&watching.board).leave(self.number);
        }
    }
}

/// The folder in which a linked file really is, or a missing one would appear.
fn around(path: &Path) -> Option<(PathBuf, Identity, Interest)> {
    let found = path.canonicalize();
    let (folder, name) = match &found {
        Ok(folder) if folder.is_dir() => return None,
        Ok(file) => (file.parent()?, file.file_name()?),
        Err(_) => {
            let folder = path.ancestors().skip(1).find(|it| it.is_dir())?;
            let below = path.strip_prefix(folder).ok()?;
            (folder, below.components().next()?.as_os_str())
        }
    };
    let about = std::fs::metadata(folder).ok()?;
    let only = Interest::Only([name.to_owned()].into());
    Some((folder.to_path_buf(), identity(folder, &about), only))
}
