//! What answers a route, as OpenAPI documents say it.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-integration.html>

use super::part::{Findings, Part};
use super::{ApiIntegration, ApiKind, IntegrationKind, IntegrationResponse, PayloadVersion};
use indexmap::IndexMap;
use std::collections::BTreeMap;
use std::time::Duration;

/// Reads `x-amazon-apigateway-integration`.
pub(super) fn read(part: &Part<'_>, api: ApiKind, found: &mut Findings) -> Option<ApiIntegration> {
    let kind = kind(
        &found.required_text(part, "type"),
        &part.member("type"),
        found,
    )?;
    let uri = found.text(part.member("uri"));
    let subtype = found.text(part.member("integrationSubtype"));
    let target = target(uri, subtype, kind);
    let transfer = found.text(part.member("responseTransferMode"));
    let version = part.member("payloadFormatVersion");
    let integration = ApiIntegration {
        kind,
        streams: target.streams || transfer.as_deref() == Some("STREAM"),
        function: target.function,
        uri: target.uri,
        http_method: found.text(part.member("httpMethod")),
        payload_version: payload_version(version, found).unwrap_or(PayloadVersion::V1),
        timeout: timeout(part.member("timeoutInMillis"), found),
        request_parameters: found.text_map(part.member("requestParameters")),
        request_templates: found.text_map(part.member("requestTemplates")),
        passthrough: found
            .text(part.member("passthroughBehavior"))
            .map(|it| it.to_ascii_uppercase()),
        content_handling: found.text(part.member("contentHandling")),
        responses: responses(part.member("responses"), found),
        response_parameters: response_parameters(part.member("responseParameters"), found),
    };
    judge(part, &integration, api, found);
    Some(integration)
}

/// `AWS_PROXY`, in any case.
pub(super) fn kind(
    name: &str,
    part: &Option<Part<'_>>,
    found: &mut Findings,
) -> Option<IntegrationKind> {
    let kind = match name.to_ascii_uppercase().as_str() {
        "AWS_PROXY" => IntegrationKind::AwsProxy,
        "AWS" => IntegrationKind::Aws,
        "HTTP_PROXY" => IntegrationKind::HttpProxy,
        "HTTP" => IntegrationKind::Http,
        "MOCK" => IntegrationKind::Mock,
        _ => {
            if let Some(part) = part {
                let message = "it must be AWS_PROXY, AWS, HTTP_PROXY, HTTP or MOCK.";
                found.wrong(part, message);
            }
            return None;
        }
    };
    Some(kind)
}

/// Where an integration goes.
pub(super) struct Target {
    pub(super) function: Option<String>,
    pub(super) uri: Option<String>,
    pub(super) streams: bool,
}

/// What a URI, or a service's action of an HTTP API, means.
pub(super) fn target(
    uri: Option<String>,
    subtype: Option<String>,
    kind: IntegrationKind,
) -> Target {
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

pub(super) fn timeout(part: Option<Part<'_>>, found: &mut Findings) -> Option<Duration> {
    let millis = found.number(part)?;
    Some(Duration::from_millis(millis.into()))
}

fn responses(
    part: Option<Part<'_>>,
    found: &mut Findings,
) -> IndexMap<String, IntegrationResponse> {
    let mut responses = IndexMap::new();
    for (pattern, part) in found.map(part) {
        let response = IntegrationResponse {
            status: found.required_text(&part, "statusCode"),
            parameters: found.text_map(part.member("responseParameters")),
            templates: found.text_map(part.member("responseTemplates")),
            content_handling: found.text(part.member("contentHandling")),
        };
        responses.insert(pattern.to_owned(), response);
    }
    responses
}

/// HTTP APIs change answers by their status.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html>
pub(super) fn response_parameters(
    part: Option<Part<'_>>,
    found: &mut Findings,
) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut statuses = BTreeMap::new();
    for (status, part) in found.map(part) {
        statuses.insert(status.to_owned(), found.text_map(Some(part)));
    }
    statuses
}

/// What an integration lacks, and what of it is not served.
pub(super) fn judge(
    part: &Part<'_>,
    integration: &ApiIntegration,
    api: ApiKind,
    found: &mut Findings,
) {
    let goes_nowhere = integration.function.is_none() && integration.uri.is_none();
    if goes_nowhere && integration.kind != IntegrationKind::Mock {
        let name = if api == ApiKind::Rest {
            "uri"
        } else {
            "its URI"
        };
        found.wrong(
            part,
            format!("an integration that is no mock needs {name}."),
        );
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
