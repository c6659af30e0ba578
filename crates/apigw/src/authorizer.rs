//! Lambda authorizers: whether they run, and what their answer means.
//!
//! WebSocket APIs have REQUEST authorizers on `$connect` and nothing else
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-lambda-auth.html>):
//! [`check`] asks whether the function is invoked, and [`verdict`] what it decided.
//!
//! REST and HTTP APIs have more of everything. A front asks [`identity`] what the request carries
//! (and, for a TOKEN authorizer, [`Validation`]), then the [`Cache`] whether the authorizer has been
//! asked about it before; if not, its function gets [`token_event`], [`rest_request_event`],
//! [`request_event_v1`] or [`request_event_v2`], and [`Opinion::read`] reads what it returned. An
//! opinion is remembered, and [`Opinion::decide`] asks it about each method anew: that is why a
//! policy that names one method refuses the next one until it is forgotten. Whoever is not let in
//! gets [`Refused::fault`] or [`Refused::http`].

mod cache;
mod events;
mod identity;
mod opinion;
mod refused;
mod source;

pub use cache::{Cache, CacheKey, HTTP_TTL, LONGEST_TTL, REST_TTL};
pub use events::{
    Validation, ValidationError, request_event_v1, request_event_v2, rest_request_event,
    token_event,
};
pub use identity::{IdentitySource, IdentitySourceError, MissingIdentity, check};
pub use opinion::{Answers, Opinion};
pub use refused::Refused;
pub use source::{Asked, MissingSource, Source, SourceError, identity};

use serde_json::{Map, Value, json};
use tether_iam::{Context, Decision, Policy, PolicyError};

use crate::invoke::InvokeResult;
use crate::proxy::kind;
use crate::websocket::limits::AUTHORIZER_RESULT_BYTES;
use crate::websocket::{
    HandshakeAnswer, forbidden_frame, internal_error_frame, unauthorized_frame,
};

/// The action whose permission lets a client in.
pub const INVOKE: &str = "execute-api:Invoke";

/// What an authorizer decided.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Let in.
    Allow {
        /// Who it is.
        principal_id: String,
        /// What later events carry, values as text; see [`event_context`].
        context: Map<String, Value>,
        /// `usageIdentifierKey`: the API key of whoever connects, where the API takes it from
        /// the authorizer.
        usage_key: Option<String>,
    },
    /// 403: denied, or not allowed.
    Deny,
    /// 401: identity is missing, or the function raised "Unauthorized".
    Unauthorized,
    /// 500: there is no decision. Clients see no reason; developers should.
    Error(AuthorizerError),
}

/// Why an authorizer came to no decision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizerError {
    /// It raised something else than "Unauthorized".
    #[error(
        "the authorizer failed with {0:?}: see its log; raise exactly \"Unauthorized\" to answer 401"
    )]
    Function(String),
    /// It was not invoked.
    #[error("the authorizer could not be invoked: check that its function exists and runs")]
    NotInvoked,
    /// Its answer is over 8 KB.
    #[error(
        "the authorizer's answer has {0} bytes, of {AUTHORIZER_RESULT_BYTES} allowed: shorten its context"
    )]
    TooLarge(usize),
    /// Its answer is no JSON object.
    #[error(
        "the authorizer's answer is {0} and not an object: return principalId and policyDocument"
    )]
    NotAnObject(&'static str),
    /// `principalId` is missing or no string.
    #[error("the authorizer's answer has no principalId, a string: add one")]
    Principal,
    /// `policyDocument` is missing.
    #[error(
        "the authorizer's answer has no policyDocument: add one that allows execute-api:Invoke"
    )]
    NoPolicy,
    /// `policyDocument` is malformed or cannot be evaluated.
    #[error("{}", one_line(&.0.to_string()))]
    Policy(PolicyError),
    /// `context` is no object.
    #[error(
        "the authorizer's context is {0} and not an object: map names to strings, numbers or booleans"
    )]
    Context(&'static str),
    /// A simple answer has no `isAuthorized`.
    #[error(
        "the authorizer's answer has neither isAuthorized, true or false, nor a policyDocument: return one of them"
    )]
    NeitherShape,
    /// A simple answer where none was asked for.
    #[error(
        "the authorizer's answer is a simple one, which it may not give: set EnableSimpleResponses, or return a policyDocument"
    )]
    Simple,
    /// A value of `context` is not flat.
    #[error(
        "context.{} is {kind}: only strings, numbers and booleans are allowed, so serialise it",
        one_line(key)
    )]
    ContextValue {
        /// Its name.
        key: String,
        /// What it is.
        kind: &'static str,
    },
}

