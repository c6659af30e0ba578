//! What a process writes and does not live to see arrive.
//!
//! Nothing of ours runs while it writes and ends, so that all of it is there at once: the
//! new connection, its bytes, its end, and the end of the process.
#![cfg(target_os = "linux")]

use super::*;
use crate::AnswerStream;
use tether_runtime_api::StreamPart;

/// What an event may call besides. Whoever ends by `vanish` does not wait for an answer.
const WRITES: &str = r#"
import socket
host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
def connect():
    return socket.create_connection((host, int(port)))
def post(*headers, verb="response"):
    path = BASE + seen[-1][0] + "/" + verb
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode()
def chunk(bytes):
    return b"%x\r\n%s\r\n" % (len(bytes), bytes)
STREAM = post("Transfer-Encoding: chunked", "Lambda-Runtime-Function-Response-Mode: streaming")
END = b"0\r\n\r\n"
"#;

/// Waits without letting anything of ours run.
fn blocking_until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Has a process write all of this on a connection and end, while nobody looks.
/// `connection` is made before that, or as a part of it.
async fn vanishing(before: &str, connection: &str, writes: &str) -> (Ended, Vec<u8>) {
    let stage = Stage::new();
    let mut environment = stage.start().await;
    assert!(environment.ready().await.is_none());
    let process = environment.process_id().unwrap();
    let event = format!(
        "{WRITES}\nanswer = None\n{before}\nopen('taken', 'w').close()\n\
         while not os.path.exists('go'): time.sleep(0.001)\n\
         it = {connection}\nit.sendall({writes})\nos._exit(3)"
    );
    let run_state = RunState::new();
    let stream = run_state.stream();
    let run = async {
        let _streams = run_state.streams();
        let invocation = invocation("r", "1", PATIENCE);
        environment
            .run(invocation, Bytes::from(event), &run_state, None)
            .await
    };
    let reader = async {
        until("taken", || stage.path("taken").exists()).await;
        std::fs::write(stage.path("go"), "").unwrap();
        blocking_until("ended", || matches!(state(process), None | Some('Z')));
        all(stream).await
    };
    let (ended, read) = tokio::join!(run, reader);
    environment.stop().await;
    (ended, read)
}

async fn all(mut stream: AnswerStream) -> Vec<u8> {
    let mut read = Vec::new();
    while let Some(part) = stream.next().await {
        if let StreamPart::Chunk(chunk) = part {
            read.extend_from_slice(&chunk);
        }
    }
    read
}

/// On the connection that has asked for the event, on another one, and on one that nobody
/// has accepted yet when the process has ended.
const CONNECTIONS: [(&str, &str); 3] = [
    ("", "api.sock"),
    ("other = connect()", "other"),
    ("", "connect()"),
];

fn exited_with_3(ended: &Ended) -> bool {
    matches!(ended, Ended::Exited(how) if how == "exit status 3")
}

#[tokio::test]
async fn the_first_chunk_arrives_though_its_process_has_ended_before_anybody_looked() {
    for (before, connection) in CONNECTIONS {
        let (ended, read) = vanishing(before, connection, "STREAM + chunk(b'half')").await;
        assert_eq!(read, b"half", "{connection}");
        assert!(exited_with_3(&ended), "{connection}");
    }
}

#[tokio::test]
async fn a_stream_is_whole_though_its_process_has_ended_before_anybody_looked() {
    for (before, connection) in CONNECTIONS {
        let writes = "STREAM + chunk(b'one ') + chunk(b'two') + END";
        let (ended, read) = vanishing(before, connection, writes).await;
        assert_eq!(read, b"one two", "{connection}");
        assert!(matches!(ended, Ended::Answered { .. }), "{connection}");
    }
}

