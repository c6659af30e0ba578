//! Over real processes of the embedded Python client.

use super::*;
use crate::{Clients, Source};
use std::collections::{BTreeMap, BTreeSet};
use tether_protocol::Secret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

mod keeping;

const WHO: &str = "import os\ndef handler(event, context):\n    return os.getpid()\n";

struct Stage {
    function: Arc<Function>,
    folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("app.py"), WHO).unwrap();
        let copy = WorkingCopy {
            name: "Who".to_owned(),
            code: folder.path().to_owned(),
            handler: "app.handler".to_owned(),
            starter: python(folder.path()),
            debugger: None,
        };
        Self {
            function: Arc::new(Function::new(copy, LogSink::new(|_| {}))),
            folder,
        }
    }

    /// The pid of the process that answers for this remote environment.
    async fn who(&self, remote: &str) -> String {
        who(&self.function, remote, None).await
    }

    fn processes(&self) -> usize {
        self.function.places()
    }
}

fn python(code: &std::path::Path) -> Starter {
    let source = Source {
        name: "Who".to_owned(),
        code: code.to_owned(),
        handler: "app.handler".to_owned(),
        runtime: "python3.13".to_owned(),
        ..Source::default()
    };
    Starter::find(&source, &Arc::new(Clients::write().unwrap())).unwrap()
}

async fn who(function: &Function, remote: &str, seat: Option<Seat>) -> String {
    who_with(function, remote, seat, BTreeMap::new()).await
}

async fn who_with(
    function: &Function,
    remote: &str,
    seat: Option<Seat>,
    variables: BTreeMap<String, String>,
) -> String {
    let invocation = Invocation {
        request_id: "r".to_owned(),
        deadline_ms: crate::now().0 + 20_000,
        ..Invocation::default()
    };
    let variables = Secret::new(variables);
    let event = Bytes::from_static(b"{}");
    let ran = function
        .run(
            seat,
            remote,
            &variables,
            invocation,
            event,
            &RunState::new(),
        )
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
async fn idle_processes_of_remote_environments_that_are_given_up_end() {
    let stage = Stage::new();
    for remote in ["local-1-1", "local-1-2", "local-10-1"] {
        stage.who(remote).await;
    }
    let seat = stage.function.free_seat("local-1-2").unwrap();
    stage.function.end_named("local-1-").await;
    assert_eq!(stage.processes(), 2);
    drop(seat);
    stage.function.end_named("local-1-").await;
    assert_eq!(stage.processes(), 1);
    assert!(stage.function.has_place("local-10-1", false));
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

/// What the host expects of debugpy, in the code's folder: `python -m debugpy`
/// finds it there.
const DEBUGPY: [&str; 2] = [
    r#"
import json
import os
import socket

server = socket.create_server(("127.0.0.1", 0))
host, port = server.getsockname()
with open(os.environ["DEBUGPY_ADAPTER_ENDPOINTS"], "w") as file:
    json.dump({"client": {"host": host, "port": port}}, file)


def send(editor, message):
    body = json.dumps(message).encode()
    editor.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))


def stop():
    """At a breakpoint until the editor sends anything; then on, until it is gone."""
    editor, _ = server.accept()
    told = {"reason": "breakpoint", "threadId": 1}
    send(editor, {"type": "event", "event": "stopped", "body": told})
    editor.recv(1)
    send(editor, {"type": "event", "event": "continued", "body": {"threadId": 1}})
    while editor.recv(100):
        pass
"#,
    r#"
import runpy
import sys

assert sys.argv[1:3] == ["--listen", "127.0.0.1:0"], sys.argv
sys.argv[:3] = []
runpy.run_path(sys.argv[0], run_name="__main__")
"#,
];

const STOPS: &str = r#"
import os
import time
import debugpy

while not os.path.exists(".go"):
    time.sleep(0.01)


def handler(event, context):
    assert "DEBUGPY_ADAPTER_ENDPOINTS" not in os.environ
    return debugpy.stop()
"#;

