//! Cases of AWS's pages on how policies are evaluated together, each linked.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use super::*;
use serde_json::{Value, json};

const ACCOUNT: &str = "123456789012";
const ROLE: &str = "arn:aws:iam::123456789012:role/R";
const SESSION: &str = "arn:aws:sts::123456789012:assumed-role/R/s";
const TABLE: &str = "arn:aws:dynamodb:us-east-1:123456789012:table/t";
const ACTION: &str = "dynamodb:PutItem";

fn principal() -> Principal {
    Principal::Session {
        arn: SESSION.to_owned(),
        role: ROLE.to_owned(),
        account: ACCOUNT.to_owned(),
    }
}

fn document(effect: &str, action: &str, principal: Option<Value>) -> Value {
    let mut statement = json!({ "Effect": effect, "Action": action });
    match principal {
        Some(principal) => statement["Principal"] = principal,
        None => statement["Resource"] = json!("*"),
    }
    json!({ "Version": "2012-10-17", "Statement": statement })
}

fn allow() -> Policy {
    Policy::parse(&document("Allow", ACTION, None)).unwrap()
}

fn deny() -> Policy {
    Policy::parse(&document("Deny", ACTION, None)).unwrap()
}

fn nothing() -> Policy {
    Policy::parse(&document("Allow", "s3:*", None)).unwrap()
}

fn resource(effect: &str, principal: Value) -> Policy {
    let mut policy = document(effect, ACTION, Some(principal));
    policy["Statement"]["Resource"] = json!("*");
    Policy::of_resource(&policy).unwrap()
}

fn trust(effect: &str, principal: Value) -> Policy {
    Policy::of_trust(&document(effect, "sts:AssumeRole", Some(principal))).unwrap()
}

/// Ok, or the end of AWS's text.
fn ask(account: &str, policies: &Policies<'_>) -> Result<(), String> {
    let context = Context::new();
    let assumes = policies.trust.is_some();
    let asked = Ask {
        principal: &principal(),
        action: if assumes { "sts:AssumeRole" } else { ACTION },
        resource: if assumes { ROLE } else { TABLE },
        account,
        context: &context,
    };
    authorize(&asked, policies).map_err(|denied| {
        let text = denied.to_string();
        let resource = asked.resource;
        let (_, reason) = text
            .split_once(&format!("on resource: {resource} "))
            .unwrap();
        reason.to_owned()
    })
}

