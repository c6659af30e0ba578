//! What a function's answer becomes: a handshake, a frame, or nothing.

use http::HeaderValue;
use serde_json::json;

use super::limits::MESSAGE_BYTES;
use crate::invoke::InvokeResult;
use crate::proxy::{MalformedAnswer, ProxyAnswer};

const SUBPROTOCOL: &str = "Sec-WebSocket-Protocol";

/// How the handshake ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandshakeAnswer {
    /// 101, and the connection is there.
    Accept {
        /// The `Sec-WebSocket-Protocol` to answer with. A client that offered some
        /// and gets none closes by itself; that is AWS's behaviour as well.
        subprotocol: Option<String>,
    },
    /// A plain HTTP answer, and no connection.
    Refuse {
        /// HTTP status.
        status: u16,
        /// JSON of API Gateway, or what the function wrote.
        body: String,
    },
}

/// What the `$connect` function's answer makes of the handshake.
///
/// A 2xx accepts. Any other status is the handshake's status, seen by clients as
/// "Unexpected server response"
/// (<https://github.com/dherault/serverless-offline/pull/1301>); that its body goes
/// along is `[inf]`. A function that fails or answers without a status is a 502
/// (<https://github.com/serverless/serverless-websockets-plugin/issues/13>). A
/// subprotocol is agreed on only if the function returns it
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-connect-route-subprotocol.html>).
///
/// Without a `$connect` route there is nothing to ask: accept.
#[must_use]
pub fn connect_answer(result: &InvokeResult<'_>) -> HandshakeAnswer {
    let InvokeResult::Answer(payload) = result else {
        return bad_gateway();
    };
    let Ok(answer) = ProxyAnswer::parse(payload) else {
        return bad_gateway();
    };
    if !(200..300).contains(&answer.status) {
        return HandshakeAnswer::Refuse {
            status: answer.status,
            body: answer.body.unwrap_or_default(),
        };
    }
    match subprotocol(&answer) {
        Ok(subprotocol) => HandshakeAnswer::Accept { subprotocol },
        Err(_) => bad_gateway(),
    }
}

fn subprotocol(answer: &ProxyAnswer) -> Result<Option<String>, MalformedAnswer> {
    match answer.header(SUBPROTOCOL).filter(|value| !value.is_empty()) {
        Some(value) if HeaderValue::from_str(&value).is_err() => {
            Err(MalformedAnswer::Subprotocol(value))
        }
        subprotocol => Ok(subprotocol),
    }
}

fn bad_gateway() -> HandshakeAnswer {
    HandshakeAnswer::Refuse {
        status: 502,
        body: json!({ "message": "Internal server error" }).to_string(),
    }
}

/// What is wrong with an answer, for the developer's terminal. `None` if nothing
/// is, or if the function failed, which is its own message.
#[must_use]
pub fn complaint(result: &InvokeResult<'_>) -> Option<MalformedAnswer> {
    match result {
        InvokeResult::Answer(payload) => ProxyAnswer::parse(payload)
            .and_then(|answer| subprotocol(&answer))
            .err(),
        InvokeResult::FunctionError(_) | InvokeResult::Failed => None,
    }
}

/// What a route's function has to say to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouteReply {
    /// The body of its answer.
    Body(String),
    /// It answered without a body.
    Nothing,
    /// It failed, or its answer is malformed.
    Failed,
}

impl RouteReply {
    /// Whether it is longer than a message may be.
    #[must_use]
    pub fn is_too_long(&self) -> bool {
        matches!(self, Self::Body(body) if body.len() > MESSAGE_BYTES)
    }

    /// The text frame to send, if any.
    ///
    /// A body is sent only if the route has a route response
    /// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-route-response.html>);
    /// the error frame is sent in any case `[inf]`, and in the place of what is too long `[inf]`.
    #[must_use]
    pub fn frame(
        self,
        has_route_response: bool,
        connection_id: &str,
        request_id: &str,
    ) -> Option<String> {
        let is_too_long = self.is_too_long();
        match self {
            Self::Body(_) if has_route_response && is_too_long => {
                Some(internal_error_frame(connection_id, request_id))
            }
            Self::Body(body) => has_route_response.then_some(body),
            Self::Nothing => None,
            Self::Failed => Some(internal_error_frame(connection_id, request_id)),
        }
    }
}

