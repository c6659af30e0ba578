use super::super::fixtures::{Scene, request, with};
use super::*;

fn responses(named: &[(&str, GatewayResponse)]) -> GatewayResponses {
    let own = |(name, response): &(&str, GatewayResponse)| ((*name).to_owned(), response.clone());
    GatewayResponses(named.iter().map(own).collect())
}

fn strings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(own).collect()
}

fn answer(responses: &GatewayResponses, fault: &Fault) -> (u16, String, Headers) {
    let headers = [
        ("Accept", "text/html, */*"),
        ("Origin", "https://example.com"),
    ];
    let scene = Scene::new(with(request("GET", "/dev/a?q=1"), &headers, ""));
    let answer = responses.answer(fault, &scene.exchange());
    let body = String::from_utf8(answer.body.to_vec()).unwrap();
    (answer.status, body, answer.headers)
}

fn default_of(kind: FaultKind) -> (u16, String, String) {
    let fault = Fault::new(kind, "because");
    let (status, body, headers) = answer(&GatewayResponses::default(), &fault);
    let error_type = headers::get(&headers, "x-amzn-ErrorType").unwrap_or_default();
    (status, body, error_type.to_owned())
}

const DEFAULTS: [(FaultKind, u16, &str, &str); 16] = [
    (
        FaultKind::MissingAuthenticationToken,
        403,
        r#"{"message":"Missing Authentication Token"}"#,
        "MissingAuthenticationTokenException",
    ),
    (
        FaultKind::InvalidApiKey,
        403,
        r#"{"message":"Forbidden"}"#,
        "ForbiddenException",
    ),
    (
        FaultKind::NoStage,
        403,
        r#"{"message":"Forbidden"}"#,
        "ForbiddenException",
    ),
    (
        FaultKind::Unauthorized,
        401,
        r#"{"message":"Unauthorized"}"#,
        "UnauthorizedException",
    ),
    (
        FaultKind::AccessDenied,
        403,
        r#"{"Message":"User is not authorized to access this resource"}"#,
        "AccessDeniedException",
    ),
    (
        FaultKind::AuthorizerConfigurationError,
        500,
        r#"{"message":null}"#,
        "AuthorizerConfigurationException",
    ),
    (
        FaultKind::Throttled,
        429,
        r#"{"message":"Too Many Requests"}"#,
        "TooManyRequestsException",
    ),
    (
        FaultKind::QuotaExceeded,
        429,
        r#"{"message":"Limit Exceeded"}"#,
        "LimitExceededException",
    ),
    (
        FaultKind::RequestTooLarge,
        413,
        r#"{"message":"Request Too Long"}"#,
        "RequestEntityTooLargeException",
    ),
    (
        FaultKind::UnsupportedMediaType,
        415,
        r#"{"message":"Unsupported Media Type"}"#,
        "BadRequestException",
    ),
    (
        FaultKind::BadRequestBody,
        400,
        r#"{"message":"Invalid request body"}"#,
        "BadRequestException",
    ),
    (
        FaultKind::IntegrationTimeout,
        504,
        r#"{"message":"Endpoint request timed out"}"#,
        "InternalServerErrorException",
    ),
    (
        FaultKind::BadGateway,
        502,
        r#"{"message":"Internal server error"}"#,
        "InternalServerErrorException",
    ),
    (
        FaultKind::InternalServerError,
        500,
        r#"{"message":"Internal server error"}"#,
        "InternalServerErrorException",
    ),
    (
        FaultKind::BodyTooLarge,
        413,
        "HTTP content length exceeded 10485760 bytes.",
        "",
    ),
    (
        FaultKind::HeadersTooLarge,
        431,
        "HTTP header is larger than 10240 bytes.",
        "",
    ),
];

#[test]
fn every_type_has_the_default_of_aws() {
    for (kind, status, body, error_type) in DEFAULTS {
        let expected = (status, body.to_owned(), error_type.to_owned());
        assert_eq!(default_of(kind), expected, "{kind:?}");
    }
}

#[test]
fn every_documented_type_is_known_by_its_name() {
    let names = "ACCESS_DENIED API_CONFIGURATION_ERROR AUTHORIZER_CONFIGURATION_ERROR AUTHORIZER_FAILURE \
        BAD_REQUEST_PARAMETERS BAD_REQUEST_BODY EXPIRED_TOKEN INTEGRATION_FAILURE INTEGRATION_TIMEOUT \
        INVALID_API_KEY INVALID_SIGNATURE MISSING_AUTHENTICATION_TOKEN QUOTA_EXCEEDED REQUEST_TOO_LARGE \
        RESOURCE_NOT_FOUND THROTTLED UNAUTHORIZED UNSUPPORTED_MEDIA_TYPE WAF_FILTERED";
    for name in names.split_whitespace() {
        assert!(FaultKind::named(name).is_some(), "{name}");
    }
    assert_eq!(FaultKind::named(""), None);
    assert_eq!(FaultKind::named("DEFAULT_4XX"), None);
}

