//! Keys that issuers publish: fetched when a token needs them, and kept.

use super::Issuer;
use crate::desk::Desk;
use crate::upstream::{Outgoing, Upstream};
use bytes::Bytes;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tether_apigw::jwt;

/// An issuer that takes longer is told as one that does not answer.
const WITHIN: Duration = Duration::from_secs(5);

/// Keys are fetched again after this
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html>).
const GOOD_MS: u64 = 2 * 60 * 60 * 1000;

/// A token with a key that nobody knows makes the issuer asked again, but not more often.
const AGAIN_MS: u64 = 60 * 1000;

/// An issuer that did not answer is asked again, but not more often.
const RETRY_MS: u64 = 5 * 1000;

/// All issuers whose keys were ever needed.
#[derive(Default)]
pub(super) struct Issuers {
    known: Mutex<HashMap<Issuer, Arc<Known>>>,
    upstream: Upstream,
}

/// One of them. Whoever needs its keys while they are fetched, waits.
#[derive(Default)]
struct Known(tokio::sync::Mutex<State>);

#[derive(Default)]
struct State {
    keys: Option<Arc<jwt::Keys>>,
    asked_ms: Option<u64>,
    /// What is wrong with it is told once, until it is right again.
    told: bool,
}

impl Issuers {
    /// An issuer's keys; none if there are none, which is told.
    pub(super) async fn keys(&self, desk: &Desk, issuer: &Issuer) -> Option<Arc<jwt::Keys>> {
        let known = self.known(issuer);
        let mut state = known.0.lock().await;
        let age = state.age(desk.now());
        let wanted = match &state.keys {
            Some(_) => age.is_none_or(|it| it >= GOOD_MS),
            None => age.is_none_or(|it| it >= RETRY_MS),
        };
        if wanted {
            self.refresh(desk, issuer, &mut state).await;
        }
        state.keys.clone()
    }

    /// Keys that are not `older` ones, if the issuer may be asked for them already.
    pub(super) async fn newer(
        &self,
        desk: &Desk,
        issuer: &Issuer,
        older: &Arc<jwt::Keys>,
    ) -> Option<Arc<jwt::Keys>> {
        let known = self.known(issuer);
        let mut state = known.0.lock().await;
        let is_older = |keys: &Arc<jwt::Keys>| Arc::ptr_eq(keys, older);
        let due = state.age(desk.now()).is_none_or(|it| it >= AGAIN_MS);
        if state.keys.as_ref().is_some_and(is_older) && due {
            self.refresh(desk, issuer, &mut state).await;
        }
        state.keys.clone().filter(|keys| !is_older(keys))
    }

    fn known(&self, issuer: &Issuer) -> Arc<Known> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(issuer) {
            return Arc::clone(known);
        }
        // There are as many as authorizers name.
        let made = Arc::new(Known::default());
        known.insert(issuer.clone(), Arc::clone(&made));
        made
    }

    async fn refresh(&self, desk: &Desk, issuer: &Issuer, state: &mut State) {
        state.asked_ms = Some(desk.now());
        match self.fetch(issuer).await {
            Ok(keys) => {
                state.keys = Some(Arc::new(keys));
                state.told = false;
            }
            Err(why) => {
                if !std::mem::replace(&mut state.told, true) {
                    desk.say(
                        None,
                        &format_args!(
                            "the keys of {} cannot be had: {why}; or give them by --jwt-key",
                            issuer.url
                        ),
                    );
                }
            }
        }
    }

    async fn fetch(&self, issuer: &Issuer) -> Result<jwt::Keys, String> {
        let base = issuer.url.trim_end_matches('/');
        let set = if issuer.is_cognito {
            format!("{base}/.well-known/jwks.json")
        } else {
            let url = format!("{base}/.well-known/openid-configuration");
            let said: Value = serde_json::from_slice(&self.get(url.clone()).await?)
                .map_err(|_| format!("{url} is no JSON"))?;
            let set = said.get("jwks_uri").and_then(Value::as_str);
            set.ok_or_else(|| format!("{url} has no jwks_uri"))?
                .to_owned()
        };
        let keys = self.get(set.clone()).await?;
        jwt::Keys::from_jwks(&keys).map_err(|error| format!("{set}: {error}"))
    }

    async fn get(&self, url: String) -> Result<Bytes, String> {
        let outgoing = Outgoing {
            method: "GET".to_owned(),
            url: url.clone(),
            headers: vec![("Accept".to_owned(), "application/json".to_owned())],
            body: Bytes::new(),
        };
        let came = self.upstream.call(outgoing, WITHIN).await;
        match came {
            Ok(came) if came.status == 200 => Ok(came.body),
            Ok(came) => Err(format!("{url} answers {}", came.status)),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl State {
    fn age(&self, now_ms: u64) -> Option<u64> {
        Some(now_ms.saturating_sub(self.asked_ms?))
    }
}
