#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use crate::testing::{problems, resolved};
use crate::{Output, Template};

#[test]
fn outputs_are_text() {
    let stack = resolved(
        "Description: what it is\nConditions:\n  Never: !Equals [a, b]\nResources:\n  A: {Type: \
         A::B::C}\nOutputs:\n  Number: {Value: 30}\n  Bool: {Value: yes, Description: is it}\n  \
         Url:\n    Value: !Sub 'https://${A}'\n    Export: {Name: !Sub '${AWS::StackName}-url'}\n  \
         Gone: {Condition: Never, Value: !Ref Nothing}\n",
    );
    assert_eq!(stack.description.as_deref(), Some("what it is"));
    let output = |key: &str, value: &str| Output {
        key: key.to_owned(),
        value: value.to_owned(),
        description: None,
        export_name: None,
    };
    assert_eq!(
        stack.outputs,
        [
            output("Number", "30"),
            Output {
                description: Some("is it".into()),
                ..output("Bool", "true")
            },
            Output {
                export_name: Some("shop-url".into()),
                ..output("Url", "https://A")
            },
        ]
    );
}

#[test]
fn wrong_outputs_are_named() {
    assert_eq!(
        problems(
            "Resources:\n  A: {Type: A::B::C}\nOutputs:\n  List:\n    Value: [a]\n  None: {}\n  \
             Unknown:\n    Value: !Ref B\n"
        ),
        [
            "t.yaml:5:12: Outputs.List: an output's value must be text, but it is a list.",
            "t.yaml:6:3: Outputs.None: an output is a map with a Value; it has none.",
            "t.yaml:8:12: Outputs.Unknown: B is neither a parameter nor a resource of this \
             template.",
        ]
    );
}

#[test]
fn unknown_sections_are_named_with_what_was_meant() {
    assert_eq!(
        problems(
            "AWSTemplateFormatVersion: 2010-09-10\nResorces: {}\nOutputs: [a]\nFn::Transform: \
             {}\nBanana: 1\n"
        ),
        [
            "t.yaml:1:1: Resources: the template has no resources; it needs at least one.",
            "t.yaml:1:27: AWSTemplateFormatVersion: the only version there is, is '2010-09-09'.",
            "t.yaml:2:1: Resorces is no section of a template. Did you mean Resources?",
            "t.yaml:3:10: Outputs: the section must be a map, but it is a list.",
            "t.yaml:4:16: a transform needs a Name: {Name: AWS::Include, Parameters: {Location: \
             file}}.",
            "t.yaml:5:1: Banana is no section of a template.",
        ]
    );
}

#[test]
fn a_template_is_a_map() {
    let problems = Template::parse("t.yaml", "- a\n").unwrap_err();
    assert_eq!(
        problems.to_string(),
        "t.yaml:1:1: a template is a map of sections such as Resources, but this is a list."
    );
}

#[test]
fn empty_sections_are_as_good_as_none() {
    let stack = resolved("Parameters:\nOutputs:\nMappings: {}\nResources:\n  A: {Type: A::B::C}\n");
    assert_eq!(stack.resources.len(), 1);
    assert!(stack.unsupported.is_empty());
}

#[test]
fn what_cdk_adds_to_every_template_is_not_said() {
    let stack = resolved(
        "Parameters:
  BootstrapVersion: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /cdk-bootstrap/hnb659fds/version}
Rules:
  CheckBootstrapVersion: {Assertions: []}
Resources:
  CDKMetadata: {Type: AWS::CDK::Metadata, Properties: {Analytics: x}}
",
    );
    assert_eq!(stack.unsupported, []);
}

#[test]
fn what_is_left_alone_is_said() {
    let stack = resolved(
        "Transform: [AWS::Serverless-2016-10-31, AWS::LanguageExtensions, MyMacro]\nRules: \
         {}\nResources:\n  A:\n    Type: A::B::C\n    Properties:\n      Password: !Join ['', \
         ['{{resolve:secretsmanager:', !Ref AWS::StackName, ':SecretString:x}}']]\n      Env: {X: \
         'a{{resolve:ssm:/a:1}}b{{resolve:ssm:/b}}'}\n",
    );
    let notes: Vec<_> = stack.unsupported.iter().map(ToString::to_string).collect();
    assert_eq!(
        notes,
        [
            "t.yaml:1:66: Transform: MyMacro is not applied; the template is used without it.",
            "t.yaml:2:1: Rules: this section is not applied.",
            "t.yaml:7:7: A.Password: the reference {{resolve:secretsmanager:shop:SecretString:x}} \
             is left as it is; give its value as \"shop:SecretString:x\" under Parameters in the \
             file of --env-vars.",
            "t.yaml:8:13: A.Env.X: the reference {{resolve:ssm:/a:1}} is left as it is; give its \
             value as \"/a:1\" under Parameters in the file of --env-vars.",
            "t.yaml:8:13: A.Env.X: the reference {{resolve:ssm:/b}} is left as it is; give its value \
             as \"/b\" under Parameters in the file of --env-vars.",
        ]
    );
}

#[test]
fn debug_output_holds_no_values() {
    let text = "Parameters:\n  P: {Type: String, Default: hunter2}\nResources:\n  F:\n    Type: \
                AWS::Serverless::Function\n    Properties:\n      Handler: a.b\n      Runtime: \
                python3.13\n      Environment: {Variables: {TOKEN: !Ref P}}\n";
    let stack = resolved(text);
    let functions = stack.functions().unwrap();
    let template = Template::parse("t.yaml", text).unwrap();
    let printed = format!("{stack:?} {functions:?} {template:?}");
    assert!(printed.contains("TOKEN"));
    assert!(!printed.contains("hunter2"), "{printed}");
}

#[test]
fn json_templates_resolve_too() {
    let stack = resolved(
        r#"{
  "Resources": {
    "Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": "${AWS::StackName}-q"}}}
  },
  "Outputs": {"Name": {"Value": {"Ref": "Q"}}}
}"#,
    );
    assert_eq!(stack.outputs[0].value, "shop-q");
    assert_eq!(stack.resources["Q"].position_of("QueueName").column, 53);
}

#[test]
fn mappings_are_plain() {
    let message = "a mapping is a map of maps of texts or lists, without functions; this is";
    assert_eq!(
        problems(
            "Mappings:\n  A: {b: {c: !Ref AWS::Region, d: [x]}}\n  E: {f: g}\n  H: i\nResources:\n  \
             R: {Type: A::B::C}\n"
        ),
        [
            format!("t.yaml:2:14: Mappings.A: {message} an intrinsic function."),
            format!("t.yaml:3:10: Mappings.E: {message} text."),
            format!("t.yaml:4:6: Mappings.H: {message} text."),
        ]
    );
}
