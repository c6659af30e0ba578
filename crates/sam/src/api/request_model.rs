//! `RequestModel` and `RequestParameters` of events.
//!
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-requestmodel.html>
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-requestparameter.html>

use super::document::Document;
use super::events::ApiEvent;
use super::part::{Findings, Part};
use super::serverless_rest::is_empty;
use serde_json::{Value, json};

const VALIDATORS: &str = "x-amazon-apigateway-request-validators";
const VALIDATOR: &str = "x-amazon-apigateway-request-validator";

/// Writes what an event says of requests into its operation.
pub(super) fn add(
    document: &mut Document<'_>,
    operation: &mut Value,
    event: &ApiEvent<'_>,
    api: &Part<'_>,
    found: &mut Findings,
) {
    let mut parameters = Vec::new();
    let model = event.properties.member("RequestModel");
    if let Some(model) = model.filter(|it| !is_empty(it.value)) {
        found.map(Some(model.clone()));
        if let Some(part) = model.member("Model").filter(|it| !is_empty(it.value)) {
            parameters.extend(body(&part, api, found));
            validate(document, operation, &model, found);
        }
    }
    if let Some(list) = event.properties.member("RequestParameters") {
        if !list.value.is_array() {
            found.wrong(&list, "it must be a list.");
        }
        for item in list.items() {
            parameters.extend(parameter(&item, found));
        }
    }
    if !parameters.is_empty() {
        operation["parameters"] = Value::Array(parameters);
    }
}

fn body(part: &Part<'_>, api: &Part<'_>, found: &mut Findings) -> Option<Value> {
    let Some(name) = part.value.as_str() else {
        found.wrong(part, "it must be the name of one of the API's Models.");
        return None;
    };
    let models = api.member("Models");
    if models.and_then(|it| it.member(name)).is_none() {
        found.wrong(part, format!("the API's Models have no {name}."));
        return None;
    }
    let name = name.to_lowercase();
    let schema = json!({ "$ref": format!("#/definitions/{name}") });
    Some(json!({ "in": "body", "name": name, "schema": schema }))
}

fn validate(
    document: &mut Document<'_>,
    operation: &mut Value,
    model: &Part<'_>,
    found: &mut Findings,
) {
    let checks = ["ValidateBody", "ValidateParameters"].map(|key| {
        let part = model.member(key)?;
        match part.value.as_bool() {
            Some(checks) => Some(checks),
            None => {
                found.wrong(&part, "it must be true or false, and not as text.");
                None
            }
        }
    });
    if checks.iter().all(Option::is_none) {
        return;
    }
    let [body, parameters] = checks.map(|it| it.unwrap_or(false));
    let name = match (body, parameters) {
        (true, true) => "body-and-params",
        (true, false) => "body-only",
        (false, true) => "params-only",
        (false, false) => "no-validation",
    };
    if let Some(members) = document.value.as_object_mut() {
        let all = members.entry(VALIDATORS).or_insert_with(|| json!({}));
        if let Some(all) = all.as_object_mut() {
            let validator = json!({
                "validateRequestBody": body,
                "validateRequestParameters": parameters,
            });
            all.entry(name).or_insert(validator);
        }
    }
    operation[VALIDATOR] = Value::from(name);
}

/// `method.request.header.X`, alone or as the only key of a map of settings.
fn parameter(item: &Part<'_>, found: &mut Findings) -> Option<Value> {
    let members = item.members();
    let (name, settings) = match (item.value.as_str(), members.into_iter().next()) {
        (Some(name), _) => (name, None),
        (None, Some((name, settings))) => (name, Some(settings)),
        (None, None) => {
            found.wrong(item, "it must be text, or a map of settings.");
            return None;
        }
    };
    let known = name.strip_prefix("method.request.");
    let known = known.and_then(|it| it.split_once('.'));
    let place = known.and_then(|(place, name)| match place {
        "querystring" => Some(("query", name)),
        "header" | "path" => Some((place, name)),
        _ => None,
    });
    let Some((place, name)) = place else {
        let message = "it must be method.request., querystring, path or header, and a name.";
        found.wrong(item, message);
        return None;
    };
    if let Some(settings) = &settings {
        for (key, part) in found.map(Some(settings.clone())) {
            if !["Required", "Caching"].contains(&key) {
                found.wrong(&part, "it has Required and Caching.");
            }
        }
    }
    let required = settings.and_then(|it| it.member("Required"));
    let required = found.boolean(required).unwrap_or(false);
    Some(json!({ "in": place, "name": name, "required": required, "type": "string" }))
}
