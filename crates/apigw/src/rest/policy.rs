//! Resource policies: who may invoke an API's methods, and from where.
//!
//! What the policy says is combined with what authorizers say
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html>):
//!
//! | the method asks for | a Deny of the policy | an Allow | neither |
//! |---|---|---|---|
//! | nothing, or Cognito | refuses | lets in | refuses |
//! | a Lambda authorizer | refuses, and the function is not asked | lets in whom the function does not allow, if it does not deny them | leaves it to the function |
//! | IAM, of the API's account | refuses | lets in | leaves it to the caller's own policies |
//! | IAM, of another account | refuses | leaves it to the caller's own policies | refuses |

use super::fault::{Fault, FaultKind};
use crate::authorizer::INVOKE;
use crate::caller::IamCaller;
use crate::clock;
use crate::http::{Request, Whereabouts};
use serde_json::Value;
use std::fmt::Write as _;
use tether_iam::policy::Statement;
use tether_iam::{Context, Decision, Policy, PolicyError, Principal, Question};

/// Condition keys that a request is held against
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-aws-condition-keys.html>).
pub const CONDITION_KEYS: [&str; 11] = [
    "aws:CurrentTime",
    "aws:EpochTime",
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalType",
    "aws:Referer",
    "aws:SecureTransport",
    "aws:SourceIp",
    "aws:UserAgent",
    "aws:userid",
    "aws:username",
];

/// Keys of requests that come out of a VPC, which none here does.
pub const VPC_KEYS: [&str; 3] = ["aws:SourceVpc", "aws:SourceVpce", "aws:VpcSourceIp"];

/// An API's resource policy.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourcePolicy(Policy);

/// One request to a method.
#[derive(Debug, Clone, Copy)]
pub struct Invocation<'a> {
    /// The request.
    pub request: &'a Request,
    /// `arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/Prod/GET/pets/1`
    pub arn: &'a str,
    /// Who signed it, where a signature was asked for.
    pub caller: Option<&'a IamCaller>,
    /// When.
    pub now_ms: u64,
}

/// What a resource policy says of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// A statement allows it.
    Allow,
    /// None speaks of it; what is answered where that is not enough.
    Nothing(Fault),
    /// A statement denies it.
    Deny(Fault),
}

impl Said {
    /// Where nothing else can let a request in.
    ///
    /// # Errors
    /// If the policy does not allow it.
    pub fn must_allow(self) -> Result<(), Fault> {
        match self {
            Self::Allow => Ok(()),
            Self::Nothing(fault) | Self::Deny(fault) => Err(fault),
        }
    }

    /// Where something else may let a request in: whether the policy does.
    ///
    /// # Errors
    /// If the policy denies it.
    pub fn may_allow(self) -> Result<bool, Fault> {
        match self {
            Self::Allow => Ok(true),
            Self::Nothing(_) => Ok(false),
            Self::Deny(fault) => Err(fault),
        }
    }
}

impl ResourcePolicy {
    /// Reads a policy. `execute-api:/Prod/GET/pets` is a resource of the API that has it
    /// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-examples.html>).
    ///
    /// # Errors
    /// If it is none.
    pub fn read(document: &Value, at: &Whereabouts) -> Result<Self, PolicyError> {
        let mut document = document.clone();
        if let Some(statements) = document.get_mut("Statement") {
            each(statements, &mut |statement| {
                for key in ["Resource", "NotResource"] {
                    if let Some(resources) = statement.get_mut(key) {
                        each(resources, &mut |it| expand(it, at));
                    }
                }
            });
        }
        Policy::of_resource(&document).map(Self)
    }

    /// Holds a request against the policy.
    #[must_use]
    pub fn ask(&self, asked: &Invocation<'_>) -> Said {
        let principal = asked.caller.map(principal);
        let context = context(asked, principal.as_ref());
        let (decision, statement) = self.0.answer(&Question {
            principal: principal.as_ref(),
            action: INVOKE,
            resource: asked.arn,
            context: &context,
        });
        match decision {
            Decision::Allow => Said::Allow,
            Decision::ImplicitDeny => Said::Nothing(fault(asked, statement, false)),
            Decision::ExplicitDeny => Said::Deny(fault(asked, statement, true)),
        }
    }
}

/// One, or each of a list.
fn each(value: &mut Value, change: &mut dyn FnMut(&mut Value)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(change),
        single => change(single),
    }
}

fn expand(resource: &mut Value, at: &Whereabouts) {
    let path = resource
        .as_str()
        .and_then(|it| it.strip_prefix("execute-api:/"));
    if let Some(path) = path {
        let Whereabouts {
            partition,
            region,
            account_id,
            api_id,
            ..
        } = at;
        let arn = format!("arn:{partition}:execute-api:{region}:{account_id}:{api_id}/{path}");
        *resource = Value::from(arn);
    }
}

