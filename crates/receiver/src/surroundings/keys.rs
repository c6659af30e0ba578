//! Credentials, where they come from, and until when they are good.

use super::{Whereabouts, variable};
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, ConfigLoader};
use aws_credential_types::Credentials;
use aws_credential_types::credential_feature::AwsCredentialFeature as Feature;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_types::region::Region;
use std::time::SystemTime;
use tether_aws::Road;

/// Looks for credentials from the beginning each time: what somebody has written
/// into a profile meanwhile counts, and a login elsewhere, too.
#[derive(Clone, Debug)]
pub(super) struct Again {
    whereabouts: Whereabouts,
    road: Road,
    region: Option<Region>,
}

impl Again {
    pub(super) fn new(whereabouts: Whereabouts, road: Road) -> Self {
        let region = whereabouts.region.as_deref().map(super::region);
        Self {
            whereabouts,
            road,
            region,
        }
    }

    /// What has been found: it need not be looked for again.
    pub(super) fn is_in(&mut self, region: Option<Region>) {
        self.region = region;
    }

    pub(super) fn names_profile(&self) -> bool {
        self.whereabouts.profile.is_some()
    }

    pub(super) fn loader(&self) -> ConfigLoader {
        let http = self.road.http_client();
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http.clone());
        if let Some(region) = &self.region {
            loader = loader.region(region.clone());
        }
        if let Some(profile) = &self.whereabouts.profile {
            // A profile that is named wins over keys in the environment, as
            // with the AWS CLI.
            let settings = ProviderConfig::default().with_http_client(http);
            let settings = settings.with_region(self.region.clone());
            let provider = ProfileFileCredentialsProvider::builder()
                .configure(&settings)
                .profile_name(profile)
                .build();
            loader = loader.profile_name(profile).credentials_provider(provider);
        }
        match &self.whereabouts.endpoint_url {
            Some(url) => loader.endpoint_url(url),
            None => loader,
        }
    }

    async fn find(&self) -> Result<Credentials, CredentialsError> {
        let found = self.loader().load().await;
        let none = || CredentialsError::not_loaded("no provider");
        let provider = found.credentials_provider().ok_or_else(none)?;
        Ok(dated(provider.provide_credentials().await?))
    }
}

impl ProvideCredentials for Again {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.find())
    }
}

/// `aws configure export-credentials` says in one more variable until when the
/// keys of the environment are good; the SDK does not read it.
fn dated(credentials: Credentials) -> Credentials {
    if credentials.expiry().is_some()
        || Origin::of(&credentials, Asked::default()) != Origin::Environment
    {
        return credentials;
    }
    let until = variable("AWS_CREDENTIAL_EXPIRATION").and_then(|it| moment(&it));
    let mut credentials = credentials;
    if let Some(until) = until {
        *credentials.expiry_mut() = Some(until);
    }
    credentials
}

fn moment(text: &str) -> Option<SystemTime> {
    use aws_smithy_types::date_time::{DateTime, Format};
    let read = DateTime::from_str(text, Format::DateTimeWithOffset).ok()?;
    SystemTime::try_from(read).ok()
}

/// What the profile says of its credentials: those of a role look like any other.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked {
    /// It, or one that it builds on, has an SSO session.
    pub(super) sso: bool,
    /// It names a role.
    pub(super) role: bool,
}

/// Where credentials come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Variables of this process.
    Environment,
    /// Keys that stand in a profile.
    Profile,
    /// `credential_process` of a profile.
    Process,
    /// IAM Identity Center.
    Sso,
    /// A role that a profile names.
    Role,
    /// The machine: EC2, ECS, a web identity.
    Machine,
}

impl Origin {
    fn of(credentials: &Credentials, profile: Asked) -> Self {
        let known = credentials.get_property::<Vec<Feature>>();
        let has = |feature: Feature| known.is_some_and(|it| it.contains(&feature));
        if has(Feature::CredentialsEnvVars) {
            Self::Environment
        } else if profile.sso || has(Feature::CredentialsSso) {
            Self::Sso
        } else if profile.role {
            Self::Role
        } else if has(Feature::CredentialsProcess) {
            Self::Process
        } else if has(Feature::CredentialsProfile) {
            Self::Profile
        } else {
            Self::Machine
        }
    }
}

