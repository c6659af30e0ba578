//! What the gateway itself answers, and how an API may change that.

use super::exchange::Exchange;
use super::fault::{Fault, FaultKind};
use crate::http::{Answer, Stamp};
use std::collections::BTreeMap;

/// One gateway response of an API.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GatewayResponse {
    /// Another status than its own.
    pub status: Option<String>,
    /// `gatewayresponse.header.x` → `'value'`, `method.request.header.y`, `context.z`.
    pub parameters: BTreeMap<String, String>,
    /// Bodies by content type, with `$context.error.messageString` and the like in them.
    pub templates: BTreeMap<String, String>,
}

/// The gateway responses that an API changes, by their type: `DEFAULT_4XX`, `UNAUTHORIZED`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GatewayResponses(pub BTreeMap<String, GatewayResponse>);

impl GatewayResponses {
    /// What the client gets for a fault, before [`finish`](super::finish).
    #[must_use]
    pub fn answer(&self, fault: &Fault, exchange: &Exchange<'_>) -> Answer {
        let _ = (fault, exchange);
        todo!()
    }

    /// What the client gets before its stage is known, finished.
    #[must_use]
    pub fn answer_outside(kind: FaultKind, stamp: &Stamp) -> Answer {
        let _ = (kind, stamp);
        todo!()
    }
}
