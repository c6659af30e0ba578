//! What LocalStack recorded on AWS, replayed: the events that functions see and the answers that
//! clients get are equal, but for ids, times and what the edge adds.
//!
//! The recordings are not part of this repository; without them the tests say "skipped".

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot read its recording should stop, and one without should say so"
)]

#[path = "aws_recorded_rest/scene.rs"]
mod scene;

#[path = "aws_recorded_rest/mapped.rs"]
mod mapped;

#[path = "aws_recorded_rest/proxy.rs"]
mod proxy;
