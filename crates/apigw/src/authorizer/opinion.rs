//! What an authorizer function of a REST or HTTP API said.

use serde_json::{Map, Value};
use std::fmt;
use tether_iam::{Decision, Policy};

use super::{
    AuthorizerError, Refused, allowed, error_message, flat_context, object, principal_and_policy,
};
use crate::caller::Caller;
use crate::invoke::InvokeResult;
use crate::proxy::kind;

/// In which shape a function may answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// A REST API's: a policy, and a context of texts, numbers and booleans
    /// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html>).
    Rest,
    /// An HTTP API's: a policy, and any context
    /// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>).
    Http,
    /// An HTTP API's that may also say no more than `{"isAuthorized": true}`.
    Simple,
}

/// What a function said, about whichever method. Its `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Opinion {
    principal_id: Option<String>,
    says: Says,
    context: Map<String, Value>,
    usage_key: Option<String>,
}

#[derive(Clone)]
enum Says {
    Policy(Box<Policy>),
    Simple(bool),
}

impl fmt::Debug for Opinion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Opinion").finish_non_exhaustive()
    }
}

impl Opinion {
    /// Reads the outcome of an authorizer function.
    ///
    /// A function that raises exactly "Unauthorized" refuses with 401, as AWS documents for REST
    /// APIs; that HTTP APIs do the same is `[inf]`. Neither is remembered.
    ///
    /// # Errors
    /// If it came to no opinion.
    pub fn read(result: &InvokeResult<'_>, answers: Answers) -> Result<Self, Refused> {
        match result {
            InvokeResult::Failed => Err(AuthorizerError::NotInvoked.into()),
            InvokeResult::FunctionError(payload) => match error_message(payload) {
                message if message == "Unauthorized" => Err(Refused::Unauthorized),
                message => Err(AuthorizerError::Function(message).into()),
            },
            InvokeResult::Answer(payload) => Ok(Self::parse(payload, answers)?),
        }
    }

    fn parse(payload: &[u8], answers: Answers) -> Result<Self, AuthorizerError> {
        let answer = object(payload)?;
        let is_simple = answer.contains_key("isAuthorized");
        let (principal_id, says) = match (answers, answer.get("isAuthorized")) {
            (Answers::Simple, Some(Value::Bool(authorized))) => (None, Says::Simple(*authorized)),
            (Answers::Simple, _) if !answer.contains_key("policyDocument") => {
                return Err(AuthorizerError::NeitherShape);
            }
            (Answers::Http, _) if is_simple && !answer.contains_key("policyDocument") => {
                return Err(AuthorizerError::Simple);
            }
            _ => {
                let (principal, policy) = principal_and_policy(&answer)?;
                (Some(principal), Says::Policy(Box::new(policy)))
            }
        };
        let usage_key = answer.get("usageIdentifierKey").and_then(Value::as_str);
        Ok(Self {
            principal_id,
            says,
            context: context(answer.get("context"), answers)?,
            usage_key: usage_key.map(str::to_owned),
        })
    }

    /// Asks about one method: `arn:aws:execute-api:…/stage/GET/pets/1`. `latency_ms` is how long
    /// the function took, zero if the opinion was remembered.
    ///
    /// # Errors
    /// If it does not allow it, or its policy cannot be evaluated.
    pub fn decide(&self, method_arn: &str, latency_ms: u64) -> Result<Caller, Refused> {
        self.decide_beside(method_arn, latency_ms, false)
    }

    /// As [`Opinion::decide`], beside a resource policy of the API: if that `allows`, it is enough
    /// that this one does not deny
    /// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html#apigateway-resource-policies-iam-policies-interaction>,
    /// table A).
    ///
    /// # Errors
    /// As [`Opinion::decide`].
    pub fn decide_beside(
        &self,
        method_arn: &str,
        latency_ms: u64,
        allows: bool,
    ) -> Result<Caller, Refused> {
        let decision = match &self.says {
            Says::Simple(true) => Decision::Allow,
            Says::Simple(false) => Decision::ImplicitDeny,
            Says::Policy(policy) => allowed(policy, method_arn).map_err(AuthorizerError::from)?,
        };
        match decision {
            Decision::ImplicitDeny if !allows => Err(Refused::Denied { explicit: false }),
            Decision::Allow | Decision::ImplicitDeny => Ok(Caller::Lambda {
                principal_id: self.principal_id.clone(),
                context: self.context.clone(),
                latency_ms,
            }),
            Decision::ExplicitDeny => Err(Refused::Denied { explicit: true }),
        }
    }

