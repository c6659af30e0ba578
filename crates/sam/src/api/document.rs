//! OpenAPI 2.0 and 3.0 documents as API Gateway imports them.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html>

use super::part::{Findings, Part};
use super::security::Schemes;
use super::serverless_rest::is_empty;
use super::spelling::Spelling;
use super::validation::{Place, Validators};
use super::{
    ApiAuthorizer, ApiKeySource, ApiKind, ApiRoute, Cors, GatewayResponse, integration,
    resource_policy, stable_id, validation,
};
use crate::stack::Resource;
use indexmap::IndexMap;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

pub(super) const INTEGRATION: &str = "x-amazon-apigateway-integration";
pub(super) const ANY: &str = "x-amazon-apigateway-any-method";
/// What takes whatever no other route of an HTTP API takes.
pub(super) const DEFAULT: &str = "$default";

const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", ANY,
];
/// What a path item has besides methods.
const OTHER: [&str; 5] = ["$ref", "summary", "description", "servers", "parameters"];

/// A document, and where its parts come from.
pub(super) struct Document<'s> {
    pub(super) resource: &'s Resource,
    /// The property that it stands in; of one that SAM makes, nothing.
    at: &'static str,
    pub(super) value: Value,
    /// The operations that events stand for, by path and method: the function, and the event's
    /// place in it.
    pub(super) origins: BTreeMap<(String, String), (&'s Resource, String)>,
}

/// What a document says.
#[derive(Default)]
pub(super) struct Contents {
    /// What an API is called whose own properties do not say it.
    pub(super) title: Option<String>,
    pub(super) routes: Vec<ApiRoute>,
    pub(super) authorizers: IndexMap<String, ApiAuthorizer>,
    pub(super) cors: Option<Cors>,
    pub(super) binary_media_types: Vec<String>,
    pub(super) gateway_responses: BTreeMap<String, GatewayResponse>,
    pub(super) models: BTreeMap<String, Value>,
    pub(super) api_key_source: ApiKeySource,
    pub(super) minimum_compression_bytes: Option<u64>,
    pub(super) policy: Option<Value>,
}

impl Contents {
    /// Adds a route that a resource of its own is; a second one of the same is wrong.
    pub(super) fn add(&mut self, route: ApiRoute, resource: &Resource, found: &mut Findings) {
        let same = |it: &&ApiRoute| it.method == route.method && it.path == route.path;
        match self.routes.iter().find(same) {
            Some(first) => {
                let message = format!(
                    "{} {} is defined a second time; first at {}.",
                    route.method, route.path, first.position
                );
                found.wrong(&Part::of(resource), message);
            }
            None => self.routes.push(route),
        }
    }
}

/// One method of one path.
struct Operation<'d> {
    path: &'d str,
    method: &'d str,
    part: Part<'d>,
    item: Part<'d>,
}

impl<'s> Document<'s> {
    /// The document at `at` of a resource.
    pub(super) fn given(resource: &'s Resource, at: &'static str, value: Value) -> Self {
        Self {
            resource,
            at,
            value,
            origins: BTreeMap::new(),
        }
    }

    /// One without routes.
    pub(super) fn empty(resource: &'s Resource, at: &'static str) -> Self {
        Self::given(resource, at, json!({ "swagger": "2.0", "paths": {} }))
    }

