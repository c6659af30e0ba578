//! AWS's cron: minutes, hours, day of month, month, day of week, year.

use super::calendar::{Date, LAST_YEAR, Minute, length};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

const SATURDAY: u8 = 7;
const SUNDAY: u8 = 1;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cron {
    minutes: BTreeSet<u16>,
    hours: BTreeSet<u16>,
    days: Days,
    months: BTreeSet<u16>,
    years: BTreeSet<u16>,
}

/// On which days of a month: one of the two fields says so, the other one is `?`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Days {
    OfMonth(BTreeSet<u16>),
    /// `L`
    LastOfMonth,
    /// `3W`: the weekday nearest to the third, in the same month.
    NearestWeekday(u8),
    OfWeek(BTreeSet<u16>),
    /// `6L`: the last Friday.
    LastOfWeekday(u8),
    /// `3#2`: the second Tuesday.
    Nth(u8, u8),
}

/// What a field may say.
struct Field {
    name: &'static str,
    range: RangeInclusive<u16>,
    names: &'static [&'static str],
}

const MINUTES: Field = field("minutes", 0..=59, &[]);
const HOURS: Field = field("hours", 0..=23, &[]);
const DAY_OF_MONTH: Field = field("day of month", 1..=31, &[]);
const MONTH: Field = field("month", 1..=12, &MONTHS);
const DAY_OF_WEEK: Field = field("day of week", 1..=7, &WEEKDAYS);
const YEAR: Field = field("year", 1970..=LAST_YEAR, &[]);

const fn field(
    name: &'static str,
    range: RangeInclusive<u16>,
    names: &'static [&'static str],
) -> Field {
    Field { name, range, names }
}

impl Field {
    fn wrong(&self, text: &str) -> String {
        let (least, most) = (self.range.start(), self.range.end());
        format!("{text} is no {} of a cron(…): {least} to {most}", self.name)
    }

    fn value(&self, text: &str) -> Option<u16> {
        let named = self
            .names
            .iter()
            .position(|it| it.eq_ignore_ascii_case(text));
        let value = match named {
            Some(index) => u16::try_from(index).ok()? + 1,
            None => text.parse().ok()?,
        };
        self.range.contains(&value).then_some(value)
    }

    /// `*`, `5`, `1-5`, `0/15`, `MON,WED`
    fn set(&self, text: &str) -> Result<BTreeSet<u16>, String> {
        let mut set = BTreeSet::new();
        for part in text.split(',') {
            let values = self.part(part).ok_or_else(|| self.wrong(part))?;
            set.extend(values);
        }
        Ok(set)
    }

    fn part(&self, part: &str) -> Option<impl Iterator<Item = u16> + use<>> {
        let (span, step) = match part.split_once('/') {
            Some((span, step)) => (span, Some(step.parse().ok().filter(|it| *it > 0)?)),
            None => (part, None),
        };
        let most = *self.range.end();
        let (first, last) = match span.split_once('-') {
            Some((first, last)) => (self.value(first)?, self.value(last)?),
            None if span == "*" => (*self.range.start(), most),
            // `5/10` goes on to the end; `5` does not.
            None => {
                let first = self.value(span)?;
                (first, if step.is_some() { most } else { first })
            }
        };
        (first <= last).then(|| (first..=last).step_by(step.unwrap_or(1)))
    }
}

impl Cron {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, day, month, weekday, year] = fields.as_slice() else {
            let count = fields.len();
            return Err(format!("cron({text}) has {count} fields, and needs six"));
        };
        Ok(Self {
            minutes: MINUTES.set(minutes)?,
            hours: HOURS.set(hours)?,
            days: days(day, weekday)?,
            months: MONTH.set(month)?,
            years: YEAR.set(year)?,
        })
    }

    /// Its first minute from this one on.
    pub(super) fn next(&self, from: Minute) -> Option<Minute> {
        if let Some(found) = self.on(from.date, (from.hour, from.minute)) {
            return Some(found);
        }
        let mut date = from.date;
        let last = *self.years.last()?;
        loop {
            date = date.tomorrow().filter(|it| it.year <= last)?;
            if let Some(found) = self.on(date, (0, 0)) {
                return Some(found);
            }
        }
    }

    /// Its first minute of a day, from a time on.
    fn on(&self, date: Date, from: (u8, u8)) -> Option<Minute> {
        let fits = self.years.contains(&date.year)
            && self.months.contains(&date.month.into())
            && self.days.fit(date);
        if !fits {
            return None;
        }
        for hour in &self.hours {
            let hour = u8::try_from(*hour).ok()?;
            for minute in &self.minutes {
                let minute = u8::try_from(*minute).ok()?;
                if (hour, minute) >= from {
                    return Some(Minute { date, hour, minute });
                }
            }
        }
        None
    }
}

/// "You can't use * in both the Day-of-month and Day-of-week fields. If you use it in one, you
/// must use ? in the other."
fn days(day: &str, weekday: &str) -> Result<Days, String> {
    match (day, weekday) {
        ("?", "?") => Err("both days of a cron(…) are ?: one of them says which".to_owned()),
        (day, "?") => of_month(day),
        ("?", weekday) => of_week(weekday),
        _ => Err(
            "a cron(…) says its days of month or its days of week: the other one is ?".to_owned(),
        ),
    }
}

fn small(field: &Field, text: &str) -> Result<u8, String> {
    let value = field.value(text).and_then(|it| u8::try_from(it).ok());
    value.ok_or_else(|| field.wrong(text))
}

fn of_month(text: &str) -> Result<Days, String> {
    if text == "L" {
        return Ok(Days::LastOfMonth);
    }
    match text.strip_suffix('W') {
        Some(day) => small(&DAY_OF_MONTH, day).map(Days::NearestWeekday),
        None => DAY_OF_MONTH.set(text).map(Days::OfMonth),
    }
}

fn of_week(text: &str) -> Result<Days, String> {
    if text == "L" {
        return Ok(Days::OfWeek(BTreeSet::from([SATURDAY.into()])));
    }
    if let Some((day, which)) = text.split_once('#') {
        let which = which.parse().ok().filter(|it| (1..=5).contains(it));
        let which = which.ok_or_else(|| DAY_OF_WEEK.wrong(text))?;
        return Ok(Days::Nth(small(&DAY_OF_WEEK, day)?, which));
    }
    match text.strip_suffix('L') {
        Some(day) => small(&DAY_OF_WEEK, day).map(Days::LastOfWeekday),
        None => DAY_OF_WEEK.set(text).map(Days::OfWeek),
    }
}

impl Days {
    fn fit(&self, date: Date) -> bool {
        let last = length(date.year, date.month);
        match self {
            Self::OfMonth(days) => days.contains(&date.day.into()),
            Self::LastOfMonth => date.day == last,
            Self::NearestWeekday(day) => nearest_weekday(date, *day) == Some(date.day),
            Self::OfWeek(days) => days.contains(&date.weekday().into()),
            Self::LastOfWeekday(day) => date.weekday() == *day && date.day + 7 > last,
            Self::Nth(day, which) => date.weekday() == *day && (date.day - 1) / 7 + 1 == *which,
        }
    }
}

/// The weekday that is nearest to a day of this month; none if there is no such day in it.
fn nearest_weekday(date: Date, day: u8) -> Option<u8> {
    let last = length(date.year, date.month);
    if day > last {
        return None;
    }
    let nearest = match (Date { day, ..date }).weekday() {
        SATURDAY if day == 1 => 3,
        SATURDAY => day - 1,
        SUNDAY if day == last => day - 2,
        SUNDAY => day + 1,
        _ => day,
    };
    Some(nearest)
}
