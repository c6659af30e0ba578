//! An OpenAPI document that is written of an API reads back as that API.

#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tether_sam::api::{Api, Authorization, AuthorizerKind, IntegrationKind, PayloadVersion};
use tether_sam::{Context, LogicalNames, Template};

/// A route as it is written, and as it should be read.
#[derive(Debug, Clone, PartialEq)]
struct Written {
    path: String,
    method: String,
    integration: Target,
    millis: Option<u32>,
    access: Access,
    key: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Target {
    Function(String),
    Server(String),
    Mock(String),
}

#[derive(Debug, Clone, PartialEq)]
enum Access {
    Everybody,
    Signed,
    Known(usize, Vec<String>),
}

/// An authorizer: the header, the function, and how long it is remembered.
type Guard = (String, String, Option<u32>);

fn word() -> impl Strategy<Value = String> {
    "[A-Za-z][A-Za-z0-9_-]{0,8}"
}

fn path() -> impl Strategy<Value = String> {
    let segment = prop_oneof![word(), word().prop_map(|it| format!("{{{it}}}"))];
    let segments = prop::collection::vec(segment, 0..4);
    let greedy = prop::option::of(Just("{proxy+}".to_owned()));
    (segments, greedy).prop_map(|(mut segments, greedy)| {
        segments.extend(greedy);
        format!("/{}", segments.join("/"))
    })
}

const METHODS: [&str; 8] = [
    "GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "ANY",
];

fn method() -> impl Strategy<Value = String> {
    prop::sample::select(&METHODS[..]).prop_map(str::to_owned)
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![
        word().prop_map(Target::Function),
        word().prop_map(|it| Target::Server(format!("https://{it}.example.com/{{proxy}}"))),
        "[2-5][0-9]{2}".prop_map(Target::Mock),
    ]
}

fn access() -> impl Strategy<Value = Access> {
    prop_oneof![
        Just(Access::Everybody),
        Just(Access::Signed),
        (0..3usize, prop::collection::vec(word(), 0..3)).prop_map(|(at, it)| Access::Known(at, it)),
    ]
}

fn route() -> impl Strategy<Value = Written> {
    let millis = prop::option::of(50..29_000u32);
    let parts = (path(), method(), target(), millis, access(), any::<bool>());
    parts.prop_map(|(path, method, integration, millis, access, key)| Written {
        path,
        method,
        integration,
        millis,
        access,
        key,
    })
}

fn uri(function: &str) -> String {
    let arn = format!("arn:aws:lambda:eu-west-1:123456789012:function:{function}");
    format!("arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/{arn}/invocations")
}

fn operation(route: &Written) -> Value {
    let mut integration = match &route.integration {
        Target::Function(name) => {
            json!({ "type": "aws_proxy", "httpMethod": "POST", "uri": uri(name) })
        }
        Target::Server(url) => json!({ "type": "http_proxy", "httpMethod": "ANY", "uri": url }),
        Target::Mock(status) => {
            json!({ "type": "mock", "responses": { "default": { "statusCode": status } } })
        }
    };
    if let Some(millis) = route.millis {
        integration["timeoutInMillis"] = json!(millis);
    }
    let mut security = Vec::new();
    match &route.access {
        Access::Everybody => {}
        Access::Signed => security.push(json!({ "sigv4": [] })),
        Access::Known(at, scopes) => security.push(json!({ format!("guard{at}"): scopes })),
    }
    if route.key {
        security.push(json!({ "key": [] }));
    }
    json!({ "x-amazon-apigateway-integration": integration, "security": security })
}

fn document(routes: &[Written], guards: &[Guard], new: bool) -> Value {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for route in routes {
        let key = match route.method.as_str() {
            "ANY" => "x-amazon-apigateway-any-method".to_owned(),
            method => method.to_ascii_lowercase(),
        };
        let item = paths.entry(&route.path).or_default();
        item.insert(key, operation(route));
    }
    let mut schemes = Map::new();
    let header = |name: &str| json!({ "type": "apiKey", "in": "header", "name": name });
    schemes.insert("key".to_owned(), header("x-api-key"));
    let mut signed = header("Authorization");
    signed["x-amazon-apigateway-authtype"] = json!("awsSigv4");
    schemes.insert("sigv4".to_owned(), signed);
    for (at, (name, function, ttl)) in guards.iter().enumerate() {
        let mut scheme = header(name);
        let mut authorizer = json!({ "type": "token", "authorizerUri": uri(function) });
        if let Some(ttl) = ttl {
            authorizer["authorizerResultTtlInSeconds"] = json!(ttl);
        }
        scheme["x-amazon-apigateway-authtype"] = json!("custom");
        scheme["x-amazon-apigateway-authorizer"] = authorizer;
        schemes.insert(format!("guard{at}"), scheme);
    }
    if new {
        let components = json!({ "securitySchemes": schemes });
        json!({ "openapi": "3.0.1", "paths": paths, "components": components })
    } else {
        json!({ "swagger": "2.0", "paths": paths, "securityDefinitions": schemes })
    }
}

fn read(document: &Value) -> Api {
    let properties = json!({ "Body": document });
    let api = json!({ "Type": "AWS::ApiGateway::RestApi", "Properties": properties });
    let template = json!({ "Resources": { "Api": api } }).to_string();
    let stack = Template::parse("t.json", &template).unwrap();
    let stack = stack.resolve(&Context {
        stack_name: "stack",
        stack_id: "arn:aws:cloudformation:eu-west-1:123456789012:stack/stack/1",
        account_id: "123456789012",
        region: "eu-west-1",
        partition: "aws",
        url_suffix: "amazonaws.com",
        parameters: &BTreeMap::new(),
        names: &LogicalNames,
    });
    stack.unwrap().apis().unwrap().remove(0)
}

/// The routes of an API as they were written.
fn written(api: &Api) -> Vec<Written> {
    let one = |route: &tether_sam::api::ApiRoute| {
        let it = route.integration.as_ref().unwrap();
        assert_eq!(it.payload_version, PayloadVersion::V1);
        let function = it.function.as_ref();
        let function = function.map(|it| it.rsplit(':').next().unwrap().to_owned());
        let integration = match it.kind {
            IntegrationKind::AwsProxy => Target::Function(function.unwrap()),
            IntegrationKind::HttpProxy => Target::Server(it.uri.clone().unwrap()),
            _ => Target::Mock(it.responses["default"].status.clone()),
        };
        let access = match &route.authorization {
            Authorization::None => Access::Everybody,
            Authorization::Iam => Access::Signed,
            Authorization::Authorizer { name, scopes } => {
                let at = name.trim_start_matches("guard").parse().unwrap();
                Access::Known(at, scopes.clone())
            }
        };
        Written {
            path: route.path.clone(),
            method: route.method.clone(),
            millis: it.timeout.map(|it| u32::try_from(it.as_millis()).unwrap()),
            key: route.api_key_required,
            integration,
            access,
        }
    };
    api.routes.iter().map(one).collect()
}

fn sorted(mut routes: Vec<Written>) -> Vec<Written> {
    routes.sort_by(|a, b| (&a.path, &a.method).cmp(&(&b.path, &b.method)));
    routes
}

proptest! {
    #[test]
    fn a_document_says_what_it_was_written_of(
        routes in prop::collection::vec(route(), 0..12),
        guards in prop::collection::vec((word(), word(), prop::option::of(0..3600u32)), 3),
        new in any::<bool>(),
    ) {
        let mut routes = sorted(routes);
        routes.dedup_by(|a, b| (&a.path, &a.method) == (&b.path, &b.method));
        let api = read(&document(&routes, &guards, new));
        prop_assert_eq!(sorted(written(&api)), routes);
        for (at, (name, function, ttl)) in guards.iter().enumerate() {
            let guard = &api.authorizers[&format!("guard{at}")];
            let source = format!("method.request.header.{name}");
            prop_assert_eq!(&guard.identity_sources, &[source]);
            prop_assert_eq!(guard.ttl, ttl.map(|it| Duration::from_secs(it.into())));
            let AuthorizerKind::Token { function: read, .. } = &guard.kind else {
                return Err(TestCaseError::fail("no token authorizer"));
            };
            prop_assert_eq!(read.rsplit(':').next(), Some(function.as_str()));
        }
    }
}
