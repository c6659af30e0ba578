//! The layer role: assumed once, and again before its credentials expire; at
//! the start of an invocation, never by a timer that a freeze would stop.

use crate::now;
use crate::settings::Settings;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_types::SdkConfig;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, UNIX_EPOCH};
use tether_aws::{Access, Patience};
use tether_protocol::Timestamp;
use tether_protocol::constants::{
    BELIEVE_DISCONNECTED, LAYER_CALL_TIMEOUT, RENEW_CREDENTIALS_BEFORE, SILENCE,
};
use tether_relay::Poster;
use tether_store::{Correlation, EVERY_RIGHT, Sessions, StoreError};
use tokio::sync::Mutex;

const PATIENCE: Patience = Patience {
    call: LAYER_CALL_TIMEOUT,
    attempts: 2,
};

/// Two calls of milliseconds; an event waits for them once in an environment.
const TRYING: Duration = Duration::from_millis(300);

/// AWS as the layer role.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    settings: Arc<Settings>,
    role: Role,
    held: Held,
    /// When the role was refused last, and why.
    refused: Arc<Mutex<Option<(Timestamp, String)>>>,
    clients: Arc<RwLock<Clients>>,
    /// AWS has been asked whether the role may do what an attempt needs.
    tried: Arc<AtomicBool>,
    /// No answer has come over these connections within [`SILENCE`] yet.
    unproven: Arc<AtomicBool>,
}

/// What speaks to AWS, over connections that they share.
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    sts: aws_sdk_sts::Client,
    pub(crate) sessions: Sessions,
    pub(crate) correlation: Correlation,
    pub(crate) poster: Poster,
}

#[derive(Clone, Debug)]
struct Role {
    arn: String,
    external_id: String,
    session_name: String,
}

/// The credentials held now.
#[derive(Clone, Debug, Default)]
struct Held(Arc<RwLock<Option<Credentials>>>);

impl ProvideCredentials for Held {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        use aws_credential_types::provider::error::CredentialsError;
        let held = self.current();
        future::ProvideCredentials::ready(
            held.ok_or_else(|| CredentialsError::not_loaded("the layer role is not assumed")),
        )
    }
}

impl Held {
    fn current(&self) -> Option<Credentials> {
        self.0.read().ok().and_then(|held| held.clone())
    }

    /// Whether the credentials last until then.
    fn last_until(&self, then: Timestamp) -> bool {
        self.current().is_some_and(|held| {
            let expiry = held
                .expiry()
                .and_then(|it| it.duration_since(UNIX_EPOCH).ok());
            expiry.is_none_or(|expiry| expiry.as_millis() > u128::from(then.0))
        })
    }
}

impl Clients {
    fn new(settings: &Settings, held: &Held) -> Self {
        let http = tether_aws::http_client(settings.trust);
        let config_as = |credentials: SharedCredentialsProvider| -> SdkConfig {
            let access = Access {
                credentials,
                ..settings.access.clone()
            };
            tether_aws::config(&access, PATIENCE, &http)
        };
        let layer = config_as(SharedCredentialsProvider::new(held.clone()))
            .into_builder()
            // Held is the cache; another one would outlive a renewal.
            .identity_cache(aws_sdk_sts::config::IdentityCache::no_cache())
            .build();
        let config = &settings.attachment.config;
        Self {
            sts: aws_sdk_sts::Client::new(&config_as(settings.access.credentials.clone())),
            sessions: Sessions::new(&layer, &config.sessions_table),
            correlation: Correlation::new(&layer, &config.debugger_table),
            poster: Poster::new(&layer, &config.connections_url),
        }
    }
}

impl Layer {
    pub(crate) fn new(settings: &Settings) -> Self {
        let held = Held::default();
        let config = &settings.attachment.config;
        Self {
            role: Role {
                arn: config.layer_role.clone(),
                external_id: config.external_id.clone(),
                session_name: session_name(&settings.function_name),
            },
            refused: Arc::default(),
            clients: Arc::new(RwLock::new(Clients::new(settings, &held))),
            tried: Arc::default(),
            unproven: Arc::default(),
            held,
            settings: Arc::new(settings.clone()),
        }
    }

