//! REST APIs, HTTP APIs and function URLs as one model: what an HTTP front needs to serve them.
//!
//! However a template says it (SAM's events, `DefinitionBody`, raw `AWS::ApiGateway` and
//! `AWS::ApiGatewayV2` resources, an OpenAPI document), it becomes an [`Api`] here. What SAM makes
//! an OpenAPI document of is made one here too, so that one reader reads them all.

mod collect;
mod cors_routes;
mod document;
mod events;
mod http;
mod http_auth;
mod integration;
mod part;
mod parts;
mod request_model;
mod resource_policy;
mod rest;
mod rest_auth;
mod rest_authorizers;
mod rest_methods;
mod sam_properties;
mod security;
mod serverless_http;
mod serverless_rest;
mod spelling;
pub(crate) mod stages;
mod url;
mod usage;
mod validation;

pub use document::resource_id;
pub use resource_policy::CONDITION_KEYS;

use crate::problem::Position;
use indexmap::IndexMap;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// An API that is reached over HTTP.
#[derive(Debug, Clone, PartialEq)]
pub struct Api {
    /// Its name in the template; a function URL has its function's, and `Url` behind it.
    pub logical_id: String,
    /// Its id: what `Ref` gives, and what stands in its host name.
    pub id: String,
    /// Its `Name`, or the logical id.
    pub name: String,
    /// Which rules it follows.
    pub kind: ApiKind,
    /// Its stages; a function URL has none.
    pub stages: Vec<ApiStage>,
    /// Its routes in the order of the text. A function URL has one, `$default`.
    pub routes: Vec<ApiRoute>,
    /// Its authorizers by the name that routes use.
    pub authorizers: IndexMap<String, ApiAuthorizer>,
    /// What the gateway itself answers to browsers: of HTTP APIs and function URLs. For REST APIs
    /// CORS is a route with a mock integration.
    pub cors: Option<Cors>,
    /// `image/png`, `*/*`: of REST APIs.
    pub binary_media_types: Vec<String>,
    /// By their type, `DEFAULT_4XX` or `UNAUTHORIZED`: of REST APIs.
    pub gateway_responses: BTreeMap<String, GatewayResponse>,
    /// JSON schemas by model name: of REST APIs.
    pub models: BTreeMap<String, Value>,
    /// Where a client's API key is looked for: of REST APIs.
    pub api_key_source: ApiKeySource,
    /// Keys that open routes that require one: of REST APIs.
    pub usage_plans: Vec<UsagePlan>,
    /// Bodies from this size on are compressed for clients that accept it: of REST APIs.
    pub minimum_compression_bytes: Option<u64>,
    /// Who may invoke it, as IAM's policies say it: of REST APIs.
    pub policy: Option<Value>,
    /// Where its logical id stands.
    pub position: Position,
}

/// Which rules an API follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiKind {
    /// `AWS::ApiGateway::RestApi`
    Rest,
    /// `AWS::ApiGatewayV2::Api` with `ProtocolType: HTTP`
    Http,
    /// `AWS::Lambda::Url`
    FunctionUrl,
}

/// A stage.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiStage {
    /// Its name in the template; none for one that goes without saying.
    pub logical_id: Option<String>,
    /// `Prod`; `$default` stands at the root of an HTTP API.
    pub name: String,
    /// Its variables.
    pub variables: StageVariables,
    /// Limits by `METHOD /path` (`* /*` is all of them): REST's `MethodSettings`, HTTP's
    /// `RouteSettings` and `DefaultRouteSettings`.
    pub throttles: BTreeMap<String, Throttle>,
}

/// A stage's variables; they are configuration like an environment, so only names print.
#[derive(Clone, PartialEq, Default)]
pub struct StageVariables(pub BTreeMap<String, String>);

impl std::fmt::Debug for StageVariables {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_set().entries(self.0.keys()).finish()
    }
}

/// A token bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Throttle {
    /// Requests that may come at once.
    pub burst: u32,
    /// Requests a second in the long run.
    pub rate: f64,
}

