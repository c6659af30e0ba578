//! Integrations by mapping templates, and HTTP integrations: `test_apigateway_lambda.py` and
//! `test_apigateway_http.py`.

use crate::scene::{Scene, assert_same, recording, request};
use bytes::Bytes;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use tether_apigw::InvokeResult;
use tether_apigw::http::{Answer, Request};
use tether_apigw::rest::integration::{
    Call, Came, Integration, Kind, Passthrough, Response, answer, prepare,
};
use tether_apigw::rest::{MediaTypes, finish};

const LAMBDA: &str = "test_apigateway_lambda.snapshot.json";
const HTTP: &str = "test_apigateway_http.snapshot.json";

fn strings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(own).collect()
}

fn integration(kind: Kind) -> Integration {
    Integration {
        kind,
        uri: None,
        http_method: Some("POST".to_owned()),
        request_parameters: BTreeMap::new(),
        request_templates: BTreeMap::new(),
        passthrough: Passthrough::WhenNoMatch,
        content_handling: None,
        responses: vec![response("200", None)],
    }
}

fn response(status: &str, pattern: Option<&str>) -> Response {
    Response {
        status: status.to_owned(),
        pattern: pattern.map(str::to_owned),
        ..Response::default()
    }
}

/// Calls a function by an integration, and gives the answer with the function's event.
fn through(
    integration: &Integration,
    scene: &Scene,
    request: &Request,
    function: impl FnOnce(&Value) -> Result<Value, Value>,
) -> (Value, Answer) {
    let (exchange, binary) = (scene.exchange(request), MediaTypes::default());
    let prepared = prepare(integration, &exchange, &binary).unwrap();
    let Call::Lambda { payload, .. } = &prepared.call else {
        panic!("{prepared:?}")
    };
    let event: Value = serde_json::from_slice(payload).unwrap();
    let returned = function(&event);
    let payload = returned.clone().unwrap_or_else(|error| error).to_string();
    let result = match &returned {
        Ok(_) => InvokeResult::Answer(payload.as_bytes()),
        Err(_) => InvokeResult::FunctionError(payload.as_bytes()),
    };
    let came = Came::Lambda(result);
    let answer = answer(integration, &exchange, &prepared.overrides, came, &binary).unwrap();
    (event, answer)
}

