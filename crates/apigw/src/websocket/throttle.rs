//! How many messages and connections there may be in a second: token buckets.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-protect.html>

/// What an account has for all its APIs, where stages say nothing of their own.
pub const ACCOUNT: Limit = Limit {
    burst: 5_000.0,
    rate: 10_000.0,
};

/// The size of a bucket, and how fast it fills.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// How many at once.
    pub burst: f64,
    /// How many a second, on and on.
    pub rate: f64,
}

impl Limit {
    /// So many a second, and as many at once.
    #[must_use]
    pub fn per_second(count: f64) -> Self {
        Self {
            burst: count,
            rate: count,
        }
    }
}

/// What is left of a limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    spent: f64,
    at_ms: u64,
}

impl Bucket {
    /// A full one.
    #[must_use]
    pub fn full() -> Self {
        Self {
            spent: 0.0,
            at_ms: 0,
        }
    }

    /// Whether it is as good as a new one.
    #[must_use]
    pub fn is_full(&self, limit: &Limit, now_ms: u64) -> bool {
        let mut later = *self;
        later.fill(limit, now_ms);
        later.spent <= 0.0
    }

    fn fill(&mut self, limit: &Limit, now_ms: u64) {
        #[expect(clippy::cast_precision_loss, reason = "a span of time, in seconds")]
        let seconds = now_ms.saturating_sub(self.at_ms) as f64 / 1000.0;
        self.spent = (self.spent - seconds * limit.rate).max(0.0);
        self.at_ms = self.at_ms.max(now_ms);
    }

    /// Takes one out, if one is in it. A clock that goes back fills nothing.
    pub fn take(&mut self, limit: &Limit, now_ms: u64) -> bool {
        self.fill(limit, now_ms);
        let enough = self.spent + 1.0 <= limit.burst;
        if enough {
            self.spent += 1.0;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_240_000_000;

    fn taken(bucket: &mut Bucket, limit: &Limit, now: u64) -> usize {
        (0..1000).take_while(|_| bucket.take(limit, now)).count()
    }

    #[test]
    fn it_is_emptied_at_once_and_fills_evenly() {
        let limit = Limit {
            burst: 5.0,
            rate: 2.0,
        };
        let mut bucket = Bucket::full();
        assert_eq!(taken(&mut bucket, &limit, NOW), 5);
        assert_eq!(taken(&mut bucket, &limit, NOW + 499), 0);
        assert_eq!(taken(&mut bucket, &limit, NOW + 500), 1);
        assert!(!bucket.is_full(&limit, NOW + 600));
        assert!(bucket.is_full(&limit, NOW + 60_000));
        assert_eq!(taken(&mut bucket, &limit, NOW + 60_000), 5);
        assert_eq!(taken(&mut bucket, &limit, NOW), 0);
    }

    #[test]
    fn a_limit_of_nothing_lets_nothing_through() {
        let nothing = Limit::per_second(0.0);
        assert_eq!(taken(&mut Bucket::full(), &nothing, NOW), 0);
        assert_eq!(taken(&mut Bucket::full(), &Limit::per_second(3.0), NOW), 3);
    }
}
