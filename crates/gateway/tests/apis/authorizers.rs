use crate::desk::{Desk, Got, Programs};
use crate::upstream::Upstream;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use tether_gateway::{Keys, LocalKeys, Outcome};

const TOKEN: &str = "
Resources:
  Pets:
    Type: AWS::Serverless::Api
    Properties:
      StageName: live
      Auth:
        DefaultAuthorizer: Guard
        Authorizers:
          Guard:
            FunctionArn: !GetAtt Guard.Arn
            Identity: {ValidationExpression: 'Bearer .+'}
  Guard: {Type: AWS::Serverless::Function, Properties: {Runtime: python3.12, Handler: a.b, CodeUri: src/}}
  Show:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.12
      Handler: app.handler
      CodeUri: src/
      Events:
        Get: {Type: Api, Properties: {RestApiId: !Ref Pets, Path: /a, Method: get}}
        Put: {Type: Api, Properties: {RestApiId: !Ref Pets, Path: /a, Method: put}}
";

/// Lets `Bearer good` in, on GET; raises for `Bearer nobody`.
fn guard(event: &Value) -> Outcome {
    let policy = |effect: &str| {
        let arn = event["methodArn"].as_str().unwrap();
        let resource = arn.replace("/PUT/", "/GET/");
        json!({
            "principalId": "me",
            "policyDocument": { "Version": "2012-10-17", "Statement": [
                { "Action": "execute-api:Invoke", "Effect": effect, "Resource": resource },
            ] },
            "context": { "tenant": "t", "level": 3 },
        })
    };
    match event["authorizationToken"].as_str() {
        Some("Bearer good") => Outcome::Answer(policy("Allow").to_string().into()),
        Some("Bearer bad") => Outcome::Answer(policy("Deny").to_string().into()),
        Some("Bearer nobody") => Outcome::Error(r#"{"errorMessage":"Unauthorized"}"#.into()),
        Some("Bearer gone") => Outcome::Failed("its code is not there".to_owned()),
        _ => Outcome::Error(r#"{"errorMessage":"boom"}"#.into()),
    }
}

fn guarded() -> Programs {
    let guard = |call: &_| guard(&event(call));
    Programs::default().echo("Show").with("Guard.Arn", guard)
}

fn event(call: &tether_gateway::Call) -> Value {
    serde_json::from_slice(&call.payload).unwrap()
}

async fn with_token(desk: &Desk, method: &str, token: &str) -> Got {
    desk.ask(method, "/live/a", &[("Authorization", token)], "")
        .await
}

#[tokio::test]
async fn a_token_is_asked_about_once_and_remembered_for_its_time() {
    let desk = Desk::serve(TOKEN, guarded()).await;
    for _ in 0..2 {
        let got = with_token(&desk, "GET", "Bearer good").await;
        assert_eq!(got.status, 200, "{:?}", desk.notices());
        let authorizer = &got.json()["requestContext"]["authorizer"];
        assert_eq!(authorizer["principalId"], "me");
        assert_eq!(authorizer["level"], "3");
    }
    let show = "Show";
    assert_eq!(desk.invoked(), ["Guard.Arn", show, show]);
    let asked = event(&desk.calls()[0]);
    assert_eq!(asked.as_object().unwrap().len(), 3);
    assert!(desk.calls()[0].source_arn.contains("/authorizers/"));
    // The policy allows GET alone: a remembered one refuses PUT without asking.
    let got = with_token(&desk, "PUT", "Bearer good").await;
    assert_eq!(got.status, 403);
    assert_eq!(
        got.json()["Message"],
        "User is not authorized to access this resource"
    );
    desk.redefine(TOKEN);
    with_token(&desk, "GET", "Bearer good").await;
    assert_eq!(
        desk.invoked().len(),
        4,
        "an authorizer that is the same remembers"
    );
    desk.redefine(&TOKEN.replace("Bearer .+", "Bearer ..+"));
    with_token(&desk, "GET", "Bearer good").await;
    assert_eq!(desk.invoked().len(), 6, "another one does not");
    desk.pass(301);
    with_token(&desk, "GET", "Bearer good").await;
    assert_eq!(desk.invoked().len(), 8, "nor for ever");
}

#[tokio::test]
async fn each_way_of_not_being_let_in_has_its_answer() {
    let desk = Desk::serve(TOKEN, guarded()).await;
    let unauthorized = r#"{"message":"Unauthorized"}"#;
    assert_eq!(desk.get("/live/a").await.said(), (401, unauthorized));
    assert_eq!(
        with_token(&desk, "GET", "nonsense").await.said(),
        (401, unauthorized)
    );
    assert_eq!(desk.invoked(), [""; 0], "nobody was asked");
    assert_eq!(
        with_token(&desk, "GET", "Bearer nobody").await.said(),
        (401, unauthorized)
    );
    let got = with_token(&desk, "GET", "Bearer bad").await;
    assert_eq!(got.status, 403);
    assert!(got.text().contains("with an explicit deny"), "{got:?}");
    assert_eq!(
        with_token(&desk, "GET", "Bearer boom").await.said(),
        (500, r#"{"message":null}"#)
    );
    assert_eq!(with_token(&desk, "GET", "Bearer gone").await.status, 500);
    assert!(!desk.invoked().contains(&"Show".to_owned()));
    let notices = desk.notices().join("\n");
    for reason in [
        "has no header Authorization",
        "validation expression",
        "boom",
        "its code is not there",
    ] {
        assert!(notices.contains(reason), "{notices}");
    }
}

#[tokio::test]
async fn nobody_is_asked_if_nobody_shall_be() {
    let desk = Desk::with(TOKEN, guarded(), |it| it.disable_authorizer = true).await;
    assert_eq!(desk.get("/live/a").await.status, 200);
    assert_eq!(desk.invoked(), ["Show"]);
}

const SIMPLE: &str = "
Resources:
  Pets:
    Type: AWS::Serverless::HttpApi
    Properties:
      Auth:
        DefaultAuthorizer: Guard
        Authorizers:
          Guard:
            AuthorizerPayloadFormatVersion: '2.0'
            EnableSimpleResponses: true
            FunctionArn: !GetAtt Guard.Arn
            Identity: {Headers: [Authorization]}
  Guard: {Type: AWS::Serverless::Function, Properties: {Runtime: python3.12, Handler: a.b, CodeUri: src/}}
  Show:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.12
      Handler: app.handler
      CodeUri: src/
      Events:
        Get: {Type: HttpApi, Properties: {ApiId: !Ref Pets, Path: /a, Method: get}}
";

#[tokio::test]
async fn an_http_apis_function_says_yes_or_no() {
    let programs = Programs::default()
        .echo("Show")
        .returning("Guard.Arn", |event| {
            let good = event["identitySource"] == json!(["good"]);
            json!({ "isAuthorized": good, "context": { "roles": ["a", "b"] } })
        });
    let desk = Desk::serve(SIMPLE, programs).await;
    for _ in 0..2 {
        let got = desk
            .ask("GET", "/a", &[("Authorization", "good")], "")
            .await;
        assert_eq!(got.status, 200, "{:?}", desk.notices());
        let authorizer = got.json()["requestContext"]["authorizer"].clone();
        assert_eq!(authorizer, json!({ "lambda": { "roles": ["a", "b"] } }));
    }
    assert_eq!(desk.invoked(), ["Guard.Arn", "Show", "Guard.Arn", "Show"]);
    let got = desk.ask("GET", "/a", &[("Authorization", "bad")], "").await;
    assert_eq!(got.said(), (403, r#"{"message":"Forbidden"}"#));
    let got = desk.get("/a").await;
    assert_eq!(got.said(), (401, r#"{"message":"Unauthorized"}"#));
}

/// Of an RSA key whose private half is gone.
const MODULUS: &str = "_JxXCNGRprd3DO2PWKhZ9Jd2ECwluTzzi2lHyevlOiBOfmRojGtuLpTJUBpNtHTXyi3kDcUp33k4ozimyji7g4Oll8wqgvKHCJYPDITLkSOl91_vd-f_DEEE8wSsA7CsR5joH-DPNvUZ9dgWa7x0jLfjOkCZY5cLzvJ7pZ_SzWBhP94ummKey_qY2CxXrQrRzAI72LZrfzNYSQayviDtnH8Yt-vhLOVMK20nV8R_PKZR4Kv2k1HH1VII3w9ycNlO427PFkB36KOP2Do4cvKoMa4XMODm7lZgjk-qvvc98cV0N6KPXPvpE8jaiQM52ZmyZdNSxfl-1aJT0jJiE-3h1w";

/// `{"iss":"https://issuer.example","aud":"app","exp":1800000000,"sub":"alice","scope":"read write"}`
/// with the `kid` k1, by that key.
const SIGNED: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIiwidHlwIjoiSldUIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiYXBwIiwiZXhwIjoxODAwMDAwMDAwLCJzdWIiOiJhbGljZSIsInNjb3BlIjoicmVhZCB3cml0ZSJ9.t1HSScWmYkoSVSvUkWxVPyKotgwRKRnhASN0f_P5cKb8kTbYK5ynae0-mki617q8cSYWxNe81LSC5I0rUiLrq82lYce4CeHmSjCDywq1RR_pt3H1G9H_xzxFSXOjo__4j8lSrNG-1Wivl6TI_SoAtwGC5PSNHGkDDZLKLwoD06yOU2k8oxg0gADcJ5uWlFNhQBXwDtG9f1viA_NkVCDmkXB6LWXMqBAV7CamXyfbBupxsi7hXuXgTkWzkiXNrnBX2PaiF4Qapx-AlqRCgX_SVyO9hmK-Jv6HunTNGkfzBlYuIrzm-fAZTqkG-Q8PBzs1hlPzE51STMJR9X-v1yhFZw";

fn key_set(kid: &str) -> String {
    let key = json!({ "kty": "RSA", "use": "sig", "kid": kid, "n": MODULUS, "e": "AQAB" });
    json!({ "keys": [key] }).to_string()
}

fn jwt(issuer: &str) -> String {
    format!(
        "
Resources:
  Pets:
    Type: AWS::Serverless::HttpApi
    Properties:
      Auth:
        DefaultAuthorizer: Tokens
        Authorizers:
          Tokens:
            IdentitySource: $request.header.Authorization
            JwtConfiguration: {{issuer: '{issuer}', audience: [app]}}
  Show:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.12
      Handler: app.handler
      CodeUri: src/
      Events:
        Get: {{Type: HttpApi, Properties: {{ApiId: !Ref Pets, Path: /a, Method: get}}}}
        Admin: {{Type: HttpApi, Properties: {{ApiId: !Ref Pets, Path: /admin, Method: get, Auth: {{Authorizer: Tokens, AuthorizationScopes: [admin]}}}}}}
"
    )
}

async fn bearing(desk: &Desk, path: &str, token: &str) -> Got {
    let value = format!("Bearer {token}");
    desk.ask("GET", path, &[("authorization", &value)], "")
        .await
}

#[tokio::test]
async fn a_token_is_held_against_the_keys_of_a_file() {
    let issuer = jwt("https://issuer.example");
    let desk = Desk::with(&issuer, Programs::default().echo("Show"), |settings| {
        settings.keys = Arc::new(Keys::of_text(&key_set("k1")).unwrap());
    })
    .await;
    let got = bearing(&desk, "/a", SIGNED).await;
    assert_eq!(got.status, 200, "{got:?} {:?}", desk.notices());
    let claims = &got.json()["requestContext"]["authorizer"]["jwt"]["claims"];
    assert_eq!(claims["sub"], "alice");
    let got = desk.get("/a").await;
    assert_eq!(got.said(), (401, r#"{"message":"Unauthorized"}"#));
    assert_eq!(got.header("www-authenticate"), Some("Bearer"));
    let forged = SIGNED.replacen(".t1HS", ".t2HS", 1);
    let got = bearing(&desk, "/a", &forged).await;
    assert_eq!(got.status, 401);
    assert!(
        got.header("www-authenticate")
            .unwrap()
            .contains("signature is invalid")
    );
    let got = bearing(&desk, "/admin", SIGNED).await;
    assert_eq!(got.said(), (403, r#"{"message":"Forbidden"}"#));
    desk.pass(200_000_000);
    let got = bearing(&desk, "/a", SIGNED).await;
    assert!(got.header("www-authenticate").unwrap().contains("expired"));
    assert!(
        desk.notices()[0].contains("Tokens: the request has no token"),
        "{:?}",
        desk.notices()
    );
}

#[tokio::test]
async fn an_unsigned_token_is_good_only_if_it_may_be() {
    let issuer = jwt("https://issuer.example");
    let cut = SIGNED.rsplit_once('.').unwrap().0.to_owned() + ".";
    let desk = Desk::with(&issuer, Programs::default().echo("Show"), |settings| {
        settings.keys = Arc::new(Keys::of_text(&key_set("k1")).unwrap());
    })
    .await;
    assert_eq!(bearing(&desk, "/a", &cut).await.status, 401);
    let desk = Desk::with(&issuer, Programs::default().echo("Show"), |settings| {
        settings.keys = Arc::new(Keys::of_issuers().or_unsigned());
    })
    .await;
    assert_eq!(bearing(&desk, "/a", &cut).await.status, 200);
}

/// What the API says of a token by keys that its issuer published.
async fn said(desk: &Desk) -> String {
    let got = bearing(desk, "/a", SIGNED).await;
    assert_eq!(got.status, 401);
    got.header("www-authenticate").unwrap().to_owned()
}

/// The token is of another issuer, which is said of those alone whose signature is right.
#[tokio::test]
async fn keys_are_fetched_from_their_issuer_and_again_for_a_new_one() {
    let upstream = Upstream::start().await;
    let well_known = json!({ "jwks_uri": format!("{}/keys", upstream.url) });
    upstream.answers(
        "/issuer/.well-known/openid-configuration",
        200,
        &well_known.to_string(),
    );
    upstream.answers("/keys", 200, &key_set("another"));
    let template = jwt(&format!("{}/issuer/", upstream.url));
    let desk = Desk::serve(&template, Programs::default()).await;
    assert!(said(&desk).await.contains("kid is not one of"));
    upstream.answers("/keys", 200, &key_set("k1"));
    desk.pass(59);
    assert!(
        said(&desk).await.contains("kid is not one of"),
        "a minute has not passed"
    );
    assert_eq!(upstream.asked("/keys"), 1);
    desk.pass(1);
    assert!(said(&desk).await.contains("invalid issuer"));
    for _ in 0..3 {
        assert!(said(&desk).await.contains("invalid issuer"));
    }
    assert_eq!(upstream.asked("/keys"), 2);
    desk.pass(2 * 60 * 60);
    said(&desk).await;
    assert_eq!(upstream.asked("/keys"), 3);
    // Keys that are known outlive an issuer that does not answer.
    upstream.answers("/keys", 500, "");
    desk.pass(2 * 60 * 60);
    assert!(said(&desk).await.contains("invalid issuer"));
}

#[tokio::test]
async fn what_is_wrong_with_an_issuer_is_told_once() {
    let upstream = Upstream::start().await;
    let template = jwt(&upstream.url);
    let desk = Desk::serve(&template, Programs::default()).await;
    for _ in 0..3 {
        assert!(said(&desk).await.contains("OIDC discovery endpoint"));
        desk.pass(5);
    }
    let notices = desk.notices();
    let told = notices
        .iter()
        .filter(|it| it.contains("cannot be had"))
        .count();
    assert_eq!(told, 1, "{notices:?}");
    assert!(
        notices[0].contains("openid-configuration answers 404"),
        "{notices:?}"
    );
    assert_eq!(upstream.asked("/.well-known/openid-configuration"), 3);
}

const SIGNED_ROUTE: &str = "
Resources:
  Pets:
    Type: AWS::Serverless::Api
    Properties: {StageName: live, Auth: {DefaultAuthorizer: AWS_IAM}}
  Show:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.12
      Handler: app.handler
      CodeUri: src/
      Events:
        Get: {Type: Api, Properties: {RestApiId: !Ref Pets, Path: /a, Method: get}}
";

pub(crate) async fn signing(desk: &Desk) -> Got {
    let signature = "0".repeat(64);
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20220206/eu-west-1/execute-api/aws4_request, SignedHeaders=host;x-amz-date, Signature={signature}"
    );
    let headers = [
        ("Authorization", authorization.as_str()),
        ("X-Amz-Date", "20220206T161011Z"),
    ];
    desk.ask("GET", "/live/a", &headers, "").await
}

#[tokio::test]
async fn a_signature_is_believed_unless_keys_are_known() {
    let desk = Desk::serve(SIGNED_ROUTE, Programs::default().echo("Show")).await;
    let got = desk.get("/live/a").await;
    assert_eq!(
        got.said(),
        (403, r#"{"message":"Missing Authentication Token"}"#)
    );
    let got = signing(&desk).await;
    assert_eq!(got.status, 200, "{got:?} {:?}", desk.notices());
    let identity = &got.json()["requestContext"]["identity"];
    assert_eq!(identity["accessKey"], "AKIAEXAMPLE");
    for (known, reason) in [("AKIAOTHER", "invalid"), ("AKIAEXAMPLE", "does not match")] {
        let secrets = BTreeMap::from([(known.to_owned(), "secret".to_owned())]);
        let desk = Desk::with(SIGNED_ROUTE, Programs::default().echo("Show"), |it| {
            it.callers = Arc::new(LocalKeys::new("123456789012", secrets));
        })
        .await;
        let got = signing(&desk).await;
        assert_eq!(got.status, 403);
        assert!(got.text().contains(reason), "{got:?}");
    }
    desk.pass(3600);
    assert!(signing(&desk).await.text().contains("expired"));
}
