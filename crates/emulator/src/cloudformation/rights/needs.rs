//! Which actions each type of resource needs: what the `handlers` of
//! CloudFormation's resource schemas list, as far as the properties ask for it
//! (<https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html>).

use super::Verb;
use crate::cloudformation::expand::deployed_kind;
use tether_sam::Resource;

/// An action, and the property without which it is not needed.
type Need = (&'static str, Option<&'static str>);

/// What is needed to create, to update and to delete.
type Needs = (&'static str, [&'static [Need]; 3]);

/// Functions that SAM makes are tagged by its transform.
const TAGGED_BY_SAM: &str = "AWS::Serverless::Function";

const FUNCTION: Needs = (
    "AWS::Lambda::Function",
    [
        &[
            ("lambda:CreateFunction", None),
            ("lambda:GetFunction", None),
            ("iam:PassRole", Some("Role")),
            ("lambda:GetLayerVersion", Some("Layers")),
            (
                "lambda:PutFunctionConcurrency",
                Some("ReservedConcurrentExecutions"),
            ),
            ("lambda:TagResource", Some("Tags")),
        ],
        &[
            ("lambda:GetFunction", None),
            ("lambda:UpdateFunctionConfiguration", None),
            ("lambda:UpdateFunctionCode", None),
            ("iam:PassRole", Some("Role")),
            ("lambda:GetLayerVersion", Some("Layers")),
            (
                "lambda:PutFunctionConcurrency",
                Some("ReservedConcurrentExecutions"),
            ),
            ("lambda:TagResource", Some("Tags")),
        ],
        &[
            ("lambda:DeleteFunction", None),
            ("lambda:GetFunction", None),
        ],
    ],
);

const LAYER: Needs = (
    "AWS::Lambda::LayerVersion",
    [
        &[("lambda:PublishLayerVersion", None)],
        &[],
        &[
            ("lambda:GetLayerVersion", None),
            ("lambda:DeleteLayerVersion", None),
        ],
    ],
);

const PERMISSION: Needs = (
    "AWS::Lambda::Permission",
    [
        &[("lambda:AddPermission", None)],
        &[],
        &[("lambda:RemovePermission", None)],
    ],
);

const SCHEDULE: Needs = (
    "AWS::Scheduler::Schedule",
    [
        &[
            ("scheduler:CreateSchedule", None),
            ("scheduler:GetSchedule", None),
            ("iam:PassRole", Some("Target.RoleArn")),
        ],
        &[
            ("scheduler:UpdateSchedule", None),
            ("scheduler:GetSchedule", None),
            ("iam:PassRole", Some("Target.RoleArn")),
        ],
        &[
            ("scheduler:DeleteSchedule", None),
            ("scheduler:GetSchedule", None),
        ],
    ],
);

const VERSION: Needs = (
    "AWS::Lambda::Version",
    [
        &[
            ("lambda:PublishVersion", None),
            ("lambda:GetFunctionConfiguration", None),
        ],
        &[],
        &[
            ("lambda:GetFunctionConfiguration", None),
            ("lambda:DeleteFunction", None),
        ],
    ],
);

const ALIAS: Needs = (
    "AWS::Lambda::Alias",
    [
        &[("lambda:CreateAlias", None), ("lambda:GetAlias", None)],
        &[("lambda:UpdateAlias", None), ("lambda:GetAlias", None)],
        &[("lambda:DeleteAlias", None), ("lambda:GetAlias", None)],
    ],
);

const EVENT_INVOKE: Needs = (
    "AWS::Lambda::EventInvokeConfig",
    [
        &[("lambda:PutFunctionEventInvokeConfig", None)],
        &[("lambda:UpdateFunctionEventInvokeConfig", None)],
        &[("lambda:DeleteFunctionEventInvokeConfig", None)],
    ],
);

const MAPPING: Needs = (
    "AWS::Lambda::EventSourceMapping",
    [
        &[
            ("lambda:CreateEventSourceMapping", None),
            ("lambda:GetEventSourceMapping", None),
        ],
        &[
            ("lambda:UpdateEventSourceMapping", None),
            ("lambda:GetEventSourceMapping", None),
        ],
        &[
            ("lambda:DeleteEventSourceMapping", None),
            ("lambda:GetEventSourceMapping", None),
        ],
    ],
);

