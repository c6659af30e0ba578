#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use crate::{Emulator, Options, Place, StackSource};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

const TEMPLATE: &str = "
Resources:
  Nightly:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: .
      Events: {Run: {Type: Schedule, Properties: {Schedule: rate(1 day)}}}
";

#[tokio::test]
async fn a_schedule_invokes_its_function_as_long_as_the_functions_policy_lets_it() {
    let folder = tempfile::tempdir().unwrap();
    let template = folder.path().join("template.yaml");
    std::fs::write(&template, TEMPLATE).unwrap();
    let emulator = Emulator::start(
        0,
        Place::default(),
        Options::default(),
        tether_host::LogSink::new(|_| {}),
        Arc::new(|_| {}),
        Arc::new(|_| {}),
    );
    let emulator = emulator.await.unwrap();
    let source = StackSource {
        name: "app".to_owned(),
        template,
        parameters: BTreeMap::new(),
        known: crate::Known::default(),
    };
    let deployed = emulator.deploy(&source).await.unwrap();
    let (lambda, iam) = (&emulator.cloud.lambda, &emulator.cloud.iam);
    let name = &deployed.functions[0].name;
    let function = lambda.target(name, None).unwrap().function;
    let policy: Value = {
        let policy = function.policy(None).unwrap();
        serde_json::from_str(policy["Policy"].as_str().unwrap()).unwrap()
    };
    let statement = &policy["Statement"][0];
    let rule = statement["Condition"]["ArnLike"]["AWS:SourceArn"]
        .as_str()
        .unwrap();
    let may = |service: &str, source: &str| iam.check_invoke(lambda, service, source, name);
    assert!(may("events.amazonaws.com", rule).is_ok());
    assert!(may("events.amazonaws.com", &format!("{rule}-other")).is_err());
    let denied = may("scheduler.amazonaws.com", rule)
        .unwrap_err()
        .to_string();
    assert!(denied.contains("because no resource-based policy allows the lambda:InvokeFunction"));
    let id = statement["Sid"].as_str().unwrap();
    function.remove_permission(None, id).unwrap();
    assert!(may("events.amazonaws.com", rule).is_err());
    // Whose account it is, is asked as well.
    let foreign = json!({
        "StatementId": "s", "Action": "lambda:InvokeFunction",
        "Principal": "events.amazonaws.com", "SourceAccount": "999999999999",
    });
    function.add_permission(None, &foreign).unwrap();
    assert!(may("events.amazonaws.com", rule).is_err());
    emulator.stop().await;
}
