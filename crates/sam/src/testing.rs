//! What the unit tests share: one context, and templates that resolve in it.

#![allow(clippy::panic, reason = "a failed test may panic")]

use crate::names::{Context, LogicalNames};
use crate::problem::Problems;
use crate::stack::Stack;
use crate::surroundings::{Files, Surroundings, Unread};
use crate::template::Template;
use std::collections::BTreeMap;

/// Resolves `text` as `t.yaml` with these parameter overrides.
pub(crate) fn resolve_with(text: &str, overrides: &[(&str, &str)]) -> Result<Stack, Problems> {
    let parameters: BTreeMap<String, String> = overrides
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Template::parse("t.yaml", text)?.resolve(&context(&parameters))
}

fn context(parameters: &BTreeMap<String, String>) -> Context<'_> {
    Context {
        stack_name: "shop",
        stack_id: "arn:aws:cloudformation:eu-west-1:123456789012:stack/shop/1",
        account_id: "123456789012",
        region: "eu-west-1",
        partition: "aws",
        url_suffix: "amazonaws.com",
        parameters,
        names: &LogicalNames,
    }
}

/// The stack of a template that has nothing wrong.
#[track_caller]
pub(crate) fn resolved(text: &str) -> Stack {
    match resolve_with(text, &[]) {
        Ok(stack) => stack,
        Err(problems) => panic!("{problems}"),
    }
}

/// The problems of a template, one line each.
#[track_caller]
pub(crate) fn problems(text: &str) -> Vec<String> {
    problems_of(resolve_with(text, &[]))
}

/// The problems of a result, one line each.
#[track_caller]
pub(crate) fn problems_of<T>(result: Result<T, Problems>) -> Vec<String> {
    match result {
        Ok(_) => panic!("nothing was wrong"),
        Err(Problems(problems)) => problems.iter().map(ToString::to_string).collect(),
    }
}

/// The property `V` of a resource whose property `V` is written as `yaml`, in a template with a
/// few things to refer to.
#[track_caller]
pub(crate) fn property(yaml: &str) -> serde_json::Value {
    let stack = resolved(&with_property(yaml));
    let resource = stack.resources.get("Subject");
    resource
        .and_then(|it| it.properties.get("V"))
        .cloned()
        .unwrap_or_default()
}

/// The problems of such a property, without file and resource.
#[track_caller]
pub(crate) fn property_problems(yaml: &str) -> Vec<String> {
    problems(&with_property(yaml))
}

/// `V` stands on line 24, its value begins in column 10.
fn with_property(yaml: &str) -> String {
    format!(
        "Parameters:
  Stage: {{Type: String, Default: dev}}
  Count: {{Type: Number, Default: 3}}
  Zones: {{Type: CommaDelimitedList, Default: 'a, b,c'}}
Mappings:
  Sizes:
    dev: {{Memory: 128, Names: [x, y]}}
    prod: {{Memory: 512}}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsDev: !Not [!Condition IsProd]
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: !Sub '${{AWS::StackName}}-orders'
  Gone:
    Type: AWS::SNS::Topic
    Condition: IsProd
  Subject:
    Type: Test::Any::Thing
    Properties:
      Other: kept
      V: {yaml}
"
    )
}

/// Files as they lie beside `t.yaml`; addresses are elsewhere.
pub(crate) struct FilesOf<'f>(pub(crate) &'f [(&'f str, &'f str)]);

impl Files for FilesOf<'_> {
    fn read(&self, path: &str) -> Result<String, Unread> {
        if path.contains("://") {
            return Err(Unread::Elsewhere("it is not here".to_owned()));
        }
        let path = path.trim_start_matches("./");
        let found = self.0.iter().find(|(name, _)| *name == path);
        let found = found.map(|(_, text)| (*text).to_owned());
        found.ok_or_else(|| Unread::Missing("there is no such file".to_owned()))
    }

    fn asset(&self, key: &str) -> Option<String> {
        let found = self.0.iter().find(|(name, _)| *name == key);
        found.map(|(_, path)| (*path).to_owned())
    }
}

/// Resolves `text` as `t.yaml` among these files.
pub(crate) fn resolve_among(text: &str, files: &[(&str, &str)]) -> Result<Stack, Problems> {
    let imports = BTreeMap::from([("shared-vpc".to_owned(), "vpc-1".to_owned())]);
    let stored = BTreeMap::from([
        ("/shop/url".to_owned(), "https://shop".to_owned()),
        ("/shop/zones".to_owned(), "a, b".to_owned()),
        (
            "shop/db".to_owned(),
            r#"{"user": "admin", "password": "secret"}"#.to_owned(),
        ),
        ("ssm-secure:/shop/key:2".to_owned(), "key".to_owned()),
    ]);
    let parameters = BTreeMap::new();
    let around = Surroundings {
        files: &FilesOf(files),
        imports: Some(&imports),
        stored: &stored,
    };
    Template::parse("t.yaml", text)?.resolve_in(&context(&parameters), &around)
}
