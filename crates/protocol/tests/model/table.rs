//! The correlation table, with the conditions of `crates/store/src/correlation.rs`.

use crate::world::Twist;
use std::fmt;
use std::hash::{Hash, Hasher};
use tether_protocol::records::InvocationStatus::{self, *};

/// The first attempt or its retry, under the same request id.
pub(crate) type Attempt = u8;

/// Names a claim: the receiver's session and a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Claim {
    pub(crate) session: u8,
    pub(crate) number: u8,
}

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Value {
    /// What the handler computed for this attempt.
    Computed(Attempt),
    /// An error of the receiver's own.
    Error,
}

/// A conditional write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Write {
    Create(Attempt, u8),
    Claim(Attempt, Claim),
    Decline(Attempt, Claim),
    Abandon(Attempt, u8),
    Expire(Attempt),
    Answer(Attempt, Claim, Value),
    Remove(Attempt),
}

impl Write {
    fn attempt(self) -> Attempt {
        match self {
            Self::Create(attempt, _)
            | Self::Claim(attempt, _)
            | Self::Decline(attempt, _)
            | Self::Abandon(attempt, _)
            | Self::Expire(attempt)
            | Self::Answer(attempt, ..)
            | Self::Remove(attempt) => attempt,
        }
    }
}

impl fmt::Display for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Create(..) => "create",
            Self::Claim(..) => "claim",
            Self::Decline(..) => "decline",
            Self::Abandon(..) => "abandon",
            Self::Expire(..) => "expire",
            Self::Answer(..) => "answer",
            Self::Remove(..) => "remove",
        };
        write!(f, "{name} of attempt {}", self.attempt() + 1)
    }
}

/// A head item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) status: InvocationStatus,
    session: u8,
    claim: Option<Claim>,
    pub(crate) value: Option<Value>,
}

impl Hash for Row {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.status as u8).hash(state);
        (self.session, self.claim, self.value).hash(state);
    }
}

#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct Table {
    rows: [Option<Row>; 2],
}

impl Table {
    pub(crate) fn row(&self, attempt: Attempt, twist: Option<Twist>) -> Option<Row> {
        self.rows[place(attempt, twist)]
    }

    /// The row after a write; none: its condition does not hold.
    fn after(&self, write: Write, twist: Option<Twist>) -> Option<Option<Row>> {
        let old = self.row(write.attempt(), twist);
        let row = |status, session| Row {
            status,
            session,
            claim: None,
            value: None,
        };
        let take = |status: InvocationStatus, claim: Claim| {
            let free = old.is_none_or(|old| {
                (old.status == Pending && old.session == claim.session)
                    || (old.status == status && old.claim == Some(claim))
            });
            free.then_some(Some(Row {
                claim: Some(claim),
                ..row(status, claim.session)
            }))
        };
        match write {
            Write::Create(_, session) => old.is_none().then_some(Some(row(Pending, session))),
            Write::Claim(_, claim) => take(Accepted, claim),
            Write::Decline(_, claim) => take(Declined, claim),
            Write::Abandon(_, session) => {
                let free = old.is_none_or(|old| {
                    matches!(old.status, Pending | Abandoned)
                        || (twist == Some(Twist::AbandonIgnoresAccepted) && old.status == Accepted)
                });
                free.then_some(Some(row(Abandoned, session)))
            }
            Write::Expire(_) => {
                let old = old.filter(|old| matches!(old.status, Accepted | Expired))?;
                Some(Some(Row {
                    status: Expired,
                    ..old
                }))
            }
            Write::Answer(_, claim, value) => {
                let status = match value {
                    Value::Computed(_) => Completed,
                    Value::Error => Failed,
                };
                let own = |old: &Row| {
                    old.session == claim.session
                        && old.claim == Some(claim)
                        && (old.status == Accepted || old.status == status)
                };
                let old = old.filter(own)?;
                Some(Some(Row {
                    status,
                    value: Some(value),
                    ..old
                }))
            }
            Write::Remove(_) => Some(None),
        }
    }

    /// True: its condition held, and it stands.
    pub(crate) fn write(&mut self, write: Write, twist: Option<Twist>) -> bool {
        let after = self.after(write, twist);
        if let Some(row) = after {
            self.rows[place(write.attempt(), twist)] = row;
        }
        after.is_some()
    }

    /// Whether a write would make any difference.
    pub(crate) fn minds(&self, write: Write, twist: Option<Twist>) -> bool {
        let now = self.row(write.attempt(), twist);
        self.after(write, twist).is_some_and(|after| after != now)
    }

    /// Every row is past its TTL.
    pub(crate) fn forget(&mut self) {
        self.rows = [None, None];
    }
}

/// Attempts have rows of their own, by their nonces.
fn place(attempt: Attempt, twist: Option<Twist>) -> usize {
    match twist {
        Some(Twist::OneRowPerRequest) => 0,
        _ => usize::from(attempt),
    }
}
