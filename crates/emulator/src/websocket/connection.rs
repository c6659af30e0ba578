//! One open connection.

use super::Api;
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use tether_apigw::websocket::limits::{
    CLOSE_BINARY, CLOSE_GOING_AWAY, CLOSE_TOO_BIG, FRAME_BYTES, IDLE, INTEGRATION_TIMEOUT,
    LIFETIME, MESSAGE_BYTES,
};
use tether_apigw::websocket::{
    Connection, NO_STATUS_REASON, choose_route, disconnect_event, forbidden_frame, message_event,
    route_response,
};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

/// What a client may leave unread before callers are told to wait (429).
const BUFFERED: usize = 64;

/// A connection that can be posted to.
pub(super) struct Live {
    pub(super) connection: Connection,
    pub(super) outgoing: mpsc::Sender<Outgoing>,
    last_active: AtomicU64,
}

/// What goes out to the client.
pub(super) enum Outgoing {
    Text(String),
    Close,
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
    pub(super) fn new(connection: Connection) -> (Arc<Self>, mpsc::Receiver<Outgoing>) {
        let (outgoing, receiver) = mpsc::channel(BUFFERED);
        let last_active = AtomicU64::new(connection.connected_at_ms);
        let live = Self {
            connection,
            outgoing,
            last_active,
        };
        (Arc::new(live), receiver)
    }

    pub(super) fn last_active(&self) -> u64 {
        self.last_active.load(Ordering::Relaxed)
    }

    fn touch(&self) {
        self.last_active
            .store(tether_host::now().0, Ordering::Relaxed);
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
    unregister(&api, &live);
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

fn unregister(api: &Api, live: &Live) {
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
    mut outgoing: mpsc::Receiver<Outgoing>,
    mut socket: Socket,
) -> End {
    let too_old = Instant::now() + LIFETIME;
    let mut idle = Instant::now() + IDLE;
    loop {
        tokio::select! {
            message = socket.next() => match received(message) {
                Received::Text(text) => {
                    live.touch();
                    idle = Instant::now() + IDLE;
                    // Each message starts its own integration: order is not kept.
                    api.tasks.spawn(route(Arc::clone(api), Arc::clone(live), text));
                }
                Received::Nothing => {}
                Received::End(end) => return end,
                Received::Violation(code, reason) => return close(&mut socket, code, reason).await,
            },
            Some(message) = outgoing.recv() => match message {
                Outgoing::Text(text) => {
                    live.touch();
                    idle = Instant::now() + IDLE;
                    if let Err(error) = socket.send(Message::text(text)).await {
                        return End::new(1006, &error.to_string());
                    }
                }
                Outgoing::Close => return close(&mut socket, 1000, "").await,
            },
            () = sleep_until(idle.min(too_old)) => {
                return close(&mut socket, CLOSE_GOING_AWAY, "Going away").await;
            }
            () = api.ending.cancelled() => {
                return close(&mut socket, CLOSE_GOING_AWAY, "Going away").await;
            }
        }
    }
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

async fn close(socket: &mut Socket, code: u16, reason: &'static str) -> End {
    let frame = CloseFrame {
        code: CloseCode::from(code),
        reason: reason.into(),
    };
    // A client that is gone does not hear it.
    let _ = socket.close(Some(frame)).await;
    let _ = socket.flush().await;
    End::new(code, reason)
}

/// Finds a message's route, runs its function, and sends what it answers.
async fn route(api: Arc<Api>, live: Arc<Live>, body: String) {
    let stamp = api.stamp(true);
    let connection_id = &live.connection.connection_id;
    let selected = api.selection.select(&body);
    let key = choose_route(&selected, api.routes.keys().map(String::as_str));
    let route = key.and_then(|key| api.routes.get(key));
    let function = route.and_then(|it| it.integration.as_ref()?.function_arn.clone());
    let (Some(route), Some(function)) = (route, function) else {
        let frame = forbidden_frame(connection_id, &stamp.request_id);
        let _ = live.outgoing.send(Outgoing::Text(frame)).await;
        return;
    };
    let event = message_event(&live.connection, &route.route_key, &body, &stamp);
    let result = timeout(INTEGRATION_TIMEOUT, api.call(&function, &event)).await;
    let result = result.unwrap_or(super::CallResult::Failed);
    let reply = route_response(&result.borrowed());
    if let Some(frame) = reply.frame(route.has_route_response, connection_id, &stamp.request_id) {
        // The client may be gone meanwhile.
        let _ = live.outgoing.send(Outgoing::Text(frame)).await;
    }
}

async fn disconnected(api: &Api, live: &Live, end: &End) {
    let route = api.routes.get("$disconnect");
    let Some(function) = route.and_then(|it| it.integration.as_ref()?.function_arn.clone()) else {
        return;
    };
    let stamp = api.stamp(false);
    let event = disconnect_event(&live.connection, end.code, &end.reason, &stamp);
    // Best effort, as on AWS.
    let _ = timeout(INTEGRATION_TIMEOUT, api.call(&function, &event)).await;
}
