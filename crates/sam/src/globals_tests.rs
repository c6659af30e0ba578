#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use crate::testing::{problems, resolved};
use serde_json::json;

const GLOBALS: &str = "Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    Runtime: python3.13
    Timeout: 30
    Layers: [global]
    Environment:
      Variables: {A: global, B: global}
    CodeUri: s3://bucket/key
    Tags: !Ref AWS::NoValue
";

#[test]
fn maps_merge_lists_append_and_the_rest_is_the_resources_own() {
    let stack = resolved(&format!(
        "{GLOBALS}Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Role: arn
      Timeout: 5
      Layers: [own]
      Environment:
        Variables: {{B: own, C: !Ref AWS::Region}}
      CodeUri: {{Bucket: b, Key: k}}
      Tags: {{x: y}}
  Plain:
    Type: AWS::Serverless::Function
    Properties: {{Role: arn}}
  Other:
    Type: AWS::Lambda::Function
"
    ));
    assert_eq!(
        stack.resources["F"].properties,
        json!({
            "Runtime": "python3.13",
            "Timeout": 5,
            "Layers": ["global", "own"],
            "Environment": {"Variables": {"A": "global", "B": "own", "C": "eu-west-1"}},
            "CodeUri": {"Bucket": "b", "Key": "k"},
            "Tags": {"x": "y"},
            "Role": "arn",
        })
    );
    let plain = &stack.resources["Plain"];
    assert_eq!(plain.properties["Timeout"], 30);
    assert_eq!(plain.properties["Layers"], json!(["global"]));
    assert_eq!(plain.position_of("Timeout").line, 5);
    assert_eq!(stack.resources["Other"].properties, json!({}));
}

#[test]
fn a_function_is_a_scalar_to_the_merge() {
    let stack = resolved(
        "Conditions:\n  Ever: !Equals [a, a]\nGlobals:\n  Function:\n    VpcConfig: !If [Ever, {Ids: \
         [a]}, {}]\nResources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      \
         Role: r\n      VpcConfig: {Ids: [b]}\n  G:\n    Type: AWS::Serverless::Function\n    \
         Properties: {Role: r}\n",
    );
    assert_eq!(
        stack.resources["F"].properties["VpcConfig"],
        json!({"Ids": ["b"]})
    );
    assert_eq!(
        stack.resources["G"].properties["VpcConfig"],
        json!({"Ids": ["a"]})
    );
}

#[test]
fn globals_can_be_ignored() {
    let stack = resolved(&format!(
        "{GLOBALS}Resources:
  All:
    Type: AWS::Serverless::Function
    IgnoreGlobals: '*'
    Properties: {{Role: arn}}
  Some:
    Type: AWS::Serverless::Function
    IgnoreGlobals: [Timeout, Layers, CodeUri, Environment]
    Properties: {{Role: arn}}
"
    ));
    assert_eq!(stack.resources["All"].properties, json!({"Role": "arn"}));
    assert_eq!(
        stack.resources["Some"].properties,
        json!({"Runtime": "python3.13", "Role": "arn"})
    );
}

#[test]
fn other_types_have_globals_too() {
    let stack = resolved(
        "Globals:\n  HttpApi: {StageVariables: {A: b}}\nResources:\n  Api: {Type: \
         AWS::Serverless::HttpApi}\n",
    );
    assert_eq!(
        stack.resources["Api"].properties,
        json!({"StageVariables": {"A": "b"}})
    );
}

#[test]
fn what_cannot_be_global_is_named() {
    assert_eq!(
        problems(
            "Globals:\n  Function:\n    FunctionName: x\n    Timeuot: 3\n  Funtion: {}\n  Api: \
             text\nResources:\n  F: {Type: AWS::Serverless::Function}\n"
        ),
        [
            "t.yaml:3:5: Globals.Function: FunctionName cannot be global for every Function; put \
             it into the resources that need it.",
            "t.yaml:4:5: Globals.Function: Timeuot cannot be global for every Function; put it \
             into the resources that need it. Did you mean Timeout?",
            "t.yaml:5:3: Globals: Funtion cannot stand in Globals. Did you mean Function?",
            "t.yaml:6:3: Globals.Api: it must be a map of properties, not text.",
        ]
    );
}
