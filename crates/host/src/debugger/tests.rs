//! Over real sockets: an editor, the port, and what listens as debugpy does.

use super::connection::listens_at;
use super::*;
use crate::run_state::RunState;
use serde_json::Value;
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

struct Stage {
    port: DebugPort,
    address: SocketAddr,
}

/// What debugpy is to the port.
struct Adapter {
    listener: TcpListener,
}

impl Stage {
    async fn new() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let port = DebugPort::on(listener, DebuggerKind::Debugpy, "Hello", false).unwrap();
        Self { port, address }
    }

    async fn editor(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

impl Adapter {
    async fn new() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        Self { listener }
    }

    fn tell(&self, debuggee: &Debuggee) {
        let port = self.listener.local_addr().unwrap().port();
        let endpoints = json!({"client": {"host": "127.0.0.1", "port": port}});
        std::fs::write(debuggee.target().endpoints, endpoints.to_string()).unwrap();
    }

    async fn accept(&self) -> TcpStream {
        self.listener.accept().await.unwrap().0
    }
}

fn framed(message: &Value) -> Vec<u8> {
    let body = message.to_string();
    format!("Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// Sends it, and waits until the other end has it.
async fn send(from: &mut TcpStream, to: &mut TcpStream, bytes: &[u8]) {
    from.write_all(bytes).await.unwrap();
    let mut arrived = vec![0; bytes.len()];
    to.read_exact(&mut arrived).await.unwrap();
    assert!(arrived == bytes, "not byte for byte");
}

async fn ends(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.is_ok() && rest.is_empty()
}

#[tokio::test]
async fn an_editor_that_comes_early_waits_and_what_it_does_is_known() {
    let stage = Stage::new().await;
    let mut editor = stage.editor().await;
    editor.write_all(b"!").await.unwrap();
    let debuggee = stage.port.expect();
    let adapter = Adapter::new().await;
    adapter.tell(&debuggee);
    let mut debugger = adapter.accept().await;
    assert_eq!(debugger.read_u8().await.unwrap(), b'!');
    drop((editor, debugger));

    let state = RunState::new();
    state.is_debugged_in(Some(debuggee.sessions()));
    state.runs();
    let later = || crate::now().plus(Duration::from_secs(28));
    let mut editor = stage.editor().await;
    let mut debugger = adapter.accept().await;
    let stopped = json!({"type": "event", "event": "stopped",
        "body": {"reason": "breakpoint", "threadId": 1}});
    send(&mut debugger, &mut editor, &framed(&stopped)).await;
    assert_eq!(state.describe(later()), "stopped at a breakpoint for 28 s");
    let asked = json!({"seq": 3, "type": "request", "command": "stackTrace",
        "arguments": {"threadId": 1}});
    send(&mut editor, &mut debugger, &framed(&asked)).await;
    let answer = json!({"type": "response", "request_seq": 3, "success": true,
        "body": {"stackFrames": [{"line": 7, "source": {"path": "/code/app.py"}}]}});
    send(&mut debugger, &mut editor, &framed(&answer)).await;
    let phrase = "stopped at a breakpoint for 28 s (app.py:7)";
    assert_eq!(state.describe(later()), phrase);

    drop(editor);
    assert!(ends(&mut debugger).await);
    drop(debugger);
    stage.port.close().await;
    assert_eq!(state.describe(later()), "running for 28 s");
}

#[test]
fn a_session_that_ends_twice_takes_no_other_one_with_it() {
    let sessions = Sessions::default();
    let first = sessions.join(DebuggerKind::Debugpy);
    first.leave();
    let second = sessions.join(DebuggerKind::Debugpy);
    let stopped = json!({"type": "event", "event": "stopped", "body": {"threadId": 1}});
    second.debugger_sent(&framed(&stopped));
    first.debugger_sent(b"no protocol\n\n");
    drop(first);
    assert!(sessions.stop().is_some());
    drop(second);
    assert_eq!(sessions.stop(), None);
}

#[tokio::test]
async fn a_new_process_gets_the_next_connection_and_the_old_one_its_last_words() {
    let stage = Stage::new().await;
    let (first, second) = (Adapter::new().await, Adapter::new().await);
    let old = stage.port.expect();
    first.tell(&old);
    let mut before = stage.editor().await;
    let mut ending = first.accept().await;
    drop(old);
    let mut between = stage.editor().await;
    send(&mut ending, &mut before, b"the last words").await;
    drop(ending);
    assert!(ends(&mut before).await);

    let new = stage.port.expect();
    second.tell(&new);
    let mut debugger = second.accept().await;
    send(&mut between, &mut debugger, b"hello").await;
}

#[tokio::test]
async fn what_is_no_protocol_passes_all_the_same() {
    let stage = Stage::new().await;
    let debuggee = stage.port.expect();
    let adapter = Adapter::new().await;
    adapter.tell(&debuggee);
    let mut editor = stage.editor().await;
    let mut debugger = adapter.accept().await;
    let odd = b"\r\n\r\n\xff{not this}\n\n".repeat(40);
    send(&mut editor, &mut debugger, &odd).await;
    send(&mut debugger, &mut editor, &odd).await;
    assert_eq!(debuggee.sessions().stop(), None);
}

#[tokio::test]
async fn nobody_outlives_the_port() {
    let stage = Stage::new().await;
    let debuggee = stage.port.expect();
    let adapter = Adapter::new().await;
    adapter.tell(&debuggee);
    let mut connected = stage.editor().await;
    let mut debugger = adapter.accept().await;
    drop(debuggee);
    let mut waiting = stage.editor().await;
    stage.port.close().await;
    assert!(ends(&mut connected).await && ends(&mut debugger).await);
    // It was closed before it was accepted, or behind it.
    let mut rest = Vec::new();
    let _ = waiting.read_to_end(&mut rest).await;
    assert!(rest.is_empty());
    assert!(TcpStream::connect(stage.address).await.is_err());
}

#[tokio::test]
async fn a_port_in_use_is_said_with_whose_it_is() {
    let stage = Stage::new().await;
    let same = Debugger {
        host: "127.0.0.1".to_owned(),
        port: stage.address.port(),
        ..Debugger::default()
    };
    let error = DebugPort::open(&same, DebuggerKind::Debugpy, "Hello")
        .await
        .err()
        .unwrap();
    assert!(matches!(error, StartError::PortInUse { port, function }
        if port == same.port && function == "Hello"));
}

#[test]
fn endpoints_are_read_when_they_are_written_to_the_end() {
    let written = br#"{"client": {"host": "127.0.0.1", "port": 4123}, "server": {}}"#;
    assert_eq!(listens_at(written), Some(("127.0.0.1".to_owned(), 4123)));
    for length in 0..written.len() {
        assert_eq!(listens_at(written.get(..length).unwrap()), None);
    }
    assert_eq!(listens_at(br#"{"error": "no"}"#), None);
    assert_eq!(
        listens_at(br#"{"client": {"host": "x", "port": 99999}}"#),
        None
    );
}
