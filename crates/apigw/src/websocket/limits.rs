//! What API Gateway allows a WebSocket connection.
//!
//! None of frame, message, idle time and lifetime can be raised, so code that
//! passes here passes there
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html>).

use std::time::Duration;

/// Largest frame, in bytes of payload: 32 KB.
pub const FRAME_BYTES: usize = 32 * 1024;

/// Largest message, in bytes over all its frames: 128 KB. It holds for
/// `@connections` as well, where what is longer is refused with 413.
pub const MESSAGE_BYTES: usize = 128 * 1024;

/// A connection without a message for this long is closed.
pub const IDLE: Duration = Duration::from_secs(10 * 60);

/// A connection is closed at this age, whatever it does.
pub const LIFETIME: Duration = Duration::from_secs(2 * 60 * 60);

/// Longest that an integration may take.
pub const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(29);

/// Largest result of an authorizer function, in bytes of JSON: 8 KB.
pub const AUTHORIZER_RESULT_BYTES: usize = 8 * 1024;

/// Longest URL of a handshake, in characters.
pub const URL_CHARS: usize = 4096;

/// Close code at the end of [`IDLE`] or [`LIFETIME`] ("going away", RFC 6455
/// section 7.4.1). The limit is documented, the code is `[inf]`: serverless-offline
/// uses it, and captured disconnects show it.
pub const CLOSE_GOING_AWAY: u16 = 1001;

/// Close code for a binary frame: only text is supported
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-develop-binary-media-types.html>).
pub const CLOSE_BINARY: u16 = 1003;

/// Close code for a message that breaks a rule of the application's.
pub const CLOSE_POLICY: u16 = 1008;

/// Close code for a frame over [`FRAME_BYTES`] or a message over [`MESSAGE_BYTES`].
pub const CLOSE_TOO_BIG: u16 = 1009;

/// The close code that a data frame earns, or `None` if it is welcome.
///
/// `message_bytes` counts the message so far, this frame included.
#[must_use]
pub fn close_code(binary: bool, frame_bytes: usize, message_bytes: usize) -> Option<u16> {
    if binary {
        return Some(CLOSE_BINARY);
    }
    (frame_bytes > FRAME_BYTES || message_bytes > MESSAGE_BYTES).then_some(CLOSE_TOO_BIG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_and_a_message_may_be_exactly_as_long_as_allowed() {
        assert_eq!(close_code(false, FRAME_BYTES, MESSAGE_BYTES), None);
        assert_eq!(
            close_code(false, FRAME_BYTES + 1, FRAME_BYTES + 1),
            Some(1009)
        );
        assert_eq!(close_code(false, 1, MESSAGE_BYTES + 1), Some(1009));
    }

    #[test]
    fn binary_is_refused_whatever_its_length() {
        assert_eq!(close_code(true, 0, 0), Some(1003));
        assert_eq!(
            close_code(true, FRAME_BYTES + 1, FRAME_BYTES + 1),
            Some(1003)
        );
    }
}
