//! The receiver's end of the WebSocket.

use crate::tunnel::{self, Pipe};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use http::HeaderValue;
use http::header::AUTHORIZATION;
use std::time::Duration;
use tether_aws::Road;
use tether_protocol::constants::{FRAME_LIMIT, MESSAGE_LIMIT};
use tether_protocol::message::{ToCloud, ToLaptop};
use tether_protocol::{SessionId, Token, reading};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

/// A handshake takes two Lambdas, cold, at worst.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// Where to connect, and as whom.
#[derive(Clone, Debug)]
pub struct Target {
    /// The helper stack's output `WebSocketUrl`.
    pub url: String,
    /// Which session.
    pub session: SessionId,
    /// What proves it.
    pub token: Token,
    /// The way there.
    pub road: Road,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// API Gateway, the authorizer or `connect` said no.
    #[error(
        "the helper stack refused the connection with {status}: the session is unknown, closed or expired: attach again"
    )]
    Refused {
        /// HTTP status of the handshake.
        status: u16,
    },
    /// No handshake took place.
    #[error(
        "{url} cannot be reached ({reason}): check the network, step by step with `tether doctor`"
    )]
    Unreachable {
        /// Where.
        url: String,
        /// Why.
        reason: String,
    },
}

type Stream = WebSocketStream<MaybeTlsStream<Pipe>>;

/// An open connection.
pub struct Socket(Stream);

/// Its sending half.
pub struct SocketSender(SplitSink<Stream, Message>);

/// Its receiving half.
pub struct Incoming(SplitStream<Stream>);

impl Socket {
    /// Opens a connection.
    ///
    /// # Errors
    /// When the handshake is refused or does not take place in 20 s.
    pub async fn open(target: &Target) -> Result<Self, ConnectError> {
        let unreachable = |reason: String| ConnectError::Unreachable {
            url: target.url.clone(),
            reason,
        };
        let opening = handshake(target);
        match tokio::time::timeout(CONNECT_TIMEOUT, opening).await {
            Ok(Ok(stream)) => Ok(Self(stream)),
            // Anything else may pass: a hiccup of a table, too many at once.
            Ok(Err(NotOpened::Answered(status @ (401 | 403)))) => {
                Err(ConnectError::Refused { status })
            }
            Ok(Err(NotOpened::Answered(status))) => {
                Err(unreachable(format!("it answered {status}")))
            }
            Ok(Err(NotOpened::Network(reason))) => Err(unreachable(reason)),
            Err(_) => Err(unreachable("no answer within 20 s".to_owned())),
        }
    }

    /// Its two halves.
    #[must_use]
    pub fn split(self) -> (SocketSender, Incoming) {
        let (sender, incoming) = self.0.split();
        (SocketSender(sender), Incoming(incoming))
    }
}

enum NotOpened {
    /// The handshake, with this status.
    Answered(u16),
    Network(String),
}

async fn handshake(target: &Target) -> Result<Stream, NotOpened> {
    let request = request(target).map_err(NotOpened::Network)?;
    let url = request.uri().clone();
    let pipe = tunnel::dial(&target.road, &url).await;
    let pipe = pipe.map_err(NotOpened::Network)?;
    let connector = if tunnel::is_secure(&url) {
        Connector::Rustls(tunnel::tls(&target.road))
    } else {
        Connector::Plain
    };
    match client_async_tls_with_config(request, pipe, None, Some(connector)).await {
        Ok((stream, _)) => Ok(stream),
        Err(Error::Http(answer)) => Err(NotOpened::Answered(answer.status().as_u16())),
        Err(error) => {
            let why = target.road.why(&error, &url).map(|it| it.words);
            Err(NotOpened::Network(why.unwrap_or_else(|| error.to_string())))
        }
    }
}

fn request(target: &Target) -> Result<http::Request<()>, String> {
    let url = format!("{}?session={}", target.url, target.session);
    let mut request = url.into_client_request().map_err(|it| it.to_string())?;
    let mut token = HeaderValue::from_str(&format!("Bearer {}", target.token.expose()))
        .map_err(|it| it.to_string())?;
    token.set_sensitive(true);
    request.headers_mut().insert(AUTHORIZATION, token);
    Ok(request)
}

impl SocketSender {
    /// Sends one message, in frames that API Gateway takes.
    ///
    /// # Errors
    /// When the message is larger than API Gateway takes, or the connection is
    /// gone.
    pub async fn send(&mut self, message: &ToCloud) -> Result<(), String> {
        let text = serde_json::to_string(message).map_err(|it| it.to_string())?;
        if text.len() > MESSAGE_LIMIT {
            return Err(format!(
                "{} bytes, and a message may have {MESSAGE_LIMIT}",
                text.len()
            ));
        }
        self.write(text).await.map_err(|it| it.to_string())
    }

    async fn write(&mut self, text: String) -> Result<(), Error> {
        if text.len() <= FRAME_LIMIT {
            return self.0.send(Message::text(text)).await;
        }
        let bytes = text.into_bytes();
        let last = bytes.len().div_ceil(FRAME_LIMIT).saturating_sub(1);
        for (index, part) in bytes.chunks(FRAME_LIMIT).enumerate() {
            let kind = if index == 0 {
                Data::Text
            } else {
                Data::Continue
            };
            let frame = Frame::message(part.to_vec(), OpCode::Data(kind), index == last);
            self.0.feed(Message::Frame(frame)).await?;
        }
        self.0.flush().await
    }

    /// Says goodbye.
    pub async fn close(&mut self) {
        // Whether the other side hears it is its own affair.
        let _ = self.0.close().await;
    }
}

impl Incoming {
    /// The next message. What cannot be read comes as [`ToLaptop::Unknown`],
    /// and an error of API Gateway's own as [`ToLaptop::Problem`].
    ///
    /// # Errors
    /// When the connection has ended: how.
    pub async fn next(&mut self) -> Result<ToLaptop, String> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => {
                    return Ok(reading::to_laptop(&text));
                }
                Some(Ok(Message::Close(Some(frame)))) => {
                    return Err(format!("closed with {}", u16::from(frame.code)));
                }
                Some(Ok(Message::Close(None))) => return Err("closed".to_owned()),
                Some(Err(error)) => return Err(error.to_string()),
                Some(Ok(_)) => {}
                None => return Err("ended".to_owned()),
            }
        }
    }
}
