//! An HTTP/1.1 server that hands out what was sent, byte for byte: API Gateway
//! shows functions header names, paths and queries as clients wrote them, and
//! well-known servers normalise them before anybody can look.
//!
//! `head` and `chunked` read, `write` writes, all three without a socket;
//! `connection` is the life of one, and `serve` takes them in and lets them end.

mod chunked;
mod connection;
mod head;
mod serve;
mod write;

pub use head::Malformed;
pub use serve::{serve, serve_stream};

use async_trait::async_trait;
use bytes::Bytes;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use tether_apigw::http::{Answer, Request};
use tokio::net::TcpStream;

/// What answers requests.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Answers one. A client that goes away meanwhile does not end it, as it ends no integration
    /// of API Gateway's.
    async fn answer(&self, received: Received) -> Reply;

    /// Answers what is no request.
    fn refuse(&self, why: Malformed) -> Answer;

    /// A connection could not be taken.
    fn cannot_accept(&self, error: &std::io::Error);
}

/// What came in.
#[derive(Debug)]
pub struct Received {
    /// The request.
    pub request: Request,
    /// Whether its body was larger than [`Limits::body_bytes`]; it is empty then.
    pub too_large: bool,
}

/// What goes out.
pub enum Reply {
    /// Status, headers, body.
    Whole(Answer),
    /// Status and headers, and then the body while it comes. The answer's own body goes first.
    Streamed(Answer, Box<dyn Chunks>),
    /// `101 Switching Protocols`, and then somebody else's bytes.
    Upgrade(Answer, Upgraded),
    /// The connection ends without a word.
    Hangup,
}

impl Reply {
    /// The status that goes out; 0 if nothing does.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Whole(answer) | Self::Streamed(answer, _) | Self::Upgrade(answer, _) => {
                answer.status
            }
            Self::Hangup => 0,
        }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(answer) => answer.fmt(out),
            Self::Streamed(answer, _) => write!(out, "Streamed({answer:?})"),
            Self::Upgrade(answer, _) => write!(out, "Upgrade({answer:?})"),
            Self::Hangup => out.write_str("Hangup"),
        }
    }
}

/// Takes a connection over: the socket, and what was read of it already. It is told to end by the
/// same token as the server, and has the same second for it.
pub type Upgraded =
    Box<dyn FnOnce(TcpStream, Bytes) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// A body while it comes.
#[async_trait]
pub trait Chunks: Send {
    /// The next part; none at its end. It is asked again only when the last one was sent, so a
    /// slow reader slows the writer down.
    async fn next(&mut self) -> Option<Result<Bytes, Cut>>;
}

/// A body ends before its end: the client must not take it for whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut;

/// How much and how long. Nothing is unbounded, and nothing is tighter than what a person with a
/// debugger needs.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Longest head that is read; API Gateway's own limit is far below.
    pub head_bytes: usize,
    /// Largest body.
    pub body_bytes: usize,
    /// From the first byte of a head to its last.
    pub head_time: Duration,
    /// From the end of the head to the end of the body.
    pub body_time: Duration,
    /// Between two requests.
    pub idle: Duration,
    /// For a client to take any more of an answer.
    pub stall: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_bytes: 256 * 1024,
            body_bytes: 10 * 1024 * 1024,
            head_time: Duration::from_secs(60),
            body_time: Duration::from_secs(300),
            idle: Duration::from_secs(350),
            stall: Duration::from_secs(300),
        }
    }
}
