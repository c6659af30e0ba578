use crate::testing::{problems, resolved};

/// The problems of a function's further properties, without its place.
fn of_function(properties: &str) -> Vec<String> {
    let text = format!(
        "Parameters: {{Empty: {{Type: String, Default: ''}}}}\nResources:\n  Bucket: {{Type: \
         AWS::S3::Bucket}}\n  Table: {{Type: AWS::DynamoDB::Table}}\n  F:\n    Type: \
         AWS::Serverless::Function\n    Properties: {{Handler: a.b, Runtime: python3.13, \
         {properties}}}\n"
    );
    let lines = problems(&text);
    let after = |line: String| {
        line.splitn(4, ':')
            .nth(3)
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    lines.into_iter().map(after).collect()
}

#[test]
fn what_contradicts_itself_in_a_function_is_refused() {
    for (properties, problem) in [
        ("PackageType: Image", "F: it needs ImageUri."),
        (
            "CodeUri: ., InlineCode: x",
            "F.InlineCode: it cannot stand together with CodeUri.",
        ),
        (
            "AutoPublishAlias: !Ref Empty",
            "F.AutoPublishAlias: it is empty; an alias needs a name.",
        ),
        (
            "DeploymentPreference: {Type: AllAtOnce}",
            "F.DeploymentPreference: it needs AutoPublishAlias beside it.",
        ),
        (
            "VersionDeletionPolicy: Dlete",
            "F.VersionDeletionPolicy: it must be one of Delete, Retain. Did you mean Delete?",
        ),
        (
            "FunctionUrlConfig: {Cors: {}}",
            "F.FunctionUrlConfig: it needs AuthType: AWS_IAM or NONE.",
        ),
        (
            "TenancyConfig: {}, Events: {E: {Type: SQS, Properties: {Queue: q}}}",
            "F.Events.E: with TenancyConfig only Api and HttpApi may invoke it.",
        ),
        (
            "EventInvokeConfig: {DestinationConfig: {OnFailure: {Type: Lambda}}}",
            "F.EventInvokeConfig.DestinationConfig.OnFailure: it needs a Destination, unless its \
             Type is SQS or SNS.",
        ),
        (
            "DeadLetterQueue: {Type: SQS}",
            "F.DeadLetterQueue: it needs TargetArn.",
        ),
    ] {
        assert_eq!(of_function(properties), [problem], "{properties}");
    }
}

#[test]
fn what_is_wrong_with_events_is_refused() {
    for (event, problem) in [
        (
            "Type: Schedule, Properties: {Schedule: rate(1 day), Enabled: true, State: ENABLED}",
            "State: it cannot stand together with Enabled.",
        ),
        (
            "Type: Schedule, Properties: {Schedule: rate(1 day), DeadLetterConfig: {}}",
            "DeadLetterConfig: it needs Arn or Type.",
        ),
        (
            "Type: HttpApi, Properties: {Path: /}",
            "Properties: it needs Method.",
        ),
        (
            "Type: Api, Properties: {Path: /, Method: get, RestApiId: !Ref Table}",
            "RestApiId: it must be the Ref of an AWS::Serverless::Api.",
        ),
        (
            "Type: Api, Properties: {Path: /, Method: get, Auth: {OverrideApiAuth: true}}",
            "Auth: it needs Authorizer, ApiKeyRequired or ResourcePolicy, to override.",
        ),
        (
            "Type: S3, Properties: {Bucket: name, Events: x}",
            "Bucket: it must be the Ref of a bucket of this template.",
        ),
        (
            "Type: MQ, Properties: {Broker: b, SourceAccessConfigurations: []}",
            "SourceAccessConfigurations: it needs BASIC_AUTH once, and has it 0 times.",
        ),
        (
            "Type: Cognito, Properties: {UserPool: p, Trigger: [A, A]}",
            "Trigger.1: A stands twice for this user pool.",
        ),
    ] {
        let found = of_function(&format!("Events: {{E: {{{event}}}}}"));
        let last = found.first().map(String::as_str).unwrap_or_default();
        assert!(last.ends_with(problem), "{event}: {found:?}");
        assert_eq!(found.len(), 1, "{found:?}");
    }
}

#[test]
fn what_contradicts_itself_in_an_api_is_refused() {
    for (kind, properties, problem) in [
        (
            "Api",
            "StageName: x, DefinitionUri: a.yaml, Cors: '*'",
            "A.Cors: it works only with DefinitionBody, not with DefinitionUri.",
        ),
        (
            "Api",
            "StageName: x, OpenApiVersion: '3.0.0.1'",
            "A.OpenApiVersion: it must look like '3.0.1', or '2.0'.",
        ),
        (
            "Api",
            "StageName: x, GatewayResponses: {UNAUTHORIZED: {SubStatusCode: 1}}",
            "A.GatewayResponses.UNAUTHORIZED.SubStatusCode: only ResponseParameters, \
             ResponseTemplates, StatusCode stand here. Did you mean StatusCode?",
        ),
        (
            "Api",
            "StageName: x, Auth: {UsagePlan: {CreateUsagePlan: MINE}}",
            "A.Auth.UsagePlan.CreateUsagePlan: it must be one of NONE, PER_API, SHARED.",
        ),
        (
            "Api",
            "StageName: x, DefinitionBody: {paths: {/a: text}}",
            "A.DefinitionBody.paths./a: a path must be a map of methods, but it is text.",
        ),
        (
            "HttpApi",
            "CorsConfiguration: {AllowOrigin: [a]}",
            "A.CorsConfiguration.AllowOrigin: only AllowCredentials, AllowHeaders, AllowMethods, \
             AllowOrigins, ExposeHeaders, MaxAge stand here. Did you mean AllowOrigins?",
        ),
    ] {
        let found = problems(&format!(
            "Resources:\n  A:\n    Type: AWS::Serverless::{kind}\n    Properties: {{{properties}}}\n"
        ));
        assert!(found[0].ends_with(problem), "{properties}: {found:?}");
        assert_eq!(found.len(), 1, "{found:?}");
    }
}

#[test]
fn a_resource_that_sam_would_add_must_not_be_there() {
    let text = "Resources:\n  FRole: {Type: AWS::IAM::Role}\n  F:\n    Type: \
                AWS::Serverless::Function\n    Properties: {Handler: a.b, Runtime: r}\n";
    assert_eq!(
        problems(text),
        [
            "t.yaml:2:3: F: SAM would add FRole (AWS::IAM::Role), which the template has already: \
             call one of them something else."
        ]
    );
    resolved(&text.replace("Runtime: r", "Runtime: r, Role: !GetAtt FRole.Arn"));
}

#[test]
fn only_what_is_global_can_be_ignored() {
    let text = "Globals: {Function: {Timeout: 5}}\nResources:\n  F:\n    Type: \
                AWS::Serverless::Function\n    IgnoreGlobals: [Timeout, Handler]\n    Properties: \
                {Handler: a.b, Runtime: r}\n";
    assert_eq!(
        problems(text),
        ["t.yaml:5:30: F.IgnoreGlobals: Globals has no Handler for Function."]
    );
}
