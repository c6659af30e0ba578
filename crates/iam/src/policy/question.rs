//! What the policy of a resource says by itself, and which of its statements says so.

use super::{Asked, Decision, Effect, Policy, Statement};
use crate::answer::Answer;
use crate::context::Context;
use crate::principal::Principal;

/// What the policy of a resource is asked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Who asks; none: somebody who has not said, whom a policy means by `*`.
    pub principal: Option<&'a Principal>,
    /// `execute-api:Invoke`
    pub action: &'a str,
    /// Its ARN.
    pub resource: &'a str,
    /// What else is known.
    pub context: &'a Context,
}

impl Policy {
    /// What it says, and the statement that it hangs on: the one that denies or allows, or else the
    /// first that would allow but for its conditions. What is not known denies and does not allow.
    #[must_use]
    pub fn answer(&self, question: &Question<'_>) -> (Decision, Option<&Statement>) {
        let action = question.action.to_lowercase();
        let asked = Asked {
            action: &action,
            resource: question.resource,
            context: question.context,
            principal: question.principal,
        };
        let find = |effect: Effect, holds: &dyn Fn(&Statement) -> bool| {
            let mut statements = self.statements.iter();
            statements.find(|it| it.effect == effect && holds(it))
        };
        if let Some(denies) = find(Effect::Deny, &|it| it.applies(&asked) != Answer::No) {
            return (Decision::ExplicitDeny, Some(denies));
        }
        if let Some(allows) = find(Effect::Allow, &|it| it.applies(&asked) == Answer::Yes) {
            return (Decision::Allow, Some(allows));
        }
        let near = find(Effect::Allow, &|it| it.is_about(&asked) == Answer::Yes);
        (Decision::ImplicitDeny, near)
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
    use serde_json::{Value, json};

    const ARN: &str = "arn:aws:execute-api:eu-west-1:123456789012:abcdef123/dev/GET/pets";

    fn says(effect: &str, principal: Value, condition: Value) -> Value {
        json!({
            "Sid": effect, "Effect": effect, "Principal": principal, "Condition": condition,
            "Action": "execute-api:Invoke", "Resource": "arn:aws:execute-api:*:*:*/dev/*",
        })
    }

    fn from(network: &str) -> Value {
        json!({ "IpAddress": { "aws:SourceIp": network } })
    }

    fn user() -> Principal {
        Principal::User {
            arn: "arn:aws:iam::123456789012:user/ada".to_owned(),
            account: "123456789012".to_owned(),
        }
    }

    fn asked(statements: Value, principal: Option<&Principal>) -> (Decision, Option<String>) {
        let policy = json!({ "Version": "2012-10-17", "Statement": statements });
        let policy = Policy::of_resource(&policy).unwrap();
        let context = Context::partial().with("aws:SourceIp", "192.0.2.7");
        let (decision, statement) = policy.answer(&Question {
            principal,
            action: "execute-api:Invoke",
            resource: ARN,
            context: &context,
        });
        (decision, statement.map(|it| it.name.clone()))
    }

    fn name(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn whoever_has_not_said_who_they_are_is_meant_by_a_star_alone() {
        let to = |principal: Value| asked(says("Allow", principal, json!({})), None).0;
        assert_eq!(to(json!("*")), Allow);
        assert_eq!(to(json!({ "AWS": "*" })), Allow);
        assert_eq!(to(json!({ "AWS": "123456789012" })), ImplicitDeny);
        let account = json!({ "AWS": "123456789012" });
        let but = |principal: Option<&Principal>| {
            let mut statement = says("Deny", Value::Null, json!({}));
            let members = statement.as_object_mut().unwrap();
            members.remove("Principal");
            members.insert("NotPrincipal".to_owned(), account.clone());
            asked(statement, principal).0
        };
        assert_eq!(but(None), ExplicitDeny);
        let named = asked(says("Allow", account.clone(), json!({})), Some(&user()));
        assert_eq!(named.0, Allow);
    }

    #[test]
    fn a_deny_wins_and_is_named() {
        let both = json!([
            says("Allow", json!("*"), json!({})),
            says("Deny", json!("*"), from("192.0.2.0/24"))
        ]);
        assert_eq!(
            asked(both, None),
            (ExplicitDeny, name("statement 2 (Deny)"))
        );
        let elsewhere = json!([
            says("Allow", json!("*"), json!({})),
            says("Deny", json!("*"), from("198.51.100.0/24"))
        ]);
        assert_eq!(asked(elsewhere, None), (Allow, name("statement 1 (Allow)")));
    }

    #[test]
    fn what_would_allow_but_for_its_conditions_is_named() {
        let office = says("Allow", json!("*"), from("198.51.100.0/24"));
        let named = (ImplicitDeny, name("statement 1 (Allow)"));
        assert_eq!(asked(office, None), named);
        let mut elsewhere = says("Allow", json!("*"), json!({}));
        elsewhere["Resource"] = json!("arn:aws:execute-api:*:*:*/prod/*");
        assert_eq!(asked(elsewhere, None), (ImplicitDeny, None));
    }

    #[test]
    fn what_is_not_known_denies_and_does_not_allow() {
        let unknown = json!({ "StringEquals": { "aws:PrincipalOrgID": "o-1" } });
        let allow = says("Allow", json!("*"), unknown.clone());
        assert_eq!(asked(allow, None).0, ImplicitDeny);
        let deny = json!([
            says("Allow", json!("*"), json!({})),
            says("Deny", json!("*"), unknown)
        ]);
        assert_eq!(asked(deny, None).0, ExplicitDeny);
    }
}
