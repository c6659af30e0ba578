//! The way back, and the way out: what failed is undone, what nobody wants any
//! more is deleted.

use super::nested::own;
use super::{Done, OnFailure, Run};
use crate::cloudformation::plan::Plan;
use crate::cloudformation::resources::retains;
use crate::cloudformation::stack::{Made, now};
use indexmap::IndexMap;

impl Run<'_> {
    // ---- back

    pub(super) async fn fail_creation(&self, on_failure: OnFailure, failed: &[String]) {
        let failed = own(failed);
        let reason = format!("The following resource(s) failed to create: [{failed}]. ");
        match on_failure {
            OnFailure::Nothing => self.stack.enter("CREATE_FAILED", Some(&reason)),
            OnFailure::Delete => {
                let reason = format!("{reason}Delete requested by user.");
                self.stack.enter("DELETE_IN_PROGRESS", Some(&reason));
                self.delete_all(false).await;
            }
            OnFailure::Rollback => {
                let reason = format!("{reason}Rollback requested by user.");
                self.stack.enter("ROLLBACK_IN_PROGRESS", Some(&reason));
                self.delete_all(true).await;
            }
        }
    }

    pub(super) async fn fail_update(
        &self,
        on_failure: OnFailure,
        failed: &[String],
        done: Vec<Done>,
    ) {
        let failed = own(failed);
        let reason = format!("The following resource(s) failed to update: [{failed}]. ");
        if on_failure == OnFailure::Nothing {
            return self.stack.enter("UPDATE_FAILED", Some(&reason));
        }
        self.stack
            .enter("UPDATE_ROLLBACK_IN_PROGRESS", Some(&reason));
        let mut superfluous = Vec::new();
        let mut well = true;
        for it in done.into_iter().rev() {
            match it {
                Done::Added(now) => superfluous.push(now),
                Done::Replaced { before, now } => {
                    self.tell(
                        &before.resource,
                        &before.physical_id,
                        "UPDATE_COMPLETE",
                        None,
                    );
                    self.keep(before);
                    superfluous.push(now);
                }
                Done::Modified { before, now } => well &= self.undo(before, &now).await,
            }
        }
        if !well {
            self.stack.enter("UPDATE_ROLLBACK_FAILED", Some(&reason));
            return;
        }
        self.stack
            .enter("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", None);
        for now in superfluous {
            // What cannot be deleted stays, and is said.
            let _ = self.delete(&now, retains(&now.resource, false)).await;
        }
        self.stack.state().forget_failed();
        self.redefine().await;
        self.restore_nested();
        self.stack.enter("UPDATE_ROLLBACK_COMPLETE", None);
    }

    async fn undo(&self, before: Made, now: &Made) -> bool {
        let resource = before.resource.clone();
        let id = before.physical_id.clone();
        self.tell(&resource, &id, "UPDATE_IN_PROGRESS", None);
        let hands = self.hands(None);
        let undone = hands.update(now, &resource, before.content.clone()).await;
        let (status, reason) = match undone {
            Ok(_) => ("UPDATE_COMPLETE", None),
            Err(reason) => ("UPDATE_FAILED", Some(reason)),
        };
        self.keep(before);
        self.tell(&resource, &id, status, reason);
        status == "UPDATE_COMPLETE"
    }

    /// APIs are what their parts say that are left.
    async fn redefine(&self) {
        let hands = self.hands(None);
        // They were right before.
        let _ = hands.redefine_apis(&self.living(), None).await;
    }

    fn living(&self) -> IndexMap<String, Made> {
        self.stack.state().made.clone()
    }

    // ---- away

    pub(super) async fn clean_up(&self, planned: &Plan, done: Vec<Done>) {
        for it in done {
            if let Done::Replaced { before, .. } = it {
                let retained = retains(&before.resource, true);
                // What cannot be deleted stays, and is said.
                let _ = self.delete_replaced(&before, retained).await;
            }
        }
        let retained = |made: &Made| retains(&made.resource, false);
        let _ = self.delete_each(&planned.removed, retained).await;
        // Of an update before, that was left as it was.
        self.stack.state().forget_failed();
        self.redefine().await;
    }

    /// Everything, the last made first.
    pub(super) async fn delete_all(&self, rolls_back: bool) {
        self.stack.state().forget_failed();
        let all: Vec<Made> = self.living().into_values().rev().collect();
        let retained = |made: &Made| {
            let policy = made.resource.deletion_policy.as_deref();
            let new_only = rolls_back && policy == Some("RetainExceptOnCreate");
            retains(&made.resource, false) && !new_only
        };
        let failed = self.delete_each(&all, retained).await;
        let failed = own(&failed);
        let reason = format!("The following resource(s) failed to delete: [{failed}]. ");
        match (failed.is_empty(), rolls_back) {
            (true, true) => self.stack.enter("ROLLBACK_COMPLETE", None),
            (true, false) => {
                self.stack.state().deleted = Some(now());
                self.stack.enter("DELETE_COMPLETE", None);
            }
            (false, true) => self.stack.enter("ROLLBACK_FAILED", Some(&reason)),
            (false, false) => self.stack.enter("DELETE_FAILED", Some(&reason)),
        }
    }

    /// Deletes what the stack has, unless it is to stay.
    pub(super) async fn delete(&self, made: &Made, retained: bool) -> Result<(), String> {
        let id = &made.resource.logical_id;
        let current = |it: &Made| it.physical_id == made.physical_id;
        let deleted = self.delete_replaced(made, retained).await;
        let mut state = self.stack.state();
        if deleted.is_ok() && state.made.get(id).is_some_and(current) {
            state.made.shift_remove(id);
        }
        deleted
    }

    /// Deletes something; the stack may have another one in its place.
    async fn delete_replaced(&self, made: &Made, retained: bool) -> Result<(), String> {
        let (resource, id) = (&made.resource, made.physical_id.as_str());
        if retained {
            self.tell(resource, id, "DELETE_SKIPPED", None);
            return Ok(());
        }
        self.tell(resource, id, "DELETE_IN_PROGRESS", None);
        let deleted = self.hands(None).delete(made).await;
        match &deleted {
            Ok(()) => self.tell(resource, id, "DELETE_COMPLETE", None),
            Err(reason) => self.tell(resource, id, "DELETE_FAILED", Some(reason.clone())),
        }
        deleted
    }
}