    pub(super) fn part(&self) -> Part<'_> {
        Part::at(self.resource, self.at, &self.value)
    }

    /// Whether it is enough of a document for routes to be added.
    pub(super) fn is_valid(&self) -> bool {
        let version = self.value.get("swagger").or(self.value.get("openapi"));
        version.is_some_and(|it| !is_empty(it)) && self.paths().is_some()
    }

    pub(super) fn paths(&self) -> Option<&Map<String, Value>> {
        self.value.get("paths")?.as_object()
    }

    pub(super) fn paths_mut(&mut self) -> Option<&mut Map<String, Value>> {
        self.value.get_mut("paths")?.as_object_mut()
    }

    pub(super) fn operation_mut(
        &mut self,
        path: &str,
        method: &str,
    ) -> Option<&mut Map<String, Value>> {
        let item = self.paths_mut()?.get_mut(path)?;
        item.get_mut(method)?.as_object_mut()
    }

    /// Every method's part of the document that is there, whether or not it has an integration.
    fn operations(&self, found: &mut Findings) -> Vec<Operation<'_>> {
        let mut operations = Vec::new();
        for (path, item) in found.map(self.part().member("paths")) {
            for (method, part) in found.map(Some(item.clone())) {
                let known = METHODS.iter().find(|it| it.eq_ignore_ascii_case(method));
                if let Some(key) = known {
                    let made = self.origins.get(&(path.to_owned(), (*key).to_owned()));
                    let part = match made {
                        Some((function, at)) => Part::made(function, at, part.value),
                        None => part,
                    };
                    if !part.value.is_object() && !part.value.is_null() {
                        found.wrong(&part, "a method must be a map.");
                    }
                    operations.push(Operation {
                        path,
                        method: key,
                        part,
                        item: item.clone(),
                    });
                } else if !OTHER.contains(&method) && !method.starts_with("x-") {
                    let message = format!("API Gateway has no method {method}.");
                    found.note(&part, message);
                }
            }
        }
        operations
    }

    /// Reads the document.
    pub(super) fn read(&self, kind: ApiKind, found: &mut Findings) -> Contents {
        let part = self.part();
        let member = |key| part.member(key);
        let schemes = Schemes::read(&part, kind, &self.resource.reference, found);
        let mut models = validation::models(&part, found);
        Contents {
            title: found.text(part.descend(&["info", "title"])),
            routes: self.routes(kind, &schemes, &mut models, found),
            authorizers: schemes.authorizers,
            cors: cors(
                member("x-amazon-apigateway-cors"),
                Spelling::Document,
                found,
            ),
            binary_media_types: found.texts(member("x-amazon-apigateway-binary-media-types")),
            gateway_responses: gateway_responses(
                member("x-amazon-apigateway-gateway-responses"),
                found,
            ),
            models,
            api_key_source: api_key_source(member("x-amazon-apigateway-api-key-source"), found),
            minimum_compression_bytes: found
                .number(member("x-amazon-apigateway-minimum-compression-size"))
                .map(u64::from),
            policy: match kind {
                ApiKind::Rest => resource_policy::read(self.policy(), found),
                ApiKind::Http | ApiKind::FunctionUrl => None,
            },
        }
    }

    /// Its resource policy; SAM's own document has one that is made of `Auth`.
    fn policy(&self) -> Option<Part<'_>> {
        let part = self.part().member(resource_policy::POLICY)?;
        Some(match self.at {
            "" => Part::made(self.resource, "Auth.ResourcePolicy", part.value),
            _ => part,
        })
    }

    fn routes(
        &self,
        kind: ApiKind,
        schemes: &Schemes,
        models: &mut BTreeMap<String, Value>,
        found: &mut Findings,
    ) -> Vec<ApiRoute> {
        let document = self.part();
        let api_id = self.resource.reference.as_str();
        let validators = Validators::read(&document, found);
        let mut routes: Vec<ApiRoute> = Vec::new();
        for Operation {
            path,
            method,
            part,
            item,
        } in self.operations(found)
        {
            let path = path_of(path, kind);
            let method = match method {
                ANY => "ANY".to_owned(),
                method => method.to_ascii_uppercase(),
            };
            let twice = |it: &&ApiRoute| it.method == method && it.path == path;
            if let Some(first) = routes.iter().find(twice) {
                let message = format!(
                    "{method} {path} is there already at {}: a slash at the end makes no other \
                     path.",
                    first.position
                );
                found.note(&part, message);
                continue;
            }
            let place = Place {
                document: &document,
                item: &item,
                operation: &part,
                name: format!("{method} {path}"),
            };
            let access = schemes.access(&document, &part, found);
            let integration = part.member(INTEGRATION);
            routes.push(ApiRoute {
                resource_id: (kind == ApiKind::Rest).then(|| resource_id(api_id, &path)),
                operation_name: found.text(part.member("operationId")),
                integration: integration
                    .and_then(|it| integration::read(&it, Spelling::Document, found)),
                authorization: access.authorization,
                api_key_required: access.api_key_required,
                validation: validators.of(&place, models, found),
                method_responses: validation::responses(&place, found),
                position: part.position(),
                method,
                path,
            });
        }
        routes
    }
}

/// The id that stands for a REST API's resource whose template gives it none.
#[must_use]
pub fn resource_id(api_id: &str, path: &str) -> String {
    stable_id(&format!("{api_id}{path}"), if path == "/" { 10 } else { 6 })
}

/// REST's resources have no slash at their end; `/$default` is `$default` where SAM makes
/// it (<https://github.com/aws/serverless-application-model/issues/2297>).
fn path_of(path: &str, kind: ApiKind) -> String {
    match path {
        "/$default" if kind == ApiKind::Http => DEFAULT.to_owned(),
        path if kind == ApiKind::Rest && path.len() > 1 => path.trim_end_matches('/').to_owned(),
        path => path.to_owned(),
    }
}

/// `x-amazon-apigateway-cors`, or `CorsConfiguration`
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-cors-configuration.html>).
pub(super) fn cors(
    part: Option<Part<'_>>,
    spelling: Spelling,
    found: &mut Findings,
) -> Option<Cors> {
    let part = part?;
    let member = |key| part.member(&spelling.key(key));
    found.map(Some(part.clone()));
    let credentials = found.boolean(member("allowCredentials"));
    Some(Cors {
        allow_origins: found.texts(member("allowOrigins")),
        allow_methods: found.texts(member("allowMethods")),
        allow_headers: found.texts(member("allowHeaders")),
        expose_headers: found.texts(member("exposeHeaders")),
        allow_credentials: credentials.unwrap_or(false),
        max_age_seconds: found.number(member("maxAge")),
    })
}

fn gateway_responses(
    part: Option<Part<'_>>,
    found: &mut Findings,
) -> BTreeMap<String, GatewayResponse> {
    let mut responses = BTreeMap::new();
    for (kind, part) in found.map(part) {
        let response = GatewayResponse {
            status: found.text(part.member("statusCode")),
            parameters: found.text_map(part.member("responseParameters")),
            templates: found.text_map(part.member("responseTemplates")),
        };
        responses.insert(kind.to_owned(), response);
    }
    responses
}

pub(super) fn api_key_source(part: Option<Part<'_>>, found: &mut Findings) -> ApiKeySource {
    match found.text(part.clone()).as_deref() {
        Some("AUTHORIZER") => ApiKeySource::Authorizer,
        Some("HEADER") | None => ApiKeySource::Header,
        Some(_) => {
            if let Some(part) = part {
                found.wrong(&part, "it must be HEADER or AUTHORIZER.");
            }
            ApiKeySource::Header
        }
    }
}
