//! Resource policies, beside each kind of authorizer. Requests come from 127.0.0.1.

use crate::authorizers::signing;
use crate::desk::{Desk, Programs};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use tether_gateway::{Keys, LocalKeys};

const TEMPLATE: &str = "
Resources:
  Pets:
    Type: AWS::Serverless::Api
    Properties: {StageName: live, Auth: {ResourcePolicy: {POLICY} AUTH}}
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
const OFFICE: &str = "IpRangeWhitelist: [203.0.113.0/24]";
const HERE: &str = "IpRangeWhitelist: [127.0.0.0/8]";
/// It says nothing of this method.
const SILENT: &str = "CustomStatements: {Effect: Allow, Principal: '*', Action: execute-api:Invoke, Resource: 'execute-api:/*/POST/*'}";

fn template(policy: &str, auth: &str) -> String {
    TEMPLATE.replace("POLICY", policy).replace("AUTH", auth)
}

fn echo() -> Programs {
    Programs::default().echo("Show")
}

fn anonymous(more: &str) -> String {
    let arn = "arn:aws:execute-api:eu-west-1:********9012:Pets/live/GET/a";
    let user = "User: anonymous is not authorized to perform: execute-api:Invoke on resource: ";
    json!({ "Message": format!("{user}{arn}{more}") }).to_string()
}

#[test]
fn the_keys_that_are_not_complained_of_are_those_that_are_known() {
    let known = tether_apigw::rest::policy::CONDITION_KEYS;
    assert_eq!(tether_sam::api::CONDITION_KEYS, known);
}

#[tokio::test]
async fn without_an_authorizer_a_policy_has_to_allow() {
    let desk = Desk::serve(&template(OFFICE, ""), echo()).await;
    let got = desk.get("/live/a").await;
    assert_eq!(
        got.said(),
        (403, anonymous(" with an explicit deny").as_str())
    );
    assert_eq!(
        got.header("x-amzn-errortype"),
        Some("AccessDeniedException")
    );
    let told = desk.notices().join("\n");
    for part in [
        "Pets GET /a",
        "aws:SourceIp",
        "127.0.0.1",
        "--disable-authorizer",
    ] {
        assert!(told.contains(part), "{told}");
    }
    desk.redefine(&template(SILENT, ""));
    let got = desk.get("/live/a").await;
    assert_eq!(got.said(), (403, anonymous("").as_str()));
    assert_eq!(desk.invoked(), [""; 0]);
    desk.redefine(&template(HERE, ""));
    assert_eq!(desk.get("/live/a").await.status, 200);
}

#[tokio::test]
async fn nobody_is_held_against_a_policy_if_nobody_shall_be() {
    let policy = template(OFFICE, "");
    let desk = Desk::with(&policy, echo(), |it| it.disable_authorizer = true).await;
    assert_eq!(desk.get("/live/a").await.status, 200);
}

#[tokio::test]
async fn a_policy_that_aws_would_refuse_is_not_served() {
    let desk = Desk::serve(&template(HERE, ""), echo()).await;
    let nobody = "CustomStatements: {Effect: Allow, Action: '*', Resource: '*'}";
    let why = desk.refuses(&template(nobody, ""));
    assert!(
        why.contains("Pets cannot be served: its resource policy: statement 1"),
        "{why}"
    );
    assert!(why.contains("it has no Principal"), "{why}");
    assert_eq!(desk.get("/live/a").await.status, 200, "the last good one");
}

const LAMBDA: &str =
    ", DefaultAuthorizer: Guard, Authorizers: {Guard: {FunctionArn: !GetAtt Guard.Arn}}";

/// Its authorizer does what the token says, or says nothing of this method.
fn guarded() -> Programs {
    echo().returning("Guard.Arn", |event| {
        let (effect, action) = match event["authorizationToken"].as_str() {
            Some("Nothing") => ("Allow", "s3:GetObject"),
            says => (says.unwrap_or_default(), "execute-api:Invoke"),
        };
        let statement = json!({ "Effect": effect, "Action": action, "Resource": "*" });
        json!({
            "principalId": "me",
            "policyDocument": { "Version": "2012-10-17", "Statement": [statement] },
        })
    })
}

