use crate::api::{
    Api, ApiKeySource, ApiKind, Authorization, AuthorizerKind, IntegrationKind, PayloadVersion,
    Throttle,
};
use crate::problem::Problem;
use crate::testing::{problems_of, resolve_among, resolved};
use std::time::Duration;

fn read(text: &str) -> (Vec<Api>, Vec<String>) {
    let stack = resolved(text);
    let notes = stack
        .api_notes()
        .map(|it| it.iter().map(Problem::to_string).collect());
    match (stack.apis(), notes) {
        (Ok(apis), Ok(notes)) => (apis, notes),
        (Err(problems), _) | (_, Err(problems)) => panic!("{problems}"),
    }
}

const REST: &str = "
Resources:
  Fn: {Type: AWS::Lambda::Function}
  Api:
    Type: AWS::ApiGateway::RestApi
    Properties: {Name: pets, BinaryMediaTypes: [image/png], ApiKeySourceType: AUTHORIZER}
  Pets:
    Type: AWS::ApiGateway::Resource
    Properties: {RestApiId: !Ref Api, ParentId: !GetAtt Api.RootResourceId, PathPart: pets}
  Pet:
    Type: AWS::ApiGateway::Resource
    Properties: {RestApiId: !Ref Api, ParentId: !Ref Pets, PathPart: '{id}'}
  Custom:
    Type: AWS::ApiGateway::Authorizer
    Properties:
      RestApiId: !Ref Api
      Name: custom
      Type: TOKEN
      AuthorizerUri: !Sub 'arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Fn.Arn}/invocations'
      IdentitySource: method.request.header.X-Token
      AuthorizerResultTtlInSeconds: 0
  Checks:
    Type: AWS::ApiGateway::RequestValidator
    Properties: {RestApiId: !Ref Api, ValidateRequestParameters: true}
  Get:
    Type: AWS::ApiGateway::Method
    Properties:
      RestApiId: !Ref Api
      ResourceId: !Ref Pet
      HttpMethod: GET
      AuthorizationType: CUSTOM
      AuthorizerId: !Ref Custom
      ApiKeyRequired: true
      RequestValidatorId: !Ref Checks
      RequestParameters: {method.request.querystring.page: true, method.request.header.X: false}
      Integration:
        Type: AWS_PROXY
        IntegrationHttpMethod: POST
        TimeoutInMillis: 1000
        Uri: !Sub 'arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Fn.Arn}:${!stageVariables.alias}/invocations'
  Root:
    Type: AWS::ApiGateway::Method
    Properties:
      RestApiId: !Ref Api
      ResourceId: !GetAtt Api.RootResourceId
      HttpMethod: ANY
      AuthorizationType: NONE
      Integration:
        Type: MOCK
        RequestTemplates: {application/json: '{\"statusCode\": 204}'}
        IntegrationResponses: [{StatusCode: 204, SelectionPattern: '2..'}, {StatusCode: '500'}]
      MethodResponses: [{StatusCode: 204, ResponseParameters: {method.response.header.A: true}}]
  Deployment: {Type: AWS::ApiGateway::Deployment, Properties: {RestApiId: !Ref Api}}
  Stage:
    Type: AWS::ApiGateway::Stage
    Properties:
      RestApiId: !Ref Api
      DeploymentId: !Ref Deployment
      StageName: v1
      Variables: {alias: live}
      MethodSettings: [{HttpMethod: GET, ResourcePath: '/~1pets~1{id}', ThrottlingBurstLimit: 2, ThrottlingRateLimit: 0.5}]
  Plan:
    Type: AWS::ApiGateway::UsagePlan
    Properties: {ApiStages: [{ApiId: !Ref Api, Stage: !Ref Stage}], Quota: {Limit: 3, Period: DAY}}
  Key: {Type: AWS::ApiGateway::ApiKey, Properties: {Enabled: true, Value: a-secret-value}}
  Link:
    Type: AWS::ApiGateway::UsagePlanKey
    Properties: {KeyId: !Ref Key, KeyType: API_KEY, UsagePlanId: !Ref Plan}
";

