use crate::desk::{Desk, Programs};
use serde_json::json;

const METERED: &str = "
Resources:
  Pets:
    Type: AWS::Serverless::Api
    Properties:
      StageName: live
      MinimumCompressionSize: 100
      Auth: {ApiKeyRequired: true}
  Show:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.12
      Handler: app.handler
      CodeUri: src/
      Events:
        Get: {Type: Api, Properties: {RestApiId: !Ref Pets, Path: /a, Method: get}}
  Plan:
    Type: AWS::ApiGateway::UsagePlan
    Properties:
      ApiStages: [{ApiId: !Ref Pets, Stage: live}]
      Quota: {Limit: 3, Period: DAY}
  Key:
    Type: AWS::ApiGateway::ApiKey
    Properties: {Enabled: true, Value: a-key-of-twenty-letters}
  Both:
    Type: AWS::ApiGateway::UsagePlanKey
    Properties: {KeyId: !Ref Key, KeyType: API_KEY, UsagePlanId: !Ref Plan}
";

const KEY: (&str, &str) = ("x-api-key", "a-key-of-twenty-letters");

#[tokio::test]
async fn a_key_lets_in_as_often_as_its_plan_says() {
    let desk = Desk::serve(METERED, Programs::default().echo("Show")).await;
    let forbidden = r#"{"message":"Forbidden"}"#;
    assert_eq!(desk.get("/live/a").await.said(), (403, forbidden));
    let other = [("x-api-key", "another-key-of-twenty")];
    assert_eq!(
        desk.ask("GET", "/live/a", &other, "").await.said(),
        (403, forbidden)
    );
    for _ in 0..3 {
        let got = desk.ask("GET", "/live/a", &[KEY], "").await;
        assert_eq!(got.status, 200, "{got:?} {:?}", desk.notices());
        assert_eq!(got.json()["requestContext"]["identity"]["apiKey"], KEY.1);
    }
    let limit = r#"{"message":"Limit Exceeded"}"#;
    assert_eq!(
        desk.ask("GET", "/live/a", &[KEY], "").await.said(),
        (429, limit)
    );
    // The same plan in another version of the template counts on.
    desk.redefine(METERED);
    assert_eq!(desk.ask("GET", "/live/a", &[KEY], "").await.status, 429);
    desk.pass(24 * 60 * 60);
    assert_eq!(desk.ask("GET", "/live/a", &[KEY], "").await.status, 200);
    let told = desk.notices().join("\n");
    assert!(
        !told.contains(KEY.1) && !told.contains(other[0].1),
        "{told}"
    );
}

const METHODS: &str = "
Resources:
  Pets:
    Type: AWS::Serverless::Api
    Properties: {StageName: live, Auth: {ApiKeyRequired: true}}
  Show:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.12
      Handler: app.handler
      CodeUri: src/
      Events:
        Get: {Type: Api, Properties: {RestApiId: !Ref Pets, Path: '/pets/{id}', Method: get}}
        Put: {Type: Api, Properties: {RestApiId: !Ref Pets, Path: '/pets/{id}', Method: put}}
  Plan:
    Type: AWS::ApiGateway::UsagePlan
    Properties:
      ApiStages:
        - ApiId: !Ref Pets
          Stage: live
          Throttle: {'/pets/{id}/GET': {BurstLimit: 1, RateLimit: 0.1}}
      Throttle: {BurstLimit: 2, RateLimit: 1}
  Key:
    Type: AWS::ApiGateway::ApiKey
    Properties: {Enabled: true, Value: a-key-of-twenty-letters}
  Both:
    Type: AWS::ApiGateway::UsagePlanKey
    Properties: {KeyId: !Ref Key, KeyType: API_KEY, UsagePlanId: !Ref Plan}
";

