//! Who may use a REST API's method.

use super::Trip;
use super::rules::Rule;
use crate::authorizers::{Authorizer, Question};
use crate::desk::with_variables;
use crate::keys::{NotGood, Purpose};
use crate::signed::{self, NotSigned, Wanted};
use serde_json::Value;
use tether_apigw::authorizer::{
    Answers, Asked, INVOKE, Refused, identity, rest_request_event, token_event,
};
use tether_apigw::caller::IamCaller;
use tether_apigw::jwt::{bearer, cognito_issuer};
use tether_apigw::rest::policy::{Invocation, Said};
use tether_apigw::rest::{Fault, FaultKind, Identity, limits, proxy_event, request_context};
use tether_sam::api::{Authorization, AuthorizerKind};

impl Trip<'_> {
    /// Lets a request in or refuses it, and keeps what there is to know about who it is.
    pub(super) async fn authorize(&mut self, rule: &Rule) -> Result<(), Fault> {
        if self.desk.settings.disable_authorizer {
            return Ok(());
        }
        match &rule.authorization {
            Authorization::None => self.by_policy(None).must_allow(),
            Authorization::Iam => self.signed(),
            Authorization::Authorizer { name, scopes } => {
                let Some(authorizer) = self.rules.authorizers.find(name) else {
                    let reason = format!("there is no authorizer {name}: add it to the template");
                    return Err(Fault::new(FaultKind::AuthorizerConfigurationError, reason));
                };
                self.ask(authorizer, name, scopes).await
            }
        }
    }

    async fn ask(
        &mut self,
        authorizer: &Authorizer,
        name: &str,
        scopes: &[String],
    ) -> Result<(), Fault> {
        match &authorizer.own.kind {
            AuthorizerKind::Token { function, .. } | AuthorizerKind::Request { function, .. } => {
                let allowed = self.rules.policy.is_some() && self.by_policy(None).may_allow()?;
                let asked = self.ask_function(authorizer, function, allowed).await;
                asked.map_err(|refused| refused.fault(name))
            }
            AuthorizerKind::Cognito { user_pools } => {
                self.cognito(authorizer, name, user_pools, scopes).await?;
                self.by_policy(None).must_allow()
            }
            AuthorizerKind::Jwt { .. } => {
                let reason = format!(
                    "{name} is a JWT authorizer, which REST APIs do not have: use Cognito or a function"
                );
                Err(Fault::new(FaultKind::AuthorizerConfigurationError, reason))
            }
        }
    }

    async fn ask_function(
        &mut self,
        authorizer: &Authorizer,
        function: &str,
        allowed: bool,
    ) -> Result<(), Refused> {
        let identity = self.identity(authorizer)?;
        let is_token = matches!(authorizer.own.kind, AuthorizerKind::Token { .. });
        let token = identity.first().map(String::as_str).unwrap_or_default();
        let invalid = authorizer
            .validation
            .as_ref()
            .is_some_and(|it| !it.accepts(token));
        if is_token && invalid {
            return Err(Refused::Invalid);
        }
        let arn = self.method_arn();
        let event = || match is_token {
            true => token_event(&arn, token),
            false => {
                let event = proxy_event(&self.exchange, &self.rules.media);
                rest_request_event(&arn, &event)
            }
        };
        let question = Question {
            arn: &arn,
            identity: &identity,
            answers: Answers::Rest,
            within: self.desk.patience(None, limits::INTEGRATION_TIMEOUT),
            allowed,
        };
        let function = with_variables(function, &self.exchange.stage.variables);
        let asked = authorizer
            .ask(self.desk, function, &question, event)
            .await?;
        self.exchange.authorizer = asked.caller.rest();
        self.usage_key = asked.usage_key;
        Ok(())
    }

    /// What the API's own policy says; without one, everybody may.
    fn by_policy(&self, caller: Option<&IamCaller>) -> Said {
        let Some(policy) = &self.rules.policy else {
            return Said::Allow;
        };
        policy.ask(&Invocation {
            request: self.exchange.request,
            arn: &self.method_arn(),
            caller,
            now_ms: self.desk.now(),
        })
    }

    /// What the request carries where the authorizer looks.
    pub(super) fn identity(&self, authorizer: &Authorizer) -> Result<Vec<String>, Refused> {
        let context = request_context(&self.exchange);
        let asked = Asked {
            request: self.exchange.request,
            stage_variables: &self.exchange.stage.variables,
            context: &|name| at(&context, name),
        };
        Ok(identity(&authorizer.sources, &asked)?)
    }

    /// `arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/Prod/GET/pets/1`
    pub(super) fn method_arn(&self) -> String {
        let exchange = &self.exchange;
        let (stage, method) = (&exchange.stage.name, &exchange.request.method);
        self.desk
            .arn(&format!("{stage}/{method}{}", exchange.path.inner))
    }
}

/// `identity.sourceIp`
fn at(context: &serde_json::Map<String, Value>, name: &str) -> Option<String> {
    let mut parts = name.split('.');
    let first = context.get(parts.next()?)?;
    let value = parts.try_fold(first, |value, part| value.get(part))?;
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

impl Trip<'_> {
    /// Whoever signed.
    fn signed(&mut self) -> Result<(), Fault> {
        let arn = self.method_arn();
        let wanted = Wanted {
            service: "execute-api",
            action: INVOKE,
            arn: &arn,
        };
        let signed = signed::by(self.desk, self.exchange.request, &wanted);
        let caller = signed.map_err(|refused| {
            let reason = refused.to_string();
            let mut fault = match refused {
                NotSigned::Unsigned(unsigned) => unsigned.fault(),
                NotSigned::Denied { message, .. } => {
                    Fault::new(FaultKind::AccessDenied, "").saying(message)
                }
            };
            fault.reason = reason;
            fault
        })?;
        if let Some(caller) = caller.iam() {
            let said = self.by_policy(Some(caller));
            if caller.account_id == self.desk.at.account_id {
                said.may_allow()?;
            } else {
                said.must_allow()?;
            }
            self.exchange.identity = Identity {
                access_key: Some(caller.access_key.clone()),
                account_id: Some(caller.account_id.clone()),
                caller: Some(caller.user_id.clone()),
                user: Some(caller.user_id.clone()),
                user_arn: Some(caller.user_arn.clone()),
            };
        }
        Ok(())
    }

    /// Whoever has a token of one of the pools.
    async fn cognito(
        &mut self,
        authorizer: &Authorizer,
        name: &str,
        user_pools: &[String],
        scopes: &[String],
    ) -> Result<(), Fault> {
        let identity = self.identity(authorizer);
        let identity = identity.map_err(|refused| refused.fault(name))?;
        let token = bearer(identity.first().map(String::as_str).unwrap_or_default());
        let issuers = user_pools.iter().filter_map(|it| cognito_issuer(it));
        let issuers: Vec<String> = issuers.collect();
        let purpose = Purpose::Cognito {
            issuers: &issuers,
            scopes,
        };
        let verified = self.desk.settings.keys.verify(self.desk, token, purpose);
        let token = verified.await.map_err(|not| match not {
            NotGood::Token(error) => error.fault(name),
            NotGood::NoKeys => {
                let reason = format!("{name}: there are no keys to verify the token by");
                Fault::new(FaultKind::Unauthorized, reason)
            }
        })?;
        self.exchange.authorizer = token.cognito_caller().rest();
        Ok(())
    }
}
