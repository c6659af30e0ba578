//! How often a stage's routes may be asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tether_apigw::throttle::{Bucket, Limit};
use tether_sam::api::{ApiRoute, Throttle};

/// One route's limit in one stage. Limits of a stage hold for each of its routes
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html>).
pub(crate) struct Limiter {
    label: String,
    pub(crate) throttle: Throttle,
    bucket: Mutex<Bucket>,
}

impl Limiter {
    /// Takes a token, if there is one.
    pub(crate) fn take(&self, now_ms: u64) -> bool {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        bucket.take(now_ms)
    }

    /// What a developer is told when it was too much.
    pub(crate) fn complaint(&self) -> String {
        let Throttle { burst, rate } = self.throttle;
        format!(
            "more requests than the stage allows ({rate} a second, {burst} at once): send fewer, or raise ThrottlingRateLimit and ThrottlingBurstLimit"
        )
    }
}

/// The limits of routes, by their places. Those of before go on where they are the same.
pub(crate) fn limiters(
    routes: &[ApiRoute],
    throttles: &BTreeMap<String, Throttle>,
    before: &[Option<Arc<Limiter>>],
    now_ms: u64,
) -> Vec<Option<Arc<Limiter>>> {
    let of = |route: &ApiRoute| {
        let throttle = *throttle(route, throttles)?;
        let label = crate::front::label(route);
        let same = |it: &&Arc<Limiter>| it.label == label && it.throttle == throttle;
        if let Some(same) = before.iter().flatten().find(same) {
            return Some(Arc::clone(same));
        }
        let limit = Limit {
            rate: throttle.rate,
            burst: throttle.burst,
        };
        Some(Arc::new(Limiter {
            label,
            throttle,
            bucket: Mutex::new(Bucket::new(limit, now_ms)),
        }))
    };
    routes.iter().map(of).collect()
}

/// The nearest setting: the route's own, its path's, its method's, the stage's.
fn throttle<'a>(
    route: &ApiRoute,
    throttles: &'a BTreeMap<String, Throttle>,
) -> Option<&'a Throttle> {
    let (method, path) = (&route.method, &route.path);
    throttles
        .get(&crate::front::label(route))
        .or_else(|| throttles.get(&format!("* {path}")))
        .or_else(|| throttles.get(&format!("{method} /*")))
        .or_else(|| throttles.get("* /*"))
}
