//! Function URLs.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-url.html>

use super::document::{Contents, DEFAULT, cors};
use super::part::{Findings, Part};
use super::spelling::Spelling;
use super::{ApiIntegration, ApiRoute, Authorization, IntegrationKind, PayloadVersion};
use crate::resources::SAM_FUNCTION;
use crate::stack::{Resource, Stack};
use serde_json::Value;

pub(super) const URL: &str = "AWS::Lambda::Url";

/// One route, and what is answered to browsers.
pub(super) fn read(resource: &Resource, found: &mut Findings) -> Contents {
    let part = Part::of(resource);
    let function = found.required_text(&part, "TargetFunctionArn");
    let function = match found.text(part.member("Qualifier")) {
        Some(alias) => format!("{function}:{alias}"),
        None => function,
    };
    let streams = match found.text(part.member("InvokeMode")).as_deref() {
        None | Some("BUFFERED") => false,
        Some("RESPONSE_STREAM") => true,
        Some(_) => {
            let part = part.member("InvokeMode").unwrap_or(part.clone());
            found.wrong(&part, "it must be BUFFERED or RESPONSE_STREAM.");
            false
        }
    };
    let cors_part = part.member("Cors");
    if let Some(cors) = &cors_part {
        check_cors(cors, found);
    }
    let integration = ApiIntegration {
        function: Some(function),
        streams,
        ..ApiIntegration::of(IntegrationKind::AwsProxy, PayloadVersion::V2)
    };
    let route = ApiRoute {
        method: "ANY".to_owned(),
        path: DEFAULT.to_owned(),
        resource_id: None,
        operation_name: None,
        integration: Some(integration),
        authorization: authorization(&part, found),
        api_key_required: false,
        validation: None,
        method_responses: std::collections::BTreeMap::new(),
        position: resource.position,
    };
    Contents {
        routes: vec![route],
        cors: cors(cors_part, Spelling::Http, found),
        ..Contents::default()
    }
}

/// Functions with one environment for each tenant have no URL.
/// <https://docs.aws.amazon.com/lambda/latest/dg/tenant-isolation.html>
pub(super) fn refuse_tenants(stack: &Stack, found: &mut Findings) {
    let functions = stack
        .resources
        .values()
        .filter(|it| it.kind == SAM_FUNCTION);
    for function in functions.map(Part::of) {
        let tenants = function.member("TenancyConfig").is_some();
        if let Some(url) = function.member("FunctionUrlConfig").filter(|_| tenants) {
            found.wrong(&url, "a function with TenancyConfig has no URL.");
        }
    }
}

fn authorization(part: &Part<'_>, found: &mut Findings) -> Authorization {
    match found.required_text(part, "AuthType").as_str() {
        "AWS_IAM" => Authorization::Iam,
        "NONE" => Authorization::None,
        _ => {
            if let Some(part) = part.member("AuthType") {
                found.wrong(&part, "it must be AWS_IAM or NONE.");
            }
            Authorization::None
        }
    }
}

/// Lambda takes lists where HTTP APIs also take texts.
fn check_cors(cors: &Part<'_>, found: &mut Findings) {
    let lists = [
        "AllowOrigins",
        "AllowMethods",
        "AllowHeaders",
        "ExposeHeaders",
    ];
    for (key, part) in found.map(Some(cors.clone())) {
        if lists.contains(&key) {
            if !matches!(part.value, Value::Array(_) | Value::Null) {
                found.wrong(&part, "it must be a list.");
            }
        } else if !["AllowCredentials", "MaxAge"].contains(&key) {
            found.wrong(&part, format!("{key} is no property of Cors."));
        }
    }
}
