//! An HTTP API as its requests meet it.

use crate::authorizers::Authorizers;
use crate::limits::{Limiter, limiters};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tether_apigw::cors::Cors;
use tether_apigw::http_api::{
    RequestMappings, ResponseMappings, RouteKey, Routes, ServiceIntegration, Stages,
};
use tether_sam::api::{
    Api, ApiIntegration, ApiRoute, Authorization, IntegrationKind, PayloadVersion,
};

/// See the module.
pub(crate) struct Rules {
    pub(super) stages: Stages,
    /// By the stages' places.
    pub(super) served: Vec<ServedStage>,
    pub(super) routes: Routes,
    /// By the routes' places.
    pub(super) rules: Vec<Rule>,
    pub(super) cors: Option<Cors>,
    pub(super) authorizers: Authorizers,
}

pub(super) struct ServedStage {
    pub(super) name: String,
    pub(super) variables: BTreeMap<String, String>,
    /// By the routes' places.
    pub(super) limiters: Vec<Option<Arc<Limiter>>>,
}

/// A route.
pub(super) struct Rule {
    pub(super) label: String,
    pub(super) key: RouteKey,
    /// `/pets/{id}`, `$default`: as source ARNs have it.
    pub(super) path: String,
    pub(super) target: Target,
    pub(super) requests: RequestMappings,
    /// By status; `default` is not known to AWS.
    responses: BTreeMap<String, ResponseMappings>,
    pub(super) timeout: Option<Duration>,
    pub(super) authorization: Authorization,
}

/// What answers a route.
pub(super) enum Target {
    Function {
        function: String,
        version: PayloadVersion,
    },
    Http {
        uri: String,
        method: Option<String>,
    },
    /// Nothing, and why.
    Nothing(String),
}

impl Rule {
    pub(super) fn response_mappings(&self, status: u16) -> Option<&ResponseMappings> {
        self.responses.get(&status.to_string())
    }
}

impl Rules {
    /// What was counted before goes on being counted, where its limits are the same.
    ///
    /// # Errors
    /// What of the API cannot be understood.
    pub(crate) fn new(api: &Api, before: Option<&Self>, now_ms: u64) -> Result<Self, String> {
        let rules: Result<Vec<Rule>, String> = api.routes.iter().map(rule).collect();
        let rules = rules?;
        let served = api.stages.iter().map(|stage| {
            let before = before.and_then(|it| it.served.iter().find(|it| it.name == stage.name));
            let before = before.map_or(&[][..], |it| &it.limiters);
            ServedStage {
                name: stage.name.clone(),
                variables: stage.variables.0.clone(),
                limiters: limiters(&api.routes, &stage.throttles, before, now_ms),
            }
        });
        Ok(Self {
            stages: Stages::new(api.stages.iter().map(|it| it.name.clone())),
            served: served.collect(),
            routes: Routes::new(rules.iter().map(|it| it.key.clone())),
            rules,
            cors: api.cors.as_ref().map(cors),
            authorizers: Authorizers::new(api, before.map(|it| &it.authorizers))?,
        })
    }
}

/// CORS, as the rules know it.
pub(crate) fn cors(own: &tether_sam::api::Cors) -> Cors {
    Cors {
        allow_origins: own.allow_origins.clone(),
        allow_methods: own.allow_methods.clone(),
        allow_headers: own.allow_headers.clone(),
        expose_headers: own.expose_headers.clone(),
        allow_credentials: own.allow_credentials,
        max_age_seconds: own.max_age_seconds,
    }
}

fn rule(route: &ApiRoute) -> Result<Rule, String> {
    let label = crate::front::label(route);
    let named = |error: &dyn std::fmt::Display| format!("{label}: {error}");
    let key = RouteKey::new(&route.method, &route.path).map_err(|error| named(&error))?;
    let none = BTreeMap::new();
    let own = route.integration.as_ref();
    let requests = own.map_or(&none, |it| &it.request_parameters);
    let requests = RequestMappings::parse(requests).map_err(|error| named(&error))?;
    let responses = own.map(|it| it.response_parameters.iter());
    let responses = responses.into_iter().flatten().map(|(status, parameters)| {
        let parsed = ResponseMappings::parse(parameters).map_err(|error| named(&error))?;
        Ok((status.clone(), parsed))
    });
    let responses: Result<BTreeMap<_, _>, String> = responses.collect();
    Ok(Rule {
        key,
        path: source_path(&route.path),
        target: target(own),
        requests,
        responses: responses?,
        timeout: own.and_then(|it| it.timeout),
        authorization: route.authorization.clone(),
        label,
    })
}

/// `/pets/{id}` is `/pets/*` in source ARNs; `$default` stands there alone.
fn source_path(path: &str) -> String {
    match path {
        "$default" => "/$default".to_owned(),
        path => crate::desk::with_stars(path),
    }
}

fn target(integration: Option<&ApiIntegration>) -> Target {
    let Some(own) = integration else {
        let why = "the route has no integration: add one to the template";
        return Target::Nothing(why.to_owned());
    };
    match (own.kind, &own.function, &own.uri) {
        (IntegrationKind::AwsProxy | IntegrationKind::Aws, Some(function), _) => Target::Function {
            function: function.clone(),
            version: own.payload_version,
        },
        (IntegrationKind::HttpProxy | IntegrationKind::Http, _, Some(uri)) => Target::Http {
            uri: uri.clone(),
            method: own.http_method.clone(),
        },
        (_, _, uri) => {
            let service = uri.as_deref().unwrap_or("a service");
            Target::Nothing(ServiceIntegration(service.to_owned()).to_string())
        }
    }
}
