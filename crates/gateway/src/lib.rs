//! API Gateway's HTTP front on this machine: REST APIs, HTTP APIs and function
//! URLs, each on a port.
//!
//! The rules are [`tether_apigw`]'s, what is served is a [`tether_sam::api::Api`], and functions are
//! whatever [`Functions`] runs: deployed copies in the emulator, working copies in `tether local`.

mod authorizers;
mod callers;
mod desk;
mod front;
mod function_url;
mod functions;
pub mod http1;
mod http_api;
mod keys;
mod limits;
mod meters;
mod one_port;
mod rest;
mod signed;
mod sink;
mod stamps;
mod streams;
mod upstream;

pub use callers::{Callers, LocalKeys, Signer};
pub use front::{Front, FrontError, Settings};
pub use functions::{Call, Functions, Outcome, Streamed};
pub use keys::{Keys, KeysError};
pub use meters::Meters;
pub use one_port::{Collision, OnePort};
pub use sink::{Access, Sink};
pub use stamps::{Clock, wall_clock};
pub use upstream::{Incoming, Outgoing, Unusable, Upstream, UpstreamError};
