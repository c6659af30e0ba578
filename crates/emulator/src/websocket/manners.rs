//! The application's own rules, with what has to be remembered for them.

use super::Api;
use super::connection::Live;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tether_apigw::websocket::rules::{self, Refusal, Rules};
use tether_apigw::websocket::throttle::Bucket;
use tether_apigw::websocket::{Connection, Handshake, HandshakeAnswer, Stamp};

/// So many identities are remembered before those are forgotten that have been
/// quiet.
const IDENTITIES: usize = 4096;

/// Rules that can be replaced while connections are open: what is held against
/// them from then on is held against the new ones.
#[derive(Clone, Debug, Default)]
pub struct WebSocketRules(Arc<RwLock<Arc<Rules>>>);

impl WebSocketRules {
    /// Others from now on.
    pub fn replace(&self, rules: Rules) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *all = Arc::new(rules);
    }

    fn now(&self) -> Arc<Rules> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&all)
    }
}

/// The rules of an API.
pub(super) struct Manners {
    rules: WebSocketRules,
    identities: Mutex<HashMap<String, Bucket>>,
}

/// What is remembered of a connection.
pub(super) struct Standing {
    of_rules: rules::Standing,
    pace: Mutex<Bucket>,
    /// That it is too fast is said once.
    is_told: AtomicBool,
}

impl Default for Standing {
    fn default() -> Self {
        Self::of(rules::Standing::default())
    }
}

impl Standing {
    fn of(of_rules: rules::Standing) -> Self {
        Self {
            of_rules,
            pace: Mutex::new(Bucket::full()),
            is_told: AtomicBool::new(false),
        }
    }
}

impl Manners {
    pub(super) fn new(rules: WebSocketRules) -> Self {
        Self {
            rules,
            identities: Mutex::default(),
        }
    }

    /// Holds a handshake against them.
    pub(super) fn admit(
        &self,
        api: &Api,
        connection: &Connection,
        handshake: &Handshake,
        stamp: &Stamp,
    ) -> Result<Standing, HandshakeAnswer> {
        let admitted = self.rules.now().admit(connection, handshake, stamp);
        admitted.map(Standing::of).map_err(|refusal| {
            api.notice(format!("{} $connect: {refusal}", api.logical_id));
            HandshakeAnswer::Refuse {
                status: 401,
                body: refusal.frame(&connection.connection_id, &stamp.request_id),
            }
        })
    }

    /// Holds a message against them.
    pub(super) fn check(&self, live: &Live, body: &str, stamp: &Stamp) -> Result<(), Refusal> {
        let rules = self.rules.now();
        self.pace(&rules, live, stamp.now_ms)?;
        let standing = &live.manners.of_rules;
        rules.check(&live.connection, standing, body, stamp.now_ms)
    }

    fn pace(&self, rules: &Rules, live: &Live, now_ms: u64) -> Result<(), Refusal> {
        let Some(pace) = &rules.pace else {
            return Ok(());
        };
        let own = live.manners.pace.lock();
        let mut own = own.unwrap_or_else(PoisonError::into_inner);
        let identity = pace.identity.as_ref();
        let identity = identity.and_then(|it| Some((it, rules.identity(&live.connection)?)));
        let Some((limit, identity)) = identity else {
            return rules.pace(&mut own, None, now_ms);
        };
        let all = self.identities.lock();
        let mut all = all.unwrap_or_else(PoisonError::into_inner);
        if all.len() >= IDENTITIES {
            all.retain(|_, bucket| !bucket.is_full(limit, now_ms));
        }
        let bucket = all.entry(identity.to_owned()).or_insert_with(Bucket::full);
        rules.pace(&mut own, Some(bucket), now_ms)
    }

    /// Says it in the log.
    pub(super) fn tell(&self, api: &Api, live: &Live, refusal: &Refusal) {
        let is_pace = refusal.rule.starts_with("pace.");
        if !is_pace || !live.manners.is_told.swap(true, Ordering::Relaxed) {
            let id = &live.connection.connection_id;
            api.notice(format!("{} {id}: {refusal}", api.logical_id));
        }
    }
}
