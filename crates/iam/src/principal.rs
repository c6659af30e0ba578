//! Who asks, and whom a policy names.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>

use crate::kind;
use crate::policy::Effect;
use serde_json::{Map, Value};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// An IAM user.
    User {
        /// `arn:aws:iam::123456789012:user/ada`
        arn: String,
        /// Its account.
        account: String,
    },
    /// Whoever has assumed a role.
    Session {
        /// `arn:aws:sts::123456789012:assumed-role/R/s`
        arn: String,
        /// `arn:aws:iam::123456789012:role/R`
        role: String,
        /// Its account.
        account: String,
    },
    /// A service, by its name: `lambda.amazonaws.com`.
    Service(String),
}

impl Principal {
    /// As refusals name it.
    #[must_use]
    pub fn arn(&self) -> &str {
        match self {
            Self::User { arn, .. } | Self::Session { arn, .. } => arn,
            Self::Service(name) => name,
        }
    }

    /// `aws:PrincipalArn`: a session's is that of its role
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn>).
    #[must_use]
    pub fn principal_arn(&self) -> Option<&str> {
        match self {
            Self::User { arn, .. } => Some(arn),
            Self::Session { role, .. } => Some(role),
            Self::Service(_) => None,
        }
    }

    /// Its account; services have none.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        match self {
            Self::User { account, .. } | Self::Session { account, .. } => Some(account),
            Self::Service(_) => None,
        }
    }
}

/// How firmly a resource's policy allows what it allows, within one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Grant {
    /// To the account, which has to pass it on by identity policies.
    Account,
    /// To a role, or to everybody: within its permissions boundary.
    Role,
    /// To a session or a user by its own name: past a permissions boundary
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html#access_policies_boundaries-eval-logic>).
    Itself,
}

/// Whom a statement is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principals {
    /// `Principal`
    These(Vec<Named>),
    /// `NotPrincipal`
    AllBut(Vec<Named>),
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// `*`, or `{"AWS": "*"}`
    Anyone,
    /// An account's id, or its root's ARN.
    Account(String),
    /// A user's, a role's or a session's ARN. It has no wildcards.
    Arn(String),
    /// `{"Service": "lambda.amazonaws.com"}`
    Service(String),
    /// `Federated`, `CanonicalUser`: nobody of ours is one.
    Other(String),
}

impl Named {
    fn grant(&self, principal: &Principal) -> Option<Grant> {
        match self {
            Self::Anyone => Some(Grant::Role),
            Self::Account(id) => (principal.account() == Some(id)).then_some(Grant::Account),
            Self::Service(name) => {
                let same = matches!(principal, Principal::Service(it) if it == name);
                same.then_some(Grant::Itself)
            }
            Self::Arn(named) => match principal {
                Principal::User { arn, .. } if arn == named => Some(Grant::Itself),
                Principal::Session { arn, .. } if arn == named => Some(Grant::Itself),
                Principal::Session { role, .. } if role == named => Some(Grant::Role),
                _ => None,
            },
            Self::Other(_) => None,
        }
    }
}

impl Principals {
    /// Whether it means whoever has not said who they are.
    pub(crate) fn are_everybody(&self) -> bool {
        match self {
            Self::These(named) => named.contains(&Named::Anyone),
            Self::AllBut(named) => !named.contains(&Named::Anyone),
        }
    }

    /// How it names somebody, if it does.
    pub(crate) fn grant(&self, principal: &Principal, effect: Effect) -> Option<Grant> {
        match self {
            Self::These(named) => named.iter().filter_map(|it| it.grant(principal)).max(),
            Self::AllBut(named) => (!is_excepted(named, principal, effect)).then_some(Grant::Role),
        }
    }
}

/// `NotPrincipal` excepts from a Deny only who is named with everything that they
/// are part of: a session with its role and its account
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html>).
/// From an Allow it excepts whoever is named at all.
fn is_excepted(named: &[Named], principal: &Principal, effect: Effect) -> bool {
    if effect == Effect::Allow || named.contains(&Named::Anyone) {
        return named.iter().any(|it| it.grant(principal).is_some());
    }
    let names = |wanted: Named| named.contains(&wanted);
    match principal {
        Principal::Service(name) => names(Named::Service(name.clone())),
        Principal::User { arn, account } => {
            names(Named::Arn(arn.clone())) && names(Named::Account(account.clone()))
        }
        Principal::Session { arn, role, account } => {
            let whole = [Named::Arn(arn.clone()), Named::Arn(role.clone())];
            whole.into_iter().all(names) && names(Named::Account(account.clone()))
        }
    }
}

/// Reads `Principal` or `NotPrincipal`.
pub(crate) fn read(value: &Value) -> Result<Vec<Named>, String> {
    match value {
        Value::String(text) if text == "*" => Ok(vec![Named::Anyone]),
        Value::Object(kinds) if !kinds.is_empty() => kinds_of(kinds),
        _ => Err(format!(
            "Principal is {}: use \"*\", or an object with AWS, Service or Federated",
            kind(value)
        )),
    }
}

fn kinds_of(kinds: &Map<String, Value>) -> Result<Vec<Named>, String> {
    let mut named = Vec::new();
    for (kind_of, value) in kinds {
        let items = match value {
            Value::Array(items) => items.as_slice(),
            single => std::slice::from_ref(single),
        };
        for item in items {
            let text = item.as_str().ok_or_else(|| {
                format!("Principal.{kind_of} holds {} and not a string", kind(item))
            })?;
            named.push(one(kind_of, text)?);
        }
    }
    if named.is_empty() {
        return Err("Principal is empty: name at least one".to_owned());
    }
    Ok(named)
}

fn one(kind_of: &str, text: &str) -> Result<Named, String> {
    match kind_of {
        "AWS" if text == "*" => Ok(Named::Anyone),
        "AWS" if text.contains(['*', '?']) => Err(format!(
            "Principal.AWS {text:?} has a wildcard, which IAM takes in no principal but \"*\": name it whole"
        )),
        "AWS" => Ok(match account(text) {
            Some(id) => Named::Account(id.to_owned()),
            None => Named::Arn(text.to_owned()),
        }),
        "Service" => Ok(Named::Service(text.to_owned())),
        "Federated" | "CanonicalUser" => Ok(Named::Other(text.to_owned())),
        other => Err(format!(
            "there are no principals of kind {other}: use AWS, Service or Federated"
        )),
    }
}

/// `123456789012`, or `arn:aws:iam::123456789012:root`.
fn account(text: &str) -> Option<&str> {
    if !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit()) {
        return Some(text);
    }
    let parts: Vec<&str> = text.split(':').collect();
    match parts.as_slice() {
        ["arn", _, "iam", "", id, "root"] => Some(id),
        _ => None,
    }
}

#[cfg(test)]
#[path = "principal_tests.rs"]
mod tests;
