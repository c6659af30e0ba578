#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use super::*;
use proptest::prelude::*;
use serde_json::json;

const RULE: EventRule<'static> = EventRule {
    arn: "arn:aws:events:us-east-2:123456789012:rule/example",
    name: "example",
};

/// The one of AWS's documentation.
fn event() -> Value {
    json!({
        "version": "0",
        "id": "7bf73129-1428-4cd3-a780-95db273d1602",
        "detail-type": "EC2 Instance State-change Notification",
        "source": "aws.ec2",
        "account": "123456789012",
        "time": "2015-11-11T21:29:54Z",
        "region": "us-east-1",
        "resources": ["arn:aws:ec2:us-east-1:123456789012:instance/i-abcd1111"],
        "detail": {"instance-id": "i-0123456789", "state": "RUNNING", "cores": 2},
    })
}

fn made(target: Value) -> Result<String, String> {
    TargetInput::of(&target).unwrap().of_event(&event(), RULE)
}

fn transformed(template: &str) -> Result<String, String> {
    let paths = json!({
        "timestamp": "$.time",
        "instance": "$.detail.instance-id",
        "state": "$.detail.state",
        "cores": "$.detail.cores",
        "detail": "$.detail",
        "resources": "$.resources",
        "missing": "$.detail.nothing",
    });
    made(json!({"InputTransformer": {"InputPathsMap": paths, "InputTemplate": template}}))
}

#[test]
fn a_target_gets_the_event_or_its_own_input_as_it_is() {
    assert_eq!(made(json!({})), Ok(event().to_string()));
    assert_eq!(
        made(json!({"Input": "{ \"a\": 1 }"})).unwrap(),
        "{ \"a\": 1 }"
    );
}

/// As AWS's answers were recorded: an object, and text in its quotes.
#[test]
fn a_path_gives_what_stands_there() {
    for (path, expected) in [
        ("$", event().to_string()),
        ("$.detail", event()["detail"].to_string()),
        ("$.detail.state", "\"RUNNING\"".to_owned()),
        ("$.detail-type", event()["detail-type"].to_string()),
        ("$.resources[0]", event()["resources"][0].to_string()),
        ("$.resources[*]", event()["resources"].to_string()),
        (
            "$.detail.*",
            json!(["i-0123456789", "RUNNING", 2]).to_string(),
        ),
    ] {
        assert_eq!(made(json!({"InputPath": path})), Ok(expected), "{path}");
    }
    for path in [
        "$.detail.nothing",
        "$.resources[1]",
        "$.time.*",
        "$.detail[0]",
    ] {
        let error = made(json!({"InputPath": path})).unwrap_err();
        assert!(error.contains(path), "{error}");
    }
}

/// AWS's own examples.
#[test]
fn templates_make_what_the_documentation_says() {
    for (template, expected) in [
        (
            r#""instance <instance> is in <state>""#,
            r#""instance i-0123456789 is in RUNNING""#,
        ),
        (
            r#""instance \"<instance>\" is in <state>""#,
            r#""instance \"i-0123456789\" is in RUNNING""#,
        ),
        (
            "{\n  \"instance\" : <instance>,\n  \"state\": <state>\n}",
            r#"{"instance":"i-0123456789","state":"RUNNING"}"#,
        ),
        (
            r#"{"instance": <instance>, "state": "<state>", "instanceStatus": "instance \"<instance>\" is in <state>"}"#,
            r#"{"instance":"i-0123456789","state":"RUNNING","instanceStatus":"instance \"i-0123456789\" is in RUNNING"}"#,
        ),
        (
            r#"{"instance": <instance>, "state": [9, <state>, true], "Transformed": "Yes"}"#,
            r#"{"instance":"i-0123456789","state":[9,"RUNNING",true],"Transformed":"Yes"}"#,
        ),
        (
            r#"{"ruleArn": <aws.events.rule-arn>, "ruleName": <aws.events.rule-name>}"#,
            r#"{"ruleArn":"arn:aws:events:us-east-2:123456789012:rule/example","ruleName":"example"}"#,
        ),
        (
            r#""<aws.events.rule-name> triggered""#,
            r#""example triggered""#,
        ),
    ] {
        assert_eq!(transformed(template).as_deref(), Ok(expected));
    }
}

