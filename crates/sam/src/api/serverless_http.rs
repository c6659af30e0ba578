//! `AWS::Serverless::HttpApi`: the document that SAM makes of it and of the events that name it.
//!
//! What is done in which order is the translator's (`samtranslator/model/api/http_api_generator.py`).
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-httpapi.html>

use super::document::{Document, INTEGRATION};
use super::events::ApiEvent;
use super::http_auth;
use super::part::{Findings, Part};
use super::sam_properties;
use super::serverless_rest::{defined_twice, from_file, is_empty, set};
use crate::stack::Resource;
use serde_json::{Value, json};

/// `CorsConfiguration`'s properties, and the document's names for them.
const CORS: [(&str, &str); 6] = [
    ("AllowOrigins", "allowOrigins"),
    ("AllowHeaders", "allowHeaders"),
    ("AllowMethods", "allowMethods"),
    ("ExposeHeaders", "exposeHeaders"),
    ("MaxAge", "maxAge"),
    ("AllowCredentials", "allowCredentials"),
];

/// The document of one API.
pub(super) fn document<'s>(
    api: &'s Resource,
    events: &[ApiEvent<'s>],
    found: &mut Findings,
) -> Document<'s> {
    let properties = Part::of(api);
    sam_properties::check_http(&properties, found);
    let (mut document, managed) = match beginning(&properties, api, found) {
        Ok(beginning) => beginning,
        Err(given) => return given,
    };
    for event in events {
        add(&mut document, event, &properties, managed, found);
    }
    if managed && events.is_empty() && document.paths().is_some_and(|it| it.is_empty()) {
        // API Gateway does not import a document without routes; SAM does not mind.
        found.note(&properties, "the API has no routes.");
    }
    add_cors(&mut document, &properties, found);
    http_auth::apply(&mut document, &properties, found);
    document
}

/// What the API has to begin with, and whether the routes of events are its only ones; or
/// the document of a file, to which nothing is added.
fn beginning<'s>(
    properties: &Part<'s>,
    api: &'s Resource,
    found: &mut Findings,
) -> Result<(Document<'s>, bool), Document<'s>> {
    let given = |key| properties.member(key).filter(|it| !is_empty(it.value));
    match (given("DefinitionBody"), given("DefinitionUri")) {
        (Some(_), Some(uri)) => {
            let message = "either DefinitionBody or DefinitionUri can be given, not both.";
            found.wrong(&uri, message);
            Err(Document::empty(api, "DefinitionUri"))
        }
        (Some(body), None) => {
            let document = Document::given(api, "DefinitionBody", body.value.clone());
            if !document.is_valid() || body.member("openapi").is_none() {
                let message = "it must be an OpenAPI 3 document, with openapi and paths.";
                found.wrong(&body, message);
            }
            Ok((document, false))
        }
        (None, Some(uri)) => Err(from_file(api, "DefinitionUri", &uri, found)),
        (None, None) => {
            let value = json!({ "openapi": "3.0.1", "paths": {} });
            Ok((Document::given(api, "", value), true))
        }
    }
}

/// Adds an event's route, or completes one that the document has without an integration.
fn add<'s>(
    document: &mut Document<'s>,
    event: &ApiEvent<'s>,
    api: &Part<'s>,
    managed: bool,
    found: &mut Findings,
) {
    let key = (event.path.clone(), event.method.clone());
    if let Some(first) = document.origins.get(&key).filter(|_| managed) {
        return defined_twice(event, &Part::at(first.0, &first.1, &Value::Null), found);
    }
    let security = http_auth::of_event(event, api, found);
    let Some(paths) = document.paths_mut() else {
        return;
    };
    let item = paths
        .entry(event.path.as_str())
        .or_insert_with(|| json!({}));
    if item.is_null() {
        *item = json!({});
    }
    let Some(item) = item.as_object_mut() else {
        let message = format!("{} is no map in the API's document.", event.path);
        return found.wrong(&event.part(), message);
    };
    let operation = item
        .entry(event.method.as_str())
        .or_insert_with(|| json!({}));
    if operation.is_null() {
        *operation = json!({});
    }
    let is_new = operation.get(INTEGRATION).is_none_or(is_empty);
    if is_new {
        operation[INTEGRATION] = event.integration();
        operation[INTEGRATION]["payloadFormatVersion"] = json!("2.0");
    }
    let member = |key| event.properties.member(key);
    if let Some(millis) = member("TimeoutInMillis") {
        operation[INTEGRATION]["timeoutInMillis"] = millis.value.clone();
    }
    if let Some(version) = member("PayloadFormatVersion").filter(|it| !is_empty(it.value)) {
        operation[INTEGRATION]["payloadFormatVersion"] = version.value.clone();
    }
    if let Some(requirement) = security {
        let before = operation.get("security").and_then(Value::as_array);
        let mut security = before.cloned().unwrap_or_default();
        security.push(requirement);
        operation["security"] = Value::Array(security);
    }
    if is_new {
        let at = (event.owner, event.at.clone());
        document.origins.insert(key, at);
    }
}

fn add_cors(document: &mut Document<'_>, api: &Part<'_>, found: &mut Findings) {
    let Some(cors) = api
        .member("CorsConfiguration")
        .filter(|it| !is_empty(it.value))
    else {
        return;
    };
    let key = "x-amazon-apigateway-cors";
    let before = document.value.get(key).filter(|it| it.is_object()).cloned();
    let mut all = before.unwrap_or_else(|| json!({}));
    match cors.value {
        // Text is what a parameter gives.
        Value::Bool(_) | Value::String(_) => all["allowOrigins"] = json!(["*"]),
        Value::Object(_) => {
            for (name, part) in cors.members() {
                match CORS.iter().find(|(known, _)| *known == name) {
                    Some((_, _)) if is_empty(part.value) && name != "AllowCredentials" => {}
                    Some((_, own)) => all[*own] = part.value.clone(),
                    None => {
                        let names = CORS.map(|(name, _)| name).join(", ");
                        found.wrong(&part, format!("it has {names}."));
                    }
                }
            }
            let any = cors
                .member("AllowOrigins")
                .is_some_and(|it| it.value == &json!(["*"]));
            let credentials = cors.member("AllowCredentials");
            if let Some(part) = credentials.filter(|it| any && it.value == &Value::Bool(true)) {
                let message = "it cannot be true for any origin: say which in AllowOrigins.";
                found.wrong(&part, message);
            }
        }
        _ => found.wrong(&cors, "it must be true, or a map."),
    }
    set(document, key, all);
}
