use crate::desk::{Desk, Programs};
use serde_json::{Value, json};
use tether_gateway::Outcome;

const PETS: &str = "
Resources:
  Pets:
    Type: AWS::Serverless::Api
    Properties:
      StageName: live
      Variables: {colour: blue}
  Show:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.12
      Handler: app.handler
      CodeUri: src/
      Events:
        One: {Type: Api, Properties: {RestApiId: !Ref Pets, Path: '/pets/{id}', Method: get}}
        All: {Type: Api, Properties: {RestApiId: !Ref Pets, Path: '/files/{proxy+}', Method: any}}
";

#[tokio::test]
async fn a_function_sees_what_was_sent_and_the_client_what_it_returned() {
    let programs = Programs::default().returning("Show", |event| {
        json!({
            "statusCode": 201,
            "headers": { "X-Own": "1" },
            "multiValueHeaders": { "Set-Cookie": ["a=1", "b=2"] },
            "body": event.to_string(),
        })
    });
    let desk = Desk::serve(PETS, programs).await;
    let sent = [("tEsT-HEADeR", "x"), ("x_und", "y")];
    let got = desk
        .ask("GET", "/live/pets/a%20b%2Fc?q=%20&q=+1", &sent, "")
        .await;
    assert_eq!(got.status, 201);
    assert_eq!(got.header("x-own"), Some("1"));
    assert!(got.header("x-amzn-RequestId").is_some() && got.header("x-amz-apigw-id").is_some());
    let event = got.json();
    assert_eq!(event["path"], "/pets/a%20b%2Fc");
    assert_eq!(event["requestContext"]["path"], "/live/pets/a%20b%2Fc");
    assert_eq!(event["pathParameters"], json!({ "id": "a%20b%2Fc" }));
    assert_eq!(
        event["multiValueQueryStringParameters"],
        json!({ "q": [" ", " 1"] })
    );
    assert_eq!(event["headers"]["tEsT-HEADeR"], "x");
    assert_eq!(event["headers"]["x_und"], "y");
    assert_eq!(event["stageVariables"], json!({ "colour": "blue" }));
    assert_eq!(event["requestContext"]["identity"]["sourceIp"], "127.0.0.1");
    let call = &desk.calls()[0];
    assert!(
        call.source_arn.ends_with("/live/GET/pets/*"),
        "{}",
        call.source_arn
    );
    assert_eq!(
        desk.lines(),
        ["Pets GET /live/pets/a%20b%2Fc GET /pets/{id} Show 201"]
    );
}

