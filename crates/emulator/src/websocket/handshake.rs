//! The handshake: who is let in, then the upgrade.

use super::admission::{Admitted, Entrance, admit};
use super::connection::Live;
use super::{Answer, Api, connection, plain};
use crate::delay::pause;
use crate::id;
use bytes::Bytes;
use http::header::{CONNECTION, HeaderValue, UPGRADE};
use http::{Response, StatusCode};
use http_body_util::Full;
use std::sync::{Arc, Mutex, PoisonError};
use tether_apigw::http::Request;
use tether_apigw::websocket::{Connection, Forwarded, Handshake, HandshakeAnswer};
use tether_apigw::{connection_id, query};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Answers a request that is no `@connections` call.
pub(super) async fn answer(api: Arc<Api>, request: Request) -> Answer {
    let stage = request.path.trim_matches('/').to_owned();
    let definition = api.definition();
    let Some(variables) = definition.stages.get(&stage).map(|it| &it.variables) else {
        return forbidden();
    };
    let Some(key) = websocket_key(&request) else {
        let body = r#"{"message":"Upgrade Required"}"#.to_owned();
        return plain(StatusCode::UPGRADE_REQUIRED, body);
    };
    let handshake = handshake(&api, &request);
    // The request's way here; the answer's way back is behind `admit`.
    pause(api.latency).await;
    let mut connection = Connection {
        api_id: api.id.clone(),
        stage: stage.clone(),
        domain_name: api.domain_name.clone(),
        connection_id: connection_id::from_random(&id::random()),
        connected_at_ms: tether_host::now().0,
        source_ip: request.source_ip.clone(),
        user_agent: handshake.header("user-agent").map(str::to_owned),
        stage_variables: variables.clone(),
        ..Connection::default()
    };
    let entrance = Entrance {
        handshake: &handshake,
        request: &request,
    };
    let Admitted { answer, manners } = admit(&api, &mut connection, &entrance).await;
    pause(api.latency).await;
    let subprotocol = match answer {
        HandshakeAnswer::Accept { subprotocol } => subprotocol,
        HandshakeAnswer::Refuse { status, body } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
            return plain(status, body);
        }
    };
    let (taken, taking) = oneshot::channel();
    let live = Live::new(connection, &api.logical_id, manners, api.latency);
    // Now it can be posted to, 410 until here; what comes before the client has
    // its answer waits.
    api.register(&live);
    let talking = connection::run(Arc::clone(&api), live, taking);
    api.tasks.spawn(api.talking.track_future(talking));
    let mut answer = switching(&key, subprotocol.as_deref());
    answer.extensions_mut().insert(Taken::by(taken));
    answer
}

/// There is nothing under this path.
pub(super) fn forbidden() -> Answer {
    let body = r#"{"message":"Forbidden"}"#.to_owned();
    plain(StatusCode::FORBIDDEN, body)
}

/// A socket, and what was read of it behind the handshake.
pub(super) type Socket = (TcpStream, Bytes);

/// Who takes the socket over, once the client has its answer. If it never gets
/// one, the connection has ended before it began.
#[derive(Clone)]
pub(super) struct Taken(Arc<Mutex<Option<oneshot::Sender<Socket>>>>);

impl Taken {
    fn by(taken: oneshot::Sender<Socket>) -> Self {
        Self(Arc::new(Mutex::new(Some(taken))))
    }

    pub(super) fn hand_over(&self, stream: TcpStream, unread: Bytes) {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = taken.take() {
            // Whoever has ended meanwhile does not want it.
            let _ = taken.send((stream, unread));
        }
    }
}

fn websocket_key(request: &Request) -> Option<String> {
    let upgrade = request.header("upgrade")?;
    if !upgrade.eq_ignore_ascii_case("websocket") {
        return None;
    }
    request.header("sec-websocket-key").map(str::to_owned)
}

fn handshake(api: &Api, request: &Request) -> Handshake {
    let mut handshake = Handshake {
        headers: request.headers.clone(),
        query: query::decode(&request.query),
    };
    handshake.forward(&Forwarded {
        source_ip: request.source_ip.clone(),
        port: api.address.port(),
        proto: "http".to_owned(),
        trace_id: format!(
            "Root=1-{:08x}-{}",
            tether_host::now().seconds(),
            id::hex(&id::random::<12>())
        ),
    });
    handshake
}

fn switching(key: &str, subprotocol: Option<&str>) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::new()));
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = answer.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) {
        headers.insert("sec-websocket-accept", accept);
    }
    if let Some(Ok(subprotocol)) = subprotocol.map(HeaderValue::from_str) {
        headers.insert("sec-websocket-protocol", subprotocol);
    }
    answer
}
