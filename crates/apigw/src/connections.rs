//! `@connections`: how a backend reaches a client that is connected to a WebSocket API.
//!
//! `POST` sends a message, `GET` describes the connection, `DELETE` ends it
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html>).

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::clock;
use crate::websocket::Connection;
use crate::websocket::limits::MESSAGE_BYTES;

/// Status of a `POST` whose message was handed to the connection; the body is empty.
pub const POSTED: u16 = 200;
/// Status of a `GET`, whose body is [`get_answer`].
pub const DESCRIBED: u16 = 200;
/// Status of a `DELETE`; there is no body.
pub const DELETED: u16 = 204;

/// Whom a call is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionsPath {
    /// The stage of the API.
    pub stage: String,
    /// The connection, decoded.
    pub connection_id: String,
}

/// Reads `/{stage}/@connections/{id}`; `None` for every other path, a deeper
/// prefix included.
///
/// Each segment is percent-decoded by itself: ids end in `=`, which SDKs send as
/// `%3D`, and some send `%40connections`.
#[must_use]
pub fn parse_path(path: &str) -> Option<ConnectionsPath> {
    let mut segments = path.strip_prefix('/')?.split('/');
    let (stage, marker, id) = (segments.next()?, segments.next()?, segments.next()?);
    if segments.next().is_some() || decode(marker)? != "@connections" {
        return None;
    }
    Some(ConnectionsPath {
        stage: decode(stage)?,
        connection_id: decode(id)?,
    })
}

fn decode(segment: &str) -> Option<String> {
    let text = percent_decode_str(segment).decode_utf8().ok()?;
    (!text.is_empty()).then(|| text.into_owned())
}

/// The body of a `GET`. Times are ISO 8601; `userAgent` is there if the client
/// sent one (<https://docs.aws.amazon.com/cli/latest/reference/apigatewaymanagementapi/get-connection.html>).
#[must_use]
pub fn get_answer(connection: &Connection, last_active_ms: u64) -> Value {
    json!({
        "connectedAt": clock::iso(connection.connected_at_ms),
        "identity": connection.identity(),
        "lastActiveAt": clock::iso(last_active_ms),
    })
}

/// Why a call is refused
/// (<https://docs.aws.amazon.com/apigatewaymanagementapi/latest/reference/connections-connectionid.html>).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionsError {
    /// The connection is closed, never was, or its `$connect` has not returned yet
    /// (<https://repost.aws/knowledge-center/410-gone-api-gateway>).
    #[error("the connection is gone: forget its id")]
    Gone,
    /// The message is longer than 128 KB.
    #[error("the message is longer than {MESSAGE_BYTES} bytes: send it in parts")]
    PayloadTooLarge,
    /// Too many calls, or the client reads too slowly.
    #[error("too many messages, or the client reads too slowly: wait and send again")]
    LimitExceeded,
    /// The caller may not, or the path names no stage of this API.
    #[error(
        "the call is not allowed: check execute-api:ManageConnections and the stage in the endpoint"
    )]
    Forbidden,
    /// No such id can exist; see [`connection_id::is_well_formed`](crate::connection_id::is_well_formed).
    #[error(
        "{0:?} is no connection id: use requestContext.connectionId as it is, encoded for a path"
    )]
    InvalidConnectionId(String),
}

