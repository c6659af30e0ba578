//! Nested stacks begin before what is in them, and fail with it.

use super::{Failed, Run};
use crate::cloudformation::expand::deployed_kind;
use crate::cloudformation::plan::{Change, Plan, Step};
use crate::cloudformation::stack::{Made, STACK};

/// What is told when a resource has an id.
pub(super) const INITIATED: &str = "Resource creation Initiated";

impl Run<'_> {
    pub(super) fn begin_nested(&self, planned: &Plan) {
        let changing = |it: &&&Step| it.change != Change::Keep;
        let mut nested: Vec<&Step> = planned.nested().filter(|it| changing(&it)).collect();
        // The outer ones first.
        nested.sort_by_key(|it| depth(&it.resource.logical_id));
        for step in nested {
            self.announce(step);
            let status = match step.change {
                Change::Add => "CREATE_IN_PROGRESS",
                _ => "UPDATE_IN_PROGRESS",
            };
            if step.change != Change::Modify {
                let (resource, id) = (&step.resource, &step.resource.reference);
                self.tell(resource, id, status, Some(INITIATED.to_owned()));
            }
        }
    }

    /// Those that are not done yet will not be.
    pub(super) fn fail_nested(&self, planned: &Plan, first: &Failed) {
        let mut open: Vec<&Step> = planned.nested().filter(|it| self.is_open(it)).collect();
        // The inner ones first.
        open.sort_by_key(|it| std::cmp::Reverse(depth(&it.resource.logical_id)));
        for step in open {
            let resource = &step.resource;
            let within = first.logical_id.strip_prefix(&resource.logical_id);
            let failed = within.and_then(|it| it.strip_prefix('/'));
            let Some(failed) = failed.and_then(|it| it.split('/').next()) else {
                self.cancel(step);
                continue;
            };
            let (status, verb, done) = match step.change {
                Change::Add | Change::Keep => ("CREATE_FAILED", "create", "created"),
                Change::Modify | Change::Replace => ("UPDATE_FAILED", "update", "updated"),
            };
            let id = &resource.reference;
            let reason = format!(
                "Embedded stack {id} was not successfully {done}: The following resource(s) \
                 failed to {verb}: [{failed}]. "
            );
            self.tell(resource, id, status, Some(reason));
        }
    }

    /// Deletes these, and says what could not be. Nested stacks go when what is in
    /// them has gone.
    pub(super) async fn delete_each(
        &self,
        all: &[Made],
        retained: impl Fn(&Made) -> bool,
    ) -> Vec<String> {
        let is_stack = |it: &&Made| deployed_kind(&it.resource.kind) == STACK;
        let mut nested: Vec<&Made> = all.iter().filter(is_stack).collect();
        nested.sort_by_key(|it| depth(&it.resource.logical_id));
        for made in nested.iter().filter(|it| !retained(it)) {
            self.tell(
                &made.resource,
                &made.physical_id,
                "DELETE_IN_PROGRESS",
                None,
            );
        }
        let mut failed = Vec::new();
        for made in all.iter().filter(|it| !is_stack(it)) {
            if self.delete(made, retained(made)).await.is_err() {
                failed.push(made.resource.logical_id.clone());
            }
        }
        for made in nested.iter().rev() {
            let id = &made.resource.logical_id;
            let within = format!("{id}/");
            let left: Vec<String> = failed
                .iter()
                .filter_map(|it| it.strip_prefix(&within).map(str::to_owned))
                .collect();
            if left.is_empty() {
                self.end_nested(made, retained(made));
                continue;
            }
            let reason = format!(
                "Embedded stack {} was not successfully deleted: The following resource(s) \
                 failed to delete: [{}]. ",
                made.physical_id,
                own(&left)
            );
            self.tell(
                &made.resource,
                &made.physical_id,
                "DELETE_FAILED",
                Some(reason),
            );
            failed.push(id.clone());
        }
        failed
    }

    fn end_nested(&self, made: &Made, retained: bool) {
        let status = if retained {
            "DELETE_SKIPPED"
        } else {
            "DELETE_COMPLETE"
        };
        self.tell(&made.resource, &made.physical_id, status, None);
        let mut state = self.stack.state();
        state.made.shift_remove(&made.resource.logical_id);
    }

    fn is_open(&self, step: &Step) -> bool {
        let state = self.stack.state();
        let row = state.rows.get(&step.resource.logical_id);
        row.is_some_and(|it| it.status.ends_with("_IN_PROGRESS"))
    }

    /// After a way back they are what they were.
    pub(super) fn restore_nested(&self) {
        let all = self.stack.state().made.clone();
        for made in all.values() {
            let failed = {
                let state = self.stack.state();
                let row = state.rows.get(&made.resource.logical_id);
                row.is_some_and(|it| it.kind == STACK && it.status == "UPDATE_FAILED")
            };
            if failed {
                self.tell(&made.resource, &made.physical_id, "UPDATE_COMPLETE", None);
            }
        }
    }
}

/// How many stacks it is in.
fn depth(logical_id: &str) -> usize {
    logical_id.matches('/').count()
}

/// What the stack itself has of what failed, for a reason.
pub(super) fn own(failed: &[String]) -> String {
    let mut own: Vec<&str> = Vec::new();
    for id in failed {
        let first = id.split('/').next().unwrap_or(id);
        if !own.contains(&first) {
            own.push(first);
        }
    }
    own.join(", ")
}
