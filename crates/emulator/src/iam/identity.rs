//! Roles and users, with their policies: each read once, when it comes.

use super::Ask;
use crate::id;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use tether_iam::{Context, Policy, PolicyError};
use time::OffsetDateTime;

/// A role or a user.
pub(crate) struct Identity {
    pub(crate) arn: String,
    pub(crate) name: String,
    /// `AROA…`, `AIDA…`
    pub(crate) id: String,
    pub(crate) created: OffsetDateTime,
    rules: RwLock<Arc<Rules>>,
}

/// What it may do, and, for a role, who may become it.
#[derive(Clone, Default)]
pub(crate) struct Rules {
    pub(crate) trust: Option<Arc<Document>>,
    /// By name.
    pub(crate) inline: BTreeMap<String, Arc<Document>>,
    /// By ARN.
    pub(crate) managed: BTreeMap<String, Arc<Document>>,
    /// The policy's ARN, and what it says.
    pub(crate) boundary: Option<(String, Arc<Document>)>,
}

/// A policy as it was written, as it is asked, and how often it was used.
pub(crate) struct Document {
    pub(crate) text: Value,
    policy: Policy,
    /// By statement, then by pattern of its actions.
    used: Vec<Vec<AtomicU64>>,
}

impl Identity {
    /// A role or a user, by its ARN.
    pub(crate) fn new(arn: String, rules: Rules) -> Self {
        let name = arn.rsplit('/').next().unwrap_or_default().to_owned();
        let prefix = if arn.contains(":role/") {
            "AROA"
        } else {
            "AIDA"
        };
        Self {
            id: format!("{prefix}{}", id::stable(&arn, 17, id::UPPER)),
            name,
            arn,
            created: OffsetDateTime::now_utc(),
            rules: RwLock::new(Arc::new(rules)),
        }
    }

    /// `role` or `user`.
    pub(crate) fn kind(&self) -> &'static str {
        if self.arn.contains(":role/") {
            "role"
        } else {
            "user"
        }
    }

    /// Its path and name: `/team/deployer`.
    pub(crate) fn path(&self) -> &str {
        let resource = self.arn.splitn(6, ':').nth(5).unwrap_or_default();
        let start = resource.find('/').unwrap_or_default();
        let end = resource.rfind('/').unwrap_or_default();
        resource.get(start..=end).unwrap_or("/")
    }

    pub(crate) fn rules(&self) -> Arc<Rules> {
        let rules = self.rules.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&rules)
    }

    /// Changes them: whoever asks from now on finds the new ones.
    pub(crate) fn change<T>(&self, how: impl FnOnce(&mut Rules) -> T) -> T {
        let mut rules = self.rules.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = Rules::clone(&rules);
        let answer = how(&mut changed);
        *rules = Arc::new(changed);
        answer
    }
}

impl Rules {
    /// Each policy that allows or denies.
    pub(super) fn documents(&self) -> Vec<&Document> {
        let all = self.inline.values().chain(self.managed.values());
        all.map(Arc::as_ref).collect()
    }

    pub(super) fn boundary(&self) -> Option<&Policy> {
        self.boundary.as_ref().map(|(_, it)| &it.policy)
    }

    pub(super) fn trust(&self) -> Option<&Policy> {
        self.trust.as_ref().map(|it| &it.policy)
    }
}

impl Document {
    /// The policy of an identity.
    pub(crate) fn of_identity(text: Value) -> Result<Arc<Self>, PolicyError> {
        Policy::parse(&text).map(|it| Self::of(text, it))
    }

    /// A trust policy.
    pub(crate) fn of_trust(text: Value) -> Result<Arc<Self>, PolicyError> {
        Policy::of_trust(&text).map(|it| Self::of(text, it))
    }

    /// What stands for a policy that is not known: it grants nothing.
    pub(crate) fn silent() -> Arc<Self> {
        Self::of(Value::Null, Policy::silent())
    }

    fn of(text: Value, policy: Policy) -> Arc<Self> {
        let counters = policy.statements.iter().map(|statement| {
            let patterns = statement.actions.patterns();
            patterns.iter().map(|_| AtomicU64::new(0)).collect()
        });
        let used = counters.collect();
        Arc::new(Self { text, policy, used })
    }

    pub(super) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Counts what of it allows a call.
    pub(super) fn count(&self, ask: &Ask, context: &Context) {
        for (statement, pattern) in self.policy.uses(&ask.action, &ask.resource, context) {
            let counter = self.used.get(statement).and_then(|it| it.get(pattern));
            if let Some(counter) = counter {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// How often each pattern of a statement's actions was used.
    pub(super) fn used(&self, statement: usize) -> Vec<u64> {
        let counters = self.used.get(statement).into_iter().flatten();
        counters.map(|it| it.load(Ordering::Relaxed)).collect()
    }
}
