//! Who may use a route, as OpenAPI documents say it.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-authorizer.html>

use super::integration::{function_of, payload_version};
use super::part::{Findings, Part};
use super::spelling::Spelling;
use super::{ApiAuthorizer, ApiKind, Authorization, AuthorizerKind, PayloadVersion, stable_id};
use indexmap::IndexMap;
use std::time::Duration;

/// What a security scheme means for a route that names it.
enum Scheme {
    ApiKey,
    Iam,
    Authorizer,
    /// Nothing: API Gateway reads only what it can enforce.
    Nothing,
}

/// A document's security schemes.
pub(super) struct Schemes {
    kinds: IndexMap<String, Scheme>,
    pub(super) authorizers: IndexMap<String, ApiAuthorizer>,
    api: ApiKind,
}

/// What a route's requirements come to.
pub(super) struct Access {
    pub(super) authorization: Authorization,
    pub(super) api_key_required: bool,
}

const OPEN: Access = Access {
    authorization: Authorization::None,
    api_key_required: false,
};

impl Schemes {
    /// Reads `securityDefinitions` and `components.securitySchemes`.
    pub(super) fn read(
        document: &Part<'_>,
        api: ApiKind,
        api_id: &str,
        found: &mut Findings,
    ) -> Self {
        let mut schemes = Self {
            kinds: IndexMap::new(),
            authorizers: IndexMap::new(),
            api,
        };
        let old = document.member("securityDefinitions");
        let new = document.descend(&["components", "securitySchemes"]);
        for (name, part) in found.map(old).into_iter().chain(found.map(new)) {
            let scheme = schemes.scheme(name, &part, api_id, found);
            schemes.kinds.insert(name.to_owned(), scheme);
        }
        schemes
    }

    fn scheme(
        &mut self,
        name: &str,
        part: &Part<'_>,
        api_id: &str,
        found: &mut Findings,
    ) -> Scheme {
        let authtype = found.text(part.member("x-amazon-apigateway-authtype"));
        if authtype.is_some_and(|it| it.eq_ignore_ascii_case("awsSigv4")) {
            return Scheme::Iam;
        }
        if let Some(authorizer) = part.member("x-amazon-apigateway-authorizer") {
            let header = part.member("name").and_then(|it| it.scalar());
            if let Some(mut read) = read_authorizer(&authorizer, Spelling::Document, header, found)
            {
                read.id = stable_id(&format!("{api_id}/authorizers/{name}"), 6);
                self.authorizers.insert(name.to_owned(), read);
            }
            return Scheme::Authorizer;
        }
        let is = |key: &str, value: &str| {
            let member = part.member(key).and_then(|it| it.scalar());
            member.is_some_and(|it| it.eq_ignore_ascii_case(value))
        };
        if is("type", "apiKey") && is("name", "x-api-key") && is("in", "header") {
            return Scheme::ApiKey;
        }
        Scheme::Nothing
    }

    /// What an operation asks of who calls it.
    pub(super) fn access(
        &self,
        document: &Part<'_>,
        operation: &Part<'_>,
        found: &mut Findings,
    ) -> Access {
        let own = operation.descend(&["x-amazon-apigateway-auth", "type"]);
        match found.text(own).as_deref() {
            Some("AWS_IAM") => {
                return Access {
                    authorization: Authorization::Iam,
                    ..OPEN
                };
            }
            Some("NONE") => return OPEN,
            _ => {}
        }
        // REST APIs ignore what stands at the root:
        // https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
        let root = document.member("security");
        let root = root.filter(|_| self.api == ApiKind::Http);
        let Some(requirements) = operation.member("security").or(root) else {
            return OPEN;
        };
        if !requirements.value.is_array() {
            let message = "it is no list of security requirements: it keeps nobody out.";
            found.note(&requirements, message);
        }
        let mut access = OPEN;
        for requirement in requirements.items() {
            for (name, scopes) in found.map(Some(requirement)) {
                self.require(name, scopes, &mut access, found);
            }
        }
        access
    }