impl From<PolicyError> for AuthorizerError {
    fn from(error: PolicyError) -> Self {
        Self::Policy(error)
    }
}

/// Names that a function made up stand in a log's line, and do not break it.
fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

impl Verdict {
    /// How the handshake ends, or `None` if it goes on. The bodies are `[inf]`.
    #[must_use]
    pub fn refusal(&self, connection_id: &str, request_id: &str) -> Option<HandshakeAnswer> {
        let (status, body) = match self {
            Self::Allow { .. } => return None,
            Self::Deny => (403, forbidden_frame(connection_id, request_id)),
            Self::Unauthorized => (401, unauthorized_frame(connection_id, request_id)),
            Self::Error(_) => (500, internal_error_frame(connection_id, request_id)),
        };
        Some(HandshakeAnswer::Refuse { status, body })
    }
}

/// Reads the outcome of an authorizer function for a route's ARN.
///
/// The answer is `{principalId, policyDocument, context}`
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html>);
/// all of it has to be well-formed, even beside a Deny `[inf]`. A function that
/// raises exactly "Unauthorized" is a 401, every other failure a 500 `[inf]`.
#[must_use]
pub fn verdict(result: &InvokeResult<'_>, method_arn: &str) -> Verdict {
    match result {
        InvokeResult::Failed => Verdict::Error(AuthorizerError::NotInvoked),
        InvokeResult::FunctionError(payload) => match error_message(payload) {
            message if message == "Unauthorized" => Verdict::Unauthorized,
            message => Verdict::Error(AuthorizerError::Function(message)),
        },
        InvokeResult::Answer(payload) => decide(payload, method_arn).unwrap_or_else(Verdict::Error),
    }
}

fn error_message(payload: &[u8]) -> String {
    let error: Value = serde_json::from_slice(payload).unwrap_or_default();
    error
        .get("errorMessage")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn decide(payload: &[u8], method_arn: &str) -> Result<Verdict, AuthorizerError> {
    let answer = object(payload)?;
    let (principal_id, policy) = principal_and_policy(&answer)?;
    let context = flat_context(answer.get("context"))?;
    let usage_key = answer.get("usageIdentifierKey").and_then(Value::as_str);
    Ok(match allowed(&policy, method_arn)? {
        Decision::Allow => Verdict::Allow {
            principal_id,
            context,
            usage_key: usage_key.map(str::to_owned),
        },
        Decision::ExplicitDeny | Decision::ImplicitDeny => Verdict::Deny,
    })
}

/// An answer that is not too large and an object.
fn object(payload: &[u8]) -> Result<Map<String, Value>, AuthorizerError> {
    if payload.len() > AUTHORIZER_RESULT_BYTES {
        return Err(AuthorizerError::TooLarge(payload.len()));
    }
    match serde_json::from_slice(payload) {
        Ok(Value::Object(answer)) => Ok(answer),
        Ok(other) => Err(AuthorizerError::NotAnObject(kind(&other))),
        Err(_) => Err(AuthorizerError::NotAnObject("not JSON")),
    }
}

fn principal_and_policy(answer: &Map<String, Value>) -> Result<(String, Policy), AuthorizerError> {
    let principal_id = answer
        .get("principalId")
        .and_then(Value::as_str)
        .ok_or(AuthorizerError::Principal)?;
    let document = answer
        .get("policyDocument")
        .filter(|document| !document.is_null());
    let policy = Policy::parse(document.ok_or(AuthorizerError::NoPolicy)?)?;
    Ok((principal_id.to_owned(), policy))
}

fn allowed(policy: &Policy, method_arn: &str) -> Result<Decision, PolicyError> {
    // Which keys API Gateway gives is not known well enough: a policy that hangs on
    // one is an error that names it.
    tether_iam::evaluate(policy, INVOKE, method_arn, &Context::partial())
}

/// Numbers and booleans become text, as later events show them. A null is left
/// out `[inf]`; a list or an object fails the whole answer (documented).
fn flat_context(context: Option<&Value>) -> Result<Map<String, Value>, AuthorizerError> {
    let context = match context {
        None | Some(Value::Null) => return Ok(Map::new()),
        Some(Value::Object(context)) => context,
        Some(other) => return Err(AuthorizerError::Context(kind(other))),
    };
    let mut flat = Map::new();
    for (key, value) in context {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            Value::Null => continue,
            Value::Array(_) | Value::Object(_) => {
                return Err(AuthorizerError::ContextValue {
                    key: key.clone(),
                    kind: kind(value),
                });
            }
        };
        flat.insert(key.clone(), Value::String(text));
    }
    Ok(flat)
}

