use super::super::fixtures::{Scene, request, with};
use super::super::{Fault, FaultKind, MediaTypes, Method, Routes};
use super::*;
use crate::http::{Answer, Request};

fn strings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(own).collect()
}

pub(super) fn of(kind: Kind) -> Integration {
    Integration {
        kind,
        uri: None,
        http_method: None,
        request_parameters: BTreeMap::new(),
        request_templates: BTreeMap::new(),
        passthrough: Passthrough::WhenNoMatch,
        content_handling: None,
        responses: Vec::new(),
    }
}

pub(super) fn response(status: &str, pattern: Option<&str>) -> Response {
    Response {
        status: status.to_owned(),
        pattern: pattern.map(str::to_owned),
        ..Response::default()
    }
}

pub(super) fn post(target: &str, headers: &[(&str, &str)], body: &str) -> Request {
    with(request("POST", target), headers, body)
}

pub(super) fn on<T>(
    request: Request,
    binary: &[&str],
    act: impl FnOnce(&super::super::Exchange<'_>, &MediaTypes) -> T,
) -> T {
    let routes = Routes::new(vec![Method {
        method: "ANY".to_owned(),
        path: "/pets/{id}".to_owned(),
        ..Method::default()
    }]);
    let scene = Scene::new(request);
    let mut exchange = scene.exchange();
    exchange.matched = routes.find(&scene.request.method, exchange.path.inner);
    act(
        &exchange,
        &MediaTypes(binary.iter().map(|it| (*it).to_owned()).collect()),
    )
}

fn prepared(integration: &Integration, request: Request) -> Result<Prepared, Fault> {
    on(request, &[], |exchange, binary| {
        prepare(integration, exchange, binary)
    })
}

fn answered(integration: &Integration, request: Request, came: Came<'_>) -> Result<Answer, Fault> {
    let none = ResponseOverride::default();
    on(request, &[], |exchange, binary| {
        answer(integration, exchange, &none, came, binary)
    })
}

fn header(answer: &Answer, name: &str) -> Option<String> {
    super::super::headers::get(&answer.headers, name).map(str::to_owned)
}

fn body(answer: &Answer) -> &str {
    std::str::from_utf8(&answer.body).unwrap()
}

/// What SAM makes of `Cors`.
#[test]
fn a_mock_integration_answers_a_preflight() {
    let mut mock = of(Kind::Mock);
    mock.request_templates = strings(&[("application/json", "{\n  \"statusCode\" : 200\n}\n")]);
    let mut ok = response("200", None);
    ok.parameters = strings(&[
        ("method.response.header.Access-Control-Allow-Origin", "'*'"),
        (
            "method.response.header.Access-Control-Allow-Methods",
            "'GET,POST'",
        ),
    ]);
    ok.templates = strings(&[("application/json", "{}\n")]);
    mock.responses = vec![ok];
    let preflight = || request("OPTIONS", "/dev/pets/7");
    let called = prepared(&mock, preflight()).unwrap().call;
    assert_eq!(called, Call::Mock { status: 200 });
    let answer = answered(&mock, preflight(), Came::Mock { status: 200 }).unwrap();
    assert_eq!((answer.status, body(&answer)), (200, "{}\n"));
    assert_eq!(
        header(&answer, "access-control-allow-origin").as_deref(),
        Some("*")
    );
    assert_eq!(
        header(&answer, "content-type").as_deref(),
        Some("application/json")
    );
    assert_eq!(header(&answer, "x-amzn-trace-id"), None);
}

#[test]
fn a_mock_template_may_be_loose_json_and_must_have_a_status() {
    let status = |template: &str| {
        let mut mock = of(Kind::Mock);
        mock.request_templates = strings(&[("application/json", template)]);
        match prepared(&mock, request("GET", "/dev/pets/7")) {
            Ok(Prepared {
                call: Call::Mock { status },
                ..
            }) => Some(status),
            Ok(other) => panic!("{other:?}"),
            Err(fault) => {
                assert_eq!(fault.kind, FaultKind::InternalServerError);
                None
            }
        }
    };
    assert_eq!(status("{ statusCode: 204 }"), Some(204));
    assert_eq!(status("{'statusCode': '418'}"), Some(418));
    assert_eq!(
        status("#if($input.params('id') == '7'){\"statusCode\": 201}#end"),
        Some(201)
    );
    assert_eq!(status("{}"), None);
    assert_eq!(status("{\"statusCode\": \"ok\"}"), None);
}

#[test]
fn a_body_without_a_template_goes_on_or_is_415() {
    let sent = |passthrough, templates: &[(&str, &str)], content_type: &str| {
        let mut function = of(Kind::Lambda);
        function.passthrough = passthrough;
        function.request_templates = strings(templates);
        let request = post(
            "/dev/pets/7",
            &[("Content-Type", content_type)],
            r#"{"a":1}"#,
        );
        match prepared(&function, request) {
            Ok(Prepared {
                call: Call::Lambda { payload, .. },
                ..
            }) => String::from_utf8(payload.to_vec()).unwrap(),
            Ok(other) => panic!("{other:?}"),
            Err(fault) => format!("{}", fault.status()),
        }
    };
    let json = [("application/json", "{\"b\":$input.json('$.a')}")];
    let xml = "text/xml";
    for passthrough in [
        Passthrough::WhenNoMatch,
        Passthrough::WhenNoTemplates,
        Passthrough::Never,
    ] {
        let made = sent(passthrough, &json, "application/json; charset=utf-8");
        assert_eq!(made, r#"{"b":1}"#, "{passthrough:?}");
    }
    assert_eq!(sent(Passthrough::WhenNoMatch, &json, xml), r#"{"a":1}"#);
    assert_eq!(sent(Passthrough::WhenNoTemplates, &json, xml), "415");
    assert_eq!(sent(Passthrough::WhenNoTemplates, &[], xml), r#"{"a":1}"#);
    assert_eq!(sent(Passthrough::Never, &[], xml), "415");
    let default = [("$default", "{}")];
    assert_eq!(sent(Passthrough::Never, &default, xml), "{}");
}

#[test]
fn a_functions_event_is_json_and_may_be_empty() {
    let function = of(Kind::Lambda);
    let empty = prepared(&function, request("GET", "/dev/pets/7")).unwrap();
    let event = Call::Lambda {
        payload: Bytes::from_static(b"{}"),
        asynchronous: false,
    };
    assert_eq!(empty.call, event);
    let fault = prepared(&function, post("/dev/pets/7", &[], "oops")).unwrap_err();
    assert_eq!(
        (fault.kind, fault.message()),
        (
            FaultKind::BadRequest,
            Some("Could not parse request body into json")
        )
    );
    let mut event = of(Kind::Lambda);
    event.request_parameters = strings(&[(
        "integration.request.header.X-Amz-Invocation-Type",
        "'Event'",
    )]);
    let called = prepared(&event, post("/dev/pets/7", &[], "1"))
        .unwrap()
        .call;
    assert!(matches!(
        called,
        Call::Lambda {
            asynchronous: true,
            ..
        }
    ));
}

#[test]
fn a_template_sees_parameters_decoded_and_sets_the_answers_status() {
    let mut function = of(Kind::Lambda);
    let template = "#set($context.responseOverride.status = 202)\
        {\"id\":\"$input.params('id')\",\"q\":\"$input.params('q')\",\"stage\":\"$context.stage\",\"c\":\"$stageVariables.colour\"}";
    function.request_templates = strings(&[("application/json", template)]);
    function.responses = vec![response("200", None)];
    let sent = || post("/dev/pets/a%20b?q=x%2By", &[], "");
    let prepared = prepared(&function, sent()).unwrap();
    let Call::Lambda { payload, .. } = &prepared.call else {
        panic!("{prepared:?}")
    };
    assert_eq!(
        &payload[..],
        br#"{"id":"a b","q":"x+y","stage":"dev","c":"blue"}"#
    );
    let came = Came::Lambda(InvokeResult::Answer(b"null"));
    let answer = on(sent(), &[], |exchange, binary| {
        answer(&function, exchange, &prepared.overrides, came, binary)
    });
    assert_eq!(answer.unwrap().status, 202);
}

#[test]
fn an_error_of_a_function_selects_a_response_by_its_message() {
    let mut function = of(Kind::Lambda);
    function.responses = vec![
        response("200", Some("")),
        response("404", Some(".*NotFound.*")),
        response("500", Some(r"(\n|.)+")),
    ];
    let status = |result| {
        answered(
            &function,
            request("GET", "/dev/pets/7"),
            Came::Lambda(result),
        )
        .unwrap()
    };
    assert_eq!(status(InvokeResult::Answer(b"{\"a\":1}")).status, 500);
    let raised = br#"{"errorMessage":"[NotFound] no pet","errorType":"Error"}"#;
    assert_eq!(status(InvokeResult::FunctionError(raised)).status, 404);
    function.responses.pop();
    let ok = answered(
        &function,
        request("GET", "/dev/pets/7"),
        Came::Lambda(InvokeResult::Answer(b"{\"a\":1}")),
    );
    let ok = ok.unwrap();
    assert_eq!((ok.status, body(&ok)), (200, "{\"a\":1}"));
    assert!(header(&ok, "x-amzn-trace-id").is_some());
    let failed = answered(
        &function,
        request("GET", "/dev/pets/7"),
        Came::Lambda(InvokeResult::Failed),
    );
    assert_eq!(failed.unwrap_err().status(), 500);
    function.responses.clear();
    let none = answered(
        &function,
        request("GET", "/dev/pets/7"),
        Came::Lambda(InvokeResult::Answer(b"1")),
    );
    assert_eq!(none.unwrap_err().kind, FaultKind::ApiConfigurationError);
    function.responses = vec![response("200", Some("(?=x)"))];
    let strange = answered(
        &function,
        request("GET", "/dev/pets/7"),
        Came::Lambda(InvokeResult::Answer(b"1")),
    );
    assert!(strange.unwrap_err().reason.contains("is not understood"));
}

fn http_call_of(
    integration: &Integration,
    request: Request,
) -> (String, String, Vec<(String, String)>) {
    match prepared(integration, request).unwrap().call {
        Call::Http {
            method,
            url,
            headers,
            ..
        } => (method, url, headers),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_http_integration_sends_what_is_mapped_and_nothing_else() {
    let mut http = of(Kind::Http);
    http.uri = Some("http://${stageVariables.colour}.example.com/{a}?x=1".to_owned());
    http.http_method = Some("PUT".to_owned());
    http.request_parameters = strings(&[
        ("integration.request.path.a", "method.request.path.id"),
        (
            "integration.request.querystring.y",
            "method.request.multivaluequerystring.q",
        ),
        ("integration.request.header.X-Stage", "context.stage"),
        (
            "integration.request.header.X-Ip",
            "context.identity.sourceIp",
        ),
        (
            "integration.request.header.X-Mine",
            "method.request.header.X-Sent",
        ),
        (
            "integration.request.header.X-Other-Case",
            "method.request.header.x-sent",
        ),
        ("integration.request.header.X-Fixed", "'it''s'"),
        (
            "integration.request.header.X-Kind",
            "method.request.body.pet.kind",
        ),
        (
            "integration.request.header.X-None",
            "method.request.body.none",
        ),
        (
            "integration.request.header.X-Colour",
            "stageVariables.colour",
        ),
    ]);
    let sent = [
        ("X-Sent", "1"),
        ("X-Sent", "2"),
        ("Content-Type", "application/json"),
    ];
    let body = r#"{"pet":{"kind":"cat"}}"#;
    let (method, url, headers) =
        http_call_of(&http, post("/dev/pets/a%2Fb?q=1&q=2+3", &sent, body));
    assert_eq!(method, "PUT");
    assert_eq!(url, "http://blue.example.com/a%2Fb?x=1&y=1&y=2%203");
    let header = |name| super::super::headers::get(&headers, name);
    assert_eq!(header("x-stage"), Some("dev"));
    assert_eq!(header("x-ip"), Some("192.0.2.7"));
    assert_eq!(header("x-mine"), Some("2"));
    assert_eq!(header("x-other-case"), None);
    assert_eq!(header("x-kind"), Some("cat"));
    assert_eq!(header("x-none"), None);
    assert_eq!(header("x-colour"), Some("blue"));
    assert_eq!(header("x-sent"), None);
    assert_eq!(header("user-agent"), Some("AmazonAPIGateway_a1b2c3d4e5"));
}

#[test]
fn a_mapping_of_the_gateways_own_header_is_500_and_one_of_no_json_400() {
    let mut http = of(Kind::HttpProxy);
    http.uri = Some("http://example.com".to_owned());
    http.request_parameters = strings(&[("integration.request.header.Content-Length", "'1'")]);
    let fault = prepared(&http, request("GET", "/dev/pets/7")).unwrap_err();
    assert_eq!(fault.kind, FaultKind::InternalServerError);
    http.request_parameters = strings(&[("integration.request.header.a", "method.request.body.b")]);
    let fault = prepared(&http, post("/dev/pets/7", &[], "{oops")).unwrap_err();
    assert_eq!(fault.status(), 400);
    http.request_parameters.clear();
    http.uri = None;
    let fault = prepared(&http, request("GET", "/dev/pets/7")).unwrap_err();
    assert_eq!(fault.kind, FaultKind::ApiConfigurationError);
}

#[test]
fn a_template_overrides_what_is_mapped() {
    let mut http = of(Kind::Http);
    http.uri = Some("http://example.com/{a}".to_owned());
    http.request_parameters = strings(&[
        ("integration.request.path.a", "'mapped'"),
        ("integration.request.header.X-A", "'mapped'"),
    ]);
    let template = "#set($context.requestOverride.path.a = 'set')\
        #set($context.requestOverride.header['X-A'] = ['1', '2'])\
        #set($context.requestOverride.querystring.q = 3)body";
    http.request_templates = strings(&[("application/json", template)]);
    let (_, url, headers) = http_call_of(&http, post("/dev/pets/7", &[], "{}"));
    assert_eq!(url, "http://example.com/set?q=3");
    assert_eq!(super::super::headers::get(&headers, "x-a"), Some("1,2"));
}

#[test]
fn a_proxied_answer_keeps_its_status_and_its_headers() {
    let http = of(Kind::HttpProxy);
    let headers = [
        ("Date", "d"),
        ("Via", "v"),
        ("X-Mine", "m"),
        ("Content-Type", "image/png"),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let bytes = Bytes::from_static(&[0x68, 0xff]);
    let came = Came::Http {
        status: 404,
        headers: &headers,
        body: &bytes,
    };
    let text = answered(&http, request("GET", "/dev/pets/7"), came).unwrap();
    assert_eq!((text.status, body(&text)), (404, "h\u{fffd}"));
    assert_eq!(header(&text, "x-amzn-remapped-date").as_deref(), Some("d"));
    assert_eq!(header(&text, "via"), None);
    let none = ResponseOverride::default();
    let accepting = with(
        request("GET", "/dev/pets/7"),
        &[("Accept", "image/png")],
        "",
    );
    let binary = on(accepting, &["image/png"], |exchange, binary| {
        answer(&http, exchange, &none, came, binary)
    });
    assert_eq!(&binary.unwrap().body[..], &[0x68, 0xff]);
}

#[test]
fn an_answer_is_mapped_by_its_response() {
    let mut http = of(Kind::Http);
    let mut ok = response("201", Some("2\\d{2}"));
    ok.parameters = strings(&[
        (
            "method.response.header.X-One",
            "integration.response.header.x-back",
        ),
        (
            "method.response.header.X-Body",
            "integration.response.body.a",
        ),
        ("method.response.header.Server", "'mine'"),
        ("method.response.header.Content-Type", "'text/plain'"),
    ]);
    let template = "#set($context.responseOverride.header.X-Set = 'set')$input.json('$.a') $input.params('id')";
    ok.templates = strings(&[("application/json", template)]);
    http.responses = vec![response("500", None), ok];
    let headers = [("X-Back".to_owned(), "back".to_owned())];
    let bytes = Bytes::from_static(br#"{"a":7}"#);
    let came = |status| Came::Http {
        status,
        headers: &headers,
        body: &bytes,
    };
    let answer = answered(&http, request("GET", "/dev/pets/9"), came(204)).unwrap();
    assert_eq!((answer.status, body(&answer)), (201, "7 9"));
    assert_eq!(header(&answer, "x-one").as_deref(), Some("back"));
    assert_eq!(header(&answer, "x-body").as_deref(), Some("7"));
    assert_eq!(
        header(&answer, "x-amzn-remapped-server").as_deref(),
        Some("mine")
    );
    assert_eq!(
        header(&answer, "content-type").as_deref(),
        Some("text/plain")
    );
    assert_eq!(header(&answer, "x-set").as_deref(), Some("set"));
    let other = answered(&http, request("GET", "/dev/pets/9"), came(404)).unwrap();
    assert_eq!((other.status, body(&other)), (500, r#"{"a":7}"#));
}

#[test]
fn a_template_that_fails_is_500_and_says_why() {
    let mut function = of(Kind::Lambda);
    function.request_templates = strings(&[("application/json", "{\n#if(true)")]);
    let fault = prepared(&function, post("/dev/pets/7", &[], "{}")).unwrap_err();
    assert_eq!(
        (fault.kind, fault.status()),
        (FaultKind::InternalServerError, 500)
    );
    assert_eq!(
        fault.reason,
        "line 2 of the mapping template: #if has no #end"
    );
}
