//! SAM's WebSocket APIs, held against what the translator makes of them, where its templates lie
//! beside the project.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a failed test may panic, and a skipped one says so"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tether_sam::{Context, LogicalNames, Problems, Stack, Template, WebSocketApi};

fn data() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/sam-translator");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: {} is not there", folder.display());
    None
}

/// The name of every input that has to do with them.
fn names(data: &Path, prefix: &str) -> Vec<String> {
    let files = fs::read_dir(data.join("input")).unwrap();
    let names = files.map(|it| it.unwrap().file_name().into_string().unwrap());
    let stems = names.filter_map(|it| it.strip_suffix(".yaml").map(str::to_owned));
    let mut names: Vec<_> = stems.filter(|it| it.starts_with(prefix)).collect();
    names.sort();
    assert!(!names.is_empty());
    names
}

fn resolve(path: &Path) -> Result<Stack, Problems> {
    let text = fs::read_to_string(path).unwrap();
    let template = Template::parse(&path.display().to_string(), &text)?;
    template.resolve(&Context {
        stack_name: "stack",
        stack_id: "arn:aws:cloudformation:eu-west-1:123456789012:stack/stack/1",
        account_id: "123456789012",
        region: "eu-west-1",
        partition: "aws",
        url_suffix: "amazonaws.com",
        parameters: &BTreeMap::new(),
        names: &LogicalNames,
    })
}

/// In an order of their own: the translator's is that of the alphabet.
fn apis(path: &Path) -> Vec<WebSocketApi> {
    let apis = resolve(path).and_then(|it| it.websocket_apis());
    let mut apis = apis.unwrap_or_else(|problems| panic!("{problems}"));
    for api in &mut apis {
        api.routes.sort_by(|a, b| a.route_key.cmp(&b.route_key));
    }
    apis.sort_by(|a, b| a.logical_id.cmp(&b.logical_id));
    apis
}

#[test]
fn an_api_is_what_the_translator_makes_of_it() {
    let Some(data) = data() else { return };
    for name in names(&data, "websocket_api") {
        let ours = apis(&data.join(format!("input/{name}.yaml")));
        let theirs = apis(&data.join(format!("output/{name}.json")));
        assert!(!ours.is_empty(), "{name}");
        assert_eq!(ours, theirs, "{name}");
    }
}

#[test]
fn what_the_translator_refuses_is_refused() {
    let Some(data) = data() else { return };
    for name in names(&data, "error_websocket_api") {
        let refused = resolve(&data.join(format!("input/{name}.yaml")));
        assert!(refused.is_err(), "{name} is taken");
    }
}
