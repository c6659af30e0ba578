//! Passes an editor's connections on.

use super::{Target, native};
use crate::DebuggerKind;
use serde_json::Value;
use std::path::Path;
use std::time::Duration;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Child;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// An editor that connects while the process starts, or before the next
/// invocation starts one, waits so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// debugpy tells in a file where it listens: it is looked for this often while
/// an editor waits, and only then.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// One side has ended: the other one has so long to read the last words, and to
/// end as well.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// An editor has one for the function's process and one for each of its
/// children. More wait to be accepted.
const MOST_CONNECTIONS: usize = 64;

const BUFFER: usize = 16 * 1024;

pub(super) async fn serve(
    listener: TcpListener,
    target: watch::Receiver<Option<Target>>,
    ends: watch::Receiver<bool>,
) {
    let mut end = std::pin::pin!(is_over(ends.clone()));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < MOST_CONNECTIONS => match accepted {
                Ok((editor, _)) => {
                    connections.spawn(connect(editor, target.clone(), ends.clone()));
                }
                // Out of descriptors: some will come back.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
            () = &mut end => break,
        }
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(LAST_WORDS, all).await;
    connections.shutdown().await;
}

/// One connection of an editor, from its wait for a debugger to its end.
async fn connect(
    editor: TcpStream,
    mut target: watch::Receiver<Option<Target>>,
    ends: watch::Receiver<bool>,
) {
    let reached = tokio::select! {
        reached = tokio::time::timeout(PATIENCE, reach(&mut target)) => reached,
        () = is_over(ends) => return,
    };
    if let Ok((debugger, target)) = reached {
        match debugger {
            Reached::Listening(debugger) => at_socket(editor, debugger, &target).await,
            Reached::Server(server) => at_server(editor, server, &target).await,
        }
    }
}

async fn is_over(mut ends: watch::Receiver<bool>) {
    let _ = ends.wait_for(|it| *it).await;
}

/// What an editor speaks to.
enum Reached {
    /// The debugger of the process listens.
    Listening(TcpStream),
    /// One that was just attached to it.
    Server(Child),
}

/// The debugger of the process that runs by then.
async fn reach(target: &mut watch::Receiver<Option<Target>>) -> (Reached, Target) {
    loop {
        let now = target.borrow_and_update().clone();
        if let Some(now) = now {
            if let Some(debugger) = dial(&now).await {
                return (debugger, now);
            }
            let _ = tokio::time::timeout(LOOK_AGAIN, target.changed()).await;
        } else if target.changed().await.is_err() {
            // The port is closed, and this ends with it.
            std::future::pending::<()>().await;
        }
    }
}

/// None: it does not listen yet, or not any more.
async fn dial(target: &Target) -> Option<Reached> {
    let known = *target.known();
    let listening = match known.address {
        Some(address) => TcpStream::connect(address).await.ok(),
        None => at_endpoints(&target.endpoints).await,
    };
    match (listening, known.process) {
        (Some(debugger), _) => Some(Reached::Listening(debugger)),
        // One that has started the process may have let it go.
        (None, Some(process)) if target.kind == DebuggerKind::Native => {
            let waits = target.waits && known.address.is_none();
            let attached = (!waits).then(|| native::attach(process))?;
            match attached {
                Ok(server) => Some(Reached::Server(server)),
                Err(error) => {
                    target.say(&format!("no debugger can be attached: {error}"));
                    std::future::pending().await
                }
            }
        }
        (None, _) => None,
    }
}

async fn at_endpoints(file: &Path) -> Option<TcpStream> {
    let text = tokio::fs::read(file).await.ok()?;
    TcpStream::connect(listens_at(&text)?).await.ok()
}

/// `{"client": {"host": "127.0.0.1", "port": 40123}, …}`; none while it is
/// being written.
pub(super) fn listens_at(endpoints: &[u8]) -> Option<(String, u16)> {
    let endpoints: Value = serde_json::from_slice(endpoints).ok()?;
    let client = endpoints.get("client")?;
    let port = client.get("port")?.as_u64()?;
    let host = client.get("host")?.as_str()?;
    Some((host.to_owned(), u16::try_from(port).ok()?))
}

async fn at_socket(editor: TcpStream, mut debugger: TcpStream, target: &Target) {
    let _ = debugger.set_nodelay(true);
    let (from, to) = debugger.split();
    pass(editor, from, to, target).await;
}

/// A server at a process ends with its editor: it lets the process go on.
async fn at_server(editor: TcpStream, mut server: Child, target: &Target) {
    let (Some(to), Some(from), Some(words)) = (
        server.stdin.take(),
        server.stdout.take(),
        server.stderr.take(),
    ) else {
        return;
    };
    let listening = async {
        let mut lines = BufReader::new(words).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if !native::is_usual(&line) {
                target.say(&line);
            }
        }
    };
    tokio::join!(pass(editor, from, to, target), listening);
    let _ = tokio::time::timeout(LAST_WORDS, server.wait()).await;
    let _ = server.kill().await;
}

async fn pass(
    mut editor: TcpStream,
    from_debugger: impl AsyncRead + Unpin,
    to_debugger: impl AsyncWrite + Unpin,
    target: &Target,
) {
    // Messages are small, and somebody waits for each.
    let _ = editor.set_nodelay(true);
    let heard = target.sessions.join(target.kind);
    let (from_editor, to_editor) = editor.split();
    let asking = carry(from_editor, to_debugger, |bytes| heard.editor_sent(bytes));
    let telling = carry(from_debugger, to_editor, |bytes| heard.debugger_sent(bytes));
    tokio::pin!(asking, telling);
    // Whoever ends first, it is over.
    tokio::select! {
        () = &mut asking => {
            heard.leave();
            let _ = tokio::time::timeout(LAST_WORDS, telling).await;
        }
        () = &mut telling => {
            heard.leave();
            let _ = tokio::time::timeout(LAST_WORDS, asking).await;
        }
    }
}

/// One direction, to its end. What arrives is understood before it is passed
/// on: an editor that was told of a stop finds that the host knows.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    understand: impl Fn(&[u8]),
) {
    let mut buffer = vec![0; BUFFER];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let bytes = buffer.get(..length).unwrap_or_default();
        understand(bytes);
        if to.write_all(bytes).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}
