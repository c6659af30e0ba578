//! Who calls AWS, and where.

use crate::error::Error;
use crate::role::Role;
use crate::stack::HelperStack;
use crate::surroundings::{Keys, Surroundings, Whereabouts};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::SdkConfig;
use std::time::{Duration, UNIX_EPOCH};
use tether_aws::{Access, Clock, Patience, Road, Skew, TimeSource as _};
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

/// An account and a region, with credentials that were found.
#[derive(Clone, Debug)]
pub struct Account {
    /// The region's name.
    pub region: String,
    pub(crate) access: Access,
    config: SdkConfig,
    clock: Clock,
    surroundings: Surroundings,
    keys: Keys,
}

impl Account {
    /// Finds region and credentials as the AWS CLI does.
    ///
    /// # Errors
    /// When there is no region or there are no credentials.
    pub async fn find(whereabouts: &Whereabouts) -> Result<Self, Error> {
        Self::of(Surroundings::look(whereabouts).await?).await
    }

    /// Finds credentials; the rest is known.
    ///
    /// # Errors
    /// When there is no region or there are no credentials.
    pub async fn of(surroundings: Surroundings) -> Result<Self, Error> {
        let (region, _) = surroundings.region.clone().ok_or(Error::NoRegion)?;
        let keys = surroundings.keys().await?;
        let access = Access {
            region: region.clone(),
            endpoint_url: surroundings.endpoint_url.clone(),
            kind: surroundings.endpoint_kind,
            credentials: surroundings.provider(),
        };
        let clock = Clock::default();
        let http = clock.listen(surroundings.road.http_client());
        Ok(Self {
            config: tether_aws::config(&access, PATIENCE, &http),
            region,
            access,
            clock,
            surroundings,
            keys,
        })
    }

    /// The way to AWS.
    #[must_use]
    pub fn road(&self) -> &Road {
        &self.surroundings.road
    }

    /// Whose credentials these are, as they were found first.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Looks for credentials once more.
    pub(crate) async fn keys_again(&self) -> Result<Keys, Error> {
        self.surroundings.keys().await
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
        let http = self.road().http_client();
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
        let role = Role::new(&helper.developer_role, &self.config, &self.keys).await;
        role.assume().await?;
        let access = Access {
            credentials: SharedCredentialsProvider::new(role),
            ..self.access.clone()
        };
        let http = self.road().http_client();
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
    /// For SDK clients.
    #[must_use]
    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

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