#[test]
fn a_rest_api_is_put_together_from_its_parts() {
    let (apis, notes) = read(REST);
    let api = &apis[0];
    assert_eq!((api.kind, api.name.as_str()), (ApiKind::Rest, "pets"));
    assert_eq!(api.api_key_source, ApiKeySource::Authorizer);
    let [get, root] = &api.routes[..] else {
        panic!("{:?}", api.routes);
    };
    assert_eq!(
        (get.method.as_str(), get.path.as_str()),
        ("GET", "/pets/{id}")
    );
    assert_eq!(get.resource_id.as_deref(), Some("Pet"));
    let custom = Authorization::Authorizer {
        name: "Custom".to_owned(),
        scopes: Vec::new(),
    };
    assert_eq!(get.authorization, custom);
    assert!(get.api_key_required);
    let validation = get.validation.as_ref().unwrap();
    assert_eq!(validation.required, ["method.request.querystring.page"]);
    let integration = get.integration.as_ref().unwrap();
    let function = "Fn.Arn:${stageVariables.alias}";
    assert_eq!(integration.function.as_deref(), Some(function));
    assert_eq!(integration.timeout, Some(Duration::from_secs(1)));
    assert_eq!((root.method.as_str(), root.path.as_str()), ("ANY", "/"));
    let mock = root.integration.as_ref().unwrap();
    assert_eq!(mock.kind, IntegrationKind::Mock);
    assert_eq!(
        mock.responses.keys().collect::<Vec<_>>(),
        ["2..", "default"]
    );
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn its_stages_authorizers_and_keys_are_there() {
    let (apis, _) = read(REST);
    let api = &apis[0];
    let stage = &api.stages[0];
    assert_eq!((stage.name.as_str(), api.stages.len()), ("v1", 1));
    assert_eq!(stage.variables.0["alias"], "live");
    let throttle = Throttle {
        burst: 2,
        rate: 0.5,
    };
    assert_eq!(stage.throttles["GET /pets/{id}"], throttle);
    let authorizer = &api.authorizers["Custom"];
    assert_eq!(authorizer.ttl, Some(Duration::ZERO));
    assert_eq!(
        authorizer.identity_sources,
        ["method.request.header.X-Token"]
    );
    assert!(
        matches!(&authorizer.kind, AuthorizerKind::Token { function, .. } if function == "Fn.Arn")
    );
    let plan = &api.usage_plans[0];
    assert_eq!(plan.stages, ["v1"]);
    assert_eq!(plan.quota, Some((3, "DAY".to_owned())));
    assert_eq!(plan.keys[0].value.as_deref(), Some("a-secret-value"));
    assert!(!format!("{api:?}").contains("a-secret-value"));
}

const HTTP: &str = "
Resources:
  Fn: {Type: AWS::Lambda::Function}
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties:
      Name: pets
      ProtocolType: HTTP
      CorsConfiguration: {AllowOrigins: ['*'], MaxAge: 5}
  Issuer:
    Type: AWS::ApiGatewayV2::Authorizer
    Properties:
      ApiId: !Ref Api
      Name: issuer
      AuthorizerType: JWT
      IdentitySource: [$request.header.Authorization]
      JwtConfiguration: {Issuer: 'https://issuer', Audience: [me]}
  Proxy:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Api
      IntegrationType: AWS_PROXY
      IntegrationUri: !GetAtt Fn.Arn
      PayloadFormatVersion: '2.0'
  Queue:
    Type: AWS::ApiGatewayV2::Integration
    Properties: {ApiId: !Ref Api, IntegrationType: AWS_PROXY, IntegrationSubtype: SQS-SendMessage}
  Get:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: !Ref Api
      RouteKey: GET /pets
      Target: !Sub 'integrations/${Proxy}'
      AuthorizationType: JWT
      AuthorizerId: !Ref Issuer
      AuthorizationScopes: [read]
  Default:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Api, RouteKey: $default, Target: !Sub 'integrations/${Queue}'}
  Stage:
    Type: AWS::ApiGatewayV2::Stage
    Properties:
      ApiId: !Ref Api
      StageName: $default
      AutoDeploy: true
      RouteSettings: {GET /pets: {ThrottlingRateLimit: 1}}
  Quick:
    Type: AWS::ApiGatewayV2::Api
    Properties: {Name: quick, ProtocolType: HTTP, Target: !GetAtt Fn.Arn, RouteKey: POST /x}
";

#[test]
fn an_http_api_is_put_together_from_its_parts() {
    let (apis, notes) = read(HTTP);
    let [api, quick] = &apis[..] else {
        panic!("{apis:?}");
    };
    let routes: Vec<_> = api
        .routes
        .iter()
        .map(|it| (it.method.as_str(), it.path.as_str()))
        .collect();
    assert_eq!(routes, [("GET", "/pets"), ("ANY", "$default")]);
    let scoped = Authorization::Authorizer {
        name: "Issuer".to_owned(),
        scopes: vec!["read".to_owned()],
    };
    assert_eq!(api.routes[0].authorization, scoped);
    let integration = api.routes[0].integration.as_ref().unwrap();
    assert_eq!(integration.function.as_deref(), Some("Fn.Arn"));
    assert_eq!(integration.payload_version, PayloadVersion::V2);
    assert_eq!(api.cors.as_ref().unwrap().max_age_seconds, Some(5));
    assert_eq!(api.stages[0].throttles["GET /pets"].rate, 1.0);
    assert_eq!(
        (quick.routes[0].path.as_str(), quick.stages[0].name.as_str()),
        ("/x", "$default")
    );
    assert_eq!(
        notes,
        ["t.yaml:25:3: Queue: SQS-SendMessage is not served: only functions are."]
    );
}

