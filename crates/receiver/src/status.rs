//! Who is attached to what.

use crate::account::Account;
use crate::error::Error;
use crate::stack::HelperStack;
use serde::Serialize;
use std::collections::BTreeMap;
use tether_protocol::Timestamp;
use tether_protocol::records::{SessionRecord, SessionStatus};
use tether_protocol::session::is_live;
use tether_store::{Journal, Sessions, StoreError};

/// Sessions and instrumented functions.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// Sessions that own functions, or of the stack that was asked for.
    pub sessions: Vec<SessionStatusLine>,
    /// Functions that are not what they were.
    pub functions: Vec<FunctionStatus>,
    /// Sessions and journal entries that cannot be read, and why.
    pub unreadable: Vec<String>,
}

/// A session.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionStatusLine {
    /// Which.
    pub session_id: String,
    /// Its stack.
    pub stack: String,
    /// Who attached.
    pub owner: String,
    /// In words.
    pub state: &'static str,
    /// Whether it may own functions now.
    pub live: bool,
    /// When it was created, epoch milliseconds.
    pub created_at: u64,
}

/// An instrumented function.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionStatus {
    /// Its name.
    pub function: String,
    /// Its stack.
    pub stack: String,
    /// Who attached.
    pub owner: String,
    /// By which session.
    pub session_id: String,
    /// Whether that session lives; otherwise the sweeper restores it.
    pub live: bool,
}

/// Reads the tables.
///
/// # Errors
/// When the tables cannot be read.
pub async fn status(
    account: &Account,
    helper: &HelperStack,
    stack_name: Option<&str>,
) -> Result<Status, Error> {
    let developer = account.developer(helper).await?;
    let sessions = Sessions::new(&developer.config, &helper.sessions_table);
    let journal = Journal::new(&developer.config, &helper.functions_table);
    let now = developer.now();
    let wanted = |stack: &str| stack_name.is_none_or(|it| it == stack);

    let mut rows: BTreeMap<String, Option<SessionRecord>> = BTreeMap::new();
    let mut status = Status::default();
    for entry in journal.all().await? {
        let entry = match entry {
            Ok(entry) => entry,
            Err(entry) => {
                let said = format!("{}: {}", entry.function_arn, entry.reason);
                status.unreadable.push(said);
                continue;
            }
        };
        if !wanted(&entry.stack_name) {
            continue;
        }
        let id = entry.session_id.to_string();
        if !rows.contains_key(&id) {
            let row = readable(sessions.read(&entry.session_id).await, &mut status)?;
            rows.insert(id.clone(), row.flatten());
        }
        let row = rows.get(&id).and_then(Option::as_ref);
        status.functions.push(FunctionStatus {
            function: entry
                .function_arn
                .rsplit(':')
                .next()
                .unwrap_or_default()
                .to_owned(),
            stack: entry.stack_name,
            owner: entry.owner,
            session_id: id,
            live: is_live(row, now),
        });
    }
    if let Some(stack) = stack_name {
        for row in sessions.of_stack(stack).await? {
            if let Some(row) = readable(row, &mut status)? {
                rows.insert(row.session_id.to_string(), Some(row));
            }
        }
    }
    let rows = rows.into_values().flatten();
    let open = rows.filter(|row| row.status != SessionStatus::Closed);
    status.sessions = open.map(|row| line(row, now)).collect();
    Ok(status)
}

/// A row that cannot be read is told of, and hides no other.
fn readable<T>(row: Result<T, StoreError>, status: &mut Status) -> Result<Option<T>, StoreError> {
    match row {
        Err(error @ StoreError::Row { .. }) => {
            status.unreadable.push(error.to_string());
            Ok(None)
        }
        row => row.map(Some),
    }
}

fn line(row: SessionRecord, now: Timestamp) -> SessionStatusLine {
    let live = is_live(Some(&row), now);
    SessionStatusLine {
        session_id: row.session_id.to_string(),
        stack: row.stack_name,
        owner: row.owner,
        state: match row.status {
            SessionStatus::Pending => "connecting",
            SessionStatus::Active if live => "attached",
            SessionStatus::Active => "not heard of",
            SessionStatus::Disconnected => "disconnected",
            SessionStatus::Closed => "closed",
        },
        live,
        created_at: row.created_at.0,
    }
}
