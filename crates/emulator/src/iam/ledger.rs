//! What was used of each role's policies, and what was refused to whom.

use super::identity::{Document, Identity};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use tether_iam::policy::Selection;
use tether_iam::{Denied, Effect};

/// Refusals, counted by who, what, on what and why.
#[derive(Default)]
pub(super) struct Denials(Mutex<BTreeMap<[String; 4], u64>>);

impl Denials {
    pub(super) fn count(&self, denied: &Denied) {
        let key = [
            denied.principal.clone(),
            denied.action.clone(),
            denied.resource.clone(),
            denied.to_string(),
        ];
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *all.entry(key).or_default() += 1;
    }

    pub(super) fn listed(&self) -> Value {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = all
            .iter()
            .map(|([principal, action, resource, message], count)| {
                json!({
                    "principal": principal,
                    "action": action,
                    "resource": resource,
                    "message": message,
                    "count": count,
                })
            });
        rows.collect()
    }
}

/// A role, with each statement of its policies.
pub(super) fn of(role: &Identity) -> Value {
    let rules = role.rules();
    let named = rules.inline.iter().chain(rules.managed.iter());
    let statements = named.flat_map(|(name, document)| statements(name, document));
    json!({
        "arn": role.arn,
        "name": role.name,
        "statements": statements.collect::<Vec<_>>(),
    })
}

fn statements(policy: &str, document: &Document) -> Vec<Value> {
    let all = document.policy().statements.iter().enumerate();
    let shown = all.map(|(position, it)| {
        let effect = match it.effect {
            Effect::Allow => "Allow",
            Effect::Deny => "Deny",
        };
        let patterns = it.actions.patterns().iter().zip(document.used(position));
        let actions =
            patterns.map(|(action, used)| json!({ "action": action.text(), "used": used }));
        let resources = it.resources.as_ref().map(Selection::patterns);
        let resources = resources.into_iter().flatten().map(|it| it.text());
        json!({
            "policy": policy,
            "sid": it.sid,
            "effect": effect,
            "allBut": matches!(it.actions, Selection::AllBut(_)),
            "actions": actions.collect::<Vec<_>>(),
            "resources": resources.collect::<Vec<_>>(),
        })
    });
    shown.collect()
}
