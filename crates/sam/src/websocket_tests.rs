#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use super::*;
use crate::testing::{problems_of, resolved};

const API: &str = "Resources:
  Connect:
    Type: AWS::Serverless::Function
    Properties: {Handler: bootstrap, Runtime: provided.al2023, CodeUri: .}
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties:
      Name: tether
      ProtocolType: WEBSOCKET
      RouteSelectionExpression: $request.body.action
  Http:
    Type: AWS::ApiGatewayV2::Api
    Properties: {Name: other, ProtocolType: HTTP}
  Integration:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Api
      IntegrationType: AWS_PROXY
      IntegrationUri: !Sub arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Connect.Arn}/invocations
  Ping:
    Type: AWS::ApiGatewayV2::Integration
    Properties: {ApiId: !Ref Api, IntegrationType: MOCK}
  Authorizer:
    Type: AWS::ApiGatewayV2::Authorizer
    Properties:
      ApiId: !Ref Api
      Name: sessions
      AuthorizerType: REQUEST
      AuthorizerUri: !Sub arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Connect.Arn}/invocations
      IdentitySource: [route.request.querystring.session, route.request.header.Token]
  ConnectRoute:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: !Ref Api
      RouteKey: $connect
      AuthorizationType: CUSTOM
      AuthorizerId: !Ref Authorizer
      Target: !Join [/, [integrations, !Ref Integration]]
  PingRoute:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: !Ref Api
      RouteKey: ping
      ApiKeyRequired: true
      Target: !Sub integrations/${Ping}
  PingResponse:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties: {ApiId: !Ref Api, RouteId: !Ref PingRoute, RouteResponseKey: $default}
  HttpRoute:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Http, RouteKey: GET /}
  Deployment:
    Type: AWS::ApiGatewayV2::Deployment
    DependsOn: [ConnectRoute, PingRoute]
    Properties: {ApiId: !Ref Api}
  Stage:
    Type: AWS::ApiGatewayV2::Stage
    Properties:
      ApiId: !Ref Api
      StageName: live
      DeploymentId: !Ref Deployment
      StageVariables: {color: blue}
Outputs:
  Url: {Value: !Sub 'wss://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/${Stage}'}
";

/// One that says nothing else.
fn integration(logical_id: &str, kind: &str) -> Integration {
    Integration {
        logical_id: logical_id.into(),
        kind: kind.into(),
        function_arn: None,
        uri: None,
        method: None,
        timeout_ms: None,
        request_parameters: BTreeMap::new(),
        request_templates: BTreeMap::new(),
        template_selection: None,
        passthrough: None,
        responses: Vec::new(),
    }
}

/// One that says nothing else.
fn route(logical_id: &str, route_key: &str, integration: Integration) -> Route {
    Route {
        logical_id: logical_id.into(),
        route_key: route_key.into(),
        integration: Some(integration),
        authorizer: None,
        authorization_type: "NONE".into(),
        api_key_required: false,
        has_route_response: false,
        required_parameters: Vec::new(),
        model_selection: None,
        request_models: BTreeMap::new(),
    }
}

#[test]
fn an_api_is_put_together_from_its_parts() {
    let stack = resolved(API);
    assert_eq!(
        stack.outputs[0].value,
        "wss://Api.execute-api.eu-west-1.amazonaws.com/live"
    );
    let uri =
        "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/Connect.Arn/invocations";
    let of_function = Integration {
        function_arn: Some("Connect.Arn".into()),
        uri: Some(uri.into()),
        ..integration("Integration", "AWS_PROXY")
    };
    assert_eq!(
        stack.websocket_apis().unwrap(),
        [WebSocketApi {
            logical_id: "Api".into(),
            id: "Api".into(),
            name: "tether".into(),
            route_selection_expression: "$request.body.action".into(),
            api_key_selection: None,
            stages: vec![Stage {
                logical_id: "Stage".into(),
                name: "live".into(),
                variables: [("color".to_owned(), "blue".to_owned())].into(),
                throttle: None,
                route_throttles: BTreeMap::new(),
            }],
            routes: vec![
                Route {
                    authorizer: Some(Authorizer {
                        logical_id: "Authorizer".into(),
                        id: "Authorizer".into(),
                        name: "sessions".into(),
                        function_arn: "Connect.Arn".into(),
                        identity_sources: vec![
                            "route.request.querystring.session".into(),
                            "route.request.header.Token".into(),
                        ],
                    }),
                    authorization_type: "CUSTOM".into(),
                    ..route("ConnectRoute", "$connect", of_function)
                },
                Route {
                    api_key_required: true,
                    has_route_response: true,
                    ..route("PingRoute", "ping", integration("Ping", "MOCK"))
                },
            ],
            models: BTreeMap::new(),
            usage_plans: None,
        }]
    );
}

