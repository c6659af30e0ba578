use crate::api::{Api, ApiKind, Authorization, IntegrationKind, PayloadVersion};
use crate::testing::{problems_of, resolved};
use std::time::Duration;

fn apis(text: &str) -> Vec<Api> {
    match resolved(text).apis() {
        Ok(apis) => apis,
        Err(problems) => panic!("{problems}"),
    }
}

fn routes(api: &Api) -> Vec<String> {
    let routes = api.routes.iter();
    routes
        .map(|it| format!("{} {}", it.method, it.path))
        .collect()
}

#[test]
fn events_without_an_api_are_routes_of_the_implicit_ones() {
    let apis = apis(
        "
Globals:
  Api: {BinaryMediaTypes: [image~1png]}
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        Get: {Type: Api, Properties: {Path: /hello, Method: get}}
        All: {Type: Api, Properties: {Path: '/{proxy+}', Method: ANY, TimeoutInMillis: 500}}
        Rest: {Type: HttpApi}
        Old: {Type: HttpApi, Properties: {Path: /x, Method: POST, PayloadFormatVersion: '1.0'}}
",
    );
    let [rest, http] = &apis[..] else {
        panic!("{apis:?}");
    };
    assert_eq!(rest.logical_id, "ServerlessRestApi");
    assert_eq!(rest.kind, ApiKind::Rest);
    assert_eq!(routes(rest), ["GET /hello", "ANY /{proxy+}"]);
    assert_eq!(rest.binary_media_types, ["image/png"]);
    let stages: Vec<_> = rest.stages.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(stages, ["Prod", "Stage"]);
    let get = &rest.routes[0];
    let integration = get.integration.as_ref().unwrap();
    assert_eq!(integration.kind, IntegrationKind::AwsProxy);
    assert_eq!(integration.function.as_deref(), Some("Hello"));
    assert_eq!(integration.payload_version, PayloadVersion::V1);
    assert_eq!(get.authorization, Authorization::None);
    assert_eq!(get.position.line, 9);
    let proxy = rest.routes[1].integration.as_ref().unwrap();
    assert_eq!(proxy.timeout, Some(Duration::from_millis(500)));
    assert_eq!(routes(http), ["ANY $default", "POST /x"]);
    assert_eq!(http.stages[0].name, "$default");
    let versions = http
        .routes
        .iter()
        .map(|it| it.integration.as_ref().unwrap().payload_version);
    let versions: Vec<_> = versions.collect();
    assert_eq!(versions, [PayloadVersion::V2, PayloadVersion::V1]);
}

#[test]
fn a_route_that_two_events_define_is_refused_with_both_places() {
    let stack = resolved(
        "
Resources:
  One:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        Get: {Type: Api, Properties: {Path: /hello, Method: get}}
  Two:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        Get: {Type: Api, Properties: {Path: /hello, Method: GET}}
",
    );
    assert_eq!(
        problems_of(stack.apis()),
        [
            "t.yaml:12:9: Two.Events.Get: GET /hello is defined a second time; first at 7:9 \
          (One.Events.Get)."
        ]
    );
}
