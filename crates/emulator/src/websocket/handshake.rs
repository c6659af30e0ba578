//! The handshake: authorizer, `$connect`, then the upgrade.

use super::connection::Live;
use super::{Answer, Api, CallResult, connection, plain};
use crate::delay::pause;
use crate::id;
use bytes::Bytes;
use http::header::{CONNECTION, HeaderValue, UPGRADE};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;
use tether_apigw::authorizer::{self, IdentitySource, Verdict};
use tether_apigw::websocket::{
    Connection, Forwarded, Handshake, HandshakeAnswer, authorizer_event, complaint, connect_answer,
    connect_event, method_arn,
};
use tether_apigw::{connection_id, query};
use tether_sam::Route;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Answers a request that is no `@connections` call.
pub(super) async fn answer(
    api: Arc<Api>,
    mut request: Request<Incoming>,
    peer: SocketAddr,
) -> Answer {
    let stage = request.uri().path().trim_matches('/').to_owned();
    let definition = api.definition();
    let Some(variables) = definition.stages.get(&stage) else {
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
        authorizer: None,
        stage_variables: variables.clone(),
    };
    let answer = admit(&api, &mut connection, &handshake).await;
    pause(api.latency).await;
    let subprotocol = match answer {
        HandshakeAnswer::Accept { subprotocol } => subprotocol,
        HandshakeAnswer::Refuse { status, body } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
            return plain(status, body);
        }
    };
    let upgrade = hyper::upgrade::on(&mut request);
    let live = Live::new(connection, api.latency);
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

fn handshake(api: &Api, request: &Request<Incoming>, peer: SocketAddr) -> Handshake {
    let headers = request.headers().iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    let mut handshake = Handshake {
        headers: headers.collect(),
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

/// Asks the authorizer, then `$connect`.
async fn admit(api: &Api, connection: &mut Connection, handshake: &Handshake) -> HandshakeAnswer {
    let accept = HandshakeAnswer::Accept { subprotocol: None };
    let definition = api.definition();
    let Some(route) = definition.routes.get("$connect") else {
        return accept;
    };
    if let Some(refused) = authorize(api, route, connection, handshake).await {
        return refused;
    }
    let function = route
        .integration
        .as_ref()
        .and_then(|it| it.function_arn.as_deref());
    let Some(function) = function else {
        return accept;
    };
    let stamp = api.stamp(false);
    let result = api
        .call(
            &format!("{}/$connect", connection.stage),
            function,
            &connect_event(connection, handshake, &stamp),
        )
        .await;
    if matches!(result, CallResult::NotAllowed) {
        // https://repost.aws/knowledge-center/api-gateway-rest-api-lambda-integrations
        // "Invalid permissions on Lambda function" is an error of the configuration.
        let body = r#"{"message":"Internal server error"}"#.to_owned();
        return HandshakeAnswer::Refuse { status: 500, body };
    }
    if let Some(complaint) = complaint(&result.borrowed()) {
        api.notice(format!("{} $connect: {complaint}", api.logical_id));
    }
    connect_answer(&result.borrowed())
}

/// None: let in.
async fn authorize(
    api: &Api,
    route: &Route,
    connection: &mut Connection,
    handshake: &Handshake,
) -> Option<HandshakeAnswer> {
    let authorizer = route.authorizer.as_ref()?;
    let stamp = api.stamp(false);
    let sources: Result<Vec<_>, _> = authorizer
        .identity_sources
        .iter()
        .map(|it| IdentitySource::parse(it))
        .collect();
    let verdict = match sources {
        Err(error) => {
            api.notice(format!("{}: {error}", authorizer.logical_id));
            Verdict::Unauthorized
        }
        Ok(sources) => match authorizer::check(&sources, handshake, connection, &stamp) {
            // Without all its identity sources it is not even asked.
            Err(_) => Verdict::Unauthorized,
            Ok(()) => {
                let arn = method_arn(
                    &api.partition,
                    &api.region,
                    &api.account_id,
                    &api.id,
                    &connection.stage,
                    "$connect",
                );
                let event = authorizer_event(connection, handshake, &arn, &stamp);
                let asked = Instant::now();
                let part = format!("authorizers/{}", authorizer.id);
                let result = api.call(&part, &authorizer.function_arn, &event).await;
                let verdict = authorizer::verdict(&result.borrowed(), &arn);
                if let Verdict::Allow {
                    principal_id,
                    context,
                } = &verdict
                {
                    let took = u64::try_from(asked.elapsed().as_millis()).unwrap_or(u64::MAX);
                    connection.authorizer =
                        Some(authorizer::event_context(principal_id, context, took));
                }
                verdict
            }
        },
    };
    if let Verdict::Error(error) = &verdict {
        api.notice(format!("{}: {error}", authorizer.logical_id));
    }
    verdict.refusal(&connection.connection_id, &stamp.request_id)
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