#[test]
fn wrong_parts_are_all_named_at_once() {
    let text = API
        .replace(
            "RouteSelectionExpression: $request.body.action",
            "Description: x",
        )
        .replace("StageName: live", "Description: x")
        .replace(
            "'wss://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/${Stage}'",
            "x",
        )
        .replace("integrations/${Ping}", "integrations/none")
        .replace("AuthorizerId: !Ref Authorizer", "AuthorizerId: none")
        .replace("RouteKey: ping", "RouteKey: [ping]");
    assert_eq!(
        problems_of(resolved(&text).websocket_apis()),
        [
            "t.yaml:5:3: Api.RouteSelectionExpression: AWS::ApiGatewayV2::Api needs this property.",
            "t.yaml:56:3: Stage.StageName: AWS::ApiGatewayV2::Stage needs this property.",
            "t.yaml:37:7: ConnectRoute.AuthorizerId: no authorizer of this API has the id none.",
            "t.yaml:43:7: PingRoute.RouteKey: it must be text, but it is a list.",
            "t.yaml:45:7: PingRoute.Target: no integration of this API has the id none.",
        ]
    );
}

#[test]
fn only_a_functions_uri_names_a_function() {
    let uri = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:1:function:f:live/invocations";
    assert_eq!(
        function_arn(uri).as_deref(),
        Some("arn:aws:lambda:eu-west-1:1:function:f:live")
    );
    assert_eq!(
        function_arn("https://example.com/functions/x/invocations"),
        None
    );
    assert_eq!(
        function_arn("arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions//invocations"),
        None
    );
}

