use crate::testing::{problems, resolved};

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

const PUBLISHED: &str = "
Parameters:
  Stage: {Type: String, Default: live}
Globals:
  Function: {AutoPublishAlias: !Ref Stage}
Resources:
  Hello:
    Type: AWS::Serverless::Function
    DeletionPolicy: Delete
    Properties:
      CodeUri: s3://bucket/key
      VersionDescription: the first
      FunctionUrlConfig: {AuthType: NONE}
      Events: {Get: {Type: HttpApi}}
  Other:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: src, AutoPublishAlias: !Sub '${Stage}2', VersionDeletionPolicy: Delete}
Outputs:
  Alias: {Value: !Ref Hello.Alias}
  Version: {Value: !Ref Hello.Version}
  Number: {Value: !GetAtt Hello.Version.Version}
  Same: {Value: !GetAtt [Hello.Version, Version]}
  Sub: {Value: !Sub 'to ${Hello.Alias} of ${Hello.Version.Version}'}
";

#[test]
fn a_version_and_an_alias_are_published_where_a_function_asks_for_them() {
    let stack = resolved(PUBLISHED);
    let value = |key: &str| {
        let output = stack.outputs.iter().find(|it| it.key == key);
        output.map_or("", |it| it.value.as_str())
    };
    assert_eq!(value("Alias"), "HelloAliaslive");
    let version = value("Version");
    assert!(version.starts_with("HelloVersion") && version.len() == "HelloVersion".len() + 10);
    assert_eq!(value("Number"), format!("{version}.Version"));
    assert_eq!(value("Same"), value("Number"));
    assert_eq!(
        value("Sub"),
        format!("to HelloAliaslive of {version}.Version")
    );

    let alias = &stack.resources["HelloAliaslive"];
    assert_eq!(alias.kind, "AWS::Lambda::Alias");
    assert_eq!(alias.properties["FunctionName"], "Hello");
    assert_eq!(alias.properties["Name"], "live");
    assert_eq!(alias.properties["FunctionVersion"], value("Number"));
    let published = &stack.resources[version];
    assert_eq!(published.kind, "AWS::Lambda::Version");
    assert_eq!(published.properties["Description"], "the first");
    assert_eq!(published.deletion_policy.as_deref(), Some("Delete"));
    let url = &stack.resources["HelloUrl"];
    assert_eq!(url.properties["TargetFunctionArn"], "HelloAliaslive");
    let routes = &stack.apis().unwrap()[0].routes;
    let integration = routes[0].integration.as_ref().unwrap();
    assert_eq!(integration.function.as_deref(), Some("HelloAliaslive"));
    assert_eq!(stack.invoked(&stack.resources["Other"]), "OtherAliaslive2");
}

#[test]
fn a_version_has_another_name_when_it_is_another_one() {
    let version = |text: &str| {
        let stack = resolved(text);
        let output = stack.outputs.iter().find(|it| it.key == "Version");
        output.map(|it| it.value.clone()).unwrap()
    };
    let first = version(PUBLISHED);
    assert_eq!(version(PUBLISHED), first);
    for (from, to, another) in [
        ("bucket/key", "bucket/other", true),
        ("VersionDescription: the first", "MemorySize: 256", true),
        (
            "VersionDescription: the first",
            "Environment: {Variables: {A: b}}",
            true,
        ),
        ("VersionDescription: the first", "Timeout: 9", false),
        (
            "VersionDescription: the first",
            "AutoPublishAliasAllProperties: true",
            true,
        ),
    ] {
        let changed = PUBLISHED.replacen(from, to, 1);
        assert_eq!(version(&changed) != first, another, "{to}");
    }
    let all = PUBLISHED.replacen("VersionDescription: the first", "Timeout: 3", 1);
    let all = all.replacen(
        "bucket/key",
        "bucket/key\n      AutoPublishAliasAllProperties: true",
        1,
    );
    let later = all.replacen("Timeout: 3", "Timeout: 9", 1);
    assert_ne!(version(&all), version(&later));
    let given = PUBLISHED.replacen(
        "VersionDescription: the first",
        "AutoPublishCodeSha256: 0123456789abcdef",
        1,
    );
    assert_eq!(version(&given), "HelloVersion0123456789");
}

#[test]
fn what_names_no_version_or_alias_is_refused() {
    for (from, to, why) in [
        (
            "!Ref Hello.Alias",
            "!Ref Hello.Aliases",
            "Hello.Aliases, which SAM would generate, is not supported yet as a reference.",
        ),
        (
            "AutoPublishAlias: !Ref Stage",
            "Timeout: 3",
            "Hello.Alias is there with AutoPublishAlias only: the function needs one.",
        ),
        (
            "AutoPublishAlias: !Ref Stage",
            "AutoPublishAlias: !If [Yes, a, b]",
            "Hello.AutoPublishAlias: it must be text or a Ref to a parameter",
        ),
    ] {
        let problems = problems(&PUBLISHED.replacen(from, to, 1));
        assert!(problems.iter().any(|it| it.contains(why)), "{problems:?}");
    }
}
