//! Yes, no, or not to be known here.

use crate::policy::Effect;

/// In this order *and* is the least of several answers, and *or* the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Answer {
    No,
    /// A key is asked for that nobody has said anything about.
    Unknown,
    Yes,
}

impl From<bool> for Answer {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

/// Whether a pattern matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Match {
    Yes,
    No,
    /// It has a policy variable without a value.
    NoValue,
    /// It has a policy variable that nobody has said anything about.
    Unknown,
}

impl From<bool> for Match {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

impl Match {
    /// A variable without a value matches nothing
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>).
    pub(crate) fn is(self) -> Answer {
        match self {
            Self::Yes => Answer::Yes,
            Self::No | Self::NoValue => Answer::No,
            Self::Unknown => Answer::Unknown,
        }
    }

    /// What does not match a variable without a value is denied, and never
    /// allowed for it.
    pub(crate) fn is_not(self, effect: Effect) -> Answer {
        match self {
            Self::Yes => Answer::No,
            Self::No => Answer::Yes,
            Self::NoValue => Answer::from(effect == Effect::Deny),
            Self::Unknown => Answer::Unknown,
        }
    }
}
