use super::*;

const TODAY: Date = Date {
    year: 2026,
    month: 11,
    day: 26,
};

#[test]
fn every_identifier_stands_once_and_belongs_to_its_family() {
    for runtime in RUNTIMES {
        let same = RUNTIMES
            .iter()
            .filter(|it| it.identifier == runtime.identifier);
        assert_eq!(same.count(), 1, "{}", runtime.identifier);
        let family = FAMILIES
            .iter()
            .find(|(prefix, _)| runtime.identifier.starts_with(prefix));
        assert_eq!(family.map(|it| it.1), Some(runtime.language));
    }
}

#[test]
fn what_is_deprecated_was_deprecated_before_it_was_blocked() {
    // Before 2021 AWS blocked first.
    for runtime in RUNTIMES {
        if let Life::Until {
            deprecated,
            no_create,
            no_update,
        } = runtime.life
            && deprecated.year > 2020
        {
            assert!(deprecated <= no_create, "{}", runtime.identifier);
            assert!(no_create < no_update, "{}", runtime.identifier);
        }
    }
}

#[test]
fn the_version_is_read_from_an_identifier() {
    for (identifier, expected) in [
        ("python3.13", Some("3.13")),
        ("nodejs22.x", Some("22")),
        ("nodejs8.10", Some("8.10")),
        ("java11.al2023", Some("11")),
        ("dotnetcore3.1", Some("3.1")),
        ("provided.al2023", None),
        ("provided", None),
        ("", None),
    ] {
        assert_eq!(version(identifier), expected, "{identifier}");
    }
}

#[test]
fn an_unknown_runtime_of_a_known_family_is_run_as_its_elders() {
    assert_eq!(Language::of("python3.16"), Some(Language::Python));
    assert_eq!(Language::of("nodejs30.x"), Some(Language::Node));
    assert_eq!(Language::of("provided.al2026"), Some(Language::Provided));
    assert_eq!(Language::of("pythonic"), None);
    assert_eq!(Language::of("rust1.x"), None);
    assert_eq!(
        note("python3.16", TODAY).as_deref(),
        Some("its runtime python3.16 is none that tether knows: it is run as Python")
    );
    assert_eq!(note("rust1.x", TODAY), None);
}

#[test]
fn what_lambda_no_longer_supports_is_said() {
    assert_eq!(
        note("python3.8", TODAY).as_deref(),
        Some(
            "its runtime python3.8 is deprecated since 2024-10-14, and Lambda announced to block its updates from 2027-03-03"
        )
    );
    assert_eq!(note("python3.13", TODAY), None);
    assert_eq!(note("provided.al2023", TODAY), None);
    assert!(note("nodejs26.x", TODAY).is_some_and(|it| it.contains("preview")));
}

#[test]
fn a_moment_has_its_day() {
    for (milliseconds, expected) in [
        (0, "1970-01-01"),
        (951_782_399_999, "2000-02-28"),
        (951_782_400_000, "2000-02-29"),
        (951_868_800_000, "2000-03-01"),
        (1_735_689_599_999, "2024-12-31"),
        (1_735_689_600_000, "2025-01-01"),
        (1_795_651_200_000, "2026-11-26"),
    ] {
        let date = Date::of_milliseconds(milliseconds);
        assert_eq!(date.to_string(), expected);
    }
}
