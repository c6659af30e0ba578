//! Makes one function carry its events to a session.
//!
//! The journal is written before the function, so that whatever happens in
//! between, somebody knows what to restore. A change that cannot be made takes
//! its entry back.

use crate::cloud::{Cloud, LastUpdate};
use crate::plan::{self, Claim, Step};
use crate::restore::{Outcome, read, restore};
use crate::settings::Helper;
use crate::settle::settle;
use crate::tries::{Refusal, Tries};
use lambda_runtime::tracing::warn;
use tether_protocol::instrumentation::Order;
use tether_protocol::message::ProgressState;
use tether_protocol::records::{JournalRecord, SessionRecord};
use tether_protocol::session::{Standing, standing};
use tether_protocol::{ConnectionId, SessionId};

/// Instruments a function for a session, if the session is ACTIVE before and
/// after.
pub(crate) async fn instrument<C: Cloud>(
    cloud: &C,
    helper: &Helper,
    session_id: &SessionId,
    arn: &str,
) -> Outcome {
    let mut work = Work {
        cloud,
        helper,
        session_id,
        arn,
        tries: Tries::default(),
        written: None,
        in_doubt: false,
    };
    match work.write().await {
        Ok(Written::Done(entry)) => work.confirm(&entry).await,
        Ok(Written::Left(reason)) => {
            work.undo().await;
            (ProgressState::Skipped, reason)
        }
        Err(reason) => {
            work.undo().await;
            (ProgressState::Failed, reason)
        }
    }
}

/// The session and its connection, if it is ACTIVE.
///
/// # Errors
/// Why nothing is instrumented for it.
pub(crate) async fn active<C: Cloud>(
    cloud: &C,
    id: &SessionId,
) -> Result<(SessionRecord, ConnectionId), String> {
    let session = cloud.session(id).await.map_err(|error| error.to_string())?;
    match (standing(session.as_ref(), cloud.now()), session) {
        (Standing::Active(connection), Some(session)) => Ok((session, connection)),
        (Standing::Away, _) => Err("the session is not connected".to_owned()),
        _ => Err("the session has ended".to_owned()),
    }
}

enum Written {
    Done(JournalRecord),
    Left(String),
}

/// What we wrote into the journal, and what stood there before.
struct Entry {
    ours: JournalRecord,
    before: Option<JournalRecord>,
}

struct Work<'a, C> {
    cloud: &'a C,
    helper: &'a Helper,
    session_id: &'a SessionId,
    arn: &'a str,
    tries: Tries,
    written: Option<Entry>,
    /// Whether the function may have been changed although it was not said.
    in_doubt: bool,
}

