//! A REST API as its requests meet it.

use crate::authorizers::Authorizers;
use crate::desk::Desk;
use crate::limits::{Limiter, limiters};
use crate::meters::Meters;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tether_apigw::rest::integration::{ContentHandling, Integration, Kind, Passthrough, Response};
use tether_apigw::rest::policy::ResourcePolicy;
use tether_apigw::rest::validation::Validator;
use tether_apigw::rest::{GatewayResponse, GatewayResponses, MediaTypes, Method, Routes, Stage};
use tether_sam::api::{
    Api, ApiIntegration, ApiKeySource, ApiRoute, Authorization, IntegrationKind, UsagePlan,
    resource_id,
};

/// See the module.
pub(crate) struct Rules {
    pub(super) stages: Vec<ServedStage>,
    pub(super) routes: Routes,
    /// By the routes' places.
    pub(super) rules: Vec<Rule>,
    pub(super) models: BTreeMap<String, Value>,
    pub(super) media: MediaTypes,
    pub(super) responses: GatewayResponses,
    pub(super) authorizers: Authorizers,
    pub(super) policy: Option<ResourcePolicy>,
    pub(super) meter: Arc<Meters>,
    pub(super) key_source: ApiKeySource,
    pub(super) minimum_compression: Option<u64>,
}

/// A stage and what may be asked of it.
pub(super) struct ServedStage {
    pub(super) stage: Stage,
    /// By the routes' places.
    pub(super) limiters: Vec<Option<Arc<Limiter>>>,
}

/// A method.
pub(super) struct Rule {
    pub(super) label: String,
    /// `/pets/*`
    pub(super) path: String,
    pub(super) target: Target,
    pub(super) authorization: Authorization,
    pub(super) api_key_required: bool,
    pub(super) validator: Option<Validator>,
}

/// What answers a method.
pub(super) enum Target {
    /// A function, by its own answer.
    Function {
        function: String,
        streams: bool,
        timeout: Option<Duration>,
    },
    /// Whatever the mapping says.
    Mapped {
        integration: Box<Integration>,
        function: Option<String>,
        timeout: Option<Duration>,
    },
    /// Nothing, and why.
    Nothing(String),
}

impl Rules {
    /// What was counted before goes on being counted, where its limits are the same.
    ///
    /// # Errors
    /// What of the API cannot be understood.
    pub(crate) fn new(api: &Api, desk: &Desk, before: Option<&Self>) -> Result<Self, String> {
        let now_ms = desk.now();
        let methods = api.routes.iter().map(|route| Method {
            method: route.method.clone(),
            path: route.path.clone(),
            resource_id: match &route.resource_id {
                Some(id) => id.clone(),
                None => resource_id(&api.id, &route.path),
            },
            operation_name: route.operation_name.clone(),
        });
        let stages = api.stages.iter().map(|stage| ServedStage {
            stage: Stage {
                name: stage.name.clone(),
                variables: stage.variables.0.clone(),
                // Another deployment has another id; here each version of the template would.
                deployment_id: resource_id(&api.id, &format!("/deployments/{}", stage.name)),
            },
            limiters: {
                let before = before.and_then(|it| it.stage(&stage.name));
                let before = before.map_or(&[][..], |it| &it.limiters);
                limiters(&api.routes, &stage.throttles, before, now_ms)
            },
        });
        Ok(Self {
            stages: stages.collect(),
            routes: Routes::new(methods.collect()),
            authorizers: Authorizers::new(api, before.map(|it| &it.authorizers))?,
            policy: policy(api, desk)?,
            rules: api.routes.iter().map(rule).collect(),
            models: api.models.clone(),
            media: MediaTypes(api.binary_media_types.clone()),
            responses: responses(api),
            meter: meter(&api.usage_plans, before),
            key_source: api.api_key_source,
            minimum_compression: api.minimum_compression_bytes,
        })
    }

    pub(super) fn stage(&self, name: &str) -> Option<&ServedStage> {
        self.stages.iter().find(|it| it.stage.name == name)
    }
}

