//! The account's limits, and tags.

use super::request::Request;
use super::{Answer, empty, ok};
use crate::lambda::{Lambda, LambdaError};
use http::StatusCode;
use serde_json::json;

/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const CONCURRENT_EXECUTIONS: u32 = 1000;

/// `GetAccountSettings`
pub(super) fn settings(lambda: &Lambda) -> Answer {
    let functions = lambda.functions();
    let reserved: u32 = functions.iter().filter_map(|it| it.reserved()).sum();
    let size: u64 = functions
        .iter()
        .flat_map(|it| it.versions())
        .map(|it| it.code_size)
        .sum();
    ok(&json!({
        "AccountLimit": {
            "TotalCodeSize": 80_530_636_800_u64,
            "CodeSizeUnzipped": 262_144_000,
            "CodeSizeZipped": 52_428_800,
            "ConcurrentExecutions": CONCURRENT_EXECUTIONS,
            "UnreservedConcurrentExecutions": CONCURRENT_EXECUTIONS.saturating_sub(reserved),
        },
        "AccountUsage": { "TotalCodeSize": size, "FunctionCount": functions.len() },
    }))
}

/// `ListTags`, `TagResource`, `UntagResource`: of functions.
pub(super) fn tags(
    lambda: &Lambda,
    arn: &str,
    request: &Request<'_>,
) -> Result<Answer, LambdaError> {
    if !arn.contains(":function:") {
        return Err(LambdaError::NotServed(format!("tags of {arn}")));
    }
    let function = lambda.target(arn, None)?.function;
    match request.method() {
        "GET" => Ok(ok(&json!({ "Tags": function.tags() }))),
        "POST" => {
            function.tag(request.json()?.get("Tags").unwrap_or(&json!({})));
            Ok(empty(StatusCode::NO_CONTENT))
        }
        "DELETE" => {
            let keys = request.queries("tagKeys");
            function.untag(&keys);
            Ok(empty(StatusCode::NO_CONTENT))
        }
        _ => Err(request.not_served()),
    }
}
