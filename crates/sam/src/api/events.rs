//! The events of SAM's functions and state machines that are routes of an API.
//!
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-api.html>
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-httpapi.html>

use super::document::{ANY, DEFAULT};
use super::part::{Findings, Part};
use crate::resources::SAM_FUNCTION;
use crate::stack::{Resource, Stack};
use serde_json::{Value, json};

pub(super) const SAM_REST: &str = "AWS::Serverless::Api";
pub(super) const SAM_HTTP: &str = "AWS::Serverless::HttpApi";
const STATE_MACHINE: &str = "AWS::Serverless::StateMachine";

/// An event that is a route.
pub(super) struct ApiEvent<'s> {
    pub(super) owner: &'s Resource,
    /// The function's name, or the ARN of its alias.
    invoked: &'s str,
    /// `Events.Get`, where its properties are reported.
    pub(super) at: String,
    pub(super) properties: Part<'s>,
    /// The API's logical id.
    pub(super) api: String,
    pub(super) path: String,
    /// As documents write it: `get`, or `x-amazon-apigateway-any-method`.
    pub(super) method: String,
}

/// What names an API in an event.
struct Kind {
    event: &'static str,
    property: &'static str,
    api: &'static str,
    implicit: &'static str,
}

const KINDS: [Kind; 2] = [
    Kind {
        event: "Api",
        property: "RestApiId",
        api: SAM_REST,
        implicit: "ServerlessRestApi",
    },
    Kind {
        event: "HttpApi",
        property: "ApiId",
        api: SAM_HTTP,
        implicit: "ServerlessHttpApi",
    },
];

/// Every event that is a route, in the order of the text.
pub(super) fn all<'s>(stack: &'s Stack, found: &mut Findings) -> Vec<ApiEvent<'s>> {
    let mut events = Vec::new();
    for owner in stack.resources.values() {
        if owner.kind != SAM_FUNCTION && owner.kind != STATE_MACHINE {
            continue;
        }
        let Some(section) = Part::of(owner).member("Events") else {
            continue;
        };
        for (name, event) in section.members() {
            let kind = event.member("Type").and_then(|it| it.scalar());
            let kind = KINDS.iter().find(|it| Some(it.event) == kind.as_deref());
            // State machines have no events of HTTP APIs.
            let kind = kind.filter(|it| it.event == "Api" || owner.kind == SAM_FUNCTION);
            if let Some(kind) = kind {
                let at = format!("Events.{name}");
                events.extend(read(stack, owner, at, &event, kind, found));
            }
        }
    }
    events
}

fn read<'s>(
    stack: &'s Stack,
    owner: &'s Resource,
    at: String,
    event: &Part<'s>,
    kind: &Kind,
    found: &mut Findings,
) -> Option<ApiEvent<'s>> {
    let properties = match event.member("Properties") {
        Some(properties) => properties,
        // SAM overlooks one of a REST API, and makes it the default route of an HTTP API.
        None if kind.api == SAM_REST => return None,
        None => Part::at(owner, &at, &Value::Null),
    };
    if !properties.value.is_object() && !properties.value.is_null() {
        found.wrong(&properties, "an event's properties must be a map.");
        return None;
    }
    let api = api_of(stack, owner, &properties, kind, found)?;
    let member = |key| properties.member(key);
    let (path, method) = match (member("Path"), member("Method")) {
        (None, None) if kind.api == SAM_HTTP => (DEFAULT.to_owned(), ANY.to_owned()),
        _ => {
            let path = text(&properties, "Path", found);
            let method = text(&properties, "Method", found);
            (path?, normalized(&method?))
        }
    };
    Some(ApiEvent {
        owner,
        invoked: stack.invoked(owner),
        at,
        properties,
        api,
        path,
        method,
    })
}

/// SAM wants true text here.
fn text(properties: &Part<'_>, key: &str, found: &mut Findings) -> Option<String> {
    let Some(part) = properties.member(key) else {
        found.missing(properties, key);
        return None;
    };
    if let Some(text) = part.value.as_str() {
        return Some(text.to_owned());
    }
    found.wrong(&part, "it must be text.");
    None
}

/// A method as documents write it.
pub(super) fn normalized(method: &str) -> String {
    match method.to_ascii_lowercase().as_str() {
        "any" => ANY.to_owned(),
        method => method.to_owned(),
    }
}

/// The logical id of the API that an event belongs to.
fn api_of(
    stack: &Stack,
    owner: &Resource,
    properties: &Part<'_>,
    kind: &Kind,
    found: &mut Findings,
) -> Option<String> {
    let Some(part) = properties.member(kind.property) else {
        // Each nested template has its own.
        return Some(match owner.logical_id.rsplit_once('/') {
            Some((nested, _)) => format!("{nested}/{}", kind.implicit),
            None => kind.implicit.to_owned(),
        });
    };
    let named = found.text(Some(part.clone()))?;
    let all = stack.resources.values();
    let mut apis =
        all.filter(|it| it.kind.contains("::Api") || it.kind == SAM_HTTP || it.logical_id == named);
    let api = apis.find(|it| it.reference == named || it.logical_id == named);
    match api {
        Some(api) if api.kind == kind.api => Some(api.logical_id.clone()),
        Some(api) if api.kind != SAM_REST && api.kind != SAM_HTTP => {
            let message = format!(
                "SAM adds no route to {}, a {}: what it serves, its own properties say.",
                api.logical_id, api.kind
            );
            found.note(&part, message);
            None
        }
        _ => {
            let message = format!(
                "it must refer to a resource of this template of type {}.",
                kind.api
            );
            found.wrong(&part, message);
            None
        }
    }
}

impl ApiEvent<'_> {
    /// `x-amazon-apigateway-integration` of the route.
    pub(super) fn integration(&self) -> Value {
        let streams = self.properties.member("ResponseTransferMode");
        let streams = streams.and_then(|it| it.scalar());
        let streams = streams.as_deref() == Some("RESPONSE_STREAM");
        if self.owner.kind == STATE_MACHINE {
            return state_machine();
        }
        let (version, verb) = match streams {
            true => ("2021-11-15", "response-streaming-invocations"),
            false => ("2015-03-31", "invocations"),
        };
        let function = self.invoked;
        let mut integration = json!({
            "type": "aws_proxy",
            "httpMethod": "POST",
            "uri": format!("arn:aws:apigateway::lambda:path/{version}/functions/{function}/{verb}"),
        });
        if streams {
            integration["responseTransferMode"] = json!("STREAM");
        }
        integration
    }

    /// `GET /hello`
    pub(super) fn route(&self) -> String {
        match self.method.as_str() {
            ANY => format!("ANY {}", self.path),
            method => format!("{} {}", method.to_ascii_uppercase(), self.path),
        }
    }

    /// Where the event stands.
    pub(super) fn part(&self) -> Part<'_> {
        Part::at(self.owner, &self.at, self.properties.value)
    }
}

fn state_machine() -> Value {
    json!({
        "type": "aws",
        "httpMethod": "POST",
        "uri": "arn:aws:apigateway::states:action/StartExecution",
        "responses": { "200": { "statusCode": "200" }, "400": { "statusCode": "400" } },
    })
}
