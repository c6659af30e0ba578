//! What somebody else made of an instrumented function: a deploy in the
//! middle, a layer that was replaced.

use crate::cloud::Cloud;
use crate::instrument::{Instrumented, instrument};
use crate::restore::{Outcome, clean, read, restore};
use crate::settings::Helper;
use std::time::Duration;
use tether_protocol::instrumentation::{is_dead, is_instrumented};
use tether_protocol::message::ProgressState;
use tether_protocol::records::JournalRecord;

/// An entry is written a moment before its function. What was written less
/// than this long ago is on its way and not broken.
const ON_ITS_WAY: Duration = Duration::from_secs(10);

/// A function beside its journal entry. In the order in which they are mended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Look {
    /// It names our wrapper without the layer that brings it: nothing starts.
    Dead,
    /// Something of ours is missing, or something of theirs is new.
    Changed,
    /// It cannot be told, and why.
    Unknown(String),
    /// As it should be, or not there any more.
    Fine,
}

/// Compares a function with its journal entry.
pub(crate) async fn look<C: Cloud>(cloud: &C, entry: &JournalRecord) -> Look {
    let function = match read(cloud, &entry.function_arn).await {
        Ok(Some(function)) => function.configuration,
        Ok(None) => return Look::Fine,
        Err(reason) => return Look::Unknown(reason),
    };
    if is_dead(&function, &entry.layer) {
        return Look::Dead;
    }
    let age = cloud.now().since(entry.changed_at);
    if age < ON_ITS_WAY || is_instrumented(&function, entry) {
        return Look::Fine;
    }
    Look::Changed
}

/// Instruments a function again for the session that has it: what somebody
/// else made of it is what restore returns to from now on. If that cannot be,
/// nothing of ours is left that would keep it from starting. None: it needed
/// no repair after all.
pub(crate) async fn repair<C: Cloud>(
    cloud: &C,
    helper: &Helper,
    entry: &JournalRecord,
    look: &Look,
) -> Option<Instrumented> {
    let arn = &entry.function_arn;
    let mut repaired = instrument(cloud, helper, &entry.session_id, arn).await;
    let (state, reason) = &repaired.outcome;
    repaired.outcome = match state {
        ProgressState::Instrumented if !repaired.changed => return None,
        ProgressState::Instrumented => (*state, again(look).to_owned()),
        ProgressState::Skipped => given_up(reason, restore(cloud, entry).await)?,
        _ if *look == Look::Dead => cleaned(reason, clean(cloud, entry).await),
        _ => (*state, reason.clone()),
    };
    Some(repaired)
}

fn again(look: &Look) -> &'static str {
    match look {
        Look::Dead => "its layer was taken out while attached: instrumented again",
        _ => "it was deployed while attached: instrumented again",
    }
}

/// None: another session has it by now.
fn given_up(reason: &str, restored: Outcome) -> Option<Outcome> {
    match restored {
        (ProgressState::Skipped, _) => None,
        (ProgressState::Restored, _) => Some((
            ProgressState::Skipped,
            format!("it was deployed while attached, and {reason}: nothing of tether is in it"),
        )),
        (state, detail) => Some((state, format!("{reason}; {detail}"))),
    }
}

fn cleaned(reason: &str, cleaned: Result<(), String>) -> Outcome {
    let end = match cleaned {
        Ok(()) => "its own code answers until then".to_owned(),
        Err(detail) => detail,
    };
    (
        ProgressState::Failed,
        format!(
            "its layer was taken out while attached, and it cannot be instrumented again ({reason}): {end}"
        ),
    )
}
