//! `Cors` of a REST API: an OPTIONS method for each path that has none.
//!
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-api-corsconfiguration.html>

use super::document::{ANY, Document, INTEGRATION};
use super::part::{Findings, Part};
use super::serverless_rest::is_empty;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

const ALL_METHODS: &str = "DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT";
const PROPERTIES: [&str; 5] = [
    "AllowMethods",
    "AllowHeaders",
    "AllowOrigin",
    "MaxAge",
    "AllowCredentials",
];

/// What the answers to OPTIONS have.
struct Answers {
    /// Headers, but `Access-Control-Allow-Methods` only where it is given.
    headers: Vec<(&'static str, Value)>,
    methods: Option<Value>,
}

/// Adds the methods.
pub(super) fn add(document: &mut Document<'_>, api: &Part<'_>, found: &mut Findings) {
    let Some(cors) = api.member("Cors").filter(|it| !is_empty(it.value)) else {
        return;
    };
    if !document.is_valid() {
        let message = "the DefinitionBody is no OpenAPI document that methods could be added to.";
        return found.wrong(&cors, message);
    }
    let Some(answers) = answers(&cors, found) else {
        return;
    };
    let Some(paths) = document.paths_mut() else {
        return;
    };
    let mut seen = BTreeSet::new();
    for (path, item) in paths.iter_mut() {
        // API Gateway has one resource for both.
        let normal = if path == "/" {
            path
        } else {
            path.trim_end_matches('/')
        };
        let Some(item) = item.as_object_mut() else {
            continue;
        };
        if seen.insert(normal.to_owned()) && !item.contains_key("options") {
            let operation = operation(&answers, item);
            item.insert("options".to_owned(), operation);
        }
    }
}

fn answers(cors: &Part<'_>, found: &mut Findings) -> Option<Answers> {
    let origin = origin(cors, found)?;
    let member = |key| cors.member(key).filter(|it| !is_empty(it.value));
    let credentials = member("AllowCredentials").is_some_and(|it| it.value == &Value::Bool(true));
    if credentials && origin == json!("'*'") {
        let message = "AllowCredentials cannot be true for any origin: say which in AllowOrigin.";
        found.wrong(cors, message);
    }
    let mut headers = vec![("Access-Control-Allow-Origin", origin)];
    if let Some(names) = member("AllowHeaders") {
        headers.push(("Access-Control-Allow-Headers", names.value.clone()));
    }
    if let Some(seconds) = cors.member("MaxAge") {
        headers.push(("Access-Control-Max-Age", seconds.value.clone()));
    }
    if credentials {
        headers.push(("Access-Control-Allow-Credentials", json!("'true'")));
    }
    let methods = member("AllowMethods").map(|it| it.value.clone());
    Some(Answers { headers, methods })
}

/// The origin that is let in; any, if a map does not say.
fn origin(cors: &Part<'_>, found: &mut Findings) -> Option<Value> {
    if cors.value.is_string() {
        return Some(cors.value.clone());
    }
    if !cors.value.is_object() {
        let message = "it must be an origin in quotes, such as \"'*'\", or a map.";
        found.wrong(cors, message);
        return None;
    }
    for (key, part) in cors.members() {
        if !PROPERTIES.contains(&key) {
            let message = format!("it has {}.", PROPERTIES.join(", "));
            found.wrong(&part, message);
        }
    }
    let origin = cors.member("AllowOrigin");
    if let Some(origin) = origin.as_ref().filter(|it| is_empty(it.value)) {
        found.wrong(origin, "it must not be empty.");
    }
    Some(origin.map_or_else(|| json!("'*'"), |it| it.value.clone()))
}

/// As SAM writes it (`_options_method_response_for_cors` of its `SwaggerEditor`).
fn operation(answers: &Answers, item: &Map<String, Value>) -> Value {
    let methods = answers.methods.clone();
    let methods = methods.unwrap_or_else(|| Value::from(format!("'{}'", methods_of(item))));
    let methods = ("Access-Control-Allow-Methods", methods);
    let all = answers.headers.iter().chain([&methods]);
    let (mut parameters, mut headers) = (Map::new(), Map::new());
    for (name, value) in all {
        parameters.insert(format!("method.response.header.{name}"), value.clone());
        headers.insert((*name).to_owned(), json!({ "type": "string" }));
    }
    json!({
        INTEGRATION: {
            "type": "mock",
            "requestTemplates": { "application/json": "{\n  \"statusCode\" : 200\n}\n" },
            "responses": {
                "default": {
                    "statusCode": "200",
                    "responseParameters": parameters,
                    "responseTemplates": { "application/json": "{}\n" },
                },
            },
        },
        "responses": { "200": { "headers": headers } },
    })
}

/// Every key of the path's item, which SAM takes for methods, and OPTIONS.
fn methods_of(item: &Map<String, Value>) -> String {
    if item.contains_key(ANY) {
        return ALL_METHODS.to_owned();
    }
    let mut methods: BTreeSet<String> = item.keys().map(|it| it.to_ascii_uppercase()).collect();
    methods.insert("OPTIONS".to_owned());
    methods.into_iter().collect::<Vec<_>>().join(",")
}