const ROLE: Needs = (
    "AWS::IAM::Role",
    [
        &[
            ("iam:CreateRole", None),
            ("iam:GetRole", None),
            ("iam:PutRolePolicy", Some("Policies")),
            ("iam:GetRolePolicy", Some("Policies")),
            ("iam:AttachRolePolicy", Some("ManagedPolicyArns")),
            ("iam:TagRole", Some("Tags")),
        ],
        &[
            ("iam:UpdateRole", None),
            ("iam:UpdateAssumeRolePolicy", None),
            ("iam:PutRolePolicy", Some("Policies")),
            ("iam:DeleteRolePolicy", Some("Policies")),
            ("iam:AttachRolePolicy", Some("ManagedPolicyArns")),
            ("iam:DetachRolePolicy", Some("ManagedPolicyArns")),
            (
                "iam:PutRolePermissionsBoundary",
                Some("PermissionsBoundary"),
            ),
            ("iam:TagRole", Some("Tags")),
        ],
        &[
            ("iam:GetRole", None),
            ("iam:ListAttachedRolePolicies", None),
            ("iam:ListRolePolicies", None),
            ("iam:DeleteRolePolicy", Some("Policies")),
            ("iam:DetachRolePolicy", Some("ManagedPolicyArns")),
            ("iam:DeleteRole", None),
        ],
    ],
);

const TABLE: Needs = (
    "AWS::DynamoDB::Table",
    [
        &[
            ("dynamodb:CreateTable", None),
            ("dynamodb:DescribeTable", None),
            ("dynamodb:UpdateTimeToLive", Some("TimeToLiveSpecification")),
            (
                "dynamodb:DescribeTimeToLive",
                Some("TimeToLiveSpecification"),
            ),
            (
                "dynamodb:UpdateContinuousBackups",
                Some("PointInTimeRecoverySpecification"),
            ),
            ("dynamodb:TagResource", Some("Tags")),
        ],
        &[
            ("dynamodb:UpdateTable", None),
            ("dynamodb:DescribeTable", None),
            ("dynamodb:UpdateTimeToLive", Some("TimeToLiveSpecification")),
            (
                "dynamodb:DescribeTimeToLive",
                Some("TimeToLiveSpecification"),
            ),
            (
                "dynamodb:UpdateContinuousBackups",
                Some("PointInTimeRecoverySpecification"),
            ),
            ("dynamodb:TagResource", Some("Tags")),
        ],
        &[
            ("dynamodb:DeleteTable", None),
            ("dynamodb:DescribeTable", None),
        ],
    ],
);

const LOG_GROUP: Needs = (
    "AWS::Logs::LogGroup",
    [
        &[
            ("logs:DescribeLogGroups", None),
            ("logs:CreateLogGroup", None),
            ("logs:PutRetentionPolicy", Some("RetentionInDays")),
            ("logs:TagResource", Some("Tags")),
        ],
        &[
            ("logs:DescribeLogGroups", None),
            ("logs:PutRetentionPolicy", Some("RetentionInDays")),
            ("logs:TagResource", Some("Tags")),
        ],
        &[
            ("logs:DescribeLogGroups", None),
            ("logs:DeleteLogGroup", None),
        ],
    ],
);

const RULE: Needs = (
    "AWS::Events::Rule",
    [
        &[
            ("events:DescribeRule", None),
            ("events:PutRule", None),
            ("events:PutTargets", Some("Targets")),
            ("events:TagResource", Some("Tags")),
        ],
        &[
            ("events:DescribeRule", None),
            ("events:PutRule", None),
            ("events:PutTargets", Some("Targets")),
            ("events:RemoveTargets", Some("Targets")),
        ],
        &[
            ("events:DescribeRule", None),
            ("events:ListTargetsByRule", None),
            ("events:RemoveTargets", Some("Targets")),
            ("events:DeleteRule", None),
        ],
    ],
);

