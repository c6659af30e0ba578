use crate::testing::{problems, resolve_with, resolved};

/// A template with these conditions, and a resource under the condition `C`.
fn with(conditions: &str) -> String {
    format!(
        "Parameters:\n  Stage: {{Type: String, Default: dev}}\nConditions:\n{conditions}\
         Resources:\n  Always: {{Type: A::B::C}}\n  Maybe: {{Type: A::B::C, Condition: C}}\n"
    )
}

#[track_caller]
fn holds(condition: &str) -> bool {
    let stack = resolved(&with(&format!(
        "  Ever: !Equals [a, a]\n  Never: !Equals [a, b]\n  C: {condition}\n"
    )));
    stack.resources.contains_key("Maybe")
}

#[test]
fn equals_compares_text() {
    assert!(holds("!Equals [!Ref Stage, dev]"));
    assert!(!holds("!Equals [!Ref Stage, prod]"));
    assert!(holds("!Equals [true, 'true']"));
    assert!(holds("!Equals [1, '1']"));
    assert!(holds("{'Fn::Equals': [!Sub '${Stage}-x', dev-x]}"));
}

#[test]
fn and_or_and_not_combine() {
    assert!(holds("!And [!Condition Ever, !Not [!Condition Never]]"));
    assert!(!holds("!And [{Condition: Ever}, {Condition: Never}]"));
    assert!(holds("!Or [!Condition Never, !Condition Ever]"));
    assert!(!holds("!Or [!Condition Never, !Condition Never]"));
    assert!(!holds("!Not [!Condition Ever]"));
    assert!(holds("!Condition Ever"));
}

#[test]
fn overrides_decide() {
    let text = with("  C: !Equals [!Ref Stage, prod]\n");
    let stack = resolve_with(&text, &[("Stage", "prod")]);
    assert!(stack.is_ok_and(|it| it.resources.contains_key("Maybe")));
}

#[test]
fn conditions_in_a_circle_are_named() {
    assert_eq!(
        problems(&with(
            "  C: !Not [!Condition D]\n  D: !Not [!Condition C]\n"
        )),
        ["t.yaml:5:12: Conditions.D: conditions go in a circle: C → D → C."]
    );
}

#[test]
fn conditions_know_no_resources() {
    assert_eq!(
        problems(&with("  C: !Equals [!Ref Always, x]\n")),
        [
            "t.yaml:4:15: Conditions.C: Always is no parameter, and conditions are decided before \
          any resource exists."
        ]
    );
}

#[test]
fn what_is_no_condition_is_said() {
    assert_eq!(
        problems(&with("  C: !Ref Stage\n")),
        [
            "t.yaml:4:6: Conditions.C: a condition was expected and this is Ref; use Fn::Equals, \
          Fn::And, Fn::Or, Fn::Not or Condition."
        ]
    );
    assert_eq!(
        problems(&with("  C: maybe\n")),
        [
            "t.yaml:4:6: Conditions.C: a condition was expected and this is text; use Fn::Equals, \
          Fn::And, Fn::Or, Fn::Not or Condition."
        ]
    );
    assert_eq!(
        problems(&with("  C: !And [!Equals [a, a]]\n")),
        ["t.yaml:4:6: Conditions.C: Fn::And needs a list of 2 to 10 conditions."]
    );
    assert_eq!(
        problems(&with("  C: !Not maybe\n")),
        ["t.yaml:4:6: Conditions.C: Fn::Not needs a list of one condition."]
    );
}

#[test]
fn an_unknown_condition_is_named_with_what_was_meant() {
    assert_eq!(
        problems(
            "Conditions:\n  IsProd: !Equals [a, b]\nResources:\n  R:\n    Type: A::B::C\n    \
             Condition: IsProf\n"
        ),
        [
            "t.yaml:6:16: R.Condition: there is no condition IsProf in this template. Did you mean \
          IsProd?"
        ]
    );
}
