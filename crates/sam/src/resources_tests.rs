#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use crate::Position;
use crate::testing::{problems, resolved};
use serde_json::{Value, json};

#[test]
fn attributes_are_read() {
    let stack = resolved(
        "Conditions:\n  Ever: !Equals [a, a]\n  Never: !Equals [a, b]\nResources:\n  A: {Type: \
         A::B::C}\n  Gone: {Type: A::B::C, Condition: Never}\n  R:\n    Type: A::B::C\n    Condition: \
         Ever\n    DependsOn: [A, Gone]\n    DeletionPolicy: Retain\n    UpdateReplacePolicy: \
         Snapshot\n    Metadata: {Owner: !Ref A}\n    Properties:\n",
    );
    assert_eq!(stack.resources.keys().collect::<Vec<_>>(), ["A", "R"]);
    let resource = &stack.resources["R"];
    assert_eq!(resource.kind, "A::B::C");
    assert_eq!(resource.condition.as_deref(), Some("Ever"));
    assert_eq!(resource.depends_on, ["A"]);
    assert_eq!(resource.deletion_policy.as_deref(), Some("Retain"));
    assert_eq!(resource.update_replace_policy.as_deref(), Some("Snapshot"));
    assert_eq!(resource.metadata, json!({"Owner": "A"}));
    assert_eq!(resource.properties, json!({}));
    assert_eq!(resource.position, Position { line: 7, column: 3 });
    assert_eq!(stack.resources["A"].metadata, Value::Null);
}

#[test]
fn every_property_knows_its_place() {
    let stack = resolved(
        "Conditions:\n  Never: !Equals [a, b]\nResources:\n  R:\n    Type: A::B::C\n    Properties:\n      \
         Env:\n        Vars:\n          X: 1\n      List:\n        - !If [Never, a, !Ref AWS::NoValue]\n        \
         - b\n      Joined: !Join ['', [a]]\n",
    );
    let resource = &stack.resources["R"];
    let at = |path| {
        let Position { line, column } = resource.position_of(path);
        (line, column)
    };
    assert_eq!(at("Env"), (7, 7));
    assert_eq!(at("Env.Vars.X"), (9, 11));
    assert_eq!(at("Env.Vars.Unknown.Deeper"), (8, 9));
    assert_eq!(at("List.0"), (12, 11));
    assert_eq!(at("Joined"), (13, 7));
    assert_eq!(at("Nothing"), (4, 3));
    assert!(!resource.positions.contains_key("Joined.0"));
    assert_eq!(resource.property("List.0"), Some(&json!("b")));
    assert_eq!(resource.property("List.9"), None);
}

#[test]
fn wrong_resources_are_all_named_at_once() {
    assert_eq!(
        problems(
            "Resources:\n  NoType: {Properties: {}}\n  ListType: {Type: [x]}\n  Text: hello\n  \
             Dash-ed: {Type: A::B::C}\n  Typo: {Type: A::B::C, Proprties: {}}\n  Loose: {Type: \
             A::B::C, Handler: x}\n  Props: {Type: A::B::C, Properties: [a]}\n  Waits: {Type: \
             A::B::C, DependsOn: [Porps, [x]]}\n  Keeps: {Type: A::B::C, DeletionPolicy: Retian}\n"
        ),
        [
            "t.yaml:2:3: NoType: the Type is missing, such as Type: AWS::Serverless::Function.",
            "t.yaml:3:20: ListType.Type: it must be text, but it is a list.",
            "t.yaml:4:3: Text: a resource is a map with a Type, not text.",
            "t.yaml:5:3: Dash-ed: a logical id has only letters and digits; rename this one.",
            "t.yaml:6:25: Typo: Proprties is no resource attribute. Did you mean Properties?",
            "t.yaml:7:26: Loose: Handler is no resource attribute. Properties of the resource \
             stand under Properties.",
            "t.yaml:8:38: Props.Properties: it must be a map, but it is a list.",
            "t.yaml:9:38: Waits.DependsOn: there is no resource Porps in this template. Did you \
             mean Props?",
            "t.yaml:9:45: Waits.DependsOn: it names resources as plain text, but this is a list.",
            "t.yaml:10:42: Keeps.DeletionPolicy: it must be one of Delete, Retain, \
             RetainExceptOnCreate, Snapshot. Did you mean Retain?",
        ]
    );
}
