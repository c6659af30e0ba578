//! The loop in the layer: takes each event from the Runtime API, carries it to
//! the laptop, or hands it to the deployed code.
//!
//! It lives in somebody else's function. Whatever fails ends in the deployed
//! code, as long as the event cannot have reached a laptop; nothing waits
//! without a bound; nothing panics.
//!
//! One invocation, from top to bottom: `life` takes the event and decides by
//! what `lookup` knows of the session, `carrier` carries it (over the state machine in `tether_protocol::carry`),
//! `deployed` starts the original command and is a Runtime API to it.

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

mod access;
mod carrier;
mod deployed;
mod guarded;
mod guest;
mod life;
mod log;
mod lookup;
mod parcel;
mod settings;
mod upstream;

pub use guest::Guest;
pub use life::{run, step_aside};
pub use settings::{Plan, Settings};

use tether_protocol::Timestamp;

/// The wall clock: deadlines are given by it, and it goes on over a freeze.
fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp(since.map_or(0, |it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX)))
}
