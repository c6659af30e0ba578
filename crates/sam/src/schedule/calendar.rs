//! Days and minutes in UTC.

/// AWS's schedules end here.
pub(super) const LAST_YEAR: u16 = 2199;

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 60 * MINUTE;

/// A day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Date {
    pub(super) year: u16,
    pub(super) month: u8,
    pub(super) day: u8,
}

/// A minute of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Minute {
    pub(super) date: Date,
    pub(super) hour: u8,
    pub(super) minute: u8,
}

pub(super) fn is_leap(year: u16) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

pub(super) fn length(year: u16, month: u8) -> u8 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl Date {
    /// None: behind the last year.
    pub(super) fn tomorrow(self) -> Option<Self> {
        let Self { year, month, day } = self;
        let (year, month, day) = if day < length(year, month) {
            (year, month, day + 1)
        } else if month < 12 {
            (year, month + 1, 1)
        } else {
            (year + 1, 1, 1)
        };
        (year <= LAST_YEAR).then_some(Self { year, month, day })
    }

    /// Since 1970-01-01.
    fn days(self) -> u64 {
        let years = 1970..self.year;
        let years: u64 = years.map(|it| if is_leap(it) { 366 } else { 365 }).sum();
        let months = 1..self.month;
        let months: u64 = months.map(|it| u64::from(length(self.year, it))).sum();
        years + months + u64::from(self.day) - 1
    }

    fn of(days: u64) -> Option<Self> {
        let mut rest = days;
        let mut year = 1970;
        loop {
            let length = if is_leap(year) { 366 } else { 365 };
            if rest < length {
                break;
            }
            rest -= length;
            year += 1;
            if year > LAST_YEAR {
                return None;
            }
        }
        let mut month = 1;
        while rest >= u64::from(length(year, month)) {
            rest -= u64::from(length(year, month));
            month += 1;
        }
        let day = u8::try_from(rest).ok()? + 1;
        Some(Self { year, month, day })
    }

    /// 1 is Sunday, 7 Saturday, as AWS counts.
    pub(super) fn weekday(self) -> u8 {
        // 1970-01-01 was a Thursday.
        let day = (self.days() + 4) % 7;
        u8::try_from(day).unwrap_or(0) + 1
    }
}

impl Minute {
    /// The first whole minute behind a second.
    pub(super) fn behind(second: u64) -> Option<Self> {
        let minutes = second / MINUTE + 1;
        let date = Date::of(minutes * MINUTE / DAY)?;
        let of_day = minutes % (24 * 60);
        Some(Self {
            date,
            hour: u8::try_from(of_day / 60).ok()?,
            minute: u8::try_from(of_day % 60).ok()?,
        })
    }

    pub(super) fn seconds(self) -> u64 {
        let minutes = u64::from(self.hour) * 60 + u64::from(self.minute);
        self.date.days() * DAY + minutes * MINUTE
    }
}

/// `2026-11-20T13:00:00`, in UTC.
pub(super) fn seconds(text: &str) -> Option<u64> {
    let (date, time) = text.split_once('T')?;
    let parts = |text: &str, separator: char| -> Option<Vec<u16>> {
        let parts = text.split(separator);
        let digits = |it: &str| it.len() >= 2 && it.bytes().all(|it| it.is_ascii_digit());
        parts
            .map(|it| digits(it).then(|| it.parse().ok()).flatten())
            .collect()
    };
    let (date, time) = (parts(date, '-')?, parts(time, ':')?);
    let ([year, month, day], [hour, minute, second]) = (&*date, &*time) else {
        return None;
    };
    let small = |it: &u16| u8::try_from(*it).ok();
    let date = Date {
        year: *year,
        month: small(month)?,
        day: small(day)?,
    };
    let exists = (1970..=LAST_YEAR).contains(year)
        && (1..=12).contains(&date.month)
        && (1..=length(*year, date.month)).contains(&date.day)
        && (*hour < 24 && *minute < 60 && *second < 60);
    let minute = Minute {
        date,
        hour: small(hour)?,
        minute: small(minute)?,
    };
    exists.then(|| minute.seconds() + u64::from(*second))
}
