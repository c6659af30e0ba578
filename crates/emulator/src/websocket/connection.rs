//! One open connection: a task that reads, writes and keeps the time.
//!
//! There may be ten thousand of them, so an idle one holds no buffer and no
//! second task. With `--latency` both directions are lines with a due time for
//! each message: one arrives so much later, behind the one before it, and
//! keeps nobody waiting meanwhile.

use super::manners::Standing;
use super::outbox::{Frame, NotPosted, Outbox, Outgoing};
use super::silence::Silence;
use super::socket::{Read, Socket, Then, understand};
use super::{Api, handshake, routing};
use crate::delay::until;
use bytes::Bytes;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tether_apigw::websocket::frames::{self, FrameReader, Incoming, Violation};
use tether_apigw::websocket::limits::{CLOSE_GOING_AWAY, CLOSE_POLICY};
use tether_apigw::websocket::{Connection, NO_STATUS_CODE, NO_STATUS_REASON};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

/// What a client may leave unread before callers are told to wait (429).
const BUFFERED: usize = 64;

/// What may be on its way besides, where the way takes time.
const ON_ITS_WAY: usize = 1024;

/// So many messages of one client may be with their functions; the others wait
/// in its own network.
const AT_WORK: usize = 256;

/// A client has so long to hear that its connection is closed.
const CLOSING: Duration = Duration::from_secs(2);

/// Messages that wait are written together up to this.
const WRITTEN_AT_ONCE: usize = 16 * 1024;

/// A connection that can be posted to.
pub(super) struct Live {
    pub(super) connection: Connection,
    /// Of its API.
    pub(super) logical_id: String,
    outbox: Outbox,
    /// `DELETE @connections`
    deleted: CancellationToken,
    latency: Duration,
    opened: Instant,
    /// In milliseconds from `opened`.
    last_active: AtomicU64,
    silence: Silence,
    pub(super) manners: Standing,
    /// A rule has closed it.
    expelled: AtomicBool,
    at_work: Arc<Semaphore>,
}

/// Why a connection ended: close code and reason, as `$disconnect` has them.
pub(super) struct End {
    pub(super) code: u16,
    pub(super) reason: String,
}

impl End {
    fn new(code: u16, reason: &str) -> Self {
        Self {
            code,
            reason: reason.to_owned(),
        }
    }

    /// What is left of it stands in a table.
    pub(super) fn with_an_earlier_run() -> Self {
        Self::new(1006, "The emulator has ended")
    }

    /// By the network, or by a client that says no word.
    fn abnormal() -> Self {
        Self::new(1006, "Connection closed abnormally")
    }

    /// The client takes nothing of what waits for it.
    fn stalled() -> Self {
        Self::new(1006, "The client does not read")
    }
}

impl Live {
    pub(super) fn new(
        connection: Connection,
        logical_id: &str,
        manners: Standing,
        latency: Duration,
    ) -> Arc<Self> {
        let on_its_way = if latency.is_zero() { 0 } else { ON_ITS_WAY };
        Arc::new(Self {
            connection,
            logical_id: logical_id.to_owned(),
            outbox: Outbox::new(BUFFERED + on_its_way),
            deleted: CancellationToken::new(),
            latency,
            opened: Instant::now(),
            last_active: AtomicU64::new(0),
            silence: Silence::default(),
            manners,
            expelled: AtomicBool::new(false),
            at_work: Arc::new(Semaphore::new(AT_WORK)),
        })
    }

    /// In milliseconds since the epoch.
    pub(super) fn last_active(&self) -> u64 {
        self.connection.connected_at_ms + self.last_active.load(Ordering::Relaxed)
    }

    /// Posts a message, if the client's buffer has room.
    pub(super) fn post(&self, text: String) -> Result<(), NotPosted> {
        self.outbox.push(self.stamp(Frame::Text(text)))?;
        self.touch();
        Ok(())
    }

