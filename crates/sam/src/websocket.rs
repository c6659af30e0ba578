//! WebSocket APIs of raw `AWS::ApiGatewayV2` resources, put together from their parts.
//!
//! The parts name each other by id: `ApiId`, `Target: integrations/<id>`, `AuthorizerId`, `RouteId`;
//! what `Ref` gives for each part is that id.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_ApiGatewayV2.html>

use crate::api::UsagePlan;
use crate::problem::Problems;
use crate::reader::{self, Reader};
use crate::stack::{Resource, Stack};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

const PREFIX: &str = "AWS::ApiGatewayV2::";

/// A WebSocket API.
#[derive(Debug, Clone, PartialEq)]
pub struct WebSocketApi {
    /// Its name in the template.
    pub logical_id: String,
    /// Its id: what `Ref` gives.
    pub id: String,
    /// Its `Name`, or the logical id.
    pub name: String,
    /// What picks a message's route: `$request.body.action`.
    pub route_selection_expression: String,
    /// Where API keys come from, if it says so: `$request.header.x-api-key`.
    pub api_key_selection: Option<String>,
    /// Its stages.
    pub stages: Vec<Stage>,
    /// Its routes.
    pub routes: Vec<Route>,
    /// JSON schemas of its models, by name, and by what `Ref` gives for them.
    pub models: BTreeMap<String, Value>,
    /// Plans whose API keys open its stages; none: the stack declares no API key at all.
    pub usage_plans: Option<Vec<UsagePlan>>,
}

/// A stage of a WebSocket API.
#[derive(Clone, PartialEq)]
pub struct Stage {
    /// Its name in the template.
    pub logical_id: String,
    /// The path segment that it is reached by.
    pub name: String,
    /// Its variables.
    pub variables: BTreeMap<String, String>,
    /// How many messages it takes, if it says so: `DefaultRouteSettings`.
    pub throttle: Option<RouteThrottle>,
    /// The same for some routes, by their keys: `RouteSettings`.
    pub route_throttles: BTreeMap<String, RouteThrottle>,
}

/// A token bucket. What is not set is the account's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RouteThrottle {
    /// How many at once.
    pub burst: Option<f64>,
    /// How many a second, on and on.
    pub rate: Option<f64>,
}

/// Names of variables only: they are configuration like an environment.
impl fmt::Debug for Stage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Stage")
            .field("logical_id", &self.logical_id)
            .field("name", &self.name)
            .field("variables", &self.variables.keys())
            .field("throttle", &self.throttle)
            .field("route_throttles", &self.route_throttles)
            .finish()
    }
}

/// A route of a WebSocket API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Its name in the template.
    pub logical_id: String,
    /// `$connect`, `$disconnect`, `$default`, or a value of the route selection expression.
    pub route_key: String,
    /// What answers; none if the route has no `Target`.
    pub integration: Option<Integration>,
    /// Who decides about connecting.
    pub authorizer: Option<Authorizer>,
    /// `NONE`, `AWS_IAM` or `CUSTOM`.
    pub authorization_type: String,
    /// Whether a key must be sent.
    pub api_key_required: bool,
    /// Whether the integration's answer goes back to the client.
    pub has_route_response: bool,
    /// What a handshake must carry: `route.request.querystring.room`.
    pub required_parameters: Vec<String>,
    /// What picks the model that a message is held against; none: it is held against none.
    pub model_selection: Option<String>,
    /// Names of models, by key.
    pub request_models: BTreeMap<String, String>,
}

/// What answers a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integration {
    /// Its name in the template.
    pub logical_id: String,
    /// `AWS_PROXY`, `AWS`, `HTTP`, `HTTP_PROXY` or `MOCK`.
    pub kind: String,
    /// The function, if the URI names one.
    pub function_arn: Option<String>,
    /// The whole URI; `MOCK` has none.
    pub uri: Option<String>,
    /// The method of an HTTP integration, `POST` for example.
    pub method: Option<String>,
    /// How long it may take, if it says so.
    pub timeout_ms: Option<u32>,
    /// What its request has, and from where: `integration.request.header.Id` of
    /// `context.connectionId`.
    pub request_parameters: BTreeMap<String, String>,
    /// Templates of what is sent to it, by key.
    pub request_templates: BTreeMap<String, String>,
    /// What picks one: `\\$default` and the like.
    pub template_selection: Option<String>,
    /// What happens to a message without a template: `WHEN_NO_MATCH` and the like.
    pub passthrough: Option<String>,
    /// What is made of its answers.
    pub responses: Vec<IntegrationResponse>,
}

