//! What flags, environment and profile say: where AWS is, as whom, and which
//! way leads there.

mod keys;

pub use keys::{Keys, Origin};

use crate::error::Error;
use aws_config::profile::ProfileSet;
use aws_credential_types::provider::{
    ProvideCredentials as _, SharedCredentialsProvider, error::CredentialsError,
};
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_types::os_shim_internal::{Env, Fs};
use aws_types::region::Region;
use keys::{Again, Asked};
pub(crate) use keys::{clock, millis};
use std::borrow::Cow;
use std::path::PathBuf;
use tether_aws::{EndpointKind, Road, chain, innermost};

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

/// What there is to start from. Nobody has been asked yet whether it is good.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Proxies and certificate authorities.
    pub road: Road,
    /// The region, and where it was found.
    pub region: Option<(String, &'static str)>,
    /// Where AWS is, if it is somewhere else.
    pub endpoint_url: Option<String>,
    /// Which of AWS's own endpoints.
    pub endpoint_kind: EndpointKind,
    /// The profile's name.
    pub profile: String,
    again: Again,
    profiles: Option<ProfileSet>,
}

impl Surroundings {
    /// Looks as the AWS CLI does.
    ///
    /// # Errors
    /// When a proxy or a file of certificates is named that cannot be one.
    pub async fn look(whereabouts: &Whereabouts) -> Result<Self, Error> {
        let profiles = profiles(whereabouts).await;
        let of_profile = |name: &str| Some(profiles.as_ref()?.get(name)?.to_owned());
        let road = Road::find(&variable, of_profile("ca_bundle").map(PathBuf::from))?;
        let mut again = Again::new(whereabouts.clone(), road.clone());
        let found = again.loader().load().await;
        let region = found.region().map(|region| {
            let place = place_of_region(whereabouts, of_profile("region").is_some());
            (region.to_string(), place)
        });
        again.is_in(found.region().cloned());
        let profile = whereabouts.profile.clone();
        let selected = || Some(profiles.as_ref()?.selected_profile().to_owned());
        Ok(Self {
            road,
            region,
            endpoint_url: found.endpoint_url().map(str::to_owned),
            endpoint_kind: endpoint_kind(&found),
            profile: profile
                .or_else(selected)
                .unwrap_or_else(|| "default".to_owned()),
            again,
            profiles,
        })
    }

    /// Finds credentials; a profile may ask others for them.
    ///
    /// # Errors
    /// When there are none, and what to do.
    pub async fn keys(&self) -> Result<Keys, Error> {
        if self.asks_for_mfa() {
            return Err(Error::Mfa(self.profile.clone()));
        }
        let found = self.again.provide_credentials().await;
        let credentials = found.map_err(|error| self.none(&error))?;
        let asked = Asked {
            sso: self.uses_sso(),
            role: self.names_role(),
        };
        Ok(Keys::new(credentials, self.profile.clone(), asked))
    }

    /// What SDK clients ask for credentials, again when those have expired.
    #[must_use]
    pub fn provider(&self) -> SharedCredentialsProvider {
        SharedCredentialsProvider::new(self.again.clone())
    }

    fn none(&self, error: &CredentialsError) -> Error {
        let chain = chain(error);
        // Its cached token is missing or too old, or is not taken any more.
        let signs = [
            "SSO token",
            "UnauthorizedException",
            "Session token not found",
        ];
        if self.uses_sso() && signs.iter().any(|it| chain.contains(it)) {
            return Error::SsoEnded(self.profile.clone());
        }
        Error::NoCredentials(why_none(&chain, innermost(error)))
    }

    /// The profile, or one that it takes its credentials from.
    fn any_source(&self, holds: impl Fn(&aws_config::profile::Profile) -> bool) -> bool {
        let mut name = self.profile.as_str();
        // No longer than a chain that leads anywhere.
        for _ in 0..10 {
            let profiles = self.profiles.as_ref();
            let Some(profile) = profiles.and_then(|it| it.get_profile(name)) else {
                return false;
            };
            if holds(profile) {
                return true;
            }
            match profile.get("source_profile") {
                Some(source) if source != name => name = source,
                _ => return false,
            }
        }
        false
    }

    fn names_role(&self) -> bool {
        let profiles = self.profiles.as_ref();
        let profile = profiles.and_then(|it| it.get_profile(&self.profile));
        profile.is_some_and(|it| it.get("role_arn").is_some())
    }

    fn uses_sso(&self) -> bool {
        let names = ["sso_session", "sso_start_url"];
        self.any_source(|it| names.iter().any(|name| it.get(name).is_some()))
    }

    /// Keys in the environment win over a profile that no flag names.
    fn asks_for_mfa(&self) -> bool {
        let keys = variable("AWS_ACCESS_KEY_ID").is_some_and(|it| !it.is_empty());
        (self.again.names_profile() || !keys)
            && self.any_source(|it| it.get("role_arn").is_some() && it.get("mfa_serial").is_some())
    }
}

/// The environment.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// None: they cannot be read, which the SDK will say where it matters.
async fn profiles(whereabouts: &Whereabouts) -> Option<ProfileSet> {
    let name = whereabouts.profile.clone().map(Cow::Owned);
    let (files, env) = (Fs::real(), Env::real());
    let usual = EnvConfigFiles::default();
    let loaded = aws_config::profile::load(&files, &env, &usual, name).await;
    loaded.ok()
}

fn place_of_region(whereabouts: &Whereabouts, in_profile: bool) -> &'static str {
    let set = |name: &str| variable(name).is_some_and(|it| !it.is_empty());
    if whereabouts.region.is_some() {
        "--region"
    } else if set("AWS_REGION") {
        "AWS_REGION"
    } else if set("AWS_DEFAULT_REGION") {
        "AWS_DEFAULT_REGION"
    } else if in_profile {
        "the AWS profile"
    } else {
        "this machine's metadata"
    }
}

/// The SDK lists every place it looked at, a line each.
fn why_none(chain: &str, innermost: String) -> String {
    if chain.contains("no credentials found in chain") || chain.contains("no providers in chain") {
        return "none in the environment or in a profile".to_owned();
    }
    innermost.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A region by its name.
pub(crate) fn region(name: &str) -> Region {
    Region::new(name.to_owned())
}
/// One of one's own is what it is.
fn endpoint_kind(found: &aws_types::SdkConfig) -> EndpointKind {
    if found.endpoint_url().is_some() {
        return EndpointKind::default();
    }
    EndpointKind {
        fips: found.use_fips().unwrap_or_default(),
        dual_stack: found.use_dual_stack().unwrap_or_default(),
    }
}
