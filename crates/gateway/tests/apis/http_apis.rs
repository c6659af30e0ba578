use crate::desk::{Desk, Programs};
use serde_json::{Value, json};
use tether_gateway::Outcome;

const PETS: &str = "
Resources:
  Pets:
    Type: AWS::Serverless::HttpApi
    Properties:
      CorsConfiguration:
        AllowOrigins: ['https://example.com']
        AllowMethods: [GET]
  Show:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.12
      Handler: app.handler
      CodeUri: src/
      Events:
        One: {Type: HttpApi, Properties: {ApiId: !Ref Pets, Path: '/pets/{id}', Method: get}}
        Old: {Type: HttpApi, Properties: {ApiId: !Ref Pets, Path: /old, Method: get, PayloadFormatVersion: '1.0'}}
";

#[tokio::test]
async fn a_function_sees_payload_two_or_one_as_the_route_says() {
    let desk = Desk::serve(PETS, Programs::default().echo("Show")).await;
    let sent = [("X-A", "1"), ("x-a", "2"), ("Cookie", "a=1; b=2")];
    let got = desk.ask("GET", "/pets/a%20b?q=1&q=2", &sent, "").await;
    assert_eq!(got.status, 200);
    assert!(got.header("apigw-requestid").is_some());
    let event = got.json();
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["routeKey"], "GET /pets/{id}");
    assert_eq!(event["pathParameters"], json!({ "id": "a b" }));
    assert_eq!(event["queryStringParameters"], json!({ "q": "1,2" }));
    assert_eq!(event["headers"]["x-a"], "1,2");
    assert_eq!(event["cookies"], json!(["a=1", "b=2"]));
    assert_eq!(event.get("body"), None);
    let event = desk.get("/old").await.json();
    assert_eq!(event["version"], "1.0");
    assert_eq!(event["httpMethod"], "GET");
    assert!(desk.calls()[0].source_arn.ends_with("/$default/GET/pets/*"));
}

#[tokio::test]
async fn what_no_route_takes_is_not_found() {
    let desk = Desk::serve(PETS, Programs::default().echo("Show")).await;
    assert_eq!(
        desk.get("/nowhere").await.said(),
        (404, r#"{"message":"Not Found"}"#)
    );
    assert_eq!(desk.ask("POST", "/pets/1", &[], "").await.status, 404);
    assert!(desk.notices()[0].contains("GET /nowhere: no route takes this"));
}

#[tokio::test]
async fn preflights_need_no_route_and_backends_do_not_speak_of_origins() {
    let programs = Programs::default().returning(
        "Show",
        |_| json!({ "statusCode": 200, "headers": { "Access-Control-Allow-Origin": "*" } }),
    );
    let desk = Desk::serve(PETS, programs).await;
    let asks = [
        ("Origin", "https://example.com"),
        ("Access-Control-Request-Method", "GET"),
    ];
    let got = desk.ask("OPTIONS", "/pets/1", &asks, "").await;
    assert_eq!(got.status, 204);
    assert_eq!(
        got.header("access-control-allow-origin"),
        Some("https://example.com")
    );
    assert_eq!(desk.invoked(), [""; 0]);
    let got = desk
        .ask("GET", "/pets/1", &[("Origin", "https://example.com")], "")
        .await;
    assert_eq!(
        got.header("access-control-allow-origin"),
        Some("https://example.com")
    );
    let got = desk
        .ask("GET", "/pets/1", &[("Origin", "https://evil.example")], "")
        .await;
    assert_eq!(got.header("access-control-allow-origin"), None);
    // Its own refusals are readable, too.
    let got = desk
        .ask("GET", "/nowhere", &[("Origin", "https://example.com")], "")
        .await;
    assert_eq!(
        got.header("access-control-allow-origin"),
        Some("https://example.com")
    );
}

#[tokio::test]
async fn answers_without_a_status_are_bodies_and_failures_are_500() {
    let programs = Programs::default().with("Show", |call| {
        let event: Value = serde_json::from_slice(&call.payload).unwrap();
        match event["pathParameters"]["id"].as_str() {
            Some("object") => Outcome::Answer(r#"{"a":1}"#.into()),
            Some("malformed") => Outcome::Answer(r#"{"statusCode":"x"}"#.into()),
            _ => Outcome::Error("{}".into()),
        }
    });
    let desk = Desk::serve(PETS, programs).await;
    let got = desk.get("/pets/object").await;
    assert_eq!(got.said(), (200, r#"{"a":1}"#));
    assert_eq!(got.header("content-type"), Some("application/json"));
    for path in ["/pets/malformed", "/pets/raises"] {
        let got = desk.get(path).await;
        assert_eq!(got.said(), (500, r#"{"message":"Internal Server Error"}"#));
    }
    let notices = desk.notices();
    assert!(
        notices[0].starts_with("Pets GET /pets/{id}: statusCode"),
        "{notices:?}"
    );
    assert!(notices[1].contains("see its log"), "{notices:?}");
}

#[tokio::test]
async fn too_much_is_refused_as_it_should_be() {
    let desk = Desk::serve(PETS, Programs::default().echo("Show")).await;
    let body = vec![b'x'; 10 * 1024 * 1024 + 1];
    let got = desk.ask("GET", "/pets/1", &[], body).await;
    assert_eq!(
        got.said(),
        (413, r#"{"message":"Request Entity Too Large"}"#)
    );
    assert_eq!(desk.invoked(), [""; 0]);
}

#[tokio::test]
async fn a_routes_limit_is_kept_until_time_passes() {
    let limited = "
Resources:
  Pets:
    Type: AWS::Serverless::HttpApi
    Properties:
      DefaultRouteSettings: {ThrottlingBurstLimit: 2, ThrottlingRateLimit: 1}
  Show:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.12
      Handler: app.handler
      CodeUri: src/
      Events:
        One: {Type: HttpApi, Properties: {ApiId: !Ref Pets, Path: /a, Method: get}}
        Two: {Type: HttpApi, Properties: {ApiId: !Ref Pets, Path: /b, Method: get}}
";
    let desk = Desk::serve(limited, Programs::default().echo("Show")).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(desk.get("/a").await.status);
    }
    assert_eq!(statuses, [200, 200, 429]);
    assert_eq!(desk.get("/b").await.status, 200, "each route has its own");
    // A template that is the same in this does not fill the bucket again.
    desk.redefine(limited);
    assert_eq!(
        desk.get("/a").await.said(),
        (429, r#"{"message":"Too Many Requests"}"#)
    );
    desk.pass(1);
    assert_eq!(desk.get("/a").await.status, 200);
    assert!(
        desk.notices()[0].contains("1 a second, 2 at once"),
        "{:?}",
        desk.notices()
    );
}
