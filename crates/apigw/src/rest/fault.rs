//! What can go wrong on the way, by the names of API Gateway's gateway responses.

use std::fmt;

/// What 500, 502 and some of the 504 say.
const INTERNAL: Option<&str> = Some("Internal server error");

/// Why a request gets an answer of the gateway's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which gateway response answers it.
    pub kind: FaultKind,
    /// What the client reads in place of the kind's own message, `$context.error.message`.
    pub message: Option<String>,
    /// Another status than the kind's own.
    pub status: Option<u16>,
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
            status: None,
            validation: None,
            reason: reason.into(),
        }
    }

    /// With this in place of the kind's own message.
    #[must_use]
    pub fn saying(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// With this in place of the kind's own status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// The status, before a gateway response changes it.
    pub(super) fn status(&self) -> u16 {
        self.status.unwrap_or(self.kind.facts().status)
    }

    /// The message; none is null.
    pub(super) fn message(&self) -> Option<&str> {
        self.message.as_deref().or(self.kind.facts().message)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.reason)
    }
}

/// The gateway responses
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html>),
/// and, beside them, the few answers that have no type of their own.
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
    /// The integration could not be called.
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
    /// The event is longer than Lambda takes, 6 MB.
    RequestTooLarge,
    /// What was asked for is not there, though the caller may ask for it.
    ResourceNotFound,
    /// Too many requests.
    Throttled,
    /// The authorizer had nothing to ask about, or said "Unauthorized".
    Unauthorized,
    /// There is no template for this content type.
    UnsupportedMediaType,
    /// The web application firewall said no.
    WafFiltered,
    /// A Lambda proxy integration's answer is none: changed by `DEFAULT_5XX` alone.
    BadGateway,
    /// A mapping failed, or there is nothing to call: changed by `DEFAULT_5XX` alone.
    InternalServerError,
    /// A mapping found no JSON in the request's body: changed by `DEFAULT_4XX` alone.
    BadRequest,
    /// The API does not have this stage. No gateway response changes it: those belong to stages.
    NoStage,
    /// The request's line and headers are over 10,240 bytes: plain text, before any stage.
    HeadersTooLarge,
    /// The body is over 10 MB: plain text, before any stage.
    BodyTooLarge,
}

/// What API Gateway answers, unless a gateway response changes it.
#[derive(Clone, Copy)]
pub(super) struct Facts {
    /// `UNAUTHORIZED`; empty: there is no gateway response of its own.
    pub(super) name: &'static str,
    pub(super) status: u16,
    /// None is null.
    pub(super) message: Option<&'static str>,
    /// `x-amzn-ErrorType`; empty: none, and the message is plain text. Recorded by LocalStack for
    /// the types that a client can bring about without an authorizer, `[inf]` for the rest.
    pub(super) error_type: &'static str,
}

