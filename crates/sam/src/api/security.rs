//! Who may use a route, as OpenAPI documents say it.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-authorizer.html>

use super::integration::{function_of, payload_version};
use super::part::{Findings, Part};
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
            if let Some(mut read) = authorizer_of(&authorizer, self.api, header, found) {
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
            found.wrong(&requirements, "it must be a list of security requirements.");
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

fn authorizer_of(
    part: &Part<'_>,
    api: ApiKind,
    header: Option<String>,
    found: &mut Findings,
) -> Option<ApiAuthorizer> {
    let kind = found.required_text(part, "type").to_ascii_lowercase();
    let mut identity_sources = identity_sources(part, found);
    let takes_header = matches!(kind.as_str(), "token" | "cognito_user_pools");
    if identity_sources.is_empty()
        && takes_header
        && let Some(header) = header
    {
        identity_sources.push(format!("method.request.header.{header}"));
    }
    let kind = match kind.as_str() {
        "token" => AuthorizerKind::Token {
            function: function(part, found),
            validation: found.text(part.member("identityValidationExpression")),
        },
        "request" => AuthorizerKind::Request {
            function: function(part, found),
            payload_version: payload_version(part.member("authorizerPayloadFormatVersion"), found)
                .unwrap_or(PayloadVersion::V1),
            simple_responses: found
                .boolean(part.member("enableSimpleResponses"))
                .unwrap_or(false),
        },
        "cognito_user_pools" => AuthorizerKind::Cognito {
            user_pools: found.texts(part.member("providerARNs")),
        },
        "jwt" => jwt(part.member("jwtConfiguration"), part, found),
        _ => {
            let wanted = match api {
                ApiKind::Http => "request or jwt",
                _ => "token, request or cognito_user_pools",
            };
            if let Some(part) = part.member("type") {
                found.wrong(&part, format!("it must be {wanted}."));
            }
            return None;
        }
    };
    let ttl = found.number(part.member("authorizerResultTtlInSeconds"));
    Some(ApiAuthorizer {
        logical_id: None,
        id: String::new(),
        kind,
        identity_sources,
        ttl: ttl.map(|it| Duration::from_secs(it.into())),
    })
}

/// REST has them in one text, by commas; HTTP APIs in a list.
fn identity_sources(part: &Part<'_>, found: &mut Findings) -> Vec<String> {
    let texts = found.texts(part.member("identitySource"));
    let sources = texts.iter().flat_map(|it| it.split(','));
    let sources = sources.map(|it| it.trim().to_owned());
    sources.filter(|it| !it.is_empty()).collect()
}

fn function(part: &Part<'_>, found: &mut Findings) -> String {
    let uri = found.required_text(part, "authorizerUri");
    match function_of(&uri) {
        Some((function, _)) => function,
        None if uri.is_empty() => uri,
        None => {
            let message = "it must be the URI of a function: arn:aws:apigateway:REGION:lambda:\
                           path/2015-03-31/functions/ARN/invocations.";
            if let Some(part) = part.member("authorizerUri") {
                found.wrong(&part, message);
            }
            String::new()
        }
    }
}

fn jwt(part: Option<Part<'_>>, owner: &Part<'_>, found: &mut Findings) -> AuthorizerKind {
    let Some(part) = part else {
        found.missing(owner, "jwtConfiguration");
        return AuthorizerKind::Jwt {
            issuer: String::new(),
            audience: Vec::new(),
        };
    };
    AuthorizerKind::Jwt {
        issuer: found.required_text(&part, "issuer"),
        audience: found.texts(part.member("audience")),
    }
}
