//! Does a policy document allow an action on a resource?
//!
//! The evaluator of authorizers' policies, and later of IAM's: explicit Deny
//! wins, then Allow, and what nobody speaks of is denied
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>).
//!
//! The rule for what we cannot do: a policy is never more generous here than on
//! AWS. A condition, a policy variable or an unknown element is an error that
//! names the statement, and not an Allow.

mod document;
mod glob;

use serde_json::Value;

/// Why a policy cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The document is no JSON object.
    #[error(
        "the policy is {0} and not an object: return {{\"Version\": \"2012-10-17\", \"Statement\": [...]}}"
    )]
    NotAnObject(&'static str),
    /// A version that IAM does not have.
    #[error("policy version {0} does not exist: use \"2012-10-17\"")]
    Version(String),
    /// There are no statements.
    #[error("the policy has no Statement: add one with Effect, Action and Resource")]
    NoStatement,
    /// An element of the document that IAM does not have.
    #[error("a policy has no element {0:?}: use Version, Id and Statement")]
    Element(String),
    /// A statement that is not one.
    #[error("{statement} of the policy: {problem}")]
    Statement {
        /// `statement 2 (AllowConnect)`.
        statement: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// The decision hangs on a condition, and conditions are not evaluated.
    #[error(
        "{statement} of the policy has a Condition ({operators}), which tether does not evaluate: remove it while testing"
    )]
    Condition {
        /// `statement 2 (AllowConnect)`.
        statement: String,
        /// `IpAddress, StringEquals`.
        operators: String,
    },
}

/// What a policy says about one action on one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// A statement denies it; no other policy can allow it.
    ExplicitDeny,
    /// A statement allows it and none denies it.
    Allow,
    /// No statement speaks of it.
    ImplicitDeny,
}

/// Allow or Deny.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The statement allows.
    Allow,
    /// The statement denies.
    Deny,
}

/// Which actions or resources a statement is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// `Action`, `Resource`: these.
    Only(Vec<String>),
    /// `NotAction`, `NotResource`: all but these.
    AllBut(Vec<String>),
}

/// One statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// Its position and `Sid`, as errors name it.
    pub name: String,
    /// What it does.
    pub effect: Effect,
    /// `Action` or `NotAction`.
    pub actions: Selection,
    /// `Resource` or `NotResource`.
    pub resources: Selection,
    /// `Condition`, as written; none if absent or empty.
    pub condition: Option<Value>,
}

/// A policy document.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Its statements, in their order.
    pub statements: Vec<Statement>,
}

impl Policy {
    /// Reads a policy document, whose `Statement` may be a list or a single one.
    ///
    /// # Errors
    /// If it is no policy, or has something that cannot be evaluated.
    pub fn parse(document: &Value) -> Result<Self, PolicyError> {
        document::parse(document)
    }
}

impl Statement {
    fn is_about(&self, action: &str, resource: &str) -> bool {
        self.actions
            .selects(|pattern| glob::action(pattern, action))
            && self
                .resources
                .selects(|pattern| glob::resource(pattern, resource))
    }

    fn undecided(&self) -> PolicyError {
        let operators = self.condition.as_ref().and_then(Value::as_object);
        let operators = operators.map(|of| of.keys().cloned().collect::<Vec<_>>().join(", "));
        PolicyError::Condition {
            statement: self.name.clone(),
            operators: operators.unwrap_or_default(),
        }
    }
}

impl Selection {
    fn selects(&self, matches: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::Only(patterns) => patterns.iter().any(|pattern| matches(pattern)),
            Self::AllBut(patterns) => !patterns.iter().any(|pattern| matches(pattern)),
        }
    }
}

/// Decides about one action on one resource.
///
/// # Errors
/// [`PolicyError::Condition`] if the decision would be another one with a
/// statement's condition met than with it unmet. A condition that cannot change
/// the decision, beside an unconditional Deny for example, is no error.
pub fn evaluate(policy: &Policy, action: &str, resource: &str) -> Result<Decision, PolicyError> {
    let find = |effect: Effect, conditional: bool| {
        policy.statements.iter().find(|statement| {
            statement.effect == effect
                && statement.condition.is_some() == conditional
                && statement.is_about(action, resource)
        })
    };
    if find(Effect::Deny, false).is_some() {
        return Ok(Decision::ExplicitDeny);
    }
    if let Some(statement) = find(Effect::Deny, true) {
        return Err(statement.undecided());
    }
    if find(Effect::Allow, false).is_some() {
        return Ok(Decision::Allow);
    }
    match find(Effect::Allow, true) {
        Some(statement) => Err(statement.undecided()),
        None => Ok(Decision::ImplicitDeny),
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that cannot parse its own policy should stop"
)]
mod tests {
    use super::*;
    use Decision::{Allow, ExplicitDeny, ImplicitDeny};
    use serde_json::json;

    const ARN: &str = "arn:aws:execute-api:eu-west-1:123456789012:abcdef123/dev/$connect";

