//! Looking after what is instrumented: what lost its session is restored, what
//! somebody else changed is repaired, and functions that cannot start come
//! first.

use super::{close, progress, report, restore_and_look, too_long};
use crate::cloud::Cloud;
use crate::repair::{Look, look, repair};
use crate::restore::{Outcome, clean};
use crate::settings::Helper;
use crate::several::{each, within};
use lambda_runtime::tracing::warn;
use std::collections::BTreeMap;
use std::time::Duration;
use tether_protocol::message::{Progress, ProgressState};
use tether_protocol::records::JournalRecord;
use tether_protocol::session::{Standing, is_live, standing};
use tether_protocol::{ConnectionId, SessionId};
use tether_store::StoreError;

/// One look takes no longer, or the sweep goes on without it.
const FOR_A_LOOK: Duration = Duration::from_secs(30);

/// Nothing is done for one function for longer: the next sweep goes on with
/// it, and the others do not wait.
const FOR_ONE: Duration = Duration::from_secs(120);

/// What is to be done for the functions of a session.
#[derive(Clone, Debug)]
enum Owner {
    /// Its receiver is there.
    Here(ConnectionId),
    /// Its receiver may come back.
    Away,
    /// It is over, and closed.
    Over,
    /// It cannot be told now.
    Unknown(String),
}

/// Restores what has no live session, and repairs the rest. Such a session is
/// closed as well, so that a receiver that wakes up now is told to attach
/// anew, and does not wait for events that no function sends.
pub(super) async fn sweep<C: Cloud>(
    cloud: &C,
    helper: &Helper,
) -> Result<Vec<Progress>, StoreError> {
    let entries = cloud.entries().await?;
    Ok(look_after(cloud, helper, entries.readable, Telling::ByMessage).await)
}

/// Repairs the functions of one session, if it is live.
pub(super) async fn check<C: Cloud>(
    cloud: &C,
    helper: &Helper,
    id: &SessionId,
) -> Result<Vec<Progress>, StoreError> {
    let session = cloud.session(id).await?;
    if !is_live(session.as_ref(), cloud.now()) {
        return Ok(Vec::new());
    }
    let mut entries = cloud.entries().await?.readable;
    entries.retain(|entry| entry.session_id == *id);
    Ok(look_after(cloud, helper, entries, Telling::ByAnswer).await)
}

async fn look_after<C: Cloud>(
    cloud: &C,
    helper: &Helper,
    entries: Vec<JournalRecord>,
    telling: Telling,
) -> Vec<Progress> {
    let owners = owners(cloud, &entries).await;
    let mending = async |entry: &JournalRecord, look| {
        let owner = owners.get(&entry.session_id)?;
        mend(cloud, helper, entry, look, owner, telling).await
    };
    // A function that cannot start waits for no other one's look.
    let looked = each(&entries, async |entry| {
        let looked = within(cloud, FOR_A_LOOK, look(cloud, entry)).await;
        match looked.unwrap_or_else(|| Look::Unknown(too_long(FOR_A_LOOK))) {
            Look::Dead => Looked::Mended(mending(entry, Look::Dead).await),
            look => Looked::Alive(look),
        }
    })
    .await;
    let done = each(
        entries.iter().zip(looked),
        async |(entry, looked)| match looked {
            Looked::Mended(progress) => progress,
            Looked::Alive(look) => mending(entry, look).await,
        },
    )
    .await;
    done.into_iter().flatten().collect()
}

/// How a receiver hears what was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Telling {
    /// It asked, and has the answer.
    ByAnswer,
    /// By its connection.
    ByMessage,
}

enum Looked {
    Mended(Option<Progress>),
    Alive(Look),
}

async fn mend<C: Cloud>(
    cloud: &C,
    helper: &Helper,
    entry: &JournalRecord,
    look: Look,
    owner: &Owner,
    telling: Telling,
) -> Option<Progress> {
    let failed = |reason| Some((ProgressState::Failed, reason));
    let outcome = match (owner, look) {
        (Owner::Over, _) => Some(restore_and_look(cloud, entry, FOR_ONE).await),
        (_, Look::Fine) => None,
        (Owner::Here(_), look @ (Look::Dead | Look::Changed)) => {
            let repairing = repair(cloud, helper, entry, &look);
            match within(cloud, FOR_ONE, repairing).await {
                Some(repaired) => repaired.map(|it| it.outcome),
                None => failed(too_long(FOR_ONE)),
            }
        }
        // It starts again, and is instrumented when the receiver is back.
        (_, Look::Dead) => match within(cloud, FOR_ONE, clean(cloud, entry)).await {
            Some(Ok(())) => failed(
                "its layer was taken out while its session is away: its own code answers"
                    .to_owned(),
            ),
            Some(Err(reason)) => failed(reason),
            None => failed(too_long(FOR_ONE)),
        },
        (_, Look::Unknown(reason)) => unknown(entry, &reason),
        (Owner::Unknown(reason), Look::Changed) => unknown(entry, reason),
        (Owner::Away, Look::Changed) => None,
    };
    let progress = progress(&entry.function_arn, outcome?);
    if let (Owner::Here(connection), Telling::ByMessage) = (owner, telling) {
        report(cloud, Some(connection), &progress).await;
    }
    Some(progress)
}

/// The next sweep looks again.
fn unknown(entry: &JournalRecord, reason: &str) -> Option<Outcome> {
    warn!("{} was not looked after: {reason}", entry.function_arn);
    None
}

/// Every session that owns one of these. Those that are over are closed.
async fn owners<C: Cloud>(cloud: &C, entries: &[JournalRecord]) -> BTreeMap<SessionId, Owner> {
    let mut ids: Vec<&SessionId> = entries.iter().map(|it| &it.session_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let owners = each(ids, async |id| {
        let owner = within(cloud, FOR_A_LOOK, owner(cloud, id)).await;
        let owner = owner.unwrap_or_else(|| Owner::Unknown(too_long(FOR_A_LOOK)));
        (id.clone(), owner)
    });
    owners.await.into_iter().collect()
}

async fn owner<C: Cloud>(cloud: &C, id: &SessionId) -> Owner {
    let session = match cloud.session(id).await {
        Ok(session) => session,
        Err(error) => return Owner::Unknown(error.to_string()),
    };
    let now = cloud.now();
    if let Standing::Active(connection) = standing(session.as_ref(), now) {
        return Owner::Here(connection);
    }
    if is_live(session.as_ref(), now) {
        return Owner::Away;
    }
    match close(cloud, id).await {
        Ok(()) => Owner::Over,
        Err(error) => Owner::Unknown(error.to_string()),
    }
}