/// `requestContext.authorizer` of every later event: the context, then
/// `principalId` and `integrationLatency`, the authorizer's own milliseconds, a
/// number (captured: <https://github.com/mousabaker/aws-lambda-typing/pull/65>).
/// Both win over a context value of that name `[inf]`.
#[must_use]
pub fn event_context(
    principal_id: &str,
    context: &Map<String, Value>,
    latency_ms: u64,
) -> Map<String, Value> {
    let mut carried = context.clone();
    carried.insert("principalId".to_owned(), json!(principal_id));
    carried.insert("integrationLatency".to_owned(), json!(latency_ms));
    carried
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test with another verdict than it set up should stop"
)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:execute-api:eu-west-1:123456789012:abcdef123/dev/$connect";

    fn answer(value: &Value) -> Verdict {
        verdict(&InvokeResult::Answer(value.to_string().as_bytes()), ARN)
    }

    fn policy(effect: &str, resource: &str) -> Value {
        json!({ "Version": "2012-10-17", "Statement": [{ "Action": INVOKE, "Effect": effect, "Resource": resource }] })
    }

    fn error(value: &Value) -> AuthorizerError {
        match answer(value) {
            Verdict::Error(error) => error,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_allow_carries_principal_and_context_as_text() {
        let context =
            json!({ "tenant": "t", "level": 3, "admin": true, "share": 0.5, "none": null });
        let verdict = answer(
            &json!({ "principalId": "me", "policyDocument": policy("Allow", ARN), "context": context, "usageIdentifierKey": "k" }),
        );
        let Verdict::Allow {
            principal_id,
            context,
            usage_key,
        } = verdict
        else {
            panic!("{verdict:?}")
        };
        assert_eq!(principal_id, "me");
        assert_eq!(usage_key.as_deref(), Some("k"));
        let text = json!({ "tenant": "t", "level": "3", "admin": "true", "share": "0.5" });
        assert_eq!(Value::Object(context.clone()), text);
        let carried = event_context(&principal_id, &context, 21);
        assert_eq!(carried.get("principalId"), Some(&json!("me")));
        assert_eq!(carried.get("integrationLatency"), Some(&json!(21)));
        assert_eq!(carried.get("level"), Some(&json!("3")));
    }

    #[test]
    fn a_principal_cannot_be_overwritten_by_the_context() {
        let context = json!({ "principalId": "root" });
        let carried = event_context("me", context.as_object().unwrap(), 0);
        assert_eq!(carried.get("principalId"), Some(&json!("me")));
    }

    #[test]
    fn a_deny_and_a_policy_about_something_else_are_403() {
        for policy in [
            policy("Deny", "*"),
            policy(
                "Allow",
                "arn:aws:execute-api:eu-west-1:1:other/dev/$connect",
            ),
        ] {
            let verdict = answer(&json!({ "principalId": "me", "policyDocument": policy }));
            assert_eq!(verdict, Verdict::Deny);
            let Some(HandshakeAnswer::Refuse { status, body }) = verdict.refusal("c=", "r=") else {
                panic!()
            };
            assert_eq!((status, body.contains("Forbidden")), (403, true));
        }
    }

    #[test]
    fn raising_unauthorized_is_401_and_anything_else_500() {
        let raise = |message: &str| {
            let payload = json!({ "errorMessage": message, "errorType": "Error" }).to_string();
            verdict(&InvokeResult::FunctionError(payload.as_bytes()), ARN)
        };
        assert_eq!(raise("Unauthorized"), Verdict::Unauthorized);
        assert_eq!(
            raise("unauthorized"),
            Verdict::Error(AuthorizerError::Function("unauthorized".to_owned()))
        );
        let status = |verdict: &Verdict| match verdict.refusal("c=", "r=") {
            Some(HandshakeAnswer::Refuse { status, .. }) => status,
            other => panic!("{other:?}"),
        };
        assert_eq!(status(&raise("Unauthorized")), 401);
        assert_eq!(status(&raise("boom")), 500);
        assert_eq!(
            status(&verdict(&InvokeResult::FunctionError(b"not JSON"), ARN)),
            500
        );
        assert_eq!(status(&verdict(&InvokeResult::Failed, ARN)), 500);
    }

    #[test]
    fn a_malformed_answer_is_500() {
        let good = policy("Allow", "*");
        assert_eq!(error(&json!(null)), AuthorizerError::NotAnObject("null"));
        assert_eq!(
            error(&json!({ "policyDocument": good })),
            AuthorizerError::Principal
        );
        assert_eq!(
            error(&json!({ "principalId": 7, "policyDocument": good })),
            AuthorizerError::Principal
        );
        assert_eq!(
            error(&json!({ "principalId": "me" })),
            AuthorizerError::NoPolicy
        );
        let empty = json!({ "principalId": "me", "policyDocument": {} });
        assert_eq!(
            error(&empty),
            AuthorizerError::Policy(PolicyError::NoStatement)
        );
        let long = json!({ "principalId": "x".repeat(9000), "policyDocument": good });
        assert!(matches!(error(&long), AuthorizerError::TooLarge(bytes) if bytes > 9000));
    }

    #[test]
    fn a_context_that_is_not_flat_is_500() {
        for (value, kind) in [(json!({ "b": 1 }), "an object"), (json!([1]), "a list")] {
            let nested = json!({ "principalId": "me", "policyDocument": policy("Allow", "*"), "context": { "a": value } });
            assert_eq!(
                error(&nested),
                AuthorizerError::ContextValue {
                    key: "a".to_owned(),
                    kind
                }
            );
        }
        let key = AuthorizerError::ContextValue {
            key: "a\nb".to_owned(),
            kind: "a list",
        };
        assert!(key.to_string().starts_with("context.a b is a list"));
        let list =
            json!({ "principalId": "me", "policyDocument": policy("Allow", "*"), "context": [] });
        assert_eq!(error(&list), AuthorizerError::Context("a list"));
    }

    #[test]
    fn an_element_that_breaks_the_line_is_named_in_one() {
        let mut policy = policy("Allow", "*");
        policy["Statement"][0]["Act\nion"] = json!("*");
        let error = error(&json!({ "principalId": "me", "policyDocument": policy })).to_string();
        assert!(error.contains("Act") && !error.contains('\n'), "{error}");
    }

    #[test]
    fn a_condition_is_an_error_by_name_and_never_an_allow() {
        let mut policy = policy("Allow", "*");
        policy["Statement"][0]["Condition"] =
            json!({ "IpAddress": { "aws:SourceIp": "192.0.2.0/24" } });
        let error = error(&json!({ "principalId": "me", "policyDocument": policy }));
        assert!(
            error
                .to_string()
                .contains("Condition (IpAddress) on aws:SourceIp"),
            "{error}"
        );
    }

    #[test]
    fn an_allow_refuses_nothing() {
        let verdict =
            answer(&json!({ "principalId": "me", "policyDocument": policy("Allow", "*") }));
        assert_eq!(verdict.refusal("c=", "r="), None);
    }
}
