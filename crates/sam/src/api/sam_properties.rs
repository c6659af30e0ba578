//! What SAM refuses of the properties of its APIs, whether or not they are served here.
//!
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-api.html>
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-httpapi.html>

use super::part::{Findings, Part};
use super::serverless_rest::is_empty;
use crate::definitions::is_document;
use crate::hint::did_you_mean;
use serde_json::Value;

/// What a property may be.
#[derive(Clone, Copy)]
enum Shape {
    Boolean,
    Number,
    Text,
    List,
    Map,
    TextOrMap,
    BooleanOrMap,
    Any,
}

use Shape::{Any, Boolean, BooleanOrMap, List, Map, Number, Text, TextOrMap};

const REST: &[(&str, Shape)] = &[
    ("AccessLogSetting", Map),
    ("AlwaysDeploy", Boolean),
    ("ApiKeySourceType", Text),
    ("Auth", Map),
    ("BinaryMediaTypes", List),
    ("CacheClusterEnabled", Boolean),
    ("CacheClusterSize", Text),
    ("CanarySetting", Map),
    ("Cors", TextOrMap),
    ("DefinitionBody", Map),
    ("DefinitionUri", TextOrMap),
    ("Description", Text),
    ("DisableExecuteApiEndpoint", Boolean),
    ("Domain", Map),
    ("EndpointAccessMode", Text),
    ("EndpointConfiguration", TextOrMap),
    ("FailOnWarnings", Boolean),
    ("GatewayResponses", Map),
    ("MergeDefinitions", Boolean),
    ("MethodSettings", List),
    ("MinimumCompressionSize", Number),
    ("Mode", Text),
    ("Models", Map),
    ("Name", Text),
    ("OpenApiVersion", Text),
    ("Policy", TextOrMap),
    ("PropagateTags", Boolean),
    ("SecurityPolicy", Text),
    ("StageName", Text),
    ("Tags", Map),
    ("TracingEnabled", Boolean),
    ("Variables", Map),
];

const HTTP: &[(&str, Shape)] = &[
    ("AccessLogSettings", Map),
    ("Auth", Map),
    ("CorsConfiguration", BooleanOrMap),
    ("DefaultRouteSettings", Map),
    ("DefinitionBody", Map),
    ("DefinitionUri", TextOrMap),
    ("Description", Text),
    ("DisableExecuteApiEndpoint", Boolean),
    ("Domain", Map),
    ("FailOnWarnings", Boolean),
    ("Name", Any),
    ("PropagateTags", Boolean),
    ("RouteSettings", Map),
    ("StageName", Text),
    ("StageVariables", Map),
    ("Tags", Map),
];

/// What needs a document that SAM sees.
const INLINE: [&str; 6] = [
    "Auth",
    "Cors",
    "CorsConfiguration",
    "DisableExecuteApiEndpoint",
    "GatewayResponses",
    "Models",
];

const USAGE_PLAN: [&str; 6] = [
    "CreateUsagePlan",
    "Description",
    "Quota",
    "Tags",
    "Throttle",
    "UsagePlanName",
];

/// Checks `AWS::Serverless::Api`.
pub(super) fn check_rest(api: &Part<'_>, found: &mut Findings) {
    check(api, REST, found);
    if let Some(version) = api.member("OpenApiVersion")
        && !version.scalar().is_some_and(|it| is_version(&it))
    {
        found.wrong(&version, "it must be text such as '3.0.1'.");
    }
    if let Some(endpoint) = api.member("EndpointConfiguration")
        && endpoint.member("VPCEndpointIds").is_some()
        && endpoint.member("VpcEndpointIds").is_some()
    {
        let message = "it has VPCEndpointIds or VpcEndpointIds, not both.";
        found.wrong(&endpoint, message);
    }
    if let Some(plan) = api.descend(&["Auth", "UsagePlan"]) {
        usage_plan(&plan, found);
    }
    if let Some(policy) = api.descend(&["Auth", "ResourcePolicy"]) {
        resource_policy(&policy, found);
    }
}

/// Checks `AWS::Serverless::HttpApi`.
pub(super) fn check_http(api: &Part<'_>, found: &mut Findings) {
    check(api, HTTP, found);
    let elsewhere = api
        .member("DefinitionUri")
        .is_some_and(|it| !is_empty(it.value));
    if let Some(tags) = api
        .member("Tags")
        .filter(|it| elsewhere && !is_empty(it.value))
    {
        found.wrong(&tags, "Tags works only with an inline DefinitionBody.");
    }
}

