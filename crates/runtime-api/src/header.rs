//! Names of headers.

use http::{HeaderName, HeaderValue};

/// On `next`: the request id.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("lambda-runtime-aws-request-id");
/// On `next`: when Lambda ends the invocation, epoch milliseconds.
pub const DEADLINE: HeaderName = HeaderName::from_static("lambda-runtime-deadline-ms");
/// On `next`: the ARN that was invoked, with its qualifier.
pub const FUNCTION_ARN: HeaderName = HeaderName::from_static("lambda-runtime-invoked-function-arn");
/// On `next`: X-Ray's header.
pub const TRACE_ID: HeaderName = HeaderName::from_static("lambda-runtime-trace-id");
/// On `next`: the caller's client context, JSON.
pub const CLIENT_CONTEXT: HeaderName = HeaderName::from_static("lambda-runtime-client-context");
/// On `next`: the caller's Cognito identity, JSON.
pub const COGNITO_IDENTITY: HeaderName = HeaderName::from_static("lambda-runtime-cognito-identity");
/// On `next`: the tenant, for functions with tenant isolation.
pub const TENANT_ID: HeaderName = HeaderName::from_static("lambda-runtime-aws-tenant-id");
/// On `next`, echoed on the answer: unique over retries; an answer with a
/// stale one is refused with 410.
pub const INVOCATION_ID: HeaderName = HeaderName::from_static("lambda-runtime-invocation-id");
/// On an error: its type.
pub const ERROR_TYPE: HeaderName = HeaderName::from_static("lambda-runtime-function-error-type");
/// On an answer: `streaming`.
pub const RESPONSE_MODE: HeaderName =
    HeaderName::from_static("lambda-runtime-function-response-mode");

/// In `trailer`: what a streamed answer that fails midway has behind its body.
pub const ERROR_TRAILERS: HeaderValue = HeaderValue::from_static(
    "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
);

/// Prefix of all headers of an event.
pub const PREFIX: &str = "lambda-runtime-";

/// Headers that belong to one connection and are not passed on. `te` is among
/// them, `trailer` is not: trailers carry the errors of streamed answers. Nor
/// is `transfer-encoding`: a chunked body stays chunked.
pub const HOP_BY_HOP: [&str; 7] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "upgrade",
];

/// Removes what belongs to one connection only.
pub fn strip_hop_by_hop(headers: &mut http::HeaderMap) {
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}
