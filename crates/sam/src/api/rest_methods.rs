//! Resources and methods of REST APIs.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigateway-method.html>

use super::document::Contents;
use super::part::{Findings, Part};
use super::parts::Parts;
use super::rest::is_root;
use super::spelling::Spelling;
use super::{ApiRoute, Authorization, RequestValidation, integration};
use crate::stack::Resource;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const PREFIX: &str = "AWS::ApiGateway::";
/// More levels than a path has; a circle of parents has no end.
const DEPTH: usize = 64;

/// Adds the routes that `AWS::ApiGateway::Method` resources are.
pub(super) fn add(
    api: &Resource,
    parts: &Parts<'_>,
    contents: &mut Contents,
    found: &mut Findings,
) {
    for resource in parts.of(PREFIX, "Method", "RestApiId", api) {
        let Some(route) = route(resource, api, parts, contents, found) else {
            continue;
        };
        contents.add(route, resource, found);
    }
}

fn route(
    method: &Resource,
    api: &Resource,
    parts: &Parts<'_>,
    contents: &Contents,
    found: &mut Findings,
) -> Option<ApiRoute> {
    let part = Part::of(method);
    let resource_id = found.required_text(&part, "ResourceId");
    let path = path(&resource_id, api, parts);
    if path.is_none() {
        let message = format!("no resource of this API has the id {resource_id}.");
        let part = part.member("ResourceId").unwrap_or(part.clone());
        found.wrong(&part, message);
    }
    let integration = part
        .member("Integration")
        .filter(|it| it.member("Type").is_some());
    Some(ApiRoute {
        method: found
            .required_text(&part, "HttpMethod")
            .to_ascii_uppercase(),
        path: path?,
        operation_name: found.text(part.member("OperationName")),
        integration: integration.and_then(|it| integration::read(&it, Spelling::Rest, found)),
        authorization: authorization(&part, contents, found),
        api_key_required: found
            .boolean(part.member("ApiKeyRequired"))
            .unwrap_or(false),
        validation: validation(&part, api, parts, found),
        method_responses: responses(&part, found),
        resource_id: Some(resource_id),
        position: method.position,
    })
}

/// The path of a resource by its id, through its parents.
fn path(id: &str, api: &Resource, parts: &Parts<'_>) -> Option<String> {
    let mut segments = Vec::new();
    let mut id = id.to_owned();
    while !is_root(api, &id) {
        let mut resources = parts.of(PREFIX, "Resource", "RestApiId", api);
        let resource = resources.find(|it| it.reference == id)?;
        let text = |key| resource.property(key).and_then(Value::as_str);
        segments.push(text("PathPart")?);
        id = text("ParentId")?.to_owned();
        if segments.len() > DEPTH {
            return None;
        }
    }
    segments.reverse();
    Some(format!("/{}", segments.join("/")))
}

fn authorization(part: &Part<'_>, contents: &Contents, found: &mut Findings) -> Authorization {
    let kind = found.text(part.member("AuthorizationType"));
    match kind.as_deref().unwrap_or("NONE") {
        "NONE" => Authorization::None,
        "AWS_IAM" => Authorization::Iam,
        "CUSTOM" | "COGNITO_USER_POOLS" => {
            let id = found.required_text(part, "AuthorizerId");
            let scopes = found.texts(part.member("AuthorizationScopes"));
            let mut authorizers = contents.authorizers.iter();
            match authorizers.find(|(_, it)| it.id == id) {
                Some((name, _)) => Authorization::Authorizer {
                    name: name.clone(),
                    scopes,
                },
                None => {
                    if let Some(part) = part.member("AuthorizerId") {
                        let message = format!("no authorizer of this API has the id {id}.");
                        found.wrong(&part, message);
                    }
                    Authorization::None
                }
            }
        }
        _ => {
            if let Some(part) = part.member("AuthorizationType") {
                found.wrong(
                    &part,
                    "it must be NONE, AWS_IAM, CUSTOM or COGNITO_USER_POOLS.",
                );
            }
            Authorization::None
        }
    }
}

fn validation(
    part: &Part<'_>,
    api: &Resource,
    parts: &Parts<'_>,
    found: &mut Findings,
) -> Option<RequestValidation> {
    let id = found.text(part.member("RequestValidatorId"))?;
    let mut validators = parts.of(PREFIX, "RequestValidator", "RestApiId", api);
    let Some(validator) = validators.find(|it| it.reference == id) else {
        if let Some(part) = part.member("RequestValidatorId") {
            let message = format!("no request validator of this API has the id {id}.");
            found.wrong(&part, message);
        }
        return None;
    };
    let validator = Part::of(validator);
    let mut checks = |key| found.boolean(validator.member(key)).unwrap_or(false);
    let (body, parameters) = (
        checks("ValidateRequestBody"),
        checks("ValidateRequestParameters"),
    );
    if !body && !parameters {
        return None;
    }
    let required = found.map(part.member("RequestParameters")).into_iter();
    let required: Vec<_> = required
        .filter(|(_, it)| found.boolean(Some(it.clone())) == Some(true))
        .map(|(name, _)| name.to_owned())
        .collect();
    Some(RequestValidation {
        body,
        parameters,
        models: found.text_map(part.member("RequestModels")),
        required,
    })
}

fn responses(part: &Part<'_>, found: &mut Findings) -> BTreeMap<String, Value> {
    let mut responses = BTreeMap::new();
    let list = part.member("MethodResponses");
    for response in list.map(|it| it.items()).unwrap_or_default() {
        let value = |key| {
            let member = response.member(key);
            member.map_or_else(|| json!({}), |it| it.value.clone())
        };
        let content = json!({
            "ResponseParameters": value("ResponseParameters"),
            "ResponseModels": value("ResponseModels"),
        });
        let status = found.required_text(&response, "StatusCode");
        responses.insert(status, content);
    }
    responses
}
