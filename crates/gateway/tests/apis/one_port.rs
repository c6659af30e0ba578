use crate::desk::{Desk, Programs};

const TWO: &str = "
Resources:
  Pets: {Type: AWS::Serverless::Api, Properties: {StageName: live}}
  Dogs: {Type: AWS::Serverless::HttpApi}
  One:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.12
      Handler: app.handler
      CodeUri: src/
      Events:
        Pets: {Type: Api, Properties: {RestApiId: !Ref Pets, Path: '/pets/{id}', Method: get}}
        Both: {Type: Api, Properties: {RestApiId: !Ref Pets, Path: /both, Method: get}}
  Two:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.12
      Handler: app.handler
      CodeUri: src/
      Events:
        Dogs: {Type: HttpApi, Properties: {ApiId: !Ref Dogs, Path: /pets/rex, Method: get}}
        Both: {Type: HttpApi, Properties: {ApiId: !Ref Dogs, Path: /both, Method: get}}
        Rest: {Type: HttpApi, Properties: {ApiId: !Ref Dogs, Path: '$default', Method: any}}
";

#[tokio::test]
async fn all_apis_are_on_one_port_without_their_stages() {
    let desk = Desk::serve(TWO, Programs::default().echo("One").echo("Two")).await;
    let (desk, collisions) = desk.on_one_port().await;
    let event = desk.get("/pets/1").await.json();
    assert_eq!(event["path"], "/pets/1");
    assert_eq!(event["requestContext"]["path"], "/live/pets/1");
    assert_eq!(desk.get("/pets/rex").await.json()["rawPath"], "/pets/rex");
    assert_eq!(desk.get("/both").await.json()["resource"], "/both");
    assert_eq!(
        desk.get("/anything/else").await.json()["routeKey"],
        "$default"
    );
    assert_eq!(desk.invoked(), ["One", "Two", "One", "Two"]);
    assert_eq!(collisions.len(), 1);
    assert!(
        collisions[0].starts_with("GET /both is in Pets and in Dogs: Pets answers"),
        "{collisions:?}"
    );
}
