//! What API Gateway's resources and function URLs are called.

use super::Names;
use crate::id;
use serde_json::Value;
use tether_sam::api::resource_id;
use tether_sam::{PhysicalNames as _, Resource};

const REST_APIS: [&str; 2] = ["AWS::Serverless::Api", "AWS::ApiGateway::RestApi"];
const HTTP_APIS: [&str; 2] = ["AWS::Serverless::HttpApi", "AWS::ApiGatewayV2::Api"];

impl Names<'_> {
    /// What `Ref` gives for a resource of an API; none for what is none.
    pub(super) fn api_reference(&self, resource: &Resource) -> Option<String> {
        let id = |length| id::stable(&self.seed(resource), length, id::LOWER);
        let given = |property: &str| {
            let name = resource.properties.get(property).and_then(Value::as_str);
            name.map(str::to_owned)
        };
        let kind = resource.kind.as_str();
        Some(match kind {
            kind if REST_APIS.contains(&kind) || HTTP_APIS.contains(&kind) => id(10),
            "AWS::ApiGatewayV2::Stage" | "AWS::ApiGateway::Stage" => {
                given("StageName").unwrap_or_else(|| id(6))
            }
            "AWS::ApiGateway::Model" => given("Name").unwrap_or_else(|| id(6)),
            "AWS::ApiGateway::ApiKey" => id(10),
            kind if kind.starts_with("AWS::ApiGateway::") => id(6),
            kind if kind.starts_with("AWS::ApiGatewayV2::") => id(7),
            // AWS gives the function's ARN, which is not known yet; this is what stands in the URL.
            "AWS::Lambda::Url" => id(32),
            _ => return None,
        })
    }

    /// What `Fn::GetAtt` gives for a resource of an API.
    pub(super) fn api_attribute(&self, resource: &Resource, attribute: &str) -> Option<String> {
        let kind = resource.kind.as_str();
        let own = self.api_reference(resource)?;
        if REST_APIS.contains(&kind) {
            return match attribute {
                "RootResourceId" => Some(resource_id(&own, "/")),
                "RestApiId" => Some(own),
                _ => None,
            };
        }
        if HTTP_APIS.contains(&kind) {
            let protocol = resource.properties.get("ProtocolType");
            let websocket = protocol.and_then(Value::as_str) == Some("WEBSOCKET");
            let scheme = if websocket { "wss" } else { "https" };
            return match attribute {
                "ApiEndpoint" => Some(format!("{scheme}://{}", self.cloud.api_host(&own))),
                "ApiId" => Some(own),
                _ => None,
            };
        }
        match (kind, attribute) {
            ("AWS::Lambda::Url", "FunctionUrl") => {
                Some(format!("https://{}/", self.cloud.url_host(&own)))
            }
            ("AWS::ApiGateway::Resource", "ResourceId")
            | ("AWS::ApiGateway::Authorizer" | "AWS::ApiGatewayV2::Authorizer", "AuthorizerId")
            | ("AWS::ApiGateway::Deployment", "DeploymentId")
            | ("AWS::ApiGateway::RequestValidator", "RequestValidatorId")
            | ("AWS::ApiGateway::UsagePlan" | "AWS::ApiGateway::UsagePlanKey", "Id")
            | ("AWS::ApiGateway::ApiKey", "APIKeyId")
            | ("AWS::ApiGatewayV2::Integration", "IntegrationId")
            | ("AWS::ApiGatewayV2::Route", "RouteId") => Some(self.reference(resource)),
            _ => None,
        }
    }
}