#[test]
fn objects_lose_their_quotes_in_text_and_what_is_missing_is_empty() {
    for (template, expected) in [
        (r#"{"n": <cores>, "t": "<cores>"}"#, r#"{"n":2,"t":"2"}"#),
        (
            r#"{"d": <detail>}"#,
            r#"{"d":{"instance-id":"i-0123456789","state":"RUNNING","cores":2}}"#,
        ),
        (
            r#""of <detail>""#,
            r#""of {instance-id:i-0123456789,state:RUNNING,cores:2}""#,
        ),
        (
            r#"<resources>"#,
            r#"["arn:aws:ec2:us-east-1:123456789012:instance/i-abcd1111"]"#,
        ),
        (
            r#"{"m": <missing>, "t": "a <missing>b"}"#,
            r#"{"m":"","t":"a b"}"#,
        ),
        (r#""1 < 2 <a b>""#, r#""1 < 2 <a b>""#),
    ] {
        assert_eq!(transformed(template).as_deref(), Ok(expected));
    }
}

#[test]
fn the_event_is_there_with_and_without_its_detail() {
    let template = r#"{"whole": <aws.events.event.json>, "rest": <aws.events.event>, "at": <aws.events.event.ingestion-time>}"#;
    let made: Value = serde_json::from_str(&transformed(template).unwrap()).unwrap();
    assert_eq!(made["whole"], event());
    let mut rest = event();
    rest.as_object_mut().unwrap().remove("detail");
    assert_eq!(made["rest"], rest);
    assert_eq!(made["at"], "2015-11-11T21:29:54Z");
}

#[test]
fn what_is_no_json_is_said() {
    for template in [
        "instance <instance>",
        r#"{"a": <instance>"#,
        r#"{"a": "<state>""#,
    ] {
        let error = transformed(template).unwrap_err();
        assert!(error.contains("is no JSON"), "{error}");
    }
}

#[test]
fn what_aws_would_not_take_is_refused_by_its_property() {
    let template = |map: Value, template: &str| json!({"InputTransformer": {"InputPathsMap": map, "InputTemplate": template}});
    for (target, property, why) in [
        (
            json!({"Input": "1", "InputPath": "$"}),
            "InputPath",
            "only one",
        ),
        (json!({"Input": 1}), "Input", "not of the form"),
        (json!({"Input": {"a": 1}}), "Input", "not of the form"),
        (json!({"InputPath": "detail"}), "InputPath", "no path"),
        (json!({"InputPath": "$['detail']"}), "InputPath", "no path"),
        (json!({"InputPath": "$.a..b"}), "InputPath", "no path"),
        (
            json!({"InputTransformer": "<a>"}),
            "InputTransformer",
            "not of the form",
        ),
        (
            json!({"InputTransformer": {}}),
            "InputTransformer",
            "no InputTemplate",
        ),
        (
            template(json!({"a": "$.a["}), "<a>"),
            "InputTransformer.InputPathsMap.a",
            "no path",
        ),
        (
            template(json!({"aws.a": "$.a"}), "<aws.a>"),
            "InputTransformer.InputPathsMap.aws.a",
            "AWS's own",
        ),
        (
            template(json!({"a": "$.a"}), "\"<b>\""),
            "InputTransformer.InputTemplate",
            "<b> is not one of",
        ),
    ] {
        let (at, error) = TargetInput::of(&target).unwrap_err();
        assert_eq!(at, property);
        assert!(error.contains(why), "{error}");
    }
}

proptest! {
    /// Whatever stands in the event, a template of values makes JSON that has it.
    #[test]
    fn values_arrive_as_they_are(text in "[a-zA-Z0-9 :/.-]{0,20}", number in any::<i32>(), flag in any::<bool>()) {
        let event = json!({"detail": {"text": text, "all": [number, flag, null]}});
        let target = json!({"InputTransformer": {
            "InputPathsMap": {"text": "$.detail.text", "all": "$.detail.all"},
            "InputTemplate": r#"{"a": <all>, "t": <text>, "s": "<text>!"}"#,
        }});
        let made = TargetInput::of(&target).unwrap().of_event(&event, RULE).unwrap();
        let made: Value = serde_json::from_str(&made).unwrap();
        let expected = json!({"a": [number, flag, null], "t": text, "s": format!("{text}!")});
        prop_assert_eq!(made, expected);
    }

    #[test]
    fn no_template_and_no_path_is_too_strange(template in "[\"<>{}a.$\\\\\\[\\]]{0,30}", path in "[$.a*\\[\\]0]{0,12}") {
        let transformer = json!({"InputPathsMap": {"a": path}, "InputTemplate": template});
        let target = json!({"InputTransformer": transformer});
        if let Ok(input) = TargetInput::of(&target)
            && let Ok(made) = input.of_event(&event(), RULE)
        {
            prop_assert!(serde_json::from_str::<Value>(&made).is_ok());
        }
    }
}
