//! `AWS::Serverless::Api`: the document that SAM makes of it and of the events that name it.
//!
//! What is done in which order is the translator's (`samtranslator/model/api/api_generator.py`).
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-api.html>

use super::cors_routes;
use super::document::{ANY, Document, INTEGRATION};
use super::events::ApiEvent;
use super::part::{Findings, Part};
use super::request_model;
use super::resource_policy;
use super::rest_auth;
use super::sam_properties;
use crate::definitions::is_document;
use crate::stack::Resource;
use crate::tree::stringified;
use serde_json::{Map, Value, json};

/// The document of one API.
pub(super) fn document<'s>(
    api: &'s Resource,
    events: &[ApiEvent<'s>],
    found: &mut Findings,
) -> Document<'s> {
    let properties = Part::of(api);
    sam_properties::check_rest(&properties, found);
    let merges = found.boolean(properties.member("MergeDefinitions")) == Some(true);
    let (mut document, managed) = beginning(&properties, api, found);
    if managed || merges {
        for event in events {
            add(&mut document, event, &properties, merges, found);
        }
    } else {
        for event in events {
            rest_auth::override_auth(&mut document, event, &properties, found);
        }
    }
    if properties.member("DefinitionUri").is_some() {
        return document;
    }
    cors_routes::add(&mut document, &properties, found);
    rest_auth::apply(&mut document, &properties, found);
    add_gateway_responses(&mut document, &properties, found);
    add_models(&mut document, &properties, found);
    renamed(&mut document, &properties);
    document
}

/// What the API has to begin with, and whether SAM adds the routes of events to it.
fn beginning<'s>(
    properties: &Part<'s>,
    api: &'s Resource,
    found: &mut Findings,
) -> (Document<'s>, bool) {
    let (body, uri) = (
        properties.member("DefinitionBody"),
        properties.member("DefinitionUri"),
    );
    match (body, uri) {
        (Some(_), Some(uri)) => {
            let message = "either DefinitionBody or DefinitionUri can be given, not both.";
            found.wrong(&uri, message);
            (Document::empty(api, "DefinitionBody"), false)
        }
        (Some(body), None) if is_empty(body.value) => {
            (Document::empty(api, "DefinitionBody"), true)
        }
        (Some(body), None) => {
            if !body.value.is_object() {
                found.wrong(&body, "it must be an OpenAPI document.");
                return (Document::empty(api, "DefinitionBody"), false);
            }
            let value = body.value.clone();
            (Document::given(api, "DefinitionBody", value), false)
        }
        (None, Some(uri)) => (from_file(api, "DefinitionUri", &uri, found), false),
        (None, None) => (Document::empty(api, ""), true),
    }
}

/// The document of a file, as it is; one that was not read is said.
pub(super) fn from_file<'s>(
    api: &'s Resource,
    property: &'static str,
    uri: &Part<'_>,
    found: &mut Findings,
) -> Document<'s> {
    if is_document(uri.value) {
        return Document::given(api, property, uri.value.clone());
    }
    found.note(
        uri,
        "the document is not read: the API has no routes of it.",
    );
    Document::empty(api, property)
}

/// What SAM makes of an OpenAPI 3 document: its own schemes and models take the place of those that
/// were there (`_openapi_postprocess`).
fn renamed(document: &mut Document<'_>, api: &Part<'_>) {
    let version = api.member("OpenApiVersion").and_then(|it| it.scalar());
    let own = document.value.get("openapi").and_then(stringified);
    let is_new = version.or(own).is_some_and(|it| it.starts_with('3'));
    let merged = api.member("DefinitionBody").is_some() && document.value.get("swagger").is_none();
    if !is_new || !merged {
        return;
    }
    for (old, new) in [
        ("securityDefinitions", "securitySchemes"),
        ("definitions", "schemas"),
    ] {
        let replaces = document.value.get(old).is_some_and(|it| !is_empty(it));
        let components = document.value.get_mut("components");
        if let Some(components) = components
            .and_then(Value::as_object_mut)
            .filter(|_| replaces)
        {
            components.remove(new);
        }
    }
}

/// As Python sees it.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Bool(true) => false,
    }
}

pub(super) fn set(document: &mut Document<'_>, key: &str, value: Value) {
    if let Some(members) = document.value.as_object_mut() {
        members.insert(key.to_owned(), value);
    }
}

