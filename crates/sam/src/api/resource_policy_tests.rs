use crate::api::Api;
use crate::problem::Problem;
use crate::testing::{problems_of, resolved};
use serde_json::{Value, json};

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

fn policy(text: &str) -> Option<Value> {
    read(text).0.remove(0).policy
}

/// The statements, one line each.
fn lines(policy: &Value) -> Vec<String> {
    let statements = policy["Statement"].as_array().into_iter().flatten();
    let line = |it: &Value| {
        let (resource, principal) = (&it["Resource"], &it["Principal"]);
        let condition = it.get("Condition").map(|it| format!(" if {it}"));
        let effect = it["Effect"].as_str().unwrap_or_default();
        format!(
            "{effect} {principal} {resource}{}",
            condition.unwrap_or_default()
        )
    };
    statements.map(line).collect()
}

const SAM: &str = "
Resources:
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: live
      Auth:
        ResourcePolicy:
          AwsAccountWhitelist: ['123456789012']
          IpRangeWhitelist: [192.0.2.0/24]
          IpRangeBlacklist: [192.0.2.9]
          SourceVpcWhitelist: [vpc-1, vpce-2]
          IntrinsicVpceBlacklist: [vpce-3]
          CustomStatements:
            - {Effect: Allow, Principal: '*', Action: execute-api:Invoke, Resource: 'execute-api:/live/GET/open'}
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        Get: {Type: Api, Properties: {RestApiId: !Ref Api, Path: '/pets/{id}', Method: get}}
        All:
          Type: Api
          Properties:
            RestApiId: !Ref Api
            Path: '/all/{proxy+}'
            Method: any
            Auth:
              ResourcePolicy:
                IpRangeWhitelist: [203.0.113.1]
                CustomStatements: {Effect: Deny, Principal: '*', Action: execute-api:Invoke, Resource: 'execute-api:/*/GET/all/x'}
";

/// The lines are those of the translator's own output.
#[test]
fn sams_lists_are_statements_as_the_translator_writes_them() {
    let Some(policy) = policy(SAM) else {
        panic!("there is no policy");
    };
    assert_eq!(policy["Version"], "2012-10-17");
    let deny = |resource: &str, condition: &str| {
        format!(r#"Deny "*" ["execute-api:/live/{resource}"] if {condition}"#)
    };
    let account = r#"{"AWS":["123456789012"]}"#;
    let mut wanted = vec![
        r#"Allow "*" ["execute-api:/live/*/all/*"]"#.to_owned(),
        deny(
            "*/all/*",
            r#"{"NotIpAddress":{"aws:SourceIp":["203.0.113.1"]}}"#,
        ),
        r#"Deny "*" "execute-api:/*/GET/all/x""#.to_owned(),
    ];
    for resource in ["GET/pets/*", "*/all/*"] {
        wanted.push(format!(
            r#"Allow {account} ["execute-api:/live/{resource}"]"#
        ));
        if resource == "GET/pets/*" {
            wanted.push(format!(r#"Allow "*" ["execute-api:/live/{resource}"]"#));
        }
        for condition in [
            r#"{"NotIpAddress":{"aws:SourceIp":["192.0.2.0/24"]}}"#,
            r#"{"IpAddress":{"aws:SourceIp":["192.0.2.9"]}}"#,
            r#"{"StringEquals":{"aws:SourceVpce":["vpce-3"]}}"#,
            r#"{"StringNotEquals":{"aws:SourceVpc":["vpc-1"],"aws:SourceVpce":["vpce-2"]}}"#,
        ] {
            wanted.push(deny(resource, condition));
        }
    }
    wanted.push(r#"Allow "*" "execute-api:/live/GET/open""#.to_owned());
    assert_eq!(lines(&policy), wanted);
}

#[test]
fn a_raw_api_has_the_policy_of_its_document_or_its_own() {
    let document =
        "{openapi: 3.0.1, x-amazon-apigateway-policy: {Statement: {Sid: document}}, paths: {}}";
    let with = |properties: &str| {
        policy(&format!(
            "Resources: {{Api: {{Type: AWS::ApiGateway::RestApi, Properties: {{{properties}}}}}}}"
        ))
    };
    let of = |sid: &str| Some(json!({ "Statement": { "Sid": sid } }));
    assert_eq!(with(&format!("Body: {document}")), of("document"));
    let own = "Policy: {Statement: {Sid: own}}";
    assert_eq!(with(own), of("own"));
    assert_eq!(with(&format!("Body: {document}, {own}")), of("own"));
    let text = r#"Policy: '{"Statement": {"Sid": "text"}}'"#;
    assert_eq!(with(text), of("text"));
    assert_eq!(with("Name: api"), None);
    assert_eq!(with("Policy: {}"), None);
}

#[test]
fn a_policy_that_is_no_json_is_wrong() {
    let stack = resolved(
        "Resources: {Api: {Type: AWS::ApiGateway::RestApi, Properties: {Policy: '{nonsense'}}}",
    );
    let problems = problems_of(stack.apis());
    assert!(
        problems[0].contains("Api.Policy: it is no JSON"),
        "{problems:?}"
    );
}

#[test]
fn what_cannot_be_known_of_a_request_is_said_by_name() {
    let (_, notes) = read(SAM);
    let vpc = |key: &str| {
        format!(
            "Auth.ResourcePolicy: it has conditions on {key}, and no request on this machine comes from a VPC"
        )
    };
    let found = |text: &str| notes.iter().filter(|it| it.contains(text)).count();
    assert_eq!(found(&vpc("aws:SourceVpce")), 1, "{notes:?}");
    assert_eq!(found(&vpc("aws:SourceVpc")), 1, "{notes:?}");
    assert_eq!(notes.len(), 2, "{notes:?}");
    let (_, notes) = read(
        "
Resources:
  Api:
    Type: AWS::ApiGateway::RestApi
    Properties:
      Policy:
        Statement:
          - {Effect: Allow, Condition: {StringEquals: {aws:PrincipalOrgID: o-1}, IpAddress: {AWS:sourceip: 10.0.0.0/8}}}
",
    );
    let [note] = &notes[..] else {
        panic!("{notes:?}");
    };
    assert!(
        note.contains(
            "Api.Policy: it has conditions on aws:PrincipalOrgID, which tether does not know"
        ),
        "{note}"
    );
}
