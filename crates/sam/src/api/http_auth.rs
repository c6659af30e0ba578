//! `Auth` of HTTP APIs and of their events, written into the document as SAM writes it.
//!
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-httpapi-httpapiauth.html>

use super::document::{ANY, Document, INTEGRATION};
use super::events::ApiEvent;
use super::part::{Findings, Part};
use super::rest_auth::{iam_scheme, is_method};
use super::rest_authorizers::{sources, uri};
use super::serverless_rest::is_empty;
use serde_json::{Map, Value, json};

const IAM: &str = "AWS_IAM";
const NONE: &str = "NONE";
const JWT_ONLY: [&str; 3] = ["AuthorizationScopes", "JwtConfiguration", "IdentitySource"];
const LAMBDA_ONLY: [&str; 6] = [
    "FunctionArn",
    "FunctionInvokeRole",
    "Identity",
    "AuthorizerPayloadFormatVersion",
    "EnableSimpleResponses",
    "EnableFunctionDefaultPermissions",
];

/// The requirement that an event's `Auth` comes to.
pub(super) fn of_event(
    event: &ApiEvent<'_>,
    api: &Part<'_>,
    found: &mut Findings,
) -> Option<Value> {
    let auth = event
        .properties
        .member("Auth")
        .filter(|it| !is_empty(it.value))?;
    found.map(Some(auth.clone()));
    let of_api = |keys: &[&str]| {
        let part = api.member("Auth")?.descend(keys);
        part.filter(|it| !is_empty(it.value))
    };
    let default = of_api(&["DefaultAuthorizer"]);
    let own = auth.member("Authorizer").filter(|it| !is_empty(it.value));
    let Some(part) = own.or(default.clone()) else {
        let message = "it needs an Authorizer, or the API a DefaultAuthorizer.";
        found.wrong(&auth, message);
        return None;
    };
    let Some(name) = part.value.as_str() else {
        found.wrong(&part, "it must be the name of an authorizer.");
        return None;
    };
    let scopes = auth
        .member("AuthorizationScopes")
        .filter(|it| !is_empty(it.value));
    if let Some(scopes) = scopes.as_ref().filter(|it| !it.value.is_array()) {
        found.wrong(scopes, "it must be a list of scopes.");
    }
    let iam = of_api(&["EnableIamAuthorizer"]).is_some_and(|it| it.value == &Value::Bool(true));
    if name == NONE && default.is_none() {
        found.wrong(
            &part,
            "it can only be NONE where the API has a DefaultAuthorizer.",
        );
    } else if name != NONE && !(name == IAM && iam) && of_api(&["Authorizers", name]).is_none() {
        found.wrong(&part, format!("the API's Auth.Authorizers have no {name}."));
    }
    let scopes = scopes.or_else(|| of_api(&["Authorizers", name, "AuthorizationScopes"]));
    let scopes = scopes.filter(|_| ![NONE, IAM].contains(&name));
    Some(requirement(name, scopes))
}

fn requirement(name: &str, scopes: Option<Part<'_>>) -> Value {
    let scopes = scopes.map_or_else(|| json!([]), |it| it.value.clone());
    Value::Object(Map::from_iter([(name.to_owned(), scopes)]))
}

/// `Auth` of the API: its authorizers, and the one of routes that say nothing.
pub(super) fn apply(document: &mut Document<'_>, api: &Part<'_>, found: &mut Findings) {
    let Some(auth) = api.member("Auth").filter(|it| !is_empty(it.value)) else {
        return;
    };
    let properties = ["Authorizers", "DefaultAuthorizer", "EnableIamAuthorizer"];
    for (key, part) in found.map(Some(auth.clone())) {
        if !properties.contains(&key) {
            found.wrong(&part, format!("it has {}.", properties.join(", ")));
        }
    }
    let mut schemes = Map::new();
    let iam = auth.member("EnableIamAuthorizer");
    if iam.is_some_and(|it| it.value == &Value::Bool(true)) {
        schemes.insert(IAM.to_owned(), iam_scheme());
    }
    let authorizers = auth.member("Authorizers").filter(|it| !is_empty(it.value));
    for (name, part) in found.map(authorizers) {
        found.map(Some(part.clone()));
        let scheme = scheme(&part, found);
        schemes.insert(name.to_owned(), scheme);
    }
    if let Some(default) = auth
        .member("DefaultAuthorizer")
        .filter(|it| !is_empty(it.value))
    {
        match default
            .value
            .as_str()
            .filter(|it| schemes.contains_key(*it))
        {
            Some(name) => {
                let scopes = auth.descend(&["Authorizers", name, "AuthorizationScopes"]);
                refuse_any(document, found);
                set_default(document, &requirement(name, scopes));
            }
            None => found.wrong(
                &default,
                "the API's Auth.Authorizers have none of that name.",
            ),
        }
    }
    define(document, schemes);
}