/// Adds an event's route.
fn add<'s>(
    document: &mut Document<'s>,
    event: &ApiEvent<'s>,
    api: &Part<'s>,
    merges: bool,
    found: &mut Findings,
) {
    let key = (event.path.clone(), event.method.clone());
    let mut operation = json!({ INTEGRATION: event.integration(), "responses": {} });
    if let Some(first) = document.origins.get(&key) {
        return defined_twice(event, &Part::at(first.0, &first.1, &Value::Null), found);
    }
    if let Some(millis) = event.properties.member("TimeoutInMillis") {
        operation[INTEGRATION]["timeoutInMillis"] = millis.value.clone();
    }
    let security = rest_auth::of_event(event, api, found);
    if !security.is_empty() {
        operation["security"] = Value::Array(security);
    }
    // What is merged brings no validators with it.
    let mut apart = Document::empty(document.resource, "");
    let validators = if merges { &mut apart } else { &mut *document };
    request_model::add(validators, &mut operation, event, api, found);
    let Some(paths) = document.paths_mut() else {
        let message = "the DefinitionBody of its API is no OpenAPI document with paths.";
        return found.wrong(&event.part(), message);
    };
    let item = paths
        .entry(event.path.as_str())
        .or_insert_with(|| json!({}));
    let Some(item) = item.as_object_mut() else {
        let message = format!("{} is no map in the API's document.", event.path);
        return found.wrong(&event.part(), message);
    };
    // Of what both say SAM's own is taken.
    let before = item.get(&event.method).filter(|_| merges);
    let mut members = before
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    if let Value::Object(own) = operation {
        members.extend(own);
    }
    // SAM merges ANY under a name that API Gateway does not know.
    let method = if merges && event.method == ANY {
        "any"
    } else {
        &event.method
    };
    item.insert(method.to_owned(), Value::Object(members));
    resource_policy::add_of_event(document, event, api, found);
    let at = (event.owner, event.at.clone());
    document.origins.insert(key, at);
}

/// Two events are one route.
pub(super) fn defined_twice(event: &ApiEvent<'_>, first: &Part<'_>, found: &mut Findings) {
    let message = format!(
        "{} is defined a second time; first at {}.",
        event.route(),
        first.named()
    );
    found.wrong(&event.part(), message);
}

/// `GatewayResponses`
/// (<https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-api.html#sam-api-gatewayresponses>).
fn add_gateway_responses(document: &mut Document<'_>, api: &Part<'_>, found: &mut Findings) {
    let mut responses = Map::new();
    for (kind, part) in found.map(api.member("GatewayResponses")) {
        for (key, member) in found.map(Some(part.clone())) {
            if !["ResponseParameters", "ResponseTemplates", "StatusCode"].contains(&key) {
                found.wrong(
                    &member,
                    "it has ResponseParameters, ResponseTemplates and StatusCode.",
                );
            }
        }
        let parameters = gateway_parameters(&part, found);
        let mut response = json!({ "responseParameters": parameters });
        if let Some(templates) = part.member("ResponseTemplates") {
            response["responseTemplates"] = templates.value.clone();
        }
        if let Some(status) = part.member("StatusCode") {
            match status.scalar().filter(|it| is_status(it)) {
                Some(text) => response["statusCode"] = Value::from(text),
                None => found.wrong(&status, "it must be a status such as 403."),
            }
        }
        responses.insert(kind.to_owned(), response);
    }
    if responses.is_empty() {
        return;
    }
    let key = "x-amazon-apigateway-gateway-responses";
    let mut all = document.value.get(key).and_then(Value::as_object).cloned();
    let all = all.get_or_insert_default();
    all.extend(responses);
    set(document, key, Value::Object(all.clone()));
}

fn is_status(text: &str) -> bool {
    (1..=3).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_digit())
}

fn gateway_parameters(response: &Part<'_>, found: &mut Findings) -> Map<String, Value> {
    let mut parameters = Map::new();
    for (group, part) in found.map(response.member("ResponseParameters")) {
        let prefix = match group {
            "Headers" => "header",
            "Paths" => "path",
            "QueryStrings" => "querystring",
            _ => {
                found.wrong(&part, "it has Headers, Paths and QueryStrings.");
                continue;
            }
        };
        for (name, value) in found.map(Some(part)) {
            let name = format!("gatewayresponse.{prefix}.{name}");
            parameters.insert(name, value.value.clone());
        }
    }
    parameters
}

/// `Models`; SAM writes their names in lower case.
fn add_models(document: &mut Document<'_>, api: &Part<'_>, found: &mut Findings) {
    let mut models = Map::new();
    for (name, part) in found.map(api.member("Models")) {
        if !part.value.is_object() {
            found.wrong(&part, "a model must be a JSON schema.");
        } else if part.member("type").is_none_or(|it| is_empty(it.value)) {
            found.missing(&part, "type");
        }
        models.insert(name.to_lowercase(), part.value.clone());
    }
    if models.is_empty() {
        return;
    }
    let mut all = document
        .value
        .get("definitions")
        .and_then(Value::as_object)
        .cloned();
    let all = all.get_or_insert_default();
    all.extend(models);
    set(document, "definitions", Value::Object(all.clone()));
}
