//! AWS's reasons, in one line, and what is missing if it is a permission.

/// Somebody may not do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Denied {
    /// Whose policy lacks it.
    pub(crate) principal: String,
    /// `iam:CreateRole`
    pub(crate) action: String,
    /// On what.
    pub(crate) resource: String,
    /// Which policy says so: `because no identity-based policy allows …`
    because: String,
}

impl Denied {
    /// Reads AWS's sentence: "User: P is not authorized to perform: A on
    /// resource: R because no identity-based policy allows the A action"
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>).
    pub(crate) fn read(said: &str) -> Option<Self> {
        let (before, after) = said.split_once("is not authorized to perform: ")?;
        let (_, principal) = before.rsplit_once("User: ")?;
        let mut words = after.split_whitespace();
        let action = words.next()?;
        let rest: Vec<&str> = words.collect();
        let (resource, because) = match rest.as_slice() {
            ["on", "resource:", resource, because @ ..] => (*resource, because),
            because => ("*", because),
        };
        let bare = |text: &str| {
            let quotes = ['"', '\'', ',', ')', '('];
            text.trim().trim_matches(quotes).to_owned()
        };
        Some(Self {
            principal: bare(principal),
            action: bare(action),
            resource: bare(resource),
            because: because.join(" "),
        })
    }

    /// What, and who needs it.
    pub(crate) fn in_words(&self) -> String {
        let Self {
            principal,
            action,
            resource,
            because,
        } = self;
        let others = [
            ("service control policy", "by the organization's policies"),
            ("permissions boundary", "by the boundary of its permissions"),
            ("resource-based policy", "by the policy of that resource"),
            ("explicit deny", "by a policy that denies it"),
        ];
        let other = others.iter().find(|(policy, _)| because.contains(policy));
        match other {
            Some((_, by)) => format!(
                "{principal} may not {action} on {resource}, {by}: whoever administers the account has to change that"
            ),
            None => format!(
                "{principal} may not {action} on {resource}: whoever administers the account has to allow that in the policies of {principal}"
            ),
        }
    }
}

/// Without the words that CloudFormation's handlers put around, and in one
/// line.
pub(crate) fn in_one_line(said: &str) -> String {
    let text = said.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some(denied) = Denied::read(&text) {
        return denied.in_words();
    }
    let inner = text
        .strip_prefix("Resource handler returned message: \"")
        .and_then(|it| it.rsplit_once("\" (RequestToken"));
    let text = inner.map_or(text.as_str(), |(message, _)| message);
    let without_ids = text
        .split_once(" (Service: ")
        .map_or(text, |(before, _)| before);
    without_ids.trim_end_matches(['.', ' ']).to_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    const ADA: &str = "arn:aws:iam::123456789012:user/ada";

    #[test]
    fn a_missing_permission_is_read_out_of_what_a_handler_says() {
        let said = format!(
            "Resource handler returned message: \"User: {ADA} is not authorized to perform: iam:CreateRole on resource: arn:aws:iam::123456789012:role/tether-LayerRole-1 because no identity-based policy allows the iam:CreateRole action (Service: Iam, Status Code: 403, Request ID: 1)\" (RequestToken: 2, HandlerErrorCode: AccessDenied)"
        );
        let denied = Denied::read(&said).unwrap();
        assert_eq!(denied.principal, ADA);
        assert_eq!(denied.action, "iam:CreateRole");
        assert_eq!(
            denied.resource,
            "arn:aws:iam::123456789012:role/tether-LayerRole-1"
        );
        let line = in_one_line(&said);
        assert!(
            line.starts_with(&format!("{ADA} may not iam:CreateRole on arn:")),
            "{line}"
        );
    }

    #[test]
    fn s3_puts_the_resource_into_quotes_and_some_actions_have_none() {
        let quoted = format!(
            "User: {ADA} is not authorized to perform: s3:CreateBucket on resource: \"arn:aws:s3:::b\" because no identity-based policy allows the s3:CreateBucket action"
        );
        assert_eq!(Denied::read(&quoted).unwrap().resource, "arn:aws:s3:::b");
        let none = format!("User: {ADA} is not authorized to perform: sts:GetCallerIdentity");
        assert_eq!(Denied::read(&none).unwrap().resource, "*");
        assert_eq!(Denied::read("Access Denied"), None);
    }

    #[test]
    fn it_is_said_when_more_than_ones_own_policies_stands_in_the_way() {
        let of = |why: &str| {
            let said = format!(
                "User: {ADA} is not authorized to perform: iam:CreateRole on resource: r {why}"
            );
            in_one_line(&said)
        };
        let by_organization = of("with an explicit deny in a service control policy");
        assert!(by_organization.contains("on r, by the organization's policies"));
        let by_boundary = of("because no permissions boundary allows the iam:CreateRole action");
        assert!(by_boundary.contains("on r, by the boundary of its permissions"));
    }

    #[test]
    fn a_reason_is_one_line_without_request_ids() {
        let said = "Resource handler returned message: \"Resource of type 'AWS::Logs::LogGroup' with identifier\n '{\"/properties/LogGroupName\":\"/aws/lambda/tether-manager\"}' already exists.\" (RequestToken: 3, HandlerErrorCode: AlreadyExists)";
        assert_eq!(
            in_one_line(said),
            "Resource of type 'AWS::Logs::LogGroup' with identifier '{\"/properties/LogGroupName\":\"/aws/lambda/tether-manager\"}' already exists"
        );
        let said = "The role is no role (Service: Lambda, Status Code: 400, Request ID: 1)";
        assert_eq!(in_one_line(said), "The role is no role");
    }
}