fn content(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

#[test]
fn a_function_by_mapping_gets_the_body_and_answers_it() {
    let Some(recorded) = recording(LAMBDA, "::test_lambda_aws_integration") else {
        return;
    };
    let scene = Scene::new("api", &[("POST", "/test")]);
    let sent = request("POST", "/api/test", &[], r#"{"message": "hello world"}"#);
    let function = integration(Kind::Lambda);
    let (_, answer) = through(&function, &scene, &sent, |event| Ok(event.clone()));
    assert_same(
        &recorded["lambda-aws-integration"],
        &content(&answer),
        "answer",
    );
}

#[test]
fn a_template_maps_a_query_parameter_into_the_event() {
    let test = "::test_lambda_aws_integration_with_request_template";
    let Some(recorded) = recording(LAMBDA, test) else {
        return;
    };
    let scene = Scene::new("api", &[("GET", "/test")]);
    let mut function = integration(Kind::Lambda);
    let template = "{\"param1\": \"$input.params('param1')\"}";
    function.request_templates = strings(&[("application/json", template)]);
    for (key, target) in [
        ("lambda-aws-integration-1", "/api/test?param1=foobar"),
        (
            "lambda-aws-integration-2",
            "/api/test?param1=foobar&Signature=1",
        ),
    ] {
        let sent = request("GET", target, &[], "");
        let (_, answer) = through(&function, &scene, &sent, |event| Ok(event.clone()));
        assert_same(&recorded[key], &content(&answer), key);
    }
}

#[test]
fn an_error_selects_its_response_and_is_the_answer() {
    let Some(recorded) = recording(LAMBDA, "::test_lambda_selection_patterns") else {
        return;
    };
    let scene = Scene::new("dev", &[("GET", "/{statusCode}")]);
    let mut function = integration(Kind::Lambda);
    let template = "{\"statusCode\": \"$input.params('statusCode')\"}";
    function.request_templates = strings(&[("application/json", template)]);
    function.responses = vec![
        response("200", None),
        response("405", Some(".*four hundred.*")),
        response("502", Some(".*five hundred.*")),
    ];
    for (asked, status) in [("200", 200), ("400", 405), ("500", 502)] {
        let recorded = &recorded[format!("lambda-selection-pattern-{asked}")];
        let sent = request("GET", &format!("/dev/{asked}"), &[], "");
        let (event, answer) = through(&function, &scene, &sent, |_| match asked {
            "200" => Ok(json!("Pass")),
            _ => Err(recorded.clone()),
        });
        assert_eq!(event, json!({ "statusCode": asked }));
        assert_eq!(answer.status, status, "{asked}");
        assert_same(recorded, &content(&answer), asked);
    }
}

/// Both templates of the recorded test.
const REQUEST_TEMPLATE: &str = r##"#set($allParams = $input.params())
#set($jsonBody = $input.json('$'))
#set($path = $allParams.get('path'))
#set($header = $allParams.get('header'))
{
"apiContext": {"apiId": "$context.apiId", "sourceIp": "$context.identity.sourceIp"},
"path": {
#foreach($paramName in $path.keySet())
"$paramName": "$util.escapeJavaScript($path.get($paramName))"#if($foreach.hasNext),#end
#end
},
"header": {
#foreach($paramName in $header.keySet())
"$paramName": "$util.escapeJavaScript($header.get($paramName)).replaceAll("\\/", "/")"#if($foreach.hasNext),#end
#end
},
"body": $jsonBody
}
"##;
const RESPONSE_TEMPLATE: &str = r##"#set($inputRoot = $input.path('$'))
$input.json("$")
#if($inputRoot.toString().contains("customerror"))
    #set($context.responseOverride.status = 400)
#else
    #set($context.responseOverride.status = 202)
#end
"##;

#[test]
fn a_response_template_chooses_the_status() {
    let test = "::test_lambda_aws_integration_response_with_mapping_templates";
    let Some(recorded) = recording(LAMBDA, test) else {
        return;
    };
    let scene = Scene::new("api", &[("POST", "/test")]);
    let mut function = integration(Kind::Lambda);
    function.request_templates = strings(&[("application/json", REQUEST_TEMPLATE)]);
    let mut mapped = response("200", Some(""));
    mapped.templates = strings(&[("application/json", RESPONSE_TEMPLATE)]);
    function.responses = vec![mapped];
    for (key, body) in [
        ("response-template-202", r#"{"httpStatus": "200"}"#),
        (
            "response-template-400",
            r#"{"httpStatus": "400", "errorMessage": "Test Bad request"}"#,
        ),
    ] {
        let headers = [("Content-Type", "application/json")];
        let sent = request("POST", "/api/test", &headers, body);
        let (event, answer) = through(&function, &scene, &sent, |event| {
            let failed = event["body"]["httpStatus"] == "400";
            let body = if failed { "customerror" } else { "noerror" };
            Ok(json!({ "statusCode": 200, "body": body }))
        });
        assert_eq!(event["apiContext"]["sourceIp"], "192.0.2.7");
        assert_eq!(event["header"]["Content-Type"], "application/json");
        let ours = json!({ "statusCode": answer.status, "body": content(&answer) });
        assert_same(&recorded[key], &ours, key);
    }
}

/// What the recorded server saw: header names in lower case, as function URLs give them, and its
/// query, values joined.
fn seen(call: &Call, origin: &str) -> Value {
    let Call::Http {
        method,
        url,
        headers,
        body,
    } = call
    else {
        panic!("{call:?}")
    };
    let mut lower = Map::new();
    for (name, value) in headers {
        lower.insert(name.to_ascii_lowercase(), json!(value));
    }
    let (_, query) = url.split_once('?').unwrap_or((url, ""));
    let mut args: Map<String, Value> = Map::new();
    for (name, value) in tether_apigw::query::decode(query) {
        let joined = match args.get(&name).and_then(Value::as_str) {
            Some(before) => format!("{before},{value}"),
            None => value,
        };
        args.insert(name, json!(joined));
    }
    lower.insert("host".to_owned(), json!(origin));
    lower.insert("content-length".to_owned(), json!(body.len().to_string()));
    let data: Value = serde_json::from_slice(body).unwrap();
    json!({ "args": args, "data": data, "headers": lower, "method": method })
}

/// The recorded server is a function URL, which adds headers of its own.
fn without_the_servers_own(recorded: &Value) -> Value {
    let mut recorded = recorded.clone();
    let object = recorded.as_object_mut().unwrap();
    object.retain(|key, _| ["args", "data", "headers", "method"].contains(&key.as_str()));
    let headers = object["headers"].as_object_mut().unwrap();
    headers.retain(|name, _| !name.starts_with("x-amzn-tls-") && !name.starts_with("x-forwarded-"));
    recorded
}

/// Ours, without what only some of the recorded servers kept.
fn as_kept(mut ours: Value, recorded: &Value) -> Value {
    let headers = ours["headers"].as_object_mut().unwrap();
    headers.retain(|name, _| !name.starts_with("x-") || recorded["headers"].get(name).is_some());
    ours
}

fn assert_seen(recorded: &Value, call: &Call, at: &str) {
    let recorded = without_the_servers_own(recorded);
    let ours = as_kept(seen(call, "server.example.com"), &recorded);
    let recorded = match recorded["headers"]["user-agent"].as_str() {
        // The recording has the id of its API there.
        Some(agent) if agent.starts_with("AmazonAPIGateway_") => {
            let mut recorded = recorded.clone();
            recorded["headers"]["user-agent"] = json!("AmazonAPIGateway_a1b2c3d4e5");
            recorded
        }
        _ => recorded,
    };
    assert_same(&recorded, &ours, at);
}

/// What the recorded server answers besides its body.
fn server_headers() -> Vec<(String, String)> {
    let pairs = [
        ("Date", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ("Content-Type", "application/json"),
        ("Content-Length", "500"),
        ("Connection", "keep-alive"),
        ("x-amzn-RequestId", "0f6a1de4-7a2f-4cfb-9b76-1b2f0d7d6f6e"),
        (
            "X-Amzn-Trace-Id",
            "Root=1-5759e988-bd862e3fe1be46a994272793",
        ),
    ];
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
}

/// Header names as the recording has them, with those of the front and the edge put beside ours.
fn lower(answer: &Answer) -> Value {
    let mut all = Map::new();
    for (name, value) in &answer.headers {
        all.insert(name.to_ascii_lowercase(), json!(value));
    }
    all.insert(
        "content-length".to_owned(),
        json!(answer.body.len().to_string()),
    );
    Value::Object(all)
}

fn echo(kind: Kind) -> Integration {
    let mut http = integration(kind);
    http.uri = Some("https://server.example.com/".to_owned());
    let mut mapped = response("200", None);
    mapped.templates = strings(&[("application/json", "$input.json('$')")]);
    http.responses = vec![mapped];
    http
}

#[test]
fn a_server_sees_the_recorded_request_and_clients_its_answer() {
    for (name, kind) in [("HTTP", Kind::Http), ("HTTP_PROXY", Kind::HttpProxy)] {
        let test = format!("::test_http_integration_with_lambda[{name}]");
        let Some(recorded) = recording(HTTP, &test) else {
            return;
        };
        let recorded = &recorded["http-invocation-lambda-url"];
        let scene = Scene::new("test", &[("POST", "/test")]);
        let headers = [
            ("Content-Type", "application/json"),
            ("accept", "application/xml"),
            ("user-Agent", "test/integration"),
        ];
        let sent = request(
            "POST",
            "/test/test",
            &headers,
            r#"{"message": "hello world"}"#,
        );
        let (exchange, binary) = (scene.exchange(&sent), MediaTypes::default());
        let http = echo(kind);
        let prepared = prepare(&http, &exchange, &binary).unwrap();
        assert_seen(&recorded["content"], &prepared.call, name);
        let body = Bytes::from(recorded["content"].to_string());
        let headers = server_headers();
        let came = Came::Http {
            status: 200,
            headers: &headers,
            body: &body,
        };
        let mut answer = answer(&http, &exchange, &prepared.overrides, came, &binary).unwrap();
        finish(&mut answer, exchange.stamp);
        assert_eq!(json!(answer.status), recorded["status_code"]);
        assert_same(&recorded["content"], &content(&answer), name);
        assert_same(&recorded["headers"], &lower(&answer), name);
    }
}

#[test]
fn the_method_of_the_integration_is_the_servers() {
    for (name, kind) in [("HTTP", Kind::Http), ("HTTP_PROXY", Kind::HttpProxy)] {
        let test = format!("::test_http_integration_method[{name}]");
        let Some(recorded) = recording(HTTP, &test) else {
            return;
        };
        let scene = Scene::new("test", &[("ANY", "/test")]);
        let headers = [
            ("Content-Type", "application/json"),
            ("Accept", "application/json"),
            ("user-Agent", "test/integration"),
        ];
        // The recording test names three methods and sends POST each time.
        let sent = request(
            "POST",
            "/test/test",
            &headers,
            r#"{"message": "hello world"}"#,
        );
        let prepared = prepare(&echo(kind), &scene.exchange(&sent), &MediaTypes::default());
        let prepared = prepared.unwrap();
        for method in ["post", "put", "get"] {
            let recorded = &recorded[format!("http-invocation-lambda-url-{method}")];
            assert_seen(recorded, &prepared.call, method);
        }
    }
}

#[test]
fn a_proxys_status_passes_and_a_mapped_one_is_its_responses() {
    for (name, kind) in [("HTTP", Kind::Http), ("HTTP_PROXY", Kind::HttpProxy)] {
        let test = format!("::test_http_integration_invoke_status_code_passthrough[{name}]");
        let Some(recorded) = recording(HTTP, &test) else {
            return;
        };
        let scene = Scene::new("test", &[("POST", "/{map+}")]);
        let mut http = echo(kind);
        http.uri = Some("https://server.example.com/{map}".to_owned());
        let path = ("integration.request.path.map", "method.request.path.map");
        http.request_parameters = strings(&[path]);
        for (key, asked) in [("matching-response", 200), ("non-matching-response", 400)] {
            let sent = request("POST", &format!("/test/status/{asked}"), &[], "");
            let (exchange, binary) = (scene.exchange(&sent), MediaTypes::default());
            let prepared = prepare(&http, &exchange, &binary).unwrap();
            let Call::Http { url, .. } = &prepared.call else {
                panic!("{prepared:?}")
            };
            assert_eq!(url, &format!("https://server.example.com/status/{asked}"));
            let body = Bytes::from(json!({ "message": "", "status_code": asked }).to_string());
            let headers = server_headers();
            let came = Came::Http {
                status: asked,
                headers: &headers,
                body: &body,
            };
            let answer = answer(&http, &exchange, &prepared.overrides, came, &binary).unwrap();
            let ours = json!({ "body": content(&answer), "status_code": answer.status });
            assert_same(&recorded[key], &ours, key);
        }
    }
}

#[test]
fn a_proxy_maps_parameters_beside_those_of_the_request() {
    let test = "::test_http_proxy_integration_request_data_mappings";
    let Some(recorded) = recording(HTTP, test) else {
        return;
    };
    let recorded = &recorded["http-proxy-invocation"];
    let scene = Scene::new("test", &[("POST", "/{pathVariable}")]);
    let mut http = echo(Kind::HttpProxy);
    http.uri = Some("https://server.example.com/?testVar={pathVar}&testQs={qsVar}".to_owned());
    http.request_parameters = strings(&[
        (
            "integration.request.header.headerVar",
            "method.request.header.foobar",
        ),
        (
            "integration.request.path.qsVar",
            "method.request.querystring.testVar",
        ),
        (
            "integration.request.path.pathVar",
            "method.request.path.pathVariable",
        ),
        (
            "integration.request.querystring.queryString",
            "method.request.querystring.testQueryString",
        ),
        (
            "integration.request.querystring.testQs",
            "method.request.querystring.testQueryString",
        ),
        (
            "integration.request.querystring.testEmptyQs",
            "method.request.header.emptyheader",
        ),
    ]);
    let headers = [
        ("Content-Type", "application/json"),
        ("Accept", "application/json"),
        ("foobar", "mapped-value"),
        ("user-Agent", "test/integration"),
        ("headerVar", "request-value"),
    ];
    let target = "/test/foobar?testQueryString=foo&testVar=bar";
    let sent = request("POST", target, &headers, r#"{"message": "hello world"}"#);
    let prepared = prepare(&http, &scene.exchange(&sent), &MediaTypes::default()).unwrap();
    assert_seen(&recorded["content"], &prepared.call, "call");
}