    /// Closes it, whatever the client has left unread.
    pub(super) fn delete(&self) {
        self.deleted.cancel();
    }

    /// Closes it because of a rule, behind what is on its way to it.
    pub(super) fn expel(&self) {
        self.expelled.store(true, Ordering::Relaxed);
        self.deleted.cancel();
    }

    /// How it ends when it has been deleted, or expelled.
    fn ended_by_us(&self) -> Ended {
        if self.expelled.load(Ordering::Relaxed) {
            Ended::ToBeClosed(CLOSE_POLICY, "Policy violation")
        } else {
            Ended::ToBeClosed(1000, "")
        }
    }

    /// Sends when there is room. The client may be gone meanwhile.
    pub(super) async fn send(&self, text: String) {
        self.touch();
        self.outbox.send(self.stamp(Frame::Text(text))).await;
    }

    fn stamp(&self, frame: Frame) -> Outgoing {
        let due = Instant::now() + self.latency;
        Outgoing { due, frame }
    }

    fn touch(&self) {
        let age = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_active.store(age, Ordering::Relaxed);
    }

    /// Whether a message is lost, in either direction.
    fn loses(&self, api: &Api, text: &str) -> bool {
        let id = &self.connection.connection_id;
        self.silence.takes(&api.faults, id, text)
    }

    /// A client waits for a developer at a breakpoint, as long as its integration may.
    fn may_be_idle(&self, idle: Duration, patience: Duration) -> Duration {
        may_be_idle(&self.at_work, idle, patience)
    }

    fn last_message(&self) -> Instant {
        self.opened + Duration::from_millis(self.last_active.load(Ordering::Relaxed))
    }
}

fn may_be_idle(at_work: &Semaphore, idle: Duration, patience: Duration) -> Duration {
    let is_busy = at_work.available_permits() < AT_WORK;
    if is_busy { idle.max(patience) } else { idle }
}

/// Lives from the upgrade to `$disconnect`.
pub(super) async fn run(
    api: Arc<Api>,
    live: Arc<Live>,
    taking: oneshot::Receiver<handshake::Socket>,
) {
    let end = match taking.await {
        Ok((stream, unread)) => talk(&api, &live, Socket::new(stream), unread).await,
        Err(_) => {
            api.unregister(&live);
            End::abnormal()
        }
    };
    // Boxed: it would make each idle connection larger.
    Box::pin(routing::disconnected(&api, &live.connection, &end)).await;
}

async fn talk(api: &Arc<Api>, live: &Arc<Live>, socket: Socket, unread: Bytes) -> End {
    let (arrivals, arriving) = Arrivals::of(api, live);
    // What is not written yet of a frame: another one must not begin within it.
    let mut unwritten = Vec::new();
    let ended = {
        let mut writing = pin!(write(api, live, &socket, &mut unwritten));
        let ended = tokio::select! {
            ended = listen(api, live, &socket, unread, arrivals) => ended,
            end = &mut writing => Ended::Already(end, Echo::None),
        };
        // Whatever is posted from now on would not be heard.
        api.unregister(live);
        if let Ended::ToBeClosed(code, reason) = ended {
            let closing = async {
                live.outbox
                    .send(live.stamp(Frame::Close(code, reason)))
                    .await;
                writing.await;
            };
            // One that does not read does not hear it.
            let _ = timeout(CLOSING + live.latency, closing).await;
        }
        ended
    };
    live.outbox.close();
    if let Some(arriving) = arriving {
        // What was sent before the end still arrives before `$disconnect`.
        let _ = arriving.await;
    }
    finish(api, live, socket, unwritten, ended).await
}