/// Reads the answer of a message route's function.
///
/// Its status does not matter: the body of a 500 is sent like any other
/// (<https://github.com/yai333/React-Chat-App-using-AWS-API-Gateway-Websocket-and-Serverless-Framework/issues/2>).
/// An empty body is none `[inf]`. Base64 is decoded, and has to be text inside,
/// for there are no binary frames `[inf]`.
#[must_use]
pub fn route_response(result: &InvokeResult<'_>) -> RouteReply {
    let InvokeResult::Answer(payload) = result else {
        return RouteReply::Failed;
    };
    match ProxyAnswer::parse(payload) {
        Ok(answer) => match answer.body {
            Some(body) if !body.is_empty() => RouteReply::Body(body),
            _ => RouteReply::Nothing,
        },
        Err(_) => RouteReply::Failed,
    }
}

/// What a client gets for a message that has no route. Observed
/// (<https://github.com/aws-samples/simple-websockets-chat-app/issues/24>); the keys
/// beside `message` are `[inf]`. The body of a handshake's 403 as well `[inf]`.
#[must_use]
pub fn forbidden_frame(connection_id: &str, request_id: &str) -> String {
    frame("Forbidden", connection_id, request_id)
}

/// What a client gets when the integration of its message failed. Architect and
/// serverless-offline send the same; `[inf]`.
#[must_use]
pub fn internal_error_frame(connection_id: &str, request_id: &str) -> String {
    frame("Internal server error", connection_id, request_id)
}

/// What a client gets for a message beyond its route's throttle, and, in a 429, for
/// a handshake beyond `$connect`'s. The words are REST's `THROTTLED`
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html>);
/// that WebSocket APIs have the same is `[inf]`.
#[must_use]
pub fn throttled_frame(connection_id: &str, request_id: &str) -> String {
    frame("Too Many Requests", connection_id, request_id)
}

/// What a client gets for a message that does not hold against its route's model, as documented
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-request-validation.html>;
/// the guide's earlier overview of WebSocket APIs has the keys).
#[must_use]
pub fn bad_request_body_frame(connection_id: &str, message_id: &str) -> String {
    let message = "Bad request body";
    json!({ "message": message, "connectionId": connection_id, "messageId": message_id })
        .to_string()
}

/// What a client gets for a message, in such words, that no integration has answered. Keys and
/// their order are those of a time-out, observed in <https://github.com/aws/chalice/issues/1406>.
#[must_use]
pub fn refused_frame(message: &str, connection_id: &str, request_id: &str) -> String {
    frame(message, connection_id, request_id)
}

/// The body of a handshake's 401 `[inf]`.
#[must_use]
pub fn unauthorized_frame(connection_id: &str, request_id: &str) -> String {
    frame("Unauthorized", connection_id, request_id)
}