    pub(crate) fn clients(&self) -> Clients {
        let clients = self.clients.read();
        clients.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Over new connections from now on: while an environment was frozen, the
    /// old ones may have died without a word, all of them.
    pub(crate) fn reconnect(&self) {
        let fresh = Clients::new(&self.settings, &self.held);
        let clients = self.clients.write();
        *clients.unwrap_or_else(PoisonError::into_inner) = fresh;
        self.unproven.store(true, Ordering::Relaxed);
    }

    /// How long an answer may take before its connection counts as dead: over a
    /// new one it takes a handshake more, and a table may be slow.
    pub(crate) fn silence(&self) -> Duration {
        if self.unproven.load(Ordering::Relaxed) {
            LAYER_CALL_TIMEOUT
        } else {
            SILENCE
        }
    }

    /// An answer has come, and it took this long.
    pub(crate) fn answered(&self, took: Duration) {
        self.unproven.store(took >= SILENCE, Ordering::Relaxed);
    }

    /// Whether the role may do what an attempt needs, asked once: a right that is
    /// missing is found before an event leaves, so that the deployed code answers.
    ///
    /// # Errors
    /// Which right is missing.
    pub(crate) async fn may_carry(&self) -> Result<(), StoreError> {
        if self.tried.load(Ordering::Relaxed) {
            return Ok(());
        }
        let clients = self.clients();
        let trying = clients.correlation.try_rights(&EVERY_RIGHT);
        // A table that is slow shows nothing.
        if let Ok(tried) = tokio::time::timeout(TRYING, trying).await {
            tried?;
        }
        self.tried.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Makes sure that the credentials last: for some minutes, and until an
    /// invocation's deadline.
    ///
    /// # Errors
    /// Why the role cannot be assumed.
    pub(crate) async fn assume(&self, deadline: Option<Timestamp>) -> Result<(), String> {
        let soon = now().plus(RENEW_CREDENTIALS_BEFORE);
        let end = deadline.map_or(soon, |it| it.plus(LAYER_CALL_TIMEOUT).max(soon));
        if self.held.last_until(end) {
            return Ok(());
        }
        self.renew(end).await
    }

    /// Makes sure that the credentials last for one more call: a role session
    /// may be shorter than an invocation at a breakpoint.
    pub(crate) async fn hold(&self) {
        let end = now().plus(LAYER_CALL_TIMEOUT);
        if !self.held.last_until(end) {
            // Without it the call fails, and whoever made it knows what to do.
            let _ = self.renew(end).await;
        }
    }

    /// One at a time, and not again at once after a failure: whoever waits for
    /// an answer looks every few milliseconds.
    async fn renew(&self, until: Timestamp) -> Result<(), String> {
        let mut refused = self.refused.lock().await;
        if self.held.last_until(until) {
            return Ok(());
        }
        match &*refused {
            Some((at, reason)) if now().since(*at) < BELIEVE_DISCONNECTED => {
                return Err(reason.clone());
            }
            _ => {}
        }
        let renewed = self.assume_role().await;
        *refused = renewed.clone().err().map(|reason| (now(), reason));
        renewed
    }

    async fn assume_role(&self) -> Result<(), String> {
        let sts = self.clients().sts;
        let answer = sts
            .assume_role()
            .role_arn(&self.role.arn)
            .external_id(&self.role.external_id)
            .role_session_name(&self.role.session_name)
            .send()
            .await
            .map_err(|error| {
                let failure = tether_aws::classify(&error);
                format!(
                    "the layer role {} cannot be assumed: {failure}",
                    self.role.arn
                )
            })?;
        let fresh = answer.credentials.ok_or("STS gave no credentials")?;
        let expiry = std::time::SystemTime::try_from(fresh.expiration).ok();
        let credentials = Credentials::new(
            fresh.access_key_id,
            fresh.secret_access_key,
            Some(fresh.session_token),
            expiry,
            "layer-role",
        );
        if let Ok(mut held) = self.held.0.write() {
            *held = Some(credentials);
        }
        Ok(())
    }
}

/// Role session names have at most 64 characters of a small set
/// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>).
fn session_name(function: &str) -> String {
    let clean = function.chars().map(|c| {
        if c.is_ascii_alphanumeric() || "-_.".contains(c) {
            c
        } else {
            '-'
        }
    });
    "tether-".chars().chain(clean).take(64).collect()
}
