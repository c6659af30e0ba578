//! When a rule or a schedule runs: an expression, in a time zone, between two dates.

use super::calendar::{self, Minute};
use super::cron::Cron;
use super::zone::{Shown, Zone};
use super::{Schedule, Times};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    when: Schedule,
    zone: Zone,
    /// Rates count from here.
    anchor: u64,
    /// Nothing runs before.
    from: u64,
    /// Nothing runs behind it.
    until: u64,
}

/// The dates between which a schedule runs, in seconds since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bounds {
    /// `StartDate`
    pub start: Option<u64>,
    /// `EndDate`
    pub end: Option<u64>,
}

impl Plan {
    /// Of a rule that was made then: a rate has passed once before it runs.
    #[must_use]
    pub fn of_rule(when: Schedule, made: u64) -> Self {
        let anchor = match &when {
            Schedule::Rate(period) => made.saturating_add(period.as_secs()),
            _ => made,
        };
        Self {
            when,
            zone: Zone::UTC,
            anchor,
            from: made.saturating_add(1),
            until: u64::MAX,
        }
    }

    /// Of a schedule that was made then. Rates count from its start, and run at it; without
    /// one, they run at once. What runs once does so whatever its bounds are
    /// (<https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html>).
    #[must_use]
    pub fn of_schedule(when: Schedule, zone: Zone, bounds: Bounds, made: u64) -> Self {
        let bounds = match when {
            Schedule::At(_) => Bounds::default(),
            _ => bounds,
        };
        let anchor = bounds.start.unwrap_or(made);
        Self {
            when,
            zone,
            anchor,
            from: anchor.max(made),
            until: bounds.end.unwrap_or(u64::MAX),
        }
    }

    /// When it runs next behind that second, in seconds since 1970; none: never again.
    #[must_use]
    pub fn next(&self, behind: u64) -> Option<u64> {
        let from = behind.saturating_add(1).max(self.from);
        let next = match &self.when {
            Schedule::Rate(period) => {
                let period = period.as_secs();
                let passed = from.saturating_sub(self.anchor).div_ceil(period);
                self.anchor.checked_add(passed.checked_mul(period)?)?
            }
            Schedule::Cron(Times(cron)) => self.next_of(cron, from)?,
            Schedule::At(time) => match self.zone.shown(*time)? {
                // [inf] AWS says what becomes of a cron(…) then, and nothing of this.
                Shown::At(at) | Shown::Never(at) => at,
            },
        };
        (from <= next && next <= self.until).then_some(next)
    }

    /// Times over which clocks are put forward are left out, and those that they show twice
    /// run once, the first time.
    /// <https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#daylist-savings-time>
    fn next_of(&self, cron: &Cron, from: u64) -> Option<u64> {
        let mut behind = self.zone.local(from.checked_sub(1)?);
        loop {
            behind = cron.next(Minute::behind(behind)?)?.seconds();
            match self.zone.shown(behind)? {
                Shown::At(at) if at >= from => return Some(at),
                _ => {}
            }
        }
    }
}

/// A `StartDate` or an `EndDate`: `2030-01-01T01:00:00Z`, with an offset or in UTC.
///
/// # Errors
/// When it is none.
pub fn date(text: &str) -> Result<u64, String> {
    let with_offset = || {
        let moment: jiff::Timestamp = text.parse().ok()?;
        u64::try_from(moment.as_second()).ok()
    };
    calendar::seconds(text)
        .or_else(with_offset)
        .ok_or_else(|| format!("{text} is no date of the form yyyy-mm-ddThh:mm:ssZ"))
}
