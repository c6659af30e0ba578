//! Resources that SAM's transform makes of others, and that templates refer to by name: stages and
//! deployments of APIs, versions and aliases of functions, function URLs, keys of usage plans.
//!
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-generated-resources.html>

mod published;

pub(crate) use published::alias_id;

use crate::api::stages::{sam_http_id, sam_rest_id};
use crate::evaluator::Evaluator;
use crate::problem::Position;
use crate::resources::{Declaration, Declarations, SAM_FUNCTION};
use crate::tree::{Member, Node, Tree};

const REST: &str = "AWS::Serverless::Api";
const HTTP: &str = "AWS::Serverless::HttpApi";

/// Adds them; what the template declares itself stays.
pub(crate) fn add(resources: &mut Declarations, evaluator: &mut Evaluator<'_>) {
    published::add(resources, evaluator);
    let mut added = Vec::new();
    let mut plans = Vec::new();
    for (logical_id, resource) in resources.iter().filter(|(_, it)| it.live) {
        match resource.kind.as_str() {
            SAM_FUNCTION => {
                added.extend(url(logical_id, resource));
                added.extend(destinations(logical_id, resource));
            }
            REST => {
                added.extend(of_rest(logical_id, resource));
                if let Some((plan, shared)) = usage_plan(resource) {
                    let prefix = if shared { "Serverless" } else { logical_id };
                    plans.push((prefix, plan, logical_id.as_str(), resource));
                }
            }
            HTTP => added.push(http_stage(logical_id, resource)),
            _ => {}
        }
    }
    while let Some((prefix, plan, _, owner)) = plans.first().copied() {
        let opened = plans.extract_if(.., |it| it.0 == prefix);
        let opened = opened.map(|(_, _, api, owner)| opened_stage(api, owner));
        let opened = opened.collect();
        added.extend(keys(prefix, owner, plan, opened));
    }
    for (logical_id, resource) in added {
        resources.entry(logical_id).or_insert(resource);
    }
}

/// What a usage plan says of a stage that it opens.
fn opened_stage(logical_id: &str, api: &Declaration) -> Node {
    let stage = rest_stage_id(logical_id, api);
    let members = [
        ("ApiId", reference(api.position, logical_id)),
        ("Stage", reference(api.position, &stage)),
    ];
    Node::map(api.position, members)
}

/// What stands for `Api.Stage` and the like in a template: SAM's referable properties.
pub(crate) fn alias(name: &str, resources: &Declarations) -> Option<String> {
    let (owner, property) = name.split_once('.')?;
    let resource = resources.get(owner)?;
    let id = match (resource.kind.as_str(), property) {
        (REST, "Stage") => rest_stage_id(owner, resource),
        (REST, "Deployment") => format!("{owner}Deployment"),
        (REST, "UsagePlan" | "ApiKey" | "UsagePlanKey") => {
            let shared = usage_plan(resource)?.1;
            format!("{}{property}", if shared { "Serverless" } else { owner })
        }
        (SAM_FUNCTION, "DestinationTopic" | "DestinationQueue") => {
            let what = property.trim_start_matches("Destination");
            let ids = OUTCOMES.map(|it| format!("{owner}EventInvokeConfig{it}{what}"));
            ids.into_iter().find(|it| resources.contains_key(it))?
        }
        (SAM_FUNCTION, "Alias" | "Version") => published::id(owner, resource, property, resources)?,
        (HTTP, "Stage") => sam_http_id(owner, &stage_name(resource).unwrap_or_default()),
        _ => return None,
    };
    resources.contains_key(&id).then_some(id)
}

/// Whether it is `Function.Alias` or `Function.Version`, or something of one of them.
pub(crate) fn needs_alias(name: &str) -> bool {
    matches!(name.split('.').nth(1), Some("Alias" | "Version"))
}

fn reference(position: Position, logical_id: &str) -> Node {
    Node::call(position, "Ref", Node::text(position, logical_id))
}

fn made(owner: &Declaration, kind: &str, properties: Vec<(&str, Node)>) -> Declaration {
    with_copies(owner, kind, Vec::new(), properties)
}

/// A resource with copies of members, each where it was written, and with properties of its own.
fn with_copies(
    owner: &Declaration,
    kind: &str,
    copies: Vec<(&str, Member)>,
    own: Vec<(&str, Node)>,
) -> Declaration {
    let position = owner.position;
    let own = own.into_iter().map(|(key, value)| {
        let member = Member {
            key: position,
            value,
        };
        (key, member)
    });
    let members = copies.into_iter().chain(own);
    let members = members.map(|(key, it)| (key.to_owned(), it)).collect();
    let mut made = Declaration::added(kind, Node::new(position, Tree::Map(members)));
    made.condition.clone_from(&owner.condition);
    made
}

/// Members of the owner, under the same names.
fn copied<'k>(owner: &Node, keys: &[&'k str]) -> Vec<(&'k str, Member)> {
    let all = owner.as_map();
    let members = keys
        .iter()
        .filter_map(|key| Some((*key, all?.get(*key)?.clone())));
    members.collect()
}

/// What has a destination for asynchronous events.
const OUTCOMES: [&str; 2] = ["OnSuccess", "OnFailure"];

