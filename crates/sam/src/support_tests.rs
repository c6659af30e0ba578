use super::{Support, kinds};
use crate::testing::{problems, resolved};
use std::collections::BTreeSet;

#[test]
fn the_table_is_whole() {
    let mut names = BTreeSet::new();
    for kind in kinds() {
        assert!(names.insert(kind.name), "{} stands twice", kind.name);
        assert!(!kind.properties.is_empty(), "{}", kind.name);
        let sorted = kind.properties.is_sorted_by_key(|it| it.name);
        assert!(sorted, "{}", kind.name);
        for property in &kind.properties {
            let shapes = ["text", "map", "list", "number", "bool"];
            assert!(property.shapes.iter().all(|it| shapes.contains(it)));
            let whole = matches!(kind.support, Support::Unsupported(_));
            let why = property.support != Support::Unsupported("");
            assert!(whole || why, "{} {}", kind.name, property.name);
        }
        assert_ne!(kind.support, Support::Unsupported(""), "{}", kind.name);
    }
    assert!(names.len() > 60);
}

#[test]
fn what_does_not_work_is_listed_by_resource_and_property() {
    let stack = resolved(
        "Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.handler
      Runtime: python3.13
      CodeUri: .
      Role: arn:role
      Tags: {A: b}
      FileSystemConfigs: [{Arn: a}]
      Events:
        News: {Type: SNS, Properties: {Topic: t}}
        Get: {Type: Api, Properties: {Path: /, Method: get}}
        Later: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 day)}}
  Queue: {Type: AWS::SQS::Queue}
  Role: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {}}}
  Machine: {Type: AWS::Serverless::StateMachine, Properties: {Definition: {}, Role: r}}
  Rule: {Type: AWS::Events::Rule, Properties: {EventPattern: {}, Nme: x}}
",
    );
    let lines: Vec<_> = stack
        .not_supported()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        lines,
        [
            "t.yaml:10:7: Hello.FileSystemConfigs: it is not supported: no file system is mounted.",
            "t.yaml:12:9: Hello.Events.News: SNS events are not supported: nothing sends them: \
             invoke the function with an event of it.",
            "t.yaml:15:3: Queue: AWS::SQS::Queue is not created here: it stays in AWS.",
            "t.yaml:17:3: Machine: AWS::Serverless::StateMachine is not supported: state machines \
             are not run.",
            "t.yaml:18:48: Rule.EventPattern: it is not supported: only schedules invoke.",
            "t.yaml:18:66: Rule.Nme: AWS::Events::Rule has no such property. Did you mean Name?",
        ]
    );
}

#[test]
fn what_sam_refuses_is_refused() {
    assert_eq!(
        problems(
            "Resources:
  A: {Type: AWS::Serverless::Api, Properties: {StageNme: x, Auth: [1], Cors: !Ref AWS::Region}}
  F:
    Type: AWS::Serverless::Function
    Properties:
      Layers: one
      MemorySize: 1
      Events:
        E: {Type: Api, Properties: {Path: /, Methd: get}}
        Q: {Type: SQS, Properties: [1]}
        N: {Type: Sqs}
  B: {Type: AWS::Serverless::Bucket}
  T: {Type: AWS::Serverless::SimpleTable, Properties: {TableName: 5}}
"
        ),
        [
            "t.yaml:2:3: A.StageName: AWS::Serverless::Api needs this property.",
            "t.yaml:2:48: A.StageNme: AWS::Serverless::Api has no such property. Did you mean \
             StageName?",
            "t.yaml:2:67: A.Auth: it must be a map, but it is a list.",
            "t.yaml:6:15: F.Layers: it must be a list, but it is text.",
            "t.yaml:9:36: F.Events.E.Properties.Method: Api needs this property.",
            "t.yaml:9:46: F.Events.E.Properties.Methd: Api has no such property. Did you mean \
             Method?",
            "t.yaml:10:36: F.Events.Q.Properties: it must be a map, but it is a list.",
            "t.yaml:11:9: F.Events.N: Sqs is no type of an event. Did you mean SQS?",
            "t.yaml:12:3: B.Type: AWS::Serverless::Bucket is no type of SAM's.",
        ]
    );
}
