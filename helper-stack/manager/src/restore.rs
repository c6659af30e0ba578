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
use tether_protocol::message::ProgressState;
use tether_protocol::records::JournalRecord;

/// What became of a function, and why.
pub(crate) type Outcome = (ProgressState, String);

/// Restores the function of a journal entry.
pub(crate) async fn restore<C: Cloud>(cloud: &C, entry: &JournalRecord) -> Outcome {
    let arn = &entry.function_arn;
    let result = match write_back(cloud, entry).await {
        Ok(Back::Written) => effective(cloud, arn).await,
        Ok(Back::Nothing) => Ok(String::new()),
        Ok(Back::Gone) => Ok("the function does not exist any more".to_owned()),
        Ok(Back::TakenOver(owner)) => {
            return (ProgressState::Skipped, format!("{owner} has taken it over"));
        }
        Err(reason) => Err(reason),
    };
    match result {
        Ok(detail) => forget(cloud, entry, detail).await,
        Err(reason) => (ProgressState::Failed, reason),
    }
}

enum Back {
    Written,
    Nothing,
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
            return Ok(Back::Nothing);
        };
        let Err(failure) = cloud.update(arn, &change).await else {
            return Ok(Back::Written);
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
        LastUpdate::Gone => Ok("the function does not exist any more".to_owned()),
        LastUpdate::Successful | LastUpdate::InProgress => Ok(String::new()),
    }
}

/// The entry goes last: until then, whoever finds it can do all of this again.
async fn forget<C: Cloud>(cloud: &C, entry: &JournalRecord, detail: String) -> Outcome {
    match cloud.remove(&entry.function_arn, &entry.session_id).await {
        Ok(()) => {}
        // Another session has it by now: the entry is theirs.
        Err(error) if error.is_condition() => {}
        Err(error) => warn!(
            "{} is restored, but its entry is still there: {error}",
            entry.function_arn
        ),
    }
    (ProgressState::Restored, detail)
}
