//! Resource policies of REST APIs: as OpenAPI documents and `Policy` have them, and as SAM writes
//! them for `Auth.ResourcePolicy`.
//!
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-api-resourcepolicystatement.html>

use super::document::{ANY, Document};
use super::events::ApiEvent;
use super::part::{Findings, Part};
use super::serverless_rest::{is_empty, set};
use serde_json::{Map, Value, json};

/// Where a document has its policy.
pub(super) const POLICY: &str = "x-amazon-apigateway-policy";

/// Condition keys of resource policies that a template may use without a word said: what is known
/// of each request.
pub const CONDITION_KEYS: [&str; 11] = [
    "aws:CurrentTime",
    "aws:EpochTime",
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalType",
    "aws:Referer",
    "aws:SecureTransport",
    "aws:SourceIp",
    "aws:UserAgent",
    "aws:userid",
    "aws:username",
];
const VPC: [&str; 3] = ["aws:SourceVpc", "aws:SourceVpce", "aws:VpcSourceIp"];

/// Reads a policy; what it hangs on and nobody knows here is said.
pub(super) fn read(part: Option<Part<'_>>, found: &mut Findings) -> Option<Value> {
    let part = part.filter(|it| !is_empty(it.value))?;
    let policy = match part.value {
        Value::String(text) => serde_json::from_str(text).map_err(|it| it.to_string()),
        other => Ok(other.clone()),
    };
    match policy {
        Ok(policy) => {
            note_conditions(&policy, &part, found);
            Some(policy)
        }
        Err(error) => {
            found.wrong(&part, format!("it is no JSON: {error}."));
            None
        }
    }
}

fn note_conditions(policy: &Value, part: &Part<'_>, found: &mut Findings) {
    let is_of = |key: &str, keys: &[&str]| keys.iter().any(|it| it.eq_ignore_ascii_case(key));
    for key in keys_of(policy) {
        if is_of(key, &CONDITION_KEYS) {
            continue;
        }
        let (why, refused) = if is_of(key, &VPC) {
            let why = "and no request on this machine comes from a VPC";
            (why, "what only a VPC may do")
        } else {
            ("which tether does not know", "what hangs on it")
        };
        let message = format!(
            "it has conditions on {key}, {why}: {refused} is refused, unless --disable-authorizer \
             leaves the policy out."
        );
        found.note(part, message);
    }
}

/// The keys of all conditions.
fn keys_of(policy: &Value) -> Vec<&str> {
    let statements = match policy.get("Statement") {
        Some(Value::Array(statements)) => statements.as_slice(),
        Some(single) => std::slice::from_ref(single),
        None => &[],
    };
    let conditions = statements.iter().filter_map(|it| it.get("Condition"));
    let operators = conditions.filter_map(Value::as_object).flatten();
    let keys = operators.filter_map(|(_, keys)| keys.as_object()).flatten();
    keys.map(|(key, _)| key.as_str()).collect()
}

/// `Auth.ResourcePolicy` of an API, for each path that it has by now.
pub(super) fn add(document: &mut Document<'_>, api: &Part<'_>, found: &mut Findings) {
    let Some(policy) = given(api) else {
        return;
    };
    let paths = document.paths().into_iter().flatten();
    let paths: Vec<String> = paths.map(|(path, _)| path.clone()).collect();
    for path in paths {
        add_for(document, &path, &policy, api, found);
    }
    add_custom(document, &policy);
}

/// An event's `Auth.ResourcePolicy`, for its path.
pub(super) fn add_of_event(
    document: &mut Document<'_>,
    event: &ApiEvent<'_>,
    api: &Part<'_>,
    found: &mut Findings,
) {
    let Some(policy) = given(&event.properties) else {
        return;
    };
    add_for(document, &event.path, &policy, api, found);
    add_custom(document, &policy);
}

fn given<'v>(of: &Part<'v>) -> Option<Part<'v>> {
    let policy = of.descend(&["Auth", "ResourcePolicy"]);
    policy.filter(|it| !is_empty(it.value))
}

