//! Stages, as SAM's APIs and API Gateway's own resources say them.

use super::document::{ANY, DEFAULT};
use super::events::ApiEvent;
use super::part::{Findings, Part};
use super::{ApiStage, StageVariables, Throttle};
use crate::stack::Resource;
use std::collections::BTreeMap;

/// Of an account, where a template gives only one of both.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html>
const BURST: u32 = 5_000;
const RATE: f64 = 10_000.0;
/// All routes of a stage.
pub(super) const ALL: &str = "* /*";

/// The stage of `AWS::Serverless::Api`, and the one that SAM leaves behind.
pub(super) fn of_sam_rest(api: &Resource, found: &mut Findings) -> Vec<ApiStage> {
    let part = Part::of(api);
    let name = found.required_text(&part, "StageName");
    let mut stages = vec![ApiStage {
        logical_id: Some(sam_rest_id(&api.logical_id, &name)),
        variables: variables(part.member("Variables"), found),
        throttles: method_settings(part.member("MethodSettings"), found),
        name,
    }];
    // https://github.com/aws/serverless-application-model/issues/191
    if part.member("OpenApiVersion").is_none() && stages.iter().all(|it| it.name != "Stage") {
        stages.push(plain("Stage"));
    }
    stages
}

/// `ServerlessRestApiProdStage`; SAM puts a hash behind names that are no part of an id.
pub(crate) fn sam_rest_id(api: &str, stage: &str) -> String {
    if stage.bytes().all(|it| it.is_ascii_alphanumeric()) {
        format!("{api}{stage}Stage")
    } else {
        format!("{api}Stage")
    }
}

/// A stage that only its name is known of.
pub(super) fn plain(name: &str) -> ApiStage {
    ApiStage {
        logical_id: None,
        name: name.to_owned(),
        variables: StageVariables::default(),
        throttles: BTreeMap::new(),
    }
}

/// The stage of `AWS::Serverless::HttpApi`; events may have limits for their routes.
pub(super) fn of_sam_http(
    api: &Resource,
    events: &[ApiEvent<'_>],
    found: &mut Findings,
) -> ApiStage {
    let part = Part::of(api);
    let name = found.text(part.member("StageName"));
    let name = name.unwrap_or_else(|| DEFAULT.to_owned());
    let mut throttles = route_settings(&part, found);
    for event in events {
        let Some(own) = event.properties.member("RouteSettings") else {
            continue;
        };
        let key = match event.method.as_str() {
            ANY if event.path == DEFAULT => event.path.clone(),
            ANY => format!("ANY {}", event.path),
            method => format!("{} {}", method.to_ascii_uppercase(), event.path),
        };
        found.map(Some(own.clone()));
        let of_api = part.descend(&["RouteSettings", &key]);
        if let Some(throttle) = throttle(&own, of_api.as_ref(), found) {
            throttles.insert(key, throttle);
        }
    }
    ApiStage {
        logical_id: Some(sam_http_id(&api.logical_id, &name)),
        variables: variables(part.member("StageVariables"), found),
        throttles,
        name,
    }
}

/// `ServerlessHttpApiApiGatewayDefaultStage`.
pub(crate) fn sam_http_id(api: &str, stage: &str) -> String {
    match stage {
        DEFAULT => format!("{api}ApiGatewayDefaultStage"),
        stage => sam_rest_id(api, stage),
    }
}

/// `AWS::ApiGateway::Stage`.
pub(super) fn of_rest(stage: &Resource, found: &mut Findings) -> ApiStage {
    let part = Part::of(stage);
    ApiStage {
        logical_id: Some(stage.logical_id.clone()),
        name: found.required_text(&part, "StageName"),
        variables: variables(part.member("Variables"), found),
        throttles: method_settings(part.member("MethodSettings"), found),
    }
}

/// `AWS::ApiGatewayV2::Stage`.
pub(super) fn of_http(stage: &Resource, found: &mut Findings) -> ApiStage {
    let part = Part::of(stage);
    ApiStage {
        logical_id: Some(stage.logical_id.clone()),
        name: found.required_text(&part, "StageName"),
        variables: variables(part.member("StageVariables"), found),
        throttles: route_settings(&part, found),
    }
}

pub(super) fn variables(part: Option<Part<'_>>, found: &mut Findings) -> StageVariables {
    StageVariables(found.text_map(part))
}

/// Settings of REST methods; `/~1pets` is `/pets`.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-apigateway-stage-methodsetting.html>
pub(super) fn method_settings(
    part: Option<Part<'_>>,
    found: &mut Findings,
) -> BTreeMap<String, Throttle> {
    let mut throttles = BTreeMap::new();
    let Some(part) = part else {
        return throttles;
    };
    if !part.value.is_array() {
        found.wrong(&part, "it must be a list.");
    }
    for setting in part.items() {
        found.map(Some(setting.clone()));
        let method = found.text(setting.member("HttpMethod"));
        let path = found.text(setting.member("ResourcePath"));
        let (method, path) = (method.as_deref().unwrap_or("*"), path.unwrap_or_default());
        let path = path.replace("~1", "/");
        let path = match path.trim_start_matches('/') {
            "" if path.is_empty() => "/*".to_owned(),
            path => format!("/{path}"),
        };
        if let Some(throttle) = throttle(&setting, None, found) {
            throttles.insert(format!("{method} {path}"), throttle);
        }
        let cached = found.boolean(setting.member("CachingEnabled"));
        if cached == Some(true) {
            found.note(&setting, "answers are not cached.");
        }
    }
    throttles
}

fn route_settings(stage: &Part<'_>, found: &mut Findings) -> BTreeMap<String, Throttle> {
    let mut throttles = BTreeMap::new();
    let default = stage.member("DefaultRouteSettings");
    found.map(default.clone());
    if let Some(throttle) = default.and_then(|it| throttle(&it, None, found)) {
        throttles.insert(ALL.to_owned(), throttle);
    }
    for (route, part) in found.map(stage.member("RouteSettings")) {
        if let Some(throttle) = throttle(&part, None, found) {
            throttles.insert(route.to_owned(), throttle);
        }
    }
    throttles
}

/// The limits of settings, and what they leave to others.
fn throttle(part: &Part<'_>, other: Option<&Part<'_>>, found: &mut Findings) -> Option<Throttle> {
    let member = |key| {
        let own = part.member(key);
        own.or_else(|| other.and_then(|it| it.member(key)))
    };
    let burst = found.number(member("ThrottlingBurstLimit"));
    let rate = found.rate(member("ThrottlingRateLimit"));
    limits(burst, rate)
}

/// A bucket, if either of its measures is given.
pub(super) fn limits(burst: Option<u32>, rate: Option<f64>) -> Option<Throttle> {
    let given = burst.is_some() || rate.is_some();
    given.then(|| Throttle {
        burst: burst.unwrap_or(BURST),
        rate: rate.unwrap_or(RATE),
    })
}
