#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use super::*;
use crate::rest::answered;
use crate::rest::fixtures::{Scene, request, with};
use proptest::prelude::*;
use serde_json::json;

const ARN: &str = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/dev/GET/pets/1";

fn policy(statements: Value) -> ResourcePolicy {
    let at = Scene::new(request("GET", "/dev/pets/1")).at;
    let document = json!({ "Version": "2012-10-17", "Statement": statements });
    ResourcePolicy::read(&document, &at).unwrap()
}

fn says(effect: &str, principal: Value, resource: &str, condition: Value) -> Value {
    json!({
        "Effect": effect, "Principal": principal, "Action": "execute-api:Invoke",
        "Resource": resource, "Condition": condition,
    })
}

fn everybody(effect: &str, condition: Value) -> Value {
    says(effect, json!("*"), "execute-api:/*", condition)
}

/// Of somebody at 192.0.2.7.
fn ask(statements: Value, caller: Option<&IamCaller>) -> Said {
    let headers = [
        ("User-Agent", "curl/8"),
        ("Referer", "https://example.com/"),
    ];
    let request = with(request("GET", "/dev/pets/1"), &headers, "");
    policy(statements).ask(&Invocation {
        request: &request,
        arn: ARN,
        caller,
        now_ms: 1_705_751_708_326,
    })
}

fn caller(user_arn: &str) -> IamCaller {
    IamCaller {
        access_key: "AKIAX".to_owned(),
        account_id: "123456789012".to_owned(),
        user_id: "AIDAX".to_owned(),
        user_arn: user_arn.to_owned(),
        principal_org_id: None,
    }
}

fn refused(said: Said) -> (String, String) {
    let fault = said.must_allow().unwrap_err();
    let answer = answered(&fault);
    assert_eq!(answer.status, 403);
    (
        String::from_utf8(answer.body.to_vec()).unwrap(),
        fault.reason,
    )
}

#[test]
fn an_address_outside_of_the_office_is_told_as_aws_tells_it_and_the_developer_why() {
    let office = json!({ "IpAddress": { "aws:SourceIp": ["198.51.100.0/24", "203.0.113.9"] } });
    let (body, reason) = refused(ask(everybody("Allow", office), None));
    assert_eq!(
        body,
        r#"{"Message":"User: anonymous is not authorized to perform: execute-api:Invoke on resource: arn:aws:execute-api:eu-west-1:********9012:a1b2c3d4e5/dev/GET/pets/1"}"#
    );
    assert_eq!(
        reason,
        "the API's resource policy does not allow it: statement 1 would, but for its conditions on aws:SourceIp (this request comes from 192.0.2.7): let it in there while testing, or start with --disable-authorizer, which leaves resource policies out as well"
    );
    let here = json!({ "IpAddress": { "aws:SourceIp": "192.0.2.0/24" } });
    assert_eq!(ask(everybody("Allow", here), None), Said::Allow);
}

