//! What the laptop and the cloud say to each other.
//!
//! # The law of the wire
//!
//! The layer inside a function, the helper stack in the account and the
//! command on the laptop are never all of the same age. Therefore:
//!
//! 1. Messages are JSON objects told apart by `type`. The first message on a
//!    connection ([`message::Hello`]) carries [`PROTOCOL_VERSION`].
//! 2. Fields are only ever added, never renamed, removed or given another
//!    meaning. A new field has a default.
//! 3. Unknown fields are ignored, and unknown message types are tolerated
//!    ([`message::ToLaptop::Unknown`], [`message::ToCloud::Unknown`]).
//! 4. A golden file exists for every message ever shipped (`tests/golden/`):
//!    old ones are only read, never edited.
//!
//! The same holds for the records of the tables ([`records`]).
//!
//! This crate is pure: it knows no socket, file, clock or environment. Time is
//! an argument ([`Timestamp`]).

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

pub mod carry;
pub mod config;
pub mod constants;
mod ids;
pub mod instrumentation;
pub mod message;
mod payload;
pub mod reading;
pub mod records;
pub mod rights;
mod secret;
pub mod serve;
pub mod session;
mod timestamp;

pub use ids::{ClaimId, ConnectionId, InvocationKey, Nonce, SessionId, Side};
pub use payload::{Packed, Payload, PayloadError, Stored, room};
pub use secret::{Environment, Secret, Token, TokenHash};
pub use timestamp::Timestamp;

/// Version of this protocol, sent in the first message of a connection and
/// given by the helper stack's output `Version`.
pub const PROTOCOL_VERSION: u32 = 1;
