//! API Gateway's HTTP front on this machine: REST APIs, HTTP APIs and function
//! URLs, each on a port.
//!
//! The rules are [`tether_apigw`]'s, what is served is a [`tether_sam::api::Api`], and functions are
//! whatever [`Functions`] runs: deployed copies in the emulator, working copies in `tether local`.

mod functions;
pub mod http1;

pub use functions::{Call, Functions, Outcome, Streamed};
