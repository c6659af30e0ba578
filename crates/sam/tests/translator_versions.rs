//! Versions and aliases of functions against what SAM's transform makes of them, where its templates
//! lie beside the project: those of an input are those of its output, by name and number.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a failed test may panic, and a skipped one says so"
)]

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tether_sam::{Context, LogicalNames, Problems, Stack, Template};

/// How many templates with published versions there are, of those that both sides resolve.
const EQUAL: usize = 22;

/// Versions that are called otherwise than by the transform, and why.
const DIFFERENT: [(&str, &str); 1] = [(
    "function_with_aliasallproperties_and_lambda_layer_publishversion_true",
    "all of the function counts, and its layer and tags are called otherwise here",
)];

fn folder() -> Option<PathBuf> {
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let mut folders = above.map(|it| it.join("shared/data/sam-translator"));
    let folder = folders.find(|it| it.is_dir());
    if folder.is_none() {
        eprintln!("skipped: no shared/data/sam-translator is there");
    }
    folder
}

fn resolve(name: &str, text: &str) -> Result<Stack, Problems> {
    let template = Template::parse(name, text)?;
    let without_default = template.parameters().into_iter();
    let parameters: BTreeMap<String, String> = without_default
        .filter(|parameter| parameter.default.is_none())
        .map(|parameter| {
            let number = parameter.kind.contains("Number");
            let dummy = if number { "1" } else { "dummy" };
            let allowed = parameter.allowed_values.first().cloned();
            (parameter.name, allowed.unwrap_or_else(|| dummy.to_owned()))
        })
        .collect();
    template.resolve(&Context {
        stack_name: "stack",
        stack_id: "arn:aws:cloudformation:ap-southeast-1:123456789012:stack/stack/1",
        account_id: "123456789012",
        region: "ap-southeast-1",
        partition: "aws",
        url_suffix: "amazonaws.com",
        parameters: &parameters,
        names: &LogicalNames,
    })
}

/// What is published, one line each.
fn published(stack: &Stack) -> Vec<String> {
    let resources = stack.resources.values();
    let published = resources
        .filter(|it| ["AWS::Lambda::Version", "AWS::Lambda::Alias"].contains(&it.kind.as_str()));
    let given = |it: &Value, name: &str| it.get(name).cloned().unwrap_or_default();
    let mut lines: Vec<String> = published
        .map(|it| {
            let parts = ["FunctionName", "FunctionVersion", "Name", "Description"];
            let parts = parts.map(|name| given(&it.properties, name).to_string());
            let policies = (&it.deletion_policy, &it.update_replace_policy);
            let condition = &it.condition;
            format!("{} {parts:?} {policies:?} {condition:?}", it.logical_id)
        })
        .collect();
    lines.sort();
    lines
}

#[test]
fn versions_and_aliases_are_those_that_the_transform_makes() {
    let Some(folder) = folder() else {
        return;
    };
    let (mut equal, mut different) = (0, BTreeMap::new());
    for entry in fs::read_dir(folder.join("input")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if name.starts_with("error_") {
            continue;
        }
        let output = folder.join("output").join(format!("{name}.json"));
        let [input, output] = [path, output].map(|it| fs::read_to_string(it).unwrap());
        let (Ok(ours), Ok(theirs)) = (resolve(&name, &input), resolve(&name, &output)) else {
            continue;
        };
        let (ours, theirs) = (published(&ours), published(&theirs));
        if ours != theirs {
            different.insert(name, (ours, theirs));
        } else if !ours.is_empty() {
            equal += 1;
        }
    }
    eprintln!("{equal} templates publish the versions and aliases of AWS's transform");
    for (name, reason) in DIFFERENT {
        assert!(different.remove(name).is_some(), "{name} is equal now");
        eprintln!("{name} is left: {reason}");
    }
    assert_eq!(different, BTreeMap::new());
    assert!(equal >= EQUAL, "only {equal} templates publish anything");
}
