//! Whether those that are connected are still there.
//!
//! A process that is killed closes its connections before anybody can know that
//! it has ended; the task that serves one hears of it when it is its turn. Who
//! must not count on a dead one asks the sockets themselves.

use std::collections::HashMap;
use std::net::TcpStream;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// See the module. Sockets by a number of their own.
#[derive(Default)]
pub(super) struct Peers {
    sockets: Mutex<HashMap<u64, TcpStream>>,
    /// Each costs a descriptor.
    is_asked: bool,
}

impl Peers {
    /// Of whom somebody will want to know.
    pub(super) fn asked() -> Self {
        Self {
            is_asked: true,
            ..Self::default()
        }
    }

    fn sockets(&self) -> MutexGuard<'_, HashMap<u64, TcpStream>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether any of them has not hung up.
    pub(super) fn any(&self) -> bool {
        let sockets = self.sockets();
        sockets.values().any(is_there)
    }

    pub(super) fn add(&self, number: u64, stream: &tokio::net::TcpStream) {
        if self.is_asked
            && let Some(socket) = second(stream)
        {
            self.sockets().insert(number, socket);
        }
    }

    pub(super) fn remove(&self, number: u64) {
        self.sockets().remove(&number);
    }
}

/// The socket does not block: what is to be read of it is there now.
fn is_there(socket: &TcpStream) -> bool {
    !matches!(socket.peek(&mut [0]), Ok(0))
}

#[cfg(unix)]
fn second(stream: &tokio::net::TcpStream) -> Option<TcpStream> {
    use std::os::fd::AsFd as _;
    let socket = stream.as_fd().try_clone_to_owned().ok()?;
    Some(TcpStream::from(socket))
}

#[cfg(windows)]
fn second(stream: &tokio::net::TcpStream) -> Option<TcpStream> {
    use std::os::windows::io::AsSocket as _;
    let socket = stream.as_socket().try_clone_to_owned().ok()?;
    Some(TcpStream::from(socket))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_that_has_hung_up_is_known_before_anybody_reads() {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let peers = Peers::asked();
        assert!(!peers.any());
        peers.add(1, &stream);
        assert!(peers.any());
        drop(client);
        assert!(!peers.any());
        peers.remove(1);
        assert!(!peers.any());
    }
}
