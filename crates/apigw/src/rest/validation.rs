//! What of a request is checked before its integration, where the method has a request validator.

use super::exchange::Exchange;
use super::fault::Fault;
use serde_json::Value;
use std::collections::BTreeMap;

/// A method's request validator and what it validates by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Validator {
    /// Whether the body is held against its model.
    pub body: bool,
    /// Whether what is required must be there.
    pub parameters: bool,
    /// Model names by content type.
    pub models: BTreeMap<String, String>,
    /// `method.request.querystring.page`: what is required.
    pub required: Vec<String>,
}

/// Holds a request against what its method requires. `models` are the API's, by name.
///
/// # Errors
/// [`BadRequestParameters`](super::FaultKind::BadRequestParameters) or
/// [`BadRequestBody`](super::FaultKind::BadRequestBody).
pub fn check(
    validator: &Validator,
    models: &BTreeMap<String, Value>,
    exchange: &Exchange<'_>,
) -> Result<(), Fault> {
    let _ = (validator, models, exchange);
    todo!()
}
