//! When rules and schedules run: `rate(…)`, `cron(…)` and `at(…)`.
//!
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html>
//! <https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html>

mod calendar;
mod cron;
mod plan;
mod zone;

pub use plan::{Bounds, Plan, date};
pub use zone::Zone;

use cron::Cron;
use std::time::Duration;

/// When something runs, as its expression says it; see [`Plan`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// `rate(5 minutes)`: again and again, from when it is made.
    Rate(Duration),
    /// `cron(0 12 * * ? *)`: in each minute that it fits.
    Cron(Times),
    /// `at(2026-11-20T13:00:00)`: once, when clocks show that, in seconds since they showed
    /// the beginning of 1970.
    At(u64),
}

/// The minutes of a `cron(…)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Times(Cron);

impl Schedule {
    /// Reads an expression of the scheduler, which takes a `cron(…)` without its year.
    ///
    /// # Errors
    /// What AWS would not take, and why.
    pub fn parse_of_scheduler(expression: &str) -> Result<Self, String> {
        let fields = expression.trim().strip_prefix("cron(");
        match fields.and_then(|it| it.strip_suffix(')')) {
            Some(fields) if fields.split_whitespace().count() == 5 => {
                Self::parse(&format!("cron({fields} *)"))
            }
            _ => Self::parse(expression),
        }
    }

    /// Reads an expression.
    ///
    /// # Errors
    /// What AWS would not take, and why.
    pub fn parse(expression: &str) -> Result<Self, String> {
        let text = expression.trim();
        let inner = |name: &str| {
            let rest = text.strip_prefix(name)?.strip_prefix('(')?;
            rest.strip_suffix(')').map(str::trim)
        };
        if let Some(rate) = inner("rate") {
            let period = period(rate);
            let wrong = || format!("rate({rate}) is not a number of minutes, hours or days");
            return period.map(Self::Rate).ok_or_else(wrong);
        }
        if let Some(fields) = inner("cron") {
            return Ok(Self::Cron(Times(Cron::parse(fields)?)));
        }
        if let Some(time) = inner("at") {
            let wrong = || format!("at({time}) is not of the form yyyy-mm-ddThh:mm:ss");
            return calendar::seconds(time).map(Self::At).ok_or_else(wrong);
        }
        Err(format!(
            "{text} is none of rate(…), cron(…) and at(…): write for example rate(5 minutes)"
        ))
    }
}

/// The period of `n unit`, where the unit is minutes, hours or days.
fn period(text: &str) -> Option<Duration> {
    let (count, unit) = text.split_once(char::is_whitespace)?;
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
#[path = "schedule_tests.rs"]
mod tests;
