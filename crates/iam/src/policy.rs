//! What one policy document says about a request.
//!
//! Explicit Deny wins, then Allow, and what nobody speaks of is denied
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>).

mod document;
mod question;

use crate::answer::Answer;
use crate::condition::Condition;
use crate::context::Context;
use crate::pattern::Colons;
use crate::principal::{Grant, Principal, Principals};
use serde_json::Value;

pub use crate::pattern::Pattern;
pub use question::Question;

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
    /// The decision hangs on a condition whose key is not known here.
    #[error(
        "{statement} of the policy has a Condition ({operators}) on {keys}, which tether does not know here: remove it while testing"
    )]
    Condition {
        /// `statement 2 (AllowConnect)`.
        statement: String,
        /// `IpAddress, StringEquals`.
        operators: String,
        /// `aws:SourceIp`.
        keys: String,
    },
    /// The decision hangs on a policy variable whose value is not known here.
    #[error(
        "{statement} of the policy has a policy variable whose value tether does not know here: write it out while testing"
    )]
    Variable {
        /// `statement 2 (AllowConnect)`.
        statement: String,
    },
}

/// What a policy says about one request.
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
#[derive(Debug, Clone, PartialEq)]
pub enum Selection {
    /// `Action`, `Resource`: these.
    Only(Vec<Pattern>),
    /// `NotAction`, `NotResource`: all but these.
    AllBut(Vec<Pattern>),
}

/// One statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// Its `Sid`, if it has one.
    pub sid: Option<String>,
    /// Its position and `Sid`, as errors name it.
    pub name: String,
    /// What it does.
    pub effect: Effect,
    /// `Action` or `NotAction`.
    pub actions: Selection,
    /// `Resource` or `NotResource`; none in a trust policy, which is about the role
    /// that has it.
    pub resources: Option<Selection>,
    /// `Principal` or `NotPrincipal`; none in an identity policy, which is about
    /// whoever has it.
    pub principals: Option<Principals>,
    /// All of them must be met.
    pub conditions: Vec<Condition>,
}

/// A policy document.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Its statements, in their order.
    pub statements: Vec<Statement>,
}

/// What a policy is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// In lower case: actions are compared whatever their case
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html>).
    pub(crate) action: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) context: &'a Context,
    /// None where it does not matter, in identity policies, and where nobody has said who asks:
    /// the policy of a resource means them by `*`.
    pub(crate) principal: Option<&'a Principal>,
}

impl Policy {
    /// Reads the policy of an identity, or one like it: a permissions boundary,
    /// what an authorizer returns. `Statement` may be a list or a single one.
    ///
    /// # Errors
    /// If it is no policy, or has something that cannot be evaluated.
    pub fn parse(document: &Value) -> Result<Self, PolicyError> {
        document::parse(document, document::Of::Identity)
    }

    /// Reads the policy of a resource, which names principals.
    ///
    /// # Errors
    /// As [`Policy::parse`].
    pub fn of_resource(document: &Value) -> Result<Self, PolicyError> {
        document::parse(document, document::Of::Resource)
    }

    /// Reads a role's trust policy, which names principals and no resource.
    ///
    /// # Errors
    /// As [`Policy::parse`].
    pub fn of_trust(document: &Value) -> Result<Self, PolicyError> {
        document::parse(document, document::Of::Role)
    }

    /// One that allows nothing and denies nothing.
    #[must_use]
    pub fn silent() -> Self {
        Self {
            statements: Vec::new(),
        }
    }

    /// Which actions of which statements allow a request: the statement's position,
    /// and the pattern's in its `Action`.
    pub fn uses(&self, action: &str, resource: &str, context: &Context) -> Vec<(usize, usize)> {
        let action = action.to_lowercase();
        let asked = Asked {
            action: &action,
            resource,
            context,
            principal: None,
        };
        let mut uses = Vec::new();
        for (position, statement) in self.statements.iter().enumerate() {
            if statement.effect == Effect::Allow && statement.applies(&asked) == Answer::Yes {
                let patterns = statement.actions.matching(&action, context);
                uses.extend(patterns.map(|pattern| (position, pattern)));
            }
        }
        uses
    }

    /// What it says, and how firmly it allows: see [`Grant`]. What is not known
    /// denies and does not allow.
    pub(crate) fn decide(&self, asked: &Asked<'_>) -> (Decision, Grant) {
        let mut grant = None;
        for statement in &self.statements {
            let applies = statement.applies(asked);
            match statement.effect {
                Effect::Deny if applies != Answer::No => {
                    return (Decision::ExplicitDeny, Grant::Account);
                }
                Effect::Allow if applies == Answer::Yes => {
                    grant = grant.max(Some(statement.grant(asked.principal)));
                }
                _ => {}
            }
        }
        match grant {
            Some(grant) => (Decision::Allow, grant),
            None => (Decision::ImplicitDeny, Grant::Account),
        }
    }
}

