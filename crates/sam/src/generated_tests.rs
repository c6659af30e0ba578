use crate::testing::resolved;

const TEMPLATE: &str = "
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      FunctionUrlConfig: {AuthType: NONE}
      Events:
        Get: {Type: Api, Properties: {Path: /hello, Method: get}}
        Rest: {Type: HttpApi}
  Own:
    Type: AWS::Serverless::Api
    Properties:
      StageName: v1
      Auth: {UsagePlan: {CreateUsagePlan: PER_API}}
Outputs:
  Url: {Value: !GetAtt HelloUrl.FunctionUrl}
  Prod: {Value: !Ref ServerlessRestApiProdStage}
  Stage: {Value: !Ref Own.Stage}
  Sub: {Value: !Sub '${ServerlessRestApi}/${ServerlessRestApi.Stage}/hello'}
  Default: {Value: !Ref ServerlessHttpApiApiGatewayDefaultStage}
  Key: {Value: !Ref Own.ApiKey}
";

#[test]
fn what_sam_makes_can_be_referred_to() {
    let stack = resolved(TEMPLATE);
    let value = |key: &str| {
        let output = stack.outputs.iter().find(|it| it.key == key);
        output.map(|it| it.value.as_str())
    };
    assert_eq!(value("Url"), Some("HelloUrl.FunctionUrl"));
    assert_eq!(value("Prod"), Some("Prod"));
    assert_eq!(value("Stage"), Some("v1"));
    assert_eq!(value("Sub"), Some("ServerlessRestApi/Prod/hello"));
    assert_eq!(value("Default"), Some("$default"));
    assert_eq!(value("Key"), Some("OwnApiKey"));
}

#[test]
fn what_sam_makes_is_there_as_on_aws() {
    let stack = resolved(TEMPLATE);
    let url = &stack.resources["HelloUrl"];
    assert_eq!(url.kind, "AWS::Lambda::Url");
    assert_eq!(url.properties["TargetFunctionArn"], "Hello");
    let made = [
        "OwnDeployment",
        "Ownv1Stage",
        "OwnUsagePlan",
        "OwnUsagePlanKey",
    ];
    for id in made {
        assert!(stack.resources.contains_key(id), "{id}");
    }
}