/// What is made of an integration's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntegrationResponse {
    /// Its name in the template.
    pub logical_id: String,
    /// `$default`, or `/200/` and the like.
    pub key: String,
    /// Templates of what goes back, by key.
    pub templates: BTreeMap<String, String>,
    /// What picks one.
    pub template_selection: Option<String>,
}

/// A Lambda authorizer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorizer {
    /// Its name in the template.
    pub logical_id: String,
    /// Its id: what `Ref` gives.
    pub id: String,
    /// Its `Name`.
    pub name: String,
    /// The function that decides.
    pub function_arn: String,
    /// What must be there before it is asked: `route.request.querystring.session`.
    pub identity_sources: Vec<String>,
}

impl Stack {
    /// Every WebSocket API of raw API Gateway resources.
    ///
    /// # Errors
    /// Wrong or missing properties of any of their parts, and ids that no part has.
    pub fn websocket_apis(&self) -> Result<Vec<WebSocketApi>, Problems> {
        let apis = self.of_kind("Api").filter(|it| {
            let protocol = it.property("ProtocolType");
            protocol.and_then(|it| it.as_str()) == Some("WEBSOCKET")
        });
        reader::each(apis, |it| self.websocket_api(it))
    }

    fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Resource> {
        let of_kind = move |it: &&Resource| it.kind.strip_prefix(PREFIX) == Some(kind);
        self.resources.values().filter(of_kind)
    }

    /// The parts of that kind that belong to `api`.
    fn parts(&self, kind: &str, api: &Resource) -> impl Iterator<Item = &Resource> {
        let id = api.reference.clone();
        let belongs = move |it: &&Resource| {
            let named = it.property("ApiId").and_then(|it| it.as_str());
            named == Some(id.as_str())
        };
        self.of_kind(kind).filter(belongs)
    }

    fn websocket_api(&self, api: &Resource) -> Result<WebSocketApi, Problems> {
        let mut reader = Reader::new(api, &self.file);
        let name = reader.text("Name");
        let expression = reader.required_text("RouteSelectionExpression");
        let api_key_selection = reader.text("ApiKeySelectionExpression");
        let own = reader.finish(());
        let stages = reader::each(self.parts("Stage", api), |it| stage(it, &self.file));
        let routes = reader::each(self.parts("Route", api), |it| self.route(it, api));
        let mut problems = Vec::new();
        let mut keep = |more: Problems| problems.extend(more.0);
        let own = own.map_err(&mut keep);
        let stages = stages.map_err(&mut keep);
        let routes = routes.map_err(&mut keep);
        let plans = self.usage_plans(api).map_err(&mut keep);
        let models = reader::each(self.parts("Model", api), |it| model(it, &self.file));
        let models = models.map_err(&mut keep);
        match (own, stages, routes, plans, models) {
            (Ok(()), Ok(stages), Ok(routes), Ok(usage_plans), Ok(models)) => Ok(WebSocketApi {
                logical_id: api.logical_id.clone(),
                id: api.reference.clone(),
                name: name.unwrap_or_else(|| api.logical_id.clone()),
                route_selection_expression: expression,
                api_key_selection,
                stages,
                routes,
                models: by_id_and_name(models),
                usage_plans,
            }),
            _ => Err(Problems(problems)),
        }
    }