/// The end of a conversation: a client that closes gets its close frame back,
/// if it still listens.
async fn finish(
    api: &Api,
    live: &Arc<Live>,
    mut socket: Socket,
    mut unwritten: Vec<u8>,
    ended: Ended,
) -> End {
    let (end, echo) = match ended {
        Ended::Already(end, echo) => (end, echo),
        Ended::ToBeClosed(code, reason) => (End::new(code, reason), Echo::None),
    };
    if live.silence.has_begun() {
        // The client does not hear that it is over.
        let (live, ending) = (Arc::clone(live), api.ending.clone());
        api.tasks.spawn(async move {
            let _ = ending.run_until_cancelled(live.silence.is_over()).await;
            drop(socket);
        });
        return end;
    }
    let must_hang_up = match echo {
        Echo::Code => {
            frames::close(&mut unwritten, end.code, &end.reason);
            true
        }
        Echo::NoCode => {
            frames::close_without_code(&mut unwritten);
            true
        }
        Echo::None => !matches!(end.code, 1006),
    };
    if must_hang_up {
        let _ = timeout(CLOSING, async {
            if socket.write(&mut unwritten, CLOSING).await.is_ok() {
                socket.hang_up().await;
            }
        })
        .await;
    }
    end
}

enum Ended {
    /// By the client, or by the network.
    Already(End, Echo),
    /// By us, with this code and reason.
    ToBeClosed(u16, &'static str),
}

/// What a client's own close frame is answered with.
enum Echo {
    None,
    NoCode,
    Code,
}

/// Takes what the client sends, until an end.
async fn listen(
    api: &Api,
    live: &Live,
    socket: &Socket,
    unread: Bytes,
    arrivals: Arrivals,
) -> Ended {
    let too_old = live.opened + api.lifetime;
    let mut reader = FrameReader::default();
    let early = understand(&mut reader, &unread);
    drop(unread);
    if let Some(ended) = hear(api, live, &arrivals, early).await {
        return ended;
    }
    loop {
        let idle = live.last_message() + live.may_be_idle(api.idle, api.patience);
        let silent = live.silence.has_begun();
        tokio::select! {
            () = socket.readable(), if !silent => {
                let read = socket.read(&mut reader);
                if let Some(ended) = hear(api, live, &arrivals, read).await {
                    return ended;
                }
            }
            () = sleep_until(idle.min(too_old)) => {
                // It may have been written to meanwhile.
                let may_be_idle = live.may_be_idle(api.idle, api.patience);
                if Instant::now() >= too_old.min(live.last_message() + may_be_idle) {
                    return Ended::ToBeClosed(CLOSE_GOING_AWAY, "Going away");
                }
            }
            () = live.silence.begins(), if !silent => {}
            () = live.silence.is_over(), if silent => {
                return Ended::Already(End::abnormal(), Echo::None);
            }
            () = live.deleted.cancelled() => return live.ended_by_us(),
            () = api.closing.cancelled() => {
                return Ended::ToBeClosed(CLOSE_GOING_AWAY, "Going away");
            }
        }
    }
}

/// Takes what a read brought; the end, if that was in it.
async fn hear(api: &Api, live: &Live, arrivals: &Arrivals, read: Read) -> Option<Ended> {
    for incoming in read.incoming {
        match incoming {
            Incoming::Text(text) if live.loses(api, &text) => {}
            Incoming::Text(text) => {
                live.touch();
                arrivals.take(text).await;
            }
            Incoming::Ping(payload) => {
                // Who does not read does not need to know either.
                let _ = live.outbox.push(live.stamp(Frame::Pong(payload)));
            }
            Incoming::Pong => {}
            Incoming::Close(None) => {
                let end = End::new(NO_STATUS_CODE, NO_STATUS_REASON);
                return Some(Ended::Already(end, Echo::NoCode));
            }
            Incoming::Close(Some((code, reason))) => {
                return Some(Ended::Already(End { code, reason }, Echo::Code));
            }
        }
    }
    match read.then {
        Then::More => None,
        Then::End => Some(Ended::Already(End::abnormal(), Echo::None)),
        Then::Violation(Violation { code, reason }) => Some(Ended::ToBeClosed(code, reason)),
    }
}

/// Where a client's messages go.
enum Arrivals {
    /// Each starts its own integration at once: order is not kept behind this.
    Here(Arc<Api>, Arc<Live>),
    /// The same at the end of a line that takes its time.
    There(mpsc::Sender<(Instant, String)>, Duration),
}

impl Arrivals {
    fn of(api: &Arc<Api>, live: &Arc<Live>) -> (Self, Option<tokio::task::JoinHandle<()>>) {
        let (api, live) = (Arc::clone(api), Arc::clone(live));
        if live.latency.is_zero() {
            return (Self::Here(api, live), None);
        }
        let (line, latency) = (mpsc::channel(ON_ITS_WAY), live.latency);
        let arriving = Arc::clone(&api).tasks.spawn(arrive(api, live, line.1));
        (Self::There(line.0, latency), Some(arriving))
    }