/// Every part of an API.
const API: Needs = (
    "AWS::ApiGatewayV2::",
    [
        &[
            ("apigateway:POST", None),
            ("apigateway:TagResource", Some("Tags")),
        ],
        &[
            ("apigateway:GET", None),
            ("apigateway:PATCH", None),
            ("apigateway:TagResource", Some("Tags")),
        ],
        &[("apigateway:GET", None), ("apigateway:DELETE", None)],
    ],
);

const ALL: [&Needs; 13] = [
    &SCHEDULE,
    &VERSION,
    &ALIAS,
    &EVENT_INVOKE,
    &FUNCTION,
    &LAYER,
    &PERMISSION,
    &MAPPING,
    &ROLE,
    &TABLE,
    &LOG_GROUP,
    &RULE,
    &API,
];

/// What is needed to do this with a resource.
pub(super) fn of(resource: &Resource, verb: Verb) -> Vec<&'static str> {
    let kind = deployed_kind(&resource.kind);
    let whole = |it: &&&Needs| it.0 == kind || (it.0.ends_with("::") && kind.starts_with(it.0));
    let Some((_, by_verb)) = ALL.iter().find(whole) else {
        return Vec::new();
    };
    let [create, update, delete] = by_verb;
    let needs = match verb {
        Verb::Create => create,
        Verb::Update => update,
        Verb::Delete => delete,
    };
    let tagged = resource.kind == TAGGED_BY_SAM;
    let has =
        |property: &str| resource.property(property).is_some() || (property == "Tags" && tagged);
    needs
        .iter()
        .filter(|(_, property)| property.is_none_or(has))
        .map(|(action, _)| *action)
        .collect()
}

/// API Gateway's permissions are about paths
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-control-access-using-iam-policies-to-create-and-manage-api.html>).
pub(super) fn api_path(kind: &str, api: Option<&str>, physical_id: &str, verb: Verb) -> String {
    let part = kind.rsplit("::").next().unwrap_or_default();
    let collection = match (part, api) {
        ("Api", _) | (_, None) => "/apis".to_owned(),
        (part, Some(api)) => {
            let name = match part {
                "Authorizer" => "authorizers",
                "Integration" => "integrations",
                "Route" => "routes",
                "RouteResponse" => "routes/*/routeresponses",
                "Stage" => "stages",
                "Deployment" => "deployments",
                _ => "*",
            };
            format!("/apis/{api}/{name}")
        }
    };
    match verb {
        Verb::Create => collection,
        Verb::Update | Verb::Delete => format!("{collection}/{physical_id}"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeMap;
    use tether_sam::Position;

    fn resource(kind: &str, properties: serde_json::Value) -> Resource {
        Resource {
            logical_id: "It".into(),
            kind: kind.into(),
            properties,
            metadata: json!(null),
            depends_on: vec![],
            references: vec![],
            condition: None,
            deletion_policy: None,
            update_replace_policy: None,
            reference: "it".into(),
            file: None,
            position: Position { line: 1, column: 1 },
            positions: BTreeMap::new(),
        }
    }

    #[test]
    fn only_what_the_properties_ask_for_is_needed() {
        let bare = resource("AWS::IAM::Role", json!({}));
        assert_eq!(of(&bare, Verb::Create), ["iam:CreateRole", "iam:GetRole"]);
        let role = resource("AWS::IAM::Role", json!({ "Policies": [] }));
        assert!(of(&role, Verb::Create).contains(&"iam:PutRolePolicy"));
        let sam = resource("AWS::Serverless::Function", json!({}));
        assert!(of(&sam, Verb::Create).contains(&"lambda:TagResource"));
        let nothing = resource("AWS::CloudFormation::WaitConditionHandle", json!({}));
        assert!(of(&nothing, Verb::Create).is_empty());
    }

    #[test]
    fn the_parts_of_an_api_have_paths() {
        let path = |kind, verb| api_path(kind, Some("a1"), "x", verb);
        assert_eq!(path("AWS::ApiGatewayV2::Api", Verb::Create), "/apis");
        assert_eq!(
            path("AWS::ApiGatewayV2::Route", Verb::Create),
            "/apis/a1/routes"
        );
        assert_eq!(
            path("AWS::ApiGatewayV2::Stage", Verb::Delete),
            "/apis/a1/stages/x"
        );
    }
}
