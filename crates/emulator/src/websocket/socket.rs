//! The bytes of a connection. Nothing is kept for one on which nothing is on
//! its way: what is read goes through a buffer of the thread that reads it.

use std::io;
use std::time::Duration;
use tether_apigw::websocket::frames::{FrameReader, Incoming, Violation};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// So much is read at once.
const AT_ONCE: usize = 16 * 1024;

/// See the module.
pub(super) struct Socket {
    stream: TcpStream,
}

/// What a read brought.
pub(super) struct Read {
    pub(super) incoming: Vec<Incoming>,
    pub(super) then: Then,
}

/// What can be read after it.
pub(super) enum Then {
    More,
    /// The client, or the network, has ended.
    End,
    Violation(Violation),
}

impl Socket {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream }
    }

    /// Waits until there is something to read.
    pub(super) async fn readable(&self) {
        // What is wrong with it shows when it is read.
        let _ = self.stream.readable().await;
    }

    /// Reads what is there.
    pub(super) fn read(&self, reader: &mut FrameReader) -> Read {
        let mut buffer = [0; AT_ONCE];
        match self.stream.try_read(&mut buffer) {
            Ok(0) => Read::nothing(Then::End),
            Ok(count) => understand(reader, buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Read::nothing(Then::More),
            Err(_) => Read::nothing(Then::End),
        }
    }

    /// Writes all of it, and takes from `bytes` what is written.
    ///
    /// # Errors
    /// When the connection is broken, or takes no byte for so long.
    pub(super) async fn write(&self, bytes: &mut Vec<u8>, patience: Duration) -> io::Result<()> {
        let mut written = 0;
        let result = loop {
            let rest = bytes.get(written..).unwrap_or_default();
            if rest.is_empty() {
                break Ok(());
            }
            match self.stream.try_write(rest) {
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    bytes.drain(..written);
                    written = 0;
                    timeout(patience, self.stream.writable()).await??;
                }
                Err(error) => break Err(error),
            }
        };
        *bytes = Vec::new();
        result
    }

    /// Ends our half, and reads what the client still sends until it ends its
    /// own: a connection that is dropped with bytes unread takes the close frame
    /// with it.
    pub(super) async fn hang_up(&mut self) {
        let mut unread = vec![0; AT_ONCE];
        if self.stream.shutdown().await.is_err() {
            return;
        }
        while matches!(self.stream.read(&mut unread).await, Ok(count) if count > 0) {}
    }
}

/// What bytes amount to.
pub(super) fn understand(reader: &mut FrameReader, mut bytes: &[u8]) -> Read {
    let mut incoming = Vec::new();
    let then = loop {
        match reader.next(&mut bytes) {
            Ok(Some(it)) => incoming.push(it),
            Ok(None) => break Then::More,
            Err(violation) => break Then::Violation(violation),
        }
    };
    Read { incoming, then }
}

impl Read {
    fn nothing(then: Then) -> Self {
        Self {
            incoming: Vec::new(),
            then,
        }
    }
}
