//! `$context.…`: what parameter mappings and identity sources may ask of a request
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html>).

use serde_json::Value;

use crate::caller::Caller;
use crate::clock;
use crate::http_api::Exchange;

/// The value of `$context.<name>`, none if it has none here.
#[must_use]
pub fn context_variable(exchange: &Exchange<'_>, name: &str) -> Option<String> {
    let at = exchange.whereabouts;
    let stamp = exchange.stamp;
    let request = exchange.request;
    let text = |it: &str| Some(it.to_owned());
    match name {
        "accountId" => text(&at.account_id),
        "apiId" => text(&at.api_id),
        "domainName" => text(&at.domain_name),
        "domainPrefix" => text(exchange.domain_prefix()),
        "extendedRequestId" => text(&stamp.extended_request_id),
        "requestId" => text(&stamp.request_id),
        "httpMethod" => text(&request.method),
        "path" => Some(exchange.path()),
        "protocol" => text(&request.protocol),
        "requestTime" => Some(clock::request_time(stamp.now_ms)),
        "requestTimeEpoch" => Some(stamp.now_ms.to_string()),
        "routeKey" => Some(exchange.route.to_string()),
        "stage" => text(exchange.stage),
        "identity.sourceIp" => text(&request.source_ip),
        "identity.userAgent" => text(exchange.user_agent()),
        _ => match name.strip_prefix("authorizer.") {
            Some(name) => authorizer_variable(exchange.caller?, name),
            None => signed_variable(exchange.caller?.iam()?, name),
        },
    }
}

/// `claims.sub`, `principalId`, or a name of the authorizer's own.
fn authorizer_variable(caller: &Caller, name: &str) -> Option<String> {
    match caller {
        Caller::Lambda {
            principal_id,
            context,
            ..
        } => match context.get(name) {
            Some(value) => scalar(value),
            None => principal_id.clone().filter(|_| name == "principalId"),
        },
        Caller::Jwt { claims, .. } | Caller::Cognito { claims } => {
            scalar(claims.get(name.strip_prefix("claims.")?)?)
        }
        Caller::Iam(_) => None,
    }
}

fn signed_variable(caller: &crate::caller::IamCaller, name: &str) -> Option<String> {
    let name = name.strip_prefix("identity.")?;
    let identity = caller.identity();
    let (_, value) = identity.iter().find(|(own, _)| *own == name)?;
    scalar(value)
}

/// A text as it is, anything else as JSON; null is nothing.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
