//! `Auth` of REST APIs and of their events, written into the document as SAM writes it.
//!
//! Events come first and leave marks (`NONE`, `api_key_false`) that keep the API's defaults away.
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-api-apiauth.html>

use super::document::{ANY, Document, INTEGRATION};
use super::events::ApiEvent;
use super::part::{Findings, Part};
use super::resource_policy;
use super::rest_authorizers;
use super::serverless_rest::is_empty;
use serde_json::{Map, Value, json};

const PROPERTIES: [&str; 8] = [
    "Authorizers",
    "DefaultAuthorizer",
    "InvokeRole",
    "AddDefaultAuthorizerToCorsPreflight",
    "AddApiKeyRequiredToCorsPreflight",
    "ApiKeyRequired",
    "ResourcePolicy",
    "UsagePlan",
];
const IAM: &str = "AWS_IAM";
const NONE: &str = "NONE";
const KEY: &str = "api_key";
const NO_KEY: &str = "api_key_false";

/// The requirements that an event's `Auth` comes to.
pub(super) fn of_event(event: &ApiEvent<'_>, api: &Part<'_>, found: &mut Findings) -> Vec<Value> {
    let Some(auth) = event.properties.member("Auth") else {
        return Vec::new();
    };
    if !auth.value.is_object() {
        found.wrong(&auth, "it must be a map.");
        return Vec::new();
    }
    let mut security = Vec::new();
    let authorizer = auth.member("Authorizer").filter(|it| !is_empty(it.value));
    let scopes = auth
        .member("AuthorizationScopes")
        .filter(|it| !is_empty(it.value));
    if let Some(scopes) = &scopes {
        if !scopes.value.is_array() {
            found.wrong(scopes, "it must be a list of scopes.");
        } else if authorizer.is_none() {
            found.wrong(scopes, "scopes need an Authorizer beside them.");
        }
    }
    if let Some(part) = &authorizer
        && let Some(name) = authorizer_of(part, api, found)
    {
        let of_api = api.descend(&["Auth", "Authorizers", &name, "AuthorizationScopes"]);
        let named = name != NONE && api.descend(&["Auth", "Authorizers", &name]).is_some();
        let scopes = auth.member("AuthorizationScopes").or(of_api);
        let scopes = scopes.filter(|_| named).map(|it| it.value.clone());
        security.push(requirement(&name, scopes));
    }
    if let Some(part) = auth.member("ApiKeyRequired") {
        let required = found.boolean(Some(part.clone())).unwrap_or(false);
        let of_api = api.descend(&["Auth", "ApiKeyRequired"]);
        if !required && of_api.is_none_or(|it| is_empty(it.value)) {
            let message = "it can only be false where the API's own ApiKeyRequired is true.";
            found.wrong(&part, message);
        }
        security.push(requirement(if required { KEY } else { NO_KEY }, None));
    }
    security
}

fn requirement(name: &str, scopes: Option<Value>) -> Value {
    let scopes = scopes.unwrap_or_else(|| json!([]));
    Value::Object(Map::from_iter([(name.to_owned(), scopes)]))
}

/// The authorizer that an event names, if it may.
fn authorizer_of(part: &Part<'_>, api: &Part<'_>, found: &mut Findings) -> Option<String> {
    let Some(name) = part.value.as_str() else {
        found.wrong(part, "it must be the name of an authorizer.");
        return None;
    };
    let auth = api.member("Auth");
    let member = |key| auth.as_ref()?.member(key);
    let known = match name {
        IAM => true,
        NONE => member("DefaultAuthorizer").is_some_and(|it| !is_empty(it.value)),
        name => {
            let authorizers = member("Authorizers");
            authorizers.is_some_and(|it| it.member(name).is_some_and(|it| !is_empty(it.value)))
        }
    };
    if !known {
        let message = match name {
            NONE => "it can only be NONE where the API has a DefaultAuthorizer.".to_owned(),
            name => format!("the API's Auth.Authorizers have no {name}."),
        };
        found.wrong(part, message);
        return None;
    }
    Some(name.to_owned())
}

/// `OverrideApiAuth`: an event's `Auth` for a route that the API's own document has.
pub(super) fn override_auth(
    document: &mut Document<'_>,
    event: &ApiEvent<'_>,
    api: &Part<'_>,
    found: &mut Findings,
) {
    let auth = event.properties.member("Auth");
    let given = |key| {
        let member = auth.as_ref()?.member(key);
        member.filter(|it| !is_empty(it.value))
    };
    if given("OverrideApiAuth").is_none() {
        return;
    }
    let any = ["Authorizer", "ApiKeyRequired", "ResourcePolicy"];
    if let Some(auth) = auth
        .as_ref()
        .filter(|_| any.iter().all(|it| given(it).is_none()))
    {
        let message = format!("OverrideApiAuth needs one of {} beside it.", any.join(", "));
        found.wrong(auth, message);
    }
    let added = of_event(event, api, found);
    define_keys(document, &added);
    resource_policy::add_of_event(document, event, api, found);
    let Some(operation) = document.operation_mut(&event.path, &event.method) else {
        return;
    };
    if operation.contains_key(INTEGRATION) {
        let mut security = security_of(operation);
        security.extend(added);
        operation.insert("security".to_owned(), Value::Array(security));
    }
}

fn security_of(operation: &Map<String, Value>) -> Vec<Value> {
    let security = operation.get("security").and_then(Value::as_array);
    security.cloned().unwrap_or_default()
}

