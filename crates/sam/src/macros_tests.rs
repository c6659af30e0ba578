use crate::problem::Problems;
use crate::stack::Stack;
use crate::testing::{problems_of, resolve_among, resolve_with, resolved};
use serde_json::json;

#[track_caller]
fn among(text: &str, files: &[(&str, &str)]) -> Stack {
    resolve_among(text, files).unwrap_or_else(|problems: Problems| panic!("{problems}"))
}

fn notes(stack: &Stack) -> Vec<String> {
    stack.unsupported.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_included_stands_where_it_is_included() {
    let stack = among(
        "Parameters:
  Stage: {Type: String, Default: dev}
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Properties:
      TopicName: own
      Fn::Transform:
        Name: AWS::Include
        Parameters: {Location: !Sub '${Stage}.yaml'}
      Value: {'Fn::Transform': {Name: AWS::Include, Parameters: {Location: ./list.json}}}
  Fn::Transform: {Name: AWS::Include, Parameters: {Location: more.yaml}}
",
        &[
            (
                "dev.yaml",
                "TopicName: theirs\nDisplayName: !Ref AWS::StackName\n",
            ),
            ("list.json", "[1, \"two\"]"),
            (
                "more.yaml",
                "Other:\n  Type: AWS::SNS::Topic\n  Fn::Transform: {Name: AWS::Include, \
                 Parameters: {Location: deep.yaml}}\n",
            ),
            ("deep.yaml", "DependsOn: Topic\n"),
        ],
    );
    assert_eq!(
        stack.resources["Topic"].properties,
        json!({"TopicName": "own", "DisplayName": "shop", "Value": [1, "two"]})
    );
    assert_eq!(stack.resources["Other"].depends_on, ["Topic"]);
}

#[test]
fn a_whole_template_may_include_sections() {
    let stack = among(
        "Transform:
  - AWS::Serverless-2016-10-31
  - {Name: AWS::Include, Parameters: {Location: sections.yaml}}
Resources:
  Topic: {Type: AWS::SNS::Topic, Properties: {DisplayName: !FindInMap [M, a, b]}}
",
        &[("sections.yaml", "Mappings: {M: {a: {b: included}}}\n")],
    );
    let topic = &stack.resources["Topic"].properties;
    assert_eq!(topic, &json!({"DisplayName": "included"}));
    assert_eq!(notes(&stack), [""; 0]);
}

#[test]
fn what_cannot_be_included_is_left_out_and_said() {
    let stack = among(
        "Resources:
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: dev
      DefinitionBody:
        Fn::Transform: {Name: AWS::Include, Parameters: {Location: s3://bucket/api.yaml}}
      Models: {'Fn::Transform': {Name: Words}}
",
        &[],
    );
    let api = &stack.resources["Api"].properties;
    assert_eq!(api, &json!({"StageName": "dev"}));
    assert_eq!(
        notes(&stack),
        [
            "t.yaml:7:68: Api.DefinitionBody: s3://bucket/api.yaml is not included (it is not \
             here): what it holds is left out.",
            "t.yaml:8:33: Api.Models: the macro Words is not applied: what it makes is left out.",
        ]
    );
}

#[test]
fn a_wrong_include_is_named_where_it_stands() {
    let problems = problems_of(resolve_among(
        "Resources:
  Topic:
    Type: AWS::SNS::Topic
    Properties:
      A: {'Fn::Transform': {Name: AWS::Include, Parameters: {Location: gone.yaml}}}
      B: {'Fn::Transform': {Name: AWS::Include}}
      C: {'Fn::Transform': [AWS::Include]}
      D: {'Fn::Transform': {Name: AWS::Include, Parameters: {Location: bad.yaml}}}
      E: {'Fn::Transform': {Name: AWS::Include, Parameters: {Location: me.yaml}}}
      F: {G: 1, 'Fn::Transform': {Name: AWS::Include, Parameters: {Location: list.yaml}}}
      H: {'Fn::Transform': {Name: AWS::Include, Parameters: {Location: !GetAtt Topic.Arn}}}
",
        &[
            ("bad.yaml", "a: 1\na: 2\n"),
            ("list.yaml", "[1]"),
            (
                "me.yaml",
                "{'Fn::Transform': {Name: AWS::Include, Parameters: {Location: me.yaml}}}",
            ),
        ],
    ));
    assert_eq!(
        problems,
        [
            "t.yaml:5:72: Topic.A: gone.yaml cannot be included: there is no such file.",
            "t.yaml:6:28: Topic.B: AWS::Include needs a Location in Parameters.",
            "t.yaml:7:28: Topic.C: a transform needs a Name: {Name: AWS::Include, Parameters: \
             {Location: file}}.",
            "t.yaml:9:28: Topic.E: me.yaml is included within itself, or too deep.",
            "t.yaml:10:17: Topic.F: what is included must be a map to stand beside other keys, but \
             it is a list.",
            "t.yaml:11:72: Topic.H: Topic is no parameter, and this is written \
             out before any resource exists.",
            "bad.yaml:2:1: the key a stands twice in this map, on lines 1 and 2; remove one.",
        ]
    );
}

const LOOP: &str = "Transform: AWS::LanguageExtensions
Parameters:
  Names: {Type: CommaDelimitedList, Default: 'in-box,out'}
Mappings:
  Sizes: {all: {Sizes: [1, 2]}}
Resources:
  Fn::ForEach::Topics:
    - Name
    - !Ref Names
    - Topic&{Name}:
        Type: AWS::SNS::Topic
        Properties:
          TopicName: !Sub '${AWS::StackName}-${Name}'
          DisplayName: !Ref Name
          Fn::ForEach::Sizes:
            - Size
            - !FindInMap [Sizes, all, Sizes]
            - '${Name}${Size}': {Here: !Ref Size}
Outputs:
  Fn::ForEach::All:
    - Name
    - [in-box, out]
    - Out&{Name}: {Value: !Ref 'Topic&{Name}'}
";

#[test]
fn a_loop_is_written_out() {
    let stack = resolved(LOOP);
    let ids: Vec<_> = stack.resources.keys().collect();
    assert_eq!(ids, ["Topicinbox", "Topicout"]);
    assert_eq!(
        stack.resources["Topicinbox"].properties,
        json!({
            "TopicName": "shop-in-box", "DisplayName": "in-box",
            "in-box1": {"Here": "1"}, "in-box2": {"Here": "2"},
        })
    );
    let outputs = stack.outputs.iter().map(|it| (&*it.key, &*it.value));
    let expected = [("Outinbox", "shop-in-box"), ("Outout", "shop-out")];
    assert_eq!(outputs.collect::<Vec<_>>(), expected);
    let other = resolve_with(LOOP, &[("Names", "only,in-box,out")]).unwrap();
    assert!(other.resources.contains_key("Topiconly"));
}

#[test]
fn a_wrong_loop_is_named() {
    let problems = problems_of(resolve_with(
        "Resources:
  T: {Type: AWS::SNS::Topic}
  Fn::ForEach::A: nothing
  Fn::ForEach::B: [1, [a], {}]
  Fn::ForEach::C: [X, text, {'T${X}': {Type: AWS::SNS::Topic}}]
  Fn::ForEach::D: [X, [a, b], {Same: {Type: AWS::SNS::Topic}}]
  Fn::ForEach::E: [X, !Ref T, {'T${X}': {Type: AWS::SNS::Topic}}]
",
        &[],
    ));
    assert_eq!(
        problems,
        [
            "t.yaml:3:3: Resources: Fn::ForEach::A needs a list of identifier, collection and a \
             map of what is repeated.",
            "t.yaml:4:3: Resources: Fn::ForEach::B needs text as its identifier, and a map of what \
             is repeated.",
            "t.yaml:5:23: Resources: the collection of Fn::ForEach::C must be a list of texts.",
            "t.yaml:6:32: Resources: Fn::ForEach::D makes Same twice.",
            "t.yaml:7:23: Resources: T is no parameter, and this is written out before any \
             resource exists.",
        ]
    );
}

#[test]
fn a_loop_without_end_is_refused() {
    let loops = (0..8).fold("Leaf: 1".to_owned(), |body, depth| {
        format!("'Fn::ForEach::L{depth}': [I{depth}, [a, b, c, d, e, f, g, h], {{'K${{I{depth}}}': {{{body}}}}}]")
    });
    let text = format!("Resources: {{T: {{Type: AWS::SNS::Topic, Properties: {{{loops}}}}}}}\n");
    let problems = problems_of(resolve_with(&text, &[]));
    assert!(problems[0].ends_with("it expands to more than a template may hold."));
}
