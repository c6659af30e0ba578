//! Takes connections in, and lets them end.

use super::connection::Connection;
use super::{Handler, Limits};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What answers in this time after the end is still sent.
const GRACE: Duration = Duration::from_secs(1);

/// After a connection that could not be taken: there are no more descriptors, and the next try
/// would find none either.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until it is told to end: no connection is taken any more, those that wait for a request
/// close, and answers that are on their way have a second. Returns when all of them are gone.
pub async fn serve<H: Handler + ?Sized>(
    listener: TcpListener,
    handler: Arc<H>,
    limits: Limits,
    ending: CancellationToken,
) {
    let tasks = TaskTracker::new();
    let cut = CancellationToken::new();
    // Whoever drops this future ends the connections, too.
    let _guard = cut.clone().drop_guard();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = ending.cancelled() => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                handler.cannot_accept(&error);
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let connection = Connection::new(stream, Arc::clone(&handler), limits, ending.clone());
        let cut = cut.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = connection.run() => {}
                () = cut.cancelled() => {}
            }
        });
    }
    drop(listener);
    tasks.close();
    let _ = tokio::time::timeout(GRACE, tasks.wait()).await;
    cut.cancel();
    tasks.wait().await;
}

/// Serves one connection, which somebody else has taken in: until either side has enough, or, told
/// to end, until no answer is on its way.
pub async fn serve_stream<H: Handler + ?Sized>(
    stream: TcpStream,
    handler: Arc<H>,
    limits: Limits,
    ending: CancellationToken,
) {
    Connection::new(stream, handler, limits, ending).run().await;
}
