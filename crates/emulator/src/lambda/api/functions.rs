//! Functions, versions, aliases, and what is kept for them.

use super::request::Request;
use super::{Answer, empty, event_invoke, json, ok};
use crate::lambda::{Lambda, LambdaError, Target};
use http::StatusCode;
use serde_json::{Value, json};
use std::sync::Arc;

/// Items on one page if the caller does not say
/// (<https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html>).
const PAGE: usize = 50;

pub(super) async fn serve(
    lambda: &Arc<Lambda>,
    path: &[&str],
    request: &Request<'_>,
) -> Result<Answer, LambdaError> {
    let (name, rest) = match path {
        [] if request.is("GET") => return list(lambda, request),
        [] => return Err(request.not_served()),
        [name, rest @ ..] => (*name, rest),
    };
    let target = lambda.target(name, request.qualifier())?;
    let function = &target.function;
    match (request.method(), rest) {
        ("GET", []) => describe(&target),
        ("DELETE", []) => delete(lambda, &target).await,
        ("GET", ["configuration"]) => {
            let (configuration, _) = function.describe(target.qualifier())?;
            Ok(ok(&configuration.to_json()))
        }
        ("PUT", ["configuration"]) => {
            only_latest(&target)?;
            let updated = function.update(lambda, &request.json()?)?;
            Ok(ok(&updated.to_json()))
        }
        ("PUT", ["code"]) => {
            only_latest(&target)?;
            let updated = function.update_code(lambda, &request.json()?).await?;
            Ok(ok(&updated.to_json()))
        }
        ("GET", ["versions"]) => versions(&target, request),
        ("POST", ["versions"]) => {
            let published = function.publish(&request.json()?)?;
            Ok(json(StatusCode::CREATED, &published.to_json()))
        }
        (_, ["aliases", alias @ ..]) => aliases(&target, alias, request),
        (_, ["policy", statement @ ..]) => policy(&target, statement, request),
        (_, ["event-invoke-config", rest @ ..]) => {
            event_invoke::serve(lambda, &target, rest, request)
        }
        (_, ["concurrency"]) => concurrency(&target, request),
        _ => settings(&target, rest, request),
    }
}

/// `UpdateFunction…`: versions do not change.
fn only_latest(target: &Target) -> Result<(), LambdaError> {
    match target.qualifier() {
        None | Some(crate::lambda::LATEST) => Ok(()),
        Some(_) => Err(LambdaError::InvalidParameter(
            "This operation does not permit updating a function version or alias: only $LATEST \
             can be updated."
                .to_owned(),
        )),
    }
}

fn list(lambda: &Lambda, request: &Request<'_>) -> Result<Answer, LambdaError> {
    let functions = lambda.functions();
    let all = request.query("FunctionVersion") == Some("ALL");
    let mut items = Vec::new();
    for function in functions {
        let versions = function.versions();
        let shown = if all { versions.len() } else { 1 };
        for version in versions.into_iter().take(shown) {
            let key = format!("{} {}", function.name, sortable(&version.version));
            let mut item = version.to_json();
            if !all {
                item["FunctionArn"] = json!(function.arn);
            }
            items.push((key, item));
        }
    }
    items.sort_by(|(one, _), (other, _)| one.cmp(other));
    request.page("Functions", PAGE, items)
}

/// `$LATEST` before all numbers.
fn sortable(version: &str) -> String {
    format!("{:020}", version.parse::<u64>().unwrap_or(0))
}

fn versions(target: &Target, request: &Request<'_>) -> Result<Answer, LambdaError> {
    let versions = target.function.versions();
    let items = versions
        .iter()
        .map(|it| (sortable(&it.version), it.to_json()));
    request.page("Versions", PAGE, items.collect())
}

fn describe(target: &Target) -> Result<Answer, LambdaError> {
    let function = &target.function;
    let (configuration, code) = function.describe(target.qualifier())?;
    let mut answer = json!({
        "Configuration": configuration.to_json(),
        "Code": {
            "RepositoryType": "S3",
            "Location": format!("file://{}", code.display()),
        },
    });
    let tags = function.tags();
    if tags != json!({}) {
        answer["Tags"] = tags;
    }
    if let Some(reserved) = function.reserved() {
        answer["Concurrency"] = json!({ "ReservedConcurrentExecutions": reserved });
    }
    Ok(ok(&answer))
}