    fn route(&self, resource: &Resource, api: &Resource) -> Result<Route, Problems> {
        let mut reader = Reader::new(resource, &self.file);
        let target = reader.text("Target");
        let integration = match target.as_deref().map(|it| it.strip_prefix("integrations/")) {
            None => None,
            Some(None) => {
                reader.wrong(
                    "Target",
                    "it must be integrations/ and an integration's id.",
                );
                None
            }
            Some(Some(id)) => {
                let found = self.parts("Integration", api).find(|it| it.reference == id);
                if found.is_none() {
                    let message = format!("no integration of this API has the id {id}.");
                    reader.wrong("Target", message);
                }
                found
            }
        };
        let authorization = reader.text("AuthorizationType");
        let authorizer = self.authorizer_of(&mut reader, api);
        let mut responses = self.parts("RouteResponse", api);
        let route = Route {
            logical_id: resource.logical_id.clone(),
            route_key: reader.required_text("RouteKey"),
            integration: None,
            authorizer: None,
            authorization_type: authorization.unwrap_or_else(|| "NONE".to_owned()),
            api_key_required: reader.boolean("ApiKeyRequired").unwrap_or(false),
            has_route_response: responses.any(|it| {
                let named = it.property("RouteId").and_then(|it| it.as_str());
                named == Some(resource.reference.as_str())
            }),
            required_parameters: required_parameters(&mut reader),
            model_selection: reader.text("ModelSelectionExpression"),
            request_models: reader.text_map("RequestModels"),
        };
        let route = reader.finish(route)?;
        Ok(Route {
            integration: integration
                .map(|it| self.integration(it, api))
                .transpose()?,
            authorizer: authorizer
                .map(|it| read_authorizer(it, &self.file))
                .transpose()?,
            ..route
        })
    }

    fn integration(&self, resource: &Resource, api: &Resource) -> Result<Integration, Problems> {
        let responses = self.parts("IntegrationResponse", api).filter(|it| {
            let named = it.property("IntegrationId").and_then(|it| it.as_str());
            named == Some(resource.reference.as_str())
        });
        let responses = reader::each(responses, |it| read_response(it, &self.file))?;
        read_integration(resource, &self.file, responses)
    }

    fn authorizer_of(&self, reader: &mut Reader<'_>, api: &Resource) -> Option<&Resource> {
        let id = reader.text("AuthorizerId")?;
        let found = self.parts("Authorizer", api).find(|it| it.reference == id);
        if found.is_none() {
            let message = format!("no authorizer of this API has the id {id}.");
            reader.wrong("AuthorizerId", message);
        }
        found
    }
}

fn stage(resource: &Resource, file: &str) -> Result<Stage, Problems> {
    let mut reader = Reader::new(resource, file);
    let stage = Stage {
        logical_id: resource.logical_id.clone(),
        name: reader.required_text("StageName"),
        variables: reader.text_map("StageVariables"),
        throttle: throttle(&mut reader, "DefaultRouteSettings"),
        route_throttles: route_throttles(&mut reader),
    };
    reader.finish(stage)
}

/// The throttle in these settings, if there is one.
fn throttle(reader: &mut Reader<'_>, path: &str) -> Option<RouteThrottle> {
    reader.map(path)?;
    let throttle = RouteThrottle {
        burst: reader.decimal(&format!("{path}.ThrottlingBurstLimit")),
        rate: reader.decimal(&format!("{path}.ThrottlingRateLimit")),
    };
    (throttle.burst.is_some() || throttle.rate.is_some()).then_some(throttle)
}

fn route_throttles(reader: &mut Reader<'_>) -> BTreeMap<String, RouteThrottle> {
    let routes = reader.map("RouteSettings").into_iter().flatten();
    let keys: Vec<String> = routes.map(|(key, _)| key.clone()).collect();
    let each = keys.into_iter().filter_map(|key| {
        let found = throttle(reader, &format!("RouteSettings.{key}"))?;
        Some((key, found))
    });
    each.collect()
}

/// `RequestParameters` that are required: `{route.request.querystring.room: {Required: true}}`.
fn required_parameters(reader: &mut Reader<'_>) -> Vec<String> {
    let parameters = reader.map("RequestParameters").into_iter().flatten();
    let required = parameters.filter(|(_, value)| {
        let required = value.get("Required").and_then(reader::boolean);
        required.or_else(|| reader::boolean(value)) == Some(true)
    });
    required.map(|(name, _)| name.clone()).collect()
}

