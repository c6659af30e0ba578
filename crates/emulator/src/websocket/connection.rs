//! One open connection.
//!
//! Both directions are lines with a due time for each message: with
//! `--latency`, one arrives so much later, behind the one before it, and
//! keeps nobody waiting meanwhile.

use super::Api;
use super::silence::Silence;
use crate::delay::until;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tether_apigw::websocket::limits::{
    CLOSE_BINARY, CLOSE_GOING_AWAY, CLOSE_TOO_BIG, FRAME_BYTES, INTEGRATION_TIMEOUT, MESSAGE_BYTES,
};
use tether_apigw::websocket::{
    Connection, NO_STATUS_REASON, choose_route, disconnect_event, forbidden_frame, message_event,
    route_response,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::sync::CancellationToken;

/// What a client may leave unread before callers are told to wait (429).
const BUFFERED: usize = 64;

/// What may be on its way besides, where the way takes time.
const ON_ITS_WAY: usize = 1024;

/// A client has so long to hear that its connection is closed.
const CLOSING: Duration = Duration::from_secs(2);

/// A connection that can be posted to.
pub(super) struct Live {
    pub(super) connection: Connection,
    outgoing: mpsc::Sender<Outgoing>,
    /// `DELETE @connections`
    deleted: CancellationToken,
    latency: Duration,
    last_active: AtomicU64,
    last_message: Mutex<Instant>,
    silence: Silence,
}

/// What goes out to the client, and when it is there.
pub(super) struct Outgoing {
    due: Instant,
    frame: Frame,
}

enum Frame {
    Text(String),
    Close(u16, &'static str),
}

/// Why a message cannot be posted.
pub(super) enum NotPosted {
    /// The client reads too slowly.
    Full,
    Gone,
}

/// Why a connection ended: close code and reason, as `$disconnect` has them.
struct End {
    code: u16,
    reason: String,
}

impl End {
    fn new(code: u16, reason: &str) -> Self {
        Self {
            code,
            reason: reason.to_owned(),
        }
    }
}

impl Live {
    pub(super) fn new(
        connection: Connection,
        latency: Duration,
    ) -> (Arc<Self>, mpsc::Receiver<Outgoing>) {
        let room = if latency.is_zero() {
            BUFFERED
        } else {
            BUFFERED + ON_ITS_WAY
        };
        let (outgoing, receiver) = mpsc::channel(room);
        let last_active = AtomicU64::new(connection.connected_at_ms);
        let live = Self {
            connection,
            outgoing,
            deleted: CancellationToken::new(),
            latency,
            last_active,
            last_message: Mutex::new(Instant::now()),
            silence: Silence::default(),
        };
        (Arc::new(live), receiver)
    }

    pub(super) fn last_active(&self) -> u64 {
        self.last_active.load(Ordering::Relaxed)
    }

    /// Posts a message, if the client's buffer has room.
    pub(super) fn post(&self, text: String) -> Result<(), NotPosted> {
        match self.outgoing.try_send(self.stamp(Frame::Text(text))) {
            Ok(()) => {
                self.touch();
                Ok(())
            }
            Err(TrySendError::Full(_)) => Err(NotPosted::Full),
            Err(TrySendError::Closed(_)) => Err(NotPosted::Gone),
        }
    }

    /// Closes it, whatever the client has left unread.
    pub(super) fn delete(&self) {
        self.deleted.cancel();
    }

    /// Sends when there is room. The client may be gone meanwhile.
    async fn send(&self, frame: Frame) {
        self.touch();
        let _ = self.outgoing.send(self.stamp(frame)).await;
    }

    fn stamp(&self, frame: Frame) -> Outgoing {
        let due = Instant::now() + self.latency;
        Outgoing { due, frame }
    }

    fn touch(&self) {
        self.last_active
            .store(tether_host::now().0, Ordering::Relaxed);
        let last = self.last_message.lock();
        *last.unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Whether a message is lost, in either direction.
    fn loses(&self, api: &Api, text: &str) -> bool {
        let id = &self.connection.connection_id;
        self.silence.takes(&api.faults, id, text)
    }

    fn last_message(&self) -> Instant {
        let last = self.last_message.lock();
        *last.unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lives from the upgrade to `$disconnect`.
pub(super) async fn run(
    api: Arc<Api>,
    live: Arc<Live>,
    outgoing: mpsc::Receiver<Outgoing>,
    upgrade: OnUpgrade,
) {
    let end = match upgrade.await {
        Ok(upgraded) => {
            let config = WebSocketConfig::default()
                .max_frame_size(Some(FRAME_BYTES))
                .max_message_size(Some(MESSAGE_BYTES));
            let io = TokioIo::new(upgraded);
            let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
            // Only now can it be posted to: 410 until here.
            register(&api, &live);
            talk(&api, &live, outgoing, socket).await
        }
        Err(error) => End::new(1006, &error.to_string()),
    };
    // Nobody is left to be told when the emulator ends.
    if !api.ending.is_cancelled() {
        disconnected(&api, &live, &end).await;
    }
}

fn register(api: &Api, live: &Arc<Live>) {
    let mut connections = api
        .connections
        .write()
        .unwrap_or_else(PoisonError::into_inner);
    connections.insert(live.connection.connection_id.clone(), Arc::clone(live));
}

pub(super) fn unregister(api: &Api, live: &Live) {
    let mut connections = api
        .connections
        .write()
        .unwrap_or_else(PoisonError::into_inner);
    connections.remove(&live.connection.connection_id);
}

type Socket = WebSocketStream<TokioIo<Upgraded>>;

async fn talk(
    api: &Arc<Api>,
    live: &Arc<Live>,
    outgoing: mpsc::Receiver<Outgoing>,
    socket: Socket,
) -> End {
    let (mut sink, mut stream) = socket.split();
    let (incoming, line) = mpsc::channel(ON_ITS_WAY);
    let arriving = api
        .tasks
        .spawn(arrive(Arc::clone(api), Arc::clone(live), line));
    let (end, must_be_told) = {
        let mut writing = pin!(write(api, live, &mut sink, outgoing));
        let ended = tokio::select! {
            ended = listen(api, live, &mut stream, incoming) => ended,
            end = &mut writing => Ended::Already(end),
        };
        // Whatever is posted from now on would not be heard.
        unregister(api, live);
        match ended {
            Ended::Already(end) => (end, false),
            Ended::ToBeClosed(code, reason) => {
                let closing = async {
                    live.send(Frame::Close(code, reason)).await;
                    writing.await;
                };
                // One that does not read does not hear it.
                let _ = timeout(CLOSING + live.latency, closing).await;
                (End::new(code, reason), true)
            }
        }
    };
    // What was sent before the end still arrives before `$disconnect`.
    let _ = arriving.await;
    if live.silence.has_begun() {
        // The client does not hear that it is over.
        let (live, ending) = (Arc::clone(live), api.ending.clone());
        api.tasks.spawn(async move {
            let _ = ending.run_until_cancelled(live.silence.is_over()).await;
            drop((sink, stream));
        });
    } else if must_be_told {
        if let Ok(socket) = sink.reunite(stream) {
            let _ = timeout(CLOSING, hang_up(socket)).await;
        }
    } else {
        // A client that closes gets its close frame back, if it still listens.
        let _ = timeout(CLOSING, sink.flush()).await;
    }
    end
}

/// Ends our half, and reads what the client still sends until it ends its own:
/// a connection that is dropped with bytes unread takes the close frame with it.
async fn hang_up(mut socket: Socket) {
    let mut unread = [0; 4096];
    if socket.get_mut().shutdown().await.is_err() {
        return;
    }
    while matches!(socket.get_mut().read(&mut unread).await, Ok(count) if count > 0) {}
}

enum Ended {
    /// By the client, or by the network.
    Already(End),
    /// By us, with this code and reason.
    ToBeClosed(u16, &'static str),
}

/// Takes what the client sends, until an end.
async fn listen(
    api: &Api,
    live: &Live,
    stream: &mut SplitStream<Socket>,
    incoming: mpsc::Sender<(Instant, String)>,
) -> Ended {
    let too_old = Instant::now() + api.lifetime;
    loop {
        let idle = live.last_message() + api.idle;
        let silent = live.silence.has_begun();
        tokio::select! {
            message = stream.next(), if !silent => match received(message) {
                Received::Text(text) if live.loses(api, &text) => {}
                Received::Text(text) => {
                    live.touch();
                    let due = Instant::now() + live.latency;
                    // The line lives as long as the emulator.
                    let _ = incoming.send((due, text)).await;
                }
                Received::Nothing => {}
                Received::End(end) => return Ended::Already(end),
                Received::Violation(code, reason) => return Ended::ToBeClosed(code, reason),
            },
            () = sleep_until(idle.min(too_old)) => {
                // It may have been written to meanwhile.
                if Instant::now() >= too_old.min(live.last_message() + api.idle) {
                    return Ended::ToBeClosed(CLOSE_GOING_AWAY, "Going away");
                }
            }
            () = live.silence.begins(), if !silent => {}
            () = live.silence.is_over(), if silent => {
                return Ended::Already(End::new(1006, "Connection closed abnormally"));
            }
            () = live.deleted.cancelled() => return Ended::ToBeClosed(1000, ""),
            () = api.ending.cancelled() => {
                return Ended::ToBeClosed(CLOSE_GOING_AWAY, "Going away");
            }
        }
    }
}

/// Each message that has arrived starts its own integration: order is not kept
/// behind this.
async fn arrive(api: Arc<Api>, live: Arc<Live>, mut line: mpsc::Receiver<(Instant, String)>) {
    while let Some((due, text)) = line.recv().await {
        until(due).await;
        api.tasks
            .spawn(route(Arc::clone(&api), Arc::clone(&live), text));
    }
}

/// Sends each message when it is due, until one closes the connection.
async fn write(
    api: &Api,
    live: &Live,
    sink: &mut SplitSink<Socket, Message>,
    mut outgoing: mpsc::Receiver<Outgoing>,
) -> End {
    while let Some(Outgoing { due, frame }) = outgoing.recv().await {
        until(due).await;
        let sent = match frame {
            Frame::Text(text) if live.loses(api, &text) => continue,
            Frame::Close(code, reason) if live.silence.has_begun() => {
                return End::new(code, reason);
            }
            Frame::Text(text) => sink.send(Message::text(text)).await,
            Frame::Close(code, reason) => {
                let frame = CloseFrame {
                    code: CloseCode::from(code),
                    reason: reason.into(),
                };
                // A client that is gone does not hear it.
                let _ = sink.send(Message::Close(Some(frame))).await;
                return End::new(code, reason);
            }
        };
        if let Err(error) = sent {
            return End::new(1006, &error.to_string());
        }
    }
    End::new(1006, "Connection closed abnormally")
}

enum Received {
    Text(String),
    Nothing,
    End(End),
    Violation(u16, &'static str),
}

fn received(message: Option<Result<Message, Error>>) -> Received {
    match message {
        Some(Ok(Message::Text(text))) => Received::Text(text.to_string()),
        Some(Ok(Message::Binary(_))) => Received::Violation(CLOSE_BINARY, "Only text"),
        Some(Ok(Message::Close(frame))) => Received::End(match frame {
            Some(frame) => End::new(frame.code.into(), &frame.reason),
            None => End::new(1005, NO_STATUS_REASON),
        }),
        Some(Ok(_)) => Received::Nothing,
        Some(Err(Error::Capacity(_))) => Received::Violation(CLOSE_TOO_BIG, "Message too big"),
        Some(Err(error)) => Received::End(End::new(1006, &error.to_string())),
        None => Received::End(End::new(1006, "Connection closed abnormally")),
    }
}

/// Finds a message's route, runs its function, and sends what it answers.
async fn route(api: Arc<Api>, live: Arc<Live>, body: String) {
    let stamp = api.stamp(true);
    let connection_id = &live.connection.connection_id;
    let definition = api.definition();
    let selected = definition.selection.select(&body);
    let key = choose_route(&selected, definition.routes.keys().map(String::as_str));
    let route = key.and_then(|key| definition.routes.get(key));
    let function = route.and_then(|it| it.integration.as_ref()?.function_arn.clone());
    let (Some(route), Some(function)) = (route, function) else {
        let frame = forbidden_frame(connection_id, &stamp.request_id);
        live.send(Frame::Text(frame)).await;
        return;
    };
    let event = message_event(&live.connection, &route.route_key, &body, &stamp);
    let part = format!("{}/{}", live.connection.stage, route.route_key);
    let result = timeout(INTEGRATION_TIMEOUT, api.call(&part, &function, &event)).await;
    let result = result.unwrap_or(super::CallResult::Failed);
    let reply = route_response(&result.borrowed());
    if let Some(frame) = reply.frame(route.has_route_response, connection_id, &stamp.request_id) {
        live.send(Frame::Text(frame)).await;
    }
}

async fn disconnected(api: &Api, live: &Live, end: &End) {
    let definition = api.definition();
    let route = definition.routes.get("$disconnect");
    let Some(function) = route.and_then(|it| it.integration.as_ref()?.function_arn.clone()) else {
        return;
    };
    let stamp = api.stamp(false);
    let event = disconnect_event(&live.connection, end.code, &end.reason, &stamp);
    let part = format!("{}/$disconnect", live.connection.stage);
    // Best effort, as on AWS.
    let _ = timeout(INTEGRATION_TIMEOUT, api.call(&part, &function, &event)).await;
}