#[tokio::test]
async fn an_answer_counts_though_its_process_has_ended_before_anybody_looked() {
    for (before, connection) in CONNECTIONS {
        for writes in [
            "post('Content-Length: 3') + b'all'",
            "post('Transfer-Encoding: chunked') + chunk(b'all') + END",
        ] {
            let (ended, _) = vanishing(before, connection, writes).await;
            let is_all = matches!(&ended, Ended::Answered { body, .. } if body == "all");
            assert!(is_all, "{connection}, {writes}");
        }
    }
}

#[tokio::test]
async fn an_error_counts_though_its_process_has_ended_before_anybody_looked() {
    for (before, connection) in CONNECTIONS {
        let headers = "'Content-Length: 2', 'Lambda-Runtime-Function-Error-Type: Function.Oh'";
        let writes = format!("post({headers}, verb='error') + b'{{}}'");
        let (ended, _) = vanishing(before, connection, &writes).await;
        let is_error = matches!(&ended, Ended::Failed { error_type: Some(kind), body }
            if kind == "Function.Oh" && body == "{}");
        assert!(is_error, "{connection}");
    }
}

#[tokio::test]
async fn half_an_answer_is_none() {
    for (before, connection) in CONNECTIONS {
        let writes = "post('Content-Length: 30') + b'half'";
        let (ended, _) = vanishing(before, connection, writes).await;
        assert!(exited_with_3(&ended), "{connection}");
    }
}

#[tokio::test]
async fn why_a_process_could_not_start_is_heard_though_it_ends_at_once() {
    let stage = Stage::new();
    let script = r#"
import os, socket, time
host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
while not os.path.exists("go"): time.sleep(0.001)
head = b"POST /2018-06-01/runtime/init/error HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"
socket.create_connection((host, int(port))).sendall(head + b"{}")
os._exit(3)
"#;
    std::fs::write(stage.path("runtime.py"), script).unwrap();
    let mut environment = stage.start().await;
    let process = environment.process_id().unwrap();
    std::fs::write(stage.path("go"), "").unwrap();
    blocking_until("ended", || matches!(state(process), None | Some('Z')));
    let ended = environment.ready().await;
    assert!(matches!(ended, Some(Ended::InitFailed { body, .. }) if body == "{}"));
    environment.stop().await;
}

#[tokio::test]
async fn a_connection_that_nobody_has_accepted_yet_is_heard_out() {
    use std::io::Write as _;
    let mut server = Server::bind(About::of(&Stage::new().launch().environment))
        .await
        .unwrap();
    let mut process = std::net::TcpStream::connect(server.address).unwrap();
    let post =
        b"POST /2018-06-01/runtime/init/error HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";
    process.write_all(post).unwrap();
    drop(process);
    server.hear_out().await;
    let posted = server.init_error.borrow().clone();
    assert!(matches!(posted, Some(Posted::Error { body, .. }) if body == "{}"));
}

/// Longer than anybody waits for a connection that is silent.
#[tokio::test]
async fn a_slow_reader_gets_all_that_a_dead_process_has_written() {
    let stage = Stage::new();
    let mut environment = stage.start().await;
    assert!(environment.ready().await.is_none());
    let process = environment.process_id().unwrap();
    let event = format!(
        "{WRITES}\nanswer = None\nit = connect()\nit.sendall(STREAM)\n\
         for _ in range(40): it.sendall(chunk(b'x' * 1000))\nos._exit(3)"
    );
    let run_state = RunState::new();
    let mut stream = run_state.stream();
    let run = async {
        let _streams = run_state.streams();
        let invocation = invocation("r", "1", PATIENCE);
        environment
            .run(invocation, Bytes::from(event), &run_state, None)
            .await
    };
    let reader = async {
        assert!(matches!(stream.next().await, Some(StreamPart::Head { .. })));
        until("ended", || matches!(state(process), None | Some('Z'))).await;
        tokio::time::sleep(Duration::from_millis(1200)).await;
        all(stream).await
    };
    let (ended, read) = tokio::join!(run, reader);
    assert_eq!(read.len(), 40_000);
    assert!(exited_with_3(&ended));
    environment.stop().await;
}
