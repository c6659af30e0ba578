#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use super::calendar::Date;
use super::*;
use proptest::prelude::*;

fn at(text: &str) -> u64 {
    calendar::seconds(text).unwrap()
}

/// The next time behind another one, as `at(…)` writes it.
fn next(expression: &str, now: &str) -> String {
    let next = Schedule::parse(expression).unwrap().next(at(now));
    next.map_or_else(|| "never".to_owned(), written)
}

fn written(second: u64) -> String {
    let minute = Minute::behind(second - 60).unwrap();
    let Date { year, month, day } = minute.date;
    let (hour, minute) = (minute.hour, minute.minute);
    format!(
        "{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}",
        second % 60
    )
}

#[test]
fn rates_have_periods() {
    let seconds = |expression| match Schedule::parse(expression) {
        Ok(Schedule::Rate(period)) => Some(period.as_secs()),
        _ => None,
    };
    assert_eq!(seconds("rate(1 minute)"), Some(60));
    assert_eq!(seconds("rate(5 minutes)"), Some(300));
    assert_eq!(seconds("rate(2 hours)"), Some(7200));
    assert_eq!(seconds(" rate( 1 day ) "), Some(86400));
}

#[test]
fn what_is_no_schedule_is_refused_by_what_is_wrong() {
    for (expression, why) in [
        ("", "none of rate(…)"),
        ("rate(0 minutes)", "not a number of minutes"),
        ("rate(-1 hours)", "not a number"),
        ("rate(5 weeks)", "not a number"),
        ("rate(5)", "not a number"),
        ("rate(99999999999999999999 days)", "not a number"),
        ("rate(18446744073709551615 days)", "not a number"),
        ("cron(0 12 * * ?)", "has 5 fields, and needs six"),
        ("cron(0 12 * * * *)", "the other one is ?"),
        ("cron(0 12 ? * ? *)", "both days"),
        (
            "cron(60 12 * * ? *)",
            "60 is no minutes of a cron(…): 0 to 59",
        ),
        ("cron(0 24 * * ? *)", "24 is no hours"),
        ("cron(0 0 0 * ? *)", "0 is no day of month"),
        ("cron(0 0 * 13 ? *)", "13 is no month"),
        ("cron(0 0 ? * 8 *)", "8 is no day of week"),
        ("cron(0 0 ? * MON#6 *)", "MON#6 is no day of week"),
        ("cron(0 0 * * ? 1969)", "1969 is no year"),
        ("cron(0 0/0 * * ? *)", "0/0 is no hours"),
        ("cron(0 5-3 * * ? *)", "5-3 is no hours"),
        ("at(2026-02-29T00:00:00)", "not of the form"),
        ("at(2026-11-20)", "not of the form"),
    ] {
        let error = Schedule::parse(expression).unwrap_err();
        assert!(error.contains(why), "{expression}: {error}");
    }
}

/// The examples of AWS's documentation, and a time behind which each runs.
#[test]
fn crons_run_when_the_documentation_says() {
    // A Thursday.
    let now = "2026-11-26T12:31:07";
    for (expression, expected) in [
        ("cron(0 10 * * ? *)", "2026-11-27T10:00:00"),
        ("cron(15 12 * * ? *)", "2026-11-27T12:15:00"),
        ("cron(0 18 ? * MON-FRI *)", "2026-11-26T18:00:00"),
        ("cron(0 8 1 * ? *)", "2026-12-01T08:00:00"),
        ("cron(0/15 * * * ? *)", "2026-11-26T12:45:00"),
        ("cron(0/10 * ? * MON-FRI *)", "2026-11-26T12:40:00"),
        ("cron(0/5 8-17 ? * MON-FRI *)", "2026-11-26T12:35:00"),
        ("cron(0/30 20-2 ? * MON-FRI *)", "wrong"),
        ("cron(0/30 0-2,20-23 ? * MON-FRI *)", "2026-11-26T20:00:00"),
        // The first Monday, the last Friday, the last day, and the weekday nearest the first.
        ("cron(0 9 ? * 2#1 *)", "2026-12-07T09:00:00"),
        ("cron(0 10 ? * 6L 2026-2027)", "2026-11-27T10:00:00"),
        ("cron(0 0 L * ? *)", "2026-11-30T00:00:00"),
        ("cron(0 0 1W * ? *)", "2026-12-01T00:00:00"),
        ("cron(0 0 ? * L *)", "2026-11-28T00:00:00"),
        ("cron(* * * * ? *)", "2026-11-26T12:32:00"),
        ("cron(0 0 29 FEB ? *)", "2028-02-29T00:00:00"),
        ("cron(0 0 30 2 ? *)", "never"),
        ("cron(0 0 1 1 ? 2026)", "never"),
        ("at(2026-11-26T12:31:08)", "2026-11-26T12:31:08"),
        ("at(2026-11-26T12:31:07)", "never"),
        ("rate(1 minute)", "2026-11-26T12:32:07"),
    ] {
        if expected == "wrong" {
            assert!(Schedule::parse(expression).is_err());
            continue;
        }
        assert_eq!(next(expression, now), expected, "{expression}");
    }
}

