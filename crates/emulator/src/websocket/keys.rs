//! API keys of `$connect`: those that the stack declares, in the usage plans that
//! open the stage. Where a stack declares none at all, they are made elsewhere, and
//! any key that is sent is let in.

use super::Api;
use std::sync::{Arc, PoisonError};
use tether_apigw::rest::{Fault, FaultKind, NO_USAGE_KEY};
use tether_apigw::websocket::{
    Connection, HandshakeAnswer, Stamp, forbidden_frame, throttled_frame,
};
use tether_gateway::Meters;
use tether_sam::WebSocketApi;

impl Api {
    /// The stack is made: from now on these keys open it.
    pub(crate) fn open_by(&self, api: &WebSocketApi) {
        let asks = |it: &tether_sam::Route| it.route_key == "$connect" && it.api_key_required;
        if api.usage_plans.is_none() && api.routes.iter().any(asks) {
            self.tell_of_keys();
        }
        let mut meters = self.meters.write().unwrap_or_else(PoisonError::into_inner);
        let same = |it: &Arc<Meters>| {
            api.usage_plans
                .as_deref()
                .is_some_and(|plans| it.are_of(plans))
        };
        if !meters.as_ref().is_some_and(same) {
            let made = api.usage_plans.as_deref().map(Meters::new);
            *meters = made.map(Arc::new);
        }
    }

    /// Once is enough.
    fn tell_of_keys(&self) {
        self.keys_told.call_once(|| {
            self.notice(format!(
                "{} asks for API keys and the template declares none: any key that is sent is let in; declare AWS::ApiGateway::ApiKey, UsagePlan and UsagePlanKey to have it checked",
                self.logical_id
            ));
        });
    }

    fn meters(&self) -> Option<Arc<Meters>> {
        let meters = self.meters.read();
        meters.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Where keys come from
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-selection-expressions.html#apigateway-websocket-api-apikey-selection-expressions>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeySource {
    /// `$request.header.x-api-key`
    Header,
    /// `$context.authorizer.usageIdentifierKey`
    Authorizer,
}

impl KeySource {
    /// By the API's expression; without one it is the header.
    pub(super) fn of(api: &WebSocketApi) -> Result<Self, String> {
        match api.api_key_selection.as_deref() {
            None | Some("$request.header.x-api-key") => Ok(Self::Header),
            Some("$context.authorizer.usageIdentifierKey") => Ok(Self::Authorizer),
            Some(other) => Err(format!(
                "{}: {other} is no ApiKeySelectionExpression: $request.header.x-api-key is one, and $context.authorizer.usageIdentifierKey",
                api.logical_id
            )),
        }
    }
}

impl KeySource {
    /// Why there is no key.
    fn lacks(self) -> &'static str {
        match self {
            Self::Header => "the handshake has no API key: send one in x-api-key",
            Self::Authorizer => NO_USAGE_KEY,
        }
    }
}

/// None: the key is good.
pub(super) fn check(
    api: &Api,
    connection: &mut Connection,
    source: KeySource,
    key: Option<String>,
    stamp: &Stamp,
) -> Option<HandshakeAnswer> {
    let key = key.filter(|it| !it.is_empty());
    let used = match (api.meters(), key.as_deref()) {
        (_, None) => Err(Fault::new(FaultKind::InvalidApiKey, source.lacks())),
        (None, Some(_)) => Ok(None),
        (Some(meters), key) => meters
            .admit(&connection.stage, None, key, stamp.now_ms)
            .map(Some),
    };
    match used {
        Ok(used) => {
            connection.api_key = key;
            connection.api_key_id = used.map(|it| it.id);
            None
        }
        Err(fault) => {
            api.notice(format!("{} $connect: {}", api.logical_id, fault.reason));
            Some(refusal(fault.kind, connection, stamp))
        }
    }
}

fn refusal(kind: FaultKind, connection: &Connection, stamp: &Stamp) -> HandshakeAnswer {
    let (id, request) = (&connection.connection_id, &stamp.request_id);
    match kind {
        FaultKind::Throttled | FaultKind::QuotaExceeded => HandshakeAnswer::Refuse {
            status: 429,
            body: throttled_frame(id, request),
        },
        _ => HandshakeAnswer::Refuse {
            status: 403,
            body: forbidden_frame(id, request),
        },
    }
}
