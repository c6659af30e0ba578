//! What resolution leaves as it is, said once so that nothing is skipped in silence.

use crate::parameters::Values;
use crate::problem::{Problem, Report};
use crate::stack::Resource;
use crate::tree::{Member, Node};
use indexmap::IndexMap;
use serde_json::Value;

/// Transforms whose work is done here.
const TRANSFORMS: [&str; 3] = [
    "AWS::Include",
    "AWS::LanguageExtensions",
    "AWS::Serverless-2016-10-31",
];

/// What CDK adds to every template: a version of its bootstrap stack, and a rule that checks it.
/// <https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-customizing.html>
const CDK_BOOTSTRAP: &str = "/cdk-bootstrap/";
const CDK_RULE: &str = "CheckBootstrapVersion";

/// Macros, rules, hooks, and parameters whose value is only the name of the value.
pub(crate) fn sections(root: &Node, values: &Values, report: &Report) -> Vec<Problem> {
    let mut notes = Vec::new();
    let mut note = |position, path: &str, message: String| {
        notes.push(report.problem(Some(position), None, Some(path), message));
    };
    for transform in transforms(root) {
        let name = transform_name(transform).unwrap_or("a macro");
        if !TRANSFORMS.contains(&name) {
            let message = format!("{name} is not applied; the template is used without it.");
            note(transform.position, "Transform", message);
        }
    }
    for section in ["Rules", "Hooks"] {
        let member = root.as_map().and_then(|it| it.get(section));
        if let Some(Member { key, value }) = member
            && !only_cdks(value)
        {
            note(*key, section, "this section is not applied.".to_owned());
        }
    }
    let unknown = values.unknown.iter();
    for (parameter, stored, position) in unknown.filter(|it| !it.1.starts_with(CDK_BOOTSTRAP)) {
        let message = format!(
            "its value is the name of a stored value, which is not looked up; give it as \
             \"{stored}\" under Parameters in the file of --env-vars."
        );
        note(*position, &format!("Parameters.{parameter}"), message);
    }
    notes
}

/// Whether all that stands in `Rules` is CDK's own check of its bootstrap stack.
fn only_cdks(section: &Node) -> bool {
    let rules = section.as_map();
    rules.is_some_and(|it| it.len() == 1 && it.contains_key(CDK_RULE))
}

/// What a transform is called.
pub(crate) fn transform_name(transform: &Node) -> Option<&str> {
    let name = transform.as_text();
    name.or_else(|| transform.member("Name")?.as_text())
}

/// What the template asks to be transformed by.
pub(crate) fn transforms(root: &Node) -> &[Node] {
    match root.member("Transform") {
        None => &[],
        Some(node) => node.as_list().unwrap_or(std::slice::from_ref(node)),
    }
}

/// `{{resolve:service:reference}}` in properties.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html>
pub(crate) fn dynamic_references(
    resources: &IndexMap<String, Resource>,
    report: &Report,
) -> Vec<Problem> {
    let mut notes = Vec::new();
    for resource in resources.values() {
        walk(&resource.properties, &mut Vec::new(), &mut |path, text| {
            let mut rest = text;
            while let Some((_, after)) = rest.split_once("{{resolve:") {
                let (reference, after) = after.split_once("}}").unwrap_or((after, ""));
                rest = after;
                let path = path.join(".");
                let name = reference
                    .split_once(':')
                    .map_or(reference, |(_, name)| name);
                let message = format!(
                    "the reference {{{{resolve:{reference}}}}} is left as it is; give its value as \
                     \"{name}\" under Parameters in the file of --env-vars."
                );
                let position = Some(resource.position_of(&path));
                let id = Some(resource.logical_id.as_str());
                notes.push(report.problem(position, id, Some(&path), message));
            }
        });
    }
    notes
}

fn walk(value: &Value, path: &mut Vec<String>, found: &mut dyn FnMut(&[String], &str)) {
    match value {
        Value::String(text) => found(path, text),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push(index.to_string());
                walk(item, path, found);
                path.pop();
            }
        }
        Value::Object(members) => {
            for (key, member) in members {
                path.push(key.clone());
                walk(member, path, found);
                path.pop();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
