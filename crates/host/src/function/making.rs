//! What is run of what was saved.

use crate::freshness::Fingerprint;
use crate::starter::{BuildFailed, Progress, Starter};
use crate::watch::{Tree, Watcher};
use std::sync::{Arc, PoisonError};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;

/// After so many builds in a row that changed the code themselves, what they
/// have left is taken for what they were made of.
const RESTLESS_BUILDS: u32 = 3;

/// A function's code, and its last build.
pub(super) struct Making {
    shop: Arc<Shop>,
    /// A build goes on if the invocation that waits for it has no more time: the
    /// next one needs it as well.
    running: std::sync::Mutex<JoinSet<()>>,
}

struct Shop {
    starter: Starter,
    progress: Progress,
    watcher: Option<Watcher>,
    /// Another one when a build has found out what the code is made of.
    tree: watch::Sender<Arc<Tree>>,
    last: Mutex<Last>,
}

#[derive(Default)]
struct Last {
    made: Option<Made>,
    /// The code as the build left it, if that counts as the same.
    left: Option<Fingerprint>,
    /// So many builds in a row found other code at their end.
    restless: u32,
}

/// A version of the code, built.
#[derive(Clone, Debug)]
pub(super) struct Made {
    /// The version, as processes are known by.
    pub(super) code: Fingerprint,
    /// The version, as the files say.
    pub(super) files: Fingerprint,
    pub(super) built: Result<(), BuildFailed>,
}

impl Making {
    pub(super) fn new(starter: Starter, progress: Progress, watcher: Option<Watcher>) -> Self {
        let tree = tree(&starter, watcher.as_ref());
        Self {
            shop: Arc::new(Shop {
                starter,
                progress,
                watcher,
                tree: watch::channel(tree).0,
                last: Mutex::default(),
            }),
            running: std::sync::Mutex::default(),
        }
    }

    /// The code as it is now, built. What was built already is not built again,
    /// though it failed: its message stands until the next save.
    pub(super) async fn now(&self) -> Made {
        let shop = Arc::clone(&self.shop);
        if let Ok(mut last) = shop.last.try_lock() {
            let files = shop.tree().version().await;
            if let Some(made) = last.of(files) {
                return made;
            }
        }
        let (done, made) = tokio::sync::oneshot::channel();
        {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            while running.try_join_next().is_some() {}
            running.spawn(async move {
                let _ = done.send(shop.make().await);
            });
        }
        made.await.unwrap_or_else(|_| Made {
            code: Fingerprint::default(),
            files: Fingerprint::default(),
            built: Err(BuildFailed {
                message: "the build was ended, because tether ends".to_owned(),
            }),
        })
    }

    /// The version of the files as they are now.
    pub(super) async fn files(&self) -> Fingerprint {
        self.shop.tree().version().await
    }

    /// Whether this is the code as far as anybody has heard; see
    /// [`Tree::is_still`].
    pub(super) fn is_still(&self, code: Fingerprint) -> bool {
        self.shop.tree().is_still(code)
    }

    /// Tells the developer.
    pub(super) fn says(&self, text: &str) {
        (self.shop.progress)(text);
    }

    /// Waits until the code is other than this.
    pub(super) async fn differs_from(&self, files: Fingerprint) {
        let mut tree = self.shop.tree.subscribe();
        loop {
            let now = Arc::clone(&tree.borrow_and_update());
            tokio::select! {
                _ = now.differs_from(files) => return,
                moved = tree.changed() => if moved.is_err() { return },
            }
        }
    }

    /// Ends a build that runs.
    pub(super) async fn stop(&self) {
        let mut running = {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *running)
        };
        running.shutdown().await;
    }
}

/// What a function is made of, as far as that is known now.
fn tree(starter: &Starter, watcher: Option<&Watcher>) -> Arc<Tree> {
    let (folders, ignored) = (starter.watched(), starter.ignored());
    match watcher {
        Some(watcher) => watcher.tree(folders, ignored),
        None => Arc::new(Tree::unwatched(folders, ignored)),
    }
}

impl Shop {
    fn tree(&self) -> Arc<Tree> {
        Arc::clone(&self.tree.borrow())
    }

    /// A build may have found out that files elsewhere belong to the code.
    fn follow(&self) -> bool {
        let same = |tree: &Tree| tree.is_of(&self.starter.watched(), &self.starter.ignored());
        self.tree.send_if_modified(|known| {
            let moved = !same(known);
            if moved {
                *known = tree(&self.starter, self.watcher.as_ref());
            }
            moved
        })
    }

    async fn make(&self) -> Made {
        let mut last = self.last.lock().await;
        let mut files = self.tree().version().await;
        if let Some(made) = last.of(files) {
            return made;
        }
        let built = self.starter.build(&self.progress).await;
        let moved = self.follow();
        let after = self.tree().version().await;
        if moved {
            files = after;
        }
        last.restless = if after == files { 0 } else { last.restless + 1 };
        last.left = (last.restless >= RESTLESS_BUILDS).then_some(after);
        if last.restless == RESTLESS_BUILDS {
            (self.progress)(
                "the build changes files that count as code, and each change starts a build: have git ignore what it makes",
            );
        }
        let made = Made {
            code: files,
            files,
            built,
        };
        last.made = Some(made.clone());
        made
    }
}

impl Last {
    fn of(&mut self, files: Fingerprint) -> Option<Made> {
        let made = self.made.as_ref()?;
        let is_left = self.left == Some(files);
        (made.code == files || is_left).then(|| Made {
            files,
            ..made.clone()
        })
    }
}
