//! HTTP APIs of API Gateway's own resources, put together from their parts.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_ApiGatewayV2.html>

use super::document::{Contents, DEFAULT, cors};
use super::part::{Findings, Part};
use super::parts::Parts;
use super::rest::given;
use super::security::read_authorizer;
use super::spelling::Spelling;
use super::{
    ApiIntegration, ApiKind, ApiRoute, ApiStage, Authorization, IntegrationKind, PayloadVersion,
    integration, stages,
};
use crate::stack::Resource;
use serde_json::Value;
use std::collections::BTreeMap;

const PREFIX: &str = "AWS::ApiGatewayV2::";
pub(super) const API: &str = "AWS::ApiGatewayV2::Api";

/// Whether this is an HTTP API; one with a document need not say so.
pub(super) fn is_http(api: &Resource) -> bool {
    let protocol = api.property("ProtocolType").and_then(Value::as_str);
    protocol == Some("HTTP") || protocol.is_none()
}

/// What `AWS::ApiGatewayV2::Api` says itself: its document, or the one route of quick create.
pub(super) fn own(api: &Resource, found: &mut Findings) -> Contents {
    let part = Part::of(api);
    let document = given(api, &part, found);
    let document = document.map(|it| it.read(ApiKind::Http, found));
    let mut contents = document.unwrap_or_default();
    if let Some(own) = cors(part.member("CorsConfiguration"), Spelling::Http, found) {
        contents.cors = Some(own);
    }
    if let Some(target) = found.text(part.member("Target")) {
        let key = found.text(part.member("RouteKey"));
        let key = key.as_deref().unwrap_or(DEFAULT);
        contents.routes.extend(quick(&target, key, &part, found));
    }
    contents
}

/// The route of a `Target`: a URL, or a function.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop.html>
fn quick(target: &str, key: &str, part: &Part<'_>, found: &mut Findings) -> Option<ApiRoute> {
    let url = target.starts_with("http://") || target.starts_with("https://");
    let kind = if url {
        IntegrationKind::HttpProxy
    } else {
        IntegrationKind::AwsProxy
    };
    let (function, _) = integration::function_of(target).unwrap_or((target.to_owned(), false));
    let integration = ApiIntegration {
        function: Some(function).filter(|_| !url),
        uri: Some(target.to_owned()).filter(|_| url),
        http_method: url.then(|| "ANY".to_owned()),
        ..ApiIntegration::of(kind, PayloadVersion::V2)
    };
    let (method, path) = route_key(key, &part.member("RouteKey"), found)?;
    Some(ApiRoute {
        integration: Some(integration),
        ..bare(method, path, &part.member("Target").unwrap_or(part.clone()))
    })
}

fn bare(method: String, path: String, part: &Part<'_>) -> ApiRoute {
    ApiRoute {
        method,
        path,
        resource_id: None,
        operation_name: None,
        integration: None,
        authorization: Authorization::None,
        api_key_required: false,
        validation: None,
        method_responses: BTreeMap::new(),
        position: part.position(),
    }
}

/// `GET /pets`, or `$default`.
fn route_key(key: &str, part: &Option<Part<'_>>, found: &mut Findings) -> Option<(String, String)> {
    if key == DEFAULT {
        return Some(("ANY".to_owned(), DEFAULT.to_owned()));
    }
    match key.split_once(' ') {
        Some((method, path)) if path.starts_with('/') => Some((method.to_owned(), path.to_owned())),
        _ => {
            if let Some(part) = part {
                found.wrong(
                    part,
                    "it must be a method and a path (GET /pets), or $default.",
                );
            }
            None
        }
    }
}

/// Adds what other resources say of the API whose id this is, SAM's APIs among them.
pub(super) fn add_parts(
    api: &Resource,
    parts: &Parts<'_>,
    contents: &mut Contents,
    found: &mut Findings,
) {
    for resource in parts.of(PREFIX, "Authorizer", "ApiId", api) {
        let part = Part::of(resource);
        if let Some(mut read) = read_authorizer(&part, Spelling::Http, None, found) {
            read.logical_id = Some(resource.logical_id.clone());
            read.id.clone_from(&resource.reference);
            contents
                .authorizers
                .insert(resource.logical_id.clone(), read);
        }
    }
    for resource in parts.of(PREFIX, "Route", "ApiId", api) {
        let Some(route) = route(resource, api, parts, contents, found) else {
            continue;
        };
        contents.add(route, resource, found);
    }
}

fn route(
    resource: &Resource,
    api: &Resource,
    parts: &Parts<'_>,
    contents: &Contents,
    found: &mut Findings,
) -> Option<ApiRoute> {
    let part = Part::of(resource);
    let key = found.required_text(&part, "RouteKey");
    let integration = target(&part, api, parts, found);
    let authorization = authorization(&part, contents, found);
    let operation_name = found.text(part.member("OperationName"));
    let (method, path) = route_key(&key, &part.member("RouteKey"), found)?;
    Some(ApiRoute {
        operation_name,
        integration: integration
            .and_then(|it| integration::read(&Part::of(it), Spelling::Http, found)),
        authorization,
        ..bare(method, path, &part)
    })
}

/// The integration that a route's `Target` names.
fn target<'s>(
    route: &Part<'_>,
    api: &Resource,
    parts: &Parts<'s>,
    found: &mut Findings,
) -> Option<&'s Resource> {
    let part = route.member("Target")?;
    let target = found.text(Some(part.clone()))?;
    let Some(id) = target.strip_prefix("integrations/") else {
        found.wrong(&part, "it must be integrations/ and an integration's id.");
        return None;
    };
    let integration = parts
        .of(PREFIX, "Integration", "ApiId", api)
        .find(|it| it.reference == id);
    if integration.is_none() {
        found.wrong(
            &part,
            format!("no integration of this API has the id {id}."),
        );
    }
    integration
}

fn authorization(part: &Part<'_>, contents: &Contents, found: &mut Findings) -> Authorization {
    let kind = found.text(part.member("AuthorizationType"));
    match kind.as_deref().unwrap_or("NONE") {
        "NONE" => Authorization::None,
        "AWS_IAM" => Authorization::Iam,
        "JWT" | "CUSTOM" => {
            let id = found.required_text(part, "AuthorizerId");
            let scopes = found.texts(part.member("AuthorizationScopes"));
            let mut authorizers = contents.authorizers.iter();
            if let Some((name, _)) = authorizers.find(|(_, it)| it.id == id) {
                let name = name.clone();
                return Authorization::Authorizer { name, scopes };
            }
            if let Some(part) = part.member("AuthorizerId") {
                let message = format!("no authorizer of this API has the id {id}.");
                found.wrong(&part, message);
            }
            Authorization::None
        }
        _ => {
            if let Some(part) = part.member("AuthorizationType") {
                found.wrong(&part, "it must be NONE, AWS_IAM, JWT or CUSTOM.");
            }
            Authorization::None
        }
    }
}

/// The stages of an API; quick create makes one.
pub(super) fn add_stages(
    api: &Resource,
    parts: &Parts<'_>,
    stages: &mut Vec<ApiStage>,
    found: &mut Findings,
) {
    for resource in parts.of(PREFIX, "Stage", "ApiId", api) {
        let made = Some(&resource.logical_id);
        if stages.iter().all(|it| it.logical_id.as_ref() != made) {
            stages.push(stages::of_http(resource, found));
        }
    }
    let quick = api.property("Target").is_some();
    if quick && stages.iter().all(|it| it.name != DEFAULT) {
        stages.push(stages::plain(DEFAULT));
    }
}
