//! Cases of AWS's own pages, each linked.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use super::*;
use serde_json::json;

fn met(condition: &Value, context: &Context) -> bool {
    let conditions = read(condition, true).unwrap();
    let answers = conditions.iter().map(|it| it.met(context, Effect::Allow));
    answers.min().unwrap_or(Answer::Yes) == Answer::Yes
}

fn with(key: &'static str, value: &str) -> Context {
    Context::new().with(key, value)
}

/// Operator, what the policy says, what the request says, whether it is met.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
#[test]
fn each_operator_compares_as_its_page_says() {
    let arn = "arn:aws:sns:us-east-1:123456789012:topic/a:b";
    let cases = [
        ("StringEquals", "queue", "queue", true),
        ("StringEquals", "queue", "Queue", false),
        ("StringEquals", "q*", "queue", false),
        ("StringNotEquals", "queue", "Queue", true),
        ("StringNotEquals", "queue", "queue", false),
        ("StringEqualsIgnoreCase", "queue", "QUEUE", true),
        ("StringNotEqualsIgnoreCase", "queue", "QUEUE", false),
        ("StringLike", "q*e?", "queues", true),
        ("StringLike", "Q*", "queue", false),
        ("StringNotLike", "q*", "queue", false),
        ("StringNotLike", "s*", "queue", true),
        ("BinaryEquals", "QmluYXJ5", "QmluYXJ5", true),
        ("NumericEquals", "5", "5.0", true),
        ("NumericNotEquals", "5", "6", true),
        ("NumericLessThan", "10", "9", true),
        ("NumericLessThan", "10", "10", false),
        ("NumericLessThanEquals", "10", "10", true),
        ("NumericGreaterThan", "10", "9", false),
        ("NumericGreaterThanEquals", "10", "10", true),
        ("NumericLessThanEquals", "10", "many", false),
        ("NumericNotEquals", "10", "many", false),
        ("DateEquals", "2020-01-01T00:00:01Z", "1577836801", true),
        ("DateLessThan", "2020-07-01", "2020-06-30T23:59:59Z", true),
        (
            "DateGreaterThan",
            "2020-07-01T00:00:00Z",
            "2020-06-30T23:59:59Z",
            false,
        ),
        (
            "DateGreaterThanEquals",
            "2020-07-01T00:00:00Z",
            "2020-07-01T00:00:00Z",
            true,
        ),
        ("Bool", "true", "True", true),
        ("Bool", "true", "false", false),
        ("IpAddress", "203.0.113.0/24", "203.0.113.77", true),
        ("IpAddress", "203.0.113.0/24", "203.0.114.1", false),
        ("IpAddress", "203.0.113.7", "203.0.113.7", true),
        ("IpAddress", "0.0.0.0/0", "8.8.8.8", true),
        (
            "IpAddress",
            "2001:DB8:1234:5678::/64",
            "2001:db8:1234:5678::1",
            true,
        ),
        ("IpAddress", "0.0.0.0/0", "2001:db8::1", false),
        ("NotIpAddress", "203.0.113.0/24", "203.0.113.77", false),
        ("NotIpAddress", "203.0.113.0/24", "192.0.2.1", true),
        ("ArnEquals", "arn:aws:sns:*:123456789012:topic/*", arn, true),
        ("ArnLike", "arn:aws:sns:us-*-1:123456789012:*", arn, true),
        ("ArnLike", "arn:aws:s?s:*:*:topic/a:?", arn, true),
        // Each part is compared by itself: a wildcard does not reach the next one.
        ("ArnLike", "arn:aws:*:*:topic/a:b", arn, false),
        ("ArnNotLike", "arn:aws:sns:*:*:other", arn, true),
        ("ArnNotEquals", "arn:aws:sns:*:*:topic/*", arn, false),
        ("ArnLike", "arn:aws:sns:*:*:*", "no ARN", false),
        ("ArnLike", "arn:aws:sns", arn, false),
        ("ArnNotLike", "arn:aws:sns", arn, false),
        ("ArnLike", "*", arn, true),
    ];
    for (operator, policy, request, expected) in cases {
        let condition = json!({ operator: { "k": policy } });
        let found = met(&condition, &with("k", request));
        assert_eq!(found, expected, "{operator} {policy} {request}");
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html>
#[test]
fn keys_and_operators_are_all_needed_and_of_values_one() {
    let both = Context::new().with("aws:a", "1").with("aws:b", "2");
    let or = json!({ "StringEquals": { "aws:a": ["0", "1"], "aws:b": ["2"] } });
    assert!(met(&or, &both));
    assert!(!met(&or, &with("aws:a", "1")));
    let two = json!({ "StringEquals": { "aws:a": "1" }, "StringLike": { "aws:b": "3*" } });
    assert!(!met(&two, &both));
    // Negated, none of the values may match.
    let nor = json!({ "StringNotEquals": { "aws:a": ["0", "1"] } });
    assert!(!met(&nor, &both) && met(&nor, &with("aws:a", "2")));
    assert!(met(&json!({ "StringEquals": { "AWS:A": "1" } }), &both));
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_IfExists>
#[test]
fn a_missing_key_meets_what_is_negated_and_what_is_asked_if_it_exists() {
    let cases = [
        ("StringEquals", false),
        ("StringLike", false),
        ("ArnLike", false),
        ("Bool", false),
        ("NumericLessThan", false),
        ("DateLessThan", false),
        ("IpAddress", false),
        ("StringNotEquals", true),
        ("StringNotLike", true),
        ("ArnNotLike", true),
        ("NumericNotEquals", true),
        ("NotIpAddress", true),
        ("StringEqualsIfExists", true),
        ("BoolIfExists", true),
        ("ForAllValues:StringEquals", true),
        ("ForAnyValue:StringEquals", false),
        ("ForAnyValue:StringNotEquals", false),
        ("ForAnyValue:StringEqualsIfExists", true),
    ];
    for (operator, expected) in cases {
        let value = match operator {
            _ if operator.contains("Ip") => "10.0.0.0/8",
            _ if operator.contains("Date") => "2020-01-01",
            _ if operator.contains("Arn") => "arn:aws:sns:*:*:*",
            _ if operator.contains("Bool") => "true",
            _ => "1",
        };
        let condition = json!({ operator: { "k": value } });
        assert_eq!(met(&condition, &Context::new()), expected, "{operator}");
    }
    let exists = json!({ "StringEqualsIfExists": { "k": "1" } });
    assert!(!met(&exists, &with("k", "2")));
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_Null>
#[test]
fn null_asks_whether_the_key_is_there() {
    for (wanted, absent, present) in [("true", true, false), ("false", false, true)] {
        let condition = json!({ "Null": { "aws:TokenIssueTime": wanted } });
        assert_eq!(met(&condition, &Context::new()), absent);
        assert_eq!(met(&condition, &with("aws:TokenIssueTime", "1")), present);
    }
    let either = json!({ "Null": { "k": [true, false] } });
    assert!(met(&either, &Context::new()) && met(&either, &with("k", "1")));
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>
#[test]
fn sets_ask_for_any_value_or_for_all_of_them() {
    let colors = ["red", "green", "blue"].map(str::to_owned).to_vec();
    let several = Context::new().with_all("k", colors);
    let empty = Context::new().with_all("k", Vec::new());
    let cases = [
        (
            "ForAnyValue:StringEquals",
            json!(["red", "pink"]),
            true,
            false,
        ),
        ("ForAnyValue:StringEquals", json!(["pink"]), false, false),
        (
            "ForAllValues:StringEquals",
            json!(["red", "green", "blue", "pink"]),
            true,
            true,
        ),
        (
            "ForAllValues:StringEquals",
            json!(["red", "green"]),
            false,
            true,
        ),
        ("ForAllValues:StringLike", json!("*"), true, true),
        ("ForAllValues:StringNotEquals", json!(["pink"]), true, true),
        ("ForAllValues:StringNotEquals", json!(["red"]), false, true),
        ("ForAnyValue:StringNotEquals", json!(["red"]), true, false),
    ];
    for (operator, values, with_several, with_none) in cases {
        let condition = json!({ operator: { "k": values } });
        assert_eq!(met(&condition, &several), with_several, "{condition}");
        assert_eq!(met(&condition, &empty), with_none, "{condition}");
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-no-value>
#[test]
fn a_variable_stands_for_its_value_and_allows_nothing_without_one() {
    let condition = json!({ "StringLike": { "s3:prefix": ["home/${aws:username}/*"] } });
    let ada = with("s3:prefix", "home/ada/x").with("aws:username", "ada");
    let nobody = with("s3:prefix", "home//x");
    assert!(met(&condition, &ada) && !met(&condition, &nobody));
    let negated = json!({ "StringNotEquals": { "s3:prefix": "${aws:username}" } });
    let of = |effect| read(&negated, true).unwrap()[0].met(&nobody, effect);
    assert_eq!(of(Effect::Allow), Answer::No);
    assert_eq!(of(Effect::Deny), Answer::Yes);
    let arn = json!({ "ArnEquals": { "k": "arn:aws:iam::${aws:PrincipalAccount}:role/x" } });
    let role = with("k", "arn:aws:iam::1:role/x");
    assert!(met(&arn, &role.clone().with("aws:PrincipalAccount", "1")));
    assert!(!met(&arn, &role.with("aws:PrincipalAccount", "2")));
}

#[test]
fn a_condition_that_iam_does_not_know_is_an_error() {
    for (condition, why) in [
        (
            json!({ "StringMatches": { "k": "v" } }),
            "no condition operator StringMatches",
        ),
        (
            json!({ "NullIfExists": { "k": "true" } }),
            "no condition operator NullIfExists",
        ),
        (
            json!({ "ForAnyValue:Null": { "k": "true" } }),
            "no condition operator",
        ),
        (
            json!({ "ForSomeValues:StringEquals": { "k": "v" } }),
            "no condition operator",
        ),
        (
            json!({ "NumericLike": { "k": "1" } }),
            "no condition operator",
        ),
        (
            json!({ "Bool": { "k": "yes" } }),
            "Condition.Bool.k: \"yes\" is not true or false",
        ),
        (
            json!({ "IpAddress": { "k": "10.0.0.0/33" } }),
            "an address or a network",
        ),
        (
            json!({ "NumericEquals": { "k": "one" } }),
            "is not a number",
        ),
        (json!({ "DateEquals": { "k": "today" } }), "is not a date"),
        (
            json!({ "StringEquals": { "k": {} } }),
            "an object and not a string",
        ),
        (json!({ "StringEquals": {} }), "has no keys"),
        (json!("x"), "Condition is a string"),
    ] {
        let error = read(&condition, true).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn an_empty_list_allows_nothing() {
    for operator in ["StringEquals", "StringNotEquals"] {
        assert!(!met(&json!({ operator: { "k": [] } }), &with("k", "v")));
    }
}

/// A variable's value is compared without its case as well.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>
#[test]
fn a_variable_is_compared_without_its_case_where_the_operator_ignores_it() {
    let context = Context::new()
        .with("aws:username", "Ada")
        .with("s3:prefix", "ADA");
    let same = json!({ "StringEqualsIgnoreCase": { "s3:prefix": "${aws:username}" } });
    assert!(met(&same, &context));
    let other = json!({ "StringNotEqualsIgnoreCase": { "s3:prefix": "${aws:username}" } });
    assert!(!met(&other, &context));
}
