//! REST APIs of API Gateway's own resources, put together from their parts.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_ApiGateway.html>

use super::document::{Contents, Document, api_key_source, resource_id};
use super::part::{Findings, Part};
use super::parts::Parts;
use super::resource_policy;
use super::rest_methods;
use super::security::read_authorizer;
use super::serverless_rest::from_file;
use super::spelling::Spelling;
use super::{ApiKind, ApiStage, GatewayResponse, stages};
use crate::stack::Resource;
use indexmap::IndexSet;
use serde_json::Value;

pub(super) const REST: &str = "AWS::ApiGateway::RestApi";
const PREFIX: &str = "AWS::ApiGateway::";

/// What `AWS::ApiGateway::RestApi` says itself: its document, and its own properties.
pub(super) fn own(api: &Resource, found: &mut Findings) -> Contents {
    let part = Part::of(api);
    let mut contents = match given(api, &part, found) {
        Some(mut document) => {
            prepend_base_path(&mut document, &part, found);
            document.read(ApiKind::Rest, found)
        }
        None => Contents::default(),
    };
    add_own(&part, &mut contents, found);
    contents
}

/// The document of `Body`, or of the file that `BodyS3Location` names before it is packaged.
pub(super) fn given<'s>(
    api: &'s Resource,
    part: &Part<'_>,
    found: &mut Findings,
) -> Option<Document<'s>> {
    if let Some(body) = part.member("Body") {
        return Some(Document::given(api, "Body", body.value.clone()));
    }
    let location = part.member("BodyS3Location")?;
    Some(from_file(api, "BodyS3Location", &location, found))
}

/// What a REST API's own properties say, SAM's too.
pub(super) fn add_own(api: &Part<'_>, contents: &mut Contents, found: &mut Findings) {
    if let Some(part) = api.member("CloneFrom") {
        let message = "the API that it is cloned from is not looked at.";
        found.note(&part, message);
    }
    // Of both, its own is taken `[inf]`.
    if let Some(policy) = resource_policy::read(api.member("Policy"), found) {
        contents.policy = Some(policy);
    }
    // Of both, these are taken: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-import-api.html
    let own = found.texts(api.member("BinaryMediaTypes"));
    let own = own.into_iter().map(|it| it.replace("~1", "/"));
    let all = std::mem::take(&mut contents.binary_media_types);
    let all: IndexSet<String> = all.into_iter().chain(own).collect();
    contents.binary_media_types = all.into_iter().collect();
    if let Some(bytes) = found.number(api.member("MinimumCompressionSize")) {
        contents.minimum_compression_bytes = Some(bytes.into());
    }
    if let Some(source) = api.member("ApiKeySourceType") {
        contents.api_key_source = api_key_source(Some(source), found);
    }
}

/// `basepath: prepend` puts the document's `basePath` before each path.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-import-api-basePath.html>
fn prepend_base_path(document: &mut Document<'_>, api: &Part<'_>, found: &mut Findings) {
    let Some(mode) = api.descend(&["Parameters", "basepath"]) else {
        return;
    };
    match mode.scalar().as_deref() {
        Some("ignore") => {}
        Some("prepend") => {
            let base = document.value.get("basePath").and_then(Value::as_str);
            let base = base.unwrap_or_default().trim_end_matches('/').to_owned();
            if let Some(paths) = document.paths_mut() {
                let moved = std::mem::take(paths).into_iter();
                *paths = moved
                    .map(|(path, it)| (format!("{base}{path}"), it))
                    .collect();
            }
        }
        _ => found.note(&mode, "only ignore and prepend are served."),
    }
}

/// Adds what other resources say of the API whose id this is, SAM's APIs among them.
pub(super) fn add_parts(
    api: &Resource,
    parts: &Parts<'_>,
    contents: &mut Contents,
    found: &mut Findings,
) {
    let of = |kind: &'static str| parts.of(PREFIX, kind, "RestApiId", api);
    for resource in of("Authorizer") {
        if let Some(read) = authorizer(resource, found) {
            contents
                .authorizers
                .insert(resource.logical_id.clone(), read);
        }
    }
    for resource in of("Model") {
        let part = Part::of(resource);
        let name = found.text(part.member("Name"));
        let name = name.unwrap_or_else(|| resource.reference.clone());
        let schema = part.member("Schema").map(|it| schema(&it, found));
        contents.models.insert(name, schema.unwrap_or_default());
    }
    for resource in of("GatewayResponse") {
        let part = Part::of(resource);
        let response = GatewayResponse {
            status: found.text(part.member("StatusCode")),
            parameters: found.text_map(part.member("ResponseParameters")),
            templates: found.text_map(part.member("ResponseTemplates")),
        };
        let kind = found.required_text(&part, "ResponseType");
        contents.gateway_responses.insert(kind, response);
    }
    rest_methods::add(api, parts, contents, found);
}

fn authorizer(resource: &Resource, found: &mut Findings) -> Option<super::ApiAuthorizer> {
    let part = Part::of(resource);
    let mut read = read_authorizer(&part, Spelling::Rest, None, found)?;
    read.logical_id = Some(resource.logical_id.clone());
    read.id.clone_from(&resource.reference);
    Some(read)
}

/// A schema, which may stand there as text.
fn schema(part: &Part<'_>, found: &mut Findings) -> Value {
    let Some(text) = part.value.as_str() else {
        return part.value.clone();
    };
    serde_json::from_str(text).unwrap_or_else(|error| {
        found.wrong(part, format!("it is no JSON: {error}."));
        Value::Null
    })
}

/// The stages of an API: of `Stage` resources, and of deployments that make one.
pub(super) fn add_stages(
    api: &Resource,
    parts: &Parts<'_>,
    stages: &mut Vec<ApiStage>,
    found: &mut Findings,
) {
    for resource in parts.of(PREFIX, "Stage", "RestApiId", api) {
        let made = Some(&resource.logical_id);
        if stages.iter().all(|it| it.logical_id.as_ref() != made) {
            stages.push(stages::of_rest(resource, found));
        }
    }
    for resource in parts.of(PREFIX, "Deployment", "RestApiId", api) {
        let part = Part::of(resource);
        let Some(name) = found.text(part.member("StageName")) else {
            continue;
        };
        if stages.iter().any(|it| it.name == name) {
            continue;
        }
        let description = part.member("StageDescription");
        let member = |key| description.as_ref().and_then(|it| it.member(key));
        stages.push(ApiStage {
            variables: stages::variables(member("Variables"), found),
            throttles: stages::method_settings(member("MethodSettings"), found),
            ..stages::plain(&name)
        });
    }
}

/// The id of the resource at the root, which methods name by `RootResourceId`.
pub(super) fn is_root(api: &Resource, id: &str) -> bool {
    // While nothing is deployed it is a placeholder.
    id == resource_id(&api.reference, "/") || id == format!("{}.RootResourceId", api.logical_id)
}
