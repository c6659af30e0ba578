//! An API's port: requests as they were sent, byte for byte, are calls of
//! `@connections` or handshakes.

use super::handshake::{self, Taken};
use super::{Answer, Api, call};
use crate::faults::{Call, Cut};
use crate::local_tls;
use async_trait::async_trait;
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use http_body_util::BodyExt as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tether_apigw::connections::parse_path;
use tether_apigw::http::Request;
use tether_apigw::websocket::limits::MESSAGE_BYTES;
use tether_gateway::http1::{self, Handler, Limits, Malformed, Received, Reply};
use tokio::net::{TcpListener, TcpStream};

/// What is too large is read all the same, as far as this: a connection that
/// is closed within a request costs its client the answer.
const MOST_READ: usize = 64 * MESSAGE_BYTES;

/// After a connection that could not be taken.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves an API until the emulator ends.
pub(crate) async fn serve(listener: TcpListener, api: Arc<Api>) {
    let door = Arc::new(Door(Arc::clone(&api)));
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    door.cannot_accept(&error);
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            },
            () = api.ending.cancelled() => return,
        };
        let (door, ending) = (Arc::clone(&door), api.ending.clone());
        api.tasks.spawn(async move {
            tokio::select! {
                () = take(stream, door) => {}
                () = ending.cancelled() => {}
            }
        });
    }
}

async fn take(stream: TcpStream, door: Arc<Door>) {
    if let Some(tls) = &door.0.tls
        && local_tls::is_tls(&stream).await
    {
        return tls.unwrap(stream, door.0.address).await;
    }
    let limits = Limits {
        body_bytes: MOST_READ,
        ..Limits::default()
    };
    let ending = door.0.ending.clone();
    http1::serve_stream(stream, door, limits, ending).await;
}

/// See the module.
struct Door(Arc<Api>);

#[async_trait]
impl Handler for Door {
    async fn answer(&self, received: Received) -> Reply {
        match self.open(received).await {
            Ok(answer) => reply(answer).await,
            Err(Cut) => Reply::Hangup,
        }
    }

    fn refuse(&self, why: Malformed) -> tether_apigw::http::Answer {
        self.0.notice(format!("{}: {why}", self.0.logical_id));
        tether_apigw::http::Answer::message(why.status(), why.message())
    }

    fn cannot_accept(&self, error: &io::Error) {
        let id = &self.0.logical_id;
        self.0
            .notice(format!("{id} cannot take a connection: {error}"));
    }
}

impl Door {
    async fn open(&self, received: Received) -> Result<Answer, Cut> {
        let api = Arc::clone(&self.0);
        let (request, too_large) = (received.request, received.too_large);
        if parse_path(&request.path).is_some() {
            let body = (!too_large).then(|| request.body.clone());
            return match parts(&request) {
                Some(parts) => call(api, parts, body).await,
                None => Ok(handshake::forbidden()),
            };
        }
        let wanted = target(&request);
        let caught = api
            .faults
            .catch(|| Call::websocket("connect", [&wanted, ""]));
        let shaking = handshake::answer(Arc::clone(&api), request);
        match caught {
            None => Ok(shaking.await),
            Some(caught) => api.faults.play(caught, shaking).await,
        }
    }
}

/// `/live?token=x`
fn target(request: &Request) -> String {
    match request.query.as_str() {
        "" => request.path.clone(),
        query => format!("{}?{query}", request.path),
    }
}

/// As the services of this cloud have them; none: no service could read them.
fn parts(request: &Request) -> Option<Parts> {
    let built = http::Request::builder()
        .method(request.method.as_str())
        .uri(target(request));
    let (mut parts, ()) = built.body(()).ok()?.into_parts();
    for (name, value) in &request.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        parts
            .headers
            .append(name, HeaderValue::from_str(value).ok()?);
    }
    Some(parts)
}

async fn reply(answer: Answer) -> Reply {
    let (mut parts, body) = answer.into_parts();
    let Ok(body) = body.collect().await;
    let headers = parts.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    let answer = tether_apigw::http::Answer {
        status: parts.status.as_u16(),
        headers: headers.collect(),
        body: body.to_bytes(),
    };
    match parts.extensions.remove::<Taken>() {
        None => Reply::Whole(answer),
        Some(taken) => Reply::Upgrade(
            answer,
            Box::new(move |stream, unread| {
                Box::pin(async move { taken.hand_over(stream, unread) })
            }),
        ),
    }
}