    /// `usageIdentifierKey`: the API key of whoever asks, where a REST API takes it from the
    /// authorizer (`ApiKeySourceType: AUTHORIZER`).
    #[must_use]
    pub fn usage_key(&self) -> Option<&str> {
        self.usage_key.as_deref()
    }
}

/// REST APIs make texts of values; HTTP APIs keep them, lists and objects too.
fn context(value: Option<&Value>, answers: Answers) -> Result<Map<String, Value>, AuthorizerError> {
    match (answers, value) {
        (Answers::Rest, _) => flat_context(value),
        (_, None | Some(Value::Null)) => Ok(Map::new()),
        (_, Some(Value::Object(context))) => Ok(context.clone()),
        (_, Some(other)) => Err(AuthorizerError::Context(kind(other))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const ARN: &str = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/dev/GET/pets/1";

    fn read(answer: &Value, answers: Answers) -> Result<Opinion, Refused> {
        Opinion::read(
            &InvokeResult::Answer(answer.to_string().as_bytes()),
            answers,
        )
    }

    fn with(statements: Value) -> Value {
        let policy = json!({ "Version": "2012-10-17", "Statement": statements });
        json!({ "principalId": "me", "policyDocument": policy })
    }

    fn says(effect: &str, action: &str, resource: &str) -> Value {
        json!({ "Effect": effect, "Action": action, "Resource": resource })
    }

    fn decides(statements: Value) -> Result<Caller, Refused> {
        read(&with(statements), Answers::Rest)
            .unwrap()
            .decide(ARN, 0)
    }

    #[test]
    fn actions_and_resources_may_be_wild() {
        for (action, resource) in [
            ("execute-api:Invoke", ARN),
            ("execute-api:Invoke", "*"),
            ("execute-api:*", "arn:aws:execute-api:*:*:*/dev/GET/pets/*"),
            ("*", "*"),
            (
                "execute-api:Inv*",
                "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/*/GET/pets/?",
            ),
            ("EXECUTE-API:invoke", "*"),
        ] {
            let allow = decides(json!([says("Allow", action, resource)]));
            assert!(allow.is_ok(), "{action} {resource}");
        }
        let allow = decides(says("Allow", "*", "*"));
        assert!(allow.is_ok(), "one statement needs no list");
    }

    #[test]
    fn an_explicit_deny_wins_and_is_not_the_same_as_no_allow() {
        let both = json!([
            says("Allow", "*", "*"),
            says("Deny", "execute-api:Invoke", ARN)
        ]);
        assert_eq!(decides(both), Err(Refused::Denied { explicit: true }));
        let other = json!([says(
            "Allow",
            "execute-api:Invoke",
            "arn:aws:execute-api:*:*:*/dev/POST/*"
        )]);
        assert_eq!(decides(other), Err(Refused::Denied { explicit: false }));
        let other = json!([says("Allow", "s3:*", "*")]);
        assert_eq!(decides(other), Err(Refused::Denied { explicit: false }));
    }

    /// What surprises everybody once: the policy of the first method refuses the second.
    #[test]
    fn one_opinion_is_asked_about_each_method() {
        let opinion = read(&with(json!([says("Allow", "*", ARN)])), Answers::Rest).unwrap();
        assert!(opinion.decide(ARN, 12).is_ok());
        let other = ARN.replace("GET", "POST");
        assert_eq!(
            opinion.decide(&other, 0),
            Err(Refused::Denied { explicit: false })
        );
    }

    #[test]
    fn a_resource_policy_that_allows_lifts_silence_and_no_deny() {
        let beside = |statements: Value| {
            let opinion = read(&with(statements), Answers::Rest).unwrap();
            opinion.decide_beside(ARN, 0, true)
        };
        assert!(beside(json!([says("Allow", "s3:*", "*")])).is_ok());
        let denied = beside(json!([says("Deny", "*", "*")]));
        assert_eq!(denied, Err(Refused::Denied { explicit: true }));
    }

    #[test]
    fn rest_apis_make_texts_of_context_and_http_apis_keep_it() {
        let mut answer = with(json!([says("Allow", "*", "*")]));
        answer["context"] = json!({ "n": 1, "yes": true, "text": "t" });
        let context = |answers| match read(&answer, answers).unwrap().decide(ARN, 0) {
            Ok(Caller::Lambda { context, .. }) => Value::Object(context),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            context(Answers::Rest),
            json!({ "n": "1", "yes": "true", "text": "t" })
        );
        assert_eq!(
            context(Answers::Http),
            json!({ "n": 1, "yes": true, "text": "t" })
        );
        answer["context"] = json!({ "list": [1], "map": { "a": null } });
        let kept = match read(&answer, Answers::Http).unwrap().decide(ARN, 0) {
            Ok(Caller::Lambda { context, .. }) => Value::Object(context),
            other => panic!("{other:?}"),
        };
        assert_eq!(kept, answer["context"]);
        let flat = read(&answer, Answers::Rest).unwrap_err();
        assert!(matches!(
            flat,
            Refused::Error(AuthorizerError::ContextValue { .. })
        ));
    }

    #[test]
    fn a_simple_answer_is_one_where_it_may_be() {
        let simple = |yes: bool| json!({ "isAuthorized": yes, "context": { "a": 1 } });
        let caller = read(&simple(true), Answers::Simple).unwrap().decide(ARN, 3);
        let wanted = Caller::Lambda {
            principal_id: None,
            context: json!({ "a": 1 }).as_object().cloned().unwrap(),
            latency_ms: 3,
        };
        assert_eq!(caller, Ok(wanted));
        let no = read(&simple(false), Answers::Simple)
            .unwrap()
            .decide(ARN, 0);
        assert_eq!(no, Err(Refused::Denied { explicit: false }));
        let policy = with(json!([says("Allow", "*", "*")]));
        assert!(
            read(&policy, Answers::Simple)
                .unwrap()
                .decide(ARN, 0)
                .is_ok()
        );
        let error = |answer: &Value, answers| match read(answer, answers) {
            Err(Refused::Error(error)) => error,
            other => panic!("{other:?}"),
        };
        assert_eq!(error(&simple(true), Answers::Http), AuthorizerError::Simple);
        assert_eq!(
            error(&json!({}), Answers::Simple),
            AuthorizerError::NeitherShape
        );
        let text = json!({ "isAuthorized": "true" });
        assert_eq!(error(&text, Answers::Simple), AuthorizerError::NeitherShape);
        assert_eq!(error(&json!({}), Answers::Http), AuthorizerError::Principal);
    }

    #[test]
    fn what_is_no_answer_is_an_error_and_unauthorized_is_401() {
        let raised = |message: &str| {
            let payload = json!({ "errorMessage": message }).to_string();
            Opinion::read(
                &InvokeResult::FunctionError(payload.as_bytes()),
                Answers::Http,
            )
            .unwrap_err()
        };
        assert_eq!(raised("Unauthorized"), Refused::Unauthorized);
        assert!(matches!(
            raised("boom"),
            Refused::Error(AuthorizerError::Function(_))
        ));
        let failed = Opinion::read(&InvokeResult::Failed, Answers::Rest).unwrap_err();
        assert_eq!(failed, Refused::Error(AuthorizerError::NotInvoked));
        let long = json!({ "isAuthorized": true, "context": { "a": "x".repeat(9000) } });
        let long = read(&long, Answers::Simple).unwrap_err();
        assert!(matches!(long, Refused::Error(AuthorizerError::TooLarge(_))));
    }

    #[test]
    fn an_api_key_may_come_from_the_authorizer() {
        let mut answer = with(json!([says("Allow", "*", "*")]));
        answer["usageIdentifierKey"] = json!("key");
        assert_eq!(
            read(&answer, Answers::Rest).unwrap().usage_key(),
            Some("key")
        );
    }

    proptest! {
        #[test]
        fn no_answer_is_too_strange(payload in prop::collection::vec(any::<u8>(), 0..60), arn in "\\PC{0,20}") {
            for answers in [Answers::Rest, Answers::Http, Answers::Simple] {
                if let Ok(opinion) = Opinion::read(&InvokeResult::Answer(&payload), answers) {
                    let _ = opinion.decide(&arn, 0);
                }
            }
        }
    }
}
