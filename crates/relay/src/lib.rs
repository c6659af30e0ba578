//! Carries messages: the receiver's WebSocket, and posts to a connection.

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

mod post;
mod socket;
mod tunnel;

pub use post::{Posted, Poster};
pub use socket::{ConnectError, Incoming, Socket, SocketSender, Target};
pub use tunnel::reach;
