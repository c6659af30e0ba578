//! Waiting that costs nothing where there is nothing to wait for: a timer that
//! is over already still takes up to its next tick, a millisecond.

use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

pub(crate) async fn pause(span: Duration) {
    if !span.is_zero() {
        sleep(span).await;
    }
}

pub(crate) async fn until(due: Instant) {
    if due > Instant::now() {
        sleep_until(due).await;
    }
}
