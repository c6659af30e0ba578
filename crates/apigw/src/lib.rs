//! API Gateway's rules, as functions from values to values.
//!
//! What a function sees of a client, what a client sees of a function's answer,
//! and who is let in. The emulator owns the sockets and asks this crate what
//! they should carry: ids and times are arguments, nothing here waits, reads a
//! clock or draws a random number.
//!
//! | module | answers |
//! |---|---|
//! | [`websocket`] | which event, which route, which frame, which handshake answer |
//! | [`http`] | what requests and answers are |
//! | [`rest`] | REST APIs: which method, which event, which answer |
//! | [`throttle`] | a token bucket |
//! | [`http_api`] | which stage and route, which event, which answer of an HTTP API |
//! | [`url`] | which event, which answer of a function URL |
//! | [`prelude`] | where the head of a streamed answer ends |
//! | [`cors`] | what browsers are told |
//! | [`caller`] | what events say of whoever was let in |
//! | [`jwt`] | is a token good, and what do events say of it |
//! | [`sigv4`] | who signed, and did they know the secret |
//! | [`connections`] | what `@connections` understands and says |
//! | [`authorizer`] | does the authorizer run, and what did it decide |
//! | [`connection_id`] | what connection and request ids look like |
//! | [`query`] | a query string as API Gateway decodes it |
//!
//! # How sure we are
//!
//! A fact that AWS documents, or that was captured from it, has its source
//! beside it. One that we inferred is marked `[inf]`: when a real account shows
//! something else, the mark says where to change it.

pub mod authorizer;
pub mod caller;
mod clock;
pub mod connection_id;
pub mod connections;
pub mod cors;
mod forwarded;
pub mod http;
pub mod http_api;
mod invoke;
pub mod jwt;
mod payload;
pub mod prelude;
mod proxy;
pub mod query;
pub mod rest;
pub mod sigv4;
pub mod throttle;
pub mod url;
mod vtl;
pub mod websocket;

pub use invoke::InvokeResult;
pub use proxy::MalformedAnswer;
