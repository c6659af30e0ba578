//! API keys and usage plans: who may ask how often
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html>).

use super::exchange::KeyUse;
use super::fault::{Fault, FaultKind};
use crate::throttle::{Bucket, Limit};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use time::OffsetDateTime;

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
    /// The same of single methods, by stage and `GET /pets/{id}`: in place of the plan's own
    /// `[inf]`.
    pub methods: BTreeMap<String, BTreeMap<String, Limit>>,
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
    /// By the places of a plan and of a key in it.
    used: HashMap<(usize, usize), Used>,
}

#[derive(Debug, Clone)]
struct Used {
    bucket: Option<Bucket>,
    /// Of the methods that have limits of their own, by stage and method.
    methods: HashMap<(String, String), Bucket>,
    /// When the period began of which `requests` are counted.
    since_day: i64,
    requests: u64,
}

/// Why there is no key where an authorizer is to give it: nobody looks at `x-api-key` then.
pub const NO_USAGE_KEY: &str =
    "the authorizer returned no usageIdentifierKey: let it return the API key of whoever asks";

impl Meter {
    /// Nothing was used yet.
    #[must_use]
    pub fn new(plans: Vec<Plan>) -> Self {
        Self {
            plans,
            used: HashMap::new(),
        }
    }

    /// Lets a request in that needs an API key, and counts it.
    ///
    /// A key opens the stages of the plans that it is in, and none if it is in none. What is
    /// throttled is not counted against the quota `[inf]`. `method` is `GET /pets/{id}`, the one
    /// that the API has; none where there are no methods.
    ///
    /// # Errors
    /// [`InvalidApiKey`](FaultKind::InvalidApiKey), [`Throttled`](FaultKind::Throttled) or
    /// [`QuotaExceeded`](FaultKind::QuotaExceeded).
    pub fn admit(
        &mut self,
        stage: &str,
        method: Option<&str>,
        key: Option<&str>,
        now_ms: u64,
    ) -> Result<KeyUse, Fault> {
        let Some(value) = key.filter(|value| !value.is_empty()) else {
            return Err(invalid("the request has no API key: send one in x-api-key"));
        };
        let place = self.place(stage, value)?;
        let (plan, key) = (&self.plans[place.0], &self.plans[place.0].keys[place.1]);
        let used = self.used.entry(place).or_insert_with(|| Used {
            bucket: plan.throttle.map(|limit| Bucket::new(limit, now_ms)),
            methods: HashMap::new(),
            since_day: 0,
            requests: 0,
        });
        let own = method.and_then(|it| Some((it, *plan.methods.get(stage)?.get(it)?)));
        if !used.take(stage, own, now_ms) {
            let what = own.map(|(method, _)| format!(" for {method}"));
            let reason = format!(
                "the API key {} asks{} faster than {} allows",
                key.id,
                what.unwrap_or_default(),
                plan.name
            );
            return Err(Fault::new(FaultKind::Throttled, reason));
        }
        if !plan.quota.is_none_or(|quota| used.count(quota, now_ms)) {
            let reason = format!(
                "the API key {} has used up the quota of {}",
                key.id, plan.name
            );
            return Err(Fault::new(FaultKind::QuotaExceeded, reason));
        }
        Ok(KeyUse {
            id: key.id.clone(),
            value: value.to_owned(),
        })
    }

    fn place(&self, stage: &str, value: &str) -> Result<(usize, usize), Fault> {
        let keys = self.plans.iter().enumerate().flat_map(|(at, plan)| {
            let keys = plan.keys.iter().enumerate();
            keys.map(move |(key_at, key)| ((at, key_at), plan, key))
        });
        let mut why = invalid("the API key is in no usage plan: check its value, and UsagePlanKey");
        for (place, plan, key) in keys.filter(|(_, _, key)| key.value == value) {
            if !key.enabled {
                why = invalid(&format!("the API key {} is not enabled", key.id));
            } else if plan.stages.iter().any(|name| name == stage) {
                return Ok(place);
            } else {
                why = invalid(&format!(
                    "the API key {} does not open the stage {stage}: add it to {}",
                    key.id, plan.name
                ));
            }
        }
        Err(why)
    }
}

fn invalid(reason: &str) -> Fault {
    Fault::new(FaultKind::InvalidApiKey, reason)
}

impl Used {
    /// Takes a token of the method's own bucket, or else of the key's.
    fn take(&mut self, stage: &str, own: Option<(&str, Limit)>, now_ms: u64) -> bool {
        let bucket = match own {
            Some((method, limit)) => {
                let place = (stage.to_owned(), method.to_owned());
                let bucket = self.methods.entry(place);
                Some(bucket.or_insert_with(|| Bucket::new(limit, now_ms)))
            }
            None => self.bucket.as_mut(),
        };
        bucket.is_none_or(|bucket| bucket.take(now_ms))
    }

    fn count(&mut self, quota: Quota, now_ms: u64) -> bool {
        let since_day = quota.period.began(now_ms);
        if since_day != self.since_day {
            self.since_day = since_day;
            self.requests = 0;
        }
        if self.requests >= quota.requests {
            return false;
        }
        self.requests += 1;
        true
    }
}

