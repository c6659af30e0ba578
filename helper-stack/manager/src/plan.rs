//! Decisions about one function, as values.

use crate::leftover::{fitted, orphan};
use std::time::Duration;
use tether_protocol::Timestamp;
use tether_protocol::instrumentation::{
    Change, FunctionConfiguration, Order, instrument, is_instrumented, restore,
};
use tether_protocol::records::{JournalRecord, SessionRecord};
use tether_protocol::session::is_live;

/// Whether a session may have a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Nobody has it, or this session has.
    Ours,
    /// Another session's, which is not live or is to be taken over from.
    Inherited,
    /// Another live session's: whose, and what to do.
    Theirs(String),
}

/// Whether `session` may have a function with this journal entry, whose owner
/// is `owner` if it still has a row.
pub(crate) fn claim(
    session: &SessionRecord,
    entry: Option<&JournalRecord>,
    owner: Option<&SessionRecord>,
    now: Timestamp,
) -> Claim {
    match entry {
        None => Claim::Ours,
        Some(entry) if entry.session_id == session.session_id => Claim::Ours,
        Some(entry) if is_live(owner, now) && !session.take_over => Claim::Theirs(format!(
            "owned by {} since {}; use --take-over",
            entry.owner,
            age(now.since(entry.changed_at))
        )),
        Some(_) => Claim::Inherited,
    }
}

fn age(span: Duration) -> String {
    match span.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3_600 => format!("{} min", seconds / 60),
        seconds @ 3_600..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// What to do next to instrument a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It is instrumented for this session.
    Done,
    /// It is left alone, and why.
    Leave(String),
    /// First the journal, then the function.
    Write(Change, Box<JournalRecord>),
}

/// What to do next, for a function that the session may have. Whatever of ours
/// stands in it, from whichever session, is undone in the same change.
pub(crate) fn next(
    function: &FunctionConfiguration,
    entry: Option<&JournalRecord>,
    order: &Order<'_>,
) -> Step {
    if let Some(entry) = entry
        && entry.session_id == *order.session_id
        && is_instrumented(function, entry)
    {
        return Step::Done;
    }
    let left = match entry {
        Some(entry) => Some(fitted(function, entry)),
        None => orphan(function, order.layer.unwrap_or_default()),
    };
    let clean = left.and_then(|left| restore(function, &left));
    let clean = clean.map_or_else(|| function.clone(), |change| applied(function, change));
    match instrument(&clean, order) {
        Ok((change, journal)) => Step::Write(change, Box::new(journal)),
        Err(skip) => Step::Leave(skip.to_string()),
    }
}

fn applied(function: &FunctionConfiguration, change: Change) -> FunctionConfiguration {
    FunctionConfiguration {
        timeout: change.timeout,
        layers: change.layers,
        environment: change.environment,
        ..function.clone()
    }
}

/// What to write to make a function what it was; none: nothing of ours is in
/// it.
///
/// # Errors
/// Why it cannot be written, and what to do.
pub(crate) fn back(
    function: &FunctionConfiguration,
    entry: &JournalRecord,
) -> Result<Option<Change>, String> {
    match &function.environment_error {
        Some(error) => Err(format!(
            "its environment cannot be read ({error}), and writing it back would wipe it: let the helper stack's manager role use the function's KMS key, then run `tether detach` again"
        )),
        None => Ok(restore(function, &fitted(function, entry))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]
mod tests;
