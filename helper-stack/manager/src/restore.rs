//! Makes one function what it was.
//!
//! Idempotent, and safe to run in parallel: the function is read first and the
//! journal after, the write is guarded by the revision, and whoever loses reads
//! again. What another session has taken over is left alone.

use crate::cloud::{Cloud, Function, LastUpdate};
use crate::plan;
use crate::settle::settle;
use crate::tries::{Refusal, Tries};
use lambda_runtime::tracing::warn;
use std::time::Duration;
use tether_protocol::message::ProgressState;
use tether_protocol::records::JournalRecord;

/// What became of a function, and why.
pub(crate) type Outcome = (ProgressState, String);

/// An entry that was written less than this long ago may be that of an update
/// which is still on its way: writing it and updating take 20 s each at most
/// (see `settings`), and an update waits for its turn before.
const ON_ITS_WAY: Duration = Duration::from_secs(60);

/// Restores the function of a journal entry.
pub(crate) async fn restore<C: Cloud>(cloud: &C, entry: &JournalRecord) -> Outcome {
    let arn = &entry.function_arn;
    let back = match write_back(cloud, entry).await {
        Ok(back) => back,
        Err(reason) => return (ProgressState::Failed, reason),
    };
    let (written, gone) = match back {
        Back::Written(current) => match effective(cloud, arn).await {
            Ok(detail) => (current, detail),
            Err(reason) => return (ProgressState::Failed, reason),
        },
        Back::Nothing(current) => {
            // Whoever wrote this entry may not have come to the function yet.
            // If its manager has ended since, nobody else would know: the
            // sweeper looks again.
            if cloud.now().since(current.changed_at) < ON_ITS_WAY {
                return (ProgressState::Restored, String::new());
            }
            (current, String::new())
        }
        Back::Gone => (entry.clone(), GONE.to_owned()),
        Back::TakenOver(owner) => {
            return (ProgressState::Skipped, format!("{owner} has taken it over"));
        }
    };
    forget(cloud, &written).await;
    (ProgressState::Restored, gone)
}

/// Takes what is ours out of a function, and keeps its journal entry: whoever
/// it belongs to may want the function again. It is in effect then: until it is,
/// what was there before goes on answering, or failing.
///
/// # Errors
/// Why it could not be done.
pub(crate) async fn clean<C: Cloud>(cloud: &C, entry: &JournalRecord) -> Result<(), String> {
    match write_back(cloud, entry).await? {
        Back::Written(_) => effective(cloud, &entry.function_arn).await.map(drop),
        Back::TakenOver(owner) => Err(format!("{owner} has taken it over")),
        Back::Nothing(_) | Back::Gone => Ok(()),
    }
}

const GONE: &str = "the function does not exist any more";

/// With the journal entry as it stands now.
enum Back {
    Written(JournalRecord),
    Nothing(JournalRecord),
    Gone,
    TakenOver(String),
}

async fn write_back<C: Cloud>(cloud: &C, entry: &JournalRecord) -> Result<Back, String> {
    let arn = &entry.function_arn;
    let mut tries = Tries::default();
    loop {
        // First the function, then the journal: see `leftover::fitted`.
        let Some(Function { configuration, .. }) = read(cloud, arn).await? else {
            return Ok(Back::Gone);
        };
        let current = cloud.entry(arn).await.map_err(|error| error.to_string())?;
        let current = match current {
            Some(other) if other.session_id != entry.session_id => {
                return Ok(Back::TakenOver(other.owner));
            }
            // None: somebody else is restoring it, too, or its instrumenting
            // was overtaken by the restore. Both end well if it is done again.
            current => current.unwrap_or_else(|| entry.clone()),
        };
        let Some(change) = plan::back(&configuration, &current)? else {
            return Ok(Back::Nothing(current));
        };
        let Err(failure) = cloud.update(arn, &change).await else {
            return Ok(Back::Written(current));
        };
        match tries.again(Refusal::of(&failure)) {
            Some(pause) => cloud.pause(pause).await,
            None => {
                return Err(format!(
                    "it could not be restored ({failure}); the sweeper tries again every minute"
                ));
            }
        }
    }
}

/// Reads a function.
///
/// # Errors
/// Why it cannot be read.
pub(crate) async fn read<C: Cloud>(cloud: &C, arn: &str) -> Result<Option<Function>, String> {
    let found = cloud.function(arn).await;
    found.map_err(|failure| format!("its configuration cannot be read ({failure})"))
}

async fn effective<C: Cloud>(cloud: &C, arn: &str) -> Result<String, String> {
    match settle(cloud, arn).await? {
        LastUpdate::Failed(reason) => Err(format!(
            "its restored configuration did not take effect ({reason}); the sweeper tries again every minute"
        )),
        LastUpdate::Gone => Ok(GONE.to_owned()),
        LastUpdate::Successful | LastUpdate::InProgress => Ok(String::new()),
    }
}

/// The entry goes last: until then, whoever finds it can do all of this again.
async fn forget<C: Cloud>(cloud: &C, entry: &JournalRecord) {
    match cloud.remove(entry).await {
        Ok(()) => {}
        // Another session or another manager has it by now: the entry is theirs.
        Err(error) if error.is_condition() => {}
        Err(error) => warn!(
            "{} is restored, but its entry is still there: {error}",
            entry.function_arn
        ),
    }
}
