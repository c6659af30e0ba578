//! Over real folders.

use super::*;
use crate::freshness::Fingerprint;
use std::fs;
use std::time::Duration;

/// Whoever waits for something gets it within this, or never.
const PATIENCE: Duration = Duration::from_secs(20);

struct Stage {
    code: tempfile::TempDir,
    watcher: Watcher,
    notes: Arc<Mutex<Vec<String>>>,
    tree: Arc<Tree>,
}

impl Stage {
    fn new() -> Self {
        let code = tempfile::tempdir().unwrap();
        fs::create_dir_all(code.path().join("src/pkg")).unwrap();
        fs::write(code.path().join("src/app.py"), "one").unwrap();
        let notes = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&notes);
        let watcher = Watcher::new(Arc::new(move |note| lock(&heard).push(note)));
        let tree = watcher.tree(vec![code.path().join("src")], vec![]);
        Self {
            code,
            watcher,
            notes,
            tree,
        }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.code.path().join(name)
    }

    async fn version(&self) -> Fingerprint {
        self.tree.version().await
    }

    /// Before the next invocation, and without one.
    async fn notices(&self, what: &str, change: impl FnOnce(&Self)) {
        let before = self.version().await;
        let tree = Arc::clone(&self.tree);
        let hears = tokio::spawn(async move { tree.differs_from(before).await });
        change(self);
        assert_ne!(self.version().await, before, "{what}");
        let heard = tokio::time::timeout(PATIENCE, hears).await;
        assert_ne!(heard.expect(what).unwrap(), before, "{what}");
        // Of that, nothing is left to be heard.
        let settled = self.version().await;
        assert_eq!(self.version().await, settled, "{what}");
    }
}

/// A look at all files is not needed for it.
async fn is_known_without_a_look(stage: &Stage) {
    let version = stage.version().await;
    let looks = stage.tree.looks();
    assert_eq!(stage.version().await, version);
    if cfg!(any(target_os = "linux", target_os = "android")) {
        assert_eq!(stage.tree.looks(), looks);
    }
}

#[tokio::test]
async fn a_save_is_known_before_what_comes_after_it() {
    let stage = Stage::new();
    let mut seen = std::collections::HashSet::new();
    for round in 0..200 {
        fs::write(stage.at("src/app.py"), format!("{round:03}")).unwrap();
        // The same moment by a coarse clock is another version.
        let time = std::time::UNIX_EPOCH + Duration::from_secs(round);
        let file = fs::File::options().write(true).open(stage.at("src/app.py"));
        file.unwrap().set_modified(time).unwrap();
        assert!(
            seen.insert(format!("{:?}", stage.version().await)),
            "{round}"
        );
    }
    is_known_without_a_look(&stage).await;
    assert!(lock(&stage.notes).is_empty());
}

#[tokio::test]
async fn what_a_developer_does_is_heard_of() {
    let stage = Stage::new();
    let write = |name: &'static str| move |stage: &Stage| fs::write(stage.at(name), name).unwrap();
    stage.notices("a save", write("src/app.py")).await;
    stage.notices("a new file", write("src/pkg/new.py")).await;
    stage
        .notices("a file that is only touched", |stage| {
            let file = fs::File::options()
                .append(true)
                .open(stage.at("src/app.py"));
            file.unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
        })
        .await;
    stage
        .notices("a rename over a file", |stage| {
            fs::write(stage.at("src/.app.py.saving"), "two").unwrap();
            fs::rename(stage.at("src/.app.py.saving"), stage.at("src/app.py")).unwrap();
        })
        .await;
    stage
        .notices("a file that is gone", |stage| {
            fs::remove_file(stage.at("src/pkg/new.py")).unwrap();
        })
        .await;
    stage
        .notices("folders that are created with their files", |stage| {
            fs::create_dir_all(stage.at("src/a/b/c")).unwrap();
            fs::write(stage.at("src/a/b/c/deep.py"), "one").unwrap();
        })
        .await;
    stage
        .notices("a save in them", write("src/a/b/c/deep.py"))
        .await;
    is_known_without_a_look(&stage).await;
}

#[tokio::test]
async fn what_is_not_code_changes_nothing() {
    let stage = Stage::new();
    let before = stage.version().await;
    fs::write(stage.at("src/.app.py.swp"), "x").unwrap();
    fs::write(stage.at("src/run.log"), "x").unwrap();
    fs::create_dir_all(stage.at("src/node_modules/x")).unwrap();
    fs::write(stage.at("src/node_modules/x/index.js"), "x").unwrap();
    fs::write(stage.at("beside.py"), "x").unwrap();
    fs::read(stage.at("src/app.py")).unwrap();
    assert_eq!(stage.version().await, before);
}

#[tokio::test]
async fn rules_that_change_are_heard_of() {
    let stage = Stage::new();
    fs::create_dir(stage.at(".git")).unwrap();
    fs::write(stage.at("src/made.py"), "x").unwrap();
    stage
        .notices("a file that is ignored from now on", |stage| {
            fs::write(stage.at("src/.gitignore"), "made.py\n").unwrap();
        })
        .await;
    let before = stage.version().await;
    fs::write(stage.at("src/made.py"), "y").unwrap();
    assert_eq!(stage.version().await, before);
}