#[test]
fn a_type_goes_before_the_default_of_its_class() {
    let say = |body: &str| GatewayResponse {
        templates: strings(&[("application/json", body)]),
        ..GatewayResponse::default()
    };
    let responses = responses(&[
        ("UNAUTHORIZED", say("own")),
        ("DEFAULT_4XX", say("4xx")),
        ("DEFAULT_5XX", say("5xx")),
    ]);
    let body = |kind| answer(&responses, &Fault::new(kind, "because")).1;
    assert_eq!(body(FaultKind::Unauthorized), "own");
    assert_eq!(body(FaultKind::InvalidApiKey), "4xx");
    assert_eq!(body(FaultKind::BadRequest), "4xx");
    assert_eq!(body(FaultKind::BadGateway), "5xx");
    assert_eq!(body(FaultKind::NoStage), r#"{"message":"Forbidden"}"#);
}

#[test]
fn a_status_is_changed_for_its_type_or_for_the_class() {
    let status = |status: &str| GatewayResponse {
        status: Some(status.to_owned()),
        ..GatewayResponse::default()
    };
    let responses = responses(&[
        ("UNAUTHORIZED", status("418")),
        ("DEFAULT_5XX", status("503")),
    ]);
    let status = |fault: &Fault| answer(&responses, fault).0;
    assert_eq!(status(&Fault::new(FaultKind::Unauthorized, "")), 418);
    assert_eq!(status(&Fault::new(FaultKind::BadGateway, "")), 503);
    assert_eq!(status(&Fault::new(FaultKind::Throttled, "")), 429);
    let denied = Fault::new(FaultKind::IntegrationFailure, "").with_status(500);
    assert_eq!(answer(&GatewayResponses::default(), &denied).0, 500);
}

#[test]
fn a_template_names_what_is_known_of_the_request_and_the_fault() {
    let template = "$context.error.messageString ${context.error.message} \
        $context.error.responseType $context.error.validationErrorString|$context.requestId. \
        $stageVariables.colour $method.request.header.origin $method.request.querystring.q \
        $context.identity.sourceIp $context.missing| $$ $x $util.now() 5$";
    let response = GatewayResponse {
        templates: strings(&[("text/html", template), ("application/json", "{}")]),
        ..GatewayResponse::default()
    };
    let fault = Fault {
        validation: Some("[object has missing required properties]".to_owned()),
        ..Fault::new(FaultKind::BadRequestBody, "because").saying("a \"b\"")
    };
    let (_, body, headers) = answer(&responses(&[("BAD_REQUEST_BODY", response)]), &fault);
    assert_eq!(
        body,
        "\"a \\\"b\\\"\" a \"b\" BAD_REQUEST_BODY [object has missing required properties]|\
         77375676-4b79-853a-f982-474efe180000. blue https://example.com 1 192.0.2.7 | $$ $x $util.now() 5$"
    );
    assert_eq!(headers::get(&headers, "content-type"), Some("text/html"));
}

#[test]
fn headers_are_fixed_or_mapped() {
    let parameters = strings(&[
        ("gatewayresponse.header.Access-Control-Allow-Origin", "'*'"),
        (
            "gatewayresponse.header.X-Origin",
            "method.request.header.ORIGIN",
        ),
        ("gatewayresponse.header.X-Id", "context.requestId"),
        ("gatewayresponse.header.X-Colour", "stageVariables.colour"),
        (
            "gatewayresponse.header.X-None",
            "method.request.header.none",
        ),
        (
            "gatewayresponse.header.content-type",
            "'application/problem+json'",
        ),
    ]);
    let response = GatewayResponse {
        parameters,
        ..GatewayResponse::default()
    };
    let fault = Fault::new(FaultKind::Unauthorized, "because");
    let (_, body, headers) = answer(&responses(&[("DEFAULT_4XX", response)]), &fault);
    let header = |name| headers::get(&headers, name);
    assert_eq!(header("Access-Control-Allow-Origin"), Some("*"));
    assert_eq!(header("X-Origin"), Some("https://example.com"));
    assert_eq!(header("X-Id"), Some("77375676-4b79-853a-f982-474efe180000"));
    assert_eq!(header("X-Colour"), Some("blue"));
    assert_eq!(header("X-None"), None);
    assert_eq!(header("Content-Type"), Some("application/problem+json"));
    assert_eq!(body, r#"{"message":"Unauthorized"}"#);
}

#[test]
fn what_comes_before_a_stage_is_finished_already() {
    let scene = Scene::new(request("GET", "/dev/"));
    let answer = GatewayResponses::outside(&Fault::new(FaultKind::NoStage, ""), &scene.stamp);
    assert_eq!(answer.status, 403);
    let id = headers::get(&answer.headers, "x-amzn-requestid");
    assert_eq!(id, Some(scene.stamp.request_id.as_str()));
}
