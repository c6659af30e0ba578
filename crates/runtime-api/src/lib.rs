//! The Lambda Runtime API as values, both halves: what a runtime sends and
//! what it gets (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>).
//!
//! Pure: a verb becomes an [`http::Request`] without being sent, and a request
//! becomes a [`Route`] without a server.

// No panic: this runs inside other people's functions.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::todo,
        clippy::unimplemented,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss
    )
)]

pub mod environment;
mod error;
mod event_stream;
pub mod header;
mod invocation;
pub mod log;
mod route;
pub mod runtimes;
mod streaming;
pub mod verb;

pub use error::{ErrorObject, Refusal};
pub use event_stream::{EVENT_STREAM_CONTENT_TYPE, InvokeComplete, payload_chunks};
pub use invocation::{Invocation, NotAnInvocation};
pub use route::Route;
pub use streaming::{
    MAX_STREAM, NoPrelude, PRELUDE_CONTENT_TYPE, Prelude, PreludeReader, ResponseMode, StreamPart,
};

/// Largest buffered event or answer, in bytes: 6 MB and 100 bytes of grace
/// (`MaxPayloadSize` of AWS's runtime interface emulator).
pub const MAX_PAYLOAD: usize = 6 * 1024 * 1024 + 100;
