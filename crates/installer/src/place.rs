//! Which account, region and partition.

use crate::call::Call;
use crate::error::Error;
use tether_receiver::Account;

/// Where something is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// `aws`, `aws-cn`, `aws-us-gov`
    pub partition: String,
    /// `123456789012`
    pub account: String,
    /// `eu-west-1`
    pub region: String,
}

impl Place {
    /// Asks AWS who calls it: that is where account and partition stand.
    ///
    /// # Errors
    /// When AWS does not answer, or the credentials are none.
    pub async fn find(account: &Account) -> Result<Self, Error> {
        let call = Call::new(
            "AWS does not say whose these credentials are",
            "sts:GetCallerIdentity",
            "*",
        );
        let identity = aws_sdk_sts::Client::new(account.caller())
            .get_caller_identity()
            .send()
            .await
            .map_err(|error| call.failed_at(account, &error))?;
        let arn = identity.arn().unwrap_or_default();
        let account_id = identity.account().unwrap_or_default();
        Self::of(arn, account_id, &account.region).ok_or_else(|| Error::OddIdentity(arn.to_owned()))
    }

    fn of(arn: &str, account: &str, region: &str) -> Option<Self> {
        let partition = arn.strip_prefix("arn:")?.split(':').next()?;
        let is_account = !account.is_empty() && account.bytes().all(|it| it.is_ascii_digit());
        (is_account && !partition.is_empty()).then(|| Self {
            partition: partition.to_owned(),
            account: account.to_owned(),
            region: region.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_partition_is_the_callers() {
        let of = |arn| Place::of(arn, "123456789012", "r").map(|it| it.partition);
        let china = "arn:aws-cn:sts::123456789012:assumed-role/admin/ada";
        assert_eq!(of(china).as_deref(), Some("aws-cn"));
        assert_eq!(
            of("arn:aws:iam::123456789012:user/ada").as_deref(),
            Some("aws")
        );
        assert_eq!(of("ada"), None);
        assert_eq!(Place::of("arn:aws:iam::x:user/ada", "", "r"), None);
    }
}