#[test]
fn throttles_templates_and_required_parameters_are_read() {
    let text = API
        .replace(
            "StageVariables: {color: blue}",
            "DefaultRouteSettings: {ThrottlingBurstLimit: 5, ThrottlingRateLimit: '0.5'}\n      RouteSettings: {ping: {ThrottlingRateLimit: 2}, $connect: {LoggingLevel: INFO}}",
        )
        .replace("RouteKey: $connect", "RouteKey: $connect\n      RequestParameters: {route.request.querystring.room: {Required: true}, route.request.header.Any: {Required: false}}")
        .replace("IntegrationType: MOCK}", "IntegrationType: MOCK, PassthroughBehavior: NEVER, TimeoutInMillis: 500, TemplateSelectionExpression: '200', RequestTemplates: {'200': '{\"statusCode\":200}'}}")
        .replace("  PingRoute:", "  PingAnswer:
    Type: AWS::ApiGatewayV2::IntegrationResponse
    Properties: {ApiId: !Ref Api, IntegrationId: !Ref Ping, IntegrationResponseKey: $default, ResponseTemplates: {'200': pong}}
  PingRoute:");
    let text = text.replace("ProtocolType: WEBSOCKET", "ProtocolType: WEBSOCKET\n      ApiKeySelectionExpression: $context.authorizer.usageIdentifierKey");
    let api = resolved(&text).websocket_apis().unwrap().remove(0);
    let keys = api.api_key_selection.as_deref();
    assert_eq!(keys, Some("$context.authorizer.usageIdentifierKey"));
    let throttle = |burst, rate| RouteThrottle { burst, rate };
    assert_eq!(api.stages[0].throttle, Some(throttle(Some(5.0), Some(0.5))));
    let routes = &api.stages[0].route_throttles;
    assert_eq!(routes["ping"], throttle(None, Some(2.0)));
    assert_eq!(routes.len(), 1);
    assert_eq!(
        api.routes[0].required_parameters,
        ["route.request.querystring.room"]
    );
    let mock = api.routes[1].integration.clone().unwrap();
    assert_eq!(mock.timeout_ms, Some(500));
    assert_eq!(mock.passthrough.as_deref(), Some("NEVER"));
    assert_eq!(mock.request_templates["200"], "{\"statusCode\":200}");
    assert_eq!(mock.responses[0].templates["200"], "pong");
}

#[test]
fn models_are_read_and_one_without_a_schema_is_named() {
    let text = API
        .replace("RouteKey: ping", "RouteKey: ping\n      ModelSelectionExpression: $request.body.kind\n      RequestModels: {say: Say, other: !Ref Model}")
        .replace("  PingRoute:", "  Model:
    Type: AWS::ApiGatewayV2::Model
    Properties: {ApiId: !Ref Api, Name: Say, ContentType: application/json, Schema: {type: object, minProperties: 1}}
  PingRoute:");
    let api = resolved(&text).websocket_apis().unwrap().remove(0);
    let route = &api.routes[1];
    assert_eq!(route.model_selection.as_deref(), Some("$request.body.kind"));
    assert_eq!(route.request_models["say"], "Say");
    let schema = serde_json::json!({ "type": "object", "minProperties": 1 });
    assert_eq!(api.models["Say"], schema);
    assert_eq!(api.models[&route.request_models["other"]], schema);
    for wrong in ["x", "'[1]'", "'true'"] {
        let text = text.replace("{type: object, minProperties: 1}", wrong);
        assert_eq!(
            problems_of(resolved(&text).websocket_apis()),
            [
                "t.yaml:41:77: Model.Schema: it must be a JSON schema, an object: {\"type\": \"object\"}."
            ]
        );
    }
}

#[test]
fn a_models_name_wins_over_the_id_of_another() {
    for (first, second) in [("Other", "B"), ("A", "Model")] {
        let models = format!(
            "  Model:
    Type: AWS::ApiGatewayV2::Model
    Properties: {{ApiId: !Ref Api, Name: {first}, Schema: {{title: first}}}}
  Other:
    Type: AWS::ApiGatewayV2::Model
    Properties: {{ApiId: !Ref Api, Name: {second}, Schema: {{title: second}}}}
  PingRoute:"
        );
        let text = API.replace("  PingRoute:", &models);
        let api = resolved(&text).websocket_apis().unwrap().remove(0);
        assert_eq!(api.models[first]["title"], "first");
        assert_eq!(api.models[second]["title"], "second");
    }
}

#[test]
fn keys_open_the_stages_that_their_plans_name() {
    let keys = "  Key:
    Type: AWS::ApiGateway::ApiKey
    Properties: {Enabled: true, Value: opens-sesame}
  Plan:
    Type: AWS::ApiGateway::UsagePlan
    Properties: {ApiStages: [{ApiId: !Ref Api, Stage: !Ref Stage}, {ApiId: other, Stage: live}]}
  Link:
    Type: AWS::ApiGateway::UsagePlanKey
    Properties: {KeyId: !Ref Key, KeyType: API_KEY, UsagePlanId: !Ref Plan}
Outputs:";
    let plans = |text: &str| {
        resolved(text)
            .websocket_apis()
            .unwrap()
            .remove(0)
            .usage_plans
    };
    let [plan] = plans(&API.replace("Outputs:", keys))
        .unwrap()
        .try_into()
        .unwrap();
    assert_eq!(plan.stages, ["live"]);
    assert_eq!(plan.keys[0].value.as_deref(), Some("opens-sesame"));
    assert!(plan.keys[0].enabled);
    // There are keys, and none of them opens it.
    let other = keys.replace("ApiId: !Ref Api", "ApiId: another");
    assert_eq!(plans(&API.replace("Outputs:", &other)), Some(Vec::new()));
}
