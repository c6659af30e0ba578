//! Lambda's runtimes as data: a new one is a row in [`RUNTIMES`]
//! (<https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html>).

use std::fmt;

mod table;

pub use table::RUNTIMES;

/// A runtime that Lambda has, or had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Runtime {
    /// `python3.13`
    pub identifier: &'static str,
    /// What runs there.
    pub language: Language,
    /// What it runs on.
    pub system: System,
    /// Whether it runs on arm64, too; x86_64 has all of them.
    pub arm64: bool,
    /// Where it is in its life.
    pub life: Life,
}

/// The language of a runtime, by which it is started and debugged here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// `python3.13`
    Python,
    /// `nodejs22.x`: JavaScript, and TypeScript made into it.
    Node,
    /// `java21`
    Java,
    /// `ruby3.4`
    Ruby,
    /// `dotnet8`
    DotNet,
    /// `go1.x`, of old.
    Go,
    /// `provided.al2023`: a program that speaks the Runtime API itself. Lambda
    /// starts no wrapper in front of it.
    Provided,
}

/// The operating system below a runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// Amazon Linux.
    AmazonLinux1,
    /// Amazon Linux 2, with glibc 2.26.
    AmazonLinux2,
    /// Amazon Linux 2023, with glibc 2.34.
    AmazonLinux2023,
}

/// Where a runtime is in its life. AWS has put off the later dates again and
/// again: what Lambda says to a call counts, and these say what is coming.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// To be tried, without promises.
    Preview,
    /// Supported until AWS gives a date.
    Supported,
    /// Supported until the first of these days.
    Until {
        /// No patches and no support from then on.
        deprecated: Date,
        /// Functions cannot be created with it from then on.
        no_create: Date,
        /// Functions that have it cannot be updated from then on; they cannot
        /// be attached to, or restored.
        no_update: Date,
    },
}

/// A day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// 2026
    pub year: u16,
    /// From 1.
    pub month: u8,
    /// From 1.
    pub day: u8,
}

impl Date {
    /// The day of a moment, in milliseconds since 1970
    /// (<https://howardhinnant.github.io/date_algorithms.html#civil_from_days>).
    #[must_use]
    pub fn of_milliseconds(since_1970: u64) -> Self {
        // Days since March 1st of the year 0; a year ends with February.
        let days = (since_1970 / 86_400_000).saturating_add(719_468);
        let (era, of_era) = (days / 146_097, days % 146_097);
        let leaps = (of_era / 1_460)
            .saturating_add(of_era / 146_096)
            .saturating_sub(of_era / 36_524);
        let year_of_era = of_era.saturating_sub(leaps) / 365;
        let before = year_of_era
            .saturating_mul(365)
            .saturating_add(year_of_era / 4)
            .saturating_sub(year_of_era / 100);
        let of_year = of_era.saturating_sub(before);
        let month = of_year.saturating_mul(5).saturating_add(2) / 153;
        let first = month.saturating_mul(153).saturating_add(2) / 5;
        let day = of_year.saturating_sub(first).saturating_add(1);
        let next_year = u64::from(month >= 10);
        let year = era.saturating_mul(400).saturating_add(year_of_era);
        let month = if month < 10 {
            month.saturating_add(3)
        } else {
            month.saturating_sub(9)
        };
        Self {
            year: u16::try_from(year.saturating_add(next_year)).unwrap_or(u16::MAX),
            month: u8::try_from(month).unwrap_or(1),
            day: u8::try_from(day).unwrap_or(1),
        }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl Runtime {
    /// The one with this identifier.
    #[must_use]
    pub fn find(identifier: &str) -> Option<&'static Self> {
        RUNTIMES.iter().find(|it| it.identifier == identifier)
    }

    /// Since when it is deprecated, if it is by `today`.
    #[must_use]
    pub fn deprecated(&self, today: Date) -> Option<Date> {
        match self.life {
            Life::Until { deprecated, .. } if deprecated <= today => Some(deprecated),
            _ => None,
        }
    }
}

impl Language {
    /// The language of an identifier: of one in the table, or of a family, so
    /// that a runtime that is newer than this table is run as its elders.
    #[must_use]
    pub fn of(identifier: &str) -> Option<Self> {
        if let Some(runtime) = Runtime::find(identifier) {
            return Some(runtime.language);
        }
        let family = FAMILIES.iter().find(|(prefix, _)| {
            let rest = identifier.strip_prefix(prefix);
            rest.is_some_and(|it| it.starts_with(|c: char| c.is_ascii_digit() || c == '.'))
        });
        family.map(|(_, language)| *language)
    }

    /// For people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Python => "Python",
            Self::Node => "Node.js",
            Self::Java => "Java",
            Self::Ruby => "Ruby",
            Self::DotNet => ".NET",
            Self::Go => "Go",
            Self::Provided => "a program of its own",
        }
    }
}

/// How the identifiers of a language begin.
const FAMILIES: [(&str, Language); 8] = [
    ("python", Language::Python),
    ("nodejs", Language::Node),
    ("java", Language::Java),
    ("ruby", Language::Ruby),
    ("dotnetcore", Language::DotNet),
    ("dotnet", Language::DotNet),
    ("go", Language::Go),
    ("provided", Language::Provided),
];

/// The version in an identifier: `3.13` of `python3.13`, `22` of `nodejs22.x`,
/// `11` of `java11.al2023`; none of `provided.al2023`.
#[must_use]
pub fn version(identifier: &str) -> Option<&str> {
    let at = identifier.find(|c: char| c.is_ascii_digit())?;
    let (name, version) = identifier.split_at_checked(at)?;
    if name.contains('.') {
        return None;
    }
    let end = version.find(|c: char| !c.is_ascii_digit() && c != '.');
    let version = end.map_or(version, |end| version.get(..end).unwrap_or(version));
    Some(version.trim_end_matches('.'))
}

/// What a developer should know of a template's runtime, if anything.
#[must_use]
pub fn note(identifier: &str, today: Date) -> Option<String> {
    let Some(runtime) = Runtime::find(identifier) else {
        let language = Language::of(identifier)?.name();
        return Some(format!(
            "its runtime {identifier} is none that tether knows: it is run as {language}"
        ));
    };
    match runtime.life {
        Life::Preview => Some(format!(
            "its runtime {identifier} is a preview: AWS promises nothing for it"
        )),
        Life::Until { no_update, .. } => {
            let since = runtime.deprecated(today)?;
            Some(format!(
                "its runtime {identifier} is deprecated since {since}, and Lambda announced to block its updates from {no_update}"
            ))
        }
        Life::Supported => None,
    }
}

#[cfg(test)]
mod tests;
