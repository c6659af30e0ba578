//! What can go wrong on the way, by the names of API Gateway's gateway responses.

use std::fmt;

/// Why a request gets an answer of the gateway's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which gateway response answers it.
    pub kind: FaultKind,
    /// What the client reads in place of the kind's own message, `$context.error.message`.
    pub message: Option<String>,
    /// `$context.error.validationErrorString`
    pub validation: Option<String>,
    /// Why, for the developer's terminal, in one line; the client never sees it.
    pub reason: String,
}

impl Fault {
    /// A fault with the kind's own message.
    #[must_use]
    pub fn new(kind: FaultKind, reason: impl Into<String>) -> Self {
        Self {
            kind,
            message: None,
            validation: None,
            reason: reason.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.reason)
    }
}

/// The gateway responses
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html>),
/// and, beside them, the few answers that none can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// A policy said no.
    AccessDenied,
    /// The API's configuration is invalid.
    ApiConfigurationError,
    /// The authorizer cannot be asked as it is configured.
    AuthorizerConfigurationError,
    /// The authorizer failed.
    AuthorizerFailure,
    /// A request parameter does not hold against the method.
    BadRequestParameters,
    /// The body does not hold against its model.
    BadRequestBody,
    /// A token has run out.
    ExpiredToken,
    /// A Lambda proxy integration's answer is none: 502, changed by `DEFAULT_5XX` alone.
    BadGateway,
    /// A mapping failed, or there is nothing to call: 500, changed by `DEFAULT_5XX` alone.
    InternalServerError,
    /// A mapping found no JSON in the request's body: 400, changed by `DEFAULT_4XX` alone.
    BadRequest,
    /// The integration failed.
    IntegrationFailure,
    /// The integration took too long.
    IntegrationTimeout,
    /// An API key is required, and this is none.
    InvalidApiKey,
    /// A signature does not hold.
    InvalidSignature,
    /// No method answers this path, or no signature came where one is needed.
    MissingAuthenticationToken,
    /// The usage plan's quota is used up.
    QuotaExceeded,
    /// The body is over 10 MB.
    RequestTooLarge,
    /// There is no such stage or resource, for callers that are let in.
    ResourceNotFound,
    /// Too many requests.
    Throttled,
    /// The authorizer had nothing to ask about, or said "Unauthorized".
    Unauthorized,
    /// No template for this content type.
    UnsupportedMediaType,
    /// The web application firewall said no.
    WafFiltered,
    /// The API does not have this stage. No gateway response changes it: those belong to stages.
    NoStage,
    /// The request's line and headers are over 10,240 bytes. No gateway response changes it.
    HeadersTooLarge,
}