/// Table A of
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html>.
#[tokio::test]
async fn beside_a_function_either_may_allow_and_each_may_deny() {
    for (policy, says, status) in [
        (HERE, "Allow", 200),
        (HERE, "Nothing", 200),
        (HERE, "Deny", 403),
        (SILENT, "Allow", 200),
        (SILENT, "Nothing", 403),
        (SILENT, "Deny", 403),
        (OFFICE, "Allow", 403),
    ] {
        let desk = Desk::serve(&template(policy, LAMBDA), guarded()).await;
        // The second time, what the function said is remembered.
        for _ in 0..2 {
            let got = desk
                .ask("GET", "/live/a", &[("Authorization", says)], "")
                .await;
            assert_eq!(got.status, status, "{policy} {says}: {got:?}");
            if status == 200 {
                let authorizer = &got.json()["requestContext"]["authorizer"];
                assert_eq!(authorizer["principalId"], "me");
            }
        }
        let asked = desk.invoked().contains(&"Guard.Arn".to_owned());
        assert_eq!(asked, policy != OFFICE, "a deny is enough");
    }
}

#[tokio::test]
async fn whoever_signed_is_refused_by_a_deny_alone() {
    const SIGNED: &str = ", DefaultAuthorizer: AWS_IAM";
    let not_us = "AwsAccountBlacklist: ['123456789012']";
    let another = "AwsAccountBlacklist: ['210987654321']";
    for (policy, status) in [(SILENT, 200), (another, 200), (not_us, 403), (OFFICE, 403)] {
        let desk = Desk::with(&template(policy, SIGNED), echo(), |it| {
            it.callers = Arc::new(LocalKeys::new("123456789012", BTreeMap::new()));
        })
        .await;
        let got = signing(&desk).await;
        assert_eq!(got.status, status, "{policy}: {got:?}");
        if status == 403 {
            let user = "User: arn:aws:iam::123456789012:user/local is not authorized";
            assert!(got.text().contains(user), "{got:?}");
        }
    }
}

/// Both have to allow where callers are of another account.
#[tokio::test]
async fn whoever_signed_in_another_account_has_to_be_allowed() {
    const SIGNED: &str = ", DefaultAuthorizer: AWS_IAM";
    let them = "AwsAccountWhitelist: ['210987654321']";
    for (policy, status) in [(SILENT, 403), (them, 200)] {
        let desk = Desk::with(&template(policy, SIGNED), echo(), |it| {
            it.callers = Arc::new(LocalKeys::new("210987654321", BTreeMap::new()));
        })
        .await;
        let got = signing(&desk).await;
        assert_eq!(got.status, status, "{policy}: {got:?}");
    }
}

const POOL: &str = ", DefaultAuthorizer: Pool, Authorizers: {Pool: {UserPoolArn: 'arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_pool'}}";

/// `{"iss":"https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_pool","exp":1800000000,"sub":"alice","token_use":"id"}`
/// of `{"alg":"none"}`.
const ALICE: &str = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2NvZ25pdG8taWRwLmV1LXdlc3QtMS5hbWF6b25hd3MuY29tL2V1LXdlc3QtMV9wb29sIiwiZXhwIjoxODAwMDAwMDAwLCJzdWIiOiJhbGljZSIsInRva2VuX3VzZSI6ImlkIn0.";

#[tokio::test]
async fn beside_cognito_both_have_to_allow() {
    for (policy, token, status) in [
        (HERE, ALICE, 200),
        (HERE, "nonsense", 401),
        (SILENT, ALICE, 403),
        (OFFICE, ALICE, 403),
        (OFFICE, "nonsense", 401),
    ] {
        let desk = Desk::with(&template(policy, POOL), echo(), |it| {
            it.keys = Arc::new(Keys::of_issuers().or_unsigned());
        })
        .await;
        let got = desk
            .ask("GET", "/live/a", &[("Authorization", token)], "")
            .await;
        let told = desk.notices();
        assert_eq!(got.status, status, "{policy} {token}: {got:?} {told:?}");
    }
}
