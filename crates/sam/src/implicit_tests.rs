#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use crate::testing::resolved;
use serde_json::json;

#[test]
fn a_function_without_a_role_gets_one() {
    let stack = resolved(
        "Globals:\n  Function: {PermissionsBoundary: boundary}\nResources:\n  F:\n    Type: \
         AWS::Serverless::Function\n    Properties: {RolePath: /apps/}\n  Raw: {Type: \
         AWS::Lambda::Function}\nOutputs:\n  Role: {Value: !Ref FRole}\n  Arn: {Value: !GetAtt \
         FRole.Arn}\n",
    );
    let ids: Vec<_> = stack.resources.keys().collect();
    assert_eq!(ids, ["F", "Raw", "FRole"]);
    assert_eq!(stack.resources["F"].properties["Role"], "FRole.Arn");
    let role = &stack.resources["FRole"];
    assert_eq!(role.kind, "AWS::IAM::Role");
    assert_eq!(role.position, stack.resources["F"].position);
    assert_eq!(
        role.properties,
        json!({
            "AssumeRolePolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [{
                    "Action": ["sts:AssumeRole"],
                    "Effect": "Allow",
                    "Principal": {"Service": ["lambda.amazonaws.com"]},
                }],
            },
            "ManagedPolicyArns":
                ["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"],
            "Path": "/apps/",
            "PermissionsBoundary": "boundary",
        })
    );
    assert_eq!(stack.outputs[0].value, "FRole");
    assert_eq!(stack.outputs[1].value, "FRole.Arn");
}

#[test]
fn a_role_that_a_condition_takes_away_is_replaced() {
    let text = "Parameters:\n  R: {Type: String, Default: ''}\nConditions:\n  Given: !Not [!Equals \
                [!Ref R, '']]\nResources:\n  F:\n    Type: AWS::Serverless::Function\n    \
                Properties: {Role: !If [Given, !Ref R, !Ref AWS::NoValue]}\n";
    let stack = resolved(text);
    assert_eq!(stack.resources["F"].properties["Role"], "FRole.Arn");
    let stack = crate::testing::resolve_with(text, &[("R", "arn:mine")]).unwrap();
    assert_eq!(stack.resources["F"].properties["Role"], "arn:mine");
    assert!(!stack.resources.contains_key("FRole"));
}

#[test]
fn a_function_that_is_not_created_has_no_role() {
    let stack = resolved(
        "Conditions:\n  Never: !Equals [a, b]\nResources:\n  A: {Type: A::B::C}\n  F: {Type: \
         AWS::Serverless::Function, Condition: Never}\n",
    );
    assert_eq!(stack.resources.keys().collect::<Vec<_>>(), ["A"]);
}

#[test]
fn events_without_an_api_get_one() {
    let stack = resolved(
        "Globals:\n  Api: {TracingEnabled: true}\nResources:\n  F:\n    Type: \
         AWS::Serverless::Function\n    Properties:\n      Role: r\n      Events:\n        A: {Type: \
         Api, Properties: {Path: /, Method: get}}\n        B: {Type: HttpApi}\nOutputs:\n  Url: \
         {Value: !Sub 'https://${ServerlessRestApi}.x/${ServerlessHttpApi}'}\n",
    );
    assert_eq!(
        stack.resources["ServerlessRestApi"].properties,
        json!({"TracingEnabled": true, "StageName": "Prod"})
    );
    assert_eq!(
        stack.resources["ServerlessHttpApi"].kind,
        "AWS::Serverless::HttpApi"
    );
    assert_eq!(
        stack.outputs[0].value,
        "https://ServerlessRestApi.x/ServerlessHttpApi"
    );
}

#[test]
fn events_with_an_api_of_their_own_need_none() {
    let stack = resolved(
        "Resources:\n  Mine: {Type: AWS::Serverless::Api, Properties: {StageName: x}}\n  F:\n    Type: \
         AWS::Serverless::Function\n    Properties:\n      Role: r\n      Events:\n        A: {Type: \
         Api, Properties: {RestApiId: !Ref Mine, Path: /, Method: get}}\n",
    );
    assert_eq!(
        stack.resources.keys().collect::<Vec<_>>(),
        ["Mine", "F", "MineDeployment", "MinexStage"]
    );
}

#[test]
fn a_functions_policies_are_those_of_its_role() {
    let stack = resolved(
        "Conditions:\n  Never: !Equals [a, b]\nResources:\n  Orders: {Type: \
         AWS::DynamoDB::Table}\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      \
         Tracing: Active\n      Events: {Q: {Type: SQS, Properties: {Queue: arn:q}}}\n      \
         Policies:\n      - AmazonS3ReadOnlyAccess\n      - arn:mine\n      - !If [Never, \
         AdministratorAccess, !Ref AWS::NoValue]\n      - DynamoDBReadPolicy: {TableName: !Ref \
         Orders}\n      - Statement: {Effect: Allow, Action: a:b, Resource: '*'}\n",
    );
    let role = &stack.resources["FRole"].properties;
    let aws = |name: &str| format!("arn:aws:iam::aws:policy/{name}");
    assert_eq!(
        role["ManagedPolicyArns"],
        json!([
            aws("service-role/AWSLambdaBasicExecutionRole"),
            aws("AWSXRayDaemonWriteAccess"),
            aws("service-role/AWSLambdaSQSQueueExecutionRole"),
            aws("AmazonS3ReadOnlyAccess"),
            "arn:mine",
        ])
    );
    let policies = role["Policies"].as_array().unwrap();
    let names: Vec<_> = policies.iter().map(|it| &it["PolicyName"]).collect();
    assert_eq!(names, ["FRolePolicy3", "FRolePolicy4"]);
    let statement = &policies[0]["PolicyDocument"]["Statement"][0];
    let table = "arn:aws:dynamodb:eu-west-1:123456789012:table/Orders";
    assert_eq!(
        statement["Resource"],
        json!([table, format!("{table}/index/*")])
    );
    assert_eq!(policies[1]["PolicyDocument"]["Statement"]["Action"], "a:b");
}

#[test]
fn one_policy_needs_no_list() {
    let stack = resolved(
        "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties: {Policies: \
         AdministratorAccess}\n",
    );
    let managed = &stack.resources["FRole"].properties["ManagedPolicyArns"];
    assert_eq!(managed[1], "arn:aws:iam::aws:policy/AdministratorAccess");
}
