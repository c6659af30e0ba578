//! What somebody needs to be allowed to do, so that CloudFormation can do it
//! for them: it makes each resource with its caller's permissions
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/control-access-with-iam.html>).

mod needs;

use super::expand::deployed_kind;
use crate::cloud::Cloud;
use crate::faults::Call;
use crate::iam::Ask;
use serde_json::Value;
use tether_sam::Resource;

/// On whose behalf a stack is changed.
#[derive(Clone, Debug, Default)]
pub(crate) struct By {
    /// None: the emulator itself, at its start.
    pub(crate) access_key: Option<String>,
}

/// What is done with a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Create,
    Update,
    Delete,
}

/// Whether a caller may do this; if not, AWS's words, from `User: …` on.
fn may(cloud: &Cloud, access_key: &str, action: &str, resource: &str) -> Result<(), String> {
    let ask = Ask::new(action, resource);
    let allowed = cloud.iam.authorize(access_key, &ask);
    allowed.map_err(|denied| denied.to_string())
}

/// Whether a resource may be created, changed or deleted.
pub(super) async fn may_do(
    cloud: &Cloud,
    by: &By,
    verb: Verb,
    resource: &Resource,
    physical_id: &str,
) -> Result<(), String> {
    for action in needs::of(resource, verb) {
        for arn in on(cloud, resource, physical_id, action, verb) {
            check(cloud, by, action, &arn).await?;
        }
    }
    Ok(())
}

/// Whether an object in S3 may be read.
pub(super) async fn may_read(
    cloud: &Cloud,
    by: &By,
    bucket: &str,
    key: &str,
) -> Result<(), String> {
    let arn = format!("arn:{}:s3:::{bucket}/{key}", cloud.place.partition);
    check(cloud, by, "s3:GetObject", &arn).await
}

async fn check(cloud: &Cloud, by: &By, action: &str, arn: &str) -> Result<(), String> {
    let Some(key) = &by.access_key else {
        return Ok(());
    };
    let (service, name) = action.split_once(':').unwrap_or((action, ""));
    let played = cloud.faults.judge(|| Call {
        service,
        action: name,
        principal: Some(cloud.callers.principal(key)),
        texts: [arn.as_bytes(), &[]],
    });
    let allowed = played.await.and_then(|()| may(cloud, key, action, arn));
    allowed.map_err(|words| denied(service, &words))
}

/// As the service's handler passes it on.
fn denied(service: &str, words: &str) -> String {
    let service = match service {
        "iam" => "Iam",
        "lambda" => "Lambda",
        "dynamodb" => "DynamoDb",
        "logs" => "CloudWatchLogs",
        "apigateway" => "ApiGatewayV2",
        "events" => "EventBridge",
        "s3" => "S3",
        other => other,
    };
    let message = format!(
        "{words} (Service: {service}, Status Code: 403, Request ID: {})",
        crate::id::uuid()
    );
    super::resources::refused(&message, "AccessDenied")
}

/// What an action is done to.
fn on(
    cloud: &Cloud,
    resource: &Resource,
    physical_id: &str,
    action: &str,
    verb: Verb,
) -> Vec<String> {
    let (service, name) = action.split_once(':').unwrap_or((action, ""));
    let text = |path: &str| resource.property(path).and_then(Value::as_str);
    let arn = match (service, deployed_kind(&resource.kind)) {
        ("iam", "AWS::IAM::Role") => global(cloud, "iam", &format!("role/{physical_id}")),
        // The role that a function gets, or a schedule.
        ("iam", _) => {
            let role = text("Role").or_else(|| text("Target.RoleArn"));
            role.unwrap_or_default().to_owned()
        }
        ("lambda", "AWS::Lambda::Function") if name == "GetLayerVersion" => {
            let layers = resource.property("Layers").and_then(Value::as_array);
            let layers = layers.into_iter().flatten();
            return layers
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect();
        }
        ("lambda", "AWS::Lambda::LayerVersion") if name == "PublishLayerVersion" => {
            let layer = physical_id.rsplit_once(':').map(|(layer, _)| layer);
            layer.unwrap_or(physical_id).to_owned()
        }
        ("lambda", "AWS::Lambda::LayerVersion") => physical_id.to_owned(),
        ("lambda", "AWS::Lambda::EventSourceMapping") => {
            cloud.arn("lambda", "event-source-mapping:*")
        }
        (
            "lambda",
            "AWS::Lambda::Permission"
            | "AWS::Lambda::Version"
            | "AWS::Lambda::Alias"
            | "AWS::Lambda::EventInvokeConfig",
        ) => {
            let function = text("FunctionName").unwrap_or_default();
            match function.starts_with("arn:") {
                true => function.to_owned(),
                false => cloud.arn("lambda", &format!("function:{function}")),
            }
        }
        ("lambda", _) => cloud.arn("lambda", &format!("function:{physical_id}")),
        ("dynamodb", _) => cloud.arn("dynamodb", &format!("table/{physical_id}")),
        ("logs", _) if name == "DescribeLogGroups" => cloud.arn("logs", "log-group::log-stream:"),
        ("logs", _) => cloud.arn("logs", &format!("log-group:{physical_id}:log-stream:")),
        ("scheduler", _) => {
            let group = text("GroupName").unwrap_or("default");
            cloud.arn("scheduler", &format!("schedule/{group}/{physical_id}"))
        }
        ("events", _) => cloud.arn("events", &format!("rule/{physical_id}")),
        ("apigateway", kind) => {
            let path = needs::api_path(kind, text("ApiId"), physical_id, verb);
            let place = &cloud.place;
            format!(
                "arn:{}:apigateway:{}::{path}",
                place.partition, place.region
            )
        }
        _ => "*".to_owned(),
    };
    vec![arn]
}

fn global(cloud: &Cloud, service: &str, resource: &str) -> String {
    let place = &cloud.place;
    format!(
        "arn:{}:{service}::{}:{resource}",
        place.partition, place.account_id
    )
}
