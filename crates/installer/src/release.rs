//! Which of two installations is newer.

use std::fmt;

/// A release of tether: `0.1.0`. Ordered by its numbers; one that is not known
/// is older than all.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    numbers: [u64; 3],
    /// A pre-release is older than what it precedes.
    is_final: bool,
    text: String,
}

impl Release {
    /// This program's.
    #[must_use]
    pub fn ours() -> Self {
        Self::read(env!("CARGO_PKG_VERSION"))
    }

    /// Reads what a helper stack says of itself.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let plain = text.split('+').next().unwrap_or_default();
        let (numbers, pre) = plain.split_once('-').unwrap_or((plain, ""));
        let mut parts = numbers.split('.').map(|it| it.parse().ok());
        let mut next = || parts.next().flatten();
        let (Some(major), Some(minor), Some(patch)) = (next(), next(), next()) else {
            return Self::default();
        };
        Self {
            numbers: [major, minor, patch],
            is_final: pre.is_empty(),
            text: text.to_owned(),
        }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text.as_str() {
            "" => f.write_str("unknown"),
            text => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_ordered_by_their_numbers() {
        let ordered = [
            "",
            "nonsense",
            "0.1.0-rc.1",
            "0.1.0",
            "0.1.9",
            "0.1.10",
            "0.2.0",
            "1.0.0",
            "10.0.0",
        ];
        for pair in ordered.windows(2) {
            let [older, newer] = [Release::read(pair[0]), Release::read(pair[1])];
            assert!(older <= newer, "{older} is newer than {newer}");
        }
        assert!(Release::read("0.1.9") < Release::read("0.1.10"));
        assert!(Release::read("") < Release::ours());
        assert_eq!(Release::read("").to_string(), "unknown");
    }
}
