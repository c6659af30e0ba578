//! Makes one function carry its events to a session.
//!
//! The journal is written before the function, so that whatever happens in
//! between, somebody knows what to restore. A change that cannot be made takes
//! its entry back.

use crate::cloud::{Cloud, Function, LastUpdate};
use crate::plan::{self, Claim, Step};
use crate::restore::{Outcome, read, restore};
use crate::settings::Helper;
use crate::settle::settle;
use crate::tries::{Refusal, Tries, asked};
use crate::words::Words;
use lambda_runtime::tracing::warn;
use std::time::Duration;
use tether_aws::Failure;
use tether_protocol::instrumentation::{Change, Order};
use tether_protocol::message::ProgressState;
use tether_protocol::records::{JournalRecord, SessionRecord};
use tether_protocol::session::{Standing, standing};
use tether_protocol::{ConnectionId, SessionId, Timestamp};

/// What came of instrumenting a function.
#[derive(Debug)]
pub(crate) struct Instrumented {
    /// What became of the function.
    pub(crate) outcome: Outcome,
    /// Whether it was changed for that, or was found in place.
    pub(crate) changed: bool,
    /// What somebody should know, although it is instrumented.
    pub(crate) warnings: Vec<String>,
}

impl Instrumented {
    /// Nothing was done, and why.
    pub(crate) fn failed(reason: String) -> Self {
        Self {
            outcome: (ProgressState::Failed, reason),
            changed: false,
            warnings: Vec::new(),
        }
    }
}