impl ConnectionsError {
    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Gone => 410,
            Self::PayloadTooLarge => 413,
            Self::LimitExceeded => 429,
            Self::Forbidden => 403,
            Self::InvalidConnectionId(_) => 400,
        }
    }

    /// The name by which SDKs know the error.
    #[must_use]
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::Gone => "GoneException",
            Self::PayloadTooLarge => "PayloadTooLargeException",
            Self::LimitExceeded => "LimitExceededException",
            Self::Forbidden => "ForbiddenException",
            Self::InvalidConnectionId(_) => "BadRequestException",
        }
    }

    /// The headers that make the error what it is. SDKs find its type in
    /// `x-amzn-ErrorType` alone, so a Gone without it is an unknown error.
    #[must_use]
    pub fn headers(&self) -> Vec<(&'static str, &'static str)> {
        let mut headers = vec![("x-amzn-ErrorType", self.error_type())];
        if !self.body().is_empty() {
            headers.push(("Content-Type", "application/json"));
        }
        headers
    }

    /// The body.
    ///
    /// A 410 has none: SDKs report its message as "410", "null" or a JSON syntax
    /// error (<https://github.com/aws/aws-sdk-js/issues/3773>,
    /// <https://github.com/aws/aws-sdk-java/issues/2200>,
    /// <https://github.com/georgeboot/laravel-echo-api-gateway/issues/9>). The 403 is
    /// from <https://github.com/aws/aws-sdk-php/issues/1955>, the 400 from
    /// <https://github.com/dherault/serverless-offline/issues/749>; the texts of 413
    /// and 429 are `[inf]`.
    #[must_use]
    pub fn body(&self) -> String {
        let message = match self {
            Self::Gone => return String::new(),
            Self::PayloadTooLarge => "Message too long".to_owned(),
            Self::LimitExceeded => "Limit Exceeded".to_owned(),
            Self::Forbidden => "Forbidden".to_owned(),
            Self::InvalidConnectionId(id) => format!("Invalid connectionId: {id}"),
        };
        json!({ "message": message }).to_string()
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that cannot read its own fixture should stop"
)]
mod tests {
    use super::*;
    use crate::connection_id;
    use crate::websocket::fixtures;
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    #[test]
    fn the_id_is_decoded() {
        let path = parse_path("/prod/@connections/R1koeHsUtjMFbRw%3D").unwrap();
        assert_eq!(
            (path.stage.as_str(), path.connection_id.as_str()),
            ("prod", "R1koeHsUtjMFbRw=")
        );
        assert_eq!(
            parse_path("/prod/%40connections/R1koeHsUtjMFbRw="),
            Some(path)
        );
    }

    #[test]
    fn other_paths_are_none() {
        for path in [
            "",
            "/",
            "/prod",
            "/prod/@connections",
            "/prod/@connections/",
            "//@connections/a",
            "/a/prod/@connections/R1k%3D",
            "/prod/@connections/R1k%3D/x",
            "/prod/@connection/R1k",
            "prod/@connections/R1k",
            "/prod/@connections/%FF",
            "/@connections/R1k%3D",
        ] {
            assert_eq!(parse_path(path), None, "{path}");
        }
    }

    #[test]
    fn a_connection_describes_itself() {
        let mut connection = fixtures::connection();
        connection.connected_at_ms = 1_588_277_433_236;
        let answer = get_answer(&connection, 1_588_277_442_997);
        assert_eq!(
            answer,
            json!({
                "connectedAt": "2020-04-30T20:10:33.236Z",
                "identity": { "sourceIp": "192.0.2.1", "userAgent": "tests" },
                "lastActiveAt": "2020-04-30T20:10:42.997Z",
            })
        );
        connection.user_agent = None;
        assert_eq!(
            get_answer(&connection, 0)["identity"],
            json!({ "sourceIp": "192.0.2.1" })
        );
    }

    #[test]
    fn errors_carry_their_type_in_a_header() {
        let all = [
            (ConnectionsError::Gone, 410, "GoneException"),
            (
                ConnectionsError::PayloadTooLarge,
                413,
                "PayloadTooLargeException",
            ),
            (
                ConnectionsError::LimitExceeded,
                429,
                "LimitExceededException",
            ),
            (ConnectionsError::Forbidden, 403, "ForbiddenException"),
            (
                ConnectionsError::InvalidConnectionId("x".to_owned()),
                400,
                "BadRequestException",
            ),
        ];
        for (error, status, name) in all {
            assert_eq!(error.status(), status);
            assert!(error.headers().contains(&("x-amzn-ErrorType", name)));
        }
    }

    #[test]
    fn a_gone_has_no_body_and_the_others_have_a_message() {
        assert_eq!(ConnectionsError::Gone.body(), "");
        assert_eq!(ConnectionsError::Gone.headers().len(), 1);
        assert_eq!(
            ConnectionsError::Forbidden.body(),
            r#"{"message":"Forbidden"}"#
        );
        let invalid = ConnectionsError::InvalidConnectionId("6sdf".to_owned());
        assert_eq!(
            invalid.body(),
            r#"{"message":"Invalid connectionId: 6sdf"}"#
        );
    }

    proptest! {
        #[test]
        fn every_id_survives_its_path(bytes in any::<[u8; 11]>()) {
            let id = connection_id::from_random(&bytes);
            let path = format!("/dev/@connections/{}", utf8_percent_encode(&id, NON_ALPHANUMERIC));
            prop_assert_eq!(parse_path(&path).unwrap().connection_id, id);
        }

        #[test]
        fn no_path_panics(path in ".*") {
            let _ = parse_path(&path);
        }
    }
}
