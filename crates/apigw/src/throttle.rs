//! A token bucket, as API Gateway limits requests by.
//!
//! `rate` tokens are added each second, up to `burst` of them; a request takes one
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html>).

/// A rate and a burst.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// Requests a second in the long run.
    pub rate: f64,
    /// Requests that may come at once.
    pub burst: u32,
}

/// Tokens of one [`Limit`]. It is as small as a connection that has one can afford.
#[derive(Debug, Clone, PartialEq)]
pub struct Bucket {
    limit: Limit,
    tokens: f64,
    at_ms: u64,
}

impl Bucket {
    /// A full bucket.
    #[must_use]
    pub fn new(limit: Limit, now_ms: u64) -> Self {
        Self {
            limit,
            tokens: f64::from(limit.burst),
            at_ms: now_ms,
        }
    }

    /// Takes a token, if there is one. A clock that goes backwards adds nothing.
    pub fn take(&mut self, now_ms: u64) -> bool {
        self.fill(now_ms);
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }

    /// Whether it is as good as new, so that whoever keeps one per client can forget it.
    #[must_use]
    pub fn is_full(&mut self, now_ms: u64) -> bool {
        self.fill(now_ms);
        self.tokens >= f64::from(self.limit.burst)
    }

    /// Another limit from now on: what was taken stays taken.
    pub fn set_limit(&mut self, limit: Limit, now_ms: u64) {
        self.fill(now_ms);
        self.limit = limit;
        self.tokens = self.tokens.min(f64::from(limit.burst));
    }

    fn fill(&mut self, now_ms: u64) {
        #[expect(clippy::cast_precision_loss, reason = "exact for 285,000 years")]
        let seconds = now_ms.saturating_sub(self.at_ms) as f64 / 1000.0;
        let rate = if self.limit.rate.is_finite() {
            self.limit.rate.max(0.0)
        } else {
            0.0
        };
        self.tokens = (self.tokens + seconds * rate).min(f64::from(self.limit.burst));
        self.at_ms = self.at_ms.max(now_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TWO: Limit = Limit {
        rate: 2.0,
        burst: 3,
    };

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let mut bucket = Bucket::new(TWO, 1_000);
        let burst: Vec<bool> = (0..4).map(|_| bucket.take(1_000)).collect();
        assert_eq!(burst, [true, true, true, false]);
        assert!(!bucket.take(1_499));
        assert!(bucket.take(1_500));
        assert!(!bucket.take(1_500));
    }

    #[test]
    fn a_bucket_does_not_overflow_and_is_full_again_in_time() {
        let mut bucket = Bucket::new(TWO, 0);
        assert!(bucket.take(0));
        assert!(!bucket.is_full(499));
        assert!(bucket.is_full(500));
        let burst: Vec<bool> = (0..4).map(|_| bucket.take(1_000_000)).collect();
        assert_eq!(burst, [true, true, true, false]);
    }

    #[test]
    fn a_clock_that_goes_back_neither_gives_nor_takes() {
        let mut bucket = Bucket::new(TWO, 10_000);
        assert!(bucket.take(10_000) && bucket.take(0) && bucket.take(0));
        assert!(!bucket.take(5_000));
        assert!(!bucket.take(10_499));
        assert!(bucket.take(10_500));
    }

    #[test]
    fn a_rate_of_nothing_lets_the_burst_in_and_no_more() {
        let limit = Limit {
            rate: 0.0,
            burst: 1,
        };
        let mut bucket = Bucket::new(limit, 0);
        assert!(bucket.take(0));
        assert!(!bucket.take(u64::MAX));
        let mut shut = Bucket::new(Limit { burst: 0, ..TWO }, 0);
        assert!(!shut.take(0) && !shut.take(100_000));
    }

    #[test]
    fn a_new_limit_keeps_what_was_taken() {
        let mut bucket = Bucket::new(TWO, 0);
        assert!(bucket.take(0));
        bucket.set_limit(
            Limit {
                rate: 1.0,
                burst: 1,
            },
            0,
        );
        assert!(bucket.take(0));
        assert!(!bucket.take(999));
        assert!(bucket.take(1_000));
    }

    proptest! {
        #[test]
        fn never_more_than_burst_and_rate_allow(
            steps in prop::collection::vec(0u64..3_000, 1..60),
        ) {
            let mut bucket = Bucket::new(TWO, 0);
            let (mut now, mut passed) = (0, 0.0);
            for step in steps {
                now += step;
                passed += f64::from(u8::from(bucket.take(now)));
                #[expect(clippy::cast_precision_loss, reason = "a few minutes")]
                let most = 3.0 + now as f64 / 1000.0 * 2.0;
                prop_assert!(passed <= most + 1e-6);
            }
        }
    }
}