#[test]
fn the_nearest_weekday_stays_within_its_month() {
    let january = "2027-01-01T00:00:00";
    // Saturdays and Sundays at either end: 2027-05-01, 2027-01-31.
    assert_eq!(next("cron(0 6 1W 5 ? *)", january), "2027-05-03T06:00:00");
    assert_eq!(next("cron(0 6 31W 1 ? *)", january), "2027-01-29T06:00:00");
    assert_eq!(next("cron(0 6 16W 1 ? *)", january), "2027-01-15T06:00:00");
    // February has no 30th.
    assert_eq!(
        next("cron(0 6 30W 2,3 ? *)", january),
        "2027-03-30T06:00:00"
    );
}

fn part(range: std::ops::RangeInclusive<u16>) -> impl Strategy<Value = String> {
    let one = range.clone();
    prop_oneof![
        Just("*".to_owned()),
        one.clone().prop_map(|it| it.to_string()),
        (one.clone(), 1_u16..20).prop_map(|(it, step)| format!("{it}/{step}")),
        (one.clone(), one).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
    ]
}

fn days() -> impl Strategy<Value = (String, String)> {
    let of_month = prop_oneof![
        part(1..=31),
        Just("L".to_owned()),
        (1_u8..=31).prop_map(|it| format!("{it}W")),
    ];
    let of_week = prop_oneof![
        part(1..=7),
        (1_u8..=7).prop_map(|it| format!("{it}L")),
        (1_u8..=7, 1_u8..=5).prop_map(|(day, which)| format!("{day}#{which}")),
    ];
    let other = || "?".to_owned();
    prop_oneof![
        of_month.prop_map(move |it| (it, other())),
        of_week.prop_map(move |it| (other(), it)),
    ]
}

proptest! {
    /// A run is a whole minute behind now, is one that the schedule has, and none is left out
    /// between: asked again from a second before it, the schedule says the same.
    #[test]
    fn the_next_run_is_behind_now_and_is_the_first(
        minutes in part(0..=59),
        hours in part(0..=23),
        (day, weekday) in days(),
        months in part(1..=12),
        // From 2020 to 2090.
        now in 1_577_836_800_u64..3_786_912_000,
        share in 0_u64..1_000,
    ) {
        let text = format!("cron({minutes} {hours} {day} {months} {weekday} *)");
        let schedule = Schedule::parse(&text).unwrap();
        let Some(next) = schedule.next(now) else {
            return Ok(());
        };
        prop_assert!(next > now && next % 60 == 0);
        prop_assert_eq!(schedule.next(next - 1), Some(next));
        let between = now + (next - 1 - now) * share / 1_000;
        prop_assert_eq!(schedule.next(between), Some(next));
        prop_assert!(schedule.next(next).is_none_or(|it| it > next));
    }

    #[test]
    fn a_minute_is_read_as_it_is_written(second in 60_u64..7_258_118_400) {
        prop_assert_eq!(at(&written(second)), second);
    }
}
