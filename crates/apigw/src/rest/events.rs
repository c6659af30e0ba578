//! The event of a Lambda proxy integration.

use super::binary::MediaTypes;
use super::exchange::Exchange;
use serde_json::{Map, Value};

/// The event that a function of a Lambda proxy integration gets.
#[must_use]
pub fn proxy_event(exchange: &Exchange<'_>, binary: &MediaTypes) -> Value {
    let _ = (exchange, binary);
    todo!()
}

/// `requestContext` of that event, and of a REQUEST authorizer's.
#[must_use]
pub fn request_context(exchange: &Exchange<'_>) -> Map<String, Value> {
    let _ = exchange;
    todo!()
}
