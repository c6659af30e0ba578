use crate::desk::{Desk, Programs};
use crate::upstream::Upstream;

fn http_api(url: &str) -> String {
    format!(
        "
Resources:
  Pets:
    Type: AWS::Serverless::HttpApi
    Properties:
      DefinitionBody:
        openapi: 3.0.1
        paths:
          /pets/{{id}}:
            x-amazon-apigateway-any-method:
              x-amazon-apigateway-integration:
                type: http_proxy
                httpMethod: ANY
                uri: '{url}/own/{{id}}'
                payloadFormatVersion: '1.0'
                timeoutInMillis: 300
"
    )
}

#[tokio::test]
async fn another_server_answers_for_an_http_api() {
    let upstream = Upstream::start().await;
    upstream.answers("/own/7", 201, "hello");
    let desk = Desk::serve(&http_api(&upstream.url), Programs::default()).await;
    let got = desk
        .ask("POST", "/pets/7?q=%20", &[("X-A", "b")], "body")
        .await;
    assert_eq!(got.said(), (201, "hello"));
    assert_eq!(got.header("x-upstream"), Some("yes"));
    let request = &upstream.requests()[0];
    assert_eq!(
        (request.method.as_str(), request.query.as_str()),
        ("POST", "q=%20")
    );
    assert_eq!(&request.body[..], b"body");
    assert_eq!(request.header("x-a"), Some("b"));
    assert!(
        request
            .header("forwarded")
            .unwrap()
            .contains("for=127.0.0.1")
    );
    let host = upstream.url.strip_prefix("http://").unwrap();
    assert_eq!(request.header("host"), Some(host));
    // Its errors are its own.
    assert_eq!(desk.get("/pets/8").await.status, 404);
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_told_by_its_name() {
    let upstream = Upstream::start().await;
    upstream.answers("/own/7", 0, "");
    let desk = Desk::serve(&http_api(&upstream.url), Programs::default()).await;
    assert_eq!(desk.get("/pets/7").await.status, 504);
    let host = upstream.url.strip_prefix("http://").unwrap();
    assert!(desk.notices()[0].contains(&format!("{host} did not answer within 0.3 s")));
    drop(upstream);
    // Nothing listens on port 1 of a developer's machine.
    let desk = Desk::serve(&http_api("http://127.0.0.1:1"), Programs::default()).await;
    let got = desk.get("/pets/7").await;
    assert_eq!(got.said(), (500, r#"{"message":"Internal Server Error"}"#));
    assert!(
        desk.notices()[0].contains("127.0.0.1:1 did not answer (Connection refused"),
        "{:?}",
        desk.notices()
    );
}
