//! REST APIs, payload 1.0: from the request line to the answer.
//!
//! What a front does with one request, and who answers each step:
//!
//! 1. [`limits::check`] refuses what is too long, [`take_stage`] finds the stage in the path,
//!    and [`Routes::find`] the method that answers. From here on the request is an [`Exchange`].
//! 2. The authorizer runs ([`authorizer`](crate::authorizer)), beside the API's own
//!    [`policy`]; what it says goes into [`Exchange::authorizer`].
//! 3. [`Meter::admit`] holds the API key against the usage plans, and a
//!    [`Bucket`](crate::throttle::Bucket) the stage's limits.
//! 4. A body that came compressed is decompressed ([`request_coding`]), and
//!    [`validation::check`] holds the request against what the method requires.
//! 5. A Lambda proxy integration gets [`proxy_event`] and answers by [`proxy_answer`] (or, while
//!    it streams, [`stream_head`]); every other one is called as [`integration::prepare`] says and
//!    answers by [`integration::answer`].
//! 6. Whatever went wrong on the way is a [`Fault`]: its reason is for the log, and
//!    [`GatewayResponses::answer`] makes the client's answer of it. [`finish`] puts on every
//!    answer the headers that all have.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-rest-api.html>

mod answers;
mod binary;
mod coding;
mod events;
mod exchange;
mod fault;
mod gateway_responses;
mod headers;
pub mod integration;
mod keys;
pub mod limits;
pub(crate) mod pattern;
mod payload;
pub mod policy;
mod routes;
pub(crate) mod schema;
pub mod validation;

pub use answers::{Compression, compression, finish, proxy_answer, stream_head};
pub use binary::MediaTypes;
pub use coding::{body_too_long, malformed_body, request_coding};
pub use events::{proxy_event, request_context};
pub use exchange::{Exchange, Identity, KeyUse, Stage};
pub use fault::{Fault, FaultKind};
pub use gateway_responses::{GatewayResponse, GatewayResponses};
pub use keys::{Key, Meter, NO_USAGE_KEY, Period, Plan, Quota};
pub use routes::{Matched, Method, Routes, StagePath, take_stage};

#[cfg(test)]
mod fixtures;
#[cfg(test)]
pub(crate) use fixtures::answered;
