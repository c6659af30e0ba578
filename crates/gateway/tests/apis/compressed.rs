//! Requests whose bodies come compressed.

use crate::desk::{Desk, Programs};
use crate::upstream::Upstream;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use serde_json::json;
use std::io::Write as _;

const PETS: &str = "
Resources:
  Pets:
    Type: AWS::Serverless::Api
    Properties: {StageName: live MINIMUM}
  Show:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.12
      Handler: app.handler
      CodeUri: src/
      Events:
        Post: {Type: Api, Properties: {RestApiId: !Ref Pets, Path: /a, Method: post}}
";

fn pets(minimum: &str) -> String {
    PETS.replace(" MINIMUM", minimum)
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn zlib(body: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

const GZIP: (&str, &str) = ("Content-Encoding", "gzip");

#[tokio::test]
async fn a_function_gets_the_body_as_it_was_before() {
    let desk = Desk::serve(&pets(""), Programs::default().echo("Show")).await;
    for (coding, body) in [("gzip", gzip(b"hello")), ("deflate", zlib(b"hello"))] {
        let headers = [("Content-Encoding", coding)];
        let got = desk.ask("POST", "/live/a", &headers, body).await;
        assert_eq!(got.status, 200, "{got:?} {:?}", desk.notices());
        let event = got.json();
        assert_eq!(event["body"], "hello");
        assert_eq!(event["isBase64Encoded"], false);
        // As on AWS.
        assert_eq!(event["headers"]["Content-Encoding"], coding);
    }
}

#[tokio::test]
async fn what_is_not_what_it_says_is_415() {
    let desk = Desk::serve(&pets(""), Programs::default().echo("Show")).await;
    let refused = (415, r#"{"message":"Unsupported Media Type"}"#);
    let got = desk.ask("POST", "/live/a", &[GZIP], "hello").await;
    assert_eq!(got.said(), refused);
    let brotli = [("Content-Encoding", "br")];
    let got = desk.ask("POST", "/live/a", &brotli, "hello").await;
    assert_eq!(got.said(), refused);
    assert_eq!(desk.invoked(), [""; 0]);
    let told = desk.notices();
    assert!(told[0].contains("is not gzip"), "{told:?}");
    assert!(
        told[1].contains("send gzip, deflate or identity"),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_bomb_is_413_before_it_explodes() {
    let desk = Desk::serve(&pets(""), Programs::default().echo("Show")).await;
    let bomb = gzip(&gzip(&vec![0; 200_000_000]));
    // Of two layers the outer one is the gateway's.
    let got = desk.ask("POST", "/live/a", &[GZIP], &bomb).await;
    assert_eq!(got.status, 200);
    let bomb = gzip(&vec![0; 200_000_000]);
    assert!(bomb.len() < 300_000, "{}", bomb.len());
    let got = desk.ask("POST", "/live/a", &[GZIP], &bomb).await;
    let text = "HTTP content length exceeded 10485760 bytes.";
    assert_eq!(got.said(), (413, text));
    assert!(
        desk.notices()[0].contains("once it is decompressed"),
        "{:?}",
        desk.notices()
    );
}

#[tokio::test]
async fn what_is_shorter_than_the_api_compresses_is_left_as_it_is() {
    let template = pets(", MinimumCompressionSize: 40, BinaryMediaTypes: ['*/*']");
    let desk = Desk::serve(&template, Programs::default().echo("Show")).await;
    let short = gzip(b"hello");
    assert!(short.len() < 40);
    let got = desk.ask("POST", "/live/a", &[GZIP], short).await;
    assert!(got.json()["body"].as_str().unwrap().starts_with("H4sI"));
    let text: String = (0..100).map(|it| format!("{it} ")).collect();
    let got = desk
        .ask("POST", "/live/a", &[GZIP], gzip(text.as_bytes()))
        .await;
    assert!(got.json()["body"].as_str().unwrap().starts_with("MCAxIDIg"));
}

fn mapped(url: &str) -> String {
    let model = json!({ "type": "object", "required": ["name"] });
    format!(
        "
Resources:
  Pets:
    Type: AWS::Serverless::Api
    Properties:
      StageName: live
      DefinitionBody:
        swagger: '2.0'
        x-amazon-apigateway-request-validators: {{body: {{validateRequestBody: true}}}}
        definitions: {{pet: {model}}}
        paths:
          /proxied:
            post:
              x-amazon-apigateway-integration: {{type: http_proxy, httpMethod: POST, uri: '{url}/own'}}
          /mapped:
            post:
              x-amazon-apigateway-request-validator: body
              parameters: [{{in: body, name: pet, schema: {{$ref: '#/definitions/pet'}}}}]
              responses: {{'200': {{}}}}
              x-amazon-apigateway-integration:
                type: http
                httpMethod: POST
                uri: '{url}/own'
                requestTemplates: {{application/json: 'Dear $input.path(\"$.name\")'}}
                responses: {{default: {{statusCode: '200'}}}}
"
    )
}

#[tokio::test]
async fn models_mappings_and_other_servers_see_what_was_compressed() {
    let upstream = Upstream::start().await;
    upstream.answers("/own", 200, "fine");
    let desk = Desk::serve(&mapped(&upstream.url), Programs::default()).await;
    let json = [GZIP, ("Content-Type", "application/json")];
    for path in ["/live/proxied", "/live/mapped"] {
        let body = gzip(br#"{"name":"Rex"}"#);
        let got = desk.ask("POST", path, &json, body).await;
        assert_eq!(got.status, 200, "{got:?} {:?}", desk.notices());
    }
    let requests = upstream.requests();
    let bodies: Vec<&[u8]> = requests.iter().map(|it| &it.body[..]).collect();
    assert_eq!(bodies, [&br#"{"name":"Rex"}"#[..], b"Dear Rex"]);
    assert_eq!(requests[0].header("content-encoding"), None);
    let got = desk.ask("POST", "/live/mapped", &json, gzip(b"{}")).await;
    assert_eq!(got.said(), (400, r#"{"message":"Invalid request body"}"#));
}