/// In the order of [`FaultKind`].
const FACTS: [Facts; 25] = [
    facts(
        "ACCESS_DENIED",
        403,
        Some("User is not authorized to access this resource"),
        "AccessDeniedException",
    ),
    facts(
        "API_CONFIGURATION_ERROR",
        500,
        INTERNAL,
        "InternalServerErrorException",
    ),
    facts(
        "AUTHORIZER_CONFIGURATION_ERROR",
        500,
        None,
        "AuthorizerConfigurationException",
    ),
    facts(
        "AUTHORIZER_FAILURE",
        500,
        None,
        "AuthorizerFailureException",
    ),
    facts(
        "BAD_REQUEST_PARAMETERS",
        400,
        Some("Missing required request parameters"),
        "BadRequestException",
    ),
    facts(
        "BAD_REQUEST_BODY",
        400,
        Some("Invalid request body"),
        "BadRequestException",
    ),
    facts(
        "EXPIRED_TOKEN",
        403,
        Some("The security token included in the request is expired"),
        "ExpiredTokenException",
    ),
    facts(
        "INTEGRATION_FAILURE",
        504,
        INTERNAL,
        "InternalServerErrorException",
    ),
    facts(
        "INTEGRATION_TIMEOUT",
        504,
        Some("Endpoint request timed out"),
        "InternalServerErrorException",
    ),
    facts(
        "INVALID_API_KEY",
        403,
        Some("Forbidden"),
        "ForbiddenException",
    ),
    facts(
        "INVALID_SIGNATURE",
        403,
        Some(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
        ),
        "InvalidSignatureException",
    ),
    facts(
        "MISSING_AUTHENTICATION_TOKEN",
        403,
        Some("Missing Authentication Token"),
        "MissingAuthenticationTokenException",
    ),
    facts(
        "QUOTA_EXCEEDED",
        429,
        Some("Limit Exceeded"),
        "LimitExceededException",
    ),
    facts(
        "REQUEST_TOO_LARGE",
        413,
        Some("Request Too Long"),
        "RequestEntityTooLargeException",
    ),
    facts(
        "RESOURCE_NOT_FOUND",
        404,
        Some("Not Found"),
        "NotFoundException",
    ),
    facts(
        "THROTTLED",
        429,
        Some("Too Many Requests"),
        "TooManyRequestsException",
    ),
    facts(
        "UNAUTHORIZED",
        401,
        Some("Unauthorized"),
        "UnauthorizedException",
    ),
    facts(
        "UNSUPPORTED_MEDIA_TYPE",
        415,
        Some("Unsupported Media Type"),
        "BadRequestException",
    ),
    facts(
        "WAF_FILTERED",
        403,
        Some("Forbidden"),
        "WAFFilteredException",
    ),
    facts("", 502, INTERNAL, "InternalServerErrorException"),
    facts("", 500, INTERNAL, "InternalServerErrorException"),
    facts(
        "",
        400,
        Some("Invalid JSON in request body"),
        "BadRequestException",
    ),
    facts("", 403, Some("Forbidden"), "ForbiddenException"),
    facts("", 431, Some("HTTP header is larger than 10240 bytes."), ""),
    facts(
        "",
        413,
        Some("HTTP content length exceeded 10485760 bytes."),
        "",
    ),
];

const fn facts(
    name: &'static str,
    status: u16,
    message: Option<&'static str>,
    error_type: &'static str,
) -> Facts {
    Facts {
        name,
        status,
        message,
        error_type,
    }
}

impl FaultKind {
    /// All of them.
    pub(super) const ALL: [Self; 25] = [
        Self::AccessDenied,
        Self::ApiConfigurationError,
        Self::AuthorizerConfigurationError,
        Self::AuthorizerFailure,
        Self::BadRequestParameters,
        Self::BadRequestBody,
        Self::ExpiredToken,
        Self::IntegrationFailure,
        Self::IntegrationTimeout,
        Self::InvalidApiKey,
        Self::InvalidSignature,
        Self::MissingAuthenticationToken,
        Self::QuotaExceeded,
        Self::RequestTooLarge,
        Self::ResourceNotFound,
        Self::Throttled,
        Self::Unauthorized,
        Self::UnsupportedMediaType,
        Self::WafFiltered,
        Self::BadGateway,
        Self::InternalServerError,
        Self::BadRequest,
        Self::NoStage,
        Self::HeadersTooLarge,
        Self::BodyTooLarge,
    ];

    pub(super) fn facts(self) -> Facts {
        FACTS[self as usize]
    }

    /// `DEFAULT_4XX` or `DEFAULT_5XX`; none for what no gateway response changes.
    pub(super) fn fallback(self) -> Option<&'static str> {
        match self {
            Self::NoStage | Self::HeadersTooLarge | Self::BodyTooLarge => None,
            _ if self.facts().status < 500 => Some("DEFAULT_4XX"),
            _ => Some("DEFAULT_5XX"),
        }
    }

    /// The kind of a gateway response's type, `UNAUTHORIZED`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|kind| !name.is_empty() && kind.facts().name == name)
    }
}
