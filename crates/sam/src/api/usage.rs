//! Usage plans and their keys.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html>

use super::part::{Findings, Part};
use super::parts::Parts;
use super::stages::limits;
use super::{ApiKey, ApiRoute, Throttle, UsagePlan};
use crate::problem::Problems;
use crate::stack::{Resource, Stack};
use std::collections::BTreeMap;

const PREFIX: &str = "AWS::ApiGateway::";

impl Stack {
    /// The plans that open stages of a WebSocket API; none: there is no API key at all.
    pub(crate) fn usage_plans(&self, api: &Resource) -> Result<Option<Vec<UsagePlan>>, Problems> {
        let parts = Parts::new(self);
        if parts.all(PREFIX, "ApiKey").next().is_none() {
            return Ok(None);
        }
        let mut found = Findings::new(&self.file);
        let plans = of(api, None, &parts, &mut found);
        // What is only to be noted is noted with the stack's other APIs.
        found.finish(plans).map(|(plans, _)| Some(plans))
    }
}

/// The plans that open stages of this API; a WebSocket API has no methods that limits could be of.
pub(super) fn of(
    api: &Resource,
    routes: Option<&[ApiRoute]>,
    parts: &Parts<'_>,
    found: &mut Findings,
) -> Vec<UsagePlan> {
    let mut plans = Vec::new();
    for resource in parts.all(PREFIX, "UsagePlan") {
        let part = Part::of(resource);
        let stages = part.member("ApiStages").map(|it| it.items());
        let (mut own, mut methods) = (Vec::new(), BTreeMap::new());
        for stage in stages.unwrap_or_default() {
            if found.text(stage.member("ApiId")).as_deref() == Some(api.reference.as_str()) {
                let name = found.required_text(&stage, "Stage");
                let limits = throttles(&stage, routes.unwrap_or_default(), found);
                if !limits.is_empty() {
                    methods.insert(name.clone(), limits);
                }
                own.push(name);
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
            methods,
            quota: limit
                .zip(period)
                .map(|(limit, period)| (limit.into(), period)),
        });
    }
    plans
}

/// Limits of single methods. Their keys are a path and a method, `/pets/{id}/GET`
/// (<https://github.com/cloudtools/troposphere/issues/1624>); those of the root are `//GET` where
/// CDK writes them.
fn throttles(
    stage: &Part<'_>,
    routes: &[ApiRoute],
    found: &mut Findings,
) -> BTreeMap<String, Throttle> {
    let mut throttles = BTreeMap::new();
    for (key, part) in found.map(stage.member("Throttle")) {
        let burst = found.number(part.member("BurstLimit"));
        let rate = found.rate(part.member("RateLimit"));
        let (path, method) = key.rsplit_once('/').unwrap_or(("", key));
        let path = match path.trim_end_matches('/') {
            "" => "/",
            path => path,
        };
        if !routes
            .iter()
            .any(|it| it.path == path && it.method == method)
        {
            let message = format!("the API has no {method} {path}: the limit is of nothing.");
            found.note(&part, message);
        }
        if let Some(limit) = limits(burst, rate) {
            throttles.insert(format!("{method} {path}"), limit);
        }
    }
    throttles
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
