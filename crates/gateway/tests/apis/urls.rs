use crate::desk::{Desk, Programs};
use serde_json::json;
use tether_gateway::Outcome;

const URL: &str = "
Resources:
  Show:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.12
      Handler: app.handler
      CodeUri: src/
      FunctionUrlConfig:
        AuthType: NONE
";

#[tokio::test]
async fn a_function_answers_all_paths_of_its_url() {
    let desk = Desk::serve(URL, Programs::default().echo("Show")).await;
    let got = desk
        .ask("PATCH", "/a%2Fb//c?d=e", &[("X-A", "b")], "body")
        .await;
    assert_eq!(got.status, 200);
    assert!(got.header("x-amzn-requestid").is_some());
    let event = got.json();
    assert_eq!(event["rawPath"], "/a%2Fb//c");
    assert_eq!(event["requestContext"]["http"]["method"], "PATCH");
    assert_eq!(event["headers"]["x-a"], "b");
    assert_eq!(event["queryStringParameters"], json!({ "d": "e" }));
}

#[tokio::test]
async fn a_function_that_fails_is_a_bad_gateway() {
    let programs = Programs::default().with("Show", |_| Outcome::Error("{}".into()));
    let desk = Desk::serve(URL, programs).await;
    let got = desk.get("/").await;
    assert_eq!(got.said(), (502, "Internal Server Error"));
    assert!(desk.notices()[0].contains("see its log"));
}

#[tokio::test]
async fn an_invocation_has_six_megabytes() {
    let desk = Desk::serve(URL, Programs::default().echo("Show")).await;
    let got = desk
        .ask("POST", "/", &[], vec![b'x'; 6 * 1024 * 1024 + 1])
        .await;
    assert_eq!(got.status, 413);
    assert_eq!(desk.invoked(), [""; 0]);
}
