//! What API Gateway hands over, and what it is answered.

use serde::{Deserialize, Serialize};
use tether_protocol::message::ToLaptop;
use tether_protocol::rights::RightsRequest;
use tether_protocol::{ConnectionId, SessionId, Timestamp};

/// What the function is invoked with.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Invoked {
    /// By a developer.
    Rights(RightsRequest),
    /// By API Gateway.
    Route(Event),
}

/// An event of a WebSocket route, as far as it matters here
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-mapping-template-reference.html>).
///
/// A struct of our own rather than `aws_lambda_events`': it has no `Debug`, so
/// that a reply in its body cannot be printed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Event {
    /// Who, and by which route.
    pub(crate) request_context: RequestContext,
    /// The message.
    #[serde(default)]
    pub(crate) body: Option<String>,
}

/// See [`Event`].
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestContext {
    /// `$connect`, `$disconnect` or `$default`.
    pub(crate) route_key: String,
    /// The connection.
    pub(crate) connection_id: ConnectionId,
    /// When it was opened, the same in every event of it.
    #[serde(default)]
    pub(crate) connected_at: Option<Timestamp>,
    #[serde(default)]
    authorizer: Option<Authorizer>,
}

/// What the authorizer said of the connection, in every event of it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Authorizer {
    #[serde(default)]
    session_id: Option<SessionId>,
}

impl RequestContext {
    /// The session that the authorizer let in.
    pub(crate) fn session(&self) -> Option<&SessionId> {
        self.authorizer.as_ref()?.session_id.as_ref()
    }
}

/// A Lambda proxy answer.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    status_code: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}

impl Answer {
    /// Only a status: nothing goes over the socket.
    pub(crate) fn status(status_code: u16) -> Self {
        Self {
            status_code,
            body: None,
        }
    }

    /// A message that goes back over the socket.
    pub(crate) fn message(message: &ToLaptop) -> Self {
        match serde_json::to_string(message) {
            Ok(body) => Self {
                status_code: 200,
                body: Some(body),
            },
            Err(_) => Self::status(500),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use tether_protocol::message::Alive;

    #[test]
    fn an_event_of_api_gateway_is_read() {
        let text = r#"{"requestContext":{"routeKey":"$default","authorizer":{"sessionId":"s-1",
            "principalId":"s-1","integrationLatency":12},"messageId":"m","eventType":"MESSAGE",
            "extendedRequestId":"e","requestTime":"09/Sep/2024:11:40:54 +0000","stage":"live",
            "messageDirection":"IN","connectedAt":1725881000000,"requestTimeEpoch":1725882054000,
            "identity":{"sourceIp":"127.0.0.1"},"requestId":"r","domainName":"d","apiId":"a",
            "connectionId":"c="},"body":"{}","isBase64Encoded":false}"#;
        let event: Event = serde_json::from_str(text).unwrap();
        let context = &event.request_context;
        assert_eq!(context.session(), Some(&SessionId::new("s-1")));
        assert_eq!(context.connection_id, ConnectionId::new("c="));
        assert_eq!(context.connected_at, Some(Timestamp(1_725_881_000_000)));
    }

    #[test]
    fn an_answer_is_what_a_proxy_integration_takes() {
        let text =
            serde_json::to_string(&Answer::message(&ToLaptop::Alive(Alive::default()))).unwrap();
        assert_eq!(text, r#"{"statusCode":200,"body":"{\"type\":\"alive\"}"}"#);
        let text = serde_json::to_string(&Answer::status(403)).unwrap();
        assert_eq!(text, r#"{"statusCode":403}"#);
    }
}
