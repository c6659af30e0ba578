//! Who may use an HTTP API's route.

use super::rules::{Rule, ServedStage};
use super::{Refused, Trip};
use crate::authorizers::{Authorizer, Question};
use crate::desk::with_variables;
use crate::keys::{NotGood, Purpose};
use crate::signed::{self, NotSigned, Wanted};
use std::time::Duration;
use tether_apigw::authorizer::{
    self, Answers, Asked, INVOKE, identity, request_event_v1, request_event_v2,
};
use tether_apigw::caller::Caller;
use tether_apigw::http_api::{
    Exchange, Match, context_variable, forbidden, internal_error, route_arn, unauthorized,
};
use tether_apigw::jwt::{self, TokenError, bearer};
use tether_sam::api::{Authorization, AuthorizerKind, PayloadVersion};

/// Longest that an authorizer may take
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>).
const TIMEOUT: Duration = Duration::from_secs(10);

impl Trip<'_> {
    /// Who is let in; none where nobody asks.
    pub(super) async fn authorize(
        &self,
        rule: &Rule,
        served: &ServedStage,
        matched: &Match,
    ) -> Result<Option<Caller>, Refused> {
        if self.desk.settings.disable_authorizer {
            return Ok(None);
        }
        let exchange = self.exchange(rule, served, matched, None);
        match &rule.authorization {
            Authorization::None => Ok(None),
            Authorization::Iam => self.signed(&exchange).map(Some),
            Authorization::Authorizer { name, scopes } => {
                let Some(authorizer) = self.rules.authorizers.find(name) else {
                    self.say(&format_args!(
                        "there is no authorizer {name}: add it to the template"
                    ));
                    return Err(internal_error());
                };
                self.ask(authorizer, name, scopes, &exchange)
                    .await
                    .map(Some)
            }
        }
    }

    async fn ask(
        &self,
        authorizer: &Authorizer,
        name: &str,
        scopes: &[String],
        exchange: &Exchange<'_>,
    ) -> Result<Caller, Refused> {
        match &authorizer.own.kind {
            AuthorizerKind::Request {
                function,
                payload_version,
                simple_responses,
            } => {
                let asked = self
                    .ask_function(
                        authorizer,
                        function,
                        (*payload_version, *simple_responses),
                        exchange,
                    )
                    .await;
                asked.map_err(|refused| {
                    self.say(&format_args!("{name}: {refused}"));
                    refused.http()
                })
            }
            AuthorizerKind::Jwt { issuer, audience } => {
                let rules = jwt::Rules {
                    issuer,
                    audience,
                    scopes,
                };
                self.jwt(authorizer, name, rules, exchange).await
            }
            AuthorizerKind::Token { .. } | AuthorizerKind::Cognito { .. } => {
                self.say(&format_args!(
                    "{name} is an authorizer of REST APIs: HTTP APIs have JWT authorizers and functions that get the request"
                ));
                Err(internal_error())
            }
        }
    }

    async fn ask_function(
        &self,
        authorizer: &Authorizer,
        function: &str,
        (version, simple): (PayloadVersion, bool),
        exchange: &Exchange<'_>,
    ) -> Result<Caller, authorizer::Refused> {
        let identity = sources(authorizer, exchange)?;
        let event = || match version {
            PayloadVersion::V1 => request_event_v1(exchange, &identity),
            PayloadVersion::V2 => request_event_v2(exchange, &identity),
        };
        let question = Question {
            arn: &route_arn(exchange),
            identity: &identity,
            answers: if simple {
                Answers::Simple
            } else {
                Answers::Http
            },
            within: self.desk.patience(None, TIMEOUT),
            allowed: false,
        };
        let function = with_variables(function, exchange.stage_variables);
        let asked = authorizer
            .ask(self.desk, function, &question, event)
            .await?;
        Ok(asked.caller)
    }
}

/// What the request carries where the authorizer looks.
pub(super) fn sources(
    authorizer: &Authorizer,
    exchange: &Exchange<'_>,
) -> Result<Vec<String>, authorizer::Refused> {
    let asked = Asked {
        request: exchange.request,
        stage_variables: exchange.stage_variables,
        context: &|name| context_variable(exchange, name),
    };
    Ok(identity(&authorizer.sources, &asked)?)
}

impl Trip<'_> {
    /// Whoever signed.
    fn signed(&self, exchange: &Exchange<'_>) -> Result<Caller, Refused> {
        let arn = route_arn(exchange);
        let wanted = Wanted {
            service: "execute-api",
            action: INVOKE,
            arn: &arn,
        };
        let signed = signed::by(self.desk, self.request, &wanted);
        signed.map_err(|refused| {
            self.say(&refused);
            match refused {
                NotSigned::Unsigned(unsigned) => unsigned.http(),
                NotSigned::Denied { .. } => forbidden(),
            }
        })
    }

    /// Whoever has a token of the issuer.
    async fn jwt(
        &self,
        authorizer: &Authorizer,
        name: &str,
        rules: jwt::Rules<'_>,
        exchange: &Exchange<'_>,
    ) -> Result<Caller, Refused> {
        let refuse = |error: &TokenError| {
            self.say(&format_args!("{name}: {error}"));
            error.http(rules.scopes)
        };
        let found = sources(authorizer, exchange).unwrap_or_default();
        let token = bearer(found.first().map(String::as_str).unwrap_or_default());
        if token.is_empty() {
            return Err(refuse(&TokenError::Missing));
        }
        let keys = &self.desk.settings.keys;
        let verified = keys.verify(self.desk, token, Purpose::Jwt(rules)).await;
        match verified {
            Ok(token) => Ok(token.http_caller(rules.scopes)),
            Err(NotGood::Token(error)) => Err(refuse(&error)),
            Err(NotGood::NoKeys) => Err(no_keys()),
        }
    }
}

/// What AWS says while an issuer does not answer `[inf]`.
fn no_keys() -> Refused {
    let mut answer = unauthorized();
    let said = "Bearer scope=\"\" error=\"invalid_token\" error_description=\"OIDC discovery endpoint communication error\"";
    let header = ("www-authenticate".to_owned(), said.to_owned());
    answer.headers.push(header);
    answer
}