/// A name wins over another model's id.
fn by_id_and_name(models: Vec<[(String, Value); 2]>) -> BTreeMap<String, Value> {
    let pairs = models.into_iter().map(|[id, name]| (id, name));
    let (ids, names): (Vec<_>, Vec<_>) = pairs.unzip();
    ids.into_iter().chain(names).collect()
}

/// A model under its id and its name: templates name it by either.
fn model(resource: &Resource, file: &str) -> Result<[(String, Value); 2], Problems> {
    let mut reader = Reader::new(resource, file);
    let name = reader.required_text("Name");
    let schema = match reader.property("Schema") {
        Some(Value::String(text)) => serde_json::from_str(text).ok().filter(Value::is_object),
        Some(schema @ Value::Object(_)) => Some(schema.clone()),
        _ => None,
    };
    if schema.is_none() {
        let message = "it must be a JSON schema, an object: {\"type\": \"object\"}.";
        reader.wrong("Schema", message);
    }
    let schema = schema.unwrap_or_default();
    let id = resource.reference.clone();
    reader.finish([(id, schema.clone()), (name, schema)])
}

fn read_response(resource: &Resource, file: &str) -> Result<IntegrationResponse, Problems> {
    let mut reader = Reader::new(resource, file);
    let response = IntegrationResponse {
        logical_id: resource.logical_id.clone(),
        key: reader.required_text("IntegrationResponseKey"),
        templates: reader.text_map("ResponseTemplates"),
        template_selection: reader.text("TemplateSelectionExpression"),
    };
    reader.finish(response)
}

fn read_integration(
    resource: &Resource,
    file: &str,
    responses: Vec<IntegrationResponse>,
) -> Result<Integration, Problems> {
    let mut reader = Reader::new(resource, file);
    let uri = reader.text("IntegrationUri");
    let integration = Integration {
        logical_id: resource.logical_id.clone(),
        kind: reader.required_text("IntegrationType"),
        function_arn: uri.as_deref().and_then(function_arn),
        uri,
        method: reader.text("IntegrationMethod"),
        timeout_ms: reader.number("TimeoutInMillis"),
        request_parameters: reader.text_map("RequestParameters"),
        request_templates: reader.text_map("RequestTemplates"),
        template_selection: reader.text("TemplateSelectionExpression"),
        passthrough: reader.text("PassthroughBehavior"),
        responses,
    };
    if integration.uri.is_none() && integration.kind != "MOCK" {
        reader.missing("IntegrationUri");
    }
    reader.finish(integration)
}

fn read_authorizer(resource: &Resource, file: &str) -> Result<Authorizer, Problems> {
    let mut reader = Reader::new(resource, file);
    let uri = reader.required_text("AuthorizerUri");
    let function = function_arn(&uri);
    if function.is_none() && !uri.is_empty() {
        let message = "it must be the URI of a function: arn:aws:apigateway:REGION:lambda:path/\
                       2015-03-31/functions/ARN/invocations.";
        reader.wrong("AuthorizerUri", message);
    }
    let authorizer = Authorizer {
        logical_id: resource.logical_id.clone(),
        id: resource.reference.clone(),
        name: reader.required_text("Name"),
        function_arn: function.unwrap_or_default(),
        identity_sources: reader.texts("IdentitySource"),
    };
    reader.finish(authorizer)
}

/// The ARN in `arn:…:apigateway:…:lambda:path/2015-03-31/functions/ARN/invocations`.
fn function_arn(uri: &str) -> Option<String> {
    let (service, rest) = uri.split_once(":lambda:path/")?;
    let (_, rest) = rest.split_once("/functions/")?;
    let arn = rest.strip_suffix("/invocations")?;
    (service.contains(":apigateway:") && !arn.is_empty()).then(|| arn.to_owned())
}

#[cfg(test)]
#[path = "websocket_tests.rs"]
mod tests;