    fn decide(statements: Value) -> Result<Decision, PolicyError> {
        let policy =
            Policy::parse(&json!({ "Version": "2012-10-17", "Statement": statements })).unwrap();
        evaluate(&policy, "execute-api:Invoke", ARN)
    }

    fn statement(effect: &str, action: &str, resource: &str) -> Value {
        json!({ "Effect": effect, "Action": action, "Resource": resource })
    }

    #[test]
    fn a_single_statement_needs_no_list() {
        assert_eq!(
            decide(statement("Allow", "execute-api:Invoke", ARN)),
            Ok(Allow)
        );
    }

    #[test]
    fn what_nobody_speaks_of_is_denied() {
        assert_eq!(
            decide(statement(
                "Allow",
                "execute-api:Invoke",
                "arn:aws:execute-api:x"
            )),
            Ok(ImplicitDeny)
        );
        assert_eq!(
            decide(statement("Allow", "execute-api:ManageConnections", "*")),
            Ok(ImplicitDeny)
        );
        assert_eq!(decide(statement("Deny", "s3:*", "*")), Ok(ImplicitDeny));
    }

    /// SAM answers 200 here.
    #[test]
    fn an_explicit_deny_wins_in_either_order() {
        let (allow, deny) = (
            statement("Allow", "*", "*"),
            statement("Deny", "execute-api:Invoke", ARN),
        );
        assert_eq!(decide(json!([allow, deny])), Ok(ExplicitDeny));
        assert_eq!(decide(json!([deny, allow])), Ok(ExplicitDeny));
    }

    /// SAM answers 403 here.
    #[test]
    fn wildcards_are_allowed_in_actions() {
        for action in [
            "*",
            "execute-api:*",
            "execute-api:Inv*",
            "EXECUTE-API:invoke",
            "execute-api:?nvoke",
        ] {
            assert_eq!(
                decide(statement("Allow", action, "*")),
                Ok(Allow),
                "{action}"
            );
        }
    }

    #[test]
    fn wildcards_are_allowed_in_resources() {
        for resource in [
            "*",
            "arn:aws:execute-api:*:*:*",
            "arn:aws:execute-api:eu-west-1:123456789012:abcdef123/*",
            "arn:aws:execute-api:eu-west-1:*:abcdef123/*/$connect",
            "arn:aws:execute-api:eu-west-?:123456789012:abcdef123/dev/$connect*",
        ] {
            assert_eq!(
                decide(statement("Allow", "execute-api:Invoke", resource)),
                Ok(Allow),
                "{resource}"
            );
        }
        let other_case = ARN.replace("dev", "Dev");
        assert_eq!(
            decide(statement("Allow", "execute-api:Invoke", &other_case)),
            Ok(ImplicitDeny)
        );
    }

    #[test]
    fn lists_and_their_negations_select() {
        let list = json!({ "Effect": "Allow", "Action": ["s3:Get*", "execute-api:Invoke"], "Resource": ["a", ARN] });
        assert_eq!(decide(list), Ok(Allow));
        let not =
            json!({ "Effect": "Allow", "NotAction": "s3:*", "NotResource": ["arn:aws:s3:::*"] });
        assert_eq!(decide(not), Ok(Allow));
        let but = json!({ "Effect": "Allow", "NotAction": "execute-api:*", "Resource": "*" });
        assert_eq!(decide(but), Ok(ImplicitDeny));
        let elsewhere = json!({ "Effect": "Deny", "Action": "*", "NotResource": ARN });
        assert_eq!(decide(elsewhere), Ok(ImplicitDeny));
    }

    fn conditional(effect: &str) -> Value {
        json!({
            "Sid": "Office", "Effect": effect, "Action": "*", "Resource": "*",
            "Condition": { "IpAddress": { "aws:SourceIp": "192.0.2.0/24" } },
        })
    }

    #[test]
    fn a_condition_that_decides_is_an_error_by_name() {
        for statements in [
            json!([conditional("Allow")]),
            json!([conditional("Deny"), statement("Allow", "*", "*")]),
        ] {
            let error = decide(statements).unwrap_err();
            assert!(matches!(&error, PolicyError::Condition { .. }));
            assert!(
                error
                    .to_string()
                    .starts_with("statement 1 (Office) of the policy has a Condition (IpAddress)")
            );
        }
    }

    #[test]
    fn a_condition_that_cannot_decide_is_no_error() {
        assert_eq!(
            decide(json!([conditional("Allow"), statement("Deny", "*", "*")])),
            Ok(ExplicitDeny)
        );
        assert_eq!(
            decide(json!([conditional("Allow"), statement("Allow", "*", "*")])),
            Ok(Allow)
        );
        let mut elsewhere = conditional("Allow");
        elsewhere["Action"] = json!("s3:*");
        assert_eq!(decide(json!([elsewhere])), Ok(ImplicitDeny));
        let mut empty = conditional("Allow");
        empty["Condition"] = json!({});
        assert_eq!(decide(json!([empty])), Ok(Allow));
    }
}