fn debugged() -> Stage {
    let mut stage = Stage::new();
    let folder = stage.folder.path();
    std::fs::create_dir(folder.join("debugpy")).unwrap();
    std::fs::write(folder.join("debugpy/__init__.py"), DEBUGPY[0]).unwrap();
    std::fs::write(folder.join("debugpy/__main__.py"), DEBUGPY[1]).unwrap();
    std::fs::write(folder.join("app.py"), STOPS).unwrap();
    let copy = WorkingCopy {
        debugger: Some(Debugger {
            host: "127.0.0.1".to_owned(),
            port: 0,
            ..Debugger::default()
        }),
        ..stage.function.copy().clone()
    };
    stage.function = Arc::new(Function::new(copy, LogSink::new(|_| {})));
    stage
}

async fn editor(stage: &Stage) -> TcpStream {
    let found = stage.function.debugger().unwrap();
    let address = (found.host, found.port);
    TcpStream::connect(address).await.unwrap()
}

/// Its code can be imported from now on.
fn go(stage: &Stage) {
    std::fs::write(stage.folder.path().join(".go"), "").unwrap();
}

fn runs(function: &Arc<Function>, state: &RunState) -> tokio::task::JoinHandle<Ran> {
    let (function, state) = (Arc::clone(function), state.clone());
    let invocation = Invocation {
        request_id: "r".to_owned(),
        deadline_ms: crate::now().0 + 20_000,
        ..Invocation::default()
    };
    tokio::spawn(async move {
        let variables = Secret::new(BTreeMap::new());
        let event = Bytes::from_static(b"{}");
        function
            .run(None, "a", &variables, invocation, event, &state)
            .await
    })
}

/// Until the editor is told this.
async fn is_told(editor: &mut TcpStream, event: &str) {
    let mut heard = String::new();
    while !heard.contains(event) {
        let byte = editor.read_u8().await.unwrap();
        heard.push(char::from(byte));
    }
}

/// There is no event for it: another task comes to it.
async fn does(state: &RunState, what: &str) {
    let comes = async {
        while !state.describe(crate::now()).starts_with(what) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let came = tokio::time::timeout(Duration::from_secs(20), comes).await;
    assert!(came.is_ok(), "{}", state.describe(crate::now()));
}

#[tokio::test]
async fn what_an_invocation_does_is_known_from_its_arrival_to_its_answer() {
    let stage = debugged();
    let (first, second) = (RunState::new(), RunState::new());
    let running = runs(&stage.function, &first);
    does(&first, "starting its local process for ").await;
    go(&stage);
    let mut looking = editor(&stage).await;
    does(&first, "stopped at a breakpoint for ").await;
    let waiting = runs(&stage.function, &second);
    does(&second, "waiting for its local process, which is busy").await;

    looking.write_all(b"!").await.unwrap();
    is_told(&mut looking, "continued").await;
    does(&first, "running for ").await;
    drop(looking);
    assert!(matches!(
        running.await.unwrap().ended,
        Ended::Answered { .. }
    ));
    does(&first, "sending its answer for ").await;

    let mut looking = editor(&stage).await;
    is_told(&mut looking, "stopped").await;
    does(&second, "stopped at a breakpoint for ").await;
    drop(looking);
    assert!(matches!(
        waiting.await.unwrap().ended,
        Ended::Answered { .. }
    ));
    stage.function.stop().await;
}

#[tokio::test]
async fn an_invocation_behind_one_whose_time_was_up_waits() {
    let stage = debugged();
    let state = RunState::new();
    let (variables, event) = (Secret::new(BTreeMap::new()), Bytes::from_static(b"{}"));
    go(&stage);
    assert!(stage.function.prepare(&variables).await.unwrap().is_none());
    let overdue = Invocation {
        request_id: "r".to_owned(),
        deadline_ms: crate::now().0 + 2_000,
        ..Invocation::default()
    };
    let run = stage
        .function
        .run(None, "a", &variables, overdue, event, &state);
    let (ran, looking) = tokio::join!(run, editor(&stage));
    assert!(matches!(ran.ended, Ended::TimedOut));
    // What it did when its time was up, and still does.
    does(&state, "stopped at a breakpoint for ").await;

    let next = RunState::new();
    let waiting = runs(&stage.function, &next);
    does(&next, "waiting for its local process, which is busy").await;
    drop(looking);
    let mut looking = editor(&stage).await;
    is_told(&mut looking, "stopped").await;
    does(&next, "stopped at a breakpoint for ").await;
    drop(looking);
    assert!(matches!(
        waiting.await.unwrap().ended,
        Ended::Answered { .. }
    ));
    stage.function.stop().await;
}
