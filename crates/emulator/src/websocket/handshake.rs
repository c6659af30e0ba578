//! The handshake: who is let in, then the upgrade.

use super::admission::{Admitted, Entrance, admit};
use super::connection::Live;
use super::{Answer, Api, connection, plain};
use crate::delay::pause;
use crate::id;
use bytes::Bytes;
use http::header::{CONNECTION, HeaderValue, UPGRADE};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use std::net::SocketAddr;
use std::sync::Arc;
use tether_apigw::websocket::{Connection, Forwarded, Handshake, HandshakeAnswer};
use tether_apigw::{connection_id, query};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Answers a request that is no `@connections` call.
pub(super) async fn answer(
    api: Arc<Api>,
    mut request: Request<Incoming>,
    peer: SocketAddr,
) -> Answer {
    let stage = request.uri().path().trim_matches('/').to_owned();
    let definition = api.definition();
    let Some(variables) = definition.stages.get(&stage).map(|it| &it.variables) else {
        return plain(
            StatusCode::FORBIDDEN,
            r#"{"message":"Forbidden"}"#.to_owned(),
        );
    };
    let Some(key) = websocket_key(&request) else {
        let body = r#"{"message":"Upgrade Required"}"#.to_owned();
        return plain(StatusCode::UPGRADE_REQUIRED, body);
    };
    let handshake = handshake(&api, &request, peer);
    // The request's way here; the answer's way back is behind `admit`.
    pause(api.latency).await;
    let mut connection = Connection {
        api_id: api.id.clone(),
        stage: stage.clone(),
        domain_name: api.domain_name.clone(),
        connection_id: connection_id::from_random(&id::random()),
        connected_at_ms: tether_host::now().0,
        source_ip: peer.ip().to_string(),
        user_agent: handshake.header("user-agent").map(str::to_owned),
        stage_variables: variables.clone(),
        ..Connection::default()
    };
    let entrance = Entrance {
        handshake: &handshake,
        request: &as_sent(&request, peer),
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
    let upgrade = hyper::upgrade::on(&mut request);
    let live = Live::new(connection, &api.logical_id, manners, api.latency);
    let talking = connection::run(Arc::clone(&api), live, upgrade);
    api.tasks.spawn(api.talking.track_future(talking));
    switching(&key, subprotocol.as_deref())
}

fn websocket_key(request: &Request<Incoming>) -> Option<String> {
    let headers = request.headers();
    let upgrade = headers.get(UPGRADE)?.to_str().ok()?;
    if !upgrade.eq_ignore_ascii_case("websocket") {
        return None;
    }
    let key = headers.get("sec-websocket-key")?.to_str().ok()?;
    Some(key.to_owned())
}

fn headers(request: &Request<Incoming>) -> Vec<(String, String)> {
    let headers = request.headers().iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    headers.collect()
}

fn as_sent(request: &Request<Incoming>, peer: SocketAddr) -> tether_apigw::http::Request {
    let uri = request.uri();
    tether_apigw::http::Request {
        method: request.method().to_string(),
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        headers: headers(request),
        source_ip: peer.ip().to_string(),
        ..tether_apigw::http::Request::default()
    }
}

fn handshake(api: &Api, request: &Request<Incoming>, peer: SocketAddr) -> Handshake {
    let mut handshake = Handshake {
        headers: headers(request),
        query: query::decode(request.uri().query().unwrap_or_default()),
    };
    handshake.forward(&Forwarded {
        source_ip: peer.ip().to_string(),
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
