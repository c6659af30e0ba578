//! How many control-plane calls the account may make in a second
//! (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html#api-requests>).

use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

/// A bucket that holds a second's worth of calls, and fills evenly.
pub(crate) struct Rate {
    /// One call's share of a second.
    share: Duration,
    /// When the bucket is full again.
    full: Mutex<Instant>,
}

impl Rate {
    pub(crate) fn new(calls: NonZeroU32, now: Instant) -> Self {
        Self {
            share: SECOND / calls.get(),
            full: Mutex::new(now),
        }
    }

    /// Takes one call out of the bucket, if one is in it.
    pub(crate) fn take(&self, now: Instant) -> bool {
        let mut full = self.full.lock().unwrap_or_else(PoisonError::into_inner);
        let then = (*full).max(now) + self.share;
        let enough = then <= now + SECOND;
        if enough {
            *full = then;
        }
        enough
    }
}

/// Whether an operation counts: `GetFunction` has a limit of its own, and
/// invocations have others.
pub(crate) fn is_control_plane(action: &str) -> bool {
    !action.starts_with("Invoke") && action != "GetFunction"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(rate: &Rate, now: Instant, tries: usize) -> usize {
        (0..tries).filter(|_| rate.take(now)).count()
    }

    #[test]
    fn a_bucket_is_emptied_at_once_and_fills_evenly() {
        let start = Instant::now();
        for calls in [1, 3, 15] {
            let rate = Rate::new(NonZeroU32::MIN.saturating_add(calls - 1), start);
            let calls = calls as usize;
            assert_eq!(taken(&rate, start, 100), calls);
            let share = SECOND / u32::try_from(calls).unwrap_or(1);
            assert_eq!(taken(&rate, start + share, 100), 1);
            assert_eq!(taken(&rate, start + share, 100), 0);
            // No more than it holds, however long nobody calls.
            assert_eq!(taken(&rate, start + 60 * SECOND, 100), calls);
        }
    }

    #[test]
    fn invocations_and_get_function_do_not_count() {
        let counted = |it: &&str| is_control_plane(it);
        let all = [
            "Invoke",
            "InvokeWithResponseStream",
            "GetFunction",
            "GetFunctionConfiguration",
        ];
        let all: Vec<&str> = all.into_iter().filter(counted).collect();
        assert_eq!(all, ["GetFunctionConfiguration"]);
    }
}
