//! The three tables, over `aws-sdk-dynamodb`.
//!
//! One method for each step that the protocol takes; every write that decides
//! something is conditional, and its outcome says who won.

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

mod chunks;
mod client;
mod correlation;
mod journal;
mod rights;
mod sessions;

pub use client::{Item, StoreError, read, row};
pub use correlation::{Claim, Correlation};
pub use journal::{Journal, UnreadableEntry};
pub use rights::{EVERY_RIGHT, Right};
pub use sessions::Sessions;