fn policy(api: &Api, desk: &Desk) -> Result<Option<ResourcePolicy>, String> {
    let wanted = !desk.settings.disable_authorizer;
    let document = api.policy.as_ref().filter(|_| wanted);
    let policy = document.map(|it| ResourcePolicy::read(it, &desk.at));
    let policy = policy.transpose();
    policy.map_err(|error| format!("its resource policy: {error}"))
}

fn rule(route: &ApiRoute) -> Rule {
    Rule {
        label: crate::front::label(route),
        path: crate::desk::with_stars(&route.path),
        target: target(route.integration.as_ref()),
        authorization: route.authorization.clone(),
        api_key_required: route.api_key_required,
        validator: route.validation.as_ref().map(|it| Validator {
            body: it.body,
            parameters: it.parameters,
            models: it.models.clone(),
            required: it.required.clone(),
        }),
    }
}

fn target(integration: Option<&ApiIntegration>) -> Target {
    let Some(own) = integration else {
        let why = "the method has no integration: add one to the template";
        return Target::Nothing(why.to_owned());
    };
    let kind = match (own.kind, &own.function) {
        (IntegrationKind::AwsProxy, Some(function)) => {
            return Target::Function {
                function: function.clone(),
                streams: own.streams,
                timeout: own.timeout,
            };
        }
        (IntegrationKind::Aws, Some(_)) => Kind::Lambda,
        (IntegrationKind::Aws | IntegrationKind::AwsProxy, None) => {
            return Target::Nothing(format!(
                "the integration calls {}, and tether calls functions only: put a function in between",
                own.uri.as_deref().unwrap_or("a service of AWS")
            ));
        }
        (IntegrationKind::HttpProxy, _) => Kind::HttpProxy,
        (IntegrationKind::Http, _) => Kind::Http,
        (IntegrationKind::Mock, _) => Kind::Mock,
    };
    Target::Mapped {
        integration: Box::new(mapped(own, kind)),
        function: own.function.clone(),
        timeout: own.timeout,
    }
}

fn mapped(own: &ApiIntegration, kind: Kind) -> Integration {
    let responses = own.responses.iter().map(|(pattern, response)| Response {
        pattern: (pattern != "default").then(|| pattern.clone()),
        status: response.status.clone(),
        parameters: response.parameters.clone(),
        templates: response.templates.clone(),
        content_handling: content_handling(response.content_handling.as_deref()),
    });
    Integration {
        kind,
        uri: own.uri.clone(),
        http_method: own.http_method.clone(),
        request_parameters: own.request_parameters.clone(),
        request_templates: own.request_templates.clone(),
        passthrough: match own
            .passthrough
            .as_deref()
            .map(str::to_ascii_uppercase)
            .as_deref()
        {
            Some("NEVER") => Passthrough::Never,
            Some("WHEN_NO_TEMPLATES") => Passthrough::WhenNoTemplates,
            _ => Passthrough::WhenNoMatch,
        },
        content_handling: content_handling(own.content_handling.as_deref()),
        responses: responses.collect(),
    }
}

fn content_handling(text: Option<&str>) -> Option<ContentHandling> {
    match text {
        Some("CONVERT_TO_BINARY") => Some(ContentHandling::ToBinary),
        Some("CONVERT_TO_TEXT") => Some(ContentHandling::ToText),
        _ => None,
    }
}

fn responses(api: &Api) -> GatewayResponses {
    let own = api.gateway_responses.iter().map(|(kind, response)| {
        let response = GatewayResponse {
            status: response.status.clone(),
            parameters: response.parameters.clone(),
            templates: response.templates.clone(),
        };
        (kind.clone(), response)
    });
    GatewayResponses(own.collect())
}

fn meter(plans: &[UsagePlan], before: Option<&Rules>) -> Arc<Meters> {
    match before.filter(|it| it.meter.are_of(plans)) {
        Some(before) => Arc::clone(&before.meter),
        None => Arc::new(Meters::new(plans)),
    }
}
