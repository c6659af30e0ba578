//! AWS's query protocol, and STS, which speaks it; CloudFormation does, too, in
//! a module of its own. Requests are forms, answers are XML
//! (<https://smithy.io/2.0/aws/protocols/aws-query-protocol.html>).

use crate::cloud::Cloud;
use crate::cloudformation;
use crate::id;
use crate::signature::Unsigned;
use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use std::collections::HashMap;
use std::sync::Arc;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

type Answer = Response<Full<Bytes>>;

/// Who signed a request.
pub(crate) struct Caller<'a> {
    pub(crate) access_key: &'a str,
}

/// Why a request is refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Refusal {
    /// Something about the request is wrong.
    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self {
            code: "ValidationError",
            message: message.into(),
        }
    }

    fn status(&self) -> StatusCode {
        match self.code {
            "AccessDenied" => StatusCode::FORBIDDEN,
            "ChangeSetNotFound" | "NoSuchEntity" => StatusCode::NOT_FOUND,
            "EntityAlreadyExists" | "DeleteConflict" => StatusCode::CONFLICT,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// What a request wants: its `Action`.
pub(crate) fn action(body: &[u8]) -> String {
    let form: Vec<(String, String)> = serde_urlencoded::from_bytes(body).unwrap_or_default();
    let action = form.into_iter().find(|(name, _)| name == "Action");
    action.map(|(_, value)| value).unwrap_or_default()
}

/// Refuses a request without a good signature.
pub(crate) fn refuse(unsigned: &Unsigned) -> Answer {
    let message = match unsigned {
        Unsigned::Missing => "Request is missing Authentication Token",
        other => other.message(),
    };
    failure(StatusCode::FORBIDDEN, unsigned.code(), message)
}

/// Serves one request.
pub(crate) fn serve(cloud: &Arc<Cloud>, caller: &Caller<'_>, body: &[u8]) -> Answer {
    let form: HashMap<String, String> = serde_urlencoded::from_bytes(body).unwrap_or_default();
    let field = |name: &str| form.get(name).map(String::as_str);
    let action = field("Action").unwrap_or_default();
    let result = match action {
        "AssumeRole" => assume_role(cloud, caller, &form),
        "GetCallerIdentity" => Ok(caller_identity(cloud, caller)),
        other => cloudformation::serve(cloud, caller.access_key, other, &form),
    };
    match result {
        Ok(result) => success(action, &result),
        Err(refusal) => refused(&refusal),
    }
}

/// An error, with the status that its code has.
pub(crate) fn refused(refusal: &Refusal) -> Answer {
    failure(refusal.status(), refusal.code, &refusal.message)
}

fn assume_role(
    cloud: &Cloud,
    caller: &Caller<'_>,
    form: &HashMap<String, String>,
) -> Result<String, Refusal> {
    let arn = form.get("RoleArn").map(String::as_str).unwrap_or_default();
    let session = form
        .get("RoleSessionName")
        .map(String::as_str)
        .unwrap_or_default();
    if form.contains_key("Policy") || form.contains_key("PolicyArns.member.1.arn") {
        return Err(Refusal {
            code: "ValidationError",
            message: "tether's emulator does not serve session policies".to_owned(),
        });
    }
    let external_id = form.get("ExternalId").map(String::as_str);
    let assumed = cloud
        .iam
        .assume(caller.access_key, arn, session, external_id)
        .map_err(|denied| Refusal {
            code: "AccessDenied",
            message: denied.to_string(),
        })?;
    let seconds = form
        .get("DurationSeconds")
        .and_then(|it| it.parse().ok())
        .map_or(cloud.options.role_session, std::time::Duration::from_secs)
        .min(cloud.options.role_session);
    let until = tether_host::now().plus(seconds);
    let expiry = OffsetDateTime::UNIX_EPOCH + Duration::milliseconds(until.0.cast_signed());
    let assumed_arn = assumed.arn().to_owned();
    let key = cloud.callers.assume(assumed, caller.access_key, until);
    Ok(format!(
        "<AssumedRoleUser>{}{}</AssumedRoleUser><Credentials>{}{}{}{}</Credentials>",
        element("Arn", &assumed_arn),
        element("AssumedRoleId", &format!("AROAEMULATED:{session}")),
        element("AccessKeyId", &key),
        element("SecretAccessKey", "emulated"),
        element("SessionToken", "emulated"),
        element("Expiration", &expiry.format(&Rfc3339).unwrap_or_default()),
    ))
}

fn caller_identity(cloud: &Cloud, caller: &Caller<'_>) -> String {
    let place = &cloud.place;
    let known = cloud.callers.whose(caller.access_key);
    let principal = known.unwrap_or_else(|| cloud.iam.administrator());
    let arn = principal.arn();
    format!(
        "{}{}{}",
        element("Arn", arn),
        element("UserId", "AIDAEMULATED"),
        element("Account", &place.account_id)
    )
}

pub(crate) fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>", escape(text))
}

pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// An answer, as these services write it.
pub(crate) fn success(action: &str, result: &str) -> Answer {
    let body = format!(
        "<{action}Response><{action}Result>{result}</{action}Result>\
         <ResponseMetadata>{}</ResponseMetadata></{action}Response>",
        element("RequestId", &id::uuid())
    );
    xml(StatusCode::OK, body)
}

/// An error, as these services write it.
pub(crate) fn failure(status: StatusCode, code: &str, message: &str) -> Answer {
    let fault = if status.is_server_error() {
        "Receiver"
    } else {
        "Sender"
    };
    let body = format!(
        "<ErrorResponse><Error>{}{}{}</Error>{}</ErrorResponse>",
        element("Type", fault),
        element("Code", code),
        element("Message", message),
        element("RequestId", &id::uuid())
    );
    xml(status, body)
}

fn xml(status: StatusCode, body: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    let kind = http::HeaderValue::from_static("text/xml");
    answer.headers_mut().insert("content-type", kind);
    answer
}
