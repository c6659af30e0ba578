#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use super::*;
use crate::testing::{problems_of, resolved};
use serde_json::json;

#[track_caller]
fn function(kind: &str, properties: &str) -> Function {
    let stack = resolved(&format!(
        "Resources:\n  F:\n    Type: {kind}\n    Properties: {properties}\n"
    ));
    stack.functions().unwrap().remove(0)
}

#[test]
fn a_small_function_has_lambdas_defaults() {
    let function = function(
        "AWS::Serverless::Function",
        "{CodeUri: src/, Handler: app.handler, Runtime: python3.13, Role: arn}",
    );
    assert_eq!(
        function,
        Function {
            logical_id: "F".into(),
            name: None,
            code: Code::Path("src/".into()),
            handler: Some("app.handler".into()),
            runtime: Some("python3.13".into()),
            timeout_seconds: 3,
            memory_mb: 128,
            environment: BTreeMap::new(),
            layers: vec![],
            architecture: Architecture::X86_64,
            role: Some("arn".into()),
            package_image: false,
            events: vec![],
            position: Position { line: 2, column: 3 },
        }
    );
}

#[test]
fn a_full_function_is_read() {
    let function = function(
        "AWS::Serverless::Function",
        "\n      FunctionName: hello\n      InlineCode: 'pass'\n      Handler: a.b\n      Runtime: \
         python3.13\n      Timeout: '30'\n      MemorySize: 512\n      Architectures: [arm64]\n      \
         Layers: [!Ref AWS::StackName]\n      Environment: {Variables: {A: 1, B: yes, C: \
         x}}\n      Events:\n        Tick: {Type: Schedule, Properties: {Schedule: rate(1 \
         minute)}}\n        Bare: {Type: HttpApi}",
    );
    assert_eq!(function.name.as_deref(), Some("hello"));
    assert_eq!(function.code, Code::Inline("pass".into()));
    assert_eq!(function.timeout_seconds, 30);
    assert_eq!(function.memory_mb, 512);
    assert_eq!(function.architecture, Architecture::Arm64);
    assert_eq!(function.layers, ["shop"]);
    assert_eq!(function.role.as_deref(), Some("FRole.Arn"));
    let environment: Vec<_> = function.environment.into_iter().collect();
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(
        environment,
        [pair("A", "1"), pair("B", "true"), pair("C", "x")]
    );
    assert_eq!(
        function.events,
        [
            Event {
                name: "Tick".into(),
                kind: "Schedule".into(),
                properties: json!({"Schedule": "rate(1 minute)"}),
            },
            Event {
                name: "Bare".into(),
                kind: "HttpApi".into(),
                properties: Value::Null,
            },
        ]
    );
}

#[test]
fn code_is_found_wherever_it_stands() {
    let sam = |code: &str| {
        let properties = format!("{{Handler: a.b, Runtime: r, {code}}}");
        function("AWS::Serverless::Function", &properties).code
    };
    assert_eq!(sam("CodeUri: s3://b/k"), Code::Remote("s3://b/k".into()));
    assert_eq!(
        sam("CodeUri: {Bucket: b, Key: k}"),
        Code::Remote("s3://b/k".into())
    );
    assert_eq!(sam("Timeout: 3"), Code::Missing);
    let raw = |code: &str| {
        let properties = format!("{{Handler: a.b, Runtime: r, Code: {code}}}");
        function("AWS::Lambda::Function", &properties).code
    };
    assert_eq!(raw("./dist"), Code::Path("./dist".into()));
    assert_eq!(raw("{ZipFile: source}"), Code::Inline("source".into()));
    assert_eq!(
        raw("{S3Bucket: b, S3Key: k}"),
        Code::Remote("s3://b/k".into())
    );
}

#[test]
fn images_need_neither_handler_nor_runtime() {
    let sam = function(
        "AWS::Serverless::Function",
        "{PackageType: Image, ImageUri: 'repo:tag'}",
    );
    assert!(sam.package_image);
    assert_eq!(sam.code, Code::Remote("repo:tag".into()));
    let raw = function(
        "AWS::Lambda::Function",
        "{PackageType: Image, Code: {ImageUri: 'repo:tag'}}",
    );
    assert_eq!(raw.code, Code::Remote("repo:tag".into()));
}

#[test]
fn the_asset_of_a_cdk_template_is_its_path() {
    let stack = resolved(
        "Resources:\n  F:\n    Type: AWS::Lambda::Function\n    Properties: {Handler: a.b, Runtime: \
         r, Code: {S3Bucket: b, S3Key: k}}\n    Metadata: {'aws:asset:path': asset.1}\n",
    );
    assert_eq!(
        stack.functions().unwrap()[0].code,
        Code::Path("asset.1".into())
    );
}

#[test]
fn wrong_properties_are_all_named_at_once() {
    let stack = resolved(
        "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Runtime: [a]\n      \
         Timeout: soon\n      MemorySize: 1.5\n      CodeUri: {Bucket: b}\n      Architectures: \
         [mips]\n      Environment:\n        Variables:\n          A: {b: c}\n      Layers: [{a: \
         b}]\n      Events: {E: {Properties: {}}}\n  G:\n    Type: AWS::Serverless::Function\n    \
         Properties: {Handler: a.b, Runtime: r, Timeout: 901}\n",
    );
    assert_eq!(
        problems_of(stack.functions()),
        [
            "t.yaml:2:3: F.Handler: AWS::Serverless::Function needs this property.",
            "t.yaml:5:7: F.Runtime: it must be text, but it is a list.",
            "t.yaml:6:7: F.Timeout: it must be a whole number, but it is text.",
            "t.yaml:7:7: F.MemorySize: it must be a whole number, but it is a number.",
            "t.yaml:8:7: F.CodeUri: it must be a path, an s3:// address, or Bucket and Key.",
            "t.yaml:9:7: F.Architectures: mips is no architecture; it is x86_64 or arm64.",
            "t.yaml:12:11: F.Environment.Variables.A: it must be text, but it is a map.",
            "t.yaml:13:16: F.Layers.0: it must be text, but it is a map.",
            "t.yaml:14:16: F.Events.E: an event is a map with a Type such as Api or Schedule.",
            "t.yaml:17:44: G.Timeout: it must be from 1 to 900 seconds.",
        ]
    );
}
