//! How a stack's operation went, by its events.

use crate::news::StackEvent;
use crate::refusal::in_one_line;

/// All events of one operation, the first one first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Course {
    pub(crate) stack_id: String,
    pub(crate) events: Vec<StackEvent>,
    /// The status, where it came to be known without an event.
    pub(crate) rested: Option<String>,
}

/// What CloudFormation says of resources that it gave up because of another
/// one.
const CANCELLED: [&str; 3] = [
    "Resource creation cancelled",
    "Resource update cancelled",
    "Resource deletion cancelled",
];

impl Course {
    pub(crate) fn of(stack_id: &str) -> Self {
        Self {
            stack_id: stack_id.to_owned(),
            ..Self::default()
        }
    }

    /// The state that the stack has come to rest in; none: it has not.
    pub(crate) fn status(&self) -> Option<&str> {
        if self.rested.is_some() {
            return self.rested.as_deref();
        }
        let own = self.events.iter().rev().find(|it| self.is_of_stack(it))?;
        let is_over = !own.status.ends_with("_IN_PROGRESS");
        is_over.then_some(own.status.as_str())
    }

    /// Resources of a stack have other ids, and so has a nested stack.
    fn is_of_stack(&self, event: &StackEvent) -> bool {
        event.physical_id == self.stack_id
    }

    /// The resource that failed first, and why, in one line.
    pub(crate) fn cause(&self) -> String {
        let is_cause = |it: &&StackEvent| {
            it.is_failure() && !CANCELLED.iter().any(|why| it.reason.starts_with(why))
        };
        let of_resource = |it: &&StackEvent| is_cause(it) && !self.is_of_stack(it);
        let first = self.events.iter().find(of_resource);
        match first.or_else(|| self.events.iter().find(is_cause)) {
            Some(event) => said(event),
            None => "a reason that CloudFormation does not tell".to_owned(),
        }
    }

    /// Resources of a type that were made.
    pub(crate) fn made(&self, resource_type: &str) -> Vec<String> {
        let made = self.events.iter().filter(|it| {
            it.resource_type == resource_type
                && it.status == "CREATE_COMPLETE"
                && !it.physical_id.is_empty()
        });
        made.map(|it| it.physical_id.clone()).collect()
    }

    /// Logical ids of what could not be deleted.
    pub(crate) fn kept(&self) -> Vec<String> {
        let kept = self
            .events
            .iter()
            .filter(|it| it.status == "DELETE_FAILED" && !self.is_of_stack(it));
        let mut kept: Vec<String> = kept.map(|it| it.logical_id.clone()).collect();
        kept.sort();
        kept.dedup();
        kept
    }
}

fn said(event: &StackEvent) -> String {
    let StackEvent {
        logical_id,
        resource_type,
        ..
    } = event;
    match in_one_line(&event.reason).as_str() {
        "" => format!("{logical_id} ({resource_type}), for which no reason is told"),
        reason => format!("{logical_id} ({resource_type}): {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STACK: &str = "arn:aws:cloudformation:us-east-1:123456789012:stack/tether/1";

    fn event(logical: &str, physical: &str, status: &str, reason: &str) -> StackEvent {
        StackEvent {
            logical_id: logical.into(),
            physical_id: physical.into(),
            resource_type: if physical == STACK {
                "AWS::CloudFormation::Stack".into()
            } else {
                format!("AWS::Test::{logical}")
            },
            status: status.into(),
            reason: reason.into(),
            ..StackEvent::default()
        }
    }

    fn failed() -> Course {
        Course {
            stack_id: STACK.into(),
            events: vec![
                event("tether", STACK, "CREATE_IN_PROGRESS", "User Initiated"),
                event("Layer", "arn:layer:1", "CREATE_COMPLETE", ""),
                event("Role", "", "CREATE_FAILED", "Resource creation cancelled"),
                event("Logs", "", "CREATE_FAILED", "it already exists."),
                event("Table", "", "CREATE_FAILED", "another reason"),
                event("tether", STACK, "ROLLBACK_IN_PROGRESS", "[Logs, Table]"),
                event("Layer", "arn:layer:1", "DELETE_SKIPPED", ""),
            ],
            rested: None,
        }
    }

    #[test]
    fn the_first_resource_that_failed_by_itself_is_the_cause() {
        assert_eq!(
            failed().cause(),
            "Logs (AWS::Test::Logs): it already exists"
        );
        let mut stack_only = Course::of(STACK);
        stack_only.events = vec![event("tether", STACK, "CREATE_FAILED", "too many stacks")];
        assert_eq!(
            stack_only.cause(),
            "tether (AWS::CloudFormation::Stack): too many stacks"
        );
    }

    #[test]
    fn it_is_over_when_the_stack_itself_rests() {
        let mut course = Course::of(STACK);
        assert_eq!(course.status(), None);
        course = failed();
        assert_eq!(course.status(), None);
        course
            .events
            .push(event("tether", STACK, "ROLLBACK_COMPLETE", ""));
        assert_eq!(course.status(), Some("ROLLBACK_COMPLETE"));
    }

    #[test]
    fn what_was_made_and_what_was_kept_is_known() {
        assert_eq!(failed().made("AWS::Test::Layer"), ["arn:layer:1"]);
        let mut course = failed();
        course
            .events
            .push(event("Table", "t", "DELETE_FAILED", "in use"));
        course
            .events
            .push(event("Table", "t", "DELETE_FAILED", "in use"));
        course
            .events
            .push(event("tether", STACK, "DELETE_FAILED", "[Table]"));
        assert_eq!(course.kept(), ["Table"]);
    }
}