#[tokio::test]
async fn folders_that_are_replaced_are_watched_again() {
    let stage = Stage::new();
    stage
        .notices("a folder in another one's place", |stage| {
            fs::rename(stage.at("src/pkg"), stage.at("old")).unwrap();
            fs::create_dir(stage.at("src/pkg")).unwrap();
            fs::write(stage.at("src/pkg/new.py"), "one").unwrap();
        })
        .await;
    stage
        .notices("a save in it", |stage| {
            fs::write(stage.at("src/pkg/new.py"), "another").unwrap();
        })
        .await;
    stage
        .notices("all of it in another one's place", |stage| {
            fs::create_dir(stage.at("new")).unwrap();
            fs::write(stage.at("new/app.py"), "three").unwrap();
            fs::rename(stage.at("src"), stage.at("older")).unwrap();
            fs::rename(stage.at("new"), stage.at("src")).unwrap();
        })
        .await;
    stage
        .notices("a save in that", |stage| {
            fs::write(stage.at("src/app.py"), "three and four").unwrap();
        })
        .await;
    stage
        .notices("all of it gone", |stage| {
            fs::remove_dir_all(stage.at("src")).unwrap();
        })
        .await;
    stage
        .notices("and there again", |stage| {
            fs::create_dir(stage.at("src")).unwrap();
            fs::write(stage.at("src/app.py"), "five").unwrap();
        })
        .await;
    is_known_without_a_look(&stage).await;
}

#[tokio::test]
async fn a_folder_that_was_moved_with_one_above_it_is_found_out() {
    let stage = Stage::new();
    let deep = stage.at("project/src");
    fs::create_dir_all(&deep).unwrap();
    let tree = stage.watcher.tree(vec![deep.clone()], vec![]);
    let before = tree.version().await;
    fs::create_dir_all(stage.at("other/src")).unwrap();
    fs::write(stage.at("other/src/app.py"), "").unwrap();
    fs::rename(stage.at("project"), stage.at("project.old")).unwrap();
    fs::rename(stage.at("other"), stage.at("project")).unwrap();
    let second = tree.version().await;
    assert_ne!(before, second);
    fs::write(deep.join("app.py"), "longer").unwrap();
    assert_ne!(tree.version().await, second);
}

#[tokio::test]
#[cfg(unix)]
async fn linked_files_are_heard_of_where_they_are() {
    use std::os::unix::fs::symlink;
    let stage = Stage::new();
    fs::create_dir(stage.at("shared")).unwrap();
    for name in ["a.py", "b.py"] {
        fs::write(stage.at(&format!("shared/{name}")), "one").unwrap();
    }
    fs::write(stage.at("linked.py"), "one").unwrap();
    fs::hard_link(stage.at("linked.py"), stage.at("src/hard.py")).unwrap();
    symlink(stage.at("shared"), stage.at("src/shared")).unwrap();
    fs::create_dir(stage.at("elsewhere")).unwrap();
    fs::write(stage.at("elsewhere/c.py"), "one").unwrap();
    symlink(stage.at("elsewhere/c.py"), stage.at("src/c.py")).unwrap();
    for name in ["shared/a.py", "elsewhere/c.py"] {
        let save = |stage: &Stage| fs::write(stage.at(name), "another").unwrap();
        stage.notices(name, save).await;
    }
    // By its other name: that is not told, and seen all the same.
    let before = stage.version().await;
    fs::write(stage.at("linked.py"), "another").unwrap();
    assert_ne!(stage.version().await, before);
    let before = stage.version().await;
    fs::write(stage.at("elsewhere/nobodys.py"), "x").unwrap();
    assert_eq!(stage.version().await, before);
}

#[tokio::test]
async fn functions_with_the_same_code_share_a_tree_and_others_hear_of_the_same_folder() {
    let stage = Stage::new();
    let same = stage.watcher.tree(vec![stage.at("src")], vec![]);
    assert!(Arc::ptr_eq(&same, &stage.tree));
    let within = stage
        .watcher
        .tree(vec![stage.at("src/pkg"), stage.at("missing/there")], vec![]);
    let (first, second) = (stage.version().await, within.version().await);
    fs::write(stage.at("src/pkg/a.py"), "x").unwrap();
    assert_ne!(stage.version().await, first);
    assert_ne!(within.version().await, second);
    // One of them ends, and the other one hears on.
    drop((same, stage.watcher.tree(vec![stage.at("src")], vec![])));
    let third = within.version().await;
    fs::create_dir_all(stage.at("missing/there")).unwrap();
    fs::write(stage.at("missing/there/b.py"), "x").unwrap();
    let comes = tokio::time::timeout(PATIENCE, within.differs_from(third)).await;
    assert_ne!(comes.unwrap(), third);
}

#[tokio::test]
async fn without_a_watch_files_are_looked_at_each_time() {
    let stage = Stage::new();
    let tree = Arc::new(Tree::unwatched(vec![stage.at("src")], vec![]));
    let before = tree.version().await;
    assert_eq!(tree.version().await, before);
    fs::write(stage.at("src/app.py"), "another").unwrap();
    assert_ne!(tree.version().await, before);
    let now = tree.version().await;
    fs::write(stage.at("src/pkg/a.py"), "x").unwrap();
    let comes = tokio::time::timeout(PATIENCE, tree.differs_from(now)).await;
    assert_ne!(comes.unwrap(), now);
}

#[test]
fn what_makes_watching_impossible_is_said_once_with_what_to_do() {
    let stage = Stage::new();
    let watching = &stage.watcher.0;
    let limit = notify::Error::new(notify::ErrorKind::MaxFilesWatch);
    assert!(watching.is_deaf(&limit) && watching.is_deaf(&limit));
    let programs = std::io::Error::from_raw_os_error(EMFILE);
    assert!(watching.is_deaf(&notify::Error::io(programs)));
    let unreadable = std::io::Error::from(ErrorKind::PermissionDenied);
    assert!(!watching.is_deaf(&notify::Error::io(unreadable)));
    let notes = lock(&stage.notes);
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(
        notes[0].contains("fs.inotify.max_user_watches"),
        "{notes:?}"
    );
    assert!(
        notes[1].contains("fs.inotify.max_user_instances"),
        "{notes:?}"
    );
}
