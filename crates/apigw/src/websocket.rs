//! WebSocket APIs: from the handshake to the last close frame.
//!
//! The life of a connection, and who answers each step:
//!
//! 1. The client asks for the upgrade. If `$connect` has an authorizer, it gets
//!    [`authorizer_event`]; see [`authorizer`](crate::authorizer).
//! 2. If there is a `$connect` route, its function gets [`connect_event`], and
//!    [`connect_answer`] says what the handshake becomes. Until then the
//!    connection is not there for `@connections`.
//! 3. Each message is measured by [`limits::close_code`], selects a key by
//!    [`RouteSelection::select`] and a route by [`choose_route`], and is held against the
//!    route's model by [`validation::check`]; its function gets [`message_event`], and
//!    [`route_response`] says what goes back. What is no proxy has
//!    [`Templates`](templates::Templates) in between.
//! 4. At the end, however it comes, `$disconnect` gets [`disconnect_event`].
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-overview.html>

mod answers;
mod events;
pub mod frames;
pub(crate) mod json_path;
pub mod limits;
mod parameters;
mod routes;
pub mod rules;
pub mod templates;
pub mod throttle;
pub mod validation;

pub use crate::invoke::InvokeResult;
pub use answers::{
    HandshakeAnswer, RouteReply, bad_request_body_frame, complaint, connect_answer,
    forbidden_frame, internal_error_frame, refused_frame, route_response, throttled_frame,
    unauthorized_frame,
};
pub(crate) use events::connect_context;
pub use events::{
    Connection, Forwarded, Handshake, NO_STATUS_CODE, NO_STATUS_REASON, Stamp, authorizer_event,
    connect_event, disconnect_event, message_event, method_arn,
};
pub use json_path::PathError;
pub use parameters::Mapped;
pub use routes::{CONNECT, DEFAULT, DISCONNECT, RouteSelection, SelectionError, choose_route};

#[cfg(test)]
pub(crate) use events::fixtures;
