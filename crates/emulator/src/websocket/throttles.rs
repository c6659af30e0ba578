//! Who has to wait: messages beyond their route's throttle, and connections
//! beyond the account's.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use tether_apigw::websocket::throttle::{ACCOUNT, Bucket, Limit};
use tether_sam::{RouteThrottle, Stage};

/// New connections, over all APIs.
pub(crate) struct Connects(Option<(Limit, Mutex<Bucket>)>);

impl Connects {
    pub(crate) fn new(a_second: Option<NonZeroU32>) -> Self {
        let limit = a_second.map(|it| Limit::per_second(f64::from(it.get())));
        Self(limit.map(|it| (it, Mutex::new(Bucket::full()))))
    }

    /// Whether one more is let in.
    pub(super) fn take(&self) -> bool {
        let Some((limit, bucket)) = &self.0 else {
            return true;
        };
        let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        bucket.take(limit, tether_host::now().0)
    }
}

/// The throttles of a stage: each route that has one of its own has a bucket of
/// its own, and all others share the stage's `[inf]`.
pub(super) struct Throttles {
    stage: (Limit, Mutex<Bucket>),
    routes: HashMap<String, (Limit, Mutex<Bucket>)>,
}

impl Throttles {
    pub(super) fn of(stage: &Stage) -> Self {
        let bucket = |limit| (limit, Mutex::new(Bucket::full()));
        let usual = stage.throttle.map_or(ACCOUNT, |it| limit(it, ACCOUNT));
        let routes = stage.route_throttles.iter();
        let routes = routes.map(|(key, it)| (key.clone(), bucket(limit(*it, usual))));
        Self {
            stage: bucket(usual),
            routes: routes.collect(),
        }
    }

    /// Whether one more is let through.
    pub(super) fn take(&self, route_key: &str) -> bool {
        let (limit, bucket) = self.routes.get(route_key).unwrap_or(&self.stage);
        let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        bucket.take(limit, tether_host::now().0)
    }
}

fn limit(given: RouteThrottle, otherwise: Limit) -> Limit {
    Limit {
        burst: given.burst.unwrap_or(otherwise.burst),
        rate: given.rate.unwrap_or(otherwise.rate),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_route_has_its_own_bucket_and_the_others_share_one() {
        let throttle = |burst| RouteThrottle {
            burst: Some(burst),
            rate: Some(0.0),
        };
        let throttles = Throttles::of(&Stage {
            logical_id: "Stage".to_owned(),
            name: "live".to_owned(),
            variables: BTreeMap::new(),
            throttle: Some(throttle(2.0)),
            route_throttles: [("send".to_owned(), throttle(1.0))].into(),
        });
        let taken = ["send", "send", "join", "leave", "join"].map(|it| throttles.take(it));
        assert_eq!(taken, [true, false, true, true, false]);
    }

    #[test]
    fn connections_are_let_in_up_to_a_number_or_all() {
        let few = Connects::new(NonZeroU32::new(2));
        assert_eq!([few.take(), few.take(), few.take()], [true, true, false]);
        let all = Connects::new(None);
        assert!((0..10_000).all(|_| all.take()));
    }
}
