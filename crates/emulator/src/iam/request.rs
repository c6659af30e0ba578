//! What a request wants to do: actions on resources, as the services name them
//! (<https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>).
//!
//! A service that is not served here is not asked about: its refusal says so.

mod dynamodb;
mod lambda;
mod query;
mod s3;

use super::{Ask, ask_connections};
use crate::cloud::{Cloud, Place};
use bytes::Bytes;
use std::sync::Arc;
use tether_iam::{Denied, Policy};

/// A request, as far as it matters.
pub(super) struct Request<'a> {
    pub(super) place: &'a Place,
    pub(super) parts: &'a http::request::Parts,
    pub(super) body: &'a Bytes,
}

impl Request<'_> {
    /// An ARN in this account and region.
    fn arn(&self, service: &str, resource: &str) -> String {
        let place = self.place;
        format!(
            "arn:{}:{service}:{}:{}:{resource}",
            place.partition, place.region, place.account_id
        )
    }

    /// Whether it only tries a right, on something that nobody has: tether's own
    /// programs do that, and such a call is no use of what is granted.
    fn is_probe(&self) -> bool {
        const NOBODY: &[u8] = b"tether-rights";
        let dry = self.parts.headers.get("x-amz-invocation-type");
        dry.is_some_and(|it| it == "DryRun")
            || self.parts.uri.path().contains("tether-rights")
            || self.body.windows(NOBODY.len()).any(|it| it == NOBODY)
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(self.body).unwrap_or_default()
    }

    /// `X-Amz-Target`, behind its last dot.
    fn target(&self) -> &str {
        let target = self.parts.headers.get("x-amz-target");
        let target = target.and_then(|it| it.to_str().ok()).unwrap_or_default();
        target.rsplit('.').next().unwrap_or_default()
    }
}

/// Decides about a request of the endpoint before it is served.
pub(crate) fn check(
    cloud: &Cloud,
    service: &str,
    access_key: &str,
    parts: &http::request::Parts,
    body: &Bytes,
) -> Result<(), Denied> {
    if cloud.iam.whose(access_key).is_none() {
        return Ok(());
    }
    let request = Request {
        place: &cloud.place,
        parts,
        body,
    };
    let asks = match service {
        "dynamodb" => dynamodb::asks(&request),
        "lambda" => lambda::asks(&request),
        "execute-api" => cloud
            .api_of(parts.uri.path())
            .map(|api| ask_connections(&cloud.place, &api.id, parts))
            .into_iter()
            .collect(),
        "s3" => s3::asks(&request),
        "sts" | "cloudformation" | "iam" | "sqs" => query::asks(cloud, service, &request),
        _ => Vec::new(),
    };
    let is_probe = request.is_probe();
    for mut ask in asks {
        ask.is_probe = is_probe;
        let policy = policy_of(cloud, &ask);
        cloud
            .iam
            .authorize_on(access_key, &ask, policy.as_deref())?;
    }
    Ok(())
}

/// Functions have policies of their own. So have layers; those of other accounts are
/// not known here, and taken for public, as those are that people use.
fn policy_of(cloud: &Cloud, ask: &Ask) -> Option<Arc<Policy>> {
    if ask.action == "lambda:GetLayerVersion" {
        let account = ask.resource.split(':').nth(4);
        let foreign = account.is_some_and(|it| it != cloud.place.account_id);
        return foreign.then(|| cloud.iam.public.clone()).flatten();
    }
    if !(ask.action.starts_with("lambda:") && ask.resource.contains(":function:")) {
        return None;
    }
    let target = cloud.lambda.target(&ask.resource, None).ok()?;
    target.function.rules(target.qualifier())
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
