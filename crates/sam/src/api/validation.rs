//! What of a request is checked, and what answers may have, as OpenAPI documents say it.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-validation-set-up.html>

use super::RequestValidation;
use super::part::{Findings, Part};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const JSON: &str = "application/json";

/// An operation, and what is around it.
pub(super) struct Place<'d, 'p> {
    pub(super) document: &'p Part<'d>,
    pub(super) item: &'p Part<'d>,
    pub(super) operation: &'p Part<'d>,
    /// `POST /pets`
    pub(super) name: String,
}

/// `x-amazon-apigateway-request-validators`: by name, whether body and parameters are checked.
pub(super) struct Validators(BTreeMap<String, (bool, bool)>);

impl Validators {
    pub(super) fn read(document: &Part<'_>, found: &mut Findings) -> Self {
        let mut validators = BTreeMap::new();
        for (name, part) in found.map(document.member("x-amazon-apigateway-request-validators")) {
            let body = found.boolean(part.member("validateRequestBody"));
            let parameters = found.boolean(part.member("validateRequestParameters"));
            let checks = (body.unwrap_or(false), parameters.unwrap_or(false));
            validators.insert(name.to_owned(), checks);
        }
        Self(validators)
    }

    /// What is checked before this operation's integration; schemas without a name get one.
    pub(super) fn of(
        &self,
        place: &Place<'_, '_>,
        models: &mut BTreeMap<String, Value>,
        found: &mut Findings,
    ) -> Option<RequestValidation> {
        let key = "x-amazon-apigateway-request-validator";
        let own = place.operation.member(key);
        let part = own.or_else(|| place.document.member(key))?;
        let name = found.text(Some(part.clone()))?;
        let Some((body, parameters)) = self.0.get(&name).copied() else {
            let message = format!("no request validator is called {name}: nothing is checked.");
            found.note(&part, message);
            return None;
        };
        if !body && !parameters {
            return None;
        }
        Some(RequestValidation {
            body,
            parameters,
            models: request_models(place, models, found),
            required: required(place, found),
        })
    }
}

/// `definitions`, and `components.schemas`.
pub(super) fn models(document: &Part<'_>, found: &mut Findings) -> BTreeMap<String, Value> {
    let old = document.member("definitions");
    let new = document.descend(&["components", "schemas"]);
    let all = found.map(old).into_iter().chain(found.map(new));
    all.map(|(name, part)| (name.to_owned(), part.value.clone()))
        .collect()
}

/// The parameters of an operation, and those of its path that it does not have itself.
fn parameters<'d>(place: &Place<'d, '_>) -> Vec<Part<'d>> {
    let list = |part: &Part<'d>| {
        part.member("parameters")
            .map_or(Vec::new(), |it| it.items())
    };
    let mut parameters: Vec<_> = list(place.operation);
    let key = |it: &Part<'d>| {
        let text = |key| it.member(key).and_then(|it| it.scalar());
        (text("in"), text("name"))
    };
    for inherited in list(place.item) {
        if !parameters.iter().any(|it| key(it) == key(&inherited)) {
            parameters.push(inherited);
        }
    }
    let resolved = parameters.into_iter();
    resolved.map(|it| referred(place.document, it)).collect()
}

/// What `$ref: '#/parameters/Page'` names, or the part itself.
fn referred<'d>(document: &Part<'d>, part: Part<'d>) -> Part<'d> {
    let reference = part.member("$ref").and_then(|it| it.scalar());
    let keys = reference.as_deref().and_then(|it| it.strip_prefix("#/"));
    let keys: Option<Vec<&str>> = keys.map(|it| it.split('/').collect());
    keys.and_then(|it| document.descend(&it)).unwrap_or(part)
}

fn required(place: &Place<'_, '_>, found: &mut Findings) -> Vec<String> {
    let mut required = Vec::new();
    for parameter in parameters(place) {
        let place = match found.text(parameter.member("in")).as_deref() {
            Some("query") => "querystring",
            Some("header") => "header",
            Some("path") => "path",
            _ => continue,
        };
        if found.boolean(parameter.member("required")) == Some(true) {
            let name = found.required_text(&parameter, "name");
            required.push(format!("method.request.{place}.{name}"));
        }
    }
    required
}

fn request_models(
    place: &Place<'_, '_>,
    models: &mut BTreeMap<String, Value>,
    found: &mut Findings,
) -> BTreeMap<String, String> {
    let mut named = BTreeMap::new();
    let body = place.operation.member("requestBody");
    let body = body.map(|it| referred(place.document, it));
    for (content_type, part) in found.map(body.and_then(|it| it.member("content"))) {
        if let Some(schema) = part.member("schema") {
            named.insert(content_type.to_owned(), model(place, &schema, models));
        }
    }
    for parameter in parameters(place) {
        let in_body = parameter.member("in").and_then(|it| it.scalar());
        if in_body.as_deref() != Some("body") {
            continue;
        }
        if let Some(schema) = parameter.member("schema") {
            let name = model(place, &schema, models);
            let consumes = place.operation.member("consumes");
            let consumes = consumes.or_else(|| place.document.member("consumes"));
            let mut types = found.texts(consumes);
            if types.is_empty() {
                types.push(JSON.to_owned());
            }
            named.extend(types.into_iter().map(|it| (it, name.clone())));
        }
    }
    named
}

/// The name of a schema's model; one that has none is named after its operation.
fn model(place: &Place<'_, '_>, schema: &Part<'_>, models: &mut BTreeMap<String, Value>) -> String {
    let reference = schema.member("$ref").and_then(|it| it.scalar());
    match reference.as_deref().and_then(|it| it.rsplit('/').next()) {
        Some(name) => name.to_owned(),
        None => {
            models.insert(place.name.clone(), schema.value.clone());
            place.name.clone()
        }
    }
}

/// The answers that an operation declares, as `MethodResponses` has them.
pub(super) fn responses(place: &Place<'_, '_>, found: &mut Findings) -> BTreeMap<String, Value> {
    let mut responses = BTreeMap::new();
    for (status, part) in found.map(place.operation.member("responses")) {
        let part = referred(place.document, part);
        let headers = found.map(part.member("headers"));
        let headers = headers.iter().map(|(name, _)| {
            let name = format!("method.response.header.{name}");
            (name, Value::Bool(false))
        });
        let headers: Map<String, Value> = headers.collect();
        let mut models = Map::new();
        let old = part.member("schema").map(|it| (JSON, it));
        let new = found.map(part.member("content")).into_iter();
        let new = new.filter_map(|(kind, it)| Some((kind, it.member("schema")?)));
        for (content_type, schema) in old.into_iter().chain(new) {
            let reference = schema.member("$ref").and_then(|it| it.scalar());
            if let Some(name) = reference.as_deref().and_then(|it| it.rsplit('/').next()) {
                models.insert(content_type.to_owned(), Value::from(name));
            }
        }
        let response = json!({ "ResponseParameters": headers, "ResponseModels": models });
        responses.insert(status.to_owned(), response);
    }
    responses
}
