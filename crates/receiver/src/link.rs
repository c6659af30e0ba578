//! The WebSocket, kept open.

use std::time::Duration;
use tether_protocol::PROTOCOL_VERSION;
use tether_protocol::message::{Hello, ToCloud, ToLaptop};
use tether_relay::{ConnectError, Incoming, Socket, SocketSender, Target};

/// The pause before the next try to connect, doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

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

    /// Sends a message. One that is lost with the connection is noticed by the
    /// missing answer.
    pub(crate) async fn send(&mut self, message: &ToCloud) -> bool {
        self.sender.send(message).await.is_ok()
    }

    /// Opens a new connection for the same session, again and again until it
    /// succeeds or is refused.
    pub(crate) async fn reopen(&mut self) -> Result<(), ConnectError> {
        let mut pause = FIRST_PAUSE;
        loop {
            match Socket::open(&self.target).await {
                Ok(socket) => {
                    (self.sender, self.incoming) = socket.split();
                    self.hello(false).await;
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
        self.sender.close().await;
    }
}
