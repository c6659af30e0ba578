//! Usage plans, and what was used of them.

use std::sync::{Mutex, PoisonError};
use tether_apigw::rest::{Fault, Key, KeyUse, Meter, Period, Plan, Quota};
use tether_apigw::throttle::Limit;
use tether_sam::api::{Throttle, UsagePlan};

/// See the module.
pub struct Meters {
    plans: Vec<UsagePlan>,
    meter: Mutex<Meter>,
}

impl Meters {
    /// Nothing was used of them yet.
    #[must_use]
    pub fn new(plans: &[UsagePlan]) -> Self {
        let meter = Meter::new(plans.iter().map(plan).collect());
        Self {
            plans: plans.to_vec(),
            meter: Mutex::new(meter),
        }
    }

    /// Whether these are their plans: what was counted goes on being counted then.
    #[must_use]
    pub fn are_of(&self, plans: &[UsagePlan]) -> bool {
        self.plans == plans
    }

    /// Lets a request in that needs an API key, and counts it.
    ///
    /// # Errors
    /// See [`Meter::admit`].
    pub fn admit(
        &self,
        stage: &str,
        method: Option<&str>,
        key: Option<&str>,
        now_ms: u64,
    ) -> Result<KeyUse, Fault> {
        let mut meter = self.meter.lock().unwrap_or_else(PoisonError::into_inner);
        meter.admit(stage, method, key, now_ms)
    }
}

fn limit(throttle: Throttle) -> Limit {
    Limit {
        rate: throttle.rate,
        burst: throttle.burst,
    }
}

fn plan(plan: &UsagePlan) -> Plan {
    let keys = plan.keys.iter().map(|key| Key {
        id: key.id.clone(),
        // AWS makes a value up; here it is one that can be read in the template.
        value: key.value.clone().unwrap_or_else(|| key.id.clone()),
        enabled: key.enabled,
    });
    Plan {
        name: plan.logical_id.clone(),
        stages: plan.stages.clone(),
        keys: keys.collect(),
        throttle: plan.throttle.map(limit),
        methods: {
            let stages = plan.methods.iter().map(|(stage, methods)| {
                let methods = methods.iter().map(|(it, own)| (it.clone(), limit(*own)));
                (stage.clone(), methods.collect())
            });
            stages.collect()
        },
        quota: plan.quota.as_ref().map(|(requests, period)| Quota {
            requests: *requests,
            period: match period.as_str() {
                "MONTH" => Period::Month,
                "WEEK" => Period::Week,
                _ => Period::Day,
            },
        }),
    }
}
