//! Distributions: sorted, and never a mean alone.

use serde_json::{Value, json};
use std::time::Duration;

/// Measured times, sorted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn of(times: impl IntoIterator<Item = Duration>) -> Self {
        let mut times: Vec<Duration> = times.into_iter().collect();
        times.sort_unstable();
        Self(times)
    }

    /// The smallest measured value that this share of all does not exceed.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a rank among some thousands"
        )]
        let rank = (share * self.0.len() as f64).ceil() as usize;
        let index = rank.clamp(1, self.0.len().max(1)) - 1;
        self.0.get(index).copied().unwrap_or_default()
    }

    pub(crate) fn min(&self) -> Duration {
        self.quantile(0.0)
    }

    pub(crate) fn p50(&self) -> Duration {
        self.quantile(0.5)
    }

    pub(crate) fn p99(&self) -> Duration {
        self.quantile(0.99)
    }

    pub(crate) fn max(&self) -> Duration {
        self.quantile(1.0)
    }

    /// How many a second, if so many were always under way.
    pub(crate) fn rate(&self, in_flight: usize) -> f64 {
        let total: Duration = self.0.iter().sum();
        #[expect(clippy::cast_precision_loss, reason = "some thousands")]
        let count = (self.0.len() * in_flight) as f64;
        count / total.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// How many were measured.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// `min 1.20, p50 1.34, p99 2.10, max 3.00 ms (n 300)`
    pub(crate) fn line(&self) -> String {
        let parts = [
            ("min", self.min()),
            ("p50", self.p50()),
            ("p99", self.p99()),
            ("max", self.max()),
        ];
        let parts = parts.map(|(name, time)| format!("{name} {}", number(millis(time))));
        format!("{} ms (n {})", parts.join(", "), self.count())
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({
            "minMs": millis(self.min()),
            "p50Ms": millis(self.p50()),
            "p99Ms": millis(self.p99()),
            "maxMs": millis(self.max()),
            "count": self.count(),
        })
    }
}

pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Three digits that matter.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        small if small < 10.0 => format!("{value:.2}"),
        middle if middle < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// `1.34 ms`
pub(crate) fn ms(time: Duration) -> String {
    format!("{} ms", number(millis(time)))
}

/// Above a floor; below it is below, and says so.
pub(crate) fn above(time: Duration, floor: Duration) -> f64 {
    millis(time) - millis(floor)
}

/// Millions of bytes.
pub(crate) fn mb(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits of it are printed")]
    let millions = bytes as f64 / 1e6;
    format!("{} MB", number(millions))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_a_value_that_was_measured() {
        let times = Times::of((1..=200).rev().map(Duration::from_millis));
        assert_eq!(times.min(), Duration::from_millis(1));
        assert_eq!(times.p50(), Duration::from_millis(100));
        assert_eq!(times.p99(), Duration::from_millis(198));
        assert_eq!(times.max(), Duration::from_millis(200));
        assert_eq!(Times::default().p99(), Duration::ZERO);
    }

    #[test]
    fn numbers_have_three_digits() {
        let printed = [0.123, 9.876, 45.67, 1147.3].map(number);
        assert_eq!(printed, ["0.12", "9.88", "45.7", "1147"]);
    }
}
