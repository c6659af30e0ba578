//! The condition keys that every request has
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>).

use super::{Ask, Iam};
use tether_iam::{Context, Principal};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// What AWS knows and this cloud does not.
const UNTOLD: [&str; 12] = [
    "aws:MultiFactorAuthAge",
    "aws:PrincipalOrg",
    "aws:PrincipalTag/",
    "aws:Referer",
    "aws:RequestTag/",
    "aws:ResourceOrg",
    "aws:ResourceTag/",
    "aws:SourceIdentity",
    "aws:TagKeys",
    "aws:TokenIssueTime",
    "aws:UserAgent",
    // In whatever a function's environment calls, of any service
    // (https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html).
    "lambda:SourceFunctionArn",
];

impl Iam {
    /// The keys of a request: its own, and the global ones.
    pub(super) fn context(&self, principal: &Principal, ask: &Ask) -> Context {
        let mut context = ask.context.clone();
        for prefix in UNTOLD {
            context = context.not_telling(prefix);
        }
        let now = OffsetDateTime::now_utc();
        context.set("aws:CurrentTime", now.format(&Rfc3339).unwrap_or_default());
        context.set("aws:EpochTime", now.unix_timestamp().to_string());
        context.set("aws:RequestedRegion", self.place.region.clone());
        // S3's buckets have none in their ARNs, and are ours.
        let owner = ask.resource.split(':').nth(4).filter(|it| !it.is_empty());
        context.set(
            "aws:ResourceAccount",
            owner.unwrap_or(&self.place.account_id).to_owned(),
        );
        // It plays what is spoken to with TLS.
        context.set("aws:SecureTransport", "true");
        context.set("aws:PrincipalIsAWSService", "false");
        context.set("aws:ViaAWSService", "false");
        if let (Some(arn), Some(account)) = (principal.principal_arn(), principal.account()) {
            context.set("aws:PrincipalArn", arn);
            context.set("aws:PrincipalAccount", account);
            context.set("aws:SourceIp", "127.0.0.1");
        }
        match principal {
            Principal::User { arn, .. } => {
                context.set("aws:PrincipalType", "User");
                context.set("aws:username", arn.rsplit('/').next().unwrap_or_default());
                if let Some(user) = self.identity(arn) {
                    context.set("aws:userid", user.id.clone());
                }
            }
            Principal::Session { arn, role, .. } => {
                let session = arn.rsplit('/').next().unwrap_or_default();
                let id = self.identity(role).map(|it| it.id.clone());
                context.set("aws:PrincipalType", "AssumedRole");
                context.set("aws:MultiFactorAuthPresent", "false");
                context.set(
                    "aws:userid",
                    format!("{}:{session}", id.unwrap_or_default()),
                );
            }
            Principal::Service(name) => {
                context.set("aws:PrincipalIsAWSService", "true");
                context.set("aws:PrincipalServiceName", name.as_str());
            }
        }
        context
    }
}
