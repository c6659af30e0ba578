//! What the manager is asked, and what it answers.

use crate::cloud::Cloud;
use crate::instrument::{active, instrument};
use crate::restore::{Outcome, restore};
use crate::settings::Helper;
use lambda_runtime::{Diagnostic, tracing::info};
use std::collections::BTreeMap;
use tether_protocol::SessionId;
use tether_protocol::message::{ManagerAnswer, ManagerRequest, Progress, ProgressState, ToLaptop};
use tether_protocol::records::JournalRecord;
use tether_protocol::session::is_live;
use tether_store::StoreError;

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
        ManagerRequest::Sweep => sweep(cloud).await,
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
    let refused = active(cloud, id).await.err();
    let mut functions = Vec::new();
    for arn in &session.functions {
        let outcome = match &refused {
            Some(reason) => (ProgressState::Failed, reason.clone()),
            None => instrument(cloud, helper, id, arn).await,
        };
        let progress = progress(arn, outcome);
        if let Some(connection) = &session.connection_id {
            cloud
                .tell(connection, &ToLaptop::Progress(progress.clone()))
                .await;
        }
        functions.push(progress);
    }
    if let Some(connection) = &session.connection_id {
        cloud.tell(connection, &ToLaptop::Ready).await;
    }
    Ok(functions)
}

async fn restore_session<C: Cloud>(cloud: &C, id: &SessionId) -> Result<Vec<Progress>, StoreError> {
    close(cloud, id).await?;
    let mut entries = cloud.entries().await?;
    entries.retain(|entry| entry.session_id == *id);
    Ok(restore_all(cloud, &entries).await)
}

async fn restore_stack<C: Cloud>(cloud: &C, stack_name: &str) -> Result<Vec<Progress>, StoreError> {
    let mut entries = cloud.entries().await?;
    entries.retain(|entry| entry.stack_name == stack_name);
    let mut closed: Vec<&SessionId> = Vec::new();
    for entry in &entries {
        if !closed.contains(&&entry.session_id) {
            close(cloud, &entry.session_id).await?;
            closed.push(&entry.session_id);
        }
    }
    Ok(restore_all(cloud, &entries).await)
}

/// Restores what has no live session. Such a session is closed as well, so
/// that a receiver that wakes up now is told to attach anew, and does not wait
/// for events that no function sends.
async fn sweep<C: Cloud>(cloud: &C) -> Result<Vec<Progress>, StoreError> {
    let mut entries = cloud.entries().await?;
    let mut live = BTreeMap::new();
    for entry in &entries {
        let id = &entry.session_id;
        if live.contains_key(id) {
            continue;
        }
        let session = cloud.session(id).await?;
        let is_live = is_live(session.as_ref(), cloud.now());
        if !is_live {
            close(cloud, id).await?;
        }
        live.insert(id.clone(), is_live);
    }
    entries.retain(|entry| live.get(&entry.session_id) == Some(&false));
    Ok(restore_all(cloud, &entries).await)
}

async fn restore_all<C: Cloud>(cloud: &C, entries: &[JournalRecord]) -> Vec<Progress> {
    let mut functions = Vec::new();
    for entry in entries {
        functions.push(progress(&entry.function_arn, restore(cloud, entry).await));
    }
    functions
}

/// Closes a session; one that is gone is as good as closed.
async fn close<C: Cloud>(cloud: &C, id: &SessionId) -> Result<(), StoreError> {
    match cloud.close(id).await {
        Err(error) if !error.is_condition() => Err(error),
        _ => Ok(()),
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