/// Credentials that were found.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Where they come from.
    pub origin: Origin,
    /// Until when they are good; none: not known, or for good.
    pub until: Option<SystemTime>,
    /// They end some time, whether it is known when or not.
    pub are_temporary: bool,
    profile: String,
}

impl Keys {
    pub(super) fn new(credentials: Credentials, profile: String, asked: Asked) -> Self {
        Self {
            origin: Origin::of(&credentials, asked),
            until: credentials.expiry(),
            are_temporary: credentials.session_token().is_some(),
            profile,
        }
    }

    /// `profile work`, for people.
    #[must_use]
    pub fn source(&self) -> String {
        let profile = &self.profile;
        match self.origin {
            Origin::Environment => "the environment".to_owned(),
            Origin::Profile => format!("profile {profile}"),
            Origin::Process => format!("credential_process of profile {profile}"),
            Origin::Sso => format!("the SSO session of profile {profile}"),
            Origin::Role => format!("the role of profile {profile}"),
            Origin::Machine => "the machine this runs on".to_owned(),
        }
    }

    /// `2026-01-01 14:05:00 UTC`
    #[must_use]
    pub fn until_in_words(&self) -> Option<String> {
        self.until.map(clock)
    }

    /// What makes new ones.
    #[must_use]
    pub fn remedy(&self) -> String {
        let profile = &self.profile;
        match self.origin {
            Origin::Environment => {
                "set new ones in the environment and start tether again".to_owned()
            }
            Origin::Profile | Origin::Role => {
                format!("renew those of profile {profile}; tether takes them up by itself")
            }
            Origin::Process => format!(
                "have credential_process of profile {profile} hand out new ones; tether asks it again"
            ),
            Origin::Sso => {
                format!("run `aws sso login --profile {profile}`; tether takes them up by itself")
            }
            Origin::Machine => "look at the role of the machine".to_owned(),
        }
    }
}

pub(crate) fn millis(at: SystemTime) -> u64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH);
    let millis = since.unwrap_or_default().as_millis();
    u64::try_from(millis).unwrap_or(u64::MAX)
}

/// `2026-01-01 14:05:00 UTC`
pub(crate) fn clock(at: SystemTime) -> String {
    use aws_smithy_types::date_time::{DateTime, Format};
    let whole = DateTime::from_secs(i64::try_from(millis(at) / 1000).unwrap_or_default());
    let text = whole.fmt(Format::DateTime).unwrap_or_default();
    text.replace('T', " ").replace('Z', " UTC")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn with(features: &[Feature]) -> Credentials {
        let mut credentials = Credentials::new("AKIA", "secret", None, None, "test");
        let known = credentials.get_property_mut_or_default::<Vec<Feature>>();
        known.extend(features.iter().cloned());
        credentials
    }

    #[test]
    fn where_credentials_come_from_is_known() {
        let plain = Asked::default();
        let (role, sso) = (true, true);
        let of = |features: &[Feature], asked| Origin::of(&with(features), asked);
        let sso_role = Asked { sso, role };
        assert_eq!(
            of(&[Feature::CredentialsEnvVars], sso_role),
            Origin::Environment
        );
        assert_eq!(of(&[Feature::CredentialsProfile], plain), Origin::Profile);
        let process = [Feature::CredentialsProcess, Feature::CredentialsProfile];
        assert_eq!(of(&process, plain), Origin::Process);
        let asked = Asked { role, ..plain };
        assert_eq!(of(&[Feature::CredentialsProfile], asked), Origin::Role);
        // To be renewed by a new login, whatever role is assumed from there.
        assert_eq!(of(&[Feature::CredentialsProfile], sso_role), Origin::Sso);
        assert_eq!(of(&[], plain), Origin::Machine);
    }

    #[test]
    fn a_moment_is_read_as_the_aws_cli_writes_it() {
        let expected = UNIX_EPOCH + Duration::from_secs(1_767_225_600);
        assert_eq!(moment("2026-01-01T00:00:00Z"), Some(expected));
        assert_eq!(moment("2026-01-01T01:00:00+01:00"), Some(expected));
        assert_eq!(moment("soon"), None);
    }

    #[test]
    fn a_moment_is_written_for_people() {
        let at = UNIX_EPOCH + Duration::from_millis(1_767_225_600_900);
        assert_eq!(clock(at), "2026-01-01 00:00:00 UTC");
    }
}
