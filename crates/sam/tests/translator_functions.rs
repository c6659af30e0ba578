//! Functions as SAM's translator makes them, where its data lies beside the project.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a failed test may panic, and what is compared is said"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tether_sam::{Context, Function, LogicalNames, Problems, Stack, Template};

fn data() -> Option<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/sam-translator");
    if data.is_dir() {
        return Some(data);
    }
    eprintln!("skipped: {} is not there", data.display());
    None
}

fn dummies(template: &Template) -> BTreeMap<String, String> {
    let without_default = template.parameters().into_iter();
    let without_default = without_default.filter(|it| it.default.is_none());
    let dummy = |parameter: tether_sam::Parameter| {
        let dummy = if parameter.kind.contains("Number") {
            "1"
        } else {
            "dummy"
        };
        let allowed = parameter.allowed_values.first().cloned();
        (parameter.name, allowed.unwrap_or_else(|| dummy.to_owned()))
    };
    without_default.map(dummy).collect()
}

fn resolve(name: &str, text: &str) -> Result<Stack, Problems> {
    let template = Template::parse(name, text)?;
    template.resolve(&Context {
        stack_name: "stack",
        stack_id: "arn:aws:cloudformation:eu-west-1:123456789012:stack/stack/1",
        account_id: "123456789012",
        region: "eu-west-1",
        partition: "aws",
        url_suffix: "amazonaws.com",
        parameters: &dummies(&template),
        names: &LogicalNames,
    })
}

#[test]
fn functions_are_what_the_translator_makes_of_them() {
    let Some(data) = data() else { return };
    let mut names: Vec<_> = fs::read_dir(data.join("input"))
        .unwrap()
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let (mut same, mut all) = (0, 0);
    for name in names.iter().filter(|it| !it.starts_with("error_")) {
        all += 1;
        let input = fs::read_to_string(data.join("input").join(name)).unwrap();
        let out = name.replace(".yaml", ".json");
        let output = fs::read_to_string(data.join("output").join(&out)).unwrap();
        let ours = match resolve(name, &input) {
            Ok(s) => s,
            Err(e) => {
                eprintln!("IN {e}");
                continue;
            }
        };
        let theirs = match resolve(&out, &output) {
            Ok(s) => s,
            Err(e) => {
                eprintln!("OUT {e}");
                continue;
            }
        };
        let a = match ours.functions() {
            Ok(s) => s,
            Err(e) => {
                eprintln!("FIN {e}");
                continue;
            }
        };
        let b = match theirs.functions() {
            Ok(s) => s,
            Err(e) => {
                eprintln!("FOUT {name} {e}");
                continue;
            }
        };
        let show = |f: &Function| {
            format!(
                "{} {:?} {:?} {:?} {:?} {} {} {:?} {:?} {:?} {:?} {}",
                f.logical_id,
                f.name,
                f.code,
                f.handler,
                f.runtime,
                f.timeout_seconds,
                f.memory_mb,
                f.environment,
                f.layers,
                f.architecture,
                f.role,
                f.package_image
            )
        };
        let mut a: Vec<_> = a.iter().map(show).collect();
        a.sort();
        let mut b: Vec<_> = b.iter().map(show).collect();
        b.sort();
        if a == b {
            same += 1
        } else {
            eprintln!("DIFF {name}");
            for x in a.iter().filter(|x| !b.contains(x)) {
                eprintln!("   ours {x}")
            }
            for x in b.iter().filter(|x| !a.contains(x)) {
                eprintln!("   thrs {x}")
            }
        }
    }
    eprintln!("{same} of {all}");
}

#[test]
fn refused() {
    let Some(data) = data() else { return };
    let mut names: Vec<_> = fs::read_dir(data.join("input"))
        .unwrap()
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let (mut same, mut all) = (0, 0);
    for name in names.iter().filter(|it| it.starts_with("error_")) {
        all += 1;
        let input = fs::read_to_string(data.join("input").join(name)).unwrap();
        let out = name.replace(".yaml", ".json");
        let output = fs::read_to_string(data.join("output").join(&out)).unwrap();
        let output: serde_json::Value = serde_json::from_str(&output).unwrap();
        let ours = resolve(name, &input).and_then(|s| {
            s.functions()?;
            s.layers()?;
            s.tables()?;
            s.websocket_apis()?;
            Ok(s)
        });
        match ours {
            Ok(_) => eprintln!(
                "MISS {name}: {}",
                output["errorMessage"]
                    .as_str()
                    .unwrap_or("?")
                    .split_once("Number of errors found: ")
                    .map_or("", |x| x.1)
            ),
            Err(e) => {
                same += 1;
                eprintln!(
                    "HIT {name}: {} || {}",
                    e.0[0].message,
                    output["errorMessage"]
                        .as_str()
                        .unwrap_or("?")
                        .split_once("Number of errors found: ")
                        .map_or("", |x| x.1)
                )
            }
        }
    }
    eprintln!("{same} of {all}");
}
