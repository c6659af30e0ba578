//! Functions as SAM's translator makes them, and templates that it refuses, where its data lies
//! beside the project.
//!
//! Its output is a template like any other, so both are resolved in the same context, and what
//! comes of them is compared.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a failed test may panic, and what is compared is said"
)]

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tether_sam::{Code, Context, Function, LogicalNames, Parameter, Problems, Stack, Template};

/// How many of its templates must give the same functions. The others cannot be deployed: they
/// name resources, parameters or keys that they do not have.
const SAME: usize = 252;
/// How many of those that it refuses must be refused.
const REFUSED: usize = 130;

fn data() -> Option<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/sam-translator");
    if data.is_dir() {
        return Some(data);
    }
    eprintln!("skipped: {} is not there", data.display());
    None
}

/// Name, input and output of each.
fn templates(data: &Path, refused: bool) -> Vec<(String, String, String)> {
    let mut templates = Vec::new();
    for entry in fs::read_dir(data.join("input")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if name.starts_with("error_") == refused {
            let output = data.join("output").join(format!("{name}.json"));
            let [input, output] = [path, output].map(|it| fs::read_to_string(it).unwrap());
            templates.push((name, input, output));
        }
    }
    templates.sort();
    templates
}

/// A value for each parameter without a default.
fn values(template: &Template) -> BTreeMap<String, String> {
    let value = |parameter: Parameter| {
        let number = parameter.kind.contains("Number");
        let any = if number { "1" } else { "dummy" };
        let allowed = parameter.allowed_values.first().cloned();
        (parameter.name, allowed.unwrap_or_else(|| any.to_owned()))
    };
    let parameters = template.parameters().into_iter();
    parameters
        .filter(|it| it.default.is_none())
        .map(value)
        .collect()
}

fn resolve(name: &str, text: &str) -> Result<Stack, Problems> {
    let template = Template::parse(name, text)?;
    template.resolve(&Context {
        stack_name: "stack",
        stack_id: "arn:aws:cloudformation:eu-west-1:123456789012:stack/stack/1",
        account_id: "123456789012",
        // What the translator's own tests say.
        region: "ap-southeast-1",
        partition: "aws",
        url_suffix: "amazonaws.com",
        parameters: &values(&template),
        names: &LogicalNames,
    })
}

/// Without what SAM's types and the deployed ones write differently.
fn plain(mut function: Function) -> Function {
    if let Code::Remote(url) = &mut function.code {
        let object = url.split_once("?versionId=").map(|it| it.0.to_owned());
        *url = object.unwrap_or(url.clone());
    }
    function.layers.iter_mut().for_each(without_hash);
    function.events.clear();
    // It stands elsewhere in the translator's output.
    function.position = tether_sam::Position { line: 0, column: 0 };
    function
}

/// `MyLayera5167acaba` is `MyLayer`.
fn without_hash(id: &mut String) {
    let name = id
        .len()
        .checked_sub(10)
        .and_then(|at| id.split_at_checked(at));
    if let Some((name, hash)) = name
        && hash.chars().all(|it| it.is_ascii_hexdigit())
    {
        *id = name.to_owned();
    }
}

fn functions(name: &str, text: &str) -> Result<Vec<Function>, Problems> {
    let functions = resolve(name, text)?.functions()?;
    let mut functions: Vec<_> = functions.into_iter().map(plain).collect();
    functions.sort_by(|one, other| one.logical_id.cmp(&other.logical_id));
    Ok(functions)
}

#[test]
fn functions_are_what_the_translator_makes_of_them() {
    let Some(data) = data() else {
        return;
    };
    let templates = templates(&data, false);
    let mut same = 0;
    for (name, input, output) in &templates {
        let ours = functions(name, input);
        let theirs = functions(&format!("{name}.json"), output);
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => {
                assert!(ours == theirs, "{name}: {ours:#?} {theirs:#?}");
                same += 1;
            }
            (Err(problems), _) => eprintln!("ours: {}", problems.0[0]),
            (_, Err(problems)) => eprintln!("theirs: {}", problems.0[0]),
        }
    }
    eprintln!(
        "{same} of {} templates give the same functions",
        templates.len()
    );
    assert!(same >= SAME);
}

#[test]
fn what_the_translator_refuses_is_refused() {
    let Some(data) = data() else {
        return;
    };
    let templates = templates(&data, true);
    let mut refused = 0;
    for (name, input, output) in &templates {
        let stack = resolve(name, input);
        let views = stack.and_then(|it| {
            it.functions()?;
            it.layers()?;
            it.tables()?;
            it.websocket_apis()
        });
        if views.is_err() {
            refused += 1;
        } else {
            let output: Value = serde_json::from_str(output).unwrap();
            let why = output["errorMessage"].as_str().unwrap_or_default();
            eprintln!("not refused: {name}: {why}");
        }
    }
    eprintln!("{refused} of {} templates are refused", templates.len());
    assert!(refused >= REFUSED);
}
