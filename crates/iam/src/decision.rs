//! What all policies together say, and AWS's words for a refusal.
//!
//! Within one account an identity's policies and a resource's add up; between
//! accounts both must allow; a permissions boundary only takes away; and a role is
//! assumed only by whom its trust policy names
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>).

use crate::context::Context;
use crate::policy::{Asked, Decision, Policy};
use crate::principal::{Grant, Principal};
use std::fmt;

/// What somebody wants to do.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Who.
    pub principal: &'a Principal,
    /// `dynamodb:PutItem`
    pub action: &'a str,
    /// Its ARN, or `*` for an action that knows none.
    pub resource: &'a str,
    /// The account that has the resource.
    pub account: &'a str,
    /// What else is known.
    pub context: &'a Context,
}

/// The policies that have a say.
#[derive(Debug, Clone, Copy, Default)]
pub struct Policies<'a> {
    /// Of the identity.
    pub identity: &'a [&'a Policy],
    /// The identity's permissions boundary.
    pub boundary: Option<&'a Policy>,
    /// Of the resource.
    pub resource: Option<&'a Policy>,
    /// Of the role that is to be assumed: it must allow, whatever others say.
    pub trust: Option<&'a Policy>,
}

/// A kind of policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyKind {
    /// Of a user or a role.
    Identity,
    /// Of a resource.
    Resource,
    /// The most that a user or a role may do.
    Boundary,
    /// Who may assume a role.
    Trust,
}

/// A refusal. Its text is AWS's
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "User: {principal} is not authorized to perform: {action} on resource: {resource} {}",
    Reason(self)
)]
pub struct Denied {
    /// Who.
    pub principal: String,
    /// What.
    pub action: String,
    /// On what.
    pub resource: String,
    /// The policy that denies, or that does not allow.
    pub policy: PolicyKind,
    /// Whether a statement denies it.
    pub explicit: bool,
}

struct Reason<'a>(&'a Denied);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (article, name) = match self.0.policy {
            PolicyKind::Identity => ("an", "identity-based policy"),
            PolicyKind::Resource => ("a", "resource-based policy"),
            PolicyKind::Boundary => ("a", "permissions boundary"),
            PolicyKind::Trust => ("the", "role trust policy"),
        };
        if self.0.explicit {
            write!(out, "with an explicit deny in {article} {name}")
        } else {
            let action = &self.0.action;
            write!(out, "because no {name} allows the {action} action")
        }
    }
}

/// Decides about one request.
///
/// # Errors
/// Which kind of policy denies it, or does not allow it.
pub fn authorize(ask: &Ask<'_>, policies: &Policies<'_>) -> Result<(), Denied> {
    let denied = |(policy, explicit)| Denied {
        principal: ask.principal.arn().to_owned(),
        action: ask.action.to_owned(),
        resource: ask.resource.to_owned(),
        policy,
        explicit,
    };
    let said = Said::of(ask, policies);
    said.explicit_deny()
        .map_or(Ok(()), |policy| Err((policy, true)))
        .and_then(|()| said.allowed(ask).map_err(|policy| (policy, false)))
        .map_err(denied)
}

/// What each kind of policy says; none where there is no such policy.
struct Said {
    identity: Decision,
    boundary: Option<Decision>,
    resource: Option<(Decision, Grant)>,
    trust: Option<(Decision, Grant)>,
}

impl Said {
    fn of(ask: &Ask<'_>, policies: &Policies<'_>) -> Self {
        let action = ask.action.to_lowercase();
        let asked = Asked {
            action: &action,
            resource: ask.resource,
            context: ask.context,
            principal: Some(ask.principal),
        };
        let mut identity = Decision::ImplicitDeny;
        for policy in policies.identity {
            match policy.decide(&asked).0 {
                Decision::ImplicitDeny => {}
                Decision::Allow => identity = Decision::Allow,
                Decision::ExplicitDeny => {
                    identity = Decision::ExplicitDeny;
                    break;
                }
            }
        }
        Self {
            identity,
            boundary: policies.boundary.map(|it| it.decide(&asked).0),
            resource: policies.resource.map(|it| it.decide(&asked)),
            trust: policies.trust.map(|it| it.decide(&asked)),
        }
    }

    fn explicit_deny(&self) -> Option<PolicyKind> {
        let all = [
            (PolicyKind::Identity, Some(self.identity)),
            (PolicyKind::Boundary, self.boundary),
            (PolicyKind::Resource, self.resource.map(|it| it.0)),
            (PolicyKind::Trust, self.trust.map(|it| it.0)),
        ];
        let denies = |(_, decision): &&(_, _)| *decision == Some(Decision::ExplicitDeny);
        all.iter().find(denies).map(|(kind, _)| *kind)
    }

    /// The error is the kind of policy that should have allowed it.
    fn allowed(&self, ask: &Ask<'_>) -> Result<(), PolicyKind> {
        let named = match self.trust {
            Some((Decision::Allow, grant)) => Some(grant),
            Some(_) => return Err(PolicyKind::Trust),
            None => match self.resource {
                Some((Decision::Allow, grant)) => Some(grant),
                _ => None,
            },
        };
        match ask.principal.account() {
            // A service has no identity policies.
            None => named.map(|_| ()).ok_or(PolicyKind::Resource),
            Some(account) if account == ask.account => match named {
                Some(Grant::Itself) => Ok(()),
                Some(Grant::Role) => self.within_boundary(),
                Some(Grant::Account) | None => self.by_identity(),
            },
            Some(_) => {
                self.by_identity()?;
                named.map(|_| ()).ok_or(PolicyKind::Resource)
            }
        }
    }

    fn by_identity(&self) -> Result<(), PolicyKind> {
        match self.identity {
            Decision::Allow => self.within_boundary(),
            _ => Err(PolicyKind::Identity),
        }
    }

    fn within_boundary(&self) -> Result<(), PolicyKind> {
        match self.boundary {
            None | Some(Decision::Allow) => Ok(()),
            Some(_) => Err(PolicyKind::Boundary),
        }
    }
}

#[cfg(test)]
#[path = "decision_tests.rs"]
mod tests;
