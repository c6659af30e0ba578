//! What CloudFormation checks before it shows what would change
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html>).

use crate::refusal::in_one_line;
use aws_sdk_cloudformation::types::{HookFailureMode, OperationEvent};

/// The reason of a change set names the check and no resource.
pub(super) fn is_meant(reason: &str) -> bool {
    reason.contains("EarlyValidation")
}

/// Which resources did not pass, and why; none: it does not say.
pub(super) fn in_words(events: &[OperationEvent]) -> Option<String> {
    let mut said: Vec<String> = Vec::new();
    for words in events.iter().filter_map(failure) {
        if !said.contains(&words) {
            said.push(words);
        }
    }
    Some(said.join("; ")).filter(|it| !it.is_empty())
}

/// A check that only warns has not stopped anything.
fn failure(event: &OperationEvent) -> Option<String> {
    let reason = in_one_line(event.validation_status_reason()?);
    if event.validation_failure_mode() == Some(&HookFailureMode::Warn) {
        return None;
    }
    let resource = event.logical_resource_id().or(event.validation_path())?;
    let resource_type = event.resource_type();
    let resource_type = resource_type.map_or_else(String::new, |it| format!(" ({it})"));
    Some(format!("{resource}{resource_type}: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REASON: &str = "The following hook(s)/validation failed: [AWS::EarlyValidation::ResourceExistenceCheck]. To troubleshoot Early Validation errors, use the DescribeEvents API for detailed failure information.";

    fn event(resource: &str, mode: HookFailureMode) -> OperationEvent {
        OperationEvent::builder()
            .logical_resource_id(resource)
            .resource_type("AWS::Logs::LogGroup")
            .validation_name("NAME_CONFLICT_VALIDATION")
            .validation_failure_mode(mode)
            .validation_path(format!("/Resources/{resource}"))
            .validation_status_reason("Resource of that name\nalready exists.")
            .build()
    }

    #[test]
    fn a_reason_that_names_no_resource_is_told_from_others() {
        assert!(is_meant(REASON));
        assert!(!is_meant("Transform AWS::Serverless-2016-10-31 failed"));
    }

    #[test]
    fn the_resources_that_did_not_pass_are_named_once() {
        let events = [
            event("ManagerLogs", HookFailureMode::Fail),
            event("ManagerLogs", HookFailureMode::Fail),
            event("ConnectLogs", HookFailureMode::Warn),
            OperationEvent::builder().build(),
        ];
        assert_eq!(
            in_words(&events).as_deref(),
            Some("ManagerLogs (AWS::Logs::LogGroup): Resource of that name already exists")
        );
        assert_eq!(in_words(&events[3..]), None);
    }
}