#[test]
fn limits_of_single_methods_in_a_usage_plan_are_read_by_path_and_method() {
    let (apis, notes) = read(
        "
Resources:
  Api:
    Type: AWS::ApiGateway::RestApi
    Properties:
      Body:
        openapi: 3.0.1
        paths: {/: {get: {}}, '/pets/{id}': {x-amazon-apigateway-any-method: {}}}
  Plan:
    Type: AWS::ApiGateway::UsagePlan
    Properties:
      ApiStages:
        - ApiId: !Ref Api
          Stage: live
          Throttle:
            /GET: {RateLimit: 1, BurstLimit: 2}
            '/pets/{id}/ANY': {RateLimit: 0.5}
            /cats/GET: {RateLimit: 1}
        - {ApiId: !Ref Api, Stage: test, Throttle: {//GET: {BurstLimit: 3}}}
",
    );
    let plan = &apis[0].usage_plans[0];
    assert_eq!(plan.stages, ["live", "test"]);
    let live = &plan.methods["live"];
    let root = Throttle {
        burst: 2,
        rate: 1.0,
    };
    assert_eq!(live["GET /"], root);
    assert_eq!(live["ANY /pets/{id}"].rate, 0.5);
    assert_eq!(plan.methods["test"]["GET /"].burst, 3);
    let [note] = &notes[..] else {
        panic!("{notes:?}");
    };
    assert!(
        note.ends_with("the API has no GET /cats: the limit is of nothing."),
        "{note}"
    );
}

#[test]
fn what_is_wrong_with_parts_is_said_all_at_once() {
    let stack = resolved("
Resources:
  Api: {Type: AWS::ApiGateway::RestApi}
  Lost:
    Type: AWS::ApiGateway::Method
    Properties: {RestApiId: !Ref Api, ResourceId: nowhere, HttpMethod: GET, Integration: {Type: MOCK}}
  Odd:
    Type: AWS::ApiGateway::Method
    Properties:
      RestApiId: !Ref Api
      ResourceId: !GetAtt Api.RootResourceId
      HttpMethod: GET
      AuthorizationType: CUSTOM
      AuthorizerId: nobody
      Integration: {Type: MAGIC}
");
    assert_eq!(
        problems_of(stack.apis()),
        [
            "t.yaml:6:39: Lost.ResourceId: no resource of this API has the id nowhere.",
            "t.yaml:14:7: Odd.AuthorizerId: no authorizer of this API has the id nobody.",
            "t.yaml:15:21: Odd.Integration.Type: it must be AWS_PROXY, AWS, HTTP_PROXY, HTTP or \
             MOCK.",
        ]
    );
}

#[test]
fn a_function_url_has_one_route_and_answers_browsers_itself() {
    let (apis, _) = read(
        "
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      FunctionUrlConfig:
        AuthType: AWS_IAM
        InvokeMode: RESPONSE_STREAM
        Cors: {AllowOrigins: ['*'], AllowCredentials: true}
",
    );
    let api = &apis[0];
    assert_eq!(
        (api.logical_id.as_str(), api.kind),
        ("FnUrl", ApiKind::FunctionUrl)
    );
    assert!(api.stages.is_empty());
    let route = &api.routes[0];
    assert_eq!(
        (route.path.as_str(), &route.authorization),
        ("$default", &Authorization::Iam)
    );
    let integration = route.integration.as_ref().unwrap();
    assert!(integration.streams);
    assert_eq!(integration.function.as_deref(), Some("Fn"));
    assert!(api.cors.as_ref().unwrap().allow_credentials);
}

#[test]
fn a_document_in_a_file_is_read_as_it_is() {
    let text = "
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties: {DefinitionUri: api/pets.yaml}
  Rest:
    Type: AWS::Serverless::Api
    Properties: {StageName: v1, DefinitionUri: 's3://bucket/key'}
";
    let document = "
openapi: 3.0.1
info: {title: Pets}
paths:
  /pets:
    get:
      x-amazon-apigateway-integration: {type: HTTP_PROXY, uri: 'https://example.com', httpMethod: GET}
";
    let stack = resolve_among(text, &[("api/pets.yaml", document)]).unwrap();
    let apis = stack.apis().unwrap();
    assert_eq!(apis[0].name, "Pets");
    assert_eq!(apis[0].routes[0].path, "/pets");
    assert!(apis[1].routes.is_empty());
    let notes = stack.api_notes().unwrap();
    assert_eq!(
        notes[0].to_string(),
        "t.yaml:8:33: Rest.DefinitionUri: the document is not read: the API has no routes of it."
    );
}
