//! What answers a route, as OpenAPI documents say it.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-integration.html>

use super::part::{Findings, Part};
use super::spelling::Spelling;
use super::{ApiIntegration, IntegrationKind, IntegrationResponse, PayloadVersion};
use indexmap::IndexMap;
use std::collections::BTreeMap;
use std::time::Duration;

/// Reads `x-amazon-apigateway-integration`, or what is it in resources.
pub(super) fn read(
    part: &Part<'_>,
    spelling: Spelling,
    found: &mut Findings,
) -> Option<ApiIntegration> {
    let member = |key| part.member(&spelling.key(key));
    let kind = kind(&found.required_text(part, &spelling.key("type")));
    let Some(kind) = kind else {
        if let Some(part) = member("type") {
            found.wrong(
                &part,
                "it must be AWS_PROXY, AWS, HTTP_PROXY, HTTP or MOCK.",
            );
        }
        return None;
    };
    let uri = found.text(member("uri"));
    let subtype = found.text(member("integrationSubtype"));
    let target = target(uri, subtype, kind);
    let transfer = found.text(member("responseTransferMode"));
    let version = payload_version(member("payloadFormatVersion"), found);
    let passthrough = found.text(member("passthroughBehavior"));
    let integration = ApiIntegration {
        kind,
        streams: target.streams || transfer.as_deref() == Some("STREAM"),
        function: target.function,
        uri: target.uri,
        http_method: found.text(member("httpMethod")),
        payload_version: version.unwrap_or(PayloadVersion::V1),
        timeout: timeout(member("timeoutInMillis"), found),
        request_parameters: found.text_map(member("requestParameters")),
        request_templates: found.text_map(member("requestTemplates")),
        passthrough: passthrough.map(|it| it.to_ascii_uppercase()),
        content_handling: found.text(member("contentHandling")),
        responses: responses(member("responses"), spelling, found),
        response_parameters: response_parameters(member("responseParameters"), found),
    };
    judge(part, &integration, found);
    Some(integration)
}

/// `AWS_PROXY`, in any case.
fn kind(name: &str) -> Option<IntegrationKind> {
    let kind = match name.to_ascii_uppercase().as_str() {
        "AWS_PROXY" => IntegrationKind::AwsProxy,
        "AWS" => IntegrationKind::Aws,
        "HTTP_PROXY" => IntegrationKind::HttpProxy,
        "HTTP" => IntegrationKind::Http,
        "MOCK" => IntegrationKind::Mock,
        _ => return None,
    };
    Some(kind)
}

/// Where an integration goes.
struct Target {
    function: Option<String>,
    uri: Option<String>,
    streams: bool,
}

/// What a URI, or a service's action of an HTTP API, means.
fn target(uri: Option<String>, subtype: Option<String>, kind: IntegrationKind) -> Target {
    let aws = matches!(kind, IntegrationKind::AwsProxy | IntegrationKind::Aws);
    let invoked = uri.as_deref().filter(|_| aws).and_then(function_of);
    // HTTP APIs take a function's ARN as it is.
    let bare = uri.as_deref().filter(|it| {
        kind == IntegrationKind::AwsProxy && subtype.is_none() && !it.contains(":apigateway:")
    });
    let function = match (&invoked, bare) {
        (Some((function, _)), _) => Some(function.clone()),
        (None, Some(arn)) => Some(arn.to_owned()),
        (None, None) => None,
    };
    Target {
        uri: subtype.or(uri.filter(|_| function.is_none())),
        streams: invoked.is_some_and(|(_, streams)| streams),
        function,
    }
}

/// The function's ARN or name in `arn:…:apigateway:…:lambda:path/…/functions/ARN/invocations`,
/// and whether its answer is streamed.
pub(super) fn function_of(uri: &str) -> Option<(String, bool)> {
    let (service, rest) = uri.split_once(":lambda:path/")?;
    let (_, rest) = rest.split_once("functions/")?;
    let streamed = rest.strip_suffix("/response-streaming-invocations");
    let function = streamed.or_else(|| rest.strip_suffix("/invocations"))?;
    let known = service.contains(":apigateway:") && !function.is_empty();
    known.then(|| (function.to_owned(), streamed.is_some()))
}