impl Statement {
    pub(crate) fn applies(&self, asked: &Asked<'_>) -> Answer {
        let mut answer = self.is_about(asked);
        for condition in &self.conditions {
            if answer == Answer::No {
                break;
            }
            answer = answer.min(condition.met(asked.context, self.effect));
        }
        answer
    }

    /// Whether it applies, if its conditions are met.
    fn is_about(&self, asked: &Asked<'_>) -> Answer {
        let context = asked.context;
        let mut answer = self
            .actions
            .selects(asked.action, Colons::Free, context, self.effect);
        if let (Some(resources), true) = (&self.resources, answer != Answer::No) {
            let about = resources.selects(asked.resource, Colons::Bound, context, self.effect);
            answer = answer.min(about);
        }
        if let (Some(principals), true) = (&self.principals, answer != Answer::No) {
            let named = match asked.principal {
                Some(principal) => principals.grant(principal, self.effect).is_some(),
                None => principals.are_everybody(),
            };
            answer = answer.min(named.into());
        }
        answer
    }

    fn grant(&self, principal: Option<&Principal>) -> Grant {
        let principals = self.principals.as_ref().zip(principal);
        let grant = principals.and_then(|(them, one)| them.grant(one, self.effect));
        grant.unwrap_or(Grant::Account)
    }

    fn undecided(&self, context: &Context) -> PolicyError {
        let statement = self.name.clone();
        let unknown = self
            .conditions
            .iter()
            .filter(|it| it.met(context, self.effect) == Answer::Unknown);
        let (operators, keys): (Vec<&str>, Vec<&str>) = unknown
            .map(|it| (it.operator.as_str(), it.key.as_str()))
            .unzip();
        if operators.is_empty() {
            return PolicyError::Variable { statement };
        }
        PolicyError::Condition {
            statement,
            operators: operators.join(", "),
            keys: keys.join(", "),
        }
    }
}

impl Selection {
    fn selects(&self, text: &str, colons: Colons, context: &Context, effect: Effect) -> Answer {
        match self {
            Self::Only(patterns) => {
                let found = patterns
                    .iter()
                    .map(|it| it.matches(text, colons, context).is());
                found.max().unwrap_or(Answer::No)
            }
            Self::AllBut(patterns) => {
                let found = patterns
                    .iter()
                    .map(|it| it.matches(text, colons, context).is_not(effect));
                found.min().unwrap_or(Answer::Yes)
            }
        }
    }

    /// The patterns that select an action; all but them is one.
    fn matching(&self, action: &str, context: &Context) -> impl Iterator<Item = usize> {
        let positions: Vec<usize> = match self {
            Self::AllBut(_) => vec![0],
            Self::Only(patterns) => patterns
                .iter()
                .enumerate()
                .filter(|(_, it)| it.matches(action, Colons::Free, context).is() == Answer::Yes)
                .map(|(position, _)| position)
                .collect(),
        };
        positions.into_iter()
    }

    /// The patterns, as they are written.
    pub fn patterns(&self) -> &[Pattern] {
        match self {
            Self::Only(patterns) | Self::AllBut(patterns) => patterns,
        }
    }
}

/// Decides about one action on one resource, by the policy of an identity.
///
/// # Errors
/// [`PolicyError::Condition`] or [`PolicyError::Variable`] if the decision hangs on
/// a key that a partial context does not know. A condition that cannot change the
/// decision, beside an unconditional Deny for example, is no error.
pub fn evaluate(
    policy: &Policy,
    action: &str,
    resource: &str,
    context: &Context,
) -> Result<Decision, PolicyError> {
    let action = action.to_lowercase();
    let asked = Asked {
        action: &action,
        resource,
        context,
        principal: None,
    };
    let find = |effect: Effect, answer: Answer| {
        let mut statements = policy.statements.iter();
        statements.find(|it| it.effect == effect && it.applies(&asked) == answer)
    };
    for (effect, decision) in [
        (Effect::Deny, Decision::ExplicitDeny),
        (Effect::Allow, Decision::Allow),
    ] {
        if find(effect, Answer::Yes).is_some() {
            return Ok(decision);
        }
        if let Some(statement) = find(effect, Answer::Unknown) {
            return Err(statement.undecided(context));
        }
    }
    Ok(Decision::ImplicitDeny)
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
        evaluate(&policy, "execute-api:Invoke", ARN, &Context::partial())
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
            assert!(error.to_string().starts_with(
                "statement 1 (Office) of the policy has a Condition (IpAddress) on aws:SourceIp"
            ));
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
