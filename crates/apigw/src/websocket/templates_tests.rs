#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use super::*;
use crate::websocket::fixtures::{connection, handshake, stamp};
use crate::websocket::{connect_event, disconnect_event, message_event};

const BODY: &str = r#"{"action":"ping","data":{"n":[1,2]},"names":["Ann","Bo"]}"#;

fn message(body: &str) -> Value {
    let mut connection = connection();
    let color = ("color".to_owned(), "blue".to_owned());
    connection.stage_variables.extend([color]);
    message_event(&connection, "ping", body, &stamp())
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = pairs.iter();
    pairs
        .map(|(key, text)| ((*key).to_owned(), (*text).to_owned()))
        .collect()
}

fn templates<'a>(
    requests: &'a BTreeMap<String, String>,
    selection: Option<&'a str>,
) -> Templates<'a> {
    Templates {
        requests,
        selection,
        passthrough: None,
        responses: Vec::new(),
    }
}

fn fill(template: &str, event: &Value) -> Result<String, TemplateError> {
    let requests = map(&[(DEFAULT, template)]);
    templates(&requests, None).request(&Scope::new(event))
}

#[test]
fn a_template_speaks_of_the_message_its_context_and_its_stage() {
    let event = message(BODY);
    let filled = |template: &str| fill(template, &event).unwrap();
    assert_eq!(
        filled("$context.connectionId, ${context.routeKey}."),
        "R1kmxc2VNjMCFIA=, ping."
    );
    assert_eq!(
        filled("$context.eventType $context.identity.sourceIp."),
        "MESSAGE 192.0.2.1."
    );
    assert_eq!(
        filled("$stageVariables.color ${stageVariables['color']}"),
        "blue blue"
    );
    assert_eq!(filled("$input.body"), BODY);
    assert_eq!(filled("$input.path('$.action')!"), "ping!");
    assert_eq!(
        filled(r#"{"n":$input.json('$.data.n'),"all":$input.json('$')}"#),
        format!(r#"{{"n":[1,2],"all":{BODY}}}"#)
    );
    assert_eq!(filled("$context.none costs 5 $"), " costs 5 $");
}

#[test]
fn a_template_computes() {
    let event = message(BODY);
    let list = r##"#set($names = $input.path('$.names'))
#if($names.size() > 1)
[#foreach($name in $names)"$foreach.count: $name"#if($foreach.hasNext),#end#end]
#else
[]
#end
"##;
    assert_eq!(fill(list, &event).unwrap().trim(), r#"["1: Ann","2: Bo"]"#);
    let escaped = r#"{"raw":"$util.escapeJavaScript($input.body)","b64":"$util.base64Encode($input.path('$.action'))"}"#;
    let made: Value = serde_json::from_str(&fill(escaped, &event).unwrap()).unwrap();
    assert_eq!(made, json!({ "raw": BODY, "b64": "cGluZw==" }));
}

#[test]
fn a_handshake_has_parameters_and_a_disconnect_its_code() {
    let sent = handshake(&[("Auth", "h")], &[("auth", "q")]);
    let event = connect_event(&connection(), &sent, &stamp());
    let template =
        "$context.eventType $input.params('auth') $input.params().header.Auth $input.body";
    assert_eq!(fill(template, &event).unwrap(), "CONNECT q h {}");
    let event = disconnect_event(&connection(), 1001, "away", &stamp());
    let template = "$context.eventType $context.disconnectStatusCode $context.disconnectReason";
    assert_eq!(fill(template, &event).unwrap(), "DISCONNECT 1001 away");
}

#[test]
fn what_fails_names_template_and_line() {
    let event = message(BODY);
    let error = fill("ok\n$util.nothing('x')", &event).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the request template \"$default\" fails: line 2 of the mapping template: $util has no method nothing"
    );
    assert_eq!(error.refusal(), (500, "Internal server error"));
    let error = fill("#if(true)", &event).unwrap_err().to_string();
    assert!(error.contains("line 1") && error.contains("#if has no #end"));
    let (requests, responses) = (map(&[]), map(&[("200", "\n\n#set(")]));
    let mut all = templates(&requests, None);
    all.responses = vec![response("/2../", &responses)];
    let error = all.answer(&Scope::new(&event), &http(200, "")).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the response template \"200\" of \"/2../\" fails: line 3 "),
        "{error}"
    );
}

// ---- which request template

fn selected(keys: &[&str], selection: Option<&str>, body: &str) -> Result<String, TemplateError> {
    let requests = keys
        .iter()
        .map(|key| ((*key).to_owned(), format!("<{key}>")));
    let requests = requests.collect();
    templates(&requests, selection).request(&Scope::new(&message(body)))
}

#[test]
fn an_expression_selects_a_template_and_default_is_for_all_others() {
    let both = ["ping", DEFAULT];
    let of_body = Some("$request.body.action");
    let found = |keys: &[&str], selection, body| selected(keys, selection, body).unwrap();
    assert_eq!(found(&both, of_body, BODY), "<ping>");
    assert_eq!(found(&both, of_body, r#"{"action":"pong"}"#), "<$default>");
    assert_eq!(found(&both, of_body, "no JSON"), "<$default>");
    assert_eq!(found(&both, Some(r"\$default"), BODY), "<$default>");
    assert_eq!(found(&["200"], Some("200"), "no JSON"), "<200>");
    assert_eq!(
        found(&["a/ping", "x"], Some("a/${request.body.action}"), BODY),
        "<a/ping>"
    );
    assert_eq!(found(&both, None, BODY), "<$default>");
    assert_eq!(
        found(&["application/json"], None, BODY),
        "<application/json>"
    );
    assert_eq!(found(&["a", "b"], None, BODY), BODY);
}

#[test]
fn an_expression_that_aws_does_not_take_says_how_to_write_it() {
    let error = selected(&[DEFAULT], Some(DEFAULT), BODY).unwrap_err();
    let said = error.to_string();
    assert!(
        said.contains("\"$default\"") && said.contains(r"\$ for a dollar sign"),
        "{said}"
    );
}

#[test]
fn an_expression_is_checked_before_any_message_comes() {
    for good in [r"\$default", "text", "$request.body.kind"] {
        assert_eq!(check_selection(good, false), Ok(()), "{good}");
        assert_eq!(check_selection(good, true), Ok(()), "{good}");
    }
    for of_answer in [
        "$integration.response.statuscode",
        "a-${integration.response.header.Kind}",
        "$integration.response.multivalueheader.kind",
    ] {
        assert_eq!(check_selection(of_answer, true), Ok(()), "{of_answer}");
        assert!(check_selection(of_answer, false).is_err(), "{of_answer}");
    }
    for wrong in [
        "",
        "$default",
        "${request.body.a",
        "$integration.response.body",
    ] {
        assert!(check_selection(wrong, true).is_err(), "{wrong}");
    }
}

#[test]
fn what_has_no_template_passes_through_where_it_may() {
    let event = message("hello");
    let request = |keys: &[(&str, &str)], passthrough| {
        let requests = map(keys);
        let all = Templates {
            passthrough,
            ..templates(&requests, Some("other"))
        };
        all.request(&Scope::new(&event))
    };
    let one = [("x", "<x>")];
    let refused = |keys: &[&str]| {
        let error = TemplateError::NoTemplate {
            expression: "other".to_owned(),
            keys: keys.iter().map(|it| (*it).to_owned()).collect(),
        };
        assert_eq!(error.refusal(), (415, "Unsupported Media Type"));
        Err(error)
    };
    assert_eq!(request(&one, None).as_deref(), Ok("hello"));
    assert_eq!(request(&one, Some("WHEN_NO_MATCH")).as_deref(), Ok("hello"));
    assert_eq!(request(&one, Some("WHEN_NO_TEMPLATES")), refused(&["x"]));
    assert_eq!(
        request(&[], Some("WHEN_NO_TEMPLATES")).as_deref(),
        Ok("hello")
    );
    assert_eq!(request(&[], Some("NEVER")), refused(&[]));
}

#[test]
fn no_sentence_about_a_missing_template_has_a_value_of_the_message() {
    let event = message(r#"{"kind":"a secret"}"#);
    let requests = map(&[("known", "x")]);
    let all = Templates {
        passthrough: Some("NEVER"),
        ..templates(&requests, Some("$request.body.kind"))
    };
    let said = all.request(&Scope::new(&event)).unwrap_err().to_string();
    assert_eq!(
        said,
        "the template selection expression $request.body.kind selects none of [\"known\"], there is no $default, and no passthrough: add one of them"
    );
}

#[test]
fn a_function_takes_json_alone() {
    let none = map(&[]);
    let event = |body| templates(&none, None).event(&Scope::new(&message(body)));
    assert_eq!(event(r#"{"a":1}"#), Ok(json!({ "a": 1 })));
    assert_eq!(event(" "), Ok(json!({})));
    let said = event("hello").unwrap_err().to_string();
    assert_eq!(
        said,
        "the message, for which there is no request template, is no JSON, and the function takes nothing else"
    );
    let broken = map(&[(DEFAULT, "{$context.stage}")]);
    let said = templates(&broken, None).event(&Scope::new(&message("{}")));
    let said = said.unwrap_err().to_string();
    assert!(said.starts_with("the request template \"$default\" is no JSON"));
}

// ---- what goes back

fn response<'a>(key: &'a str, templates: &'a BTreeMap<String, String>) -> Response<'a> {
    Response {
        key,
        templates,
        selection: None,
    }
}

fn http(status: u16, body: &str) -> Came<'_> {
    Came {
        status,
        headers: &[],
        body,
        of_function: false,
    }
}

fn body(answer: Result<Value, TemplateError>) -> Option<String> {
    answer.unwrap()["body"].as_str().map(str::to_owned)
}

fn mock(
    requests: &[(&str, &str)],
    selection: Option<&str>,
    responses: &[(&str, &str)],
) -> Result<Value, TemplateError> {
    let requests = map(requests);
    let responses: Vec<_> = responses
        .iter()
        .map(|(key, template)| (*key, map(&[("200", template)])))
        .collect();
    let mut all = templates(&requests, selection);
    all.responses = responses
        .iter()
        .map(|(key, it)| response(key, it))
        .collect();
    all.mock(&Scope::new(&message(BODY)))
}

#[test]
fn a_mock_answers_as_the_guide_shows() {
    let ok = ("200", r#"{"statusCode":200}"#);
    assert_eq!(
        mock(&[ok], Some("200"), &[]),
        Ok(json!({ "statusCode": 200 }))
    );
    let pong = r#"{"pong":"$context.connectionId"}"#;
    let answered = json!({ "statusCode": 200, "body": r#"{"pong":"R1kmxc2VNjMCFIA="}"# });
    for key in ["/200/", r"/2\d\d/", "200", DEFAULT] {
        assert_eq!(
            mock(&[ok], Some("200"), &[(key, pong)]),
            Ok(answered.clone())
        );
    }
    let by_body = [
        ("ping", r#"{"statusCode":201}"#),
        (DEFAULT, r#"{"statusCode":400}"#),
    ];
    let selected = mock(&by_body, Some("${request.body.action}"), &[]);
    assert_eq!(selected, Ok(json!({ "statusCode": 201 })));
    let otherwise = mock(&by_body, Some("\\$default"), &[]);
    assert_eq!(otherwise, Ok(json!({ "statusCode": 400 })));
}

#[test]
fn a_mock_computes_its_status_and_its_answer_of_what_its_request_template_made() {
    let request = r##"#if($input.path('$.action') == 'ping'){"statusCode":200,"said":$input.json('$.names[1]')}#else{"statusCode":400}#end"##;
    let said = "$context.status $input.path('$.said')";
    let answer = mock(&[(DEFAULT, request)], None, &[("/200/", said)]);
    assert_eq!(body(answer).as_deref(), Some("200 Bo"));
}

#[test]
fn a_mock_without_a_status_or_a_response_says_what_it_lacks() {
    let said = |requests: &[(&str, &str)], selection, responses: &[(&str, &str)]| {
        mock(requests, selection, responses)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        said(&[("200", "{}")], None, &[]),
        "the request template \"200\" of a MOCK integration gives no statusCode: let it become an object such as {\"statusCode\": 200}"
    );
    assert!(said(&[], Some("200"), &[]).starts_with("the message, for which"));
    let created = [(DEFAULT, r#"{"statusCode":201}"#)];
    assert_eq!(
        said(&created, None, &[("/200/", "x")]),
        "no integration response is meant for \"201\": add one with the key $default"
    );
    assert!(said(&created, None, &[("/(/", "x")]).contains("pattern"));
}

#[test]
fn the_backends_status_chooses_the_response_and_a_function_error_its_own() {
    let (ok, bad) = (
        map(&[(DEFAULT, "ok")]),
        map(&[(DEFAULT, "bad: $input.body")]),
    );
    let requests = map(&[]);
    let mut all = templates(&requests, None);
    all.responses = vec![
        response(DEFAULT, &ok),
        response(r"/4\d\d/", &bad),
        response("/.*denied.*/", &bad),
    ];
    let event = message(BODY);
    let answer = |came: &Came<'_>| body(all.answer(&Scope::new(&event), came)).unwrap();
    assert_eq!(answer(&http(200, "x")), "ok");
    assert_eq!(answer(&http(404, "x")), "bad: x");
    let function = |body| Came {
        of_function: true,
        ..http(502, body)
    };
    let denied = r#"{"errorMessage":"access denied here"}"#;
    assert_eq!(answer(&function(denied)), format!("bad: {denied}"));
    assert_eq!(answer(&function(r#"{"errorMessage":"x"}"#)), "ok");
    assert_eq!(answer(&function("7")), "ok");
}

#[test]
fn an_expression_selects_a_response_template_by_status_header_or_message() {
    let keys = ["404", "slow", "ping", "a,b", DEFAULT];
    let all: BTreeMap<_, _> = keys
        .iter()
        .map(|it| ((*it).to_owned(), format!("<{it}>")))
        .collect();
    let requests = map(&[]);
    let headers = [("X-How", "slow"), ("X-All", "a"), ("x-all", "b")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let event = message(BODY);
    let answer = |selection| {
        let mut templates = templates(&requests, None);
        templates.responses = vec![Response {
            selection: Some(selection),
            ..response(DEFAULT, &all)
        }];
        let came = Came {
            headers: &headers,
            ..http(404, "")
        };
        body(templates.answer(&Scope::new(&event), &came)).unwrap()
    };
    assert_eq!(answer("${integration.response.statuscode}"), "<404>");
    assert_eq!(answer("$integration.response.header.x-how"), "<slow>");
    assert_eq!(
        answer("${integration.response.multivalueheader.X-All}"),
        "<a,b>"
    );
    assert_eq!(answer("${integration.response.header.X-All}"), "<$default>");
    assert_eq!(answer("$request.body.action"), "<ping>");
    assert_eq!(answer(r"\$default"), "<$default>");
}

#[test]
fn what_no_template_touches_goes_back_as_it_came() {
    let (requests, other, empty) = (map(&[]), map(&[("x", "<x>")]), map(&[("x", "")]));
    let event = message(BODY);
    let mut all = templates(&requests, None);
    assert_eq!(
        body(all.answer(&Scope::new(&event), &http(200, "it"))).unwrap(),
        "it"
    );
    for templates in [&other, &empty] {
        let selection = Some("y");
        all.responses = vec![Response {
            selection,
            ..response(DEFAULT, templates)
        }];
        let answer = all.answer(&Scope::new(&event), &http(200, "it"));
        assert_eq!(body(answer).unwrap(), "it");
    }
}