/// Instruments a function for a session, if the session is ACTIVE before and
/// after.
pub(crate) async fn instrument<C: Cloud>(
    cloud: &C,
    helper: &Helper,
    session_id: &SessionId,
    arn: &str,
) -> Instrumented {
    let mut work = Work {
        cloud,
        helper,
        session_id,
        arn,
        tries: Tries::default(),
        written: None,
        in_doubt: false,
        longest: None,
        signing_looked_at: false,
        warnings: Vec::new(),
    };
    let outcome = match work.write().await {
        Ok(Written::Done(entry)) => work.confirm(&entry).await,
        Ok(Written::Left(reason)) => {
            work.undo().await;
            (ProgressState::Skipped, reason)
        }
        Err(reason) => {
            work.undo().await;
            (ProgressState::Failed, reason)
        }
    };
    if let Some(longest) = work.longest {
        work.warnings.push(format!(
            "its queue hides a message for {longest} s only, so Lambda takes no longer timeout: a pause at a breakpoint ends after that; raise the queue's visibility timeout for more"
        ));
    }
    Instrumented {
        outcome,
        changed: work.written.is_some(),
        warnings: work.warnings,
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
    /// Whether the function may have been changed although it was not said, or may
    /// be yet: an update that nobody answered for can be late.
    in_doubt: bool,
    /// The longest timeout that Lambda takes, in seconds, if it has said so.
    longest: Option<u32>,
    signing_looked_at: bool,
    warnings: Vec<String>,
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
        // The journal on both sides of the function: after it, see
        // `leftover::fitted`; before it, or an entry could be replaced that knows
        // of a later change than what was read of the function.
        let earlier = self.entry().await?;
        let found = read(self.cloud, self.arn).await?;
        let found = found.ok_or("the function does not exist any more")?;
        let entry = self.entry().await?;
        if entry != earlier {
            self.overtaken().await?;
            return Ok(None);
        }
        if found.managed_instances {
            return Ok(Some(Written::Left(
                "it runs on Managed Instances, where Lambda starts no wrapper".to_owned(),
            )));
        }
        if let Claim::Theirs(reason) = self.claim(&session, entry.as_ref()).await? {
            return Ok(Some(Written::Left(reason)));
        }
        let order = self.order(&session, &connection, &found);
        match plan::next(&found.configuration, entry.as_ref(), &order) {
            Step::Done => Ok(entry.map(Written::Done)),
            Step::Leave(reason) => Ok(Some(Written::Left(reason))),
            Step::Write(change, mut ours) => {
                if let Some(reason) = self.refused_by_signing().await {
                    return Ok(Some(Written::Left(reason)));
                }
                // That may have taken its time: see `restore::ON_ITS_WAY`.
                ours.changed_at = self.later_than(entry.as_ref());
                if !self.note(&ours, entry).await? {
                    return Ok(None);
                }
                match self.cloud.update(self.arn, &change).await {
                    Ok(()) => Ok(Some(Written::Done(*ours))),
                    Err(failure) => self.refused(&failure, &change, &ours).await,
                }
            }
        }
    }

    /// What a refused update means; none: it is to be tried again.
    async fn refused(
        &mut self,
        failure: &Failure,
        change: &Change,
        ours: &JournalRecord,
    ) -> Result<Option<Written>, String> {
        match Words::of(failure) {
            Words::Skip(reason) => return Ok(Some(Written::Left(reason))),
            Words::Timeout(longest) => {
                let own = ours.timeout.map_or(change.timeout, |(own, _)| own);
                let longest = longest.max(own);
                if longest < change.timeout {
                    self.longest = Some(longest);
                    return Ok(None);
                }
            }
            Words::Other => {}
        }
        let refusal = Refusal::of(failure);
        self.in_doubt |= refusal.is_doubtful();
        let failed = || format!("it could not be changed ({failure})");
        self.again(refusal).await.map_err(|()| failed())?;
        Ok(None)
    }

    /// Why the function's code signing keeps our layer out. What cannot be
    /// found out is left to Lambda, which refuses the change itself.
    async fn refused_by_signing(&mut self) -> Option<String> {
        if std::mem::replace(&mut self.signing_looked_at, true) {
            return None;
        }
        let cloud = self.cloud;
        let arn = asked(cloud, async || cloud.code_signing(self.arn).await).await;
        let enforced = match arn {
            Ok(None) => return None,
            Ok(Some(arn)) => asked(cloud, async || cloud.is_enforced(&arn).await).await,
            Err(failure) => Err(failure),
        };
        match enforced {
            Ok(true) => {
                return Some(
                    "its code signing is enforced, and tether's layer is not signed".to_owned(),
                );
            }
            Ok(false) => self.warnings.push(
                "its code signing warns of layers that are not signed, as tether's is: the change stands in your audit log".to_owned(),
            ),
            Err(failure) => warn!("the code signing of {} cannot be read: {failure}", self.arn),
        }
        None
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
        found: &Function,
    ) -> Order<'o> {
        let helper = self.helper;
        let architecture = &found.configuration.architecture;
        let longest = self.longest.unwrap_or(u32::MAX);
        Order {
            session_id: self.session_id,
            connection_id: connection,
            stack_name: &session.stack_name,
            owner: &session.owner,
            now: self.cloud.now(),
            timeout: session.timeout.map(|wish| wish.min(longest)),
            layer: helper.layer(architecture),
            layer_role: (&helper.layer_role, &helper.external_id),
            tables: (&helper.sessions_table, &helper.debugger_table),
            connections_url: &helper.connections_url,
        }
    }

    /// Now, and later than the entry that is replaced, whatever this clock says:
    /// the two are told apart by it.
    fn later_than(&self, entry: Option<&JournalRecord>) -> Timestamp {
        let after = entry.map(|entry| entry.changed_at.plus(Duration::from_millis(1)));
        self.cloud.now().max(after.unwrap_or_default())
    }

    /// Writes the journal; false: somebody else was first, so read again.
    async fn note(
        &mut self,
        ours: &JournalRecord,
        entry: Option<JournalRecord>,
    ) -> Result<bool, String> {
        let noted = self.cloud.write(ours, entry.as_ref()).await;
        if noted
            .as_ref()
            .is_err_and(tether_store::StoreError::is_condition)
        {
            self.overtaken().await?;
            return Ok(false);
        }
        // What stood there before us is what we found. Our own entry of an
        // earlier try is not meant by that, but another manager's is, for the
        // same session as well: its change may be on its way.
        let before = match self.written.take() {
            Some(earlier) if entry.as_ref() == Some(&earlier.ours) => earlier.before,
            _ => entry,
        };
        let ours = ours.clone();
        // Also after a failure: the write may stand all the same.
        self.written = Some(Entry { ours, before });
        noted.map_err(|error| error.to_string())?;
        Ok(true)
    }

    async fn entry(&self) -> Result<Option<JournalRecord>, String> {
        let entry = self.cloud.entry(self.arn).await;
        entry.map_err(|error| error.to_string())
    }

    /// Somebody else wrote the journal meanwhile.
    async fn overtaken(&mut self) -> Result<(), String> {
        let again = self.again(Refusal::Stale).await;
        again
            .map_err(|()| "somebody else keeps changing its journal entry: attach again".to_owned())
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
            Some(before) => self.cloud.write(&before, Some(&ours)).await,
            None => self.cloud.remove(&ours).await,
        };
        // Another manager's by now: it knows better.
        let undone = undone.or_else(|error| match error.is_condition() {
            true => Ok(()),
            false => Err(error),
        });
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