    fn require(&self, name: &str, scopes: Part<'_>, access: &mut Access, found: &mut Findings) {
        match self.kinds.get(name) {
            Some(Scheme::ApiKey) => access.api_key_required = true,
            Some(Scheme::Iam) => access.authorization = Authorization::Iam,
            Some(Scheme::Authorizer) => {
                access.authorization = Authorization::Authorizer {
                    name: name.to_owned(),
                    scopes: found.texts(Some(scopes)),
                };
            }
            Some(Scheme::Nothing) => {
                let message = format!(
                    "{name} has no x-amazon-apigateway-authorizer: it keeps nobody out, on AWS \
                     neither."
                );
                found.note(&scopes, message);
            }
            // SAM's marks, and what API Gateway does not know.
            None => {}
        }
    }
}

/// Reads `x-amazon-apigateway-authorizer`, or an authorizer that is a resource.
pub(super) fn read_authorizer(
    part: &Part<'_>,
    spelling: Spelling,
    header: Option<String>,
    found: &mut Findings,
) -> Option<ApiAuthorizer> {
    let member = |key| part.member(&spelling.key(key));
    let kind = found.required_text(part, &spelling.key("authorizerType"));
    let kind = kind.to_ascii_lowercase();
    let mut identity_sources = identity_sources(member("identitySource"), found);
    let takes_header = matches!(kind.as_str(), "token" | "cognito_user_pools");
    if identity_sources.is_empty() && takes_header {
        identity_sources.extend(header.map(|it| format!("method.request.header.{it}")));
    }
    let kind = match kind.as_str() {
        "token" => AuthorizerKind::Token {
            function: function(part, spelling, found),
            validation: found.text(member("identityValidationExpression")),
        },
        "request" => {
            let version = payload_version(member("authorizerPayloadFormatVersion"), found);
            let simple = found.boolean(member("enableSimpleResponses"));
            AuthorizerKind::Request {
                function: function(part, spelling, found),
                payload_version: version.unwrap_or(PayloadVersion::V1),
                simple_responses: simple.unwrap_or(false),
            }
        }
        "cognito_user_pools" => AuthorizerKind::Cognito {
            user_pools: found.texts(member("providerARNs")),
        },
        "jwt" => jwt(part, spelling, found),
        _ => {
            let message = "it must be TOKEN, REQUEST or COGNITO_USER_POOLS, or JWT of an HTTP API.";
            if let Some(part) = member("authorizerType") {
                found.wrong(&part, message);
            }
            return None;
        }
    };
    let ttl = found.number(member("authorizerResultTtlInSeconds"));
    Some(ApiAuthorizer {
        logical_id: None,
        id: String::new(),
        kind,
        identity_sources,
        ttl: ttl.map(|it| Duration::from_secs(it.into())),
    })
}

/// REST has them in one text, by commas; HTTP APIs in a list.
fn identity_sources(part: Option<Part<'_>>, found: &mut Findings) -> Vec<String> {
    let texts = found.texts(part);
    let sources = texts.iter().flat_map(|it| it.split(','));
    let sources = sources.map(|it| it.trim().to_owned());
    sources.filter(|it| !it.is_empty()).collect()
}

fn function(part: &Part<'_>, spelling: Spelling, found: &mut Findings) -> String {
    let key = spelling.key("authorizerUri");
    let uri = found.required_text(part, &key);
    match function_of(&uri) {
        Some((function, _)) => function,
        None if uri.is_empty() => uri,
        None => {
            let message = "it must be the URI of a function: arn:aws:apigateway:REGION:lambda:\
                           path/2015-03-31/functions/ARN/invocations.";
            if let Some(part) = part.member(&key) {
                found.wrong(&part, message);
            }
            String::new()
        }
    }
}

fn jwt(owner: &Part<'_>, spelling: Spelling, found: &mut Findings) -> AuthorizerKind {
    let key = spelling.key("jwtConfiguration");
    let Some(part) = owner.member(&key) else {
        found.missing(owner, &key);
        return AuthorizerKind::Jwt {
            issuer: String::new(),
            audience: Vec::new(),
        };
    };
    AuthorizerKind::Jwt {
        issuer: found.required_text(&part, &spelling.key("issuer")),
        audience: found.texts(part.member(&spelling.key("audience"))),
    }
}
