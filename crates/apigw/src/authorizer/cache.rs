//! Decisions that are remembered.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use super::Opinion;

/// How long a REST API remembers unless its authorizer says otherwise.
pub const REST_TTL: Duration = Duration::from_secs(300);
/// An HTTP API remembers nothing unless its authorizer says so.
pub const HTTP_TTL: Duration = Duration::ZERO;
/// Nobody remembers longer.
pub const LONGEST_TTL: Duration = Duration::from_secs(3600);

/// What a decision is remembered by: the authorizer and the values of its identity sources. It does
/// not print: they are tokens.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CacheKey(String, Vec<String>);

impl CacheKey {
    /// None without identity sources: nothing is remembered then.
    #[must_use]
    pub fn new(authorizer_id: &str, identity: &[String]) -> Option<Self> {
        let key = Self(authorizer_id.to_owned(), identity.to_vec());
        (!identity.is_empty()).then_some(key)
    }
}

impl fmt::Debug for CacheKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("CacheKey")
            .field(&self.0)
            .finish_non_exhaustive()
    }
}

/// The decisions of one API's authorizers. There are only ever so many: a client that sends another
/// token with each request pushes out what would be forgotten next.
#[derive(Debug)]
pub struct Cache {
    opinions: HashMap<CacheKey, Remembered>,
    most: usize,
}

#[derive(Debug)]
struct Remembered {
    until_ms: u64,
    opinion: Opinion,
}

impl Cache {
    /// An empty one.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            opinions: HashMap::new(),
            most,
        }
    }

    /// What is remembered at that time.
    #[must_use]
    pub fn find(&self, key: &CacheKey, now_ms: u64) -> Option<&Opinion> {
        let found = self.opinions.get(key)?;
        (now_ms < found.until_ms).then_some(&found.opinion)
    }

    /// Remembers an opinion, at most for an hour; for no time at all it forgets the one before.
    pub fn remember(&mut self, key: CacheKey, opinion: Opinion, ttl: Duration, now_ms: u64) {
        let ttl = u64::try_from(ttl.min(LONGEST_TTL).as_millis()).unwrap_or(0);
        self.opinions.remove(&key);
        if ttl == 0 || self.most == 0 {
            return;
        }
        if self.opinions.len() >= self.most {
            self.make_room(now_ms);
        }
        let until_ms = now_ms.saturating_add(ttl);
        self.opinions.insert(key, Remembered { until_ms, opinion });
    }

    /// Forgets everything, as a deployment does.
    pub fn clear(&mut self) {
        self.opinions.clear();
    }

    fn make_room(&mut self, now_ms: u64) {
        self.opinions.retain(|_, it| now_ms < it.until_ms);
        if self.opinions.len() < self.most {
            return;
        }
        let next = self.opinions.iter().min_by_key(|(_, it)| it.until_ms);
        if let Some(key) = next.map(|(key, _)| key.clone()) {
            self.opinions.remove(&key);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::super::Answers;
    use super::*;
    use crate::invoke::InvokeResult;
    use proptest::prelude::*;

    fn opinion() -> Opinion {
        let payload = br#"{"isAuthorized":true}"#;
        Opinion::read(&InvokeResult::Answer(payload), Answers::Simple).unwrap()
    }

    fn key(token: &str) -> CacheKey {
        CacheKey::new("auth", &[token.to_owned()]).unwrap()
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn an_opinion_is_remembered_for_its_time() {
        let mut cache = Cache::new(10);
        cache.remember(key("a"), opinion(), MINUTE, 1000);
        assert!(cache.find(&key("a"), 1000).is_some());
        assert!(cache.find(&key("a"), 60_999).is_some());
        assert!(cache.find(&key("a"), 61_000).is_none());
        assert!(cache.find(&key("b"), 1000).is_none());
        let other = CacheKey::new("other", &["a".to_owned()]).unwrap();
        assert!(cache.find(&other, 1000).is_none());
        cache.remember(key("a"), opinion(), Duration::from_secs(9999), 0);
        assert!(cache.find(&key("a"), 3_599_999).is_some());
        assert!(cache.find(&key("a"), 3_600_000).is_none());
        cache.clear();
        assert!(cache.find(&key("a"), 0).is_none());
    }

    #[test]
    fn no_time_and_no_identity_are_not_remembered() {
        let mut cache = Cache::new(10);
        cache.remember(key("a"), opinion(), MINUTE, 0);
        cache.remember(key("a"), opinion(), HTTP_TTL, 0);
        assert!(cache.find(&key("a"), 0).is_none());
        assert_eq!(CacheKey::new("auth", &[]), None);
    }

    #[test]
    fn what_would_be_forgotten_next_goes_first() {
        let mut cache = Cache::new(2);
        cache.remember(key("short"), opinion(), MINUTE, 0);
        cache.remember(key("long"), opinion(), MINUTE * 5, 0);
        cache.remember(key("new"), opinion(), MINUTE, 1);
        assert!(cache.find(&key("short"), 1).is_none());
        assert!(cache.find(&key("long"), 1).is_some());
        assert!(cache.find(&key("new"), 1).is_some());
    }

    #[test]
    fn keys_do_not_print() {
        assert!(!format!("{:?}", key("secret")).contains("secret"));
    }

    proptest! {
        #[test]
        fn it_never_holds_more_than_it_may(tokens in prop::collection::vec("[a-f]{1,2}", 0..60), most in 0_usize..5) {
            let mut cache = Cache::new(most);
            for (now, token) in tokens.iter().enumerate() {
                cache.remember(key(token), opinion(), MINUTE, now as u64);
                prop_assert!(cache.opinions.len() <= most);
            }
        }
    }
}