fn define(document: &mut Document<'_>, schemes: Map<String, Value>) {
    let Some(members) = document.value.as_object_mut() else {
        return;
    };
    let components = members.entry("components").or_insert_with(|| json!({}));
    let Some(components) = components.as_object_mut() else {
        return;
    };
    let all = components
        .entry("securitySchemes")
        .or_insert_with(|| json!({}));
    if let Some(all) = all.as_object_mut() {
        all.extend(schemes);
    }
}

/// SAM finds no method `any` to set a default for: API Gateway's own word is needed.
fn refuse_any(document: &Document<'_>, found: &mut Findings) {
    for (_, item) in document
        .part()
        .member("paths")
        .map_or(Vec::new(), |it| it.members())
    {
        if let Some(any) = item.member("any") {
            found.wrong(&any, format!("it must be called {ANY}."));
        }
    }
}

fn set_default(document: &mut Document<'_>, requirement: &Value) {
    for (_, item) in document.paths_mut().into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            let Some(operation) = operation.as_object_mut() else {
                continue;
            };
            let takes = is_method(method) && method != "options";
            let integrates = operation.get(INTEGRATION).is_some_and(|it| !is_empty(it));
            let says_nothing = operation.get("security").is_none_or(is_empty);
            if takes && integrates && says_nothing {
                operation.insert("security".to_owned(), json!([requirement]));
            }
        }
    }
}

/// An OAuth 2 authorizer has a `JwtConfiguration`; any other one is a function.
fn scheme(part: &Part<'_>, found: &mut Findings) -> Value {
    let jwt = part
        .member("JwtConfiguration")
        .filter(|it| !is_empty(it.value));
    let foreign = if jwt.is_some() {
        &LAMBDA_ONLY[..]
    } else {
        &JWT_ONLY[..]
    };
    for key in foreign {
        if let Some(part) = part.member(key) {
            let kind = if jwt.is_some() {
                "an OAuth 2"
            } else {
                "a Lambda"
            };
            found.wrong(&part, format!("{kind} authorizer has no {key}."));
        }
    }
    if let Some(part) = part.member("OpenIdConnectUrl") {
        found.wrong(&part, "it is no longer supported; use JwtConfiguration.");
    }
    if let Some(scopes) = part.member("AuthorizationScopes")
        && !scopes.value.is_array()
    {
        found.wrong(&scopes, "it must be a list of scopes.");
    }
    match jwt {
        Some(jwt) => {
            let source = found.required_text(part, "IdentitySource");
            let members = found.map(Some(jwt)).into_iter();
            // Users write them either way.
            let members = members.map(|(key, it)| (key.to_lowercase(), it.value.clone()));
            let jwt: Map<String, Value> = members.collect();
            json!({
                "type": "oauth2",
                "x-amazon-apigateway-authorizer": {
                    "type": "jwt",
                    "jwtConfiguration": jwt,
                    "identitySource": source,
                },
            })
        }
        None => lambda(part, found),
    }
}

fn lambda(part: &Part<'_>, found: &mut Findings) -> Value {
    let function = found.required_text(part, "FunctionArn");
    let version = found.required_text(part, "AuthorizerPayloadFormatVersion");
    let mut authorizer = json!({
        "type": "request",
        "authorizerUri": uri(&function),
        "authorizerPayloadFormatVersion": version,
    });
    let identity = part.member("Identity").filter(|it| !is_empty(it.value));
    found.map(identity.clone());
    if identity.is_some() {
        let groups = [
            ("Headers", "$request.header."),
            ("QueryStrings", "$request.querystring."),
            ("StageVariables", "$stageVariables."),
            ("Context", "$context."),
        ];
        authorizer["identitySource"] = json!(sources(&identity, &groups, found));
    }
    if let Some(ttl) = identity.and_then(|it| it.member("ReauthorizeEvery")) {
        authorizer["authorizerResultTtlInSeconds"] = ttl.value.clone();
    }
    if let Some(simple) = part.member("EnableSimpleResponses") {
        authorizer["enableSimpleResponses"] = simple.value.clone();
    }
    json!({
        "type": "apiKey",
        "name": "Unused",
        "in": "header",
        "x-amazon-apigateway-authorizer": authorizer,
    })
}