/// Topics and queues that SAM makes for destinations that name none.
fn destinations(logical_id: &str, function: &Declaration) -> Vec<(String, Declaration)> {
    let config = function.properties.member("EventInvokeConfig");
    let config = config.and_then(|it| it.member("DestinationConfig"));
    let mut made_for = Vec::new();
    for outcome in OUTCOMES {
        let Some(to) = config.and_then(|it| it.member(outcome)) else {
            continue;
        };
        let (what, kind) = match to.member("Type").and_then(Node::as_text) {
            Some("SNS") => ("Topic", "AWS::SNS::Topic"),
            Some("SQS") => ("Queue", "AWS::SQS::Queue"),
            _ => continue,
        };
        if to.member("Destination").is_none_or(may_be_absent) {
            let id = format!("{logical_id}EventInvokeConfig{outcome}{what}");
            made_for.push((id, made(function, kind, Vec::new())));
        }
    }
    made_for
}

/// Whether a value may be `AWS::NoValue`, by a condition too.
fn may_be_absent(value: &Node) -> bool {
    if let Some(("Fn::If", branches)) = value.intrinsic() {
        let branches = branches.as_list().unwrap_or_default();
        return branches.iter().skip(1).any(may_be_absent);
    }
    value.is_no_value() || value.is_null()
}

/// `<Function>Url` of `FunctionUrlConfig`.
fn url(logical_id: &str, function: &Declaration) -> Option<(String, Declaration)> {
    let config = function.properties.member("FunctionUrlConfig")?;
    let copies = copied(config, &["AuthType", "Cors", "InvokeMode"]);
    let alias = function.properties.member("AutoPublishAlias");
    let alias = alias.and_then(Node::as_text).filter(|it| !it.is_empty());
    let target = alias.map_or(logical_id.to_owned(), |it| alias_id(logical_id, it));
    let target = ("TargetFunctionArn", reference(function.position, &target));
    let url = with_copies(function, "AWS::Lambda::Url", copies, vec![target]);
    Some((format!("{logical_id}Url"), url))
}

/// A stage's name, if it stands in the template as text.
fn stage_name(api: &Declaration) -> Option<String> {
    match api.properties.member("StageName") {
        Some(name) => name.as_text().map(str::to_owned),
        None => Some("$default".to_owned()).filter(|_| api.kind == HTTP),
    }
}

fn rest_stage_id(logical_id: &str, api: &Declaration) -> String {
    sam_rest_id(logical_id, &stage_name(api).unwrap_or_default())
}

fn of_rest(logical_id: &str, api: &Declaration) -> Vec<(String, Declaration)> {
    let id = |property: &'static str| (property, reference(api.position, logical_id));
    let stage_id = rest_stage_id(logical_id, api);
    let copies = copied(
        &api.properties,
        &["StageName", "Variables", "MethodSettings"],
    );
    let stage = with_copies(api, "AWS::ApiGateway::Stage", copies, vec![id("RestApiId")]);
    let deployment = made(api, "AWS::ApiGateway::Deployment", vec![id("RestApiId")]);
    vec![
        (format!("{logical_id}Deployment"), deployment),
        (stage_id, stage),
    ]
}

/// `Auth.UsagePlan`, and whether it is one for all APIs.
fn usage_plan(api: &Declaration) -> Option<(&Node, bool)> {
    let plan = api.properties.member("Auth")?.member("UsagePlan")?;
    match plan.member("CreateUsagePlan")?.as_text()? {
        "PER_API" => Some((plan, false)),
        "SHARED" => Some((plan, true)),
        _ => None,
    }
}

/// A usage plan for those stages, and its key.
fn keys(
    prefix: &str,
    api: &Declaration,
    plan: &Node,
    opened: Vec<Node>,
) -> Vec<(String, Declaration)> {
    let position = api.position;
    let settings = ["UsagePlanName", "Description", "Quota", "Throttle"];
    let settings = copied(plan, &settings);
    let opened = vec![("ApiStages", Node::list(position, opened))];
    let plan = with_copies(api, "AWS::ApiGateway::UsagePlan", settings, opened);
    let enabled = ("Enabled", Node::text(position, "true"));
    let (plan_id, key_id) = (format!("{prefix}UsagePlan"), format!("{prefix}ApiKey"));
    let link = vec![
        ("KeyId", reference(position, &key_id)),
        ("KeyType", Node::text(position, "API_KEY")),
        ("UsagePlanId", reference(position, &plan_id)),
    ];
    vec![
        (plan_id, plan),
        (key_id, made(api, "AWS::ApiGateway::ApiKey", vec![enabled])),
        (
            format!("{prefix}UsagePlanKey"),
            made(api, "AWS::ApiGateway::UsagePlanKey", link),
        ),
    ]
}

fn http_stage(logical_id: &str, api: &Declaration) -> (String, Declaration) {
    let keys = [
        "StageName",
        "StageVariables",
        "DefaultRouteSettings",
        "RouteSettings",
    ];
    let copies = copied(&api.properties, &keys);
    let mut own = vec![("ApiId", reference(api.position, logical_id))];
    if copies.iter().all(|(key, _)| *key != "StageName") {
        own.push(("StageName", Node::text(api.position, "$default")));
    }
    let id = sam_http_id(logical_id, &stage_name(api).unwrap_or_default());
    (
        id,
        with_copies(api, "AWS::ApiGatewayV2::Stage", copies, own),
    )
}

#[cfg(test)]
#[path = "generated_tests.rs"]
mod tests;
