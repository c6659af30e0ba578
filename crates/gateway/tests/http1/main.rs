//! The server over real sockets, with clients that write bytes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod bodies;
mod connections;
mod malformed;
mod server;
mod streams;
