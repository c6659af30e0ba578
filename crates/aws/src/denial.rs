//! A missing permission, read from AWS's own words: which, on what, and who
//! needs it.

use std::fmt;

/// What AWS refuses somebody
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// ARN of the user, role session or role.
    pub principal: String,
    /// `dynamodb:PutItem`
    pub action: String,
    /// Its ARN; none: AWS did not name it.
    pub resource: Option<String>,
    /// `because no identity-based policy allows the … action`; may be empty.
    pub reason: String,
}

/// Roles of the helper stack, by logical id, which CloudFormation puts into
/// their names.
const HELPER_ROLES: [&str; 5] = [
    "AuthorizerRole",
    "ConnectRole",
    "ManagerRole",
    "LayerRole",
    "DeveloperRole",
];

impl Denial {
    /// Reads AWS's text, wherever it stands in a message.
    #[must_use]
    pub fn read(message: &str) -> Option<Self> {
        let (_, rest) = message.split_once("User: ")?;
        let (principal, rest) = rest.split_once(" is not authorized to perform: ")?;
        let (action, rest) = word(rest);
        let rest = rest.trim_start();
        let (resource, reason) = match rest.strip_prefix("on resource: ") {
            Some(rest) => {
                let (resource, reason) = word(rest);
                (Some(resource.to_owned()), reason)
            }
            None => (None, rest),
        };
        // What CloudFormation and the SDKs put behind it.
        let reason = reason.split_once("(Service:").map_or(reason, |(it, _)| it);
        Some(Self {
            principal: principal.to_owned(),
            action: action.to_owned(),
            resource,
            reason: reason.trim().trim_end_matches(['"', '.']).to_owned(),
        })
    }

    /// The logical id of the helper stack's role that was refused; none: it is
    /// somebody else.
    #[must_use]
    pub fn helper_role(&self) -> Option<&'static str> {
        let (_, name) = self.principal.split_once('/')?;
        helper_role(name.split('/').next().unwrap_or_default())
    }

    /// It is not a permission of the principal that is missing.
    fn is_elsewhere(&self) -> bool {
        !self.reason.is_empty() && !self.reason.contains("no identity-based policy")
    }

    /// A function is refused the layer's role.
    fn is_of_trust(&self) -> bool {
        let resource = self.resource.as_deref().unwrap_or_default();
        let name = resource.rsplit('/').next().unwrap_or_default();
        self.action == "sts:AssumeRole" && helper_role(name) == Some("LayerRole")
    }
}

/// `tether-LayerRole-1X2Y3Z`, as CloudFormation names a role.
fn helper_role(name: &str) -> Option<&'static str> {
    let logical_id = name.rsplit('-').nth(1)?;
    HELPER_ROLES.into_iter().find(|role| *role == logical_id)
}

/// Up to the next space.
fn word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    (word.trim_end_matches(['"', '.', ',']), rest)
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no permission for {}", self.action)?;
        if let Some(resource) = &self.resource {
            write!(f, " on {resource}")?;
        }
        // The usual case needs no words.
        if self.is_elsewhere() {
            write!(f, " ({})", self.reason)?;
        }
        match self.helper_role() {
            Some(role) if self.is_elsewhere() => write!(
                f,
                ": the helper stack's {role} needs it; have whoever manages that policy allow it"
            ),
            Some(role) => write!(
                f,
                ": the helper stack's {role} needs it; add it to that role's policy, or install the helper stack again"
            ),
            None if self.is_of_trust() => write!(
                f,
                ": the helper stack does not trust {}; name its role in `tether upgrade --trusted-principals`, or attach again if the stack was installed anew",
                self.principal
            ),
            None => write!(
                f,
                ": {} needs it; ask whoever manages its policies",
                self.principal
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "arn:aws:dynamodb:eu-west-1:123456789012:table/tether-SessionsTable-1X";

    fn text(principal: &str, rest: &str) -> String {
        format!(
            "User: {principal} is not authorized to perform: dynamodb:PutItem on resource: {TABLE}{rest}"
        )
    }

    #[test]
    fn a_role_of_the_helper_stack_is_named() {
        let principal =
            "arn:aws:sts::123456789012:assumed-role/tether-DeveloperRole-1X2Y/ada@laptop";
        let because = " because no identity-based policy allows the dynamodb:PutItem action";
        let denial = Denial::read(&text(principal, because));
        assert_eq!(
            denial.map(|it| it.to_string()),
            Some(format!(
                "no permission for dynamodb:PutItem on {TABLE}: the helper stack's DeveloperRole needs it; add it to that role's policy, or install the helper stack again"
            ))
        );
    }

    #[test]
    fn a_person_is_named_and_so_is_a_deny() {
        let principal = "arn:aws:iam::123456789012:user/ada";
        let denied = " with an explicit deny in a service control policy";
        let denial = Denial::read(&text(principal, denied));
        assert_eq!(
            denial.map(|it| it.to_string()),
            Some(format!(
                "no permission for dynamodb:PutItem on {TABLE} (with an explicit deny in a service control policy): {principal} needs it; ask whoever manages its policies"
            ))
        );
    }

    #[test]
    fn what_another_policy_forbids_is_not_to_be_added_to_the_role() {
        let principal = "arn:aws:sts::1:assumed-role/tether-ManagerRole-1X/s";
        let because = " because no permissions boundary allows the dynamodb:PutItem action";
        let said = Denial::read(&text(principal, because)).map(|it| it.to_string());
        let said = said.unwrap_or_default();
        assert!(
            said.contains("(because no permissions boundary allows"),
            "{said}"
        );
        assert!(
            said.ends_with("have whoever manages that policy allow it"),
            "{said}"
        );
    }

    #[test]
    fn a_function_that_the_layer_role_does_not_trust_is_told_what_to_do() {
        let role = "arn:aws:iam::1:role/tether-LayerRole-1X";
        let said = Denial::read(&format!(
            "User: arn:aws:sts::1:assumed-role/app-HelloRole/f is not authorized to perform: sts:AssumeRole on resource: {role}"
        ));
        let said = said.map(|it| it.to_string()).unwrap_or_default();
        assert!(said.contains("--trusted-principals"), "{said}");
    }

    #[test]
    fn a_role_of_somebody_elses_is_none_of_ours() {
        let principal = "arn:aws:sts::1:assumed-role/acme-DeveloperRole/ada";
        let denial = Denial::read(&text(principal, ""));
        assert_eq!(denial.and_then(|it| it.helper_role()), None);
    }

    #[test]
    fn a_resource_that_is_not_named_is_left_out() {
        let denial = Denial::read(
            "Resource handler returned message: \"User: arn:aws:iam::1:user/ada is not authorized to perform: iam:CreateRole (Service: Iam, Status Code: 403, Request ID: 1)\"",
        );
        assert_eq!(
            denial.map(|it| it.to_string()),
            Some("no permission for iam:CreateRole: arn:aws:iam::1:user/ada needs it; ask whoever manages its policies".to_owned())
        );
    }

    #[test]
    fn other_words_are_none() {
        for text in [
            "",
            "Access Denied",
            "User: nobody",
            "is not authorized to perform: x",
        ] {
            assert_eq!(Denial::read(text), None, "{text}");
        }
    }
}
