//! `Auth.Authorizers` of REST APIs.
//!
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-api-lambdatokenauthorizer.html>
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-api-lambdarequestauthorizer.html>
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-api-cognitoauthorizer.html>

use super::document::Document;
use super::part::{Findings, Part};
use super::serverless_rest::is_empty;
use serde_json::{Map, Value, json};

/// Defines a scheme unless the document has one of that name.
pub(super) fn define_scheme(document: &mut Document<'_>, name: &str, scheme: Value) {
    let all = schemes(document);
    if let Some(all) = all {
        all.entry(name).or_insert(scheme);
    }
}

fn schemes<'d>(document: &'d mut Document<'_>) -> Option<&'d mut Map<String, Value>> {
    let members = document.value.as_object_mut()?;
    let all = members
        .entry("securityDefinitions")
        .or_insert_with(|| json!({}));
    if all.is_null() {
        *all = json!({});
    }
    all.as_object_mut()
}

/// Defines the authorizers; returns their names and the scopes that go with them.
pub(super) fn define(
    document: &mut Document<'_>,
    auth: &Part<'_>,
    found: &mut Findings,
) -> Vec<(String, Option<Value>)> {
    let mut names = Vec::new();
    let authorizers = auth.member("Authorizers").filter(|it| !is_empty(it.value));
    for (name, part) in found.map(authorizers) {
        found.map(Some(part.clone()));
        let scopes = part.member("AuthorizationScopes");
        if let Some(scopes) = scopes.as_ref().filter(|it| !it.value.is_array()) {
            found.wrong(scopes, "it must be a list of scopes.");
        }
        let scheme = scheme(&part, found);
        match schemes(document) {
            Some(all) => {
                all.insert(name.to_owned(), scheme);
            }
            None => found.wrong(&part, "the document's securityDefinitions must be a map."),
        }
        names.push((name.to_owned(), scopes.map(|it| it.value.clone())));
    }
    names
}

fn scheme(part: &Part<'_>, found: &mut Findings) -> Value {
    let identity = part.member("Identity").filter(|it| !is_empty(it.value));
    found.map(identity.clone());
    let header = identity.as_ref().and_then(|it| it.member("Header"));
    let header = found
        .text(header)
        .unwrap_or_else(|| "Authorization".to_owned());
    let cognito = part.member("UserPoolArn").filter(|it| !is_empty(it.value));
    let payload = part.member("FunctionPayloadType");
    let (header, authtype, authorizer) = match (cognito, payload.as_ref().map(|it| it.value)) {
        (Some(pools), _) => {
            let pools = found.texts(Some(pools));
            let mut authorizer = json!({ "type": "cognito_user_pools", "providerARNs": pools });
            copy(
                &identity,
                "ValidationExpression",
                &mut authorizer,
                "identityValidationExpression",
            );
            (header, "cognito_user_pools", authorizer)
        }
        (None, Some(kind)) if kind == "REQUEST" => (
            "Unused".to_owned(),
            "custom",
            request(part, &identity, found),
        ),
        (None, kind) => {
            if let Some(payload) = payload
                .as_ref()
                .filter(|_| kind.is_some_and(|it| it != "TOKEN"))
            {
                found.wrong(payload, "it must be TOKEN or REQUEST.");
            }
            let mut authorizer = lambda("token", part, &identity, found);
            copy(
                &identity,
                "ValidationExpression",
                &mut authorizer,
                "identityValidationExpression",
            );
            (header, "custom", authorizer)
        }
    };
    json!({
        "type": "apiKey",
        "name": header,
        "in": "header",
        "x-amazon-apigateway-authtype": authtype,
        "x-amazon-apigateway-authorizer": authorizer,
    })
}

fn copy(from: &Option<Part<'_>>, key: &str, to: &mut Value, name: &str) {
    if let Some(part) = from.as_ref().and_then(|it| it.member(key)) {
        to[name] = part.value.clone();
    }
}

fn lambda(kind: &str, part: &Part<'_>, identity: &Option<Part<'_>>, found: &mut Findings) -> Value {
    let function = found.required_text(part, "FunctionArn");
    let mut authorizer = json!({ "type": kind, "authorizerUri": uri(&function) });
    copy(
        identity,
        "ReauthorizeEvery",
        &mut authorizer,
        "authorizerResultTtlInSeconds",
    );
    authorizer
}

/// The URI by which API Gateway invokes a function.
pub(super) fn uri(function: &str) -> String {
    format!("arn:aws:apigateway::lambda:path/2015-03-31/functions/{function}/invocations")
}

fn request(part: &Part<'_>, identity: &Option<Part<'_>>, found: &mut Findings) -> Value {
    let mut authorizer = lambda("request", part, identity, found);
    let groups = [
        ("Headers", "method.request.header."),
        ("QueryStrings", "method.request.querystring."),
        ("StageVariables", "stageVariables."),
        ("Context", "context."),
    ];
    let sources = sources(identity, &groups, found);
    let ttl = identity
        .as_ref()
        .and_then(|it| it.member("ReauthorizeEvery"));
    let uncached = ttl.and_then(|it| it.scalar()).as_deref() == Some("0");
    if sources.is_empty() && !uncached {
        let groups = groups.map(|(group, _)| group).join(", ");
        let message = format!("a REQUEST authorizer needs Identity with one of {groups}.");
        found.wrong(identity.as_ref().unwrap_or(part), message);
    }
    if !sources.is_empty() {
        authorizer["identitySource"] = Value::from(sources.join(", "));
    }
    authorizer
}

/// What an `Identity` names, each with its prefix.
pub(super) fn sources(
    identity: &Option<Part<'_>>,
    groups: &[(&str, &str)],
    found: &mut Findings,
) -> Vec<String> {
    let mut sources = Vec::new();
    for (group, prefix) in groups {
        let part = identity.as_ref().and_then(|it| it.member(group));
        if let Some(part) = part.as_ref().filter(|it| !it.value.is_array()) {
            found.wrong(part, "it must be a list of names.");
        }
        for name in part.map(|it| it.items()).unwrap_or_default() {
            match name.value.as_str() {
                Some(text) => sources.push(format!("{prefix}{text}")),
                None => found.wrong(&name, "it must be text."),
            }
        }
    }
    sources
}
