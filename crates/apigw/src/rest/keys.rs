//! API keys and usage plans: who may ask how often.

use super::exchange::KeyUse;
use super::fault::Fault;
use crate::throttle::Limit;
use std::fmt;

/// A usage plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Its name in the template.
    pub name: String,
    /// The stages of this API that it opens.
    pub stages: Vec<String>,
    /// Its keys.
    pub keys: Vec<Key>,
    /// How fast each of them may ask.
    pub throttle: Option<Limit>,
    /// How often in how long.
    pub quota: Option<Quota>,
}

/// An API key. Its value is a secret, and does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    /// Its id.
    pub id: String,
    /// What clients send.
    pub value: String,
    /// One that is not enabled opens nothing.
    pub enabled: bool,
}

impl fmt::Debug for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Key")
            .field("id", &self.id)
            .field("enabled", &self.enabled)
            .finish_non_exhaustive()
    }
}

/// A quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Requests.
    pub requests: u64,
    /// In this time.
    pub period: Period,
}

/// How long a quota holds, by the calendar in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// `DAY`
    Day,
    /// `WEEK`, from Monday on.
    Week,
    /// `MONTH`
    Month,
}

/// An API's usage plans, and what was used of them.
#[derive(Debug, Clone)]
pub struct Meter {
    plans: Vec<Plan>,
}

impl Meter {
    /// Nothing was used yet.
    #[must_use]
    pub fn new(plans: Vec<Plan>) -> Self {
        Self { plans }
    }

    /// Lets a request in that needs an API key, and counts it.
    ///
    /// # Errors
    /// [`InvalidApiKey`](super::FaultKind::InvalidApiKey), [`Throttled`](super::FaultKind::Throttled)
    /// or [`QuotaExceeded`](super::FaultKind::QuotaExceeded).
    pub fn admit(&mut self, stage: &str, key: Option<&str>, now_ms: u64) -> Result<KeyUse, Fault> {
        let _ = (&self.plans, stage, key, now_ms);
        todo!()
    }
}
