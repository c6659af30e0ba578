//! Time zones of IANA's database, which is built in: what a schedule means does not
//! depend on the machine that it is tried on.

use crate::hint::did_you_mean;
use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};

/// A time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// When clocks of a zone show a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// Then; where they are put back and show it twice, the first time.
    At(u64),
    /// Never: they are put forward over it. They would if they were put forward later.
    Never(u64),
}

impl Zone {
    /// Universal time.
    pub const UTC: Self = Self(TimeZone::UTC);

    /// The zone of that name, as IANA writes it.
    ///
    /// # Errors
    /// When there is none, with one that was meant.
    pub fn named(name: &str) -> Result<Self, String> {
        let zones = TimeZoneDatabase::bundled();
        match zones.get(name) {
            Ok(zone) if zone.iana_name() == Some(name) => Ok(Self(zone)),
            _ => {
                let known: Vec<String> = zones.available().map(|it| it.to_string()).collect();
                let hint = did_you_mean(name, known.iter().map(String::as_str));
                Err(format!(
                    "{name} is no time zone of IANA's database, such as Europe/Berlin.{hint}"
                ))
            }
        }
    }

    /// What clocks show at a second, as seconds since they showed the beginning of 1970.
    pub(super) fn local(&self, second: u64) -> u64 {
        let offset = timestamp(second).map_or(0, |it| self.0.to_offset(it).seconds());
        second.saturating_add_signed(offset.into())
    }

    /// When clocks show a time; none: behind the end of time.
    pub(super) fn shown(&self, local: u64) -> Option<Shown> {
        let shows = Offset::UTC.to_datetime(timestamp(local)?);
        let at = |offset: Offset| local.checked_sub_signed(offset.seconds().into());
        match self.0.to_ambiguous_timestamp(shows).offset() {
            AmbiguousOffset::Unambiguous { offset } => at(offset).map(Shown::At),
            AmbiguousOffset::Fold { before, .. } => at(before).map(Shown::At),
            AmbiguousOffset::Gap { before, .. } => at(before).map(Shown::Never),
        }
    }
}

fn timestamp(second: u64) -> Option<Timestamp> {
    Timestamp::from_second(i64::try_from(second).ok()?).ok()
}
