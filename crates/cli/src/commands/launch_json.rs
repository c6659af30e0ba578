//! `tether launch-json`

use crate::args::LaunchJson;
use crate::launch_json::{DebuggerKind, Entry, merge};
use crate::output::Output;
use anyhow::{Context as _, Result, bail};
use serde_json::json;
use std::io::ErrorKind;
use std::path::Path;
use std::process::ExitCode;
use tether_project::Place;
use tether_receiver::Debugging;

pub(crate) fn run(typed: &LaunchJson, output: &Output) -> Result<ExitCode> {
    let copies = tether_project::load(&typed.template, &Place::in_region(None))?;
    let debugging = Debugging {
        host: "127.0.0.1".to_owned(),
        first_port: typed.debug_port,
    };
    let mut entries = Vec::new();
    for (index, (function, code)) in copies.functions.iter().enumerate() {
        match code {
            Ok(code) => entries.push(Entry {
                function: function.clone(),
                kind: DebuggerKind::Debugpy,
                host: debugging.host.clone(),
                port: debugging.port(index)?,
                local_root: in_workspace(&code.source.code),
            }),
            Err(reason) => output.notice(&format!("no entry for {function}: {reason}")),
        }
    }
    if entries.is_empty() {
        bail!(
            "{} has no function that can be debugged here",
            typed.template.display()
        );
    }
    let path = &typed.output;
    let existing = match std::fs::read_to_string(path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => bail!("{} cannot be read: {error}", path.display()),
    };
    let merged = merge(existing.as_deref(), &entries)
        .map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
    write(path, &merged)?;
    let names: Vec<String> = entries.iter().map(Entry::name).collect();
    output.say(&format!("{}: {}", path.display(), names.join(", ")));
    output.object(&json!({ "event": "launchJson", "path": path, "entries": names }));
    Ok(ExitCode::SUCCESS)
}

fn in_workspace(folder: &Path) -> String {
    let here = std::env::current_dir()
        .and_then(|it| it.canonicalize())
        .unwrap_or_default();
    match folder.strip_prefix(&here) {
        Ok(relative) if relative.as_os_str().is_empty() => "${workspaceFolder}".to_owned(),
        Ok(relative) => format!("${{workspaceFolder}}/{}", relative.display()),
        Err(_) => folder.display().to_string(),
    }
}

/// Through a file beside it: what is there is never half written.
fn write(path: &Path, text: &str) -> Result<()> {
    let failed = || format!("{} cannot be written", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(failed)?;
    }
    let beside = path.with_extension("json.tether");
    std::fs::write(&beside, text).with_context(failed)?;
    std::fs::rename(&beside, path).with_context(failed)
}