fn frame(message: &str, connection_id: &str, request_id: &str) -> String {
    json!({ "message": message, "connectionId": connection_id, "requestId": request_id })
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connect(payload: &str) -> HandshakeAnswer {
        connect_answer(&InvokeResult::Answer(payload.as_bytes()))
    }

    fn reply(payload: &str) -> RouteReply {
        route_response(&InvokeResult::Answer(payload.as_bytes()))
    }

    #[test]
    fn any_2xx_accepts_without_a_subprotocol() {
        let accepted = HandshakeAnswer::Accept { subprotocol: None };
        for status in [200, 201, 204, 299] {
            assert_eq!(
                connect(&format!(r#"{{"statusCode":{status}}}"#)),
                accepted,
                "{status}"
            );
        }
    }

    #[test]
    fn a_subprotocol_is_agreed_on_only_if_returned() {
        let accepted = HandshakeAnswer::Accept {
            subprotocol: Some("mine".to_owned()),
        };
        assert_eq!(
            connect(r#"{"statusCode":200,"headers":{"Sec-WebSocket-Protocol":"mine"}}"#),
            accepted
        );
        assert_eq!(
            connect(r#"{"statusCode":200,"headers":{"sec-websocket-protocol":"mine"}}"#),
            accepted
        );
        assert_eq!(
            connect(
                r#"{"statusCode":200,"multiValueHeaders":{"Sec-WebSocket-Protocol":["mine"]}}"#
            ),
            accepted
        );
        assert_eq!(
            connect(r#"{"statusCode":200,"headers":{"Sec-WebSocket-Protocol":"a\r\nb"}}"#),
            bad_gateway()
        );
    }

    #[test]
    fn another_status_is_the_status_of_the_handshake() {
        for status in [301, 400, 401, 403, 429, 500] {
            let refused = HandshakeAnswer::Refuse {
                status,
                body: "no".to_owned(),
            };
            assert_eq!(
                connect(&format!(r#"{{"statusCode":{status},"body":"no"}}"#)),
                refused
            );
        }
    }

    #[test]
    fn a_failed_or_malformed_connect_is_502() {
        assert_eq!(
            connect_answer(&InvokeResult::FunctionError(b"{}")),
            bad_gateway()
        );
        assert_eq!(connect_answer(&InvokeResult::Failed), bad_gateway());
        for payload in [
            "null",
            "{}",
            "",
            "\"ok\"",
            r#"{"statusCode":"yes"}"#,
            r#"{"statusCode":200,"body":{}}"#,
        ] {
            assert_eq!(connect(payload), bad_gateway(), "{payload}");
        }
        assert!(matches!(
            bad_gateway(),
            HandshakeAnswer::Refuse { status: 502, .. }
        ));
    }

    #[test]
    fn a_complaint_says_what_to_do_in_one_line() {
        let line = complaint(&InvokeResult::Answer(b"null")).map(|error| error.to_string());
        assert_eq!(
            line.as_deref(),
            Some("the answer is null and not an object: return {\"statusCode\": 200}")
        );
        assert_eq!(
            complaint(&InvokeResult::Answer(br#"{"statusCode":200}"#)),
            None
        );
        assert_eq!(complaint(&InvokeResult::Failed), None);
    }

    #[test]
    fn a_body_goes_back_only_with_a_route_response() {
        let body = reply(r#"{"statusCode":200,"body":"pong"}"#);
        assert_eq!(body, RouteReply::Body("pong".to_owned()));
        assert_eq!(
            body.clone().frame(true, "c=", "r=").as_deref(),
            Some("pong")
        );
        assert_eq!(body.frame(false, "c=", "r="), None);
    }

    #[test]
    fn a_body_may_be_as_long_as_a_message_and_no_longer() {
        let of = |bytes| RouteReply::Body("x".repeat(bytes));
        assert_eq!(
            of(MESSAGE_BYTES).frame(true, "c=", "r="),
            Some("x".repeat(MESSAGE_BYTES))
        );
        let longer = of(MESSAGE_BYTES + 1);
        assert!(longer.is_too_long());
        assert_eq!(longer.clone().frame(false, "c=", "r="), None);
        assert_eq!(
            longer.frame(true, "c=", "r="),
            Some(internal_error_frame("c=", "r="))
        );
    }

    #[test]
    fn the_status_of_a_message_does_not_matter_and_base64_is_decoded() {
        assert_eq!(
            reply(r#"{"statusCode":500,"body":"oops"}"#),
            RouteReply::Body("oops".to_owned())
        );
        let encoded = r#"{"statusCode":200,"body":"cG9uZw==","isBase64Encoded":true}"#;
        assert_eq!(reply(encoded), RouteReply::Body("pong".to_owned()));
        assert_eq!(
            reply(r#"{"statusCode":200,"body":"/w==","isBase64Encoded":true}"#),
            RouteReply::Failed
        );
    }

    #[test]
    fn no_body_is_no_frame() {
        for payload in [
            r#"{"statusCode":200}"#,
            r#"{"statusCode":200,"body":null}"#,
            r#"{"statusCode":200,"body":""}"#,
        ] {
            assert_eq!(reply(payload), RouteReply::Nothing);
            assert_eq!(reply(payload).frame(true, "c=", "r="), None);
        }
    }

    #[test]
    fn a_failure_is_an_error_frame_with_or_without_a_route_response() {
        let frame = r#"{"message":"Internal server error","connectionId":"c=","requestId":"r="}"#;
        for result in [
            InvokeResult::FunctionError(b"{}"),
            InvokeResult::Failed,
            InvokeResult::Answer(b"null"),
        ] {
            assert_eq!(route_response(&result), RouteReply::Failed);
            assert_eq!(
                route_response(&result).frame(true, "c=", "r=").as_deref(),
                Some(frame)
            );
            assert_eq!(
                route_response(&result).frame(false, "c=", "r=").as_deref(),
                Some(frame)
            );
        }
    }

    #[test]
    fn frames_carry_both_ids() {
        assert_eq!(
            forbidden_frame("c=", "r="),
            r#"{"message":"Forbidden","connectionId":"c=","requestId":"r="}"#
        );
        assert_eq!(
            unauthorized_frame("c=", "r="),
            r#"{"message":"Unauthorized","connectionId":"c=","requestId":"r="}"#
        );
        assert_eq!(
            bad_request_body_frame("c=", "m="),
            r#"{"message":"Bad request body","connectionId":"c=","messageId":"m="}"#
        );
    }
}
