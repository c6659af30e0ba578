//! Cases of <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use super::*;
use serde_json::json;

const ACCOUNT: &str = "123456789012";

fn session() -> Principal {
    Principal::Session {
        arn: "arn:aws:sts::123456789012:assumed-role/R/s".to_owned(),
        role: "arn:aws:iam::123456789012:role/path/R".to_owned(),
        account: ACCOUNT.to_owned(),
    }
}

fn user() -> Principal {
    Principal::User {
        arn: "arn:aws:iam::123456789012:user/ada".to_owned(),
        account: ACCOUNT.to_owned(),
    }
}

fn named(principal: &Value, who: &Principal) -> Option<Grant> {
    Principals::These(read(principal).unwrap()).grant(who, Effect::Allow)
}

#[test]
fn a_principal_is_named_as_anyone_by_account_by_role_or_by_its_own_arn() {
    let cases = [
        (json!("*"), Some(Grant::Role), Some(Grant::Role)),
        (json!({ "AWS": "*" }), Some(Grant::Role), Some(Grant::Role)),
        (
            json!({ "AWS": ACCOUNT }),
            Some(Grant::Account),
            Some(Grant::Account),
        ),
        (
            json!({ "AWS": "arn:aws:iam::123456789012:root" }),
            Some(Grant::Account),
            Some(Grant::Account),
        ),
        (
            json!({ "AWS": "arn:aws:iam::210987654321:root" }),
            None,
            None,
        ),
        (
            json!({ "AWS": ["999999999999", "arn:aws:iam::123456789012:role/path/R"] }),
            Some(Grant::Role),
            None,
        ),
        // The path belongs to the ARN.
        (
            json!({ "AWS": "arn:aws:iam::123456789012:role/R" }),
            None,
            None,
        ),
        (
            json!({ "AWS": "arn:aws:sts::123456789012:assumed-role/R/s" }),
            Some(Grant::Itself),
            None,
        ),
        (
            json!({ "AWS": "arn:aws:sts::123456789012:assumed-role/R/other" }),
            None,
            None,
        ),
        (
            json!({ "AWS": "arn:aws:iam::123456789012:user/ada" }),
            None,
            Some(Grant::Itself),
        ),
        (json!({ "Service": "lambda.amazonaws.com" }), None, None),
        (json!({ "Federated": "accounts.google.com" }), None, None),
    ];
    for (principal, of_session, of_user) in cases {
        assert_eq!(named(&principal, &session()), of_session, "{principal}");
        assert_eq!(named(&principal, &user()), of_user, "{principal}");
    }
    let lambda = Principal::Service("lambda.amazonaws.com".to_owned());
    let services = json!({ "Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"] });
    assert_eq!(named(&services, &lambda), Some(Grant::Itself));
    assert_eq!(named(&json!({ "AWS": ACCOUNT }), &lambda), None);
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html>
#[test]
fn a_deny_excepts_only_who_is_named_with_role_and_account() {
    let session_arn = "arn:aws:sts::123456789012:assumed-role/R/s";
    let role = "arn:aws:iam::123456789012:role/path/R";
    let root = "arn:aws:iam::123456789012:root";
    let denies = |arns: Value, who: &Principal| {
        let those = Principals::AllBut(read(&json!({ "AWS": arns })).unwrap());
        those.grant(who, Effect::Deny).is_some()
    };
    assert!(!denies(json!([session_arn, role, root]), &session()));
    assert!(denies(json!([role, root]), &session()));
    assert!(denies(json!([session_arn, role]), &session()));
    assert!(!denies(json!([user().arn(), root]), &user()));
    assert!(denies(json!([user().arn()]), &user()));
    let allows = |arns: Value| {
        let those = Principals::AllBut(read(&json!({ "AWS": arns })).unwrap());
        those.grant(&session(), Effect::Allow).is_some()
    };
    assert!(!allows(json!(root)) && allows(json!("999999999999")));
}

#[test]
fn a_principal_that_iam_does_not_take_is_an_error() {
    for (principal, why) in [
        (
            json!({ "AWS": "arn:aws:iam::123456789012:role/*" }),
            "has a wildcard",
        ),
        (json!({ "Aws": "*" }), "no principals of kind Aws"),
        (json!({ "AWS": [] }), "Principal is empty"),
        (json!({ "AWS": 1 }), "a number and not a string"),
        (json!("ada"), "Principal is a string"),
        (json!({}), "Principal is an object"),
    ] {
        let error = read(&principal).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
}
