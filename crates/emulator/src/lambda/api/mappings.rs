//! Event source mappings.

use super::request::Request;
use super::{Answer, json, ok};
use crate::lambda::{Lambda, LambdaError, Target};
use http::StatusCode;
use serde_json::Value;

/// <https://docs.aws.amazon.com/lambda/latest/api/API_ListEventSourceMappings.html>
const PAGE: usize = 100;

pub(super) fn serve(
    lambda: &Lambda,
    path: &[&str],
    request: &Request<'_>,
) -> Result<Answer, LambdaError> {
    let mappings = &lambda.mappings;
    let answer = match (request.method(), path) {
        ("GET", []) => return list(lambda, request),
        ("GET", [uuid]) => return Ok(ok(&mappings.mapping(uuid)?)),
        ("POST", []) => {
            let asked = request.json()?;
            let target = function(lambda, &asked)?;
            let target = target.ok_or_else(|| {
                let message = "Value null at 'functionName' failed to satisfy constraint: \
                               Member must not be null";
                LambdaError::Validation(message.to_owned())
            })?;
            let created = mappings.create(&target.function, &target.arn(), &asked)?;
            lambda.notice(format!(
                "an event source mapping is kept as a record: nothing polls for {}",
                target.function.name
            ));
            created
        }
        ("PUT", [uuid]) => {
            let asked = request.json()?;
            let target = function(lambda, &asked)?;
            let arn = target.as_ref().map(Target::arn).unwrap_or_default();
            let function = target.as_ref().map(|it| (&*it.function, arn.as_str()));
            mappings.update(uuid, &asked, function)?
        }
        ("DELETE", [uuid]) => mappings.delete(uuid)?,
        _ => return Err(request.not_served()),
    };
    Ok(json(StatusCode::ACCEPTED, &answer))
}

/// The function that a request names.
fn function(lambda: &Lambda, request: &Value) -> Result<Option<Target>, LambdaError> {
    let Some(name) = request.get("FunctionName").and_then(Value::as_str) else {
        return Ok(None);
    };
    let target = lambda.target(name, None).and_then(|it| {
        it.function.check(it.qualifier())?;
        Ok(it)
    });
    target
        .map(Some)
        .map_err(|_| LambdaError::InvalidParameter("Function does not exist".to_owned()))
}

fn list(lambda: &Lambda, request: &Request<'_>) -> Result<Answer, LambdaError> {
    let target = match request.query("FunctionName") {
        Some(name) => Some(lambda.target(name, None)?),
        None => None,
    };
    let name = target.as_ref().map(|it| it.function.name.as_str());
    let found = lambda.mappings.list(name, request.query("EventSourceArn"));
    request.page("EventSourceMappings", PAGE, found)
}
