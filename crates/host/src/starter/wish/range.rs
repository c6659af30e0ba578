//! Versions and npm's ranges of them, as far as files of projects use them
//! (<https://docs.npmjs.com/cli/v11/configuring-npm/package-json#engines>).

/// Major, minor, patch.
pub(super) type Version = (u64, u64, u64);

/// Any of these, each of which is all of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Range(Vec<Vec<Bounds>>);

/// From the first, up to but without the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bounds(Version, Version);

const TOP: Version = (u64::MAX, 0, 0);

impl Range {
    /// None: it is a name, or something that only its own tool understands.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let any: Option<Vec<_>> = text.split("||").map(|it| all(it.trim())).collect();
        any.map(Self)
    }

    pub(super) fn contains(&self, version: Version) -> bool {
        let inside = |it: &Bounds| it.0 <= version && version < it.1;
        self.0.iter().any(|all| all.iter().all(inside))
    }
}

fn all(text: &str) -> Option<Vec<Bounds>> {
    if let Some((from, to)) = text.split_once(" - ") {
        let (from, to) = (partial(from)?, partial(to)?);
        return Some(vec![Bounds(from.lowest(), to.above())]);
    }
    let mut bounds = Vec::new();
    let mut operator = "";
    for word in text.split_whitespace() {
        let rest = word.trim_start_matches(['^', '~', '<', '>', '=']);
        let (sign, _) = word.split_at(word.len() - rest.len());
        if !sign.is_empty() {
            operator = sign;
        }
        if rest.is_empty() {
            continue;
        }
        bounds.push(bound(operator, partial(rest)?)?);
        operator = "";
    }
    Some(bounds)
}

fn bound(operator: &str, version: Partial) -> Option<Bounds> {
    let (lowest, above) = (version.lowest(), version.above());
    Some(match operator {
        "" | "=" | "==" => Bounds(lowest, above),
        ">=" => Bounds(lowest, TOP),
        ">" => Bounds(above, TOP),
        "<" => Bounds((0, 0, 0), lowest),
        "<=" => Bounds((0, 0, 0), above),
        "~" | "~>" => Bounds(
            lowest,
            version.minor.map_or(above, |it| (lowest.0, it + 1, 0)),
        ),
        "^" => Bounds(lowest, version.major.map_or(TOP, |it| (it + 1, 0, 0))),
        _ => return None,
    })
}

/// `20`, `20.x`, `20.11`, `v20.11.0`, `*`
#[derive(Clone, Copy, Default)]
struct Partial {
    major: Option<u64>,
    minor: Option<u64>,
    patch: Option<u64>,
}

impl Partial {
    fn lowest(self) -> Version {
        let or_zero = |it: Option<u64>| it.unwrap_or(0);
        (
            or_zero(self.major),
            or_zero(self.minor),
            or_zero(self.patch),
        )
    }

    /// The lowest that it does not mean.
    fn above(self) -> Version {
        match (self.major, self.minor, self.patch) {
            (None, ..) => TOP,
            (Some(major), None, _) => (major + 1, 0, 0),
            (Some(major), Some(minor), None) => (major, minor + 1, 0),
            (Some(major), Some(minor), Some(patch)) => (major, minor, patch + 1),
        }
    }
}

fn partial(text: &str) -> Option<Partial> {
    let text = text.trim().trim_start_matches('v');
    // What is behind the numbers tells builds of one version apart.
    let text = text.split(['-', '+']).next()?;
    let mut parts = text.split('.').map(|part| match part {
        "x" | "X" | "*" => Ok(None),
        number => number.parse().map(Some),
    });
    let mut next = || parts.next().unwrap_or(Ok(None)).ok();
    let (major, minor, patch) = (next()?, next()?, next()?);
    Some(Partial {
        major,
        minor: major.and(minor),
        patch: minor.and(patch),
    })
}

/// The version in the name of an installation: `v20.11.0`, `3.13.1`,
/// `cpython-3.13.1-linux-x86_64-gnu`.
pub(super) fn version_in(name: &str) -> Option<Version> {
    let mut words = name.split('-');
    let word = words.find(|it| {
        it.trim_start_matches('v')
            .starts_with(|c: char| c.is_ascii_digit())
    })?;
    let digits: String = word
        .trim_start_matches('v')
        .chars()
        .take_while(|c| c.is_ascii_digit() || *c == '.')
        .collect();
    let version = partial(digits.trim_end_matches('.'))?;
    version.major.map(|_| version.lowest())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn npms_ranges_are_understood() {
        for (range, inside, outside) in [
            ("20", (20, 9, 1), (21, 0, 0)),
            ("v20.11.0", (20, 11, 0), (20, 11, 1)),
            ("20.x", (20, 0, 0), (19, 9, 9)),
            (">=18 <21", (20, 9, 0), (21, 0, 0)),
            (">= 18", (24, 0, 0), (17, 0, 0)),
            ("^20.10.0", (20, 11, 0), (20, 9, 0)),
            ("~20.10.0", (20, 10, 9), (20, 11, 0)),
            ("18 || 20", (18, 1, 0), (19, 0, 0)),
            ("18 - 20", (20, 9, 9), (21, 0, 0)),
            ("3.13", (3, 13, 7), (3, 12, 0)),
            (">20", (21, 0, 0), (20, 9, 9)),
            ("*", (1, 0, 0), (u64::MAX, 1, 0)),
        ] {
            let parsed = Range::parse(range).unwrap();
            assert!(parsed.contains(inside), "{range}");
            assert!(!parsed.contains(outside), "{range}");
        }
    }

    #[test]
    fn names_are_no_versions() {
        for name in ["lts/iron", "node", "system", "my-virtualenv"] {
            assert_eq!(Range::parse(name), None, "{name}");
        }
    }

    #[test]
    fn installations_have_their_version_in_their_names() {
        for (name, expected) in [
            ("v20.11.0", Some((20, 11, 0))),
            ("3.13.1", Some((3, 13, 1))),
            ("cpython-3.13.1-linux-x86_64-gnu", Some((3, 13, 1))),
            ("3.14.0rc2", Some((3, 14, 0))),
            ("miniconda3", None),
            ("latest", None),
        ] {
            assert_eq!(version_in(name), expected, "{name}");
        }
    }
}
