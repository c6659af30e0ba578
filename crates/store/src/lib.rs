//! The three tables, over `aws-sdk-dynamodb`.
//!
//! One method for each step that the protocol takes; every write that decides
//! something is conditional, and its outcome says who won.

mod chunks;
mod client;
mod correlation;
mod journal;
mod sessions;

pub use client::{Item, StoreError, read, row};
pub use correlation::{Claim, Correlation};
pub use journal::Journal;
pub use sessions::Sessions;