impl<C: Cloud> Work<'_, C> {
    async fn write(&mut self) -> Result<Written, String> {
        loop {
            if let Some(written) = self.attempt().await? {
                return Ok(written);
            }
        }
    }

    /// Reads and plans anew, and takes one step; none: it is to be tried again.
    async fn attempt(&mut self) -> Result<Option<Written>, String> {
        let (session, connection) = active(self.cloud, self.session_id).await?;
        // First the function, then the journal: see `leftover::fitted`.
        let found = read(self.cloud, self.arn).await?;
        let found = found.ok_or("the function does not exist any more")?;
        let entry = self.cloud.entry(self.arn).await;
        let entry = entry.map_err(|error| error.to_string())?;
        if found.managed_instances {
            return Ok(Some(Written::Left(
                "it runs on Managed Instances, where Lambda starts no wrapper".to_owned(),
            )));
        }
        if let Claim::Theirs(reason) = self.claim(&session, entry.as_ref()).await? {
            return Ok(Some(Written::Left(reason)));
        }
        let order = self.order(&session, &connection, &found.configuration.architecture);
        match plan::next(&found.configuration, entry.as_ref(), &order) {
            Step::Done => Ok(entry.map(Written::Done)),
            Step::Leave(reason) => {
                self.in_doubt = false;
                Ok(Some(Written::Left(reason)))
            }
            Step::Write(change, ours) => {
                // What was just read is not ours: no earlier try came about.
                self.in_doubt = false;
                if !self.note(&ours, entry).await? {
                    return Ok(None);
                }
                match self.cloud.update(self.arn, &change).await {
                    Ok(()) => Ok(Some(Written::Done(*ours))),
                    Err(failure) => {
                        let refusal = Refusal::of(&failure);
                        self.in_doubt = refusal.is_doubtful();
                        let failed = || format!("it could not be changed ({failure})");
                        self.again(refusal).await.map_err(|()| failed())?;
                        Ok(None)
                    }
                }
            }
        }
    }

    async fn claim(
        &self,
        session: &SessionRecord,
        entry: Option<&JournalRecord>,
    ) -> Result<Claim, String> {
        let owner = match entry {
            Some(entry) if entry.session_id != session.session_id => {
                let owner = self.cloud.session(&entry.session_id).await;
                owner.map_err(|error| error.to_string())?
            }
            _ => None,
        };
        Ok(plan::claim(
            session,
            entry,
            owner.as_ref(),
            self.cloud.now(),
        ))
    }

    fn order<'o>(
        &'o self,
        session: &'o SessionRecord,
        connection: &'o ConnectionId,
        architecture: &str,
    ) -> Order<'o> {
        let helper = self.helper;
        Order {
            session_id: self.session_id,
            connection_id: connection,
            stack_name: &session.stack_name,
            owner: &session.owner,
            now: self.cloud.now(),
            timeout: session.timeout,
            layer: helper.layer(architecture),
            layer_role: (&helper.layer_role, &helper.external_id),
            tables: (&helper.sessions_table, &helper.debugger_table),
            connections_url: &helper.connections_url,
        }
    }

    /// Writes the journal; false: somebody else was first, so read again.
    async fn note(
        &mut self,
        ours: &JournalRecord,
        entry: Option<JournalRecord>,
    ) -> Result<bool, String> {
        let replaces = entry
            .as_ref()
            .map_or(self.session_id, |entry| &entry.session_id);
        let noted = self.cloud.write(ours, replaces).await;
        if noted
            .as_ref()
            .is_err_and(tether_store::StoreError::is_condition)
        {
            let busy = "somebody else keeps changing its journal entry: attach again";
            self.again(Refusal::Stale)
                .await
                .map_err(|()| busy.to_owned())?;
            return Ok(false);
        }
        // Also after a failure: the write may stand all the same.
        let before = match self.written.take() {
            Some(earlier) => earlier.before,
            None => entry,
        };
        let ours = ours.clone();
        self.written = Some(Entry { ours, before });
        noted.map_err(|error| error.to_string())?;
        Ok(true)
    }

    async fn again(&mut self, refusal: Refusal) -> Result<(), ()> {
        let pause = self.tries.again(refusal).ok_or(())?;
        self.cloud.pause(pause).await;
        Ok(())
    }

    /// The function was not changed: the journal says so again. If that is not
    /// certain, the function is restored.
    async fn undo(&mut self) {
        let Some(Entry { ours, before }) = self.written.take() else {
            return;
        };
        if self.in_doubt {
            let (state, detail) = restore(self.cloud, &ours).await;
            warn!("{} may have been changed; now {state:?} {detail}", self.arn);
            return;
        }
        let undone = match before {
            Some(before) => self.cloud.write(&before, self.session_id).await,
            None => self.cloud.remove(self.arn, self.session_id).await,
        };
        if let Err(error) = undone {
            warn!(
                "{} is unchanged, but its entry is still there: {error}",
                self.arn
            );
        }
    }

    /// Waits until the change is in effect, and looks whether the session is
    /// still there to use it.
    async fn confirm(&self, entry: &JournalRecord) -> Outcome {
        let problem = match settle(self.cloud, self.arn).await {
            Ok(LastUpdate::Successful | LastUpdate::InProgress) => {
                match active(self.cloud, self.session_id).await {
                    Ok(_) => return (ProgressState::Instrumented, String::new()),
                    Err(reason) => reason,
                }
            }
            Ok(LastUpdate::Gone) => "the function does not exist any more".to_owned(),
            Ok(LastUpdate::Failed(reason)) => format!("the change did not take effect ({reason})"),
            Err(reason) => reason,
        };
        match restore(self.cloud, entry).await {
            (ProgressState::Restored, _) => (
                ProgressState::Failed,
                format!("{problem}; it is what it was"),
            ),
            (_, detail) => (ProgressState::Failed, format!("{problem}; {detail}")),
        }
    }
}