/// A route, or a method of a REST API's resource.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiRoute {
    /// `GET`; `ANY` for each that has none of its own.
    pub method: String,
    /// `/pets/{id}`, `/{proxy+}`; `$default` for what no other route of an HTTP API takes.
    pub path: String,
    /// The REST resource's id, as `requestContext.resourceId` gives it.
    pub resource_id: Option<String>,
    /// `operationId` of an OpenAPI document, or `OperationName`.
    pub operation_name: Option<String>,
    /// What answers; none: the gateway does not know what to do, which is an error of its own.
    pub integration: Option<ApiIntegration>,
    /// Who may come in.
    pub authorization: Authorization,
    /// Whether an API key must be sent.
    pub api_key_required: bool,
    /// What of a request is checked before the integration.
    pub validation: Option<RequestValidation>,
    /// Answers that the method declares, by status: which headers and models they may have. For
    /// integrations that are no proxies.
    pub method_responses: BTreeMap<String, Value>,
    /// Where it stands.
    pub position: Position,
}

/// Who may use a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorization {
    /// Everybody.
    None,
    /// Whoever signs by SigV4.
    Iam,
    /// Whom the authorizer of that name lets in, with the scopes that a token must have one of.
    Authorizer {
        /// See [`Api::authorizers`].
        name: String,
        /// OAuth scopes; empty: none are needed.
        scopes: Vec<String>,
    },
}

/// REST's request validator and what it validates by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RequestValidation {
    /// Whether the body is held against its model.
    pub body: bool,
    /// Whether what is required must be there.
    pub parameters: bool,
    /// Model names by content type.
    pub models: BTreeMap<String, String>,
    /// `method.request.querystring.page`: what is required.
    pub required: Vec<String>,
}

/// What answers a route.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiIntegration {
    /// How.
    pub kind: IntegrationKind,
    /// The function's ARN or name, if it is one. Stage variables stand in it as `${stageVariables.x}`.
    pub function: Option<String>,
    /// Where else, as the template has it.
    pub uri: Option<String>,
    /// The method by which HTTP integrations are called.
    pub http_method: Option<String>,
    /// `1.0` or `2.0`: the shape of events and answers.
    pub payload_version: PayloadVersion,
    /// Longest time to wait; none: the API kind's own (29 s, 30 s).
    pub timeout: Option<Duration>,
    /// `integration.request.header.x` → `method.request.querystring.y`, and the like.
    pub request_parameters: BTreeMap<String, String>,
    /// Mapping templates by content type.
    pub request_templates: BTreeMap<String, String>,
    /// `WHEN_NO_MATCH`, `WHEN_NO_TEMPLATES`, `NEVER`.
    pub passthrough: Option<String>,
    /// `CONVERT_TO_BINARY`, `CONVERT_TO_TEXT`.
    pub content_handling: Option<String>,
    /// Of integrations that are no proxies, by selection pattern; `default` without one.
    pub responses: IndexMap<String, IntegrationResponse>,
    /// HTTP API's `ResponseParameters`, by status: `overwrite:header.x` → value.
    pub response_parameters: BTreeMap<String, BTreeMap<String, String>>,
    /// Whether answers are streamed: `ResponseTransferMode: STREAM`, `InvokeMode: RESPONSE_STREAM`.
    pub streams: bool,
}

impl ApiIntegration {
    /// One that goes nowhere yet.
    fn of(kind: IntegrationKind, payload_version: PayloadVersion) -> Self {
        Self {
            kind,
            payload_version,
            function: None,
            uri: None,
            http_method: None,
            timeout: None,
            request_parameters: BTreeMap::new(),
            request_templates: BTreeMap::new(),
            passthrough: None,
            content_handling: None,
            responses: IndexMap::new(),
            response_parameters: BTreeMap::new(),
            streams: false,
        }
    }
}

/// How an integration answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntegrationKind {
    /// A function, by its own answer.
    AwsProxy,
    /// A function or a service of AWS, by mapping templates.
    Aws,
    /// Another server, by its own answer.
    HttpProxy,
    /// Another server, by mapping templates.
    Http,
    /// The gateway itself.
    Mock,
}

/// The shape of events and answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadVersion {
    /// REST APIs', and HTTP APIs' on request.
    V1,
    /// HTTP APIs' and function URLs'.
    V2,
}

/// One of an integration's responses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IntegrationResponse {
    /// `200`
    pub status: String,
    /// `method.response.header.x` → `'value'` or `integration.response.header.y`.
    pub parameters: BTreeMap<String, String>,
    /// Mapping templates by content type.
    pub templates: BTreeMap<String, String>,
    /// `CONVERT_TO_BINARY`, `CONVERT_TO_TEXT`.
    pub content_handling: Option<String>,
}