async fn delete(lambda: &Lambda, target: &Target) -> Result<Answer, LambdaError> {
    let function = &target.function;
    match target.qualifier() {
        Some(qualifier) => function.delete_version(qualifier).await?,
        None => {
            lambda.remove_function(&function.name);
            function.end().await;
        }
    }
    Ok(empty(StatusCode::NO_CONTENT))
}

fn aliases(target: &Target, path: &[&str], request: &Request<'_>) -> Result<Answer, LambdaError> {
    let function = &target.function;
    match (request.method(), path) {
        ("GET", []) => {
            let aliases = function.aliases(request.query("FunctionVersion"));
            request.page("Aliases", PAGE, aliases)
        }
        ("POST", []) => {
            let created = function.create_alias(&request.json()?)?;
            Ok(json(StatusCode::CREATED, &created))
        }
        ("GET", [name]) => Ok(ok(&function.alias(name)?)),
        ("PUT", [name]) => Ok(ok(&function.update_alias(name, &request.json()?)?)),
        ("DELETE", [name]) => {
            function.delete_alias(name);
            Ok(empty(StatusCode::NO_CONTENT))
        }
        _ => Err(request.not_served()),
    }
}

fn policy(target: &Target, path: &[&str], request: &Request<'_>) -> Result<Answer, LambdaError> {
    let (function, qualifier) = (&target.function, target.qualifier());
    match (request.method(), path) {
        ("GET", []) => Ok(ok(&function.policy(qualifier)?)),
        ("POST", []) => {
            let added = function.add_permission(qualifier, &request.json()?)?;
            Ok(json(StatusCode::CREATED, &added))
        }
        ("DELETE", [statement]) => {
            function.remove_permission(qualifier, statement)?;
            Ok(empty(StatusCode::NO_CONTENT))
        }
        _ => Err(request.not_served()),
    }
}

fn concurrency(target: &Target, request: &Request<'_>) -> Result<Answer, LambdaError> {
    let function = &target.function;
    let shown = |reserved: Option<u32>| match reserved {
        Some(reserved) => json!({ "ReservedConcurrentExecutions": reserved }),
        None => json!({}),
    };
    match request.method() {
        "GET" => Ok(ok(&shown(function.reserved()))),
        "PUT" => {
            let wanted = request.json()?;
            let wanted = wanted.get("ReservedConcurrentExecutions");
            let reserved = wanted.and_then(Value::as_u64);
            let Some(reserved) = reserved.and_then(|it| u32::try_from(it).ok()) else {
                return Err(LambdaError::constraint(
                    &wanted.unwrap_or(&Value::Null).to_string(),
                    "reservedConcurrentExecutions",
                    "Member must have value greater than or equal to 0",
                ));
            };
            function.reserve(Some(reserved));
            Ok(ok(&shown(Some(reserved))))
        }
        "DELETE" => {
            function.reserve(None);
            Ok(empty(StatusCode::NO_CONTENT))
        }
        _ => Err(request.not_served()),
    }
}

/// What no function has here, as AWS says that a function has none.
fn settings(target: &Target, path: &[&str], request: &Request<'_>) -> Result<Answer, LambdaError> {
    if !request.is("GET") {
        return Err(request.not_served());
    }
    let answer = match path {
        ["code-signing-config"] => json!({}),
        ["provisioned-concurrency"] if request.query("List") == Some("ALL") => {
            json!({ "ProvisionedConcurrencyConfigs": [] })
        }
        ["urls"] => json!({ "FunctionUrlConfigs": [] }),
        ["runtime-management-config"] => {
            json!({ "UpdateRuntimeOn": "Auto", "FunctionArn": target.arn() })
        }
        _ => return Err(request.not_served()),
    };
    Ok(ok(&answer))
}
