//! What the emulator's API Gateway reads of a user's policies and expressions.

use serde_json::Value;
use tether_apigw::query;
use tether_apigw::websocket::RouteSelection;
use tether_iam::{Context, Decision, Effect, Policy};

const ARN: &str = "arn:aws:execute-api:eu-west-1:123456789012:abc/live/$connect";

pub(crate) fn policy(bytes: &[u8]) {
    let Ok(document) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    let Ok(policy) = Policy::parse(&document) else {
        return;
    };
    let allows = |effect| policy.statements.iter().any(|it| it.effect == effect);
    match tether_iam::evaluate(&policy, "execute-api:Invoke", ARN, &Context::partial()) {
        Ok(Decision::Allow) => assert!(allows(Effect::Allow)),
        Ok(Decision::ExplicitDeny) => assert!(allows(Effect::Deny)),
        Ok(Decision::ImplicitDeny) => {}
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// The first line is the expression, the rest the message.
pub(crate) fn selection(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let (expression, body) = text.split_once('\n').unwrap_or((text, "{}"));
    if let Ok(selection) = RouteSelection::parse(expression) {
        let key = selection.select(body);
        // Each of its variables gives the whole message at most, as text.
        assert!(key.len() <= expression.len() * (8 * body.len() + 16));
    }
    let decoded = query::decode(expression);
    let length: usize = decoded.iter().map(|(k, v)| k.len() + v.len()).sum();
    assert!(length <= 3 * expression.len());
}
