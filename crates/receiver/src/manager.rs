//! Asking the `manager` Lambda: it alone changes functions.

use crate::account::{Account, Developer};
use crate::error::{Error, aws};
use crate::report::{Report, Reports};
use crate::stack::{HelperStack, function_names};
use aws_sdk_lambda::primitives::Blob;
use std::collections::HashMap;
use tether_protocol::message::{ManagerAnswer, ManagerRequest, Progress, ProgressState};

/// How many functions are what they were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restored(pub usize);

/// Invokes the manager and waits for it.
pub(crate) async fn ask(
    developer: &Developer,
    helper: &HelperStack,
    request: &ManagerRequest,
) -> Result<Vec<Progress>, Error> {
    let payload = serde_json::to_vec(request).unwrap_or_default();
    let name = &helper.manager_function;
    let answer = aws_sdk_lambda::Client::new(&developer.patient)
        .invoke()
        .function_name(name)
        .payload(Blob::new(payload))
        .send()
        .await
        .map_err(aws(format!("the manager {name} cannot be invoked")))?;
    let payload = answer.payload.map(Blob::into_inner).unwrap_or_default();
    if answer.function_error.is_some() {
        let words = String::from_utf8_lossy(&payload).into_owned();
        return Err(Error::HelperSilent(format!(
            "the manager {name} failed: {words}"
        )));
    }
    let answer: ManagerAnswer = serde_json::from_slice(&payload).map_err(|error| {
        Error::HelperSilent(format!("the manager {name} answered oddly: {error}"))
    })?;
    Ok(answer.functions)
}

/// Tells what the manager restored.
///
/// # Errors
/// When some functions could not be restored.
pub(crate) fn tell(
    reports: &Reports,
    progress: Vec<Progress>,
    logical_ids: &HashMap<String, String>,
) -> Result<Restored, Error> {
    let (mut restored, mut failed) = (0, 0);
    for it in progress {
        let name = it.function_arn.rsplit(':').next().unwrap_or_default();
        let function = logical_ids
            .get(name)
            .map_or(name, String::as_str)
            .to_owned();
        if it.state == ProgressState::Restored {
            restored += 1;
            reports(Report::Restored {
                function,
                detail: it.detail,
            });
        } else if it.state == ProgressState::Skipped {
            reports(Report::Note {
                message: format!("{function} is left alone: {}", it.detail),
            });
        } else {
            failed += 1;
            reports(Report::Note {
                message: format!("{function} is not restored: {}", it.detail),
            });
        }
    }
    if failed > 0 {
        return Err(Error::NotRestored(failed));
    }
    Ok(Restored(restored))
}

/// Restores whatever is still instrumented in a stack.
///
/// # Errors
/// When there is no such stack, or a function could not be restored.
pub async fn detach(
    account: &Account,
    helper: &HelperStack,
    stack_name: &str,
    reports: &Reports,
) -> Result<Restored, Error> {
    let developer = account.developer(helper).await?;
    // A stack that was deleted meanwhile may still have a journal.
    let names = match function_names(account, &developer.config, stack_name).await {
        Ok(names) => names,
        Err(error @ Error::NoStack { .. }) => {
            let request = restore_stack(stack_name);
            let progress = ask(&developer, helper, &request).await?;
            if progress.is_empty() {
                return Err(error);
            }
            return tell(reports, progress, &HashMap::new());
        }
        Err(error) => return Err(error),
    };
    let by_name = names
        .into_iter()
        .map(|(logical, name)| (name, logical))
        .collect();
    let progress = ask(&developer, helper, &restore_stack(stack_name)).await?;
    tell(reports, progress, &by_name)
}

fn restore_stack(stack_name: &str) -> ManagerRequest {
    ManagerRequest::RestoreStack {
        stack_name: stack_name.to_owned(),
    }
}