#[tokio::test]
async fn a_method_may_have_a_limit_of_its_own_in_a_plan() {
    let desk = Desk::serve(METHODS, Programs::default().echo("Show")).await;
    let ask = async |method| desk.ask(method, "/live/pets/1", &[KEY], "").await;
    assert_eq!(ask("GET").await.status, 200);
    let got = ask("GET").await;
    assert_eq!(got.said(), (429, r#"{"message":"Too Many Requests"}"#));
    let told = desk.notices();
    assert_eq!(
        told,
        ["Pets GET /pets/{id}: the API key Key asks for GET /pets/{id} faster than Plan allows"]
    );
    // The plan's own limit is for the other.
    assert_eq!(ask("PUT").await.status, 200);
    assert_eq!(ask("PUT").await.status, 200);
    assert_eq!(ask("PUT").await.status, 429);
    desk.pass(2);
    assert_eq!(ask("PUT").await.status, 200);
    assert_eq!(ask("GET").await.status, 429);
    desk.pass(8);
    assert_eq!(ask("GET").await.status, 200);
}

#[tokio::test]
async fn long_answers_are_compressed_for_whoever_can_read_them() {
    let programs = Programs::default().returning("Show", |event| {
        let times = if event["queryStringParameters"].is_null() {
            1000
        } else {
            1
        };
        json!({ "statusCode": 200, "body": "abc".repeat(times) })
    });
    let desk = Desk::serve(METERED, programs).await;
    let accepting = [KEY, ("Accept-Encoding", "gzip")];
    let got = desk.ask("GET", "/live/a", &accepting, "").await;
    assert_eq!(got.header("content-encoding"), Some("gzip"));
    let mut decoder = flate2::read::GzDecoder::new(&got.body[..]);
    let text = std::io::read_to_string(&mut decoder).unwrap();
    assert_eq!(text, "abc".repeat(1000));
    let got = desk.ask("GET", "/live/a?short", &accepting, "").await;
    assert_eq!((got.header("content-encoding"), got.text()), (None, "abc"));
    let got = desk.ask("GET", "/live/a", &[KEY], "").await;
    assert_eq!(got.header("content-encoding"), None);
}

const GIVEN: &str = "
Resources:
  Pets:
    Type: AWS::Serverless::Api
    Properties:
      StageName: live
      ApiKeySourceType: AUTHORIZER
      Auth:
        ApiKeyRequired: true
        DefaultAuthorizer: Guard
        Authorizers: {Guard: {FunctionArn: !GetAtt Guard.Arn}}
  Guard: {Type: AWS::Serverless::Function, Properties: {Runtime: python3.12, Handler: a.b, CodeUri: src/}}
  Show:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.12
      Handler: app.handler
      CodeUri: src/
      Events:
        Get: {Type: Api, Properties: {RestApiId: !Ref Pets, Path: /a, Method: get}}
";

#[tokio::test]
async fn a_key_that_an_authorizer_would_give_is_not_asked_for_where_nobody_is_asked() {
    let programs = || Programs::default().echo("Show");
    let desk = Desk::with(GIVEN, programs(), |it| it.disable_authorizer = true).await;
    assert_eq!(desk.get("/live/a").await.status, 200);
    assert_eq!(desk.invoked(), ["Show"]);
    // One that is sent is asked for still.
    let sent = GIVEN.replace("AUTHORIZER", "HEADER");
    let desk = Desk::with(&sent, programs(), |it| it.disable_authorizer = true).await;
    assert_eq!(desk.get("/live/a").await.status, 403);
}

#[tokio::test]
async fn an_authorizer_that_gives_no_key_is_named_and_no_header() {
    let guard = |_: &tether_gateway::Call| {
        let statement =
            json!({ "Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*" });
        let policy = json!({ "Version": "2012-10-17", "Statement": [statement] });
        let answer = json!({ "principalId": "ada", "policyDocument": policy });
        tether_gateway::Outcome::Answer(answer.to_string().into())
    };
    let programs = Programs::default().with("Guard.Arn", guard).echo("Show");
    let desk = Desk::serve(GIVEN, programs).await;
    let got = desk
        .ask("GET", "/live/a", &[("authorization", "t")], "")
        .await;
    assert_eq!(got.said(), (403, r#"{"message":"Forbidden"}"#));
    let told = desk.notices().join("\n");
    assert!(told.contains("returned no usageIdentifierKey"), "{told}");
    assert!(!told.contains("x-api-key"), "{told}");
}