fn add_for(
    document: &mut Document<'_>,
    path: &str,
    policy: &Part<'_>,
    api: &Part<'_>,
    found: &mut Findings,
) {
    if !policy.value.is_object() {
        return found.wrong(policy, "it must be a map.");
    }
    let stage = api.member("StageName").and_then(|it| it.scalar());
    let resources = resources(document, path, &stage.unwrap_or_default());
    let list = |key: &str| list(policy, key);
    let mut statements = Vec::new();
    for (key, effect) in [
        ("AwsAccountWhitelist", "Allow"),
        ("AwsAccountBlacklist", "Deny"),
    ] {
        if let Some(accounts) = list(key) {
            let principal = json!({ "AWS": accounts });
            statements.push((statement(effect, &resources, principal, None), false));
        }
    }
    let mut both = |operator: &str, condition: Value| {
        let condition = json!({ operator: condition });
        let allow = statement("Allow", &resources, json!("*"), None);
        let deny = statement("Deny", &resources, json!("*"), Some(condition));
        statements.extend([(allow, true), (deny, true)]);
    };
    for (key, operator) in [
        ("IpRangeWhitelist", "NotIpAddress"),
        ("IpRangeBlacklist", "IpAddress"),
    ] {
        if let Some(networks) = list(key) {
            both(operator, json!({ "aws:SourceIp": networks }));
        }
    }
    for (suffix, operator) in [
        ("Blacklist", "StringEquals"),
        ("Whitelist", "StringNotEquals"),
    ] {
        if let Some(condition) = vpc_condition(policy, suffix) {
            both(operator, condition);
        }
    }
    for (statement, once) in statements {
        push(document, statement, once);
    }
}

/// A list that is not empty; one alone is one of a list.
fn list(policy: &Part<'_>, key: &str) -> Option<Vec<Value>> {
    let part = policy.member(key).filter(|it| !is_empty(it.value))?;
    Some(match part.value {
        Value::Array(items) => items.clone(),
        single => vec![single.clone()],
    })
}

/// VPCs and their endpoints, which `SourceVpc…` tells apart by how they begin.
fn vpc_condition(policy: &Part<'_>, suffix: &str) -> Option<Value> {
    let plain = list(policy, &format!("SourceVpc{suffix}")).unwrap_or_default();
    let of = |prefix: &str, intrinsic: &str| {
        let begins = |it: &&Value| it.as_str().is_some_and(|it| it.starts_with(prefix));
        let mut all: Vec<Value> = plain.iter().filter(begins).cloned().collect();
        all.extend(list(policy, &format!("{intrinsic}{suffix}")).unwrap_or_default());
        all
    };
    let mut condition = Map::new();
    for (key, prefix, intrinsic) in [
        ("aws:SourceVpc", "vpc-", "IntrinsicVpc"),
        ("aws:SourceVpce", "vpce-", "IntrinsicVpce"),
    ] {
        let all = of(prefix, intrinsic);
        if !all.is_empty() {
            condition.insert(key.to_owned(), Value::Array(all));
        }
    }
    (!condition.is_empty()).then_some(Value::Object(condition))
}

fn statement(
    effect: &str,
    resources: &[String],
    principal: Value,
    condition: Option<Value>,
) -> Value {
    let mut statement = json!({
        "Effect": effect,
        "Action": "execute-api:Invoke",
        "Resource": resources,
        "Principal": principal,
    });
    if let Some(condition) = condition {
        statement["Condition"] = condition;
    }
    statement
}

/// `execute-api:/Prod/GET/pets/*`, for whatever the path's item has.
fn resources(document: &Document<'_>, path: &str, stage: &str) -> Vec<String> {
    let item = document.paths().and_then(|it| it.get(path));
    let methods = item.and_then(Value::as_object).into_iter().flatten();
    let path = with_stars(path);
    let resource = |(method, _): (&String, &Value)| {
        let is_any = method.eq_ignore_ascii_case(ANY) || method.eq_ignore_ascii_case("any");
        let method = match is_any {
            true => "*".to_owned(),
            false => method.to_uppercase(),
        };
        format!("execute-api:/{stage}/{method}{path}")
    };
    methods.map(resource).collect()
}

/// `/pets/{id}/{proxy+}` is `/pets/*/*`.
fn with_stars(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((_, behind)) = after.split_once('}') else {
            break;
        };
        text.push_str(before);
        text.push('*');
        rest = behind;
    }
    text.push_str(rest);
    text
}

fn add_custom(document: &mut Document<'_>, policy: &Part<'_>) {
    for statement in list(policy, "CustomStatements").unwrap_or_default() {
        push(document, statement, true);
    }
}

/// Adds a statement, unless it is to be there once and is there.
fn push(document: &mut Document<'_>, statement: Value, once: bool) {
    let policy = document.value.get(POLICY).and_then(Value::as_object);
    let mut policy = policy.cloned().unwrap_or_default();
    let mut statements = match policy.remove("Statement") {
        Some(Value::Array(statements)) => statements,
        Some(Value::Null) | None => Vec::new(),
        Some(single) => vec![single],
    };
    if !once || !statements.contains(&statement) {
        statements.push(statement);
    }
    policy.insert("Version".to_owned(), Value::from("2012-10-17"));
    policy.insert("Statement".to_owned(), Value::Array(statements));
    set(document, POLICY, Value::Object(policy));
}

#[cfg(test)]
#[path = "resource_policy_tests.rs"]
mod tests;
