//! The WebSocket, kept open.

use std::time::Duration;
use tether_protocol::PROTOCOL_VERSION;
use tether_protocol::message::{Hello, ToCloud, ToLaptop};
use tether_relay::{ConnectError, Incoming, Socket, SocketSender, Target};

/// The pause before the next try to connect, doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// A message of 128 KB leaves a slow line in this time.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection to the helper stack.
pub(crate) struct Link {
    target: Target,
    sender: SocketSender,
    incoming: Incoming,
}

impl Link {
    /// Opens the first connection of a session and asks for its functions to
    /// be instrumented.
    pub(crate) async fn open(target: Target) -> Result<Self, ConnectError> {
        let (sender, incoming) = Socket::open(&target).await?.split();
        let mut link = Self {
            target,
            sender,
            incoming,
        };
        link.hello(true).await;
        Ok(link)
    }

    async fn hello(&mut self, instrument: bool) {
        self.send(&ToCloud::Hello(Hello {
            version: PROTOCOL_VERSION,
            instrument,
        }))
        .await;
    }

    /// The next message; none when the connection is gone.
    pub(crate) async fn next(&mut self) -> Option<ToLaptop> {
        self.incoming.next().await
    }

    /// Sends a message; false: the connection is as good as gone.
    pub(crate) async fn send(&mut self, message: &ToCloud) -> bool {
        let sent = tokio::time::timeout(SEND_TIMEOUT, self.sender.send(message)).await;
        matches!(sent, Ok(Ok(())))
    }

    /// Opens a new connection for the same session, again and again until it
    /// succeeds or is refused.
    pub(crate) async fn reopen(&mut self, instrument: bool) -> Result<(), ConnectError> {
        let mut pause = FIRST_PAUSE;
        loop {
            match Socket::open(&self.target).await {
                Ok(socket) => {
                    (self.sender, self.incoming) = socket.split();
                    self.hello(instrument).await;
                    return Ok(());
                }
                Err(refused @ ConnectError::Refused { .. }) => return Err(refused),
                Err(ConnectError::Unreachable { .. }) => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    pub(crate) async fn close(&mut self) {
        // A network that swallows everything does not hold the end up.
        let _ = tokio::time::timeout(SEND_TIMEOUT, self.sender.close()).await;
    }
}
