//! Services whose requests are forms, and SQS.
//!
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudformation.html>
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html>
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html>

use super::Request;
use crate::cloud::Cloud;
use crate::iam::Ask;
use serde_json::Value;
use std::collections::HashMap;

pub(super) fn asks(cloud: &Cloud, service: &str, request: &Request<'_>) -> Vec<Ask> {
    let form: HashMap<String, String> =
        serde_urlencoded::from_bytes(request.body).unwrap_or_default();
    let field = |name: &str| form.get(name).map(String::as_str);
    let action = field("Action").unwrap_or_default();
    let resource = match service {
        // AssumeRole asks the role's trust policy as well, and does so itself.
        "sts" if matches!(action, "AssumeRole" | "GetCallerIdentity") => return Vec::new(),
        "sts" => "*".to_owned(),
        "cloudformation" => stack(cloud, request, action, field("StackName")),
        "iam" => identity(cloud, field("RoleName"), field("UserName")),
        _ => return vec![queue(request, field("QueueUrl"), action)],
    };
    vec![Ask::new(format!("{service}:{action}"), resource)]
}

/// A stack's ARN; the id of one that does not exist is not known.
fn stack(cloud: &Cloud, request: &Request<'_>, action: &str, named: Option<&str>) -> String {
    const OF_NO_STACK: [&str; 4] = [
        "ListStacks",
        "ListExports",
        "ValidateTemplate",
        "EstimateTemplateCost",
    ];
    let named = match named {
        Some(named) if !OF_NO_STACK.contains(&action) => named,
        _ => return "*".to_owned(),
    };
    if named.starts_with("arn:") {
        return named.to_owned();
    }
    let known = cloud.stacks.find(named).map(|it| it.id.clone());
    known.unwrap_or_else(|| request.arn("cloudformation", &format!("stack/{named}/*")))
}

fn identity(cloud: &Cloud, role: Option<&str>, user: Option<&str>) -> String {
    let (kind, name) = match (role, user) {
        (Some(name), _) => ("role", name),
        (None, Some(name)) => ("user", name),
        (None, None) => return "*".to_owned(),
    };
    let known = cloud.iam.named(kind, name).map(|it| it.arn.clone());
    known.unwrap_or_else(|| cloud.iam.arn(kind, "/", name))
}

/// SQS speaks JSON now, and forms still.
fn queue(request: &Request<'_>, url: Option<&str>, action: &str) -> Ask {
    let body = request.json();
    let member = |name: &str| body.get(name).and_then(Value::as_str);
    let url = url.or_else(|| member("QueueUrl"));
    let name = url.and_then(|it| it.rsplit('/').next());
    let name = name.or_else(|| member("QueueName")).unwrap_or("*");
    let action = if action.is_empty() {
        request.target()
    } else {
        action
    };
    Ask::new(format!("sqs:{action}"), request.arn("sqs", name))
}
