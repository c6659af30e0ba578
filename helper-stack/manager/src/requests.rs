//! What the manager is asked, and what it answers.

mod sweep;

use crate::cloud::{Cloud, Entries};
use crate::instrument::{Instrumented, active, instrument};
use crate::published;
use crate::restore::{Outcome, restore};
use crate::settings::Helper;
use crate::several::{each, within};
use crate::warnings::Warnings;
use lambda_runtime::{Diagnostic, tracing::info};
use std::time::Duration;
use tether_protocol::message::{ManagerAnswer, ManagerRequest, Progress, ProgressState, ToLaptop};
use tether_protocol::records::JournalRecord;
use tether_protocol::{ConnectionId, SessionId};
use tether_store::{StoreError, UnreadableEntry};

/// Nothing is done for one function for longer: settling alone may take 5 min,
/// and Lambda ends the manager after 15.
const FOR_ONE: Duration = Duration::from_secs(400);

/// Versions are only named, and whoever restores waits.
const FOR_VERSIONS: Duration = Duration::from_secs(20);

/// Serves one request. What fails for one function is in the answer, and the
/// others go on.
///
/// # Errors
/// When the sessions or the journal cannot be read.
pub(crate) async fn serve<C: Cloud>(
    cloud: &C,
    helper: &Helper,
    request: ManagerRequest,
) -> Result<ManagerAnswer, Diagnostic> {
    let served = match request {
        ManagerRequest::Instrument { session_id } => {
            instrument_all(cloud, helper, &session_id).await
        }
        ManagerRequest::Restore { session_id } => restore_session(cloud, &session_id).await,
        ManagerRequest::RestoreStack { stack_name } => restore_stack(cloud, &stack_name).await,
        ManagerRequest::Check { session_id } => sweep::check(cloud, helper, &session_id).await,
        ManagerRequest::Sweep => sweep::sweep(cloud, helper).await,
    };
    let functions = served.map_err(|error| Diagnostic {
        error_type: "Tether.Store".to_owned(),
        error_message: error.to_string(),
    })?;
    Ok(ManagerAnswer { functions })
}

async fn instrument_all<C: Cloud>(
    cloud: &C,
    helper: &Helper,
    id: &SessionId,
) -> Result<Vec<Progress>, StoreError> {
    let Some(session) = cloud.session(id).await? else {
        info!("session {id} does not exist: nothing is instrumented");
        return Ok(Vec::new());
    };
    let connection = session.connection_id.as_ref();
    let refused = active(cloud, id).await.err();
    let done = each(&session.functions, async |arn| {
        let done = match &refused {
            Some(reason) => Instrumented::failed(reason.clone()),
            None => within(cloud, FOR_ONE, instrument(cloud, helper, id, arn))
                .await
                .unwrap_or_else(|| Instrumented::failed(too_long(FOR_ONE))),
        };
        let progress = progress(arn, done.outcome.clone());
        report(cloud, connection, &progress).await;
        (progress, done)
    })
    .await;
    if let Some(connection) = connection {
        cloud.tell(connection, &ToLaptop::Ready).await;
        warn_of(cloud, connection, &done).await;
    }
    Ok(done.into_iter().map(|(progress, _)| progress).collect())
}

/// Nobody waits for these: the functions are ready.
async fn warn_of<C: Cloud>(
    cloud: &C,
    connection: &ConnectionId,
    done: &[(Progress, Instrumented)],
) {
    let warnings = Warnings::new(cloud, connection);
    let done = done
        .iter()
        .filter(|(it, _)| it.state == ProgressState::Instrumented);
    each(done, async |(progress, done)| {
        let arn = &progress.function_arn;
        for warning in &done.warnings {
            warnings.tell(arn, warning.clone()).await;
        }
        within(cloud, FOR_ONE, warnings.look(arn)).await;
    })
    .await;
}

async fn restore_session<C: Cloud>(cloud: &C, id: &SessionId) -> Result<Vec<Progress>, StoreError> {
    close(cloud, id).await?;
    let mut entries = cloud.entries().await?;
    entries.readable.retain(|entry| entry.session_id == *id);
    entries.unreadable.retain(|it| it.session_id == id.as_str());
    Ok(restore_all(cloud, &entries).await)
}

async fn restore_stack<C: Cloud>(cloud: &C, stack_name: &str) -> Result<Vec<Progress>, StoreError> {
    let mut entries = cloud.entries().await?;
    entries.readable.retain(|it| it.stack_name == stack_name);
    // One that does not say whose it is may be of this stack.
    let may_be = |it: &UnreadableEntry| it.stack_name.is_empty() || it.stack_name == stack_name;
    entries.unreadable.retain(may_be);
    let mut closed: Vec<&SessionId> = Vec::new();
    for entry in &entries.readable {
        if !closed.contains(&&entry.session_id) {
            close(cloud, &entry.session_id).await?;
            closed.push(&entry.session_id);
        }
    }
    Ok(restore_all(cloud, &entries).await)
}

async fn restore_all<C: Cloud>(cloud: &C, entries: &Entries) -> Vec<Progress> {
    let mut restored = each(&entries.readable, async |entry| {
        let outcome = restore_and_look(cloud, entry, FOR_ONE).await;
        progress(&entry.function_arn, outcome)
    })
    .await;
    restored.extend(entries.unreadable.iter().map(passed_over));
    restored
}

fn passed_over(entry: &UnreadableEntry) -> Progress {
    let reason = format!(
        "its journal entry cannot be read ({}): correct the row in the functions table and detach again, or deploy the function anew and delete the row",
        entry.reason
    );
    progress(&entry.function_arn, (ProgressState::Failed, reason))
}

/// Restores a function, and names the versions that keep what is ours.
async fn restore_and_look<C: Cloud>(cloud: &C, entry: &JournalRecord, span: Duration) -> Outcome {
    let restored = within(cloud, span, restore(cloud, entry)).await;
    let (state, mut detail) = restored.unwrap_or_else(|| (ProgressState::Failed, too_long(span)));
    if state == ProgressState::Restored && detail.is_empty() {
        let told = published::told(cloud, &entry.function_arn, &entry.layer);
        detail = within(cloud, FOR_VERSIONS, told).await.unwrap_or_default();
    }
    (state, detail)
}

fn too_long(span: Duration) -> String {
    format!(
        "AWS took longer than {} s; the sweeper looks again every minute",
        span.as_secs()
    )
}

/// Closes a session; one that is gone is as good as closed.
async fn close<C: Cloud>(cloud: &C, id: &SessionId) -> Result<(), StoreError> {
    match cloud.close(id).await {
        Err(error) if !error.is_condition() => Err(error),
        _ => Ok(()),
    }
}

async fn report<C: Cloud>(cloud: &C, connection: Option<&ConnectionId>, progress: &Progress) {
    if let Some(connection) = connection {
        let message = ToLaptop::Progress(progress.clone());
        cloud.tell(connection, &message).await;
    }
}

fn progress(arn: &str, (state, detail): Outcome) -> Progress {
    info!("{arn}: {state:?} {detail}");
    Progress {
        function_arn: arn.to_owned(),
        state,
        detail,
    }
}
