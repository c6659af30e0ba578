//! Services with AWS's query protocol: CloudFormation and STS. Requests are
//! forms, answers are XML
//! (<https://smithy.io/2.0/aws/protocols/aws-query-protocol.html>).

use crate::cloud::Cloud;
use crate::id;
use crate::signature::Unsigned;
use crate::stack::StackRecord;
use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use std::collections::HashMap;
use std::sync::PoisonError;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

type Answer = Response<Full<Bytes>>;

/// Who signed a request.
pub(crate) struct Caller<'a> {
    pub(crate) access_key: &'a str,
}

struct Refusal {
    code: &'static str,
    message: String,
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
pub(crate) fn serve(cloud: &Cloud, caller: &Caller<'_>, body: &[u8]) -> Answer {
    let form: HashMap<String, String> = serde_urlencoded::from_bytes(body).unwrap_or_default();
    let field = |name: &str| form.get(name).map(String::as_str);
    let action = field("Action").unwrap_or_default();
    let stack = || field("StackName");
    let result = match action {
        "DescribeStacks" => describe_stacks(cloud, stack()),
        "ListStackResources" => list_stack_resources(cloud, stack().unwrap_or_default()),
        "AssumeRole" => assume_role(cloud, caller, &form),
        "GetCallerIdentity" => Ok(caller_identity(cloud, caller)),
        other => Err(Refusal {
            code: "InvalidAction",
            message: format!("tether's emulator does not serve {other}"),
        }),
    };
    match result {
        Ok(result) => success(action, &result),
        Err(refusal) => {
            let status = if refusal.code == "AccessDenied" {
                StatusCode::FORBIDDEN
            } else {
                StatusCode::BAD_REQUEST
            };
            failure(status, refusal.code, &refusal.message)
        }
    }
}

fn describe_stacks(cloud: &Cloud, wanted: Option<&str>) -> Result<String, Refusal> {
    let stacks = cloud.stacks.read().unwrap_or_else(PoisonError::into_inner);
    let mut members = String::new();
    match wanted {
        Some(wanted) => members.push_str(&stack_member(find(&stacks, wanted)?)),
        None => stacks
            .values()
            .for_each(|it| members.push_str(&stack_member(it))),
    }
    Ok(format!("<Stacks>{members}</Stacks>"))
}

fn find<'a>(
    stacks: &'a std::collections::BTreeMap<String, StackRecord>,
    wanted: &str,
) -> Result<&'a StackRecord, Refusal> {
    stacks
        .values()
        .find(|it| it.name == wanted || it.id == wanted)
        .ok_or_else(|| Refusal {
            code: "ValidationError",
            message: format!("Stack with id {wanted} does not exist"),
        })
}

fn stack_member(stack: &StackRecord) -> String {
    let outputs: String = stack
        .outputs
        .iter()
        .map(|(key, value, description)| {
            let description = description
                .as_deref()
                .map(|it| element("Description", it))
                .unwrap_or_default();
            format!(
                "<member>{}{}{description}</member>",
                element("OutputKey", key),
                element("OutputValue", value)
            )
        })
        .collect();
    format!(
        "<member>{}{}{}<StackStatus>CREATE_COMPLETE</StackStatus>\
         <DisableRollback>false</DisableRollback><Outputs>{outputs}</Outputs></member>",
        element("StackName", &stack.name),
        element("StackId", &stack.id),
        element("CreationTime", &stack.created),
    )
}

fn list_stack_resources(cloud: &Cloud, wanted: &str) -> Result<String, Refusal> {
    let stacks = cloud.stacks.read().unwrap_or_else(PoisonError::into_inner);
    let stack = find(&stacks, wanted)?;
    let members: String = stack
        .resources
        .iter()
        .map(|resource| {
            format!(
                "<member>{}{}{}{}<ResourceStatus>CREATE_COMPLETE</ResourceStatus></member>",
                element("LogicalResourceId", &resource.logical_id),
                element("PhysicalResourceId", &resource.physical_id),
                element("ResourceType", &resource.kind),
                element("LastUpdatedTimestamp", &stack.created),
            )
        })
        .collect();
    Ok(format!(
        "<StackResourceSummaries>{members}</StackResourceSummaries>"
    ))
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
    let stacks = cloud.stacks.read().unwrap_or_else(PoisonError::into_inner);
    let known = stacks
        .values()
        .any(|stack| stack.roles.iter().any(|it| it == arn));
    if !known {
        return Err(Refusal {
            code: "AccessDenied",
            message: format!("not authorized to perform: sts:AssumeRole on resource: {arn}"),
        });
    }
    let seconds = form
        .get("DurationSeconds")
        .and_then(|it| it.parse().ok())
        .map_or(cloud.options.role_session, std::time::Duration::from_secs)
        .min(cloud.options.role_session);
    let until = tether_host::now().plus(seconds);
    let expiry = OffsetDateTime::UNIX_EPOCH + Duration::milliseconds(until.0.cast_signed());
    let role = arn.rsplit('/').next().unwrap_or_default();
    let place = &cloud.place;
    let assumed = format!(
        "arn:{}:sts::{}:assumed-role/{role}/{session}",
        place.partition, place.account_id
    );
    let key = cloud.callers.assume(&assumed, caller.access_key, until);
    Ok(format!(
        "<AssumedRoleUser>{}{}</AssumedRoleUser><Credentials>{}{}{}{}</Credentials>",
        element("Arn", &assumed),
        element("AssumedRoleId", &format!("AROAEMULATED:{session}")),
        element("AccessKeyId", &key),
        element("SecretAccessKey", "emulated"),
        element("SessionToken", "emulated"),
        element("Expiration", &expiry.format(&Rfc3339).unwrap_or_default()),
    ))
}

fn caller_identity(cloud: &Cloud, caller: &Caller<'_>) -> String {
    let place = &cloud.place;
    let arn = cloud.callers.arn(caller.access_key).unwrap_or_else(|| {
        let (partition, account_id) = (&place.partition, &place.account_id);
        format!("arn:{partition}:iam::{account_id}:user/developer")
    });
    format!(
        "{}{}{}",
        element("Arn", &arn),
        element("UserId", "AIDAEMULATED"),
        element("Account", &place.account_id)
    )
}

fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>", escape(text))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn success(action: &str, result: &str) -> Answer {
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