impl Period {
    /// The day on which the period of a moment began, counted from 1970 on.
    fn began(self, now_ms: u64) -> i64 {
        let seconds = i64::try_from(now_ms / 1000).unwrap_or(i64::MAX);
        let now = OffsetDateTime::from_unix_timestamp(seconds);
        let date = now.unwrap_or(OffsetDateTime::UNIX_EPOCH).date();
        let day = seconds / 86_400;
        match self {
            Self::Day => day,
            Self::Week => day - i64::from(date.weekday().number_days_from_monday()),
            Self::Month => day - i64::from(date.day()) + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit {
        rate: 2.0,
        burst: 1,
    };

    fn plan(throttle: Option<Limit>, quota: Option<Quota>) -> Plan {
        let key = |id: &str, enabled| Key {
            id: id.to_owned(),
            value: format!("value-of-{id}"),
            enabled,
        };
        Plan {
            name: "Gold".to_owned(),
            stages: vec!["dev".to_owned()],
            keys: vec![key("k1", true), key("k2", false), key("k3", true)],
            throttle,
            methods: BTreeMap::new(),
            quota,
        }
    }

    fn kind(meter: &mut Meter, stage: &str, key: &str, now_ms: u64) -> Option<FaultKind> {
        let admitted = meter.admit(stage, None, Some(key), now_ms);
        admitted.err().map(|fault| fault.kind)
    }

    #[test]
    fn a_key_opens_the_stages_of_its_plan_if_it_is_enabled() {
        let mut meter = Meter::new(vec![plan(None, None)]);
        let used = meter.admit("dev", None, Some("value-of-k1"), 0).unwrap();
        assert_eq!(
            (used.id.as_str(), used.value.as_str()),
            ("k1", "value-of-k1")
        );
        for (stage, key) in [
            ("dev", "value-of-k2"),
            ("prod", "value-of-k1"),
            ("dev", "guess"),
            ("dev", ""),
        ] {
            let refused = Some(FaultKind::InvalidApiKey);
            assert_eq!(kind(&mut meter, stage, key, 0), refused, "{key}");
        }
        let without = meter.admit("dev", None, None, 0).unwrap_err();
        assert_eq!(without.kind, FaultKind::InvalidApiKey);
    }

    #[test]
    fn no_reason_shows_a_keys_value() {
        let mut meter = Meter::new(vec![plan(None, None)]);
        for (stage, key) in [
            ("dev", "value-of-k2"),
            ("prod", "value-of-k1"),
            ("dev", "guess"),
        ] {
            let reason = meter.admit(stage, None, Some(key), 0).unwrap_err().reason;
            assert!(!reason.contains(key), "{reason}");
        }
        assert!(!format!("{meter:?}").contains("value-of"));
    }

    #[test]
    fn each_key_has_a_bucket_of_its_own() {
        let mut meter = Meter::new(vec![plan(Some(LIMIT), None)]);
        assert_eq!(kind(&mut meter, "dev", "value-of-k1", 0), None);
        let throttled = Some(FaultKind::Throttled);
        assert_eq!(kind(&mut meter, "dev", "value-of-k1", 100), throttled);
        assert_eq!(kind(&mut meter, "dev", "value-of-k3", 100), None);
        assert_eq!(kind(&mut meter, "dev", "value-of-k1", 600), None);
    }

    #[test]
    fn a_method_has_a_bucket_of_its_own_in_its_stage() {
        let slow = Limit {
            rate: 1.0,
            burst: 2,
        };
        let mut plan = plan(Some(LIMIT), None);
        plan.stages.push("prod".to_owned());
        let own = BTreeMap::from([("GET /pets".to_owned(), slow)]);
        plan.methods.insert("dev".to_owned(), own);
        let mut meter = Meter::new(vec![plan]);
        let mut ask = |stage: &str, method: &str, key: &str, now_ms| {
            let key = format!("value-of-{key}");
            let admitted = meter.admit(stage, Some(method), Some(&key), now_ms);
            admitted.err().map(|fault| fault.reason)
        };
        assert_eq!(ask("dev", "GET /pets", "k1", 0), None);
        assert_eq!(ask("dev", "GET /pets", "k1", 0), None);
        let reason = ask("dev", "GET /pets", "k1", 0).unwrap();
        assert_eq!(
            reason,
            "the API key k1 asks for GET /pets faster than Gold allows"
        );
        // Another key, other methods and other stages have theirs.
        assert_eq!(ask("dev", "GET /pets", "k3", 0), None);
        assert_eq!(ask("dev", "PUT /pets", "k1", 0), None);
        let reason = ask("prod", "GET /pets", "k1", 0).unwrap();
        assert_eq!(reason, "the API key k1 asks faster than Gold allows");
        assert_eq!(ask("dev", "GET /pets", "k1", 1000), None);
    }

    #[test]
    fn a_quota_is_full_again_when_its_period_is_over() {
        const DAY: u64 = 86_400_000;
        // 1 January 1970 was a Thursday.
        for (period, within, after) in [
            (Period::Day, DAY - 1, DAY),
            (Period::Week, 4 * DAY - 1, 4 * DAY),
            (Period::Month, 31 * DAY - 1, 31 * DAY),
        ] {
            let quota = Quota {
                requests: 2,
                period,
            };
            let mut meter = Meter::new(vec![plan(None, Some(quota))]);
            let mut at = |now_ms| kind(&mut meter, "dev", "value-of-k1", now_ms);
            assert_eq!((at(0), at(1)), (None, None));
            assert_eq!(at(within), Some(FaultKind::QuotaExceeded), "{period:?}");
            assert_eq!(at(after), None, "{period:?}");
        }
    }

    #[test]
    fn a_key_in_two_plans_is_held_to_the_one_of_the_stage() {
        let mut other = plan(Some(LIMIT), None);
        other.stages = vec!["prod".to_owned()];
        let mut meter = Meter::new(vec![other, plan(None, None)]);
        for _ in 0..5 {
            assert_eq!(kind(&mut meter, "dev", "value-of-k1", 0), None);
        }
    }
}