/// `Auth` of the API: its authorizers, and what holds for routes that say nothing.
pub(super) fn apply(document: &mut Document<'_>, api: &Part<'_>, found: &mut Findings) {
    define_used(document);
    let Some(auth) = api.member("Auth").filter(|it| !is_empty(it.value)) else {
        return;
    };
    for (key, part) in found.map(Some(auth.clone())) {
        if !PROPERTIES.contains(&key) {
            found.wrong(&part, format!("{key} is no property of Auth."));
        }
    }
    if !document.is_valid() {
        let message = "the DefinitionBody is no OpenAPI document that it could be added to.";
        return found.wrong(&auth, message);
    }
    let given = |key| auth.member(key).filter(|it| !is_empty(it.value));
    if given("DefaultAuthorizer")
        .or(given("ApiKeyRequired"))
        .is_some()
    {
        check_security(document, found);
    }
    let preflight = |key| found_true(auth.member(key));
    let default = given("DefaultAuthorizer");
    let mut names = rest_authorizers::define(document, &auth, found);
    let iam = default.as_ref().is_some_and(|it| it.value == IAM);
    if iam {
        names.push((IAM.to_owned(), None));
    }
    if let Some(default) = default.filter(|_| !names.is_empty()) {
        let name = default.value.as_str().unwrap_or_default();
        match names.iter().find(|(it, _)| it == name) {
            Some((_, scopes)) => {
                let requirement = requirement(name, scopes.clone());
                let options = preflight("AddDefaultAuthorizerToCorsPreflight");
                set_default(document, &names, &requirement, options);
            }
            None => found.wrong(
                &default,
                "the API's Auth.Authorizers have none of that name.",
            ),
        }
    }
    if given("ApiKeyRequired").is_some() {
        let options = preflight("AddApiKeyRequiredToCorsPreflight");
        set_key(document, options);
    }
    resource_policy::add(document, api, found);
    define_used(document);
}

fn found_true(part: Option<Part<'_>>) -> bool {
    part.is_none_or(|it| !is_empty(it.value))
}

/// Security must be a list of maps, or nothing can be added to it.
fn check_security(document: &Document<'_>, found: &mut Findings) {
    for (_, item) in found.map(document.part().member("paths")) {
        for (_, operation) in item.members() {
            let all = operation.members().into_iter();
            for (_, security) in all.filter(|(key, _)| *key == "security") {
                let maps = security.items().iter().all(|it| it.value.is_object());
                if !security.value.is_array() || !maps {
                    found.wrong(&security, "it must be a list of security requirements.");
                }
            }
        }
    }
}

/// Every method that has an integration.
fn each_method(document: &mut Document<'_>, mut change: impl FnMut(&str, &mut Map<String, Value>)) {
    let items = document.paths_mut().into_iter().flatten();
    for (_, item) in items {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            if let Some(operation) = operation.as_object_mut()
                && operation.get(INTEGRATION).is_some_and(|it| !is_empty(it))
            {
                change(method, operation);
            }
        }
    }
}

fn names(requirement: &Value, name: &str) -> bool {
    requirement.get(name).is_some()
}

fn set_default(
    document: &mut Document<'_>,
    authorizers: &[(String, Option<Value>)],
    default: &Value,
    options: bool,
) {
    each_method(document, |method, operation| {
        if method == "options" && !options {
            return;
        }
        let is_authorizer =
            |it: &Value| names(it, IAM) || authorizers.iter().any(|(name, _)| names(it, name));
        let (mut own, mut others): (Vec<_>, Vec<_>) =
            security_of(operation).into_iter().partition(is_authorizer);
        match others.iter().position(|it| names(it, NONE)) {
            Some(none) => {
                others.remove(none);
                own.clear();
            }
            None if own.is_empty() => own.push(default.clone()),
            None => {}
        }
        others.extend(own);
        if !others.is_empty() {
            operation.insert("security".to_owned(), Value::Array(others));
        } else {
            operation.remove("security");
        }
    });
}

fn set_key(document: &mut Document<'_>, options: bool) {
    each_method(document, |method, operation| {
        let is_key = |it: &Value| names(it, KEY) || names(it, NO_KEY);
        let (keys, mut others): (Vec<_>, Vec<_>) =
            security_of(operation).into_iter().partition(is_key);
        let refused = keys.iter().any(|it| names(it, NO_KEY));
        if !refused && (method != "options" || options) {
            others.push(requirement(KEY, None));
        }
        operation.insert("security".to_owned(), Value::Array(others));
    });
}

/// Defines the schemes that SAM uses of its own accord.
fn define_used(document: &mut Document<'_>) {
    let mut used = Vec::new();
    each_method(document, |_, operation| used.extend(security_of(operation)));
    define_keys(document, &used);
}

fn define_keys(document: &mut Document<'_>, used: &[Value]) {
    if used.iter().any(|it| names(it, KEY)) {
        let scheme = json!({ "type": "apiKey", "name": "x-api-key", "in": "header" });
        rest_authorizers::define_scheme(document, KEY, scheme);
    }
    if used.iter().any(|it| names(it, IAM)) {
        rest_authorizers::define_scheme(document, IAM, iam_scheme());
    }
}

/// SAM's own scheme of signed requests.
pub(super) fn iam_scheme() -> Value {
    json!({
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "x-amazon-apigateway-authtype": "awsSigv4",
    })
}

/// Whether a document's key is a method.
pub(super) fn is_method(key: &str) -> bool {
    key == ANY || ["get", "put", "post", "delete", "options", "head", "patch"].contains(&key)
}