fn check(api: &Part<'_>, properties: &[(&str, Shape)], found: &mut Findings) {
    for (name, part) in api.members() {
        if part.value.is_null() {
            continue;
        }
        match properties.iter().find(|(known, _)| *known == name) {
            Some((_, shape)) => has_shape(part, *shape, found),
            None => {
                let hint = did_you_mean(name, properties.iter().map(|(name, _)| *name));
                found.wrong(
                    &part,
                    format!("{name} is no property of such an API.{hint}"),
                );
            }
        }
    }
    if api
        .member("DefinitionUri")
        .is_some_and(|it| !is_empty(it.value))
    {
        for name in INLINE {
            let part = api
                .member(name)
                .filter(|it| name == "DisableExecuteApiEndpoint" || !is_empty(it.value));
            if let Some(part) = part {
                found.wrong(
                    &part,
                    format!("{name} works only with an inline DefinitionBody."),
                );
            }
        }
    }
    if let Some(name) = api.member("StageName").filter(|it| !it.value.is_string()) {
        found.wrong(&name, "it must be text.");
    }
    let in_bucket = |it: &Part<'_>| it.value.is_object() && !is_document(it.value);
    if let Some(uri) = api.member("DefinitionUri").filter(in_bucket) {
        for key in ["Bucket", "Key"] {
            if uri.member(key).is_none_or(|it| is_empty(it.value)) {
                found.missing(&uri, key);
            }
        }
    }
    if let Some(domain) = api.member("Domain").filter(|it| it.value.is_object()) {
        self::domain(&domain, found);
    }
}

fn has_shape(part: Part<'_>, shape: Shape, found: &mut Findings) {
    let value = part.value;
    match shape {
        Boolean => {
            found.boolean(Some(part));
        }
        Number => {
            found.number(Some(part));
        }
        Text => {
            found.text(Some(part));
        }
        Map => {
            found.map(Some(part));
        }
        List if !value.is_array() => found.wrong(&part, "it must be a list."),
        TextOrMap if !value.is_string() && !value.is_object() => {
            found.wrong(&part, "it must be text or a map.");
        }
        BooleanOrMap if !value.is_object() => {
            found.boolean(Some(part));
        }
        List | TextOrMap | BooleanOrMap | Any => {}
    }
}

/// `2.0`, `3.0`, `3.0.1`
fn is_version(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let digits = parts
        .iter()
        .all(|it| it.len() == 1 && it.as_bytes()[0].is_ascii_digit());
    digits && (2..=3).contains(&parts.len()) && ["2", "3"].contains(&parts[0])
}

fn domain(domain: &Part<'_>, found: &mut Findings) {
    for required in ["DomainName", "CertificateArn"] {
        if domain.member(required).is_none() {
            found.missing(domain, required);
        }
    }
    let trust = domain.member("MutualTlsAuthentication");
    for (key, part) in found.map(trust.filter(|it| !is_empty(it.value))) {
        if !["TruststoreUri", "TruststoreVersion"].contains(&key) {
            found.wrong(&part, "it has TruststoreUri and TruststoreVersion.");
        }
    }
    found.map(domain.member("AccessAssociation"));
    if let Some(route53) = domain.member("Route53") {
        let zone = ["HostedZoneId", "HostedZoneName"];
        let members = found.map(Some(route53.clone()));
        if !members.iter().any(|(key, _)| zone.contains(key)) {
            found.wrong(&route53, "it needs HostedZoneId or HostedZoneName.");
        }
    }
}

fn usage_plan(plan: &Part<'_>, found: &mut Findings) {
    for (key, part) in found.map(Some(plan.clone())) {
        if !USAGE_PLAN.contains(&key) {
            found.wrong(&part, format!("it has {}.", USAGE_PLAN.join(", ")));
        }
    }
    if !plan.value.is_object() {
        return;
    }
    let create = found.required_text(plan, "CreateUsagePlan");
    if let Some(part) = plan.member("CreateUsagePlan")
        && !["SHARED", "PER_API", "NONE"].contains(&create.as_str())
    {
        found.wrong(&part, "it must be SHARED, PER_API or NONE.");
    }
}

fn resource_policy(policy: &Part<'_>, found: &mut Findings) {
    for (key, part) in found.map(Some(policy.clone())) {
        if ["SourceVpcWhitelist", "SourceVpcBlacklist"].contains(&key) {
            let texts = part.value.as_array();
            if !texts.is_some_and(|it| it.iter().all(Value::is_string)) {
                found.wrong(&part, "it must be a list of texts.");
            }
        }
    }
}
