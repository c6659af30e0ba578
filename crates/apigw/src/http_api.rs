//! HTTP APIs: from the request line to the answer.
//!
//! What a front does with a request, and who answers each step:
//!
//! 1. [`Stages::find`] says which stage is meant, and [`Routes::select`] which route. Without one
//!    the answer is [`not_found`].
//! 2. Whoever must be authorized is: see [`authorizer`](crate::authorizer), [`jwt`](crate::jwt) and
//!    [`sigv4`](crate::sigv4); [`route_arn`] names what is asked for. This comes before CORS: a
//!    preflight that meets a route with an authorizer (`$default`, `ANY`) is refused like any other
//!    request, as AWS documents.
//! 3. [`cors::preflight`](crate::cors::preflight) answers preflights, with or without a route.
//! 4. [`RequestMappings`] change the request, and [`event_v2`] or [`event_v1`] make an event of it;
//!    for an HTTP integration [`outgoing`] says what goes out.
//! 5. [`answer_v2`], [`answer_v1`] or [`answer_http`] say what comes back, [`ResponseMappings`]
//!    change it, [`cors::apply`](crate::cors::apply) has the last word on CORS headers, and
//!    [`finish`] adds the request's id.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api.html>

mod answers;
pub(crate) mod events;
mod mapping;
mod outgoing;
mod routes;
mod stages;
mod variables;

pub use answers::{
    MalformedReply, answer_v1, answer_v2, finish, forbidden, internal_error, not_found, timed_out,
    too_large, too_many_requests, unauthorized,
};
pub(crate) use answers::{Payload, structured, whole};
pub use events::{Exchange, event_v1, event_v2, route_arn};
pub use mapping::{MappingError, RequestMappings, ResponseMappings};
pub use outgoing::{Outgoing, OutgoingError, ServiceIntegration, answer_http, outgoing};
pub use routes::{DEFAULT, Match, RouteKey, RouteKeyError, Routes};
pub use stages::{DEFAULT_STAGE, Found, Stages};
pub use variables::context_variable;

#[cfg(test)]
mod events_tests;
