//! What the emulator's API Gateway reads of a user's policies and expressions.

use serde_json::Value;
use tether_apigw::query;
use tether_apigw::websocket::RouteSelection;
use tether_iam::{Ask, Context, Decision, Effect, Policies, Policy, Principal};

const ARN: &str = "arn:aws:execute-api:eu-west-1:123456789012:abc/live/$connect";

pub(crate) fn policy(bytes: &[u8]) {
    let Ok(document) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    assume_role(&document);
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

/// Whatever a trust policy says: who gets in was let in by a statement.
fn assume_role(document: &Value) {
    let Ok(trust) = Policy::of_trust(document) else {
        return;
    };
    let role = "arn:aws:iam::123456789012:role/r";
    let principal = Principal::Session {
        arn: "arn:aws:sts::123456789012:assumed-role/f/s".to_owned(),
        role: "arn:aws:iam::123456789012:role/f".to_owned(),
        account: "123456789012".to_owned(),
    };
    let context = Context::new()
        .with("aws:PrincipalAccount", "123456789012")
        .with("aws:SourceIp", "192.0.2.1")
        .with("aws:CurrentTime", "2026-01-01T00:00:00Z")
        .with("sts:ExternalId", "id");
    let ask = Ask {
        principal: &principal,
        action: "sts:AssumeRole",
        resource: role,
        account: "123456789012",
        context: &context,
    };
    let policies = Policies {
        trust: Some(&trust),
        ..Policies::default()
    };
    let allows = trust.statements.iter().any(|it| it.effect == Effect::Allow);
    match tether_iam::authorize(&ask, &policies) {
        Ok(()) => assert!(allows),
        Err(denied) => assert!(denied.to_string().contains("sts:AssumeRole")),
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