/// `arn:aws:sts::123456789012:assumed-role/R/s` has the role
/// `arn:aws:iam::123456789012:role/R`; its path is not to be seen there.
fn principal(caller: &IamCaller) -> Principal {
    let (arn, account) = (caller.user_arn.clone(), caller.account_id.clone());
    let role = arn.split_once(":assumed-role/").and_then(|(before, rest)| {
        let partition = before.split(':').nth(1)?;
        let name = rest.split('/').next()?;
        Some(format!("arn:{partition}:iam::{account}:role/{name}"))
    });
    match role {
        Some(role) => Principal::Session { arn, role, account },
        None => Principal::User { arn, account },
    }
}

/// What is known of a request. A key that is not told denies whatever hangs on it.
fn context(asked: &Invocation<'_>, principal: Option<&Principal>) -> Context {
    let request = asked.request;
    let mut context = Context::partial()
        .with("aws:SourceIp", request.source_ip.as_str())
        // API Gateway is not reached otherwise; that it is here changes no policy's meaning.
        .with("aws:SecureTransport", "true")
        .with("aws:CurrentTime", clock::iso(asked.now_ms))
        .with("aws:EpochTime", (asked.now_ms / 1000).to_string());
    let mut tell = |key: &'static str, value: Option<String>| {
        let values = value.into_iter().collect();
        context = std::mem::take(&mut context).with_all(key, values);
    };
    for key in VPC_KEYS {
        tell(key, None);
    }
    let header = |name| request.header(name).map(str::to_owned);
    tell("aws:Referer", header("Referer"));
    tell("aws:UserAgent", header("User-Agent"));
    let named = |text: Option<&str>| text.map(str::to_owned);
    tell(
        "aws:PrincipalAccount",
        named(principal.and_then(Principal::account)),
    );
    tell(
        "aws:PrincipalArn",
        named(principal.and_then(Principal::principal_arn)),
    );
    let (kind, user) = match principal {
        Some(Principal::User { arn, .. }) => (Some("User"), arn.rsplit('/').next()),
        Some(Principal::Session { .. }) => (Some("AssumedRole"), None),
        Some(Principal::Service(_)) | None => (None, None),
    };
    tell("aws:PrincipalType", named(kind));
    tell("aws:username", named(user));
    tell("aws:userid", asked.caller.map(|it| it.user_id.clone()));
    context
}

/// AWS's words for the client
/// (<https://repost.aws/knowledge-center/api-gateway-403-error-lambda-authorizer>), and for the
/// developer why, and what to do.
fn fault(asked: &Invocation<'_>, statement: Option<&Statement>, denies: bool) -> Fault {
    let who = asked.caller.map_or("anonymous", |it| it.user_arn.as_str());
    let mut message = format!(
        "User: {who} is not authorized to perform: {INVOKE} on resource: {}",
        masked(asked.arn)
    );
    if denies {
        message.push_str(" with an explicit deny");
    }
    Fault::new(FaultKind::AccessDenied, reason(asked, statement, denies)).saying(message)
}

/// Observed: of the account, clients see the last four digits
/// (<https://github.com/ASFHyP3/hyp3/issues/2283>).
fn masked(arn: &str) -> String {
    let mut parts: Vec<&str> = arn.splitn(6, ':').collect();
    let account = parts.get(4).copied().unwrap_or_default();
    let shown = account.get(account.len().saturating_sub(4)..);
    let masked = format!("********{}", shown.unwrap_or_default());
    if let Some(part) = parts.get_mut(4) {
        *part = &masked;
    }
    parts.join(":")
}

fn reason(asked: &Invocation<'_>, statement: Option<&Statement>, denies: bool) -> String {
    let who = match asked.caller {
        Some(caller) => caller.user_arn.as_str(),
        None => "whoever has not signed",
    };
    let mut keys: Vec<&str> = Vec::new();
    for condition in statement.iter().flat_map(|it| &it.conditions) {
        if !keys.contains(&condition.key.as_str()) {
            keys.push(&condition.key);
        }
    }
    let keys = keys.join(", ");
    let mut reason = match (statement, denies) {
        (Some(it), true) if keys.is_empty() => {
            format!(
                "{} of the API's resource policy denies it to {who}",
                it.name
            )
        }
        (Some(it), true) => format!(
            "{} of the API's resource policy denies it by its conditions on {keys}",
            it.name
        ),
        (Some(it), false) => format!(
            "the API's resource policy does not allow it: {} would, but for its conditions on {keys}",
            it.name
        ),
        (None, _) => {
            format!("no statement of the API's resource policy allows it to {who}")
        }
    };
    let address = &asked.request.source_ip;
    let lower = keys.to_ascii_lowercase();
    if lower.contains("aws:sourceip") {
        let _ = write!(reason, " (this request comes from {address})");
    }
    if lower.contains("aws:sourcevpc") || lower.contains("aws:vpcsourceip") {
        reason.push_str(" (no request on this machine comes from a VPC)");
    }
    reason.push_str(
        ": let it in there while testing, or start with --disable-authorizer, which leaves resource policies out as well",
    );
    reason
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