const NO_IDENTITY: &str = "because no identity-based policy allows the dynamodb:PutItem action";
const NO_BOUNDARY: &str = "because no permissions boundary allows the dynamodb:PutItem action";
const NO_RESOURCE: &str = "because no resource-based policy allows the dynamodb:PutItem action";

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html>
#[test]
fn an_explicit_deny_of_any_policy_wins() {
    let (allow, deny) = (allow(), deny());
    let named = json!({ "AWS": SESSION });
    let (grants, forbids) = (resource("Allow", named.clone()), resource("Deny", named));
    let cases = [
        (vec![&allow, &deny], None, None, "an identity-based policy"),
        (vec![&deny], None, Some(&grants), "an identity-based policy"),
        (
            vec![&allow],
            Some(&deny),
            Some(&grants),
            "a permissions boundary",
        ),
        (
            vec![&allow],
            None,
            Some(&forbids),
            "a resource-based policy",
        ),
    ];
    for (identity, boundary, resource, kind) in cases {
        let policies = Policies {
            identity: &identity,
            boundary,
            resource,
            trust: None,
        };
        let expected = format!("with an explicit deny in {kind}");
        assert_eq!(ask(ACCOUNT, &policies), Err(expected));
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>
#[test]
fn a_refusal_has_awss_words() {
    let context = Context::new();
    let asked = Ask {
        principal: &principal(),
        action: ACTION,
        resource: TABLE,
        account: ACCOUNT,
        context: &context,
    };
    let denied = authorize(&asked, &Policies::default()).unwrap_err();
    assert_eq!(
        denied.to_string(),
        "User: arn:aws:sts::123456789012:assumed-role/R/s is not authorized to perform: \
         dynamodb:PutItem on resource: arn:aws:dynamodb:us-east-1:123456789012:table/t because \
         no identity-based policy allows the dynamodb:PutItem action"
    );
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics-single-account.html>
#[test]
fn within_an_account_identity_or_resource_allows_and_a_boundary_takes_away() {
    let (allow, nothing) = (allow(), nothing());
    let role = resource("Allow", json!({ "AWS": ROLE }));
    let session = resource("Allow", json!({ "AWS": SESSION }));
    let anyone = resource("Allow", json!("*"));
    let account = resource("Allow", json!({ "AWS": ACCOUNT }));
    let (some, none) = (vec![&allow], Vec::new());
    let cases = [
        (&none, None, None, Err(NO_IDENTITY)),
        (&some, None, None, Ok(())),
        (&some, Some(&allow), None, Ok(())),
        (&some, Some(&nothing), None, Err(NO_BOUNDARY)),
        (&none, Some(&allow), None, Err(NO_IDENTITY)),
        (&none, None, Some(&role), Ok(())),
        (&none, None, Some(&anyone), Ok(())),
        // An account passes it on by identity policies.
        (&none, None, Some(&account), Err(NO_IDENTITY)),
        (&some, None, Some(&account), Ok(())),
        // https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
        (&none, Some(&nothing), Some(&role), Err(NO_BOUNDARY)),
        (&none, Some(&nothing), Some(&session), Ok(())),
    ];
    for (number, (identity, boundary, resource, expected)) in cases.into_iter().enumerate() {
        let policies = Policies {
            identity,
            boundary,
            resource,
            trust: None,
        };
        let expected = expected.map_err(str::to_owned);
        assert_eq!(ask(ACCOUNT, &policies), expected, "case {number}");
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html>
#[test]
fn between_accounts_both_must_allow() {
    let allow = allow();
    let grants = resource("Allow", json!({ "AWS": SESSION }));
    let account = resource("Allow", json!({ "AWS": ACCOUNT }));
    let (some, none) = (vec![&allow], Vec::new());
    let cases = [
        (&some, None, Err(NO_RESOURCE)),
        (&none, Some(&grants), Err(NO_IDENTITY)),
        (&some, Some(&grants), Ok(())),
        (&some, Some(&account), Ok(())),
    ];
    for (identity, resource, expected) in cases {
        let policies = Policies {
            identity,
            resource,
            ..Policies::default()
        };
        let expected = expected.map_err(str::to_owned);
        assert_eq!(ask("999999999999", &policies), expected);
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics-single-account.html>:
/// a role's trust policy must allow; that an identity may assume roles is not enough.
#[test]
fn a_role_is_assumed_by_whom_its_trust_policy_names() {
    let may = Policy::parse(&document("Allow", "sts:*", None)).unwrap();
    let elsewhere = trust("Allow", json!({ "AWS": "999999999999" }));
    let anyone = trust("Allow", json!("*"));
    let role = trust("Allow", json!({ "AWS": ROLE }));
    let account = trust("Allow", json!({ "AWS": ACCOUNT }));
    let forbids = trust("Deny", json!({ "AWS": ROLE }));
    let (some, none) = (vec![&may], Vec::new());
    let cases = [
        (
            &some,
            &elsewhere,
            Err("because no role trust policy allows the sts:AssumeRole action"),
        ),
        (&none, &anyone, Ok(())),
        (&none, &role, Ok(())),
        (
            &none,
            &account,
            Err("because no identity-based policy allows the sts:AssumeRole action"),
        ),
        (&some, &account, Ok(())),
        (
            &some,
            &forbids,
            Err("with an explicit deny in the role trust policy"),
        ),
    ];
    for (identity, trust, expected) in cases {
        let policies = Policies {
            identity,
            trust: Some(trust),
            ..Policies::default()
        };
        assert_eq!(ask(ACCOUNT, &policies), expected.map_err(str::to_owned));
    }
}

#[test]
fn a_service_is_allowed_by_the_resources_policy_alone() {
    let context = Context::new().with(
        "aws:SourceArn",
        "arn:aws:events:us-east-1:123456789012:rule/r",
    );
    let service = Principal::Service("events.amazonaws.com".to_owned());
    let ask = Ask {
        principal: &service,
        action: "lambda:InvokeFunction",
        resource: "arn:aws:lambda:us-east-1:123456789012:function:f",
        account: ACCOUNT,
        context: &context,
    };
    let allowed = |source: &str| {
        let policy = Policy::of_resource(&json!({ "Version": "2012-10-17", "Statement": {
            "Effect": "Allow",
            "Principal": { "Service": "events.amazonaws.com" },
            "Action": "lambda:InvokeFunction",
            "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f",
            "Condition": { "ArnLike": { "AWS:SourceArn": source } },
        } }));
        let policies = Policies {
            resource: Some(&policy.unwrap()),
            ..Policies::default()
        };
        authorize(&ask, &policies)
    };
    assert!(allowed("arn:aws:events:us-east-1:123456789012:rule/*").is_ok());
    let denied = allowed("arn:aws:events:us-east-1:123456789012:rule/other").unwrap_err();
    assert_eq!(
        (denied.policy, denied.explicit),
        (PolicyKind::Resource, false)
    );
    assert!(authorize(&ask, &Policies::default()).is_err());
}

#[test]
fn it_is_known_which_actions_of_which_statements_were_used() {
    let policy = Policy::parse(&json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:Put*"], "Resource": TABLE },
        { "Effect": "Deny", "Action": "*", "Resource": "other" },
        { "Effect": "Allow", "NotAction": "s3:*", "Resource": "*" },
    ] }));
    let uses = policy.unwrap().uses(ACTION, TABLE, &Context::new());
    assert_eq!(uses, [(0, 1), (2, 0)]);
}
