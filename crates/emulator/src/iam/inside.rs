//! What services do by themselves: assume roles, invoke functions, write logs.

use super::{Ask, Iam};
use crate::callers::session;
use crate::cloud::Place;
use crate::lambda::{Configuration, Lambda, LambdaError, Target};
use tether_apigw::connections::parse_path;
use tether_iam::{Context, Denied, Policies, Policy, Principal};

/// `arn:…:execute-api:…:API/PART`
pub(crate) fn api_arn(place: &Place, api: &str, part: &str) -> String {
    format!(
        "arn:{}:execute-api:{}:{}:{api}/{part}",
        place.partition, place.region, place.account_id
    )
}

/// What a call of `@connections` asks for
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-control-access-iam.html>).
pub(crate) fn ask_connections(place: &Place, api: &str, parts: &http::request::Parts) -> Ask {
    let path = parse_path(parts.uri.path());
    let (stage, id) = path
        .map(|it| (it.stage, it.connection_id))
        .unwrap_or_default();
    let part = format!("{stage}/{}/@connections/{id}", parts.method);
    Ask::new("execute-api:ManageConnections", api_arn(place, api, &part))
}

impl Iam {
    /// `AssumeRole`: who the caller becomes. Only the trust policy is asked about
    /// administrators.
    pub(crate) fn assume(
        &self,
        access_key: &str,
        role: &str,
        name: &str,
        external_id: Option<&str>,
    ) -> Result<Principal, Denied> {
        let mut context = Context::new().with("sts:RoleSessionName", name);
        if let Some(id) = external_id {
            context.set("sts:ExternalId", id);
        }
        let ask = Ask {
            action: "sts:AssumeRole".to_owned(),
            resource: role.to_owned(),
            context,
            is_probe: false,
        };
        let becomes = session(role, name);
        let found = self.identity(role);
        if !self.enforced && found.is_some() {
            return Ok(becomes);
        }
        let known = self.callers.whose(access_key);
        let is_admin = known.is_none();
        let principal = known.unwrap_or_else(|| self.administrator());
        let rules = self.rules(&principal);
        let documents = rules.documents();
        let mut identity: Vec<&Policy> = documents.iter().map(|it| it.policy()).collect();
        identity.extend(self.everything.as_ref().filter(|_| is_admin));
        let nobody = Policy::silent();
        let target = found.map(|it| it.rules());
        let trust = target.as_ref().and_then(|it| it.trust());
        let policies = Policies {
            identity: &identity,
            boundary: rules.boundary(),
            resource: None,
            trust: Some(trust.unwrap_or(&nobody)),
        };
        let context = self.context(&principal, &ask);
        self.decide(&principal, &ask, &context, &policies)?;
        for document in documents {
            document.count(&ask, &context);
        }
        Ok(becomes)
    }

    /// Who has the keys that were not given out here.
    pub(crate) fn administrator(&self) -> Principal {
        let (partition, account) = (&self.place.partition, &self.place.account_id);
        Principal::User {
            arn: format!("arn:{partition}:iam::{account}:user/developer"),
            account: account.clone(),
        }
    }

    /// Whether Lambda may become a function's role, as it does for each environment.
    pub(crate) fn check_role(&self, function: &Configuration) -> Result<(), LambdaError> {
        if !self.enforced {
            return Ok(());
        }
        let Some(role) = self.identity(&function.role) else {
            self.say_once(format!(
                "{} runs under {}, a role that is in no template here: it may do nothing; put \
                 the role into a template, or start with --no-iam",
                function.function_name, function.role
            ));
            return Ok(());
        };
        let lambda = Principal::Service("lambda.amazonaws.com".to_owned());
        let ask = Ask::new("sts:AssumeRole", role.arn.clone());
        let rules = role.rules();
        let nobody = Policy::silent();
        let policies = Policies {
            trust: Some(rules.trust().unwrap_or(&nobody)),
            ..Policies::default()
        };
        let context = self.context(&lambda, &ask);
        self.decide(&lambda, &ask, &context, &policies)
            .map_err(|_| {
                // https://repost.aws/knowledge-center/lambda-function-assume-iam-role
                let message = "The role defined for the function cannot be assumed by Lambda.";
                LambdaError::AccessDenied(message.to_owned())
            })
    }

    /// Whether a service may invoke a function: its policy says so.
    pub(crate) fn check_invoke(
        &self,
        lambda: &Lambda,
        service: &str,
        source: &str,
        function: &str,
    ) -> Result<(), Denied> {
        // One that does not exist is told by the invocation.
        let (true, Ok(target)) = (self.enforced, lambda.target(function, None)) else {
            return Ok(());
        };
        let ask = Ask::new("lambda:InvokeFunction", target.arn())
            .with("aws:SourceArn", source)
            .with("aws:SourceAccount", self.place.account_id.clone());
        let rules = target.function.rules(target.qualifier());
        let policies = Policies {
            resource: rules.as_deref(),
            ..Policies::default()
        };
        let service = Principal::Service(service.to_owned());
        let context = self.context(&service, &ask);
        self.decide(&service, &ask, &context, &policies)
    }

    /// Whether a function may be the destination of another one's events: its role may
    /// invoke it
    /// (<https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>).
    pub(crate) fn check_destination(
        &self,
        from: &Configuration,
        to: &Target,
    ) -> Result<(), Denied> {
        if !self.enforced {
            return Ok(());
        }
        let ask = Ask::new("lambda:InvokeFunction", to.arn());
        let principal = session(&from.role, &from.function_name);
        let rules = to.function.rules(to.qualifier());
        self.judge(&principal, &ask, rules.as_deref())
    }

    /// Whether the function's role may write its log; if not, it is lost on AWS, and
    /// that is said once
    /// (<https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html>).
    pub(crate) fn check_logs(&self, function: &Configuration) {
        if !self.enforced || self.identity(&function.role).is_none() {
            return;
        }
        let name = &function.function_name;
        let group = function.plain.log_group(name);
        let place = &self.place;
        let arn = format!(
            "arn:{}:logs:{}:{}:log-group:{group}",
            place.partition, place.region, place.account_id
        );
        let stream = format!("{arn}:log-stream:{}", crate::id::uuid());
        let mut asks = vec![
            Ask::new("logs:CreateLogStream", stream.clone()),
            Ask::new("logs:PutLogEvents", stream),
        ];
        if !self.has_log_group(&group) {
            asks.insert(0, Ask::new("logs:CreateLogGroup", arn));
        }
        let principal = session(&function.role, name);
        for ask in asks {
            if self.judge(&principal, &ask, None).is_err() {
                let role = &function.role;
                let action = &ask.action;
                self.say_once(format!(
                    "the log of {name} would be lost on AWS: {role} may not {action} on {group}"
                ));
                return;
            }
        }
        self.add_log_group(group);
    }
}

#[cfg(test)]
#[path = "inside_tests.rs"]
mod tests;
