#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use crate::testing::{problems, property, property_problems, resolved};
use serde_json::{Value, json};

#[test]
fn ref_gives_parameters_pseudo_parameters_and_names() {
    assert_eq!(property("!Ref Stage"), json!("dev"));
    assert_eq!(property("!Ref Count"), json!("3"));
    assert_eq!(property("!Ref Zones"), json!(["a", "b", "c"]));
    assert_eq!(property("!Ref Table"), json!("shop-orders"));
}

#[test]
fn pseudo_parameters_come_from_the_context() {
    for (name, expected) in [
        ("Region", "eu-west-1"),
        ("AccountId", "123456789012"),
        ("StackName", "shop"),
        (
            "StackId",
            "arn:aws:cloudformation:eu-west-1:123456789012:stack/shop/1",
        ),
        ("Partition", "aws"),
        ("URLSuffix", "amazonaws.com"),
    ] {
        assert_eq!(property(&format!("!Ref AWS::{name}")), json!(expected));
    }
}

#[test]
fn no_value_removes_a_property_and_an_element() {
    assert_eq!(property("!Ref AWS::NoValue"), Value::Null);
    assert_eq!(
        property("{a: !Ref AWS::NoValue, b: [!Ref AWS::NoValue, 1]}"),
        json!({"b": [1]})
    );
}

#[test]
fn get_att_takes_both_forms() {
    assert_eq!(property("!GetAtt Table.Arn"), json!("Table.Arn"));
    assert_eq!(
        property("!GetAtt [Table, StreamArn]"),
        json!("Table.StreamArn")
    );
    assert_eq!(property("{'Fn::GetAtt': Table.Arn}"), json!("Table.Arn"));
    assert_eq!(
        property("{'Fn::GetAtt': [Table, !Ref Stage]}"),
        json!("Table.dev")
    );
    assert_eq!(
        property_problems("!GetAtt Table"),
        [
            "t.yaml:24:10: Subject.V: Fn::GetAtt needs a resource and one of its attributes: [Table, \
          Arn], or !GetAtt Table.Arn."
        ]
    );
}

#[test]
fn unknown_names_are_named_with_what_was_meant() {
    assert_eq!(
        property_problems("!Ref Tabel"),
        [
            "t.yaml:24:10: Subject.V: Tabel is neither a parameter nor a resource of this template. \
          Did you mean Table?"
        ]
    );
    assert_eq!(
        property_problems("!Ref AWS::Regoin"),
        [
            "t.yaml:24:10: Subject.V: AWS::Regoin is neither a parameter nor a resource of this \
          template. Did you mean AWS::Region?"
        ]
    );
    assert_eq!(
        property_problems("[{'Ref': {a: b}}]"),
        ["t.yaml:24:19: Subject.V.0: Ref needs a name, and this is a map."]
    );
}

#[test]
fn a_resource_that_is_not_created_cannot_be_referred_to() {
    assert_eq!(
        property_problems("!Ref Gone"),
        [
            "t.yaml:24:10: Subject.V: Gone is not created, because its condition IsProd is false; put \
          this reference under the same condition."
        ]
    );
}

#[test]
fn names_are_resolved_in_any_order() {
    let stack = resolved(
        "Resources:\n  A:\n    Type: AWS::SNS::Topic\n    Properties:\n      TopicName: !Sub \
         '${B}-a'\n  B:\n    Type: AWS::SNS::Topic\n    Properties:\n      TopicName: !Join ['-', \
         [!Ref C, b]]\n  C:\n    Type: AWS::SNS::Topic\n    Properties: {TopicName: c}\n",
    );
    let a = &stack.resources["A"];
    assert_eq!(a.properties["TopicName"], "c-b-a");
    assert_eq!(a.reference, "c-b-a");
    assert_eq!(a.references, ["B"]);
}

#[test]
fn names_made_of_each_other_are_a_circle() {
    assert_eq!(
        problems(
            "Resources:\n  A:\n    Type: AWS::SNS::Topic\n    Properties: {TopicName: !Ref B}\n  \
             B:\n    Type: AWS::SNS::Topic\n    Properties: {TopicName: !Ref A}\n"
        ),
        [
            "t.yaml:2:3: A: these resources wait for each other: A → B → A; break the circle by \
          removing one of the references."
        ]
    );
}

#[test]
fn resources_that_wait_for_each_other_are_a_circle() {
    let message = "these resources wait for each other";
    assert_eq!(
        problems(
            "Resources:\n  A:\n    Type: AWS::Lambda::Function\n    Properties: {Environment: !Ref \
             B}\n  B:\n    Type: AWS::Lambda::Function\n    DependsOn: C\n  C:\n    Type: \
             A::B::C\n    Properties: {X: !GetAtt A.Arn}\n"
        ),
        [format!(
            "t.yaml:2:3: A: {message}: A → B → C → A; break the circle by removing one of the \
             references."
        )]
    );
    assert_eq!(
        problems("Resources:\n  A:\n    Type: A::B::C\n    Properties: {X: !Ref A}\n"),
        [format!(
            "t.yaml:2:3: A: {message}: A → A; break the circle by removing one of the references."
        )]
    );
}

#[test]
fn what_sam_moves_elsewhere_makes_no_circle() {
    let stack = resolved(
        "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Environment: \
         {Variables: {API: !Ref Api}}\n      Events:\n        Get: {Type: Api, Properties: \
         {RestApiId: !Ref Api, Path: /, Method: get}}\n  Api:\n    Type: AWS::Serverless::Api\n    \
         Properties:\n      StageName: Prod\n      Variables: {F: !Ref F}\n",
    );
    let variables = stack.resources["F"]
        .property("Environment.Variables")
        .unwrap();
    assert_eq!(*variables, json!({"API": "Api"}));
}

#[test]
fn an_attribute_nobody_knows_is_named_with_its_resource() {
    use crate::{Context, PhysicalNames, Resource, Template};
    struct Nothing;
    impl PhysicalNames for Nothing {
        fn reference(&self, resource: &Resource) -> String {
            format!("physical-{}", resource.logical_id)
        }
        fn attribute(&self, _: &Resource, _: &str) -> Option<Value> {
            None
        }
    }
    let text = "Resources:\n  Q: {Type: AWS::SQS::Queue}\n  R:\n    Type: A::B::C\n    Properties:\n      \
                A: !Ref Q\n      B: !GetAtt Q.Nope\n";
    let problems = Template::parse("t.yaml", text).unwrap().resolve(&Context {
        stack_name: "s",
        stack_id: "s",
        account_id: "1",
        region: "r",
        partition: "aws",
        url_suffix: "x",
        parameters: &Default::default(),
        names: &Nothing,
    });
    assert_eq!(
        problems.unwrap_err().to_string(),
        "t.yaml:7:10: R.B: Q (AWS::SQS::Queue) has no attribute Nope that is known here."
    );
}

#[test]
fn what_sam_would_generate_is_said_to_be_missing() {
    assert_eq!(
        problems(
            "Resources:\n  F:\n    Type: AWS::Serverless::Function\nOutputs:\n  V:\n    Value: !Ref \
             F.Version\n"
        ),
        [
            "t.yaml:6:12: Outputs.V: F.Version is there with AutoPublishAlias only: the function needs \
             one."
        ]
    );
}
