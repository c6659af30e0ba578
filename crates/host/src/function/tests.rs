//! Over real processes of the embedded Python client.

use super::*;
use std::collections::BTreeSet;

const WHO: &str = "import os\ndef handler(event, context):\n    return os.getpid()\n";

struct Stage {
    function: Arc<Function>,
    _folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("app.py"), WHO).unwrap();
        let copy = WorkingCopy {
            name: "Who".to_owned(),
            code: folder.path().to_owned(),
            handler: "app.handler".to_owned(),
            interpreter: python::interpreter(folder.path()).unwrap(),
            debugger: None,
        };
        let client = Arc::new(Client::write().unwrap());
        Self {
            function: Arc::new(Function::new(copy, client, Arc::new(|_| {}))),
            _folder: folder,
        }
    }

    /// The pid of the process that answers for this remote environment.
    async fn who(&self, remote: &str) -> String {
        who(&self.function, remote, None).await
    }

    fn processes(&self) -> usize {
        self.function.slots.lock().unwrap().len()
    }
}

async fn who(function: &Function, remote: &str, seat: Option<Seat>) -> String {
    let invocation = Invocation {
        request_id: "r".to_owned(),
        deadline_ms: crate::now().0 + 20_000,
        ..Invocation::default()
    };
    let variables = Secret::new(BTreeMap::new());
    let event = Bytes::from_static(b"{}");
    let ran = function
        .run(seat, remote, &variables, invocation, event)
        .await;
    match ran.ended.settle("r", 0.0) {
        Ok((_, body)) => String::from_utf8_lossy(&body).into_owned(),
        Err((_, body)) => panic!("{}", String::from_utf8_lossy(&body)),
    }
}

#[tokio::test]
async fn a_remote_environment_has_a_place_until_there_are_enough() {
    let Stage { function, .. } = &Stage::new();
    assert!(!function.has_place("a", false));
    assert!(function.has_place("a", true));
    assert!(function.has_place("a", false) && !function.has_place("b", false));
    assert_eq!(function.places(), 1);
    function.end_idle(Duration::ZERO).await;
    assert_eq!(function.places(), 0);
}

#[tokio::test]
async fn each_remote_environment_has_a_process_of_its_own_that_stays() {
    let stage = Stage::new();
    let first = [stage.who("a").await, stage.who("b").await];
    let again = [stage.who("a").await, stage.who("b").await];
    assert_eq!(first, again);
    assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), 2);
    stage.function.stop().await;
}

#[tokio::test]
async fn an_idle_process_ends_and_one_that_is_taken_never_does() {
    let stage = Stage::new();
    let (first, busy) = (stage.who("a").await, stage.who("b").await);
    stage.function.end_idle(Duration::from_secs(3600)).await;
    assert_eq!(stage.processes(), 2);

    let seat = stage.function.free_seat("b").unwrap();
    stage.function.end_idle(Duration::ZERO).await;
    assert_eq!(stage.processes(), 1);
    assert_eq!(who(&stage.function, "b", Some(seat)).await, busy);
    assert_ne!(stage.who("a").await, first);
    stage.function.stop().await;
}

#[tokio::test]
async fn a_seat_is_taken_by_one_at_a_time() {
    let stage = Stage::new();
    let seat = stage.function.free_seat("a").unwrap();
    assert!(stage.function.free_seat("a").is_none());
    assert!(stage.function.free_seat("b").is_some());
    drop(seat);
    assert!(stage.function.free_seat("a").is_some());
    stage.function.stop().await;
}
