#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use crate::testing::{problems, resolved};

const API: &str = "Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties: {Handler: app.handler, Runtime: python3.13, CodeUri: .}
  Chat:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      StageName: live
      StageVariables: {color: blue}
      Auth: {AuthType: CUSTOM, AuthArn: !GetAtt Hello.Arn, IdentitySource: [route.request.querystring.token]}
      Routes:
        $connect: {FunctionArn: !GetAtt Hello.Arn, ApiKeyRequired: true}
        say: {FunctionArn: !GetAtt Hello.Arn, IntegrationTimeout: 1000}
Outputs:
  Url: {Value: !Sub 'wss://${Chat}.execute-api.${AWS::Region}.amazonaws.com/live'}
";

#[test]
fn an_api_is_made_of_raw_resources_under_sams_names() {
    let stack = resolved(API);
    let ids: Vec<&str> = stack.resources.keys().map(String::as_str).collect();
    assert_eq!(
        ids,
        [
            "Hello",
            "Chat",
            "ChatConnectAuthorizer",
            "ChatAuthorizerPermission",
            "ChatConnectPermission",
            "ChatConnectIntegration",
            "ChatConnectRoute",
            "ChatSayPermission",
            "ChatSayIntegration",
            "ChatSayRoute",
            "ChatliveStage",
            "HelloRole",
        ]
    );
    let api = stack.websocket_apis().unwrap().remove(0);
    assert_eq!((api.name.as_str(), api.stages.len()), ("Chat", 1));
    assert_eq!(api.stages[0].variables["color"], "blue");
    let keys: Vec<_> = api.routes.iter().map(|it| it.route_key.as_str()).collect();
    assert_eq!(keys, ["$connect", "say"]);
    let connect = &api.routes[0];
    assert!(connect.api_key_required);
    assert_eq!(
        connect.authorizer.as_ref().unwrap().function_arn,
        "Hello.Arn"
    );
    assert!(api.routes[1].authorizer.is_none());
}

#[test]
fn the_api_may_invoke_its_functions() {
    let stack = resolved(API);
    let source = |id: &str| stack.resources[id].property("SourceArn").unwrap().clone();
    assert_eq!(
        source("ChatSayPermission"),
        "arn:aws:execute-api:eu-west-1:123456789012:Chat/live/say"
    );
    assert_eq!(
        source("ChatAuthorizerPermission"),
        "arn:aws:execute-api:eu-west-1:123456789012:Chat/authorizers/*"
    );
}

#[test]
fn a_condition_holds_for_every_part() {
    let text = API.replace(
        "    Type: AWS::Serverless::WebSocketApi\n",
        "    Type: AWS::Serverless::WebSocketApi\n    Condition: Never\n",
    );
    let never = "Conditions:\n  Never: !Equals [a, b]\nResources:";
    let text = text.replace("Resources:", never);
    let text = text.split("Outputs:").next().unwrap();
    let stack = resolved(text);
    let ids: Vec<&str> = stack.resources.keys().map(String::as_str).collect();
    assert_eq!(ids, ["Hello", "HelloRole"]);
}

#[test]
fn what_is_wrong_is_said_at_its_place() {
    let text = API
        .replace("StageName: live", "StageName: $default")
        .replace("        say:", "        say-it:")
        .replace(
            "{FunctionArn: !GetAtt Hello.Arn, ApiKeyRequired: true}",
            "{}",
        )
        .replace("AuthType: CUSTOM, ", "");
    assert_eq!(
        problems(&text),
        [
            "t.yaml:9:18: Chat.StageName: a stage of a WebSocket API cannot be called $default; rename it.",
            "t.yaml:11:13: Chat.Auth: AuthType is missing: AWS_IAM, CUSTOM or NONE.",
            "t.yaml:13:9: Chat.Routes.$connect: a route needs FunctionArn, the function that answers.",
            "t.yaml:14:9: Chat.Routes.say-it: a route key has letters and digits only, or is $connect, $disconnect or $default; AWS::ApiGatewayV2::Route takes others.",
        ]
    );
}
