//! SAM's policy templates against what its translator makes of them, where that lies beside the
//! project.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a failed test may panic, and a skipped one says so"
)]

use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tether_sam::{Context, LogicalNames, Stack, Template, is_policy_template};

const INPUT: &str = "input/all_policy_templates.yaml";
const OUTPUT: &str = "output/all_policy_templates.json";

/// Every statement of a policy: its actions, and how many resources it names.
fn statements(policy: &Value) -> Vec<(BTreeSet<String>, usize)> {
    let list = |value: &Value| match value {
        Value::Array(items) => items.clone(),
        single => vec![single.clone()],
    };
    let statements = list(&policy["PolicyDocument"]["Statement"]);
    let one = |it: &Value| {
        let actions = list(&it["Action"]).into_iter();
        let actions = actions.map(|it| it.as_str().unwrap().to_owned());
        (actions.collect(), list(&it["Resource"]).len())
    };
    statements.iter().map(one).collect()
}

fn resolved(file: &str, text: &str) -> Stack {
    let stack = Template::parse(file, text).unwrap().resolve(&Context {
        stack_name: "stack",
        stack_id: "arn:aws:cloudformation:eu-west-1:123456789012:stack/stack/1",
        account_id: "123456789012",
        region: "eu-west-1",
        partition: "aws",
        url_suffix: "amazonaws.com",
        parameters: &BTreeMap::new(),
        names: &LogicalNames,
    });
    stack.unwrap()
}

#[test]
fn each_policy_template_that_is_known_allows_what_sams_own_does() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/sam-translator");
    let Ok(text) = std::fs::read_to_string(data.join(INPUT)) else {
        eprintln!("skipped: {} is not there", data.join(INPUT).display());
        return;
    };
    let output: Value =
        serde_json::from_str(&std::fs::read_to_string(data.join(OUTPUT)).unwrap()).unwrap();
    let role = |resources: &Map<String, Value>| {
        let policies = resources["KitchenSinkFunctionRole"]["Properties"]["Policies"].clone();
        let named = policies.as_array().unwrap().iter().map(|it| {
            let name = it["PolicyName"].as_str().unwrap().to_owned();
            (
                name.trim_start_matches("KitchenSinkFunction").to_owned(),
                statements(it),
            )
        });
        named.collect::<BTreeMap<_, _>>()
    };
    let theirs = role(output["Resources"].as_object().unwrap());
    let stack = resolved(INPUT, &text);
    let function = &stack.resources["KitchenSinkFunction"].properties["Policies"];
    let names = function.as_array().unwrap().iter();
    let known =
        names.filter(|it| is_policy_template(it.as_object().unwrap().keys().next().unwrap()));
    let properties = json!({ "Properties": stack.resources["KitchenSinkFunctionRole"].properties });
    let ours = role(&Map::from_iter([(
        "KitchenSinkFunctionRole".to_owned(),
        properties,
    )]));
    assert_eq!(ours.len(), known.count());
    for (name, statements) in ours {
        assert_eq!(Some(&statements), theirs.get(&name), "{name}");
    }
}

#[test]
fn a_role_may_tell_the_destinations_of_events_what_sams_own_may() {
    const NAME: &str = "function_with_event_dest";
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/sam-translator");
    let input = data.join(format!("input/{NAME}.yaml"));
    let Ok(text) = std::fs::read_to_string(&input) else {
        eprintln!("skipped: {} is not there", input.display());
        return;
    };
    let output = std::fs::read_to_string(data.join(format!("output/{NAME}.json")));
    let output: Value = serde_json::from_str(&output.unwrap()).unwrap();
    let stack = resolved(NAME, &text);
    let told = |policies: &Value| -> Vec<(String, String)> {
        let policies = policies.as_array().unwrap().iter();
        let text = |it: &Value| it.as_str().unwrap().to_owned();
        let one = |it: &Value| {
            let action = &it["PolicyDocument"]["Statement"][0]["Action"];
            (text(&it["PolicyName"]), text(action))
        };
        policies.map(one).collect()
    };
    let role = "MyTestFunction2Role";
    let theirs = told(&output["Resources"][role]["Properties"]["Policies"]);
    assert_eq!(told(&stack.resources[role].properties["Policies"]), theirs);
    assert_eq!(theirs.len(), 2);
}
