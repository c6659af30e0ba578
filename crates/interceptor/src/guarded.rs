//! A bug of ours is no reason for a function to fail: work that panics is work
//! that has come to nothing.

use futures_util::FutureExt as _;
use std::panic::AssertUnwindSafe;

/// Said in the function's log.
pub(crate) const BUG: &str = "a bug of tether's: please report it";

/// What some work comes to; none: it has panicked.
pub(crate) async fn guarded<T>(work: impl Future<Output = T>) -> Option<T> {
    AssertUnwindSafe(work).catch_unwind().await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_panics_has_come_to_nothing() {
        assert_eq!(guarded(async { 1 }).await, Some(1));
        let nothing: Option<u32> = guarded(async { panic!("a bug") }).await;
        assert_eq!(nothing, None);
    }
}
