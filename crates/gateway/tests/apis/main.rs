//! APIs of templates over real sockets, whose functions are closures.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod authorizers;
mod compressed;
mod desk;
mod http_apis;
mod integrations;
mod keys;
mod one_port;
mod policies;
mod rest;
mod streams;
mod upstream;
mod urls;
