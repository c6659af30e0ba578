//! The developer role, assumed again whenever it has expired.

use crate::error::Error;
use crate::surroundings::Keys;
use aws_config::sts::AssumeRoleProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_types::SdkConfig;
use tether_aws::{Failure, innermost};

/// What STS says of the caller's credentials when their time is over
/// (<https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html>).
const EXPIRED: [&str; 3] = ["ExpiredToken", "ExpiredTokenException", "RequestExpired"];

/// Hands out its credentials; whoever is refused in the middle of a session
/// hears the same as at its start.
#[derive(Debug)]
pub(crate) struct Role {
    arn: String,
    provider: AssumeRoleProvider,
    keys: Keys,
}

impl Role {
    /// `caller` is who assumes it, with these keys.
    pub(crate) async fn new(arn: &str, caller: &SdkConfig, keys: &Keys) -> Self {
        let provider = AssumeRoleProvider::builder(arn)
            .session_name("tether")
            .configure(caller)
            .build()
            .await;
        Self {
            arn: arn.to_owned(),
            provider,
            keys: keys.clone(),
        }
    }

    pub(crate) async fn assume(&self) -> Result<Credentials, Error> {
        let assumed = self.provider.provide_credentials().await;
        assumed.map_err(|error| self.not_assumed(&error))
    }

    fn not_assumed(&self, error: &CredentialsError) -> Error {
        let failure = failure(error);
        if failure
            .as_ref()
            .is_some_and(|it| EXPIRED.contains(&it.code.as_str()))
        {
            return Error::Expired {
                source_of_keys: self.keys.source(),
                remedy: self.keys.remedy(),
            };
        }
        match failure {
            Some(failure) if !is_refusal(&failure) => Error::Aws {
                what: format!("the role {} cannot be assumed", self.arn),
                failure,
            },
            failure => Error::NotAssumed {
                role: self.arn.clone(),
                words: failure.map_or_else(|| innermost(error), |it| it.to_string()),
            },
        }
    }
}

impl ProvideCredentials for Role {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let assumed = async {
            self.assume()
                .await
                .map_err(CredentialsError::provider_error)
        };
        future::ProvideCredentials::new(assumed)
    }
}

fn is_refusal(failure: &Failure) -> bool {
    failure.denial().is_some() || failure.code.starts_with("AccessDenied")
}

/// STS's own words stand somewhere behind the provider's.
fn failure(error: &(dyn std::error::Error + 'static)) -> Option<Failure> {
    type Refused = aws_sdk_sts::error::SdkError<AssumeRoleError>;
    let chain = std::iter::successors(Some(error), |error| error.source());
    let mut refused = chain.filter_map(|it| it.downcast_ref::<Refused>());
    refused.next().map(tether_aws::classify)
}