#[test]
fn an_explicit_deny_wins_and_is_said() {
    let blacklist = json!([
        everybody("Allow", json!({})),
        everybody(
            "Deny",
            json!({ "IpAddress": { "aws:SourceIp": "192.0.2.7" } })
        ),
    ]);
    let said = ask(blacklist, None);
    assert!(matches!(said, Said::Deny(_)));
    let (body, reason) = refused(said);
    assert!(
        body.ends_with(r#"/dev/GET/pets/1 with an explicit deny"}"#),
        "{body}"
    );
    assert!(
        reason.starts_with("statement 2 of the API's resource policy denies it by"),
        "{reason}"
    );
}

#[test]
fn a_resource_may_be_short_whole_or_wild() {
    for (resource, allows) in [
        ("execute-api:/*", true),
        ("execute-api:/dev/GET/pets/*", true),
        ("execute-api:/*/*/*", true),
        ("execute-api:/dev/GET/pets", false),
        ("execute-api:/prod/*", false),
        ("arn:aws:execute-api:*:*:*/dev/*", true),
        (
            "arn:aws:execute-api:eu-west-1:123456789012:another/*",
            false,
        ),
        ("*", true),
    ] {
        let said = ask(says("Allow", json!("*"), resource, json!({})), None);
        assert_eq!(said == Said::Allow, allows, "{resource}");
    }
}

#[test]
fn conditions_on_what_is_known_of_a_request_are_evaluated() {
    for (condition, met) in [
        (json!({ "StringLike": { "aws:UserAgent": "curl/*" } }), true),
        (
            json!({ "StringEquals": { "aws:Referer": "https://example.org/" } }),
            false,
        ),
        (json!({ "Bool": { "aws:SecureTransport": "true" } }), true),
        (
            json!({ "DateLessThan": { "aws:CurrentTime": "2024-01-21T00:00:00Z" } }),
            true,
        ),
        (
            json!({ "DateGreaterThan": { "aws:CurrentTime": "2024-01-21T00:00:00Z" } }),
            false,
        ),
        (
            json!({ "NumericGreaterThan": { "aws:EpochTime": "1705751707" } }),
            true,
        ),
        (json!({ "Null": { "aws:PrincipalArn": "true" } }), true),
        (
            json!({ "StringEquals": { "aws:PrincipalOrgID": "o-1" } }),
            false,
        ),
    ] {
        let said = ask(everybody("Allow", condition.clone()), None);
        assert_eq!(said == Said::Allow, met, "{condition}");
    }
}

#[test]
fn every_key_that_is_said_to_be_known_is() {
    let somebody = caller("arn:aws:iam::123456789012:user/ada");
    for caller in [None, Some(&somebody)] {
        for key in CONDITION_KEYS.iter().chain(&VPC_KEYS) {
            let present = |yes: &str| {
                let condition = json!({ "Null": { *key: yes } });
                ask(everybody("Allow", condition), caller) == Said::Allow
            };
            assert!(present("true") != present("false"), "{key}");
        }
    }
}

/// On AWS, a request through the internet has none of these keys.
#[test]
fn no_request_comes_from_a_vpc_and_that_is_said() {
    let on = |operator: &str| json!({ operator: { "aws:SourceVpce": "vpce-1" } });
    let blacklist = json!([
        everybody("Allow", json!({})),
        everybody("Deny", on("StringEquals"))
    ]);
    assert_eq!(ask(blacklist, None), Said::Allow);
    let whitelist = json!([
        everybody("Allow", json!({})),
        everybody("Deny", on("StringNotEquals"))
    ]);
    let (_, reason) = refused(ask(whitelist, None));
    assert!(
        reason.contains("no request on this machine comes from a VPC"),
        "{reason}"
    );
}

#[test]
fn whoever_signed_is_held_against_principals() {
    let user = caller("arn:aws:iam::123456789012:user/ada");
    let session = caller("arn:aws:sts::123456789012:assumed-role/Dev/me");
    let account = json!({ "AWS": ["123456789012"] });
    let role = json!({ "AWS": "arn:aws:iam::123456789012:role/Dev" });
    let to = |principal: &Value, caller| {
        ask(
            says("Allow", principal.clone(), "execute-api:/*", json!({})),
            caller,
        )
    };
    assert_eq!(to(&account, Some(&user)), Said::Allow);
    assert_eq!(to(&role, Some(&session)), Said::Allow);
    assert!(matches!(to(&role, Some(&user)), Said::Nothing(_)));
    let (body, _) = refused(to(&account, None));
    assert!(body.contains("User: anonymous is not"), "{body}");
    let deny = says("Deny", account, "execute-api:/*", json!({}));
    let (body, reason) = refused(ask(
        json!([everybody("Allow", json!({})), deny]),
        Some(&user),
    ));
    assert!(
        body.contains("User: arn:aws:iam::123456789012:user/ada is not"),
        "{body}"
    );
    assert!(
        reason.contains("denies it to arn:aws:iam::123456789012:user/ada"),
        "{reason}"
    );
    let ada = json!({ "StringEquals": { "aws:username": "ada", "aws:PrincipalType": "User" } });
    assert_eq!(ask(everybody("Allow", ada), Some(&user)), Said::Allow);
}

#[test]
fn a_policy_that_aws_would_refuse_is_refused() {
    let at = Scene::new(request("GET", "/dev/")).at;
    let nobody = json!({ "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" } });
    let error = ResourcePolicy::read(&nobody, &at).unwrap_err().to_string();
    assert!(error.contains("it has no Principal"), "{error}");
}

proptest! {
    #[test]
    fn no_request_is_too_strange(arn in "\\PC{0,40}", address in "\\PC{0,20}", agent in "\\PC{0,9}") {
        let mut request = with(request("GET", "/dev/"), &[("User-Agent", &agent)], "");
        request.source_ip = address;
        let asked = Invocation { request: &request, arn: &arn, caller: None, now_ms: u64::MAX };
        let condition = json!({ "IpAddress": { "aws:SourceIp": "192.0.2.0/24" } });
        let said = policy(everybody("Allow", condition)).ask(&asked);
        prop_assert_eq!(said.may_allow(), Ok(false));
    }
}