/// What decides who may come in.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiAuthorizer {
    /// Its name in the template, where it is a resource of its own.
    pub logical_id: Option<String>,
    /// Its id in ARNs.
    pub id: String,
    /// How it decides.
    pub kind: AuthorizerKind,
    /// Where it looks: `method.request.header.Authorization`, `$request.header.Authorization`.
    pub identity_sources: Vec<String>,
    /// How long a decision is remembered; zero: not at all. None: the kind's own.
    pub ttl: Option<Duration>,
}

/// How an authorizer decides.
#[derive(Debug, Clone, PartialEq)]
pub enum AuthorizerKind {
    /// A function that gets a token.
    Token {
        /// Its ARN or name.
        function: String,
        /// What a token must look like: `IdentityValidationExpression`.
        validation: Option<String>,
    },
    /// A function that gets the request.
    Request {
        /// Its ARN or name.
        function: String,
        /// The event's shape: HTTP APIs have both.
        payload_version: PayloadVersion,
        /// Whether it may answer `{"isAuthorized": true}`.
        simple_responses: bool,
    },
    /// User pools of Cognito.
    Cognito {
        /// Their ARNs.
        user_pools: Vec<String>,
    },
    /// Tokens of an issuer.
    Jwt {
        /// `https://…`
        issuer: String,
        /// Whom they must be meant for.
        audience: Vec<String>,
    },
}

impl AuthorizerKind {
    /// The function that decides, by its ARN or name.
    pub fn function(&self) -> Option<&str> {
        match self {
            Self::Token { function, .. } | Self::Request { function, .. } => Some(function),
            Self::Cognito { .. } | Self::Jwt { .. } => None,
        }
    }
}

/// What the gateway answers to browsers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cors {
    /// `*`, `https://example.com`, `https://*`.
    pub allow_origins: Vec<String>,
    /// `GET`, `*`.
    pub allow_methods: Vec<String>,
    /// Header names, `*`.
    pub allow_headers: Vec<String>,
    /// Header names, `*`.
    pub expose_headers: Vec<String>,
    /// `Access-Control-Allow-Credentials`
    pub allow_credentials: bool,
    /// `Access-Control-Max-Age`
    pub max_age_seconds: Option<u32>,
}

/// What the gateway answers by itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GatewayResponse {
    /// Another status than its own.
    pub status: Option<String>,
    /// `gatewayresponse.header.x` → `'value'`, `method.request.header.y`, `context.z`.
    pub parameters: BTreeMap<String, String>,
    /// Bodies by content type, with `$context.error.messageString` and the like in them.
    pub templates: BTreeMap<String, String>,
}

/// Where a client's API key is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ApiKeySource {
    /// `x-api-key`
    #[default]
    Header,
    /// The authorizer's `usageIdentifierKey`.
    Authorizer,
}

/// Keys and what their holders may do.
#[derive(Debug, Clone, PartialEq)]
pub struct UsagePlan {
    /// Its name in the template.
    pub logical_id: String,
    /// The stages of this API that it opens.
    pub stages: Vec<String>,
    /// Its keys.
    pub keys: Vec<ApiKey>,
    /// How fast each of them may ask.
    pub throttle: Option<Throttle>,
    /// The same of single methods, by stage and `GET /pets/{id}`.
    pub methods: BTreeMap<String, BTreeMap<String, Throttle>>,
    /// How many requests in how long: `DAY`, `WEEK`, `MONTH`.
    pub quota: Option<(u64, String)>,
}

/// A key. Its value is a secret, and does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its name in the template.
    pub logical_id: String,
    /// Its id: what `Ref` gives.
    pub id: String,
    /// What clients send; none: AWS would make one up.
    pub value: Option<String>,
    /// A key that is not enabled opens nothing.
    pub enabled: bool,
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("ApiKey")
            .field("logical_id", &self.logical_id)
            .field("enabled", &self.enabled)
            .finish_non_exhaustive()
    }
}

/// An id like AWS's, the same for the same seed: lower-case letters and digits.
fn stable_id(seed: &str, length: usize) -> String {
    // FNV-1a, and as many digits of it as are asked for: https://datatracker.ietf.org/doc/html/draft-eastlake-fnv
    let hash = |seed: &[u8]| {
        seed.iter().fold(
            0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128,
            |hash, byte| {
                (hash ^ u128::from(*byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
            },
        )
    };
    let mut rest = hash(seed.as_bytes());
    let mut id = String::with_capacity(length);
    for _ in 0..length {
        let digit = u32::try_from(rest % 36).unwrap_or_default();
        id.extend(char::from_digit(digit, 36));
        rest /= 36;
    }
    id
}
