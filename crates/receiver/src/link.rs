//! The WebSocket of a session, kept open: whatever becomes of one connection,
//! the next one is opened here.
//!
//! API Gateway cuts every connection after 2 h
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html>).
//! So a connection gets a successor before that: from then on messages leave by
//! the new one, and both are read until the old one has nothing more to say.

mod connection;
mod opening;

use connection::Connection;
use opening::{Opening, Tried};
use std::time::Duration;
use tether_protocol::PROTOCOL_VERSION;
use tether_protocol::constants::CONNECTION_OVERLAP;
use tether_protocol::message::{Hello, ToCloud, ToLaptop};
use tether_relay::{ConnectError, Socket, Target};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Messages that were read and not looked at yet; more wait in the network.
const UNREAD: usize = 64;

/// What connections have heard: which one, and a message or its end.
type Ear = mpsc::Sender<(u64, Result<ToLaptop, String>)>;

/// What came over the link, or became of it.
pub(crate) enum Heard {
    /// A message.
    Message(ToLaptop),
    /// The connection is gone, and why; the next one is being opened.
    Lost(String),
    /// That has failed so far.
    StillTrying {
        /// How often.
        attempt: u32,
        /// For how long.
        trying_for: Duration,
        /// Why.
        reason: String,
    },
    /// There is a connection again.
    Resumed,
    /// The connection has a successor, without a gap.
    Renewed,
    /// There is no way back.
    Refused(ConnectError),
}

/// The connections of a session: none while one is being opened, two while one
/// takes over from the other.
pub(crate) struct Link {
    target: Target,
    renew_after: Duration,
    overlap: Duration,
    /// Asked for with each hello, until all functions were heard of.
    instrument: bool,
    /// What is sent leaves by this one.
    current: Option<Connection>,
    /// When it gets a successor.
    renew_at: Instant,
    /// Older ones, oldest first, and when they are closed: they are only read.
    previous: Vec<(Instant, Connection)>,
    opening: Option<Opening>,
    closing: JoinSet<()>,
    count: u64,
    ear: Ear,
    heard: mpsc::Receiver<(u64, Result<ToLaptop, String>)>,
}

impl Link {
    /// Opens the first connection of a session and asks for its functions to
    /// be instrumented.
    pub(crate) async fn open(target: Target, renew_after: Duration) -> Result<Self, ConnectError> {
        let socket = Socket::open(&target).await?;
        let (ear, heard) = mpsc::channel(UNREAD);
        let mut link = Self {
            target,
            renew_after,
            overlap: CONNECTION_OVERLAP,
            instrument: true,
            current: None,
            renew_at: Instant::now(),
            previous: Vec::new(),
            opening: None,
            closing: JoinSet::new(),
            count: 0,
            ear,
            heard,
        };
        link.install(socket);
        Ok(link)
    }

    /// All functions were heard of: a new connection need not ask for them.
    pub(crate) fn is_instrumented(&mut self) {
        self.instrument = false;
    }

    /// Whether what is sent leaves now.
    pub(crate) fn is_up(&self) -> bool {
        self.current.is_some()
    }

    /// Sends a message, without waiting for the network. What is lost with its
    /// connection is the sender's to send again.
    pub(crate) fn send(&mut self, message: ToCloud) {
        if let Some(connection) = &self.current
            && !connection.send(message)
        {
            self.lose("too much waits to be sent");
        }
    }

    /// Whether the line takes more than what is new: repeats have half of it.
    pub(crate) fn has_room(&self) -> bool {
        self.current.as_ref().is_some_and(Connection::has_room)
    }

    /// The connection is as good as gone.
    pub(crate) fn lose(&mut self, reason: &str) {
        if let Some(connection) = &self.current {
            connection.lose(reason);
        }
    }

    /// What comes next. Nothing is lost if this is dropped and called again.
    pub(crate) async fn next(&mut self) -> Heard {
        loop {
            let happened = tokio::select! {
                Some((number, what)) = self.heard.recv() => self.hear(number, what),
                tried = tried(&mut self.opening) => self.tried(tried),
                () = tokio::time::sleep_until(self.renew_at), if self.is_to_be_renewed() => {
                    self.reopen();
                    None
                }
                () = end_of_first(&self.previous) => {
                    self.close_first();
                    None
                }
                Some(_) = self.closing.join_next() => None,
            };
            if let Some(happened) = happened {
                return happened;
            }
        }
    }

    fn is_to_be_renewed(&self) -> bool {
        self.current.is_some() && self.opening.is_none()
    }

    fn reopen(&mut self) {
        match &self.opening {
            Some(opening) => opening.hurry(),
            None => self.opening = Some(Opening::start(self.target.clone())),
        }
    }

    /// From now on messages leave by this one.
    fn install(&mut self, socket: Socket) {
        self.count += 1;
        let connection = Connection::start(self.count, socket, self.ear.clone());
        self.renew_at = Instant::now() + self.renew_after;
        if let Some(previous) = self.current.replace(connection) {
            let until = Instant::now() + self.overlap;
            self.previous.push((until, previous));
        }
        self.send(ToCloud::Hello(Hello {
            version: PROTOCOL_VERSION,
            instrument: self.instrument,
        }));
    }

    fn hear(&mut self, number: u64, what: Result<ToLaptop, String>) -> Option<Heard> {
        let is_current = self.current.as_ref().is_some_and(|it| it.number == number);
        match what {
            // It says no more than that another connection has taken over.
            Ok(ToLaptop::SessionEnded(_)) if !is_current || self.opening.is_some() => None,
            Ok(message) => Some(Heard::Message(message)),
            Err(reason) if is_current => {
                self.current = None;
                self.reopen();
                Some(Heard::Lost(reason))
            }
            Err(_) => {
                self.previous.retain(|(_, it)| it.number != number);
                None
            }
        }
    }

    fn tried(&mut self, tried: Tried) -> Option<Heard> {
        let gap = self.current.is_none();
        match tried {
            Tried::Opened(socket) => {
                self.opening = None;
                self.install(*socket);
                Some(if gap { Heard::Resumed } else { Heard::Renewed })
            }
            Tried::Refused(error) => {
                self.opening = None;
                Some(Heard::Refused(error))
            }
            // As long as there is a connection, nobody needs to know.
            Tried::Failed { .. } if !gap => None,
            Tried::Failed {
                attempt,
                trying_for,
                reason,
            } => Some(Heard::StillTrying {
                attempt,
                trying_for,
                reason,
            }),
        }
    }

    fn close_first(&mut self) {
        let (_, connection) = self.previous.remove(0);
        self.closing.spawn(connection.close());
    }

    /// Says goodbye, once what waits has been sent.
    pub(crate) async fn close(&mut self) {
        self.opening = None;
        let previous = self.previous.drain(..).map(|(_, it)| it);
        for connection in previous.chain(self.current.take()) {
            self.closing.spawn(connection.close());
        }
        while self.closing.join_next().await.is_some() {}
    }
}

async fn tried(opening: &mut Option<Opening>) -> Tried {
    match opening {
        Some(opening) => opening.next().await,
        None => std::future::pending().await,
    }
}

async fn end_of_first(previous: &[(Instant, Connection)]) {
    match previous.first() {
        Some((until, _)) => tokio::time::sleep_until(*until).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