#[tokio::test]
async fn what_no_method_takes_is_refused_and_the_reason_is_told() {
    let desk = Desk::serve(PETS, Programs::default().echo("Show")).await;
    let missing = r#"{"message":"Missing Authentication Token"}"#;
    for path in ["/live/pets", "/live/dogs/1"] {
        let got = desk.get(path).await;
        assert_eq!(got.said(), (403, missing));
        let error = got.header("x-amzn-ErrorType");
        assert_eq!(error, Some("MissingAuthenticationTokenException"));
    }
    assert_eq!(
        desk.ask("POST", "/live/pets/1", &[], "").await.said(),
        (403, missing)
    );
    assert_eq!(
        desk.get("/pets/1").await.said(),
        (403, r#"{"message":"Forbidden"}"#)
    );
    let notices = desk.notices();
    assert_eq!(notices.len(), 4);
    assert!(notices[0].contains("GET /pets: no method"), "{notices:?}");
    assert!(
        notices[3].contains("begin the path with /live"),
        "{notices:?}"
    );
}

#[tokio::test]
async fn each_request_has_ids_of_its_own() {
    let desk = Desk::serve(PETS, Programs::default().echo("Show")).await;
    let one = desk.get("/live/files/a").await.json();
    let other = desk.get("/live/files/a").await.json();
    for name in ["requestId", "extendedRequestId"] {
        assert_ne!(one["requestContext"][name], other["requestContext"][name]);
    }
    assert_ne!(
        one["headers"]["X-Amzn-Trace-Id"],
        other["headers"]["X-Amzn-Trace-Id"]
    );
}

#[tokio::test]
async fn a_malformed_answer_is_a_502_and_named() {
    let programs = Programs::default().with("Show", |call| {
        let event: Value = serde_json::from_slice(&call.payload).unwrap();
        match event["pathParameters"]["proxy"].as_str() {
            Some("text") => Outcome::Answer("\"text\"".into()),
            Some("status") => Outcome::Answer(r#"{"statusCode":"x"}"#.into()),
            Some("raised") => Outcome::Error(r#"{"errorMessage":"boom"}"#.into()),
            _ => Outcome::Failed("its code is not there".to_owned()),
        }
    });
    let desk = Desk::serve(PETS, programs).await;
    let internal = r#"{"message": "Internal server error"}"#;
    for (path, reason) in [
        ("text", "object"),
        ("status", "statusCode"),
        ("raised", "log"),
        ("gone", "its code is not there"),
    ] {
        let got = desk.get(&format!("/live/files/{path}")).await;
        assert!(got.status >= 500, "{got:?}");
        assert_eq!(got.json(), serde_json::from_str::<Value>(internal).unwrap());
        let notices = desk.notices();
        let last = notices.last().unwrap();
        assert!(last.starts_with("Pets ANY /files/{proxy+}: "), "{last}");
        assert!(last.contains(reason), "{last}");
    }
    assert_eq!(desk.notices().len(), 4);
}

#[tokio::test]
async fn a_body_of_ten_megabytes_and_one_byte_is_too_large() {
    let desk = Desk::serve(PETS, Programs::default().echo("Show")).await;
    let body = vec![b'x'; 10 * 1024 * 1024 + 1];
    assert_eq!(
        desk.ask("POST", "/live/files/a", &[], body).await.status,
        413
    );
    // And a function takes 6 MB.
    let body = vec![b'x'; 7 * 1024 * 1024];
    assert_eq!(
        desk.ask("POST", "/live/files/a", &[], body).await.status,
        413
    );
    assert_eq!(desk.invoked(), [""; 0]);
    let cookie = "x".repeat(11_000);
    let got = desk
        .ask("GET", "/live/files/a", &[("Cookie", &cookie)], "")
        .await;
    assert_eq!(got.status, 431);
    assert_eq!(desk.notices().len(), 3);
}

#[tokio::test]
async fn what_takes_too_long_is_a_504() {
    let template = "
Resources:
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: live
      DefinitionBody:
        openapi: 3.0.1
        paths:
          /slow:
            get:
              x-amazon-apigateway-integration:
                type: aws_proxy
                httpMethod: POST
                timeoutInMillis: 60
                uri: !Sub arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Slow.Arn}/invocations
  Slow:
    Type: AWS::Serverless::Function
    Properties: {Runtime: python3.12, Handler: a.b, CodeUri: src/}
";
    let programs = Programs::default();
    let desk = Desk::serve(
        template,
        programs.with("Slow.Arn", |_| Outcome::Failed("never".to_owned())),
    )
    .await;
    let got = desk.get("/live/slow").await;
    assert_eq!(got.status, 504, "{got:?} {:?}", desk.notices());
    assert_eq!(got.json()["message"], "Endpoint request timed out");
    assert!(
        desk.notices()[0].contains("within 0.06 s"),
        "{:?}",
        desk.notices()
    );
}

#[tokio::test]
async fn requests_run_side_by_side() {
    let both = std::sync::Arc::new(tokio::sync::Barrier::new(2));
    struct Meeting(std::sync::Arc<tokio::sync::Barrier>);
    #[async_trait::async_trait]
    impl tether_gateway::Functions for Meeting {
        async fn invoke(&self, _: tether_gateway::Call) -> Outcome {
            self.0.wait().await;
            Outcome::Answer(r#"{"statusCode":200}"#.into())
        }
    }
    let desk = Desk::with(PETS, Programs::default(), |settings| {
        settings.functions = std::sync::Arc::new(Meeting(both));
    })
    .await;
    let (one, other) = tokio::join!(desk.get("/live/files/a"), desk.get("/live/files/b"));
    assert_eq!((one.status, other.status), (200, 200));
}

#[tokio::test]
async fn routes_change_while_connections_stay() {
    let desk = Desk::serve(PETS, Programs::default().echo("Show")).await;
    assert_eq!(desk.get("/live/dogs/1").await.status, 403);
    desk.redefine(&PETS.replace("/pets/", "/dogs/"));
    assert_eq!(desk.get("/live/dogs/1").await.status, 200);
    assert_eq!(desk.get("/live/pets/1").await.status, 403);
}
