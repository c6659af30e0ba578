#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use crate::testing::{problems, problems_of, resolve_with, resolved};
use crate::{Parameter, Template};
use serde_json::json;

const REST: &str = "Resources:\n  R:\n    Type: A::B::C\n    Properties: {V: !Ref P}\n";

fn with(parameter: &str) -> String {
    format!("Parameters:\n  P: {parameter}\n{REST}")
}

#[track_caller]
fn value(parameter: &str) -> serde_json::Value {
    let stack = resolved(&with(parameter));
    stack.resources["R"].properties["V"].clone()
}

#[test]
fn ref_gives_text_or_a_list_of_texts() {
    assert_eq!(value("{Type: String, Default: x}"), json!("x"));
    assert_eq!(value("{Type: String, Default: 5}"), json!("5"));
    assert_eq!(value("{Type: String, Default: yes}"), json!("true"));
    assert_eq!(value("{Type: Number, Default: 5}"), json!("5"));
    assert_eq!(value("{Type: String, Default: ''}"), json!(""));
    assert_eq!(
        value("{Type: CommaDelimitedList, Default: 'a, b'}"),
        json!(["a", "b"])
    );
    assert_eq!(value("{Type: CommaDelimitedList, Default: ''}"), json!([]));
    assert_eq!(
        value("{Type: List<Number>, Default: '1,2'}"),
        json!(["1", "2"])
    );
    assert_eq!(
        value("{Type: 'List<AWS::EC2::Subnet::Id>', Default: 's-1,s-2'}"),
        json!(["s-1", "s-2"])
    );
    assert_eq!(
        value("{Type: 'AWS::EC2::VPC::Id', Default: v-1}"),
        json!("v-1")
    );
}

#[test]
fn an_override_wins_over_the_default() {
    let stack = resolve_with(&with("{Type: String, Default: x}"), &[("P", "y")]).unwrap();
    assert_eq!(stack.parameters["P"], "y");
    assert_eq!(stack.resources["R"].properties["V"], "y");
}

#[test]
fn a_missing_value_is_a_problem_once() {
    assert_eq!(
        problems(&with("{Type: String}")),
        [
            "t.yaml:2:3: Parameters.P: it has no default and no value was given; give one with \
          --parameter-overrides P=…."
        ]
    );
}

#[test]
fn an_unknown_override_is_named_with_what_was_meant() {
    let text = with("{Type: String, Default: x}")
        .replace("P:", "Stage:")
        .replace("!Ref P", "a");
    assert_eq!(
        problems_of(resolve_with(&text, &[("Stgae", "y")])),
        ["t.yaml: Parameters: the template declares no parameter Stgae. Did you mean Stage?"]
    );
}

#[test]
fn constraints_hold() {
    for (parameter, given, message) in [
        (
            "{Type: String, AllowedValues: [dev, prod]}",
            "test",
            "its value test is none of the allowed values: dev, prod.",
        ),
        ("{Type: Number}", "many", "its value many is no number."),
        ("{Type: List<Number>}", "1,x", "its value x is no number."),
        (
            "{Type: Number, MinValue: 3}",
            "2",
            "its value 2 breaks MinValue 3.",
        ),
        (
            "{Type: Number, MaxValue: 3}",
            "4",
            "its value 4 breaks MaxValue 3.",
        ),
        (
            "{Type: String, MinLength: 2}",
            "x",
            "its value x breaks MinLength 2.",
        ),
        (
            "{Type: String, MaxLength: 2}",
            "xyz",
            "its value xyz breaks MaxLength 2.",
        ),
        (
            "{Type: String, AllowedPattern: '[a-z]+', ConstraintDescription: lower case}",
            "abC",
            "its value abC does not match the AllowedPattern. (lower case)",
        ),
        (
            "{Type: String, NoEcho: true, AllowedValues: [a]}",
            "secret",
            "its value is none of the allowed values: a.",
        ),
    ] {
        assert_eq!(
            problems_of(resolve_with(&with(parameter), &[("P", given)])),
            [format!("t.yaml:2:3: Parameters.P: {message}")]
        );
    }
}

#[test]
fn wrong_declarations_are_named() {
    assert_eq!(
        problems(&with("{Type: Strin, Default: x}")),
        ["t.yaml:2:3: Parameters.P: Strin is no type of a parameter. Did you mean String?"]
    );
    assert_eq!(
        problems(&with("{Default: x}")),
        ["t.yaml:2:3: Parameters.P: the Type is missing; most parameters are Type: String."]
    );
    assert_eq!(
        problems(&with("{Type: String, Defualt: x}")),
        [
            "t.yaml:2:3: Parameters.P: it has no default and no value was given; give one with \
             --parameter-overrides P=….",
            "t.yaml:2:21: Parameters.P: Defualt is no attribute of a parameter. Did you mean \
             Default?",
        ]
    );
    assert_eq!(
        problems(&with("text")),
        ["t.yaml:2:3: Parameters.P: a parameter is a map with a Type, not text."]
    );
}

#[test]
fn a_stored_value_is_not_looked_up_but_said() {
    let stack = resolved(&with(
        "{Type: 'AWS::SSM::Parameter::Value<List<String>>', Default: /a}",
    ));
    assert_eq!(stack.resources["R"].properties["V"], json!(["/a"]));
    assert_eq!(
        stack.unsupported[0].to_string(),
        "t.yaml:2:3: Parameters.P: its value is the name of a stored value, which is not looked \
         up; give it as \"/a\" under Parameters in the file of --env-vars."
    );
}

#[test]
fn declarations_can_be_listed() {
    let text = with("{Type: String, AllowedValues: [1, b], Description: what, NoEcho: true}");
    let template = Template::parse("t.yaml", &text).unwrap();
    assert_eq!(
        template.parameters(),
        [Parameter {
            name: "P".into(),
            kind: "String".into(),
            default: None,
            allowed_values: vec!["1".into(), "b".into()],
            description: Some("what".into()),
            no_echo: true,
        }]
    );
}
