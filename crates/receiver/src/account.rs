//! Who calls AWS, and where.

use crate::error::Error;
use crate::stack::HelperStack;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_types::SdkConfig;
use aws_types::region::Region;
use std::time::{Duration, UNIX_EPOCH};
use tether_aws::{Access, Clock, Patience, Skew, TimeSource as _, Trust};
use tether_protocol::Timestamp;

/// Calls of the receiver: a person waits, and a network hiccup is no reason
/// to give up.
const PATIENCE: Patience = Patience {
    call: Duration::from_secs(20),
    attempts: 3,
};

/// The manager changes functions while it is waited for: one after the other,
/// a few seconds each. To restore twice is to restore.
const MANAGER: Patience = Patience {
    call: Duration::from_secs(600),
    attempts: 2,
};

/// Somebody's function, once.
const INVOKE: Patience = Patience {
    call: Duration::from_secs(600),
    attempts: 1,
};

/// Where to look for AWS, as given by flags.
#[derive(Clone, Debug, Default)]
pub struct Whereabouts {
    /// `--region`
    pub region: Option<String>,
    /// `--profile`
    pub profile: Option<String>,
    /// `--endpoint-url`
    pub endpoint_url: Option<String>,
}

/// An account and a region, with credentials that were found.
#[derive(Clone, Debug)]
pub struct Account {
    /// The region's name.
    pub region: String,
    pub(crate) access: Access,
    config: SdkConfig,
    clock: Clock,
}

impl Account {
    /// Finds region and credentials as the AWS CLI does.
    ///
    /// # Errors
    /// When there is no region or there are no credentials.
    pub async fn find(whereabouts: &Whereabouts) -> Result<Self, Error> {
        let mut loader = aws_config::defaults(aws_config::BehaviorVersion::latest())
            .http_client(tether_aws::http_client(Trust::Platform));
        if let Some(region) = &whereabouts.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(profile) = &whereabouts.profile {
            // A profile that is named wins over keys in the environment, as
            // with the AWS CLI.
            let settings = ProviderConfig::default()
                .with_http_client(tether_aws::http_client(Trust::Platform));
            let settings = settings.with_region(whereabouts.region.clone().map(Region::new));
            let provider = ProfileFileCredentialsProvider::builder()
                .configure(&settings)
                .profile_name(profile)
                .build();
            loader = loader.profile_name(profile).credentials_provider(provider);
        }
        if let Some(url) = &whereabouts.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        let found = loader.load().await;
        let region = found.region().ok_or(Error::NoRegion)?.to_string();
        let none = || Error::NoCredentials("no provider".to_owned());
        let credentials = found.credentials_provider().ok_or_else(none)?;
        credentials
            .provide_credentials()
            .await
            .map_err(|error| Error::NoCredentials(why_none(&error)))?;
        let access = Access {
            region: region.clone(),
            endpoint_url: found.endpoint_url().map(str::to_owned),
            credentials,
        };
        let clock = Clock::default();
        let http = clock.listen(tether_aws::http_client(Trust::Platform));
        Ok(Self {
            config: tether_aws::config(&access, PATIENCE, &http),
            region,
            access,
            clock,
        })
    }

    /// Where AWS is, if it is somewhere else.
    #[must_use]
    pub fn endpoint_url(&self) -> Option<&str> {
        self.access.endpoint_url.as_deref()
    }

    /// As the caller.
    #[must_use]
    pub fn caller(&self) -> &SdkConfig {
        &self.config
    }

    /// As the caller, for an invocation that lasts.
    #[must_use]
    pub fn caller_with_patience(&self) -> SdkConfig {
        let http = tether_aws::http_client(Trust::Platform);
        self.in_time(tether_aws::config(&self.access, INVOKE, &http))
    }

    /// What calls so far say of this machine's clock.
    #[must_use]
    pub fn skew(&self) -> Skew {
        self.clock.skew()
    }

    /// Signs by AWS's clock.
    fn in_time(&self, config: SdkConfig) -> SdkConfig {
        config.into_builder().time_source(self.skew()).build()
    }

    /// As the developer role, renewed before it expires.
    ///
    /// # Errors
    /// When the role cannot be assumed.
    pub async fn developer(&self, helper: &HelperStack) -> Result<Developer, Error> {
        let provider = AssumeRoleProvider::builder(&helper.developer_role)
            .session_name("tether")
            .configure(&self.config)
            .build()
            .await;
        provider
            .provide_credentials()
            .await
            .map_err(|error| Error::Aws {
                what: format!(
                    "the role {} cannot be assumed: you need sts:AssumeRole on it",
                    helper.developer_role
                ),
                failure: tether_aws::Failure {
                    code: String::new(),
                    message: innermost(&error),
                    status: None,
                    outcome_unknown: false,
                },
            })?;
        let access = Access {
            credentials: SharedCredentialsProvider::new(provider),
            ..self.access.clone()
        };
        let http = tether_aws::http_client(Trust::Platform);
        Ok(Developer {
            config: self.in_time(tether_aws::config(&access, PATIENCE, &http)),
            patient: self.in_time(tether_aws::config(&access, MANAGER, &http)),
            skew: self.skew(),
        })
    }
}

/// AWS as the developer role.
#[derive(Clone, Debug)]
pub struct Developer {
    pub(crate) config: SdkConfig,
    pub(crate) patient: SdkConfig,
    skew: Skew,
}

impl Developer {
    /// The time at AWS: whatever stands in a table is compared with it.
    pub(crate) fn now(&self) -> Timestamp {
        let since = self.skew.now().duration_since(UNIX_EPOCH);
        let millis = since.unwrap_or_default().as_millis();
        Timestamp(u64::try_from(millis).unwrap_or(u64::MAX))
    }

    /// How far this machine's clock is off, for people.
    pub(crate) fn clock_is_off(&self) -> Option<String> {
        self.skew.in_words()
    }
}

/// The SDK lists every place it looked at, a line each.
fn why_none(error: &dyn std::error::Error) -> String {
    let text = innermost(error);
    if text.contains("no credentials found in chain") {
        return "none in the environment or in a profile".to_owned();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
