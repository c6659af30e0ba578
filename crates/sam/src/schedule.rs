//! Schedules of `rate(…)`.

use std::time::Duration;

/// The period of `rate(n unit)`, where the unit is minutes, hours or days; `None` for anything
/// else, `cron(…)` and `at(…)` among them.
///
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html>
pub fn schedule_period(expr: &str) -> Option<Duration> {
    let inner = expr.trim().strip_prefix("rate(")?.strip_suffix(')')?;
    let (count, unit) = inner.trim().split_once(char::is_whitespace)?;
    let count: u64 = count.parse().ok().filter(|count| *count > 0)?;
    let seconds = match unit.trim() {
        "minute" | "minutes" => 60,
        "hour" | "hours" => 60 * 60,
        "day" | "days" => 24 * 60 * 60,
        _ => return None,
    };
    count.checked_mul(seconds).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_have_periods() {
        let seconds = |expr| schedule_period(expr).map(|it| it.as_secs());
        assert_eq!(seconds("rate(1 minute)"), Some(60));
        assert_eq!(seconds("rate(5 minutes)"), Some(300));
        assert_eq!(seconds("rate(2 hours)"), Some(7200));
        assert_eq!(seconds(" rate( 1 day ) "), Some(86400));
    }

    #[test]
    fn nothing_else_has() {
        for expr in [
            "cron(0 12 * * ? *)",
            "rate(0 minutes)",
            "rate(-1 hours)",
            "rate(5 weeks)",
            "rate(5)",
            "rate(99999999999999999999 days)",
            "rate(18446744073709551615 days)",
            "",
        ] {
            assert_eq!(schedule_period(expr), None, "{expr}");
        }
    }
}
