#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use super::calendar::{Date, Minute};
use super::zone::Shown;
use super::*;
use proptest::prelude::*;

fn at(text: &str) -> u64 {
    calendar::seconds(text).unwrap()
}

/// The next time behind another one, as `at(…)` writes it.
fn next(expression: &str, now: &str) -> String {
    next_in("UTC", expression, now)
}

/// The same in a time zone, which both times are not in.
fn next_in(zone: &str, expression: &str, now: &str) -> String {
    let zone = Zone::named(zone).unwrap();
    let next = plan(expression, zone, Bounds::default(), 0).next(at(now));
    next.map_or_else(|| "never".to_owned(), written)
}

fn plan(expression: &str, zone: Zone, bounds: Bounds, made: u64) -> Plan {
    Plan::of_schedule(Schedule::parse(expression).unwrap(), zone, bounds, made)
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
        let schedule = plan(&text, Zone::UTC, Bounds::default(), 0);
        let Some(next) = schedule.next(now) else {
            return Ok(());
        };
        prop_assert!(next > now && next.is_multiple_of(60));
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

#[test]
fn the_scheduler_needs_no_year() {
    let parsed = Schedule::parse_of_scheduler;
    assert_eq!(parsed("cron(0 12 * * ?)"), parsed("cron(0 12 * * ? *)"));
    assert_eq!(parsed("rate(1 hour)"), Schedule::parse("rate(1 hour)"));
    for wrong in ["cron(0 12 * *)", "cron(0 12 * * *)", "cron 0 12 * * ?"] {
        assert!(parsed(wrong).is_err(), "{wrong}");
    }
    assert!(Schedule::parse("cron(0 12 * * ?)").is_err());
}

/// AWS's own example, where clocks are put forward on 2026-03-08 and back on 2026-11-01.
#[test]
fn a_time_that_clocks_jump_over_is_left_out_and_one_that_they_show_twice_runs_once() {
    let zone = "America/Los_Angeles";
    for (expression, now, expected) in [
        (
            "cron(30 2 * * ? *)",
            "2026-03-07T00:00:00",
            "2026-03-07T10:30:00",
        ),
        (
            "cron(30 2 * * ? *)",
            "2026-03-07T10:30:00",
            "2026-03-09T09:30:00",
        ),
        (
            "cron(30 1 * * ? *)",
            "2026-10-31T12:00:00",
            "2026-11-01T08:30:00",
        ),
        (
            "cron(30 1 * * ? *)",
            "2026-11-01T08:30:00",
            "2026-11-02T09:30:00",
        ),
        // Within the hour that is there a second time.
        (
            "cron(30 1 * * ? *)",
            "2026-11-01T09:10:00",
            "2026-11-02T09:30:00",
        ),
        (
            "cron(0/10 * * * ? *)",
            "2026-11-01T08:50:00",
            "2026-11-01T10:00:00",
        ),
        (
            "cron(0/10 * * * ? *)",
            "2026-03-08T09:50:00",
            "2026-03-08T10:00:00",
        ),
        (
            "at(2022-11-20T13:00:00)",
            "2022-11-20T00:00:00",
            "2022-11-20T21:00:00",
        ),
        (
            "at(2026-11-01T01:30:00)",
            "2026-10-31T00:00:00",
            "2026-11-01T08:30:00",
        ),
        (
            "at(2026-03-08T02:30:00)",
            "2026-03-07T00:00:00",
            "2026-03-08T10:30:00",
        ),
    ] {
        assert_eq!(
            next_in(zone, expression, now),
            expected,
            "{expression} behind {now}"
        );
    }
}

#[test]
fn zones_have_their_own_days_and_half_hours() {
    for (zone, expression, expected) in [
        ("Asia/Kolkata", "cron(0 9 ? * FRI *)", "2026-11-27T03:30:00"),
        (
            "Pacific/Kiritimati",
            "cron(0 0 1 12 ? 2026)",
            "2026-11-30T10:00:00",
        ),
        (
            "Australia/Lord_Howe",
            "cron(0 9 * * ? *)",
            "2026-11-26T22:00:00",
        ),
        ("Etc/UTC", "cron(0 18 * * ? *)", "2026-11-26T18:00:00"),
        ("GMT", "cron(0 18 * * ? *)", "2026-11-26T18:00:00"),
    ] {
        assert_eq!(
            next_in(zone, expression, "2026-11-26T12:31:07"),
            expected,
            "{zone}"
        );
    }
}

#[test]
fn a_zone_that_is_none_is_refused_with_what_was_meant() {
    for (name, hint) in [
        ("Europe/Berln", "Did you mean Europe/Berlin?"),
        ("europe/berlin", "Did you mean Europe/Berlin?"),
        ("Mars/Olympus", "such as Europe/Berlin."),
        ("Etc/Unknown", "is no time zone"),
        ("", "is no time zone"),
    ] {
        let error = Zone::named(name).unwrap_err();
        assert!(error.contains(hint), "{name}: {error}");
    }
}

#[test]
fn a_rate_of_a_schedule_runs_at_once_and_that_of_a_rule_when_it_has_passed() {
    let made = at("2026-11-26T12:00:07");
    let schedule = plan("rate(5 minutes)", Zone::UTC, Bounds::default(), made);
    let rule = Plan::of_rule(Schedule::parse("rate(5 minutes)").unwrap(), made);
    assert_eq!(
        schedule.next(0).map(written).as_deref(),
        Some("2026-11-26T12:00:07")
    );
    for plan in [&schedule, &rule] {
        let next = plan.next(made).map(written);
        assert_eq!(next.as_deref(), Some("2026-11-26T12:05:07"));
        // What was missed while a laptop slept is left out.
        let next = plan.next(made + 12 * 60).map(written);
        assert_eq!(next.as_deref(), Some("2026-11-26T12:15:07"));
    }
    assert_eq!(
        rule.next(0).map(written).as_deref(),
        Some("2026-11-26T12:05:07")
    );
}

#[test]
fn a_schedule_runs_between_its_dates_and_one_that_runs_once_does_not_ask_for_them() {
    let bounds = Bounds {
        start: Some(date("2026-11-26T12:30:00Z").unwrap()),
        end: Some(date("2026-11-26T14:00:00.000+00:00").unwrap()),
    };
    for (expression, made, expected) in [
        (
            "rate(1 hour)",
            "2026-11-26T10:00:00",
            Some("2026-11-26T12:30:00"),
        ),
        (
            "rate(1 hour)",
            "2026-11-26T12:40:00",
            Some("2026-11-26T13:30:00"),
        ),
        ("rate(1 hour)", "2026-11-26T13:40:00", None),
        (
            "cron(0 * * * ? *)",
            "2026-11-26T10:00:00",
            Some("2026-11-26T13:00:00"),
        ),
        (
            "cron(0 * * * ? *)",
            "2026-11-26T13:40:00",
            Some("2026-11-26T14:00:00"),
        ),
        ("cron(0 * * * ? *)", "2026-11-26T14:00:01", None),
        (
            "at(2026-11-26T09:00:00)",
            "2026-11-26T08:00:00",
            Some("2026-11-26T09:00:00"),
        ),
        (
            "at(2026-11-26T19:00:00)",
            "2026-11-26T08:00:00",
            Some("2026-11-26T19:00:00"),
        ),
    ] {
        let next = plan(expression, Zone::UTC, bounds, at(made)).next(0);
        assert_eq!(
            next.map(written).as_deref(),
            expected,
            "{expression} made {made}"
        );
    }
}

#[test]
fn a_date_has_an_offset_or_is_in_utc() {
    let noon = at("2030-01-01T12:00:00");
    for text in [
        "2030-01-01T12:00:00Z",
        "2030-01-01T12:00:00.000Z",
        "2030-01-01T14:00:00+02:00",
        "2030-01-01T12:00:00",
    ] {
        assert_eq!(date(text), Ok(noon), "{text}");
    }
    for text in [
        "tomorrow",
        "",
        "2030-02-30T00:00:00Z",
        "1969-01-01T00:00:00Z",
    ] {
        assert!(date(text).unwrap_err().contains("is no date"), "{text}");
    }
}

fn zones() -> impl Strategy<Value = Zone> {
    let names = [
        "UTC",
        "America/New_York",
        "Europe/London",
        "Australia/Lord_Howe",
        "Africa/Casablanca",
        "Pacific/Apia",
        "America/St_Johns",
        "Asia/Kathmandu",
    ];
    prop::sample::select(names.to_vec()).prop_map(|it| Zone::named(it).unwrap())
}

proptest! {
    /// A run is behind now; clocks show a time that the expression has, and show it for the
    /// first time; and there is no such minute before.
    #[test]
    fn in_any_zone_the_next_run_is_the_first_minute_that_fits(
        zone in zones(),
        minutes in part(0..=59),
        hours in part(0..=4),
        // From 2005 to 2040.
        now in 1_104_537_600_u64..2_208_988_800,
    ) {
        let text = format!("cron({minutes} {hours} * * ? *)");
        let next = plan(&text, zone.clone(), Bounds::default(), 0).next(now).unwrap();
        prop_assert!(next > now && next.is_multiple_of(60));
        let of_clocks = plan(&text, Zone::UTC, Bounds::default(), 0);
        let fits = |at: u64| {
            let local = zone.local(at);
            of_clocks.next(local - 1) == Some(local) && zone.shown(local) == Some(Shown::At(at))
        };
        prop_assert!(fits(next));
        let first = (now / 60 + 1) * 60;
        for at in (first..next).step_by(60) {
            prop_assert!(!fits(at), "{} fits", written(at));
        }
    }

    /// Clocks that show a time show it then, whatever happens to them around it.
    #[test]
    fn what_clocks_show_is_when_they_show_it(
        zone in zones(),
        second in 1_104_537_600_u64..2_208_988_800,
    ) {
        let local = zone.local(second);
        let Some(Shown::At(at)) = zone.shown(local) else {
            return Err(TestCaseError::fail("clocks show it"));
        };
        prop_assert!(at <= second && zone.local(at) == local);
    }

    #[test]
    fn a_rate_keeps_its_step_from_its_start(
        start in 1_000_u64..2_000_000_000,
        later in 0_u64..10_000_000,
        minutes in 1_u64..10_000,
    ) {
        let bounds = Bounds { start: Some(start), end: None };
        let text = format!("rate({minutes} minutes)");
        let next = plan(&text, Zone::UTC, bounds, 0).next(start + later).unwrap();
        prop_assert_eq!((next - start) % (minutes * 60), 0);
        prop_assert!(next > start + later && next - start - later <= minutes * 60);
    }
}
