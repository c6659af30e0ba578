//! What a function does with events: its asynchronous configuration.

use super::request::Request;
use super::{Answer, empty, ok};
use crate::lambda::{Lambda, LambdaError, Target};
use http::StatusCode;

/// <https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctionEventInvokeConfigs.html>
const PAGE: usize = 50;

pub(super) fn serve(
    lambda: &Lambda,
    target: &Target,
    path: &[&str],
    request: &Request<'_>,
) -> Result<Answer, LambdaError> {
    let (function, qualifier) = (&target.function, target.qualifier());
    match (request.method(), path) {
        ("GET", ["list"]) => {
            let all = function.event_invokes();
            request.page("FunctionEventInvokeConfigs", PAGE, all)
        }
        ("GET", []) => Ok(ok(&function.shown_event_invoke(qualifier)?)),
        ("PUT", []) => Ok(ok(&lambda.set_event_invoke(
            target,
            &request.json()?,
            false,
        )?)),
        ("POST", []) => Ok(ok(&lambda.set_event_invoke(
            target,
            &request.json()?,
            true,
        )?)),
        ("DELETE", []) => {
            function.delete_event_invoke(qualifier)?;
            Ok(empty(StatusCode::NO_CONTENT))
        }
        _ => Err(request.not_served()),
    }
}
