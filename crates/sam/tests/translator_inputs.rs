//! The SAM translator's own templates, where they lie beside the project.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a failed test may panic, and a skipped one says so"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tether_sam::{Context, LogicalNames, Problems, Stack, Template};

fn folder() -> Option<PathBuf> {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/sam-translator/input");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: {} is not there", folder.display());
    None
}

/// Name and text of every template that the translator accepts.
fn accepted_templates(folder: &Path) -> Vec<(String, String)> {
    let mut templates = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let yaml = name.ends_with(".yaml") || name.ends_with(".yml");
        if yaml && !name.starts_with("error_") {
            templates.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
    templates.sort();
    templates
}

/// Resolves with a dummy for each parameter that has no default.
fn resolve(template: &Template) -> Result<Stack, Problems> {
    let without_default = template.parameters().into_iter();
    let parameters: BTreeMap<String, String> = without_default
        .filter(|parameter| parameter.default.is_none())
        .map(|parameter| {
            let dummy = if parameter.kind.contains("Number") {
                "1"
            } else {
                "dummy"
            };
            let allowed = parameter.allowed_values.first().cloned();
            (parameter.name, allowed.unwrap_or_else(|| dummy.to_owned()))
        })
        .collect();
    template.resolve(&Context {
        stack_name: "stack",
        stack_id: "arn:aws:cloudformation:eu-west-1:123456789012:stack/stack/1",
        account_id: "123456789012",
        region: "eu-west-1",
        partition: "aws",
        url_suffix: "amazonaws.com",
        parameters: &parameters,
        names: &LogicalNames,
    })
}

#[test]
fn every_template_that_the_translator_accepts_is_read() {
    let Some(folder) = folder() else {
        return;
    };
    let templates = accepted_templates(&folder);
    assert!(!templates.is_empty());
    let mut resolved = 0;
    for (name, text) in &templates {
        let template = match Template::parse(name, text) {
            Ok(template) => template,
            Err(problems) => panic!("{problems}"),
        };
        match resolve(&template) {
            Ok(stack) => {
                resolved += 1;
                if let Err(problems) = views(&stack) {
                    eprintln!("read, but: {problems}");
                }
            }
            Err(problems) => eprintln!("parsed, but: {problems}"),
        }
    }
    eprintln!("{resolved} of {} templates resolve", templates.len());
    // What is left needs SAM's generated resources.
    assert!(resolved * 10 >= templates.len() * 9);
}

fn views(stack: &Stack) -> Result<(), Problems> {
    stack.functions()?;
    stack.layers()?;
    stack.tables()?;
    stack.websocket_apis()?;
    Ok(())
}

#[test]
fn neither_refused_nor_cut_off_templates_make_it_panic() {
    let Some(folder) = folder() else {
        return;
    };
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let cuts = [text.len(), text.len() / 2, text.len() / 3];
        for cut in cuts.map(|at| text.floor_char_boundary(at)) {
            if let Ok(template) = Template::parse(&name, &text[..cut])
                && let Ok(stack) = resolve(&template)
            {
                // Most of what the translator refuses is in properties that are not read here.
                let _ = views(&stack);
            }
        }
    }
}
