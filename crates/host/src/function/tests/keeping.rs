//! Processes that are replaced between invocations.

use super::*;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

const IMPORTED: &str = "print('imported', VERSION, os.getpid(), flush=True)\n";

/// A watched function, and what it logs.
struct Kept {
    stage: Stage,
    lines: mpsc::UnboundedReceiver<String>,
    keeper: JoinHandle<()>,
}

impl Kept {
    fn new(most: Option<usize>) -> Self {
        let mut stage = Stage::new();
        let (says, lines) = mpsc::unbounded_channel();
        let sink = LogSink::new(move |line| drop(says.send(line.text)));
        let watcher = Watcher::new(Arc::new(|note| panic!("{note}")));
        let function = Function::new(stage.function.copy().clone(), sink);
        let function = function.watched(&watcher);
        stage.function = Arc::new(function.at_most(most.and_then(NonZeroUsize::new)));
        save(&stage, "first");
        let function = Arc::clone(&stage.function);
        Self {
            stage,
            lines,
            keeper: tokio::spawn(async move { function.keep_fresh().await }),
        }
    }

    /// The process that has imported this version, when it has.
    async fn imports(&mut self, version: &str) -> String {
        let start = format!("imported {version} ");
        let comes = async {
            loop {
                let line = self.lines.recv().await.unwrap();
                if let Some(pid) = line.strip_prefix(&start) {
                    return pid.to_owned();
                }
            }
        };
        let came = tokio::time::timeout(Duration::from_secs(20), comes).await;
        came.unwrap_or_else(|_| panic!("{version} is not imported"))
    }

    /// What it has logged since then.
    fn logged(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.lines.try_recv().ok()).collect()
    }

    async fn end(self) {
        self.keeper.abort();
        self.stage.function.stop().await;
    }
}

fn save(stage: &Stage, version: &str) {
    let text = format!("VERSION = '{version}'\n{WHO}{IMPORTED}");
    let beside = stage.folder.path().join(".app.py.saving");
    std::fs::write(&beside, text).unwrap();
    std::fs::rename(beside, stage.folder.path().join("app.py")).unwrap();
}

#[tokio::test]
async fn one_process_of_the_new_code_waits_for_whoever_asks_first() {
    let mut kept = Kept::new(None);
    let old = [kept.stage.who("a").await, kept.stage.who("b").await];
    save(&kept.stage, "second");
    let spare = kept.imports("second").await;
    assert!(!old.contains(&spare));
    assert_eq!(kept.stage.who("b").await, spare);
    assert_ne!(kept.stage.who("a").await, spare);
    assert_eq!(kept.stage.who("b").await, spare);
    kept.end().await;
}

#[tokio::test]
async fn what_was_told_of_another_version_waits_for_that() {
    let mut kept = Kept::new(None);
    let function = Arc::clone(&kept.stage.function);
    let of = |version: &str| {
        let variable = ("AWS_LAMBDA_FUNCTION_VERSION".to_owned(), version.to_owned());
        BTreeMap::from([variable])
    };
    who_with(&function, "a", None, of("1")).await;
    save(&kept.stage, "second");
    let spare = kept.imports("second").await;
    assert_ne!(who_with(&function, "b", None, of("$LATEST")).await, spare);
    assert_eq!(who_with(&function, "a", None, of("1")).await, spare);
    kept.end().await;
}

#[tokio::test]
async fn a_spare_whose_code_is_old_is_replaced_and_one_that_nobody_needs_ends() {
    let mut kept = Kept::new(None);
    kept.stage.who("a").await;
    save(&kept.stage, "second");
    let second = kept.imports("second").await;
    save(&kept.stage, "third");
    let third = kept.imports("third").await;
    assert_ne!(second, third);
    kept.stage.function.end_idle(Duration::ZERO).await;
    assert_ne!(kept.stage.who("a").await, third);
    kept.end().await;
}

#[tokio::test]
async fn a_function_that_was_never_invoked_has_no_process() {
    let mut kept = Kept::new(None);
    save(&kept.stage, "second");
    kept.stage.who("a").await;
    kept.imports("second").await;
    // Nothing else was started, before or behind it.
    kept.stage.who("a").await;
    let imported = |it: &String| it.starts_with("imported");
    assert!(!kept.logged().iter().any(imported));
    kept.end().await;
}

#[tokio::test]
async fn an_error_of_the_new_code_is_the_next_answer_from_the_process_that_had_it() {
    let mut kept = Kept::new(None);
    kept.stage.who("a").await;
    kept.logged();
    let app = kept.stage.folder.path().join("app.py");
    std::fs::write(&app, "raise ValueError(__import__('os').getpid())\n").unwrap();
    let logged = loop {
        let line = kept.lines.recv().await.unwrap();
        if line.contains("ValueError") {
            break line;
        }
    };
    let ran = runs(&kept.stage.function, &RunState::new()).await.unwrap();
    let Ended::InitFailed { body, .. } = ran.ended else {
        panic!("it has started");
    };
    let error: ErrorObject = serde_json::from_slice(&body).unwrap();
    assert!(logged.contains(&error.error_message), "{logged}");
    kept.end().await;
}

#[tokio::test]
async fn remote_environments_share_the_processes_that_there_may_be() {
    let kept = Kept::new(Some(2));
    let function = &kept.stage.function;
    let first = function.free_seat("a").unwrap();
    let second = function.free_seat("b").unwrap();
    assert!(function.free_seat("c").is_none() && function.has_place("c", true));
    assert_eq!(function.places(), 2);

    let third = runs(function, &RunState::new());
    let busy = who(function, "b", Some(second)).await;
    assert!(matches!(third.await.unwrap().ended, Ended::Answered { .. }));
    assert_eq!(who(function, "c", None).await, busy);
    drop(first);
    kept.end().await;
}