pub(super) fn payload_version(
    part: Option<Part<'_>>,
    found: &mut Findings,
) -> Option<PayloadVersion> {
    let part = part?;
    match part.scalar().as_deref() {
        Some("1.0" | "1") => Some(PayloadVersion::V1),
        Some("2.0" | "2") => Some(PayloadVersion::V2),
        _ => {
            found.wrong(&part, "it must be '1.0' or '2.0'.");
            None
        }
    }
}

fn timeout(part: Option<Part<'_>>, found: &mut Findings) -> Option<Duration> {
    let millis = found.number(part)?;
    Some(Duration::from_millis(millis.into()))
}

/// By their pattern: a document's keys, or the members of a resource's list.
fn responses(
    part: Option<Part<'_>>,
    spelling: Spelling,
    found: &mut Findings,
) -> IndexMap<String, IntegrationResponse> {
    let named = match spelling {
        Spelling::Document => found.map(part),
        _ => part.map_or_else(Vec::new, |it| {
            it.items().into_iter().map(|it| ("", it)).collect()
        }),
    };
    let mut responses = IndexMap::new();
    for (pattern, part) in named {
        let member = |key| part.member(&spelling.key(key));
        let selection = found.text(part.member("SelectionPattern"));
        let pattern = match (spelling, selection) {
            (Spelling::Document, _) => pattern.to_owned(),
            (_, Some(pattern)) if !pattern.is_empty() => pattern,
            _ => "default".to_owned(),
        };
        let response = IntegrationResponse {
            parameters: found.text_map(member("responseParameters")),
            templates: found.text_map(member("responseTemplates")),
            content_handling: found.text(member("contentHandling")),
            status: found.required_text(&part, &spelling.key("statusCode")),
        };
        responses.insert(pattern, response);
    }
    responses
}

/// HTTP APIs change answers by their status.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html>
fn response_parameters(
    part: Option<Part<'_>>,
    found: &mut Findings,
) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut statuses = BTreeMap::new();
    for (status, part) in found.map(part) {
        let list = part.member("ResponseParameters");
        let parameters = match list {
            Some(list) => list
                .items()
                .iter()
                .map(|it| {
                    let destination = found.required_text(it, "Destination");
                    (destination, found.required_text(it, "Source"))
                })
                .collect(),
            None => found.text_map(Some(part)),
        };
        statuses.insert(status.to_owned(), parameters);
    }
    statuses
}

/// What an integration lacks, and what of it is not served.
fn judge(part: &Part<'_>, integration: &ApiIntegration, found: &mut Findings) {
    let goes_nowhere = integration.function.is_none() && integration.uri.is_none();
    if goes_nowhere && integration.kind != IntegrationKind::Mock {
        found.wrong(part, "an integration that is no mock needs a URI.");
    }
    if let (IntegrationKind::AwsProxy | IntegrationKind::Aws, None, Some(uri)) =
        (integration.kind, &integration.function, &integration.uri)
    {
        let message = format!("{} is not served: only functions are.", service(uri));
        found.note(part, message);
    }
    for key in ["connectionType", "ConnectionType"] {
        if let Some(part) = part.member(key)
            && part.scalar().as_deref() == Some("VPC_LINK")
        {
            found.note(
                &part,
                "a VPC link is not gone through: the URI is asked directly.",
            );
        }
    }
}

/// `states:action/StartExecution` of a URI of API Gateway's, or the text itself.
fn service(uri: &str) -> &str {
    match uri.split_once(":apigateway:") {
        Some((_, rest)) => rest.split_once(':').map_or(rest, |(_, service)| service),
        None => uri,
    }
}
