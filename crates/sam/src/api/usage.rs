//! Usage plans and their keys.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html>

use super::part::{Findings, Part};
use super::parts::Parts;
use super::stages::limits;
use super::{ApiKey, UsagePlan};
use crate::problem::Problems;
use crate::stack::{Resource, Stack};

const PREFIX: &str = "AWS::ApiGateway::";

impl Stack {
    /// The plans that open stages of a WebSocket API; none: there is no API key at all.
    pub(crate) fn usage_plans(&self, api: &Resource) -> Result<Option<Vec<UsagePlan>>, Problems> {
        let parts = Parts::new(self);
        if parts.all(PREFIX, "ApiKey").next().is_none() {
            return Ok(None);
        }
        let mut found = Findings::new(&self.file);
        let plans = of(api, &parts, &mut found);
        // What is only to be noted is noted with the stack's other APIs.
        found.finish(plans).map(|(plans, _)| Some(plans))
    }
}

/// The plans that open stages of this API.
pub(super) fn of(api: &Resource, parts: &Parts<'_>, found: &mut Findings) -> Vec<UsagePlan> {
    let mut plans = Vec::new();
    for resource in parts.all(PREFIX, "UsagePlan") {
        let part = Part::of(resource);
        let stages = part.member("ApiStages").map(|it| it.items());
        let mut own = Vec::new();
        for stage in stages.unwrap_or_default() {
            if found.text(stage.member("ApiId")).as_deref() == Some(api.reference.as_str()) {
                own.push(found.required_text(&stage, "Stage"));
                if let Some(part) = stage.member("Throttle") {
                    found.note(
                        &part,
                        "limits of single methods in a usage plan are not kept to.",
                    );
                }
            }
        }
        if own.is_empty() {
            continue;
        }
        let member = |group: &str, key: &str| part.member(group)?.member(key);
        let burst = found.number(member("Throttle", "BurstLimit"));
        let rate = found.rate(member("Throttle", "RateLimit"));
        let limit = found.number(member("Quota", "Limit"));
        let period = found.text(member("Quota", "Period"));
        plans.push(UsagePlan {
            logical_id: resource.logical_id.clone(),
            stages: own,
            keys: keys(resource, parts, found),
            throttle: limits(burst, rate),
            quota: limit
                .zip(period)
                .map(|(limit, period)| (limit.into(), period)),
        });
    }
    plans
}

fn keys(plan: &Resource, parts: &Parts<'_>, found: &mut Findings) -> Vec<ApiKey> {
    let mut keys = Vec::new();
    for link in parts.all(PREFIX, "UsagePlanKey") {
        let part = Part::of(link);
        if found.text(part.member("UsagePlanId")).as_deref() != Some(plan.reference.as_str()) {
            continue;
        }
        let id = found.required_text(&part, "KeyId");
        match parts.all(PREFIX, "ApiKey").find(|it| it.reference == id) {
            Some(key) => keys.push(self::key(key, found)),
            None => {
                if let Some(part) = part.member("KeyId") {
                    let message = "the key is not in this template: it opens nothing here.";
                    found.note(&part, message);
                }
            }
        }
    }
    keys
}

fn key(resource: &Resource, found: &mut Findings) -> ApiKey {
    let part = Part::of(resource);
    ApiKey {
        logical_id: resource.logical_id.clone(),
        id: resource.reference.clone(),
        value: found.text(part.member("Value")),
        enabled: found.boolean(part.member("Enabled")).unwrap_or(false),
    }
}