    async fn take(&self, text: String) {
        match self {
            Self::Here(api, live) => start(api, live, text).await,
            Self::There(line, latency) => {
                // The line lives as long as its sender.
                let _ = line.send((Instant::now() + *latency, text)).await;
            }
        }
    }
}

async fn arrive(api: Arc<Api>, live: Arc<Live>, mut line: mpsc::Receiver<(Instant, String)>) {
    while let Some((due, text)) = line.recv().await {
        until(due).await;
        start(&api, &live, text).await;
    }
}

async fn start(api: &Arc<Api>, live: &Arc<Live>, text: String) {
    let permit: Option<OwnedSemaphorePermit> = Arc::clone(&live.at_work).acquire_owned().await.ok();
    let (api, live) = (Arc::clone(api), Arc::clone(live));
    Arc::clone(&api).tasks.spawn(async move {
        routing::route(&api, &live, &text).await;
        drop(permit);
    });
}

/// Sends each message when it is due, until one closes the connection.
async fn write(api: &Api, live: &Live, socket: &Socket, unwritten: &mut Vec<u8>) -> End {
    loop {
        let mut next = Some(live.outbox.next().await);
        let mut last = None;
        while let Some(Outgoing { due, frame }) = next {
            until(due).await;
            last = append(api, live, frame, unwritten);
            next = if last.is_none() && unwritten.len() < WRITTEN_AT_ONCE {
                live.outbox.next_due(Instant::now())
            } else {
                None
            };
        }
        if let Err(error) = socket.write(unwritten, api.unread).await {
            let stalled = error.kind() == io::ErrorKind::TimedOut;
            return last.unwrap_or_else(|| {
                if stalled {
                    End::stalled()
                } else {
                    End::abnormal()
                }
            });
        }
        if let Some(end) = last {
            return end;
        }
    }
}

/// Adds a frame to what is to be written; the end, if it is the last one.
fn append(api: &Api, live: &Live, frame: Frame, bytes: &mut Vec<u8>) -> Option<End> {
    match frame {
        Frame::Text(text) => {
            if !live.loses(api, &text) {
                frames::text(bytes, text.as_bytes());
            }
            None
        }
        Frame::Pong(payload) => {
            frames::pong(bytes, &payload);
            None
        }
        Frame::Close(code, reason) => {
            if !live.silence.has_begun() {
                frames::close(bytes, code, reason);
            }
            Some(End::new(code, reason))
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn a_client_whose_message_is_at_a_breakpoint_may_be_idle_for_longer() {
        let (idle, patience) = (Duration::from_secs(600), Duration::from_secs(900));
        let at_work = Semaphore::new(AT_WORK);
        assert_eq!(may_be_idle(&at_work, idle, patience), idle);
        let permit = at_work.try_acquire().unwrap();
        assert_eq!(may_be_idle(&at_work, idle, patience), patience);
        // Nobody debugs.
        assert_eq!(may_be_idle(&at_work, idle, Duration::ZERO), idle);
        drop(permit);
        assert_eq!(may_be_idle(&at_work, idle, patience), idle);
    }
}
